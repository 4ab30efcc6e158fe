"""read(write(x)) == x for the labels of sounds of Raven and Audacity, and what broken files say."""

import math

import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.data.formats.sound_tables.audacity import format_audacity, parse_audacity
from leopardnet.data.formats.sound_tables.raven import format_raven, parse_raven
from leopardnet.data.formats.sound_tables.stretch_row import StretchRow

ROWS = [
    StretchRow(0.0, 0.125, "alarm call", 800.0, 4523.5),
    StretchRow(2.5, 14.75, "птица; 鹿", 100.0, 200.0),
    StretchRow(3.0, 3.5, "", 0.0, 8000.0),
]
WAYS = {"raven": (format_raven, parse_raven), "audacity": (format_audacity, parse_audacity)}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("rows", [[], ROWS[:1], ROWS])
def test_what_is_written_is_read_again(way, rows):
    write, read = WAYS[way]
    assert read(write(rows), where="x.txt") == rows
    assert read("\ufeff" + write(rows).replace("\n", "\r\n"), where="x.txt") == rows


def test_a_label_of_several_lines_stays_one_row():
    odd = [StretchRow(1.0, 2.0, "a\tb\nc", 1.0, 2.0)]
    for write, read in WAYS.values():
        assert [row.label for row in read(write(odd), where="x")] == ["a b c"]


def test_raven_writes_a_row_for_each_view_and_people_use_other_columns():
    text = (
        "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tSpecies\n"
        "1\tWaveform 1\t1\t1.5\t2.0\tsika\n"
        "1\tSpectrogram 1\t1\t1.5\t2.0\tsika\n\n"
        "2\tSpectrogram 1\t1\t4\t5\t\n"
    )
    (first, second) = parse_raven(text, where="x.txt")
    assert (first.start_s, first.end_s, first.label, second.label) == (1.5, 2.0, "sika", "")
    assert math.isnan(first.low_hz)


def test_audacity_without_pitch_and_with_a_decimal_comma():
    (row,) = parse_audacity("1,5\t2,25\tbird\n", where="x.txt")
    assert (row.start_s, row.end_s, row.label) == (1.5, 2.25, "bird") and math.isnan(row.low_hz)


HEAD = "Begin Time (s)\tEnd Time (s)\n"


@pytest.mark.parametrize(
    ("read", "text", "found"),
    [
        (parse_raven, "", "no selection table"),
        (parse_raven, "a,b\n1,2\n", "no selection table"),
        (parse_raven, HEAD + "1\tx\n", "line 2, End"),
        (parse_raven, HEAD + "1\n", "line 2, End"),
        (parse_raven, HEAD + "1\t2\n3\t2\n", "line 3"),
        (parse_audacity, "bird\n", "line 1"),
        (parse_audacity, "1\t2\tx\n1\tnan\ty\n", "line 2"),
        (parse_audacity, "\\\t1\t2\n", "no label track"),
        (parse_audacity, "2\t1\tx\n", "line 1"),
    ],
)
def test_broken_tables_name_their_line(read, text, found):
    with pytest.raises(ManifestError, match=found):
        read(text, where="x.txt")
