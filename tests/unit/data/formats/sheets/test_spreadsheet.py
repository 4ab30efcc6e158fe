"""Flat tables: what a spreadsheet would run is harmless, and every cell comes back."""

import json
import zipfile
from datetime import datetime

import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.data.formats.sheets import spreadsheet as sheet
from leopardnet.data.formats.sheets.spreadsheet import (
    harmless_text,
    plain_text,
    read_sheet,
    runs_as_formula,
    write_sheet,
)
from leopardnet.data.formats.sheets.workbook import find_link_root

DANGEROUS = ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "'=1", "＝1", '=HYPERLINK("http://x")']
HARMLESS = ["", "site-1", "a=b", "тигр", "'tis", "1+1", "x@y", "_"]


@pytest.mark.parametrize("text", DANGEROUS)
def test_formulas_are_found_and_come_back(text):
    assert runs_as_formula(text) and not runs_as_formula("x" + text)
    assert harmless_text(text) == "'" + text and plain_text(harmless_text(text)) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_other_texts_stay_as_they_are(text):
    assert harmless_text(text) == text == plain_text(text)


def test_csv_has_points_a_mark_where_asked_and_numbers_untouched(tmp_path):
    table = pd.DataFrame({"path": ["=a/1.jpg", "тигр.jpg"], "x": [-1.5, None], "=p": ["a,b", None]})
    notes = write_sheet(table, tmp_path / "x.csv", format="csv")
    assert (tmp_path / "x.csv").read_bytes().decode() == "path,x,'=p\r\n'=a/1.jpg,-1.5,\"a,b\"\r\nтигр.jpg,,\r\n"
    assert notes == ("cells that a spreadsheet would run as a formula, with an apostrophe in front: 1",)
    write_sheet(table, tmp_path / "y.csv", format="csv", bom=True)
    assert (tmp_path / "y.csv").read_bytes() == b"\xef\xbb\xbf" + (tmp_path / "x.csv").read_bytes()
    assert read_sheet(tmp_path / "y.csv", format="csv")["path"].tolist() == ["=a/1.jpg", "тигр.jpg"]


def test_xlsx_stores_texts_as_texts_and_times_as_times(tmp_path):
    table = pd.DataFrame(
        {
            "path": ["=1+1", "http://x"],
            "t": pd.to_datetime(["2021-12-30 22:34:56.5", None]),
            "p": [0.25, None],
            "n": pd.array([3, None], "Int64"),
        }
    )
    assert write_sheet(table, tmp_path / "x.xlsx", format="xlsx") == ()
    got = read_sheet(tmp_path / "x.xlsx", format="xlsx")
    assert got["path"].tolist() == ["=1+1", "http://x"] and got["t"][0] == pd.Timestamp("2021-12-30 22:34:56.5")
    assert got["p"][0] == 0.25 and got["n"][0] == 3 and got.loc[1, ["t", "p", "n"]].isna().all()
    with zipfile.ZipFile(tmp_path / "x.xlsx") as book:
        xml = b"".join(book.read(n) for n in book.namelist())
    assert b"<f>" not in xml and b"hyperlink" not in xml


def test_xlsx_cuts_what_is_too_long_and_says_so(tmp_path):
    table = pd.DataFrame({"a": ["x" * 40_000, "y"], "old": [datetime(1890, 1, 1)] * 2})
    (note,) = write_sheet(table.astype({"old": "datetime64[us]"}), tmp_path / "x.xlsx", format="xlsx")
    got = read_sheet(tmp_path / "x.xlsx", format="xlsx")
    assert note.endswith(": 1") and len(got["a"][0]) == 32_767 and got["old"][0] == "1890-01-01 00:00:00"


def test_xlsx_with_too_many_rows_is_refused_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "MAX_XLSX_ROWS", 1)
    with pytest.raises(ManifestError, match="too long for XLSX"):
        write_sheet(pd.DataFrame({"a": [1, 2]}), tmp_path / "x.xlsx", format="xlsx")
    assert not list(tmp_path.iterdir())


def test_json_lines_hold_lists_and_other_formats_hold_them_as_json(tmp_path):
    table = pd.DataFrame({"a": ["豹\u2028\n", None], "frames": [[{"t": 0.5, "boxes": None}], []], "n": [1, 2]})
    write_sheet(table, tmp_path / "x.jsonl", format="jsonl")
    assert (tmp_path / "x.jsonl").read_bytes().count(b"\n") == 2
    got = read_sheet(tmp_path / "x.jsonl", format="jsonl")
    assert got["frames"].tolist() == [[{"t": 0.5, "boxes": None}], []] and got["n"].tolist() == [1, 2]
    assert got["a"][0] == "豹\u2028\n" and pd.isna(got["a"][1])
    write_sheet(table, tmp_path / "x.parquet", format="parquet")
    assert read_sheet(tmp_path / "x.parquet", format="parquet")["frames"].tolist() == [
        '[{"t": 0.5, "boxes": null}]',
        "[]",
    ]


@pytest.mark.parametrize("format", sheet.SHEET_FORMATS)
def test_no_rows_at_all(tmp_path, format):
    table = pd.DataFrame({"path": pd.Series(dtype="str"), "p": pd.Series(dtype="float64")})
    write_sheet(table, tmp_path / "x", format=format)
    assert len(read_sheet(tmp_path / "x", format=format)) == 0


def test_json_lines_have_null_for_numbers_that_are_not_finite(tmp_path):
    table = pd.DataFrame({"p": [float("nan")], "frames": [[{"p": float("inf"), "t": [1.5, float("nan")]}]]})
    write_sheet(table, tmp_path / "x.jsonl", format="jsonl")
    assert json.loads((tmp_path / "x.jsonl").read_text()) == {"p": None, "frames": [{"p": None, "t": [1.5, None]}]}


def test_the_first_sheet_is_for_people_and_ids_are_on_the_second(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    table = pd.DataFrame(
        {
            "clip_id": ["0011", "2233"],
            "path": ["site a/1.jpg", "=b/2#3.jpg"],
            "decision": ["a leopard that is long", "x"],
            "evidence_times_s": ["[0.5]", "[1.0]"],
            "bundle_id": ["b", "b"],
        }
    )
    (tmp_path / "cards").mkdir()
    file = tmp_path / "results" / "r.xlsx"
    root = find_link_root(tmp_path / "cards", file)
    write_sheet(table, file, format="xlsx", link_to=root)
    book = openpyxl.load_workbook(file)
    shown, ids = book.worksheets
    assert [c.value for c in shown[1]] == ["path", "decision"] and shown.auto_filter.ref == "A1:B3"
    assert [c.value for c in ids[1]] == ["path", "clip_id", "evidence_times_s", "bundle_id"]
    assert [c.value for c in shown["A"]] == ["path", "site a/1.jpg", "=b/2#3.jpg"]
    assert shown["A2"].hyperlink.target.replace("%20", " ").replace("\\", "/") == "../cards/site a/1.jpg"
    assert shown["A3"].data_type == "s", "a text, whatever it looks like"
    assert 20 <= shown.column_dimensions["B"].width <= 30 and shown.column_dimensions["A"].width <= 61
    assert find_link_root(tmp_path / "cards", tmp_path / "a/b/c/d/r.xlsx") is None, "it would name many folders"
    got = read_sheet(file, format="xlsx")
    assert got[table.columns].astype(str).equals(table.astype(str)), "programs find all of it"
    write_sheet(table.drop(columns="path"), file, format="xlsx")
    assert [s.title for s in openpyxl.load_workbook(file).worksheets] == ["clips"], "without paths, ids say which"


def test_a_table_without_rows_is_a_sheet(tmp_path):
    write_sheet(pd.DataFrame({"path": pd.Series(dtype="str")}), tmp_path / "x.xlsx", format="xlsx")
    assert list(read_sheet(tmp_path / "x.xlsx", format="xlsx").columns) == ["path"]
