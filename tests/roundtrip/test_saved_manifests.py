"""Manifests that a spreadsheet program saved again are those of before, in each of its forms."""

import re
import tempfile
from datetime import datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.data.reading.tables.saved_manifest import read_manifest

folders = st.sampled_from(
    ["007", "7", "Камера 1", "Утёс", "ridge", "12", "1E5", "0012", "2021-07-01", "a;b", 'say "x"']
)
minutes = st.datetimes(pd.Timestamp("1999-01-01"), pd.Timestamp("2099-01-01")).map(
    lambda t: t.replace(second=0, microsecond=0)
)
rows = st.fixed_dictionaries(
    {
        "folder": folders,
        "kind": st.sampled_from(["video", "frame"]),
        "time_s": st.integers(0, 9_999).map(lambda n: n / 16),
        "captured_at": minutes | st.none(),
        "time_zone": st.sampled_from(["+10:00", "+05:30", "-03:30", "Asia/Vladivostok", None]),
        "species": st.sampled_from(["тигр", "leopard", "NA", "тигр; кабан", None]),
        "width_px": st.sampled_from([1920, None]),
    }
)


def manifest_of(found, root):
    table = pd.DataFrame(found)
    table["path"] = [f"{row['folder']}/клип{i}.AVI" for i, row in enumerate(found)]
    table["site"] = table.pop("folder")
    table["time_s"] = table["time_s"].where(table["kind"] == "frame")
    table["boxes"] = '[{"xyxy": [0.1, 0.2, 0.3, 0.4], "label": "tiger, or leopard"}]'
    table["box_unit"] = "fraction"
    for name in ("captured_at", "width_px"):
        table[name] = table[name].astype("datetime64[us]" if name == "captured_at" else "Int64")
    return Manifest.from_rows(table.astype({"species": "str", "time_zone": "str"}), root)


def is_number(text):
    return re.fullmatch(r"\d+(\.\d+)?([eE]\d{1,2})?", text) is not None


def show(name, value, *, decimal, date):
    """Return what a program shows of a cell, and saves: numbers without zeros in front."""
    if pd.isna(value):
        return ""
    if name == "captured_at":
        return value.strftime(date)
    text = str(value)
    if re.fullmatch(r"\+\d\d:\d\d", text):
        return text[1:].removeprefix("0")
    if name == "site" and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        return pd.Timestamp(text).strftime(date.split(" ")[0])
    if is_number(text):
        number = float(text)
        text = f"{number:.5E}" if number >= 1e11 else f"{number:.10g}"
    return text.replace(".", decimal) if is_number(text) or "E+" in text else text


def save_text(manifest, path, *, separator, encoding, decimal=",", date="%d.%m.%Y %H:%M"):
    own = pd.read_csv(manifest.write(path.with_name("own.csv")), dtype=str, keep_default_na=False)
    for name in manifest.table.columns:
        own[name] = [show(name, v, decimal=decimal, date=date) for v in manifest.table[name]]
    own.to_csv(path, index=False, sep=separator, encoding=encoding, lineterminator="\r\n")
    return path


def save_sheet(manifest, path):
    """Save as Excel does: what it takes for a number or a time is one, with fifteen digits."""
    own = manifest.write(path.with_name("own.parquet"))
    sheet = (book := openpyxl.Workbook()).active
    table = pd.read_parquet(own)
    sheet.append(list(table.columns))
    for row in table.to_dict("records"):
        cells = []
        for name, value in row.items():
            if pd.isna(value):
                value = None
            elif name == "captured_at":
                value = value.to_pydatetime()
            elif re.fullmatch(r"\+\d\d:\d\d", str(value)):
                value = pd.Timestamp(value[1:]).time()
            elif name == "site" and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
                value = pd.Timestamp(value).to_pydatetime()
            elif is_number(str(value)):
                value = float(f"{float(value):.14e}")
            cells.append(value)
        sheet.append(cells)
    book.save(path)
    return path


FORMS = {
    "excel in Russian, UTF-8": lambda m, d: save_text(m, d / "m.csv", separator=";", encoding="utf-8-sig"),
    "excel in Russian": lambda m, d: save_text(m, d / "m.csv", separator=";", encoding="cp1251"),
    "unicode text": lambda m, d: save_text(m, d / "m.txt", separator="\t", encoding="utf-16"),
    "tabs": lambda m, d: save_text(m, d / "m.tsv", separator="\t", encoding="utf-8", date="%d.%m.%Y %H:%M:%S"),
    "LibreOffice": lambda m, d: save_text(
        m, d / "m.csv", separator=",", encoding="utf-8", decimal=".", date="%Y-%m-%d %H:%M:%S"
    ),
    "xlsx": lambda m, d: save_sheet(m, d / "m.xlsx"),
    "own csv": lambda m, d: m.write(d / "m.csv"),
    "own parquet": lambda m, d: m.write(d / "m.parquet"),
}


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=12)
@given(found=st.lists(rows, min_size=1, max_size=12))
def test_every_form_is_the_original(form, found):
    with tempfile.TemporaryDirectory() as folder:
        found[0]["captured_at"] = found[0]["captured_at"] or datetime(2021, 3, 15)  # by it, LibreOffice is noticed
        manifest = manifest_of(found, Path(folder) / "cards")
        read = read_manifest(FORMS[form](manifest, Path(folder)))
        pd.testing.assert_frame_equal(read.table, manifest.table)
        assert read.root.resolve() == manifest.root.resolve()


def text_of(*lines):
    return "\r\n".join(("clip_id;kind;path;site;captured_at", *lines)) + "\r\n"


FIRST = Manifest.from_rows(pd.DataFrame({"path": ["007/1.JPG"], "kind": "still"}), Path()).table["clip_id"][0]


def test_a_day_that_may_be_a_month_is_refused(tmp_path):
    (tmp_path / "m.csv").write_text(text_of(f"{FIRST};still;007/1.JPG;7;01/02/2021 10:00"), "utf-8")
    with pytest.raises(ManifestError, match="day and month of the dates cannot be told apart") as error:
        read_manifest(tmp_path / "m.csv")
    assert error.value.parts["where"] == "m.csv, line 2, column captured_at"
    assert error.value.parts["found"] == "01/02/2021 10:00" and "yyyy-mm-dd hh:mm:ss" in error.value.parts["do"]


def test_one_date_settles_the_others_and_missing_seconds_are_said(tmp_path):
    (tmp_path / "m.csv").write_text(
        text_of(f"{FIRST};still;007/1.JPG;7;1/2/2021 10:00", ";still;b/2.JPG;b;1/31/2021 9:05"), "utf-8"
    )
    found = read_manifest(tmp_path / "m.csv")
    assert found.table["captured_at"].astype(str).tolist() == ["2021-01-02 10:00:00", "2021-01-31 09:05:00"]
    assert found.table["site"].tolist() == ["007", "b"]
    assert found.notes == (
        "the times in m.csv have no seconds; programs save only what a column shows",
        "column site of m.csv: 7 was read as 007, as in the paths",
    )


def test_a_path_that_lost_letters_is_refused(tmp_path):
    (tmp_path / "m.csv").write_text(text_of(f"{FIRST};still;0?7/1.JPG;7;"), "utf-8")
    with pytest.raises(ManifestError, match="a path is not the one that its clip_id was made of") as error:
        read_manifest(tmp_path / "m.csv")
    assert error.value.parts["where"] == "m.csv, line 2, column path" and error.value.parts["found"] == "0?7/1.JPG"


@pytest.mark.parametrize("cell", ["#ИМЯ?", "#NAME?", "x" * 32_767])
def test_a_text_that_the_program_cut_or_replaced_is_refused(cell, tmp_path):
    (tmp_path / "m.csv").write_text(text_of(f"{FIRST};still;007/1.JPG;{cell};"), "utf-8")
    with pytest.raises(ManifestError, match="a value in the table cannot be used") as error:
        read_manifest(tmp_path / "m.csv")
    assert error.value.parts["where"] == "m.csv, line 2, column site"


def test_a_table_without_paths_and_an_empty_one(tmp_path):
    (tmp_path / "m.csv").write_text("Файл;Вид\n1.JPG;still\n", "utf-8")
    with pytest.raises(ManifestError, match="this table is not a manifest") as error:
        read_manifest(tmp_path / "m.csv")
    assert error.value.parts["found"] == "columns Файл, Вид", "as they were written"
    (tmp_path / "m.csv").write_text("path;kind\n", "utf-8")
    assert len(read_manifest(tmp_path / "m.csv")) == 0


def test_a_manifest_in_the_second_sheet_is_not_read_and_the_error_names_it(tmp_path):
    with pd.ExcelWriter(tmp_path / "m.xlsx") as book:
        pd.DataFrame({"Заметки": ["зима"]}).to_excel(book, sheet_name="Лист1", index=False)
        pd.DataFrame({"path": ["1.JPG"], "kind": ["still"]}).to_excel(book, sheet_name="Кадры", index=False)
    with pytest.raises(ManifestError, match="this table is not a manifest") as error:
        read_manifest(tmp_path / "m.xlsx")
    assert error.value.parts["where"] == "m.xlsx, sheet Лист1 (not read: Кадры)"


def test_sites_of_tables_that_were_never_in_a_program_stay(tmp_path):
    rows = pd.DataFrame({"path": ["007/1.JPG"], "kind": "still", "site": "7"})
    own = read_manifest(Manifest.from_rows(rows, tmp_path).write(tmp_path / "m.csv"))
    assert own.table["site"].tolist() == ["7"]
    assert own.notes == ("column site of m.csv: 7 may have been 007, as in the paths",)
    (tmp_path / "hand.csv").write_text("path;kind;site\n007/1.JPG;still;7\n", "utf-8")
    assert read_manifest(tmp_path / "hand.csv").table["site"].tolist() == ["7"]
