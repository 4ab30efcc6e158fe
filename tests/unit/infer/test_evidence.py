import numpy as np
import pytest

from leopardnet.core.types import Boxes
from leopardnet.infer.evidence import Evidence


def evidence(times, values, warnings, boxes):
    logits = np.array(values, np.float32)
    return Evidence(np.array(times), logits, logits + 10, logits / 10, logits * 2, boxes, warnings)


def test_evidence_is_in_the_order_of_time_and_has_each_frame_once():
    here, there = (Boxes.none(t, (64, 48), "motion") for t in (0.0, 2.0))
    first = Evidence.none().merge(evidence([0.0, 4.0], [[1, 0], [2, 0]], ("cut",), (here, None)))
    both = first.merge(evidence([2.0, 4.0], [[3, 0], [9, 9]], ("cut", "late"), (there, None)))
    assert both.times_s.tolist() == [0, 2, 4] and both.logits[:, 0].tolist() == [1, 3, 2]
    assert both.crops[:, 0].tolist() == [11, 13, 12] and both.boxes == (here, there, None)
    assert both.cosines[:, 0].tolist() == pytest.approx([0.1, 0.3, 0.2])
    assert both.looks[:, 0].tolist() == [2, 6, 4]
    assert both.warnings == ("cut", "late") and len(Evidence.none()) == 0
