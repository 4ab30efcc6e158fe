"""A table for Timelapse: one row per file, no column that is no data label."""

from datetime import datetime

import pytest

from leopardnet.core.errors import ConfigError
from leopardnet.data.formats.sheets.timelapse import write_timelapse


def test_rows_are_found_by_folder_and_name(tmp_path):
    rows = [
        {
            "path": "s1/d1/1.JPG",
            "decision": "tiger",
            "score": 0.5,
            "t": datetime(2021, 12, 30, 22, 34, 56, 7),
            "ok": True,
        },
        {"path": "2.AVI", "decision": None, "score": None, "t": None, "ok": False},
    ]
    columns = {"Species": "decision", "P": "score", "DateTime": "t", "Seen": "ok"}
    written = write_timelapse(rows, tmp_path / "t.csv", columns=columns)
    assert (tmp_path / "t.csv").read_bytes().decode().splitlines() == [
        "File,RelativePath,Species,P,DateTime,Seen",
        "1.JPG,s1\\d1,tiger,0.5,2021-12-30 22:34:56,true",
        "2.AVI,,,,,false",
    ]
    assert (written.n_rows, written.n_left_out) == (2, 0)


def test_a_name_that_runs_as_a_formula_is_left_out_and_a_label_is_made_harmless(tmp_path):
    rows = [{"path": "=1+1.jpg", "x": "a"}, {"path": "@a/1.jpg", "x": "a"}, {"path": "1.jpg", "x": "=1"}]
    written = write_timelapse(rows, tmp_path / "t.csv", columns={"Species": "x"})
    assert (tmp_path / "t.csv").read_text().splitlines()[1:] == ["1.jpg,,'=1"]
    assert (written.n_rows, written.n_left_out, sum(written.reasons.values())) == (1, 2, 2)


@pytest.mark.parametrize("columns", [{}, {"File": "x"}, {"My label": "x"}, {"=1": "x"}, {"Вид": "x"}])
def test_columns_that_are_no_data_labels_are_refused(tmp_path, columns):
    with pytest.raises(ConfigError, match="no such data label"):
        write_timelapse([], tmp_path / "t.csv", columns=columns)
    assert not list(tmp_path.iterdir())
