import numpy as np
import pytest
from scipy.stats import binom

from leopardnet.records.encounters.scan_statistic import (
    History,
    draw_times,
    find_crowds,
    score_captures,
    unite_periods,
)

SEASON = np.array([0.0]), np.array([100.0])
HOW = {"max_days": 3.0, "min_captures": 3, "n_shuffles": 199, "level": 0.05, "seed": 3}


def history(*days, name="s", periods=SEASON):
    return History(name, np.array(days, float), *periods)


def spread(name="quiet", n=8):
    return history(*np.linspace(2, 98, n), name=name)


def test_the_score_is_the_least_bound_over_all_stretches_of_captures():
    times = np.sort(np.random.default_rng(0).uniform(0, 30, (6, 12)), axis=1)
    scores, first, count = score_captures(times, 30.0, 7.0, 3)
    for row, score, i, n in zip(times, scores, first, count, strict=True):
        bounds = {
            (a, b - a + 1): min(12 * binom.sf(b - a - 1, 11, (row[b] - row[a]) / 30), 1)
            for a in range(12)
            for b in range(a + 2, 12)
            if row[b] - row[a] <= 7
        }
        assert np.exp(score) == pytest.approx(min(bounds.values()))
        assert n == 0 or bounds[i, n] == pytest.approx(min(bounds.values()))
    assert [x.shape for x in score_captures(np.zeros((3, 0)), 0.0, 7.0, 3)] == [(3,)] * 3


def test_four_captures_in_a_day_crowd_and_others_do_not():
    quiet, crowd = find_crowds([spread(), history(10, 60, 60.2, 60.5, 60.9)], **HOW)
    assert quiet.p_value == 1.0
    assert (crowd.first, crowd.n) == (1, 4) and crowd.p_value == 1 / 200


def test_the_same_four_captures_are_no_news_where_captures_are_many():
    days = np.sort(np.append(np.linspace(0.1, 99.9, 250), [60, 60.2, 60.5, 60.9]))
    assert find_crowds([history(*days)], **HOW)[0].p_value > 0.05


def test_the_more_stations_are_looked_at_the_less_a_crowd_says():
    days = (10, 30, 50, 60, 60.2, 60.4, 80, 90)
    alone = find_crowds([history(*days)], **HOW)[0].p_value
    among = find_crowds([history(*days), *(spread(f"q{i}") for i in range(40))], **HOW)[0].p_value
    assert 0.01 < alone < 0.1 and among > 2 * alone


def test_captures_on_both_sides_of_a_gap_are_not_close():
    gap = np.array([0.0, 70.0]), np.array([30.0, 100.0])
    crowd = find_crowds([history(10, 29.8, 29.9, 70.1, 70.2, periods=gap)], **HOW)[0]
    assert crowd.n == 0 and crowd.p_value == 1.0


def test_draws_fall_in_the_days_of_work_alone_and_evenly():
    gap = np.array([0.0, 90.0]), np.array([30.0, 100.0])
    drawn = draw_times(history(*[1] * 40, periods=gap), 500, 1)
    inside = (drawn < 30) | ((drawn >= 90) & (drawn < 100))
    assert inside.all() and (np.diff(drawn, axis=1) >= 0).all()
    assert (drawn >= 90).mean() == pytest.approx(0.25, abs=0.02)


def test_draws_keep_the_least_gap_of_events_as_far_as_the_days_hold_it():
    drawn = draw_times(history(*[1] * 40), 300, 1, gap_days=0.5)
    assert (np.diff(drawn, axis=1) >= 0.5 - 1e-9).all() and drawn.min() >= 0 and drawn.max() <= 100
    assert drawn.mean() == pytest.approx(50, abs=1)
    tight = draw_times(history(*[1] * 40), 300, 1, gap_days=10.0)
    assert tight.max() <= 100 and (np.diff(tight, axis=1) >= 1.25 - 1e-9).all()


def test_draws_depend_on_the_station_and_not_on_its_place_in_the_list():
    a, b = history(1, 2, 3, name="a"), history(1, 2, 3, name="b")
    assert np.array_equal(draw_times(a, 5, 1), draw_times(a, 5, 1))
    assert not np.array_equal(draw_times(a, 5, 1), draw_times(b, 5, 1))


def test_too_few_captures_never_crowd_and_no_history_is_no_crowd():
    assert [c.p_value for c in find_crowds([history(5, 5.1), history()], **HOW)] == [1.0, 1.0]
    assert find_crowds([], **HOW) == []


def test_periods_that_overlap_or_touch_are_one():
    begins, ends = unite_periods(np.array([5.0, 0.0, 1.0, 6.0]), np.array([6.0, 4.0, 2.0, 9.0]))
    assert begins.tolist() == [0.0, 5.0] and ends.tolist() == [4.0, 9.0]
    assert [x.tolist() for x in unite_periods(np.zeros(0), np.zeros(0))] == [[], []]


def test_chance_crowds_some_station_as_often_as_the_level_says():
    """A fast version of `scripts/measure_encounters.py hints`: 400 archives of eight stations at the level 0.1."""
    rng = np.random.default_rng(11)
    how = HOW | {"n_shuffles": 99, "level": 0.1}
    n_false = 0
    for i in range(400):
        archive = [history(*np.sort(rng.uniform(0, 100, rng.integers(2, 20))), name=f"s{k}") for k in range(8)]
        n_false += min(c.p_value for c in find_crowds(archive, **how | {"seed": i})) <= 0.1
    assert abs(n_false - 40) <= 3 * np.sqrt(400 * 0.1 * 0.9), n_false
