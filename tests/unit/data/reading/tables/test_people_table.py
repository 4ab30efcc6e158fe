"""Tables that people keep, in every form in which they keep them."""

import zipfile
from datetime import date, datetime

import pandas as pd
import pytest
import xlsxwriter

from leopardnet.core.errors import ManifestError
from leopardnet.data.reading.tables.csv_cells import read_cells
from leopardnet.data.reading.tables.people_table import read_people_table

EXPECTED = {"deployment": ["d1", "d2"], "latitude": ["43.1", "7"], "start": ["2023-05-01 10:00:00", "2023-05-02"]}


def write_xlsx(path, rows, *, sheets=("one",)):
    with xlsxwriter.Workbook(path) as book:
        style = book.add_format({"num_format": "dd.mm.yyyy hh:mm"})
        for name in sheets:
            sheet = book.add_worksheet(name)
            for i, row in rows:
                for j, value in enumerate(row):
                    if isinstance(value, date):
                        sheet.write_datetime(i, j, value, style)
                    else:
                        sheet.write(i, j, value)
    return path


def write_ods(path):
    cell = '<table:table-cell office:value-type="{}" office:{}="{}"><text:p>{}</text:p></table:table-cell>'
    text = lambda t: cell.format("string", "string-value", t, t)  # noqa: E731
    rows = [
        [text(" Deployment"), text("latitude"), text("Start")],
        [
            text("d1"),
            cell.format("float", "value", "43.1", "43,1"),
            cell.format("date", "date-value", "2023-05-01T10:00:00", "1.5.23"),
        ],
        [
            text("d2 "),
            cell.format("float", "value", "7", "7"),
            cell.format("date", "date-value", "2023-05-02", "2.5.23"),
        ],
    ]
    names = "".join(
        f' xmlns:{p}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"'
        for p, n in (("office", "office"), ("table", "table"), ("text", "text"))
    )
    body = "".join(f"<table:table-row>{''.join(r)}</table:table-row>" for r in rows)
    sheet = f'<office:spreadsheet><table:table table:name="a">{body}</table:table></office:spreadsheet>'
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml", '<m:manifest xmlns:m="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>'
        )
        archive.writestr(
            "content.xml",
            f"<office:document-content{names}><office:body>{sheet}</office:body></office:document-content>",
        )
    return path


@pytest.mark.parametrize(
    ("suffix", "text", "encoding"),
    [
        ("csv", "Deployment, latitude ,START\nd1,43.1,2023-05-01 10:00:00\nd2 ,7,2023-05-02\n", "utf-8"),
        ("csv", "deployment;latitude;start\r\nd1;43.1;2023-05-01 10:00:00\n;;\nd2;7;2023-05-02\r\n", "utf-8-sig"),
        ("tsv", "deployment\tlatitude\tstart\t\nd1\t43.1\t2023-05-01 10:00:00\nd2\t7\t2023-05-02\t\n", "utf-16"),
        ("txt", "sep=|\ndeployment|latitude|start\nd1|43.1|2023-05-01 10:00:00\nd2|7|2023-05-02", "utf-8"),
    ],
)
def test_text_tables(tmp_path, suffix, text, encoding):
    path = tmp_path / f"t.{suffix}"
    path.write_bytes(text.encode(encoding))
    table = read_people_table(path)
    assert table.columns == EXPECTED and table.notes == ()


def test_rows_are_named_by_their_line_in_the_file(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("\nlabel,comment\n,\ntiger,x\n\nleopard\n", "utf-8")
    table = read_people_table(path)
    assert table.row_numbers == [4, 6] and table.columns == {"label": ["tiger", "leopard"], "comment": ["x", ""]}
    assert table.where(1, "label") == "t.csv, line 6, column label"


def test_sheets_and_parquet_give_the_same_texts(tmp_path):
    rows = [
        (1, [" Deployment", "latitude", "Start"]),
        (2, ["d1", 43.1, datetime(2023, 5, 1, 10)]),
        (5, ["d2 ", 7, datetime(2023, 5, 2)]),
    ]
    sheet = read_people_table(write_xlsx(tmp_path / "t.xlsx", rows))
    assert sheet.columns == EXPECTED and sheet.row_numbers == [3, 6]
    assert read_people_table(write_ods(tmp_path / "t.ods")).columns == EXPECTED
    frame = pd.DataFrame({"deployment": ["d1", "d2"], "latitude": [43.1, 7.0]})
    frame["START "] = pd.to_datetime(["2023-05-01 10:00", "2023-05-02 00:00"])
    frame.to_parquet(tmp_path / "t.parquet")
    assert read_people_table(tmp_path / "t.parquet").columns == EXPECTED


def test_missing_cells_are_empty_and_whole_numbers_have_no_point(tmp_path):
    frame = pd.DataFrame({"n": pd.Series([1, None], dtype="Int64"), "x": [float("nan"), 2.0], "t": [None, "NA"]})
    frame["at"] = pd.to_datetime([None, "2023-05-01 10:00"], utc=True)
    frame.to_parquet(tmp_path / "t.parquet")
    columns = read_people_table(tmp_path / "t.parquet").columns
    assert columns == {"n": ["1", ""], "x": ["", "2"], "t": ["", "NA"], "at": ["", "2023-05-01 10:00:00+00:00"]}


def test_a_sheet_saved_under_the_suffix_of_a_text_table_is_read(tmp_path):
    path = write_xlsx(tmp_path / "t.csv", [(0, ["label"]), (1, ["tiger"])])
    assert read_people_table(path).columns == {"label": ["tiger"]}


def test_headers_are_kept_as_they_were_written(tmp_path):
    (tmp_path / "t.csv").write_text("Файл;Вид\n1.jpg;тигр\n", "utf-8")
    table = read_people_table(tmp_path / "t.csv")
    assert table.headers == ("Файл", "Вид") and list(table.columns) == ["файл", "вид"]
    (tmp_path / "t.csv").write_text("Файл;файл\n1.jpg;тигр\n", "utf-8")
    with pytest.raises(ManifestError, match="found:    Файл\n"):
        read_people_table(tmp_path / "t.csv")


def test_a_folder_is_told_from_a_table_that_is_missing(tmp_path):
    with pytest.raises(ManifestError, match=r"this is a folder(.|\n)*leopardnet scan"):
        read_people_table(tmp_path)


def test_rows_have_the_numbers_that_a_spreadsheet_and_an_editor_show(tmp_path):
    pd.DataFrame({"label": ["tiger"]}).to_parquet(tmp_path / "t.parquet")
    assert read_people_table(tmp_path / "t.parquet").row_numbers == [2], "the header would be row 1"
    write_xlsx(tmp_path / "t.xlsx", [(0, ["label"]), (3, ["tiger"])])
    assert read_people_table(tmp_path / "t.xlsx").row_numbers == [4], "rows without content count"
    (tmp_path / "t.csv").write_text("label\n\n\ntiger\n")
    assert read_people_table(tmp_path / "t.csv").row_numbers == [4]
    cells = read_cells((tmp_path / "t.csv").read_bytes(), name="t.csv")
    assert cells.where(0) == "t.csv, row 4" and read_cells(b"label\ntiger\n", name="t.csv").number(0) == 2


def test_further_sheets_and_columns_without_a_name_are_told(tmp_path):
    two = read_people_table(write_xlsx(tmp_path / "t.xlsx", [(0, ["label"]), (1, ["tiger"])], sheets=("a", "b")))
    assert two.notes == ("only the first sheet of t.xlsx, a, was read; left out: b",)
    assert two.where(0, "label") == "t.xlsx, sheet a (not read: b), line 2, column label", "in errors, too"
    (tmp_path / "t.csv").write_text("label,,by\ntiger,x,me\n")
    nameless = read_people_table(tmp_path / "t.csv")
    assert nameless.columns == {"label": ["tiger"], "by": ["me"]} and "have no name" in nameless.notes[0]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("t.csv", b"", "table is empty"),
        ("t.csv", b"a,A \n1,2\n", "column twice"),
        ("t.csv", b"a,b\n1,2\n43,1,5\n", "t.csv, line 3"),
        ("t.csv", b'a,b\n"1,2\n', "cannot be read"),
        ("t.docx", b"", "unknown table format"),
        ("t.xlsx", b"PK\x03\x04 cut", "sheet cannot be read"),
        ("t.xlsx", b"no zip", "sheet cannot be read"),
        ("t.xls", b"\xd0\xcf\x11\xe0 cut", "sheet cannot be read"),
        ("t.parquet", b"PAR1 cut", "table cannot be read"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path, name, data, message):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(ManifestError, match=message):
        read_people_table(tmp_path / name)


def test_a_sheet_whose_xml_is_cut_is_refused_at_once(tmp_path):
    with (
        zipfile.ZipFile(write_ods(tmp_path / "whole.ods")) as whole,
        zipfile.ZipFile(tmp_path / "t.ods", "w") as cut,
    ):
        for member in whole.namelist():
            cut.writestr(member, whole.read(member)[: -60 if member == "content.xml" else None])
    with pytest.raises(ManifestError, match="sheet cannot be read"):
        read_people_table(tmp_path / "t.ods")


def test_a_missing_table_and_a_stray_cell_are_refused(tmp_path):
    with pytest.raises(ManifestError, match="no such table"):
        read_people_table(tmp_path / "none.csv")
    with xlsxwriter.Workbook(tmp_path / "t.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "label")
        sheet.write(1_000_000, 16_000, "x")
    with pytest.raises(ManifestError, match="far away"):
        read_people_table(tmp_path / "t.xlsx")
