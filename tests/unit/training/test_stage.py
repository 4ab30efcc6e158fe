import pytest

from leopardnet.training.stage import _should_stop


@pytest.mark.parametrize(
    ("scores", "patience", "stop"),
    [
        ([0.5, 0.4, 0.4], 2, True),
        ([0.5, 0.4, 0.6], 2, False),
        ([0.5, 0.4], 2, False),
        ([0.5, 0.4, 0.3], None, False),
    ],
)
def test_training_stops_when_nothing_gets_better(scores, patience, stop):
    history = [{"epoch": i, "val_macro_f1": score, "val_nll": 1.0} for i, score in enumerate(scores)]
    assert _should_stop(history, patience) is stop
