import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leopardnet.compose import load_group
from leopardnet.core.errors import ManifestError, MediaError
from leopardnet.core.labels import Label
from leopardnet.core.settings.inference import LabelsConfig, PreprocessSpec, UniformSampling
from leopardnet.core.types import Boxes
from leopardnet.training.frames.clip_frames import LARGE, Reading
from leopardnet.training.frames.frame_cache import FrameCache
from leopardnet.training.frames.frame_looks import note_boxes
from leopardnet.training.frames.labelled_frames import load_frames, open_lazy_frames, read_batch
from leopardnet.training.frames.select_frames import select_frames

LABELS = LabelsConfig(labels=({"name": "tiger"}, {"name": "empty"}), empty="empty", targets=()).label_set()
DATA = load_group("data", "standard")


def reading(most=8):
    return Reading(PreprocessSpec(size_px=32, crop_bottom=0.0), UniformSampling(n_frames=4), most)


def cache_in(tmp_path, max_bytes=10**9):
    return FrameCache(tmp_path / "cache", max_bytes=max_bytes)


def load(manifest, tmp_path, max_frames_per_clip=8):
    wanted = select_frames(manifest, LABELS, DATA.model_copy(update={"max_frames_per_clip": max_frames_per_clip}))
    return load_frames(
        wanted, manifest.root, labels=LABELS, reading=reading(max_frames_per_clip), cache=cache_in(tmp_path)
    )


def grey_levels(frames):
    return [round(float(frames.exact[i].mean()) / 8) for i in range(len(frames))]


def test_labelled_frames_of_a_video_replace_its_own_label(write_video, manifest_of, tmp_path):
    write_video("a.mp4", n_frames=24, fps=10)
    m = manifest_of(
        path=["a.mp4"] * 3,
        kind=["video", "frame", "frame"],
        time_s=[None, 0.5, 2.0],
        label=["tiger", "empty", "tiger"],
    )
    frames = load(m, tmp_path)
    assert (
        grey_levels(frames) == [5, 20]
        and frames.table["label"].tolist() == ["empty", "tiger"]
        and frames.y.tolist() == [1, 0]
    )


def test_frame_numbers_count_in_decode_order(write_video, manifest_of, tmp_path):
    write_video("a.mp4", n_frames=24, fps=10)
    frames = load(
        manifest_of(path=["a.mp4"] * 2, kind="frame", frame_number=[3, 17], label=["tiger", "empty"]), tmp_path
    )
    assert grey_levels(frames) == [3, 17] and frames.table["label"].tolist() == ["tiger", "empty"]


def test_labels_stay_with_their_frames_in_any_order_and_by_any_name(write_video, manifest_of, tmp_path):
    write_video("a.mp4", n_frames=24, fps=10)
    m = manifest_of(
        path=["a.mp4"] * 4,
        kind="frame",
        frame_number=[17, 3, None, 40],
        time_s=[None, None, 0.9, None],
        label=["tiger", "empty", "tiger", "empty"],
    )
    frames = load(m, tmp_path)
    assert grey_levels(frames) == [3, 9, 17] and frames.table["label"].tolist() == ["empty", "tiger", "tiger"]
    assert len(frames.skipped) == 1 and "no frame within" in frames.skipped["reason"][0]


def test_a_moment_that_does_not_exist_is_skipped_and_never_replaced(write_video, manifest_of, tmp_path):
    write_video("a.mp4", n_frames=24, fps=10)
    frames = load(
        manifest_of(path=["a.mp4"] * 2, kind="frame", time_s=[1.0, 100.0], label=["empty", "tiger"]), tmp_path
    )
    assert grey_levels(frames) == [10] and frames.table["label"].tolist() == ["empty"] and len(frames.skipped) == 1


def test_a_frame_without_a_time_or_a_number_is_refused(manifest_of):
    with pytest.raises(ManifestError, match="neither a time nor a number"):
        select_frames(manifest_of(path=["a.mp4"], kind="frame", label="tiger"), LABELS, DATA)


def test_a_whole_video_gives_sampled_frames_with_its_label(write_video, manifest_of, tmp_path):
    write_video("a.mp4", n_frames=24, fps=10)
    frames = load(manifest_of(path=["a.mp4"], kind="video", label="tiger"), tmp_path)
    assert grey_levels(frames) == [3, 9, 15, 21] and set(frames.table["label"]) == {"tiger"}


def test_many_labelled_frames_are_thinned_evenly(write_video, manifest_of, tmp_path):
    write_video("a.mp4", n_frames=24, fps=10)
    times = [i / 10 for i in range(21)]
    frames = load(
        manifest_of(path=["a.mp4"] * 21, kind="frame", time_s=times, label="tiger"), tmp_path, max_frames_per_clip=3
    )
    assert grey_levels(frames) == [0, 10, 20]


def test_what_cannot_be_read_is_listed_and_nothing_takes_its_place(manifest_of, tmp_path):
    for name, grey in (("a.png", 80), ("c.png", 160)):
        Image.new("RGB", (40, 40), (grey,) * 3).save(tmp_path / name)
    (tmp_path / "b.png").write_bytes(b"broken")
    frames = load(
        manifest_of(path=["a.png", "b.png", "c.png"], kind="still", label=["tiger", "tiger", "empty"]), tmp_path
    )
    assert grey_levels(frames) == [10, 20] and frames.table["path"].tolist() == ["a.png", "c.png"]
    assert frames.skipped["path"].tolist() == ["b.png"] and "not a picture" in frames.skipped["reason"][0]


def write_textured(path, *, share=1.0):
    """Write a JPEG of noise, or the first part of its bytes."""
    pixels = np.random.default_rng(1).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, quality=90)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


def test_half_a_picture_is_listed_and_not_taught_as_a_whole_one(manifest_of, tmp_path):
    for name, share in (("a.jpg", 1.0), ("b.jpg", 0.5), ("c.jpg", 1.0), ("d.jpg", 0.5)):
        write_textured(tmp_path / name, share=share)
    m = manifest_of(
        path=["a.jpg", "b.jpg", "c.jpg"],
        kind=["still", "still", "burst"],
        paths=[None, None, json.dumps(["c.jpg", "d.jpg"])],
        label=["tiger", "tiger", "empty"],
    )
    frames = load(m, tmp_path)
    assert frames.table["path"].tolist() == ["a.jpg", "c.jpg"] and frames.table["time_s"].tolist() == [0.0, 0.0]
    assert frames.skipped["path"].tolist() == ["b.jpg", "c.jpg"]
    assert frames.skipped["reason"][0].startswith("the picture is cut short: its lower ")
    assert frames.skipped["reason"][1].startswith("still 1: the picture is cut short: its lower ")
    wanted = select_frames(m, LABELS, DATA)
    lazy = open_lazy_frames(wanted[wanted["kind"] == "still"], m.root, labels=LABELS, reading=reading())
    with pytest.raises(MediaError, match="cut short"):
        lazy.exact[1]


def test_whole_frames_of_a_cut_video_are_used(write_video, manifest_of, tmp_path):
    path = write_video("a.mkv", n_frames=24, fps=10, codec="mjpeg")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    m = manifest_of(path=["a.mkv"], kind="video", label="tiger")
    frames = load(m, tmp_path)
    assert 0 < len(frames) <= 4 and max(grey_levels(frames)) < 24 and frames.skipped.empty


def test_rows_without_a_label_are_not_used_and_unknown_labels_are_counted(manifest_of):
    m = manifest_of(path=["a.jpg", "b.jpg", "c.jpg"], kind="still", label=["tiger", None, "puma"])
    with pytest.raises(ManifestError, match=r"puma \(1 rows\)"):
        select_frames(m, LABELS, DATA)
    fine = m.replace(m.table.replace({"label": {"puma": "empty"}}))
    assert select_frames(fine, LABELS, DATA)["path"].tolist() == ["a.jpg", "c.jpg"]


def test_a_long_sequence_gives_a_few_stills_spread_over_it(manifest_of):
    m = manifest_of(
        path=[f"{i:02}.jpg" for i in range(13)],
        kind="still",
        label="tiger",
        sequence_id=["a"] * 9 + ["b"] * 2 + [None] * 2,
    )
    chosen = select_frames(m, LABELS, DATA.model_copy(update={"max_stills_per_sequence": 3}))
    assert [path[:2] for path in chosen["path"]] == ["00", "04", "08", "09", "10", "11", "12"]


def stills(tmp_path, manifest_of, **columns):
    for i, name in enumerate("abc"):
        Image.new("RGB", (64, 32), (40 * (i + 1),) * 3).save(tmp_path / f"{name}.png")
    return manifest_of(path=["a.png", "b.png", "c.png"], kind="still", label=["tiger", "tiger", "empty"], **columns)


def test_training_frames_are_kept_a_little_larger(tmp_path, manifest_of):
    frames = load(stills(tmp_path, manifest_of), tmp_path)
    assert frames.exact[0].shape == (3, 32, 32) and frames.large[0].shape == (
        3,
        round(32 * LARGE),
        round(32 * LARGE),
    )
    assert len(frames.exact) == len(frames.large) == len(frames) == 3
    with pytest.raises(IndexError):
        frames.exact[3]


def test_decoded_frames_are_found_again_unless_the_footage_changed(tmp_path, manifest_of):
    m = stills(tmp_path, manifest_of)
    assert load(m, tmp_path).n_reused == 0
    again = load(m, tmp_path)
    assert again.n_reused == 3 and grey_levels(again) == [5, 10, 15]
    Image.new("RGB", (64, 32), (240,) * 3).save(tmp_path / "b.png")
    os.utime(tmp_path / "b.png", (1, 1))
    changed = load(m, tmp_path)
    assert changed.n_reused == 2 and grey_levels(changed) == [5, 30, 15]


def test_what_is_kept_is_what_was_decoded(tmp_path, manifest_of, rng):
    Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    m = manifest_of(path=["a.png"], kind="still", label="tiger")
    kept = load(m, tmp_path)
    asked = open_lazy_frames(select_frames(m, LABELS, DATA), m.root, labels=LABELS, reading=reading())
    assert np.array_equal(kept.exact[0], asked.exact[0]) and np.array_equal(kept.large[0], asked.large[0])


def test_other_labels_and_more_clips_need_no_decoding_of_those_before(tmp_path, manifest_of):
    m = stills(tmp_path, manifest_of)
    load(m, tmp_path)
    Image.new("RGB", (64, 32), (160,) * 3).save(tmp_path / "0.png")
    more = manifest_of(path=["0.png"], kind="still", label="empty").table
    table = pd.concat([more, m.table.assign(label="tiger", site="Glade")], ignore_index=True)
    frames = load(m.replace(table), tmp_path)
    assert frames.n_reused == 3 and frames.table["label"].tolist() == ["empty", "tiger", "tiger", "tiger"]
    assert grey_levels(frames) == [20, 5, 10, 15]


def test_another_reading_finds_nothing(tmp_path, manifest_of):
    m = stills(tmp_path, manifest_of)
    load(m, tmp_path)
    assert load(m, tmp_path, max_frames_per_clip=7).n_reused == 0


def test_a_cache_that_is_damaged_emptied_or_too_small_changes_nothing(tmp_path, manifest_of, write_video):
    write_video("v.mp4", n_frames=24, fps=10)
    m = stills(tmp_path, manifest_of)
    table = pd.concat([m.table, manifest_of(path=["v.mp4"], kind="video", label="tiger").table], ignore_index=True)
    m = m.replace(table)
    expected = [5, 10, 15, 3, 9, 15, 21]
    frames = load(m, tmp_path)
    for path in (tmp_path / "cache" / "pixels").iterdir():
        path.unlink()
    assert grey_levels(frames) == expected, "another run needed the room"
    for kind in ("rows", "pixels"):
        for path in (tmp_path / "cache" / kind).iterdir():
            path.write_bytes(b"damaged")
    again = load(m, tmp_path)
    assert again.n_reused == 0 and grey_levels(again) == grey_levels(frames) == expected
    wanted = select_frames(m, LABELS, DATA)
    small = load_frames(
        wanted, m.root, labels=LABELS, reading=reading(), cache=FrameCache(tmp_path / "small", max_bytes=1)
    )
    assert grey_levels(small) == expected and len(list((tmp_path / "small" / "pixels").iterdir())) == 1


def test_two_runs_that_decode_at_once_get_the_same(tmp_path, manifest_of):
    m = stills(tmp_path, manifest_of)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: grey_levels(load(m, tmp_path)), range(2)))
    assert both == [[5, 10, 15]] * 2
    assert load(m, tmp_path).n_reused == 3


def test_frames_that_are_decoded_when_asked_are_the_same(tmp_path, manifest_of, write_video):
    write_video("v.mp4", n_frames=24, fps=10)
    m = stills(tmp_path, manifest_of)
    table = pd.concat([m.table, manifest_of(path=["v.mp4"], kind="video", label="tiger").table], ignore_index=True)
    m = m.replace(table.drop(columns="clip_id"))
    wanted = select_frames(m, LABELS, DATA)
    kept, asked = load(m, tmp_path), open_lazy_frames(wanted, m.root, labels=LABELS, reading=reading())
    assert asked.table["path"].tolist() == kept.table["path"].tolist() and asked.y.tolist() == kept.y.tolist()
    for i in range(len(kept)):
        assert np.array_equal(kept.exact[i], asked.exact[i]) and np.array_equal(kept.large[i], asked.large[i])
    (tmp_path / "b.png").write_bytes(b"broken")
    with pytest.raises(MediaError):
        asked.exact[1]
    pixels, ok, reasons = read_batch(asked.exact, [0, 1, 2])
    assert pixels.shape == (2, 3, 32, 32) and ok.tolist() == [True, False, True] and len(reasons) == 1


def test_boxes_of_a_frame_become_one_in_shares_of_the_input(tmp_path, manifest_of):
    boxes = [json.dumps([{"xyxy": [16, 8, 32, 16]}, {"xyxy": [8, 8, 16, 24]}]), None, "[]"]
    m = stills(tmp_path, manifest_of, boxes=boxes, box_unit=["px"] * 3, width_px=[64] * 3, height_px=[32] * 3)
    frames = load(m, tmp_path)
    assert json.loads(frames.table["box"][0]) == [0.125, 0.25, 0.5, 0.75]
    assert frames.table["box"][1:].isna().all()


@pytest.mark.parametrize(
    ("unit", "xyxy", "drawn_px", "expected"),
    [
        ("px", [16, 8, 32, 16], None, None),
        ("px", [16, 8, 32, 16], (64, 32), [0.5, 0.25, 0.75, 0.5]),
        ("px", [40, 8, 60, 16], None, [0.5, 0.625, 0.75, 0.9375]),
        ("fraction", [0, 0, 0.5, 0.5], None, None),
        ("fraction", [0, 0, 0.5, 0.5], (32, 64), [0, 0, 0.5, 0.5]),
    ],
)
def test_boxes_of_turned_pictures_lie_where_they_belong_or_nowhere(
    tmp_path, manifest_of, unit, xyxy, drawn_px, expected
):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (64, 32)).save(tmp_path / "a.jpg", exif=exif)
    width, height = drawn_px or (None, None)
    columns = {"path": ["a.jpg"], "kind": "still", "label": "tiger", "boxes": json.dumps([{"xyxy": xyxy}])}
    m = manifest_of(**columns, box_unit=unit, width_px=[width], height_px=[height])
    (box,) = load(m, tmp_path).table["box"]
    assert (None if box is None else json.loads(box)) == expected


def test_rows_of_several_labels_are_used_where_labels_are_independent(manifest_of):
    m = manifest_of(
        path=["a.jpg", "b.jpg", "c.jpg"],
        kind="still",
        label=["tiger", None, "empty"],
        labels=[None, "leopard + tiger", None],
    )
    assert select_frames(m, LABELS, DATA)["path"].tolist() == ["a.jpg", "c.jpg"]
    both = replace(LABELS, labels=(*LABELS.labels, Label("leopard")), multi=True)
    multi = select_frames(m, both, DATA)
    assert multi["label"].tolist() == ["tiger", "leopard + tiger", "empty"]
    strange = m.replace(m.table.assign(labels=[None, "boar + tiger", None]))
    with pytest.raises(ManifestError) as error:
        select_frames(strange, both, DATA)
    assert "boar (1 rows)" in str(error.value)


def test_frames_say_how_colourful_they_are_and_that_nothing_was_searched(tmp_path, manifest_of):
    for name, colour in (("grey.png", (90, 90, 90)), ("green.png", (20, 120, 40))):
        picture = Image.new("RGB", (48, 40), colour)
        for y in range(0, 40, 2):  # one strong colour, or rows that repeat the one above, would be damage
            picture.paste(tuple(value + 10 for value in colour), (0, y, 8, y + 1))
        picture.save(tmp_path / name)
    m = manifest_of(path=["green.png", "grey.png"], kind="still", label=["tiger", "empty"])
    table = load(m, tmp_path).table.set_index("path")
    assert table["colour"].to_dict() == {"grey.png": 0.0, "green.png": 100.0} and table["boxes"].isna().all()
    wanted = select_frames(m, LABELS, DATA)
    later = open_lazy_frames(wanted, m.root, labels=LABELS, reading=reading()).table
    assert later["colour"].isna().all() and later["boxes"].isna().all()


def test_boxes_of_a_detector_are_noted_in_fractions():
    xyxy, scores = np.array([[10, 0, 20, 30]], np.float32), np.array([0.5], np.float32)
    found = (Boxes(xyxy, scores, ("animal",), 0.0, (100, 60), "x"), Boxes.none(0.0, (100, 60), "x"), None)
    cells = note_boxes(pd.DataFrame({"time_s": [0.0, 1.0, 2.0]}), found)["boxes"].tolist()
    assert json.loads(cells[0]) == [{"xyxy": [0.1, 0.0, 0.2, 0.5], "score": 0.5, "label": "animal"}]
    assert cells[1:] == ["[]", None]
