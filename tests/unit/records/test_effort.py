"""Effort: camera-days by hand, problem periods that overlap, open periods, and a camera in two places."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.records.effort import EFFORT, count_effort, find_active_periods

TEXTS = ("site", "station", "camera", "problems")


def deployments(*rows):
    """Deployments with these values; what a row leaves out is empty."""
    names = ["deployment", *TEXTS, "start", "end"]
    table = pd.DataFrame([{**dict.fromkeys(names), **row} for row in rows], columns=names)
    for name in ("start", "end"):
        table[name] = pd.to_datetime(table[name], format="ISO8601").astype("datetime64[us]")
    return table


def clips(*rows):
    table = pd.DataFrame(rows, columns=["deployment", "captured_at"]).assign(site=None)
    return table.assign(captured_at=pd.to_datetime(table["captured_at"], format="ISO8601"))


DECEMBER = {"deployment": "d1", "site": "s1", "start": "2021-12-01 00:00:00", "end": "2021-12-10 23:59:59"}


def test_a_date_at_each_end_counts_both_days():
    row = count_effort(deployments(DECEMBER)).iloc[0]
    assert (row["camera_days"], row["problem_days"], row["n_clips"]) == (10.0, 0.0, 0)
    assert (row["start_from"], row["end_from"], row["station"]) == ("table", "table", "s1")


def test_problem_periods_that_overlap_count_once_and_only_inside_the_period():
    """2 to 4 December noon (2.5 days) twice over, and 9 to 20 December, of which two days are in the period."""
    problems = (
        "2021-12-02 00:00:00/2021-12-03 23:59:59; 2021-12-03 12:00:00/2021-12-04 12:00:00; "
        "2021-12-09 00:00:00/2021-12-20 23:59:59"
    )
    row = count_effort(deployments({**DECEMBER, "problems": problems})).iloc[0]
    assert (row["problem_days"], row["camera_days"]) == (4.5, 5.5)


def test_the_times_of_work_lie_between_the_problems():
    problems = "2021-12-02 00:00:00/2021-12-03 23:59:59; 2021-12-09 00:00:00/"
    found = find_active_periods(deployments({**DECEMBER, "problems": problems}))
    assert found[["start", "end"]].astype("str").to_numpy().tolist() == [
        ["2021-12-01", "2021-12-02"],
        ["2021-12-04", "2021-12-09"],
    ]
    assert found["deployment"].tolist() == ["d1", "d1"]


def test_a_problem_without_an_end_lasts_until_the_end_of_the_deployment():
    row = count_effort(deployments({**DECEMBER, "problems": "2021-12-06 00:00:00/"})).iloc[0]
    assert (row["problem_days"], row["camera_days"]) == (5.0, 5.0)


def test_a_camera_that_never_worked_has_no_time_of_work():
    table = deployments({**DECEMBER, "problems": "2021-11-01 00:00:00/2022-01-01 00:00:00"})
    assert count_effort(table)["camera_days"].tolist() == [0.0] and find_active_periods(table).empty


def test_an_open_period_runs_from_the_first_to_the_last_clip_and_says_so():
    table = deployments({"deployment": "d1", "start": "2021-12-01 00:00:00"}, {"deployment": "d2"})
    found = count_effort(table, clips(("d1", "2021-12-03 12:00"), ("d1", "2021-12-05 12:00"), ("d9", "2021-12-09")))
    assert found["camera_days"].tolist()[0] == 4.5 and found["n_clips"].tolist() == [2, 0]
    assert found["end_from"].tolist() == ["last clip", "unknown"] and np.isnan(found["camera_days"][1])
    assert len(find_active_periods(table)) == 0


def test_one_camera_at_two_places_at_once_is_named():
    table = deployments(
        {**DECEMBER, "camera": "BTC-7"},
        {"deployment": "d2", "camera": "BTC-7", "start": "2021-12-10 12:00:00", "end": "2021-12-20 23:59:59"},
        {"deployment": "d3", "camera": "BTC-7", "start": "2021-12-21 00:00:00", "end": "2021-12-22 23:59:59"},
        {"deployment": "d4", "camera": None, "start": "2021-12-01 00:00:00", "end": "2021-12-20 23:59:59"},
    )
    assert count_effort(table)["overlaps"].fillna("").tolist() == ["d2", "d1", "", ""]


def test_no_deployments_give_an_empty_table():
    table = count_effort(deployments())
    assert table.empty and list(table.columns) == [c.name for c in EFFORT]
    assert find_active_periods(deployments()).empty


@pytest.mark.parametrize("text", ["last week", "2021-12-05 00:00:00/2021-12-01 00:00:00", "/2021-12-01 00:00:00"])
def test_a_problem_period_that_cannot_be_read_is_named(text):
    with pytest.raises(ManifestError, match="problem period") as caught:
        count_effort(deployments(DECEMBER, {"deployment": "d2", "problems": text}))
    assert "d2" in str(caught.value)


def test_the_days_are_those_of_a_count_by_minute():
    """Random periods against a table of every minute."""
    rng = np.random.default_rng(3)
    first = pd.Timestamp("2022-01-01")
    rows, expected = [], []
    for k in range(20):
        a, b = np.sort(rng.integers(0, 3000, 2))
        works = np.zeros(3000, bool)
        works[a:b] = True
        texts = []
        for _ in range(rng.integers(0, 5)):
            c, d = np.sort(rng.integers(0, 3000, 2))
            works[c:d] = False
            texts.append("/".join(str(first + pd.Timedelta(minutes=int(m))) for m in (c, d)))
        times = [first + pd.Timedelta(minutes=int(m)) for m in (a, b)]
        rows.append(
            {"deployment": f"d{k}", "start": times[0], "end": times[1], "problems": "; ".join(texts) or None}
        )
        expected.append(works.sum() / 1440)
    table = deployments(*rows)
    np.testing.assert_allclose(count_effort(table)["camera_days"], expected, atol=1e-9)
    active = find_active_periods(table)
    days = ((active["end"] - active["start"]) / pd.Timedelta(days=1)).groupby(active["deployment"]).sum()
    np.testing.assert_allclose(days.reindex(table["deployment"], fill_value=0.0), expected, atol=1e-9)
