import numpy as np

from leopardnet.core.ties import order_descending, round_scores


def test_scores_that_differ_by_noise_stay_in_order():
    noise = np.array([0.0, 1e-9, -1e-9, 2e-7, 0.0])
    assert order_descending(0.3 + noise).tolist() == [0, 1, 2, 3, 4]
    assert order_descending((0.3 + noise).astype(np.float32)).tolist() == [0, 1, 2, 3, 4]
    assert round_scores(0.3 + noise).argmax() == 0


def test_scores_that_differ_by_more_are_sorted():
    assert order_descending([0.3, 0.3001, -2.0, 700.0]).tolist() == [3, 1, 0, 2]
    assert order_descending([]).tolist() == []
