"""Two levels of promise: how many sites the stronger one needs, and which threshold a number of misses gives."""

import numpy as np
import pytest

from leopardnet.core.errors import ConfigError
from leopardnet.metrics.guarantees.levels import choose_threshold, sites_needed


@pytest.mark.parametrize(("share", "n"), [(0.2, 14), (0.1, 29), (0.05, 59), (0.01, 299)])
def test_nobody_can_exclude_that_a_share_of_sites_fails_without_so_many(share, n):
    assert sites_needed(share) == n
    assert (1 - share) ** n <= 0.05 < (1 - share) ** (n - 1)


def test_of_equal_scores_none_is_below_the_threshold():
    ranked = np.array([0.1, 0.2, 0.2, 0.2, 0.5])
    assert [choose_threshold(ranked, n)[:2] for n in (1, 2, 3, 4, 5)] == [
        (0.1, 0),
        (0.2, 1),
        (0.2, 1),
        (0.2, 1),
        (0.5, 4),
    ]
    assert choose_threshold(ranked, 0) == (None, 0, False) == choose_threshold(np.zeros(0), 0)


def test_a_score_of_nothing_makes_no_threshold():
    assert choose_threshold(np.array([-np.inf, 0.0, 0.3]), 2) == (None, 0, True)
    assert choose_threshold(np.array([-np.inf, 0.0, 0.3]), 3) == (0.3, 2, False), "where two may be missed"


@pytest.mark.parametrize("wrong", [{"max_miss": 0.0}, {"max_miss": 1.0}, {"max_miss": 0.1, "confidence": 95}])
def test_shares_that_are_none_are_refused(wrong):
    with pytest.raises(ConfigError, match="a guarantee needs a share"):
        sites_needed(**wrong)
