"""predictions.csv as `predict` wrote it, and after a spreadsheet saved it again."""

import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.predictions import Predictions
from season_tables import predictions_of


@pytest.fixture
def csv(tmp_path):
    return predictions_of({"юг/a.avi": 0.75, "b.avi": 0.25}).write(tmp_path) / "predictions.csv"


def test_it_is_read_as_it_was_written(csv):
    assert Predictions.read(csv).table["p_leopard"].tolist() == [0.75, 0.25]


@pytest.mark.parametrize(
    ("old", "new", "encoding"),
    [(",", ";", "utf-8-sig"), (",", ";", "cp1251"), (",", "\t", "utf-16"), ("0.75", '"0,75"', "utf-8-sig")],
    ids=["semicolons", "cp1251", "utf-16", "decimal comma"],
)
def test_after_a_spreadsheet_it_is_refused_in_plain_words(csv, old, new, encoding):
    csv.write_bytes(csv.read_text("utf-8-sig").replace(old, new).encode(encoding))
    with pytest.raises(ManifestError) as error:
        Predictions.read(csv)
    assert "give the folder of the results, or predictions.parquet" in error.value.parts["do"]
    assert "Error" not in str(error.value), "no name of a class"
