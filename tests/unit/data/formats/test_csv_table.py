"""Text tables as people save them: separators, encodings, Windows paths, and every fault with its row."""

import json
from datetime import datetime

import pandas as pd
import pytest
import xlsxwriter

from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.data.formats.csv_table import read_csv_table

BASIC = {"path": "path", "label": "label"}


def table(tmp_path, text, encoding="utf-8", name="images.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return path


def read(tmp_path, text, columns=None, encoding="utf-8", **options):
    return read_csv_table(table(tmp_path, text, encoding), root=tmp_path, columns=columns or BASIC, **options)


def refused(tmp_path, text, columns=None, **options):
    with pytest.raises(ManifestError) as error:
        read(tmp_path, text, columns, strict=True, **options)
    return str(error.value)


def missing(values):
    """The values with None for what is missing."""
    return [None if pd.isna(v) else v for v in values]


def test_columns_are_taken_by_name(tmp_path):
    text = "file,what,place,burst,when\na/1.jpg,tiger,north,s1,2021-12-30 22:34:56\nb/2.AVI,,,,\n"
    columns = {"path": "file", "label": "what", "site": "place", "sequence_id": "burst", "captured_at": "when"}
    got = read(tmp_path, text, columns, time_zone="Asia/Vladivostok")
    t = got.manifest.table
    assert t["path"].tolist() == ["a/1.jpg", "b/2.AVI"]
    assert t["kind"].tolist() == ["still", "video"]
    assert t["label"][0] == "tiger" and t["species"][0] == "tiger" and pd.isna(t["label"][1])
    assert t["site"][0] == "north" and t["sequence_id"][0] == "s1"
    assert t["captured_at"][0] == datetime(2021, 12, 30, 22, 34, 56) and t["time_zone"][0] == "Asia/Vladivostok"
    assert t["time_source"][0] == "table" and pd.isna(t["time_zone"][1])
    assert t["source"].tolist() == ["csv images.csv"] * 2
    assert got.notes == ("rows without a label: 1 of 2",)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_separators_and_encodings_are_found(tmp_path, separator, encoding):
    text = f"path{separator}label\r\nтайга/1.jpg{separator}тигр, амурский\r\n".replace(
        "тигр, амурский", '"тигр, амурский"'
    )
    got = read(tmp_path, text, encoding=encoding)
    row = got.manifest.table[["path", "label", "species"]].values.tolist()
    assert row == [["тайга/1.jpg", "тигр_амурский", "тигр, амурский"]]


def test_the_first_line_by_which_excel_knows_the_separator(tmp_path):
    got = read(tmp_path, "sep=;\r\npath;label\r\n1.jpg;tiger, or leopard\r\n")
    assert got.manifest.table["species"].tolist() == ["tiger, or leopard"]


def test_cp1251_is_read_with_a_note(tmp_path):
    got = read(tmp_path, "path;label\nкамера 1/снимок.JPG;тигр\n", encoding="cp1251")
    assert got.manifest.table["path"].tolist() == ["камера 1/снимок.JPG"]
    assert "cp1251" in got.notes[0]


def test_a_given_encoding_is_used_and_a_wrong_one_refused(tmp_path):
    text = "path,label\n豹.jpg,豹\n".encode("gb18030")
    got = read_csv_table(table(tmp_path, text), root=tmp_path, columns=BASIC, encoding="gb18030")
    assert got.manifest.table["label"].tolist() == ["leopard"]
    assert "not in this encoding" in refused_encoding(tmp_path, text, "utf-8")
    assert "not known" in refused_encoding(tmp_path, text, "klingon")


def refused_encoding(tmp_path, text, encoding):
    with pytest.raises(ManifestError) as error:
        read_csv_table(table(tmp_path, text), root=tmp_path, columns=BASIC, encoding=encoding)
    return str(error.value)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (r"site\DCIM\1.JPG", "site/DCIM/1.JPG"),
        ("./a//1.jpg", "a/1.jpg"),
        ("{root}/a/1.jpg", "a/1.jpg"),
        ("a..b/1..jpg", "a..b/1..jpg"),
    ],
)
def test_paths_become_relative_posix(tmp_path, given, expected):
    got = read(tmp_path, f"path,label\n{given.format(root=tmp_path)},tiger\n")
    assert got.manifest.table["path"].tolist() == [expected]


@pytest.mark.parametrize(
    ("path", "part"),
    [
        (r"C:\Users\me\1.jpg", "outside the root"),
        ("/elsewhere/1.jpg", "outside the root"),
        ("//server/share/1.jpg", "outside the root"),
        ("../1.jpg", "cannot be used"),
        ("a/../../1.jpg", "cannot be used"),
        ("~/1.jpg", "cannot be used"),
        ("''", "neither a video nor a still"),
        ("https://x.org/1.jpg", "web address"),
        ("notes.txt", "neither a video nor a still"),
    ],
)
def test_unsafe_paths_are_refused_with_their_row(tmp_path, path, part):
    text = refused(tmp_path, f"path,label\na.jpg,tiger\n{path},tiger\n")
    assert part in text and "images.csv, row 3" in text


def test_an_empty_path_is_refused_with_its_row(tmp_path):
    assert "images.csv, row 2" in refused(tmp_path, "path,label\n,tiger\n")


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        ("a.jpg,tiger,n\nb.jpg,tiger,n\n./a.jpg,leopard,s\n", "'a.jpg', with another site"),
        ("a.jpg,tiger,n\na.jpg,tiger,\n", "'a.jpg', with another site"),
        ("a.jpg,tiger,n\nb.jpg,tiger,n\n./a.jpg,Blank,n\n", "as empty and not"),
    ],
)
def test_rows_of_one_file_that_contradict_are_refused(tmp_path, rows, part):
    text = refused(tmp_path, "path,label,site\n" + rows, {**BASIC, "site": "site"})
    assert part in text and "images.csv, row 2" in text


def test_a_file_of_two_splits_is_refused(tmp_path):
    text = refused(tmp_path, "path,label,s\na.jpg,tiger,val\na.jpg,tiger,test\n", {**BASIC, "split": "s"})
    assert "another split" in text and "row 2 and row 3" in text


def test_two_spellings_of_one_accented_name_are_one_file(tmp_path):
    got = read(tmp_path, "path,label\nTai\u0308.jpg,tiger\nTa\u00ef.jpg,tiger\n")
    assert got.manifest.table["label"].tolist() == ["tiger"] and "joined with it" in got.notes[0]


def test_an_unknown_column_lists_the_columns_there_are(tmp_path):
    text = refused(tmp_path, "file,label\na.jpg,tiger\n")
    assert "found:    path" in text and "file, label" in text


def test_a_column_that_stands_twice_is_refused(tmp_path):
    assert "header has a column twice" in refused(tmp_path, "path,label,label\na.jpg,tiger,leopard\n")


@pytest.mark.parametrize("columns", [{"label": "label"}, {**BASIC, "colour": "x"}, {**BASIC, "x0": "a"}])
def test_wrong_requests_are_refused(tmp_path, columns):
    with pytest.raises(ConfigError):
        read(tmp_path, "path,label\na.jpg,tiger\n", columns)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "the table is empty"),
        ("path,label\na.jpg\n", "line 2"),
        ("path,label\na.jpg,tiger,extra\n", "line 2"),
        ('path,label\na.jpg,"tiger\nb.jpg,tiger\n', "cannot be read"),
        (b"path,label\na.jpg,\x00\n", "binary data"),
        (b"path,label\na\x81.jpg,\x98\n", "encoding of the table is not known"),
    ],
)
def test_broken_tables_are_refused(tmp_path, text, part):
    assert part in refused(tmp_path, text)


def test_a_header_without_rows_is_an_empty_manifest(tmp_path):
    assert len(read(tmp_path, "path,label\n").manifest) == 0


def test_empty_lines_are_no_rows(tmp_path):
    assert len(read(tmp_path, "path,label\n\na.jpg,tiger\n,\n").manifest) == 1


def test_labelled_frames_of_a_video(tmp_path):
    text = "path;label;t;f\na.avi;tiger;1,5;\na.avi;empty;3.0;\nb.avi;tiger;;12\n"
    got = read(tmp_path, text, {**BASIC, "time_s": "t", "frame_number": "f"}).manifest.table
    assert got["kind"].tolist() == ["frame"] * 3
    assert got["time_s"].tolist()[:2] == [1.5, 3.0] and got["frame_number"][2] == 12
    assert got["clip_id"].nunique() == 2


def test_one_frame_that_is_empty_and_not_is_refused(tmp_path):
    assert "as empty and not" in refused(
        tmp_path, "path,label,t\na.avi,tiger,1.5\na.avi,empty,1.50\n", {**BASIC, "time_s": "t"}
    )


@pytest.mark.parametrize(
    ("cell", "column"), [("x", "time_s"), ("inf", "time_s"), ("1.5", "frame_number"), ("-1", "frame_number")]
)
def test_numbers_that_are_none_are_refused_with_row_and_column(tmp_path, cell, column):
    text = refused(tmp_path, f"path,label,n\na.avi,tiger,1\nb.avi,tiger,{cell}\n", {**BASIC, column: "n"})
    assert "images.csv, row 3, column n" in text and repr(cell) in text


@pytest.mark.parametrize(
    "cell",
    [
        "2021-12-30 22:34:56",
        "2021-12-30T22:34:56",
        "2021:12:30 22:34:56",
        "30.12.2021 22:34:56",
        "2021/12/30 22:34:56",
        "30-Dec-2021 22:34:56",
        "2021-12-30 10:34:56 PM",
        "12/30/2021 10:34:56 PM",
        "30/12/2021 22:34:56",
    ],
)
def test_forms_of_time(tmp_path, cell):
    got = read(tmp_path, f"path,label,t\na.avi,tiger,{cell}\n", {**BASIC, "captured_at": "t"}).manifest.table
    assert got["captured_at"][0] == datetime(2021, 12, 30, 22, 34, 56) and pd.isna(got["time_zone"][0])


def test_a_time_with_its_zone_keeps_the_local_time_and_the_offset(tmp_path):
    got = read(
        tmp_path, "path,label,t\na.avi,tiger,2021-12-30T22:34:56+10:00\n", {**BASIC, "captured_at": "t"}
    ).manifest.table
    assert got["captured_at"][0] == datetime(2021, 12, 30, 22, 34, 56) and got["time_zone"][0] == "+10:00"


@pytest.mark.parametrize("cell", ["12/11/2021 10:34 PM", "yesterday", "2021-13-01 00:00:00", "2021-12-30"])
def test_unclear_times_are_refused_with_row(tmp_path, cell):
    text = refused(tmp_path, f"path,label,t\na.avi,tiger,{cell}\n", {**BASIC, "captured_at": "t"})
    assert "row 2, column t" in text and "--time-format" in text


def test_a_form_of_time_can_be_described(tmp_path):
    text = "path,label,t\na.avi,tiger,12/30/2021 10:34 PM\n"
    got = read(tmp_path, text, {**BASIC, "captured_at": "t"}, time_format="%m/%d/%Y %I:%M %p").manifest.table
    assert got["captured_at"][0] == datetime(2021, 12, 30, 22, 34)


@pytest.mark.parametrize("form", ["%H:%M", "%d.%m. %H:%M", "soon"])
def test_a_form_of_time_without_a_whole_date_is_a_wrong_setting(tmp_path, form):
    with pytest.raises(ConfigError, match="year, month and day") as error:
        read(tmp_path, "path,t\na.jpg,10:00\n", {"path": "path", "captured_at": "t"}, time_format=form)
    assert "time_format" in str(error.value)


@pytest.mark.parametrize(
    ("form", "cell", "month", "zone"),
    [
        ("mdy", "5/1/2023 10:00", 5, None),
        ("dmy", "5/1/2023 10:00", 1, None),
        ("%d|%m|%Y %H:%M%z", "5|1|2023 10:00+0200", 1, "+02:00"),
    ],
)
def test_times_in_a_given_order_or_with_an_offset(tmp_path, form, cell, month, zone):
    columns = {"path": "path", "captured_at": "t"}
    t = read(tmp_path, f"path,t\na.jpg,{cell}\n", columns, time_format=form, separator=",").manifest.table
    assert (t["captured_at"][0].month, missing(t["time_zone"])) == (month, [zone])


@pytest.mark.parametrize("cell", ["2262-05-01 00:00", "9999-12-31 23:59", "0001-01-01 00:00", "1899-12-31 10:00"])
def test_a_year_that_no_camera_has_leaves_a_row_without_its_time(tmp_path, cell):
    columns = {"path": "path", "captured_at": "t"}
    got = read(tmp_path, f"path,t\na.jpg,{cell}\nb.jpg,2023-05-01 10:00\n", columns)
    assert missing(got.manifest.table["captured_at"]) == [None, datetime(2023, 5, 1, 10)]
    assert [(p.row, cell in p.problem) for p in got.problems] == [("2", True)]


def test_dates_of_both_orders_in_one_column_are_told(tmp_path):
    text = "path,t\na.jpg,13/5/2023 10:00\nb.jpg,2/13/2023 10:00\n"
    assert "some dates of the column begin with the day and others with the month" in refused(
        tmp_path, text, {"path": "path", "captured_at": "t"}
    )


def test_midnight_in_a_column_of_times_of_a_sheet(tmp_path):
    path = tmp_path / "t.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet, as_time = book.add_worksheet(), book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for i, row in enumerate(
            [("path", "t"), ("a.jpg", datetime(2023, 5, 3)), ("b.jpg", datetime(2023, 5, 3, 10))]
        ):
            sheet.write(i, 0, row[0])
            sheet.write(i, 1, row[1], as_time)
    got = read_csv_table(path, root=tmp_path, columns={"path": "path", "captured_at": "t"})
    assert got.manifest.table["captured_at"].tolist() == [datetime(2023, 5, 3), datetime(2023, 5, 3, 10)]
    assert got.problems == ()


def test_splits_in_any_spelling_and_a_split_that_is_none(tmp_path):
    names = ("train", "Validation", "TEST", "val", "Training", "Fold2", "tset", "")
    text = "path,split\n" + "".join(f"{i}.jpg,{name}\n" for i, name in enumerate(names))
    got = read(tmp_path, text, {"path": "path", "split": "split"})
    expected = ["train", "val", "test", "val", "train", "fold2", None, None]
    assert missing(got.manifest.table["split"]) == expected
    assert [p.row for p in got.problems] == ["8"] and "'tset'" in got.problems[0].problem


def test_a_wrong_source_of_a_label_leaves_its_row_without_it(tmp_path):
    text = "path,label,by\na.jpg,tiger,human\nb.jpg,tiger,robot\nc.jpg,tiger,Machine\n"
    got = read(tmp_path, text, {**BASIC, "label_source": "by"})
    assert missing(got.manifest.table["label_source"]) == ["human", None, "machine"]
    assert [p.row for p in got.problems] == ["3"] and "'robot'" in got.problems[0].problem


@pytest.mark.parametrize("separator", ["", "ab", '"', "\n"])
def test_a_separator_is_one_character(tmp_path, separator):
    with pytest.raises(ConfigError, match="one character"):
        read(tmp_path, "path,label\na.jpg,tiger\n", separator=separator)


def test_a_cell_that_is_no_mark_leaves_its_row_without_a_label(tmp_path):
    text = "path,leopard,tiger\n1.jpg,1,0\n2.jpg,0,2\n3.jpg,yes,no\n4.jpg,0.9,1\n"
    got = read(tmp_path, text, {"path": "path", "label": "leopard,tiger"})
    assert missing(got.manifest.table["label"]) == ["leopard", "tiger", "leopard", None]
    assert [p.row for p in got.problems] == ["5"] and "leopard: " in got.problems[0].problem
    assert "row 5, column leopard" in refused(tmp_path, text, {"path": "path", "label": "leopard,tiger"})


def test_zeros_among_names_name_nothing_and_ones_leave_their_row_without_a_label(tmp_path):
    text = "path,a,b\n1.jpg,leopard,0\n2.jpg,,tiger\n3.jpg,tiger,1\n"
    got = read(tmp_path, text, {"path": "path", "label": "a,b"})
    assert missing(got.manifest.table["label"]) == ["leopard", "tiger", None]
    assert [p.row for p in got.problems] == ["4"]


def test_columns_of_names_and_of_marks_are_refused_at_a_mark(tmp_path):
    text = "path,name,empty\n1.jpg,leopard,0\n2.jpg,,1\n"
    assert "row 3, column empty" in refused(tmp_path, text, {"path": "path", "label": "name,empty"})


def test_an_unknown_zone_is_refused_with_its_row(tmp_path):
    text = "path,label,t,z\na.avi,tiger,2021-12-30 22:34:56,+10:00\nb.avi,tiger,2021-12-30 22:34:56,Moonbase\n"
    assert "row 3, column z" in refused(tmp_path, text, {**BASIC, "captured_at": "t", "time_zone": "z"})


BOXES = {**BASIC, "x0": "x0", "y0": "y0", "x1": "x1", "y1": "y1"}


def test_rows_that_differ_in_the_box_are_one_row(tmp_path):
    text = "path,label,x0,y0,x1,y1\na.jpg,tiger,1,2,3,4\nb.jpg,empty,,,,\na.jpg,tiger,5,6,7,8\n"
    got = read(tmp_path, text, BOXES).manifest.table
    assert got["path"].tolist() == ["a.jpg", "b.jpg"]
    assert [b["xyxy"] for b in json.loads(got["boxes"][0])] == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert got["box_unit"][0] == "px" and pd.isna(got["boxes"][1]) and pd.isna(got["box_unit"][1])


def test_boxes_beyond_the_picture_are_kept_as_they_are(tmp_path):
    got = read(tmp_path, "path,label,x0,y0,x1,y1\na.jpg,tiger,-5,2,99999,4\n", BOXES).manifest.table
    assert json.loads(got["boxes"][0])[0]["xyxy"] == [-5, 2, 99999, 4]


@pytest.mark.parametrize(
    ("rows", "part"),
    [
        ("a.jpg,tiger,1,2,3,4\na.jpg,tiger,1,2,3,4\n", "the same row again"),
        ("a.jpg,tiger,,,,\na.jpg,tiger,,,,\n", "the same row again"),
        ("a.jpg,tiger,1,2,3,\n", "empty corners"),
        ("a.jpg,tiger,1,2,3,inf\n", "a number"),
    ],
)
def test_rows_of_boxes_that_contradict_are_refused(tmp_path, rows, part):
    text = refused(tmp_path, "path,label,x0,y0,x1,y1\n" + rows, BOXES)
    assert part in text and "row" in text


def test_several_species_in_one_cell(tmp_path):
    got = read(tmp_path, "path,label\na.jpg,tiger + leopard\n")
    t = got.manifest.table
    assert pd.isna(t["label"][0]) and t["species"][0] == "tiger + leopard"
    assert "several species" in got.notes[0]


def test_a_species_column_keeps_the_name_of_the_source(tmp_path):
    got = read(
        tmp_path, "path,label,sp\na.jpg,tiger,Panthera tigris\nb.jpg,,Panthera pardus\n", {**BASIC, "species": "sp"}
    ).manifest.table
    assert got["species"].tolist() == ["Panthera tigris", "Panthera pardus"]
    assert got["label"][0] == "tiger" and pd.isna(got["label"][1])


def test_missing_files_are_refused_only_when_asked(tmp_path):
    text = "path,label\na.jpg,tiger\nb.jpg,tiger\n"
    (tmp_path / "a.jpg").touch()
    assert len(read(tmp_path, text).manifest) == 2
    message = refused(tmp_path, text, require_files=True)
    assert "1 of 2 files do not exist" in message and "row 3" in message


def test_sites_from_folders_fill_empty_cells_only(tmp_path):
    got = read(
        tmp_path,
        "path,label,site\nn/d/1.jpg,tiger,given\ns/d/1.jpg,tiger,\n1.jpg,tiger,\n",
        {**BASIC, "site": "site"},
        site_from="{site}/{deployment}/*",
    )
    assert got.manifest.table["site"].tolist()[:2] == ["given", "s"]
    assert pd.isna(got.manifest.table["site"][2])
    assert "rows with paths that do not match {site}/{deployment}/*: 1" in got.notes


def test_no_such_table(tmp_path):
    with pytest.raises(ManifestError, match="cannot be read"):
        read_csv_table(tmp_path / "none.csv", root=tmp_path, columns=BASIC)


# --- several species ---


@pytest.mark.parametrize(
    "rows",
    [
        "a.jpg,leopard\na.jpg,tiger\n",
        "a.jpg,leopard;tiger\n",
        "a.jpg,leopard | tiger\n",
        "a.jpg,leopard + tiger\n",
        'a.jpg,"leopard, tiger"\n',
        'a.jpg,"leopard\ntiger"\n',
        "a.jpg,\"['leopard', 'tiger']\"\n",
        'a.jpg,"[""leopard"",""tiger""]"\n',
        'a.jpg,"c(""leopard"", ""tiger"")"\n',
        "a.jpg,leopard/tiger\n",
    ],
)
def test_two_species_of_one_file_are_joined_and_counted(tmp_path, rows):
    got = read(tmp_path, "path,label\n" + rows + "b.jpg,tiger\n", separator=",")
    t = got.manifest.table
    assert t["path"].tolist() == ["a.jpg", "b.jpg"] and t["species"].tolist() == ["leopard + tiger", "tiger"]
    assert pd.isna(t["label"][0]) and t["label"][1] == "tiger"
    assert "rows with several species, left without a label: 1 (leopard + tiger 1)" in got.notes


def test_a_name_with_a_comma_is_one_name_unless_all_its_parts_are_names(tmp_path):
    got = read(tmp_path, 'path,label\na.jpg,"deer, sika"\nb.jpg,"boar, lynx"\nc.jpg,boar\nd.jpg,lynx\n')
    assert got.manifest.table["species"].tolist() == ["deer, sika", "boar + lynx", "boar", "lynx"]
    assert "cells that may name several species, read as one name: 'deer, sika'" in got.notes


def test_two_individuals_in_two_rows_are_one_row_with_its_label(tmp_path):
    got = read(tmp_path, "path,label,individual\na.jpg,tiger,1\na.jpg,tiger,2\n").manifest.table
    assert got[["path", "label"]].values.tolist() == [["a.jpg", "tiger"]]


def test_boxes_of_two_species_keep_their_names(tmp_path):
    got = read(tmp_path, "path,label,x0,y0,x1,y1\na.jpg,tiger,1,2,3,4\na.jpg,leopard,5,6,7,8\n", BOXES)
    t = got.manifest.table
    assert [b["label"] for b in json.loads(t["boxes"][0])] == ["tiger", "leopard"]
    assert pd.isna(t["label"][0]) and t["species"].tolist() == ["tiger + leopard"]


def test_a_column_for_each_species(tmp_path):
    text = "path,leopard,tiger,empty\na.jpg,1,1,0\nb.jpg,0,1,0\nc.jpg,0,0,1\nd.jpg,0,0,0\n"
    t = read(tmp_path, text, {"path": "path", "label": "leopard, tiger,empty"}).manifest.table
    assert t["species"].dropna().tolist() == ["leopard + tiger", "tiger", "empty"]
    assert t["label"].dropna().tolist() == ["tiger", "empty"] and t["label"].isna().tolist() == [
        True,
        False,
        False,
        True,
    ]
    assert "--label leopard,tiger,empty" in refused(tmp_path, text, {"path": "path", "label": "tiger"})
    wide = "path,first,second\na.jpg,tiger,NA\nb.jpg,boar,tiger\n"
    t = read(tmp_path, wide, {"path": "path", "label": "first,second"}).manifest.table
    assert t["species"].tolist() == ["tiger", "boar + tiger"]


# --- folder and name in two columns ---


def test_a_path_is_joined_of_columns(tmp_path):
    text = "RelativePath,File,label\nA\\x,1.JPG,tiger\nB/,1.JPG,boar\n,1.JPG,boar\n"
    got = read(tmp_path, text, {"path": "RelativePath/File", "label": "label"}).manifest.table
    assert got["path"].tolist() == ["A/x/1.JPG", "B/1.JPG", "1.JPG"]
    assert "no such column" in refused(tmp_path, text, {"path": "Folder/File", "label": "label"})


def test_one_name_in_two_folders_is_refused_with_the_way_out(tmp_path):
    text = refused(tmp_path, "deployment_id,path,label\nA,1.jpg,tiger\nB,1.jpg,boar\n")
    assert "one path stands for two files" in text and "--path 'deployment_id/path'" in text


# --- missing values, codes, and labels ---


@pytest.mark.parametrize("cell", ["NA", '"NA"', "nan", "NaN", "NULL", "#N/A", "<NA>", "#REF!"])
def test_missing_values_of_other_programs_are_missing(tmp_path, cell):
    text = f"path,label,site,t,n\na.avi,{cell},{cell},{cell},{cell}\nb.avi,tiger,1,2021-12-30 22:34:56,1\n"
    columns = {**BASIC, "site": "site", "captured_at": "t", "time_s": "n"}
    got = read(tmp_path, text, columns)
    assert got.manifest.table.loc[0, ["label", "site", "captured_at", "time_s"]].isna().all()
    assert "cells such as NA and nan, read as missing: label 1, site 1, t 1, n 1" in got.notes


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("1.0", "12.0", ""), ["1", "12", None]),
        (("001", "002", ""), ["001", "002", None]),
        (("1.0", "1.5", ""), ["1.0", "1.5", None]),
        (("1.0", "A", ""), ["1.0", "A", None]),
    ],
)
def test_whole_codes_lose_the_point_that_pandas_adds(tmp_path, cells, expected):
    text = "path,label,site\n" + "".join(f"{i}.jpg,tiger,{c}\n" for i, c in enumerate(cells))
    got = read(tmp_path, text, {**BASIC, "site": "site"})
    assert [None if pd.isna(s) else s for s in got.manifest.table["site"]] == expected
    assert any("column site" in n for n in got.notes) == (expected[0] == "1")


def test_names_become_labels_and_stay_as_species(tmp_path):
    got = read(tmp_path, "path,label\na.jpg,Roe deer\nb.jpg,Косуля\nc.jpg,Blank\nd.jpg,roe_deer\n")
    t = got.manifest.table
    assert t["label"].tolist() == ["roe_deer", "косуля", "empty", "roe_deer"]
    assert t["species"].tolist() == ["Roe deer", "Косуля", "Blank", "roe_deer"]
    assert "names that became labels: Blank → empty, Roe deer → roe_deer, Косуля → косуля" in got.notes


def test_a_sheet_is_read_like_a_text_table(tmp_path):
    path = tmp_path / "labels.xlsx"
    pd.DataFrame({" Path ": ["a\\1.jpg"], "Label": ["tiger"], "Site": [1.0]}).to_excel(path, index=False)
    got = read_csv_table(path, root=tmp_path, columns={"path": "path", "label": "Label", "site": "site"})
    assert got.manifest.table[["path", "label", "site"]].values.tolist() == [["a/1.jpg", "tiger", "1"]]


# --- a faulty row does not stop the import ---

FAULTY = """path,label,site,when,zone,split
1.jpg,tiger,a,2021-12-30 22:34:56,+10:00,val
2.jpg,tiger,a,yesterday,+10:00,val
3.jpg,tiger,b,2021-12-30 22:34:56,Mars/Base,val
notes.txt,tiger,b,2021-12-30 22:34:56,+10:00,val
,tiger,b,2021-12-30 22:34:56,+10:00,val
4.jpg,leopard,b
5.jpg,deer, sika,b,2021-12-30 22:34:56,+10:00,val
6.jpg,tiger,,,,val
6.jpg,tiger,,,,test
7.jpg,Blank,,,,val
7.jpg,tiger,,,,val
"""
COLUMNS_OF_FAULTY = {**BASIC, "site": "site", "captured_at": "when", "time_zone": "zone", "split": "split"}


def test_a_faulty_row_is_kept_without_what_is_wrong_and_listed(tmp_path):
    got = read(tmp_path, FAULTY, COLUMNS_OF_FAULTY)
    t = got.manifest.table.set_index("path")
    assert t.index.tolist() == ["1.jpg", "2.jpg", "3.jpg", "4.jpg", "6.jpg", "7.jpg"]
    assert missing(t["label"]) == ["tiger", "tiger", "tiger", "leopard", "tiger", None]
    assert missing(t["captured_at"])[1] is None and missing(t["time_zone"])[1:3] == [None, None]
    assert t["captured_at"]["3.jpg"] == datetime(2021, 12, 30, 22, 34, 56)
    assert missing(t["split"]) == ["val", "val", "val", None, None, "val"]
    outcomes = {p.row: p.problem.rpartition("; ")[2] for p in got.problems}
    assert outcomes == {
        "3": "kept without its when",
        "4": "kept without its zone",
        "5": "left out",
        "6": "left out",
        "7": "its last cells are read as empty",
        "8": "left out",
        "10": "kept without its split",
        "11": "kept without a label",
    }
    assert any("images.csv, row 3, column when" in note and "'yesterday'" in note for note in got.notes)


def test_with_strict_the_first_fault_is_refused_with_its_row(tmp_path):
    first = "".join(FAULTY.splitlines(keepends=True)[:3])
    assert "images.csv, row 3, column when" in refused(tmp_path, first, COLUMNS_OF_FAULTY)


def test_a_frame_whose_place_cannot_be_read_is_left_out_and_not_taken_for_its_video(tmp_path):
    got = read(tmp_path, "path,label,s\na.mp4,tiger,1.5\na.mp4,tiger,soon\n", {**BASIC, "time_s": "s"})
    assert got.manifest.table["time_s"].tolist() == [1.5] and [p.row for p in got.problems] == ["3"]


def test_a_broken_or_repeated_box_is_left_out_and_counted(tmp_path):
    rows = "a.jpg,tiger,1,2,3,4\na.jpg,tiger,1,2,3,4\nb.jpg,tiger,1,2,3,\nc.jpg,tiger,1,x,3,4\n"
    got = read(tmp_path, "path,label,x0,y0,x1,y1\n" + rows, BOXES)
    assert missing(got.manifest.table["boxes"])[1:] == [None, None]
    assert json.loads(got.manifest.table["boxes"][0]) == [{"xyxy": [1, 2, 3, 4]}]
    assert sorted((p.row, p.problem.rpartition("; ")[2]) for p in got.problems) == [
        ("3", "used once"),
        ("4", "kept without the box"),
        ("5", "kept without its y0"),
        ("5", "kept without the box"),
    ]


@pytest.mark.parametrize(
    ("rows", "columns"),
    [
        ("a.jpg,tiger,soon\nb.jpg,tiger,NA\n", {"captured_at": "x"}),
        ("a.jpg,tiger,x\nb.jpg,tiger,y\n", {"width_px": "x"}),
        ("a.jpg,tiger,Mars/Base\n", {"time_zone": "x", "captured_at": "x"}),
        ("a.txt,tiger,1\nb,tiger,2\n", {}),
        ("a.jpg,tiger,1,2\nb.jpg,deer, sika,2\n", {}),
    ],
)
def test_where_no_cell_of_a_column_or_no_row_can_be_used_the_import_is_refused(tmp_path, rows, columns):
    with pytest.raises(ManifestError, match=r"row 2|line 2"):
        read(tmp_path, "path,label,x\n" + rows, {**BASIC, **columns})
