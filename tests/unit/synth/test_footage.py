from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from datetime import datetime
from fractions import Fraction

import av
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leopardnet.core.errors import ConfigError
from leopardnet.core.footage.rendered import find_rendered
from leopardnet.data.scan.scan import scan
from leopardnet.synth import FootageSpec, plan_site, render_clip, render_footage
from leopardnet.synth import footage as footage_module
from leopardnet.synth.weather import Sensor
from leopardnet.synth.write_files import write_still, write_video

SMALL = FootageSpec(
    n_sites=2, clips_per_site=4, stills_per_site=4, width_px=160, height_px=96, duration_s=(0.6, 1.2)
)
N_BANNER_ROWS = 10


@pytest.fixture(scope="module")
def footage(tmp_path_factory):
    out = tmp_path_factory.mktemp("footage")
    seen = []
    clips = render_footage(out, SMALL, on_progress=lambda done, n: seen.append((done, n)))
    return out, clips, pd.read_csv(out / "frames.csv"), seen


def first(label: str, spec: FootageSpec = SMALL) -> int:
    return next(plan.i_clip for plan in plan_site(spec, 0) if plan.label == label)


def test_same_seed_same_bytes_and_other_seed_other_bytes():
    one, again = render_clip(SMALL, 0, 1), render_clip(SMALL, 0, 1)
    np.testing.assert_array_equal(one.pixels, again.pixels)
    np.testing.assert_array_equal(one.boxes, again.boxes)
    np.testing.assert_array_equal(one.sound, again.sound)
    other = render_clip(replace(SMALL, seed=8), 0, 1)
    assert one.pixels[0].tobytes() != other.pixels[0].tobytes()


def test_a_clip_alone_equals_the_clip_after_others():
    alone = render_clip(SMALL, 1, 3)
    for i_site, i_clip in ((0, 0), (1, 2), (1, 5)):
        render_clip(SMALL, i_site, i_clip)
    np.testing.assert_array_equal(render_clip(SMALL, 1, 3).pixels, alone.pixels)


def test_two_workers_write_what_one_writes(footage, tmp_path):
    out, clips, _, _ = footage
    with_two = render_footage(tmp_path, SMALL, n_workers=2)
    pd.testing.assert_frame_equal(with_two, clips)
    for table in ("clips.csv", "frames.csv"):
        assert (tmp_path / table).read_bytes() == (out / table).read_bytes()


def test_labels_are_balanced_within_each_site(footage):
    _, clips, _, seen = footage
    for (_, _), group in clips.groupby(["site", "kind"]):
        assert Counter(group["label"]) == {"leopard": 1, "tiger": 1, "sika_deer": 1, "empty": 1}
    assert seen == [(i + 1, 16) for i in range(16)]


def test_only_the_animal_and_its_shadow_change_the_picture(monkeypatch):
    spec = replace(SMALL, width_fraction=(0.25, 0.3), occluded_share=0.0, night_share=0.0, fps=4.0)
    i_clip = first("tiger", spec)
    clip = render_clip(spec, 0, i_clip)
    monkeypatch.setattr(footage_module.Animal, "draw", lambda *args: footage_module.UNSEEN)
    without = render_clip(spec, 0, i_clip)
    assert set(without.labels) == {"empty"}
    assert "tiger" in clip.labels
    for picture, bare, (x0, y0, x1, y1) in zip(clip.pixels, without.pixels, clip.boxes, strict=True):
        changed = np.abs(picture.astype(int) - bare).max(axis=2) > 3
        if np.isnan(x0):
            continue
        x0, y0, x1, y1 = int(x0), int(y0), int(x1), int(y1)
        assert changed[y0:y1, x0:x1].mean() > 0.25  # the box is full of animal
        assert changed[y0:y1, x0 : x0 + 3].any() and changed[y0:y1, x1 - 3 : x1].any()  # and fits it
        shadow, blur = (x1 - x0) // 2, 3
        changed[max(0, y0 - blur) : y1 + shadow, max(0, x0 - shadow) : x1 + shadow] = False
        assert not changed.any()


def test_boxes_lie_inside_the_picture_above_the_banner(footage):
    _, _, frames, _ = footage
    shown, empty = frames[frames["label"] != "empty"], frames[frames["label"] == "empty"]
    assert len(shown) > 20
    assert ((shown["x0"] >= 0) & (shown["x0"] < shown["x1"]) & (shown["x1"] <= 160)).all()
    assert ((shown["y0"] >= 0) & (shown["y0"] < shown["y1"]) & (shown["y1"] <= 96 - N_BANNER_ROWS)).all()
    assert shown["visible"].between(0, 1, inclusive="right").all()
    assert empty[["x0", "y0", "x1", "y1"]].isna().all(axis=None)
    assert (empty["visible"] == 0).all()


def test_clip_label_and_width_follow_from_the_frames(footage):
    _, clips, frames, _ = footage
    for _, clip in clips.iterrows():
        rows = frames[frames["path"] == clip["path"]]
        assert len(rows) == clip["n_frames"]
        assert rows["frame_number"].tolist() == list(range(clip["n_frames"]))
        assert set(rows["label"]) - {"empty"} == {clip["label"]} - {"empty"}
        width = ((rows["x1"] - rows["x0"]) / 160).max()
        assert clip["animal_width_fraction"] == pytest.approx(0 if np.isnan(width) else width, abs=1e-4)


def test_decoded_times_sizes_and_sound_are_those_of_the_tables(footage):
    out, clips, frames, _ = footage
    videos = clips[clips["kind"] == "video"]
    assert Counter(path[-3:] for path in videos["path"]) == {"MP4": 4, "AVI": 4}
    for _, clip in videos.iterrows():
        with av.open(str(out / clip["path"])) as container:
            decoded = list(container.decode(video=0))
            assert container.streams.video[0].codec.name == {"MP4": "h264", "AVI": "mjpeg"}[clip["path"][-3:]]
        assert [frame.time for frame in decoded] == frames[frames["path"] == clip["path"]]["time_s"].tolist()
        assert {(frame.width, frame.height) for frame in decoded} == {(160, 96)}
        with av.open(str(out / clip["path"])) as container:
            assert container.streams.audio[0].rate == 16_000
            n_samples = sum(frame.samples for frame in container.decode(audio=0))
        assert n_samples == pytest.approx(16_000 * clip["duration_s"], abs=2 * 1024)  # AAC fills its last block


@pytest.mark.parametrize("fps", [7.5, 12.0, 29.97])
def test_times_stay_exact_at_other_frame_rates(tmp_path, fps):
    spec = FootageSpec(
        n_sites=1, clips_per_site=2, stills_per_site=0, width_px=64, height_px=48, fps=fps, duration_s=(0.5, 0.5)
    )
    for path in render_footage(tmp_path, spec)["path"]:
        with av.open(str(tmp_path / path)) as container:
            times = [frame.time for frame in container.decode(video=0)]
        table = pd.read_csv(tmp_path / "frames.csv")
        assert times == table[table["path"] == path]["time_s"].tolist()
        assert times[1] == pytest.approx(1 / fps, rel=1e-4)


def test_the_file_shows_what_was_rendered(footage):
    out, _, _, _ = footage
    clip = render_clip(SMALL, 0, first("leopard"))
    with av.open(str(out / clip.plan.path)) as container:
        decoded = np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
    assert decoded.shape == clip.pixels.shape
    assert np.abs(decoded.astype(int) - clip.pixels).mean() < 12  # lossy, noisy, but the same pictures in order


def test_files_carry_the_cameras_clock(footage):
    out, clips, _, _ = footage
    for _, clip in clips.iterrows():
        if clip["kind"] == "still":
            with Image.open(out / clip["path"]) as picture:
                assert picture.size == (160, 96)
                taken = picture.getexif().get_ifd(0x8769)[0x9003]
            assert taken.replace(":", "-", 2).replace(" ", "T") == clip["captured_at"]
        elif clip["path"].endswith("MP4"):
            with av.open(str(out / clip["path"])) as container:
                assert container.metadata["creation_time"].startswith(clip["captured_at"])


def test_paths_look_like_a_card_in_order_of_capture(footage):
    out, clips, _, _ = footage
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("IMAG*")) == sorted(clips["path"])
    for (site, deployment), group in clips.groupby(["site", "deployment"]):
        ordered = group.sort_values("captured_at")["path"].tolist()
        suffixes = [path[-3:] for path in ordered]
        folder = f"{site}/{deployment}/DCIM/100MEDIA"
        assert ordered == [f"{folder}/IMAG{i + 1:04d}.{suffix}" for i, suffix in enumerate(suffixes)]


def test_night_pictures_are_grey_and_day_pictures_are_not():
    for night, i_clip in itertools.product((0.0, 1.0), range(4, 8)):
        clip = render_clip(replace(SMALL, night_share=night), 0, i_clip)
        spread = np.ptp(clip.pixels[0, :-N_BANNER_ROWS].astype(int), axis=2)
        assert (spread.max() == 0) == bool(night)


def test_antlers_are_grey_in_infrared_too():
    spec = FootageSpec(
        n_sites=2,
        clips_per_site=0,
        stills_per_site=6,
        labels=("sika_deer",),
        night_share=1.0,
        width_px=160,
        height_px=96,
        width_fraction=(0.3, 0.5),
    )
    for i_site, i_clip in itertools.product(range(2), range(6)):  # four deer in ten carry antlers
        pixels = render_clip(spec, i_site, i_clip).pixels[0, :-N_BANNER_ROWS]
        assert np.ptp(pixels.astype(int), axis=2).max() == 0


def test_alarm_call_is_heard_between_one_and_four_kilohertz():
    quiet, loud = replace(SMALL, alarm_share=0.0), replace(SMALL, alarm_share=1.0)
    i_clip = first("sika_deer")
    power = []
    for spec in (quiet, loud):
        clip = render_clip(spec, 0, i_clip)
        hz = np.fft.rfftfreq(len(clip.sound), 1 / 16_000)
        power.append(np.square(np.abs(np.fft.rfft(clip.sound)))[(hz > 1500) & (hz < 4000)].sum())
    assert power[1] > 20 * power[0]
    assert not render_clip(loud, 0, first("tiger")).plan.alarm_call


def test_a_set_of_nothing_is_two_empty_tables(tmp_path):
    clips = render_footage(tmp_path, FootageSpec(n_sites=1, clips_per_site=0, stills_per_site=0))
    assert len(clips) == 0
    assert (tmp_path / "frames.csv").read_text().startswith("path,site,deployment,frame_number,time_s,label,x0")


def test_numbers_outside_the_set_are_refused():
    with pytest.raises(ConfigError, match="no such site"):
        render_clip(SMALL, 2, 0)
    with pytest.raises(ConfigError, match="no such clip"):
        render_clip(SMALL, 0, 8)


def test_noise_by_night_is_smooth_and_lies_on_scattered_light():
    black = np.zeros((90, 160, 3), np.uint8)
    levels = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        seen = Sensor((160, 90), night=True, rng=rng).expose(black, 1.0, rng)[..., 0].astype(float)
        levels.append(seen.mean())
        if levels[-1] > 9:  # darker ones are cut off at 0
            assert np.corrcoef(seen[:, 1:].ravel(), seen[:, :-1].ravel())[0, 1] > 0.2
            assert 0.3 < seen.std() < 3.5
    assert min(levels) < 5 < 10 < max(levels) < 25


def test_a_scan_finds_what_rendered_each_file_and_no_mark_in_other_files(footage, tmp_path):
    out, *_ = footage
    rendered = scan(out).table
    assert {path.rpartition(".")[2] for path in rendered["path"]} == {"MP4", "AVI", "JPG"}
    assert set(rendered["source"]) == {"scan, rendered"}
    assert find_rendered(rendered) == set(rendered["clip_id"])
    for suffix in ("MP4", "AVI", "JPG"):
        pixels, moment = np.full((3, 32, 48, 3), 90, np.uint8), datetime(2024, 5, 1, 12)
        if suffix == "JPG":
            write_still(tmp_path / "a.JPG", pixels[0], moment, "Maker Model")
        else:
            sound = np.zeros(0, np.float32)
            write_video(tmp_path / f"a.{suffix}", pixels, sound, rate=Fraction(5), captured_at=moment)
    filmed = scan(tmp_path).table
    assert filmed["source"].tolist() == ["scan"] * 3 and not find_rendered(filmed)
    assert filmed["captured_at"].nunique() == 1
