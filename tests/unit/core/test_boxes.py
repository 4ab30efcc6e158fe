import pytest

from leopardnet.core.boxes import parse_boxes
from leopardnet.core.errors import ManifestError


def test_boxes_in_a_cell():
    assert parse_boxes(None) == parse_boxes("[]") == []
    assert parse_boxes('[{"xyxy": [0, 0, 0.5, 1], "label": "x", "score": 1}]') == [
        {"xyxy": [0, 0, 0.5, 1], "label": "x", "score": 1}
    ]


@pytest.mark.parametrize(
    "cell",
    [
        "",
        "x",
        "1",
        "{}",
        "[1]",
        "[[]]",
        '[{"xyxy": [0, 0, 1]}]',
        '[{"score": 1}]',
        '[{"xyxy": [0, 0, 1, NaN]}]',
        '[{"xyxy": [0, 0, 1, 1' + "0" * 400 + "]}]",
        '[{"xyxy": [0, 0, 1, "1"]}]',
        '[{"xyxy": [0, 0, 1, true]}]',
        '[{"xyxy": [0, 0, 1, 1], "score": "high"}]',
        '[{"xyxy": [0, 0, 1, 1], "score": null}]',
        '[{"xyxy": [0, 0, 1, 1], "label": 3}]',
        "[" * 100_000,
    ],
)
def test_a_cell_of_another_form_is_one_message(cell):
    with pytest.raises(ManifestError, match="boxes cannot be read"):
        parse_boxes(cell)
