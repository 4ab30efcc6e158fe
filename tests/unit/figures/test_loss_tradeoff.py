"""The price of a guarantee: what cannot be guaranteed is drawn as a cross."""

from drawn_figures import is_drawable, line_data
from leopardnet.evaluation.thresholds import find_thresholds
from leopardnet.figures import loss_tradeoff
from leopardnet.metrics.labelled_clips import LabelledClips


def test_a_promise_that_cannot_be_kept_lies_on_the_ground(evaluated):
    found = [find_thresholds(LabelledClips.of(*evaluated[:2]), {"leopard": loss}) for loss in (0.001, 0.2, 0.3)]
    axes = loss_tradeoff(found).axes[0]
    drawn = [line_data(axes, i) for i in range(3)]  # whatever sites do, like sites, neither
    for (x, y), level in zip(drawn[:2], ("any_sites", "like_sites"), strict=True):
        assert list(x) == [t.promises[0].max_miss for t in found if level in t.unseen_at]
        assert list(y) == [t.unseen_at[level].value for t in found if level in t.unseen_at]
    assert list(drawn[2][0]) == [t.promises[0].max_miss for t in found if not t.unseen_at] and 0.001 in drawn[2][0]
    assert set(drawn[2][1]) == {0} and len(drawn[1][0]) > 0
    assert is_drawable(axes.figure) and is_drawable(loss_tradeoff([]))
