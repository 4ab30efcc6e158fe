"""predictions.csv as `predict` wrote it, and after a spreadsheet saved it again."""

import pandas as pd
import pytest
from command_line import leopardnet

from leopardnet.core.errors import ManifestError
from leopardnet.core.language import set_language
from leopardnet.core.predictions import Predictions
from season_tables import predictions_of


@pytest.fixture
def csv(tmp_path):
    made = predictions_of({"юг/a.avi": 0.75, "b.avi": 0.25})
    times = pd.to_datetime(["2021-05-04 10:00", None])
    return Predictions(made.table.assign(captured_at=times), made.evidence).write(tmp_path) / "predictions.csv"


def test_it_is_read_as_it_was_written(csv):
    assert Predictions.read(csv).table["p_leopard"].tolist() == [0.75, 0.25]


PARTS = ("where", "found", "expected", "do")


def refuse(file):
    """The error of a table that is not read: it has all parts, and no words of a program."""
    with pytest.raises(ManifestError) as error:
        Predictions.read(file)
    parts = error.value.parts
    assert all(parts[name] for name in PARTS) and str(parts["where"]).startswith(file.name)
    assert "give the folder of the results, or predictions.parquet" in parts["do"]
    assert "Error" not in str(error.value), "no name of a class"
    return error.value


@pytest.mark.parametrize(
    ("old", "new", "encoding", "found"),
    [
        (",", ";", "utf-8-sig", "'clip_id;path;kind"),
        (",", ";", "cp1251", "'clip_id;path;kind"),
        (",", "\t", "utf-8", r"'clip_id\tpath\tkind"),
        (",", "\t", "utf-16", r"'clip_id\tpath\tkind"),
        ("0.75", '"0,75"', "utf-8-sig", "'0,75'"),
        ("2021-05-04T10:00:00.000000", "04.05.2021 10:00", "utf-8-sig", "'04.05.2021 10:00'"),
        ("2021-05-04T10:00:00.000000", "5/4/2021 10:00", "utf-8", "'5/4/2021 10:00'"),
    ],
    ids=["semicolons", "cp1251", "tabs", "utf-16", "decimal comma", "points in a date", "slashes in a date"],
)
def test_after_a_spreadsheet_it_is_refused_in_plain_words(csv, old, new, encoding, found):
    text = csv.read_text("utf-8-sig")
    assert old in text
    csv.write_bytes(text.replace(old, new).encode(encoding))
    assert str(refuse(csv).parts["found"]).startswith(found)


@pytest.mark.parametrize("suffix", [".xlsx", ".XLSX", ".ods", ".xls"])
def test_a_workbook_is_refused_in_the_same_words(csv, suffix):
    workbook = csv.with_name(f"predictions{suffix}")
    workbook.write_bytes(b"PK")
    assert refuse(workbook).parts["expected"] == ("predictions.csv or predictions.parquet, as `predict` wrote it")


def test_a_date_that_is_no_date_is_not_called_a_spreadsheets(csv):
    csv.write_text(csv.read_text("utf-8-sig").replace("2021-05-04T10:00:00.000000", "2021-05-04 10:00"), "utf-8")
    assert str(Predictions.read(csv).table["captured_at"][0]) == "2021-05-04 10:00:00"


def test_the_command_says_it_in_russian_with_every_part(csv):
    csv.write_text(csv.read_text("utf-8-sig").replace(",", ";"), "utf-8")
    out = csv.with_name("report.html")
    try:
        _, said = leopardnet("--language", "ru", "report", csv, "--out", out, code=1)
    finally:
        set_language("en")
    assert [line.split(":")[0].strip() for line in said.strip().splitlines()] == [
        *("ошибка", "где", "найдено", "нужно", "что делать")
    ]
    assert "predictions.parquet" in said and not out.exists()
    assert not [word for word in ("this", "give", "commas", "saved") if word in said]
