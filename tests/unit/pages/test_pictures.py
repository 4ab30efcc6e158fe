"""Pictures in a page and the boxes on them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leopardnet.core.errors import ManifestError
from leopardnet.pages.pictures import embed_picture, parse_boxes

FRACTION = st.floats(0, 1).map(lambda x: round(x, 4))


def test_boxes_come_the_best_first_and_end_at_the_edge():
    cell = json.dumps(
        [
            {"xyxy": [-0.1, 0.5, 0.5, 1.2]},
            {"xyxy": [0.1, 0.1, 0.2, 0.2], "score": 0.4},
            {"xyxy": [0.5, 0.5, 0.5, 0.9]},
        ]
    )
    # The third box has no width.
    assert parse_boxes(cell, where="here") == ((0.1, 0.1, 0.2, 0.2, 0.4), (0.0, 0.5, 0.5, 1.0, None))
    assert parse_boxes("[]", where="here") == ()
    with pytest.raises(ManifestError, match="here"):
        parse_boxes("[[0, 0, 1, 1]]", where="here")


@given(st.lists(st.tuples(FRACTION, FRACTION, FRACTION, FRACTION, FRACTION)))
def test_boxes_inside_the_frame_come_back_as_they_were_written(boxes):
    cell = json.dumps([{"xyxy": list(b[:4]), "score": b[4]} for b in boxes])
    kept = [b for b in boxes if b[2] > b[0] and b[3] > b[1]]
    assert parse_boxes(cell, where="here") == tuple(sorted(kept, key=lambda b: -b[4]))


def test_bytes_that_are_no_picture_do_not_make_the_report_fail():
    assert embed_picture(b"no jpeg").aspect == pytest.approx(16 / 9)
