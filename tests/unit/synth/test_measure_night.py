"""The script that compares nights names what it lacks."""

import importlib.util
import sys
from pathlib import Path

import pandas as pd
import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "measure_night.py"
ROW = {"path": "a.jpg", "night_ir": "True", "camera_trap": "True", "site": "ridge", "sequence_id": "1"}


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("measure_night", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_missing_tables_columns_and_pictures_get_one_line(script, tmp_path):
    table = tmp_path / "images.csv"
    with pytest.raises(SystemExit, match=r"^images\.csv: no such table$"):
        script.list_pictures(table)
    pd.DataFrame([ROW]).drop(columns=["night_ir", "site"]).to_csv(table, index=False)
    with pytest.raises(SystemExit, match=r"^images\.csv: no column night_ir, site$"):
        script.list_pictures(table)
    pd.DataFrame([ROW]).to_csv(table, index=False)
    with pytest.raises(SystemExit, match=r"1 of 1 pictures are not beside the table: a\.jpg"):
        script.list_pictures(table)
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    rows = script.list_pictures(table)
    assert rows["camera"].tolist() == ["ridge"] and rows["night"].tolist() == [True]
    with pytest.raises(SystemExit, match=r"^a\.jpg: not a picture"):
        list(script.read_pictures(rows))
