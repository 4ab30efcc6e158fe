"""Tables that leopardnet wrote and a spreadsheet program saved again: the same values in every form."""

import pandas as pd
import pytest

from leopardnet.core.columns import FLOAT, STRING, TIME, Column
from leopardnet.core.errors import ManifestError
from leopardnet.data.reading.tables.saved_table import read_saved_table

COLUMNS = (
    Column("record_id", STRING, False, ""),
    Column("captured_at", TIME, True, ""),
    Column("km", FLOAT, True, ""),
    Column("is_notable", "bool", False, ""),
    Column("first", "boolean", True, ""),
)
TIMES = ["2021-03-15 10:00:00", "2021-04-01 00:00:00"]
FORMS = {
    "own.csv": "record_id,captured_at,km,is_notable,first\n01,2021-03-15T10:00:00.000000,1.5,True,False\n"
    "2,2021-04-01T00:00:00.000000,,False,\n",
    "excel.csv": "record_id;captured_at;km;is_notable;first\n01;15.03.2021 10:00;1,5;TRUE;FALSE\n"
    "2;01.04.2021;;FALSE;\n",
    "russian.csv": "record_id;captured_at;km;is_notable;first\n01;15.03.2021 10:00;1,5;ИСТИНА;ЛОЖЬ\n"
    "2;01.04.2021 0:00:00;;ЛОЖЬ;\n",
}


def check(table):
    assert table["record_id"].tolist() == ["01", "2"]
    assert table["captured_at"].astype(str).tolist() == TIMES or table["captured_at"].tolist() == list(
        map(pd.Timestamp, TIMES)
    )
    assert table["km"].iloc[0] == 1.5 and pd.isna(table["km"].iloc[1])
    assert table["is_notable"].tolist() == [True, False]
    assert table["first"].iloc[0] == False and pd.isna(table["first"].iloc[1])  # noqa: E712


@pytest.mark.parametrize("name", FORMS)
def test_texts_of_every_program_are_the_same_table(name, tmp_path):
    (tmp_path / name).write_text(FORMS[name], "utf-8")
    check(read_saved_table(tmp_path / name, COLUMNS))


def test_a_sheet_is_the_same_table(tmp_path):
    rows = {"record_id": ["01", "2"], "captured_at": pd.to_datetime(TIMES), "km": [1.5, None]}
    sheet = pd.DataFrame(rows | {"is_notable": [True, False], "first": ["FALSE", None]})
    sheet.to_excel(tmp_path / "a.xlsx", index=False)
    check(read_saved_table(tmp_path / "a.xlsx", COLUMNS))


@pytest.mark.parametrize(
    ("column", "text", "expected"),
    [
        ("captured_at", "yesterday", "a time such as 2021-12-30 22:34:56"),
        ("km", "far", "a number"),
        ("first", "perhaps", "true or false"),
        ("name", "#NAME?", "a text, which the program has cut or replaced"),
    ],
)
def test_a_cell_that_cannot_be_read_is_named(column, text, expected, tmp_path):
    (tmp_path / "a.csv").write_text(f"record_id,{column}\n1,\n2,{text}\n", "utf-8")
    with pytest.raises(ManifestError) as error:
        read_saved_table(tmp_path / "a.csv", COLUMNS)
    assert error.value.parts == {
        "where": f"a.csv, line 3, column {column}",
        "found": repr(text),
        "expected": expected,
        "do": None,
    }


def test_a_date_of_march_or_of_april_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("record_id,captured_at\n1,\n2,3/4/2021 10:00\n", "utf-8")
    with pytest.raises(ManifestError, match="day and month of the dates cannot be told apart") as error:
        read_saved_table(tmp_path / "a.csv", COLUMNS)
    assert error.value.parts["where"] == "a.csv, line 3, column captured_at"
