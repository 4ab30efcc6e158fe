"""The planted truth is that of the files: clocks, noises, distances."""

import json
from dataclasses import replace
from itertools import pairwise

import av
import numpy as np
import pandas as pd
import pytest
from pyproj import Geod

from leopardnet.data.scan.deployments import read_deployments
from leopardnet.synth.audio import SAMPLE_RATE_HZ
from leopardnet.synth.story.noises import mix_sound, read_noises
from leopardnet.synth.story.planted_truth import describe_truth
from leopardnet.synth.story.render_story import render_clips
from leopardnet.synth.story.season import DEPLOYMENTS, RANGE, SPEC, plan_season, read_story_text

TINY = replace(SPEC, width_px=96, height_px=64, fps=4.0)


@pytest.fixture(scope="module")
def truth():
    return describe_truth(plan_season())


@pytest.fixture(scope="module")
def deployments(tmp_path_factory):
    path = tmp_path_factory.mktemp("story") / DEPLOYMENTS
    path.write_text(read_story_text(DEPLOYMENTS), encoding="utf-8")
    return read_deployments(path).set_index("deployment")


def test_three_owners_have_eight_cameras_at_six_places(deployments):
    assert deployments["owner"].nunique() == 3
    by_site = deployments.groupby("site").size().to_dict()
    assert by_site == {"S1": 2, "S2": 2, "T1": 1, "T2": 1, "T3": 1, "T4": 1}


def test_only_the_wrong_clock_differs_from_the_truth(truth, deployments):
    slow = {(c.true_time - c.plan.captured_at).total_seconds() for c in plan_season() if c.plan.site == "T2"}
    assert slow == {truth["clock"]["correction_s"]} == {deployments["clock_correction_s"]["T2"]}
    assert all(c.true_time == c.plan.captured_at for c in plan_season() if c.plan.site != "T2")
    assert deployments["clock_correction_s"].drop("T2").eq(0).all()


def test_with_its_wrong_clock_the_leopard_is_at_two_places_at_once(truth):
    at = {p: pd.Timestamp(truth["true_times"][p]) for p in truth["encounter"]["paths"]}
    wrong = [t - pd.Timedelta(seconds=truth["clock"]["correction_s"]) for p, t in at.items() if p.startswith("T2/")]
    apart = min(abs((a - b).total_seconds()) for p, b in at.items() if not p.startswith("T2/") for a in wrong)
    assert apart <= 30
    true = sorted(at.values())
    assert true[-1] - true[0] == pd.Timedelta(hours=15, minutes=25)


@pytest.mark.parametrize(
    ("site", "latitude", "longitude"),
    [
        ("T1", 43.6, 132.12),
        ("S1", 43.612, 132.15),
        ("T2", 43.628, 132.185),
        ("T3", 43.66, 132.1),
        ("S2", 43.64, 132.21),
    ],
)
def test_distances_are_those_to_the_nearest_point_of_the_range(truth, site, latitude, longitude):
    features = json.loads(read_story_text(RANGE))["features"]
    ring = np.array(next(f for f in features if f["properties"]["kind"] == "range")["geometry"]["coordinates"][0])
    share = np.linspace(0, 1, 2001)[:, None]
    border = np.concatenate([a + share * (b - a) for a, b in pairwise(ring)])
    one = np.ones(len(border))
    km = Geod(ellps="WGS84").inv(border[:, 0], border[:, 1], one * longitude, one * latitude)[2].min() / 1000
    assert truth["record"]["distance_km"][site] == pytest.approx(km, abs=0.001)


def test_the_whistle_is_heard_at_its_seconds_and_nowhere_else(truth, tmp_path):
    clips = [c for c in plan_season(TINY) if c.plan.path in truth["whistles"]]
    render_clips(tmp_path, clips, spec=TINY)
    assert sum(len(seconds) for seconds in truth["whistles"].values()) == 4
    for path, spans in truth["whistles"].items():
        with av.open(str(tmp_path / path)) as container:
            blocks = [f.to_ndarray().astype(np.float64).ravel() for f in container.decode(audio=0)]
            sound = np.concatenate(blocks)
        loud = np.abs(np.fft.rfft(np.lib.stride_tricks.sliding_window_view(sound, 800)[::400])[:, 80:200]).max(
            axis=1
        )
        t = np.arange(len(loud)) * 400 / SAMPLE_RATE_HZ + 0.025
        inside = np.any([(t > a + 0.05) & (t < b - 0.05) for a, b in spans], axis=0)
        outside = np.all([(t < a - 0.15) | (t > b + 0.15) for a, b in spans], axis=0)
        assert loud[inside].min() > 3 * loud[outside].max()


def test_silence_is_a_track_of_zeros_and_none_is_no_track():
    rng = np.random.default_rng(1)
    assert not mix_sound("silence", 0.5, rng).any() and len(mix_sound("silence", 0.5, rng)) == SAMPLE_RATE_HZ / 2
    assert len(mix_sound("none", 0.5, rng)) == 0
    assert read_noises("wind") == read_noises("") == read_noises("none") == []


def test_one_camera_fell_silent_long_before_it_was_taken_down(truth, deployments):
    files = [t for p, t in truth["true_times"].items() if p.startswith("T3/")]
    assert max(files) == truth["died"]["last_file"] == "2021-11-12T22:50:00"
    assert deployments["end"]["T3"] - pd.Timestamp(max(files)) > pd.Timedelta(days=60)


def test_the_story_does_not_depend_on_the_number_of_workers(tmp_path):
    some = [c for c in plan_season(TINY) if c.plan.deployment in ("S2-B", "T3")][::4]
    seen = []
    one = render_clips(tmp_path / "one", some, spec=TINY, on_progress=lambda *n: seen.append(n))
    pd.testing.assert_frame_equal(render_clips(tmp_path / "two", some, spec=TINY, n_workers=2), one)
    assert seen == [(i + 1, len(some)) for i in range(len(some))]
    for clip in some:
        assert (tmp_path / "two" / clip.plan.path).read_bytes() == (tmp_path / "one" / clip.plan.path).read_bytes()


def test_a_clip_without_sound_has_no_sound_track(tmp_path):
    clip = next(c for c in plan_season(TINY) if c.sounds == "none")
    render_clips(tmp_path, [clip], spec=TINY)
    with av.open(str(tmp_path / clip.plan.path)) as container:
        assert [s.type for s in container.streams] == ["video"]
