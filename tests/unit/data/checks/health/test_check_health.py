"""The rules of camera health: each on a camera with the fault and on one without, made by hand."""

from datetime import datetime

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.manifest import Manifest
from leopardnet.data.checks.health.check_health import check_health, list_camera_clips
from leopardnet.data.checks.health.sun import convert_to_utc, sun_altitude
from leopardnet.data.checks.health.visits import chance_of_silence, find_visits, measure_clumping

NOW = datetime(2022, 6, 1)
START = pd.Timestamp("2021-10-01")
PLACE = {"latitude": 43.5, "longitude": 131.5, "time_zone": "Asia/Vladivostok"}
HOURS = (1.2, 7.4, 13.1, 19.3)


def camera(times, unit="c1", **columns):
    """The clips of one camera at these times; `columns` may be values or lists."""
    times = pd.to_datetime(pd.Series(times))
    paths = [f"{unit}/{i:05d}.jpg" for i in range(len(times))]
    return pd.DataFrame({"unit": unit, "path": paths, "captured_at": times.astype("datetime64[us]")}).assign(
        **columns
    )


def every(step_hours, n_days, first=START):
    """A visit every so many hours."""
    return [first + pd.Timedelta(hours=h) for h in np.arange(0, n_days * 24, step_hours)]


def period(start, end):
    return {"start": pd.Timestamp(start), "end": pd.Timestamp(end)}


def found(*cameras, rule=None):
    """The findings of a rule, or of all: rule and message."""
    findings = list(check_health(pd.concat(cameras), now=NOW))
    return [(f.rule, f.message, f.path) for f in findings if rule in (None, f.rule)]


def messages(*cameras, rule):
    return [message for _, message, _ in found(*cameras, rule=rule)]


# --- silence ---


def test_a_steady_camera_is_sound():
    assert found(camera(every(6.1, 60), **period(START, "2021-11-30 12:00"), **PLACE)) == []


def test_a_camera_that_stops_before_its_end_is_named_and_one_that_goes_on_is_not():
    [(_, message, path)] = found(camera(every(6.1, 40), **period(START, "2021-12-10")), rule="stopped_early")
    assert message.startswith("c1: the last clip is 30 days before the end") and "4.0 times a day" in message
    assert path == "c1/00157.jpg", "the last clip"
    assert messages(camera(every(6.1, 40), **period(START, "2021-11-12")), rule="stopped_early") == []


def test_a_camera_that_is_still_out_has_not_stopped():
    assert messages(camera(every(6.1, 40), **period(START, "2022-07-01")), rule="stopped_early") == []
    assert messages(camera(every(6.1, 40), start=START, end=pd.NaT), rule="stopped_early") == []


def test_a_gap_is_unusual_for_a_busy_camera_and_not_for_a_rare_one():
    busy = every(6.1, 20) + every(6.1, 20, START + pd.Timedelta(days=32))
    [message] = messages(camera(busy), rule="silence")
    assert "no clip for 12 days since 2021-10-20" in message
    rare = every(6 * 24, 60) + every(6 * 24, 60, START + pd.Timedelta(days=72))
    assert messages(camera(rare), rule="silence") == []


def test_a_pause_is_nothing_for_a_camera_whose_visits_come_in_bouts():
    """A week of 20 visits a day, then three weeks of nearly nothing, over and over: the fourth week is no fault."""
    bouts = [t for k in range(6) for t in every(1.2, 7, START + pd.Timedelta(days=28 * k))]
    assert messages(camera(bouts), rule="silence") == []


def test_a_gap_that_the_table_knows_as_a_problem_is_none():
    busy = every(6.1, 20) + every(6.1, 20, START + pd.Timedelta(days=32))
    known = "2021-10-20 00:00:00/2021-11-02 00:00:00"
    assert messages(camera(busy, problems=known), rule="silence") == []
    assert len(messages(camera(busy, problems="2021-10-01 00:00:00/2021-10-02 00:00:00"), rule="silence")) == 1
    assert messages(camera(busy, problems="2021-10-15 00:00:00/"), rule="silence") == []


def test_few_visits_say_nothing():
    assert found(camera(every(24, 9), **period(START, "2022-03-01"))) == []


def test_a_late_first_clip_and_clips_before_the_start_question_the_date_of_set_up():
    late = camera(every(6.1, 40), **period(START - pd.Timedelta(days=20), "2021-11-11"))
    [message] = messages(late, rule="set_up_date")
    assert "the first clip is 20 days after the start" in message
    early = camera(every(6.1, 40), **period(START + pd.Timedelta(days=5), "2021-11-11"))
    [message] = messages(early, rule="set_up_date")
    assert "16 of 158 clips are up to 5 days before the start" in message, "those of the first four days"
    assert messages(camera(every(6.1, 40), **period(START, "2021-11-11")), rule="set_up_date") == []


# --- night ---


def by_day(n_days, hours=(9.1, 12.3, 15.2)):
    return [START + pd.Timedelta(days=d, hours=h) for d in range(n_days) for h in hours]


def around_the_clock(n_days):
    return by_day(n_days, HOURS)


def test_a_camera_without_any_night_is_named_and_one_with_a_single_night_is_not():
    others = [camera(around_the_clock(40), f"o{k}") for k in range(3)]
    [message] = messages(camera(by_day(40)), *others, rule="no_night")
    assert "none of 120 visits in 39 days is from the night" in message
    one = [*by_day(40), START + pd.Timedelta(days=3, hours=23.5)]
    assert messages(camera(sorted(one)), *others, rule="no_night") == []


def test_where_all_cameras_film_by_day_none_is_unusual():
    """Feeders of birds: the usual share at night is 0."""
    assert messages(*(camera(by_day(60), f"c{k}") for k in range(5)), rule="no_night") == []


def test_few_days_without_a_night_say_nothing():
    others = [camera(around_the_clock(40), f"o{k}") for k in range(3)]
    assert messages(camera(by_day(13, np.arange(8, 17, 0.7))), *others, rule="no_night") == []


def test_black_pictures_at_night_mean_that_the_infrared_light_is_broken():
    times = around_the_clock(20)
    at_night = [t.hour < 3 for t in times]
    [message] = messages(camera(times, is_dark=at_night), rule="dark_nights")
    assert "20 of 20 visits at night show a black picture" in message
    few = [is_dark and i < 40 for i, is_dark in enumerate(at_night)]
    assert messages(camera(times, is_dark=few), rule="dark_nights") == []
    assert messages(camera(times), rule="dark_nights") == [], "nothing is known of the pictures"


# --- grass in the wind ---


def stormy(is_empty=None):
    storm = [START + pd.Timedelta(days=10, hours=8, minutes=3 * i) for i in range(160)]  # 8 h to 16 h
    times = sorted([*around_the_clock(30), *storm])
    return camera(times, **({} if is_empty is None else {"is_empty": is_empty}))


def test_a_day_of_very_many_clips_is_a_storm():
    [message] = messages(stormy(), rule="trigger_storm")
    assert "163 clips on 1 days, first on 2021-10-11, where 4 a day are usual" in message
    assert "animal that stayed" in message, "nobody knows what it shows"
    assert "cut back" in messages(stormy(is_empty=True), rule="trigger_storm")[0]


def test_a_herd_that_stayed_is_no_storm():
    assert messages(stormy(is_empty=False), rule="trigger_storm") == []


def test_a_camera_that_always_films_much_has_no_storm():
    assert messages(camera(every(0.1, 20)), rule="trigger_storm") == []


def test_an_hour_of_many_clips_is_no_storm():
    hour = [START + pd.Timedelta(days=10, hours=9, seconds=20 * i) for i in range(180)]
    assert messages(camera(sorted([*around_the_clock(30), *hour])), rule="trigger_storm") == []


# --- moved ---


def hashes(n, rng, background, noise):
    bits = background ^ (rng.uniform(size=(n, 64)) < noise)
    return pd.array(np.packbits(bits, axis=1).view(">u8").reshape(-1).astype(np.uint64), dtype="UInt64")


def filmed(moved_at, *, noise=0.15, light="colour", n=80):
    """A camera with two backgrounds: before and after the picture at `moved_at`."""
    rng = np.random.default_rng(5)
    before, after = rng.uniform(size=(2, 64)) < 0.5
    both = np.concatenate([hashes(moved_at, rng, before, noise), hashes(n - moved_at, rng, after, noise)])
    return camera(every(12, n / 2), light=light, phash=pd.array(both, dtype="UInt64"))


def test_another_background_from_one_clip_on_is_a_move():
    [(_, message, path)] = found(filmed(30), rule="moved_camera")
    assert "from 2021-10-16 00:00 on" in message and path == "c1/00030.jpg"


@pytest.mark.parametrize(
    "fixed", [filmed(0), filmed(80), filmed(4), filmed(30, noise=0.45), filmed(30, light=None)]
)
def test_a_fixed_camera_too_few_pictures_and_restless_ones_are_no_move(fixed):
    assert messages(fixed, rule="moved_camera") == []


def test_snow_on_a_part_of_the_picture_is_no_move():
    rng = np.random.default_rng(6)
    ground = rng.uniform(size=64) < 0.5
    snow = ground ^ (np.arange(64) < 16)
    both = np.concatenate([hashes(40, rng, ground, 0.12), hashes(40, rng, snow, 0.12)])
    assert (
        messages(camera(every(12, 40), light="colour", phash=pd.array(both, dtype="UInt64")), rule="moved_camera")
        == []
    )


# --- clocks ---


def lit(offset_h, *, days=30, light=None):
    """A camera whose clock is so many hours ahead, with the light that the sun gave."""
    true_at = pd.Series(around_the_clock(days))
    sun = sun_altitude(convert_to_utc(true_at, PLACE["time_zone"]), PLACE["latitude"], PLACE["longitude"])
    seen = np.where(sun < 3, "infrared", "colour") if light is None else light
    return camera(true_at + pd.Timedelta(hours=offset_h), light=seen, **PLACE)


def test_a_clock_that_took_am_for_pm_is_found():
    [message] = messages(lit(12), rule="clock_against_sun")
    assert "about 12 hours off" in message and "AM and PM" in message


@pytest.mark.parametrize(("offset_h", "words"), [(7, "back"), (-6, "forward")])
def test_a_clock_of_another_zone_is_found_with_its_direction(offset_h, words):
    [message] = messages(lit(offset_h), rule="clock_against_sun")
    low, high = (int(x) for x in message.split("is set ")[1].split(f" hours {words}")[0].split(" to "))
    assert low <= abs(offset_h) <= high


@pytest.mark.parametrize(
    "right", [lit(0), lit(0.5), lit(0, light="colour"), lit(12, light="infrared"), lit(12, days=1)]
)
def test_a_right_clock_a_white_flash_and_a_camera_without_colour_are_no_fault(right):
    assert messages(right, rule="clock_against_sun") == []


def test_without_coordinates_or_zone_it_says_that_it_cannot_tell():
    unknown = lit(12).assign(time_zone=None)
    assert messages(unknown, rule="clock_against_sun") == []
    [message] = messages(unknown, lit(0).assign(unit="c2"), rule="clock_not_checked")
    assert "1 of 2 cameras" in message and "(c1)" in message
    without_table = unknown.drop(columns=[*PLACE])
    assert messages(without_table, rule="clock_not_checked") == [], "no table of deployments was given"


# --- all of them ---


def test_no_clips_no_times_and_no_units_give_no_findings():
    assert found(camera([]).assign(light=None)) == []
    assert found(camera([None, None])) == [] and found(camera(every(6, 40), unit=None)) == []


def test_clips_of_a_manifest_belong_to_their_deployment_else_to_their_site():
    rows = pd.DataFrame(
        {
            "path": [f"{i}.jpg" for i in range(5)],
            "kind": "still",
            "site": ["a", "b", "a", "c", None],
            "deployment": ["d1", "d1", "d2", None, None],
            "label": ["empty", "tiger", None, None, None],
        }
    )
    clips = list_camera_clips(Manifest.from_rows(rows, "."), None, None)
    assert clips["unit"].fillna("-").tolist() == ["a/d1", "b/d1", "d2", "c", "-"]
    assert clips["is_empty"].tolist()[:2] == [True, False] and clips["is_empty"].isna().sum() == 3


# --- what silence is unusual ---


def test_visits_half_an_hour_apart_are_two():
    minutes = np.array([0, 10, 29, 59, 89.5]) / 1440
    assert (find_visits(minutes) * 1440).round(3).tolist() == [0, 59, 89.5]
    assert find_visits(np.zeros(0)).tolist() == []


def test_clumping_is_the_variance_over_the_mean_of_counts():
    """Days with 4 visits and days without, by turns: mean 2, variance 40 * 4 / 39 over 40 days."""
    visits = np.repeat(np.arange(0, 40, 2), 4) + 0.5
    assert measure_clumping(visits, 0.0, 40.0) == pytest.approx(40 * 4 / 39 / 2)


def test_the_chance_of_silence_bounds_what_happens_to_independent_visits():
    rng = np.random.default_rng(8)
    longest = [np.diff(np.sort(rng.uniform(0, 100, 30))).max() for _ in range(4000)]
    for silence in (12.0, 18.0):
        share = np.mean(np.array(longest) >= silence)
        assert share <= chance_of_silence(29, silence, 100.0, 1.0, anywhere=True) + 0.02
