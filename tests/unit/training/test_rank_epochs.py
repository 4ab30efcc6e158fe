import math

import pytest

from leopardnet.training.rank_epochs import find_best, is_better, rank_epoch


def row(f1, nll=1.0, **more):
    return {"val_macro_f1": f1, "val_nll": nll, **more}


def test_macro_f1_counts_first_and_likelihood_at_a_tie():
    assert is_better(row(0.6, 9.0), [row(0.5, 1.0), row(0.4, 0.1)])
    assert is_better(row(0.5, 0.9), [row(0.5, 1.0)]) and not is_better(row(0.5), [row(0.5)])


def test_the_last_bits_of_a_float_decide_nothing():
    assert 0.1 + 0.2 != 0.3 and rank_epoch(row(0.1 + 0.2, 1 + 1e-13)) == rank_epoch(row(0.3, 1.0))
    assert find_best([row(0.3, epoch=1), row(0.1 + 0.2, epoch=2)])["epoch"] == 1, "of equal epochs the first"


@pytest.mark.parametrize("missing", [{}, row(None, None), row(math.nan, math.nan)])
def test_an_epoch_without_figures_is_worse_than_any_other(missing):
    assert is_better(row(0.0, 1e9), [missing])
