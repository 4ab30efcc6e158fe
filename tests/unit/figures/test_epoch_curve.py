"""The learning curve marks the epoch that was kept."""

from drawn_figures import is_drawable
from leopardnet.figures import epoch_curve


def test_the_learning_curve_marks_the_epoch_that_was_kept():
    history = [
        {"epoch": 0, "val_macro_f1": 0.5, "val_nll": 1.0},
        {"epoch": 1, "val_macro_f1": 0.75, "val_nll": 0.9},
        {"epoch": 2, "val_macro_f1": 0.75, "val_nll": 0.7},  # a tie: the lower loss wins
    ]
    figure = epoch_curve(history)
    line, ring = figure.axes[0].lines
    assert list(line.get_xdata()) == [0, 1, 2] and list(line.get_ydata()) == [0.5, 0.75, 0.75]
    assert (list(ring.get_xdata()), list(ring.get_ydata())) == ([2], [0.75])
    assert is_drawable(figure)


def test_a_run_without_an_epoch_is_an_empty_figure():
    assert is_drawable(epoch_curve([]))
