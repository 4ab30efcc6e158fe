"""The watch over a season: quiet among its like, an alarm that says what and since when, what it cannot tell."""

import json

import numpy as np
import pandas as pd
import pytest

from leopardnet.metrics.guarantees.season_watch import FALSE_ALARMS, make_reference, watch_season
from leopardnet.metrics.guarantees.site_numbers import BLOCKS


def season(rng, n_sites, per_site=6, *, shift=0.0, onset=0, name="s"):
    """Features of clips, card by card, with sites and times; `quiet` never shifts, `loud` from the onset on."""
    site = np.repeat(np.arange(n_sites), per_site)
    x = rng.normal(size=(n_sites, 2))[site] + 0.3 * rng.normal(size=(len(site), 2))
    x[site >= onset, 1] += shift
    times = pd.Series(pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(len(site)), unit="h"))
    return (
        pd.DataFrame(x, columns=["quiet", "loud"]),
        pd.Series([f"{name}{i:02d}" for i in site], dtype=object),
        times,
    )


@pytest.fixture
def reference(rng):
    return make_reference(*season(rng, 20)[:2])


def test_the_reference_is_sorted_numbers_without_names(reference):
    assert list(reference) == ["first 2", "first 5"], "no site has enough clips for the other blocks"
    assert {k: len(v) for k, v in reference["first 2"].items()} == {"quiet": 20, "loud": 20}
    assert reference["first 5"]["loud"] == sorted(reference["first 5"]["loud"]) and "s0" not in json.dumps(
        reference
    )


def test_ordinary_sites_are_quiet(reference, rng):
    watch = watch_season(reference, *season(rng, 15))
    assert watch.status == "quiet" and watch.applies and watch.alarm is None
    assert 0.5 <= watch.evidence < 20 and (watch.n_clips, watch.n_sites, watch.n_reference) == (90, 15, 20)


def test_an_alarm_says_what_differs_where_and_since_when(reference, rng):
    features, sites, times = season(rng, 15, shift=-9.0, onset=7)
    watch = watch_season(reference, features, sites, times)
    alarm = watch.alarm
    assert watch.status == "alarm" and not watch.applies and watch.evidence >= 20
    assert (alarm.feature, alarm.direction, alarm.block) == ("loud", "lower", "first 5")
    assert alarm.since_site == "s07" and alarm.since_at == "2026-01-02 22:00", "the fifth clip, 46 hours on"
    assert set(alarm.sites) <= {f"s{i:02d}" for i in range(7, 15)} and alarm.raised_site in alarm.sites
    assert alarm.n_clips == 6 * int(alarm.raised_site[1:]) + 5
    assert json.loads(json.dumps(watch.to_dict()))["alarm"]["sites"] == list(alarm.sites)


def test_an_alarm_is_never_taken_back_and_does_not_depend_on_later_clips(reference, rng):
    features, sites, times = season(rng, 15, shift=9.0, onset=7)
    whole = watch_season(reference, features, sites, times)
    n = whole.alarm.n_clips
    assert watch_season(reference, features[:n], sites[:n], times[:n]).alarm == whole.alarm
    before = watch_season(reference, features[: n - 1], sites[: n - 1], times[: n - 1])
    assert before.alarm is None and before.evidence < 20


def test_sites_that_differ_in_both_directions_are_an_alarm_too(reference, rng):
    features, sites, _ = season(rng, 30)
    features["loud"] += 12 * np.repeat(np.where(np.arange(30) % 2, 1, -1), 6)
    watch = watch_season(reference, features, sites)
    assert watch.alarm.direction == "wider" and watch.alarm.since_at == ""


def test_a_change_at_the_same_sites_is_seen_though_their_beginning_is_ordinary(rng):
    reference = make_reference(*season(rng, 25, 15)[:2])
    assert list(reference) == ["first 2", "first 5", "change at 15"]
    features, sites, times = season(rng, 12, 15)
    features.loc[sites.groupby(sites).cumcount() >= 10, "loud"] += 5
    watch = watch_season(reference, features, sites, times)
    assert (watch.alarm.block, watch.alarm.feature, watch.alarm.direction) == ("change at 15", "loud", "higher")


def test_the_chance_of_a_false_alarm_is_shared_out(reference, rng):
    """Two features in one block: each bet may lose half of it, so its money must reach twice 20."""
    features, sites, times = season(rng, 15, shift=9.0)
    reference = {"first 5": reference["first 5"]}
    one = {"first 5": {"loud": reference["first 5"]["loud"]}}
    alone, both = (watch_season(r, features, sites, times) for r in (one, reference))
    assert alone.evidence == pytest.approx(2 * both.evidence)
    assert alone.alarm.n_clips <= both.alarm.n_clips and pytest.approx(0.05) == FALSE_ALARMS


def test_too_few_sites_are_said_to_be_too_few(reference, rng):
    assert watch_season(reference, *season(rng, 1, shift=99.0)).status == "too_early"
    nothing = pd.DataFrame({"quiet": [], "loud": []})
    assert watch_season(reference, nothing, pd.Series([], dtype=object)).status == "too_early"
    four = make_reference(*season(rng, 4)[:2])
    assert four == {}
    unwatched = watch_season(four, *season(rng, 15, shift=99.0))
    assert unwatched.status == "not_watched" and "fewer than 5 sites" in unwatched.why and unwatched.applies


def test_clips_without_a_site_are_not_watched(reference, rng):
    features, sites, times = season(rng, 10)
    nowhere = pd.Series([None] * len(sites), dtype=object)
    watch = watch_season(reference, features, nowhere, times)
    assert (watch.status, watch.why, watch.n_clips) == ("not_watched", "the clips have no site", 0)
    half = sites.where(sites < "s05", None)
    assert watch_season(reference, features, half, times).n_clips == 30


def test_features_that_only_one_side_has_are_left_alone(reference, rng):
    features, sites, times = season(rng, 15)
    same = watch_season(reference, features.assign(new=1.0), sites, times)
    assert same == watch_season(reference, features, sites, times)
    half = watch_season(reference, features.assign(loud=np.nan), sites, times)
    assert half.status == "quiet" and half.evidence <= same.evidence
    newer = {**reference, "first 99": {"quiet": [1.0] * 9}}
    assert "first 99" not in BLOCKS and watch_season(newer, features, sites, times) == same


@pytest.mark.parametrize("n_reference", [8, 30])
def test_nineteen_of_twenty_unshifted_seasons_are_quiet(n_reference):
    quiet = []
    for seed in range(60):
        rng = np.random.default_rng([n_reference, seed])
        quiet.append(watch_season(make_reference(*season(rng, n_reference)[:2]), *season(rng, 12)).alarm is None)
    assert np.mean(quiet) >= 0.95
