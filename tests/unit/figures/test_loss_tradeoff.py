"""The price of a guarantee: what cannot be guaranteed is drawn as a cross."""

from drawn_figures import is_drawable, line_data
from leopardnet.evaluation.thresholds import find_thresholds
from leopardnet.figures import loss_tradeoff
from leopardnet.metrics.labelled_clips import LabelledClips


def test_a_promise_that_cannot_be_kept_lies_on_the_ground(evaluated):
    found = [find_thresholds(LabelledClips.of(*evaluated[:2]), {"leopard": loss}) for loss in (0.001, 0.2, 0.3)]
    axes = loss_tradeoff(found).axes[0]
    assert (
        list(line_data(axes, 0)[0]) == [0.2, 0.3]
        and list(line_data(axes, 1)[0]) == [0.001]
        and list(line_data(axes, 1)[1]) == [0]
    )
    assert is_drawable(axes.figure) and is_drawable(loss_tradeoff([]))
