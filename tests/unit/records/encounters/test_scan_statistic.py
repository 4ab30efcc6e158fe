import numpy as np
import pytest

from leopardnet.records.encounters.scan_statistic import (
    History,
    count_ahead,
    draw_times,
    find_crowds,
    unite_periods,
)

SEASON = np.array([0.0]), np.array([100.0])
HOW = {"windows_days": (1.0, 3.0), "min_captures": 3, "n_shuffles": 199, "level": 0.05, "seed": 3}


def history(*days, name="s", periods=SEASON):
    return History(name, np.array(days, float), *periods)


def spread(name="quiet", n=8):
    return history(*np.linspace(2, 98, n), name=name)


def test_captures_ahead_equal_counting_one_by_one():
    times = np.sort(np.random.default_rng(0).integers(0, 30, (5, 12)), axis=1).astype(float)
    slow = [[sum(0 <= b - a <= 4 for b in row[i:]) for i, a in enumerate(row)] for row in times]
    assert count_ahead(times, 4.0).tolist() == slow and count_ahead(np.zeros((3, 0)), 1.0).shape == (3, 0)


def test_four_captures_in_a_day_crowd_and_others_do_not():
    quiet, crowd = find_crowds([spread(), history(10, 60, 60.2, 60.5, 60.9)], **HOW)
    assert quiet.p_value == 1.0
    assert (crowd.window_days, crowd.first, crowd.n) == (1.0, 1, 4) and crowd.p_value == 1 / 200


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
    assert crowd.n < 3 and crowd.p_value == 1.0


def test_draws_fall_in_the_days_of_work_alone_and_evenly():
    gap = np.array([0.0, 90.0]), np.array([30.0, 100.0])
    drawn = draw_times(history(*[1] * 40, periods=gap), 500, 1)
    inside = (drawn < 30) | ((drawn >= 90) & (drawn < 100))
    assert inside.all() and (np.diff(drawn, axis=1) >= 0).all()
    assert (drawn >= 90).mean() == pytest.approx(0.25, abs=0.02)


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
