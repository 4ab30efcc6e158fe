"""Boxes of a MegaDetector results file: of stills, of the right frame of a video, and of files that failed."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.detection import DetectorConfig
from leopardnet.core.types import Clip, Frames
from leopardnet.detect.detector import match_detector, open_detector

VIDEO, STILL = Clip("v", ("site/a.mp4",), "video"), Clip("s", ("site/b.jpg",), "still")


def detection(conf, bbox=(0.25, 0.5, 0.25, 0.25), category="1", **more):
    return {"category": category, "conf": conf, "bbox": list(bbox), **more}


def draw(path, size=(100, 200), orientation=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", size, "grey").save(path, exif=exif)
    return path


def listed(tmp_path, images, **options):
    text = {"detection_categories": {"1": "animal", "2": "person"}, "images": images}
    (tmp_path / "md.json").write_text(json.dumps(text if isinstance(images[0], dict) else images[0]))
    return open_detector(DetectorConfig(source="file", file=str(tmp_path / "md.json")), tmp_path, **options)


def fit(tmp_path, files, listed_files):
    images = [{"file": f, "detections": []} for f in listed_files]
    (tmp_path / "md.json").write_text(json.dumps({"detection_categories": {"1": "animal"}, "images": images}))
    config = DetectorConfig(source="file", file=str(tmp_path / "md.json"))
    return match_detector(config, tmp_path, [[f] for f in files])


@pytest.fixture
def detector(tmp_path):
    draw(tmp_path / "site/b.jpg")
    images = [
        {
            "file": "site/a.mp4",
            "frame_rate": 10.0,
            "frames_processed": [0, 10, 20],
            "detections": [
                detection(0.4, frame_number=0),
                detection(0.9, frame_number=20),
                detection(0.99, category="2", frame_number=10),
            ],
        },
        {"file": "site/b.jpg", "detections": [detection(0.3), detection(0.8, (0, 0, 0.5, 1))]},
        {"file": "site/c.jpg", "failure": "Failure image access", "detections": None},
        {"file": "site/d.jpg", "detections": []},
    ]
    text = {
        "info": {"format_version": "1.4"},
        "detection_categories": {"1": "animal", "2": "person"},
        "images": images,
    }
    (tmp_path / "md.json").write_text(json.dumps(text))
    return open_detector(DetectorConfig(source="file", file=str(tmp_path / "md.json")), tmp_path)


def frames(*times, size=(100, 200)):
    return Frames("x", np.zeros((len(times), *size, 3), np.uint8), np.array(times, np.float64))


def test_the_best_moments_of_animals_are_wished_for(detector):
    assert detector.suggest_times(VIDEO).tolist() == [2.0, 0.0] and detector.source == "md.json"
    assert (
        len(detector.suggest_times(STILL)) == 0 == len(detector.suggest_times(Clip("z", ("unknown.mp4",), "video")))
    )


def test_each_frame_of_a_video_has_its_own_boxes_in_px(detector):
    close = frames(0.0, 1.04, 2.0, 2.5)
    first, second, third, fourth = detector.find(VIDEO, close, close)
    assert first.xyxy.tolist() == [[50, 50, 100, 75]] and first.scores.tolist() == pytest.approx([0.4])
    assert second.labels == ("person",) and third.scores.tolist() == pytest.approx([0.9])
    assert fourth is None, "the file says that this frame was not processed"


def test_a_still_has_all_its_boxes_the_best_first(detector):
    (found,) = detector.find(STILL, frames(0.0), frames(0.0))
    assert found.scores.tolist() == pytest.approx([0.8, 0.3]) and found.xyxy[0].tolist() == [0, 0, 100, 100]


def test_not_looked_at_is_not_the_same_as_nothing_found(detector):
    failed, empty, unknown = (
        detector.find(Clip(p, (p,), "still"), frames(0.0), frames(0.0))[0]
        for p in ("site/c.jpg", "site/d.jpg", "site/e.jpg")
    )
    assert failed is None and unknown is None and len(empty) == 0


def test_every_still_of_a_burst_has_its_own_boxes(detector):
    burst = Clip("b", ("site/d.jpg", "site/c.jpg", "site/b.jpg"), "burst")
    found = detector.find(burst, frames(0.0, 1.0, 2.0), frames(0.0, 1.0, 2.0))
    assert [None if b is None else len(b) for b in found] == [0, None, 2]
    assert detector.suggest_times(burst).tolist() == [2.0]


def test_a_broken_file_is_refused_with_its_place(tmp_path):
    (tmp_path / "md.json").write_text(
        '{"images": [{"file": "a.jpg", "detections": [{"conf": 2}]}], "detection_categories": {"1": "animal"}}'
    )
    with pytest.raises(ManifestError, match="no usable score"):
        open_detector(DetectorConfig(source="file", file=str(tmp_path / "md.json")), tmp_path)


# --- which entry belongs to which clip ---


def test_how_many_entries_fit_is_said(tmp_path):
    found = fit(tmp_path, ["a/1.jpg", "a/2.jpg", "a/3.jpg"], ["a\\1.jpg", "a/2.jpg", "b/9.jpg"])
    assert found.text == (
        "md.json: 2 of 3 entries belong to 2 of 3 clips; clips that are not listed, so that the detector "
        "has not looked at them: 1; the first entry that fits no clip: b/9.jpg"
    )
    assert match_detector(DetectorConfig(source="motion"), tmp_path, [["a.jpg"]]) is None


@pytest.mark.parametrize(
    ("path", "prefix"),
    [
        ("card7/a/1.jpg", "remove card7/ from"),
        ("C:\\Users\\me\\card\\a\\1.jpg", "remove C:/Users/me/card/ from"),
        ("/mnt/old/a/1.jpg", "remove /mnt/old/ from"),
        ("CARD/A/1.JPG", "remove CARD/ from"),
        ("1.jpg", "put a/ before"),
        ("b/1.jpg", "replace b/ at the beginning of the paths by a/"),
    ],
)
def test_a_file_that_fits_no_clip_is_refused_and_its_prefix_named(tmp_path, path, prefix):
    with pytest.raises(ManifestError) as error:
        fit(tmp_path, ["a/1.jpg"], [path])
    text = str(error.value)
    assert "no entry of this file belongs to a clip" in text and prefix in text and "then 1 of 1 would fit" in text
    assert path.replace("\\", "/") in text and "paths such as a/1.jpg" in text


def test_another_footage_is_refused_without_a_prefix(tmp_path):
    with pytest.raises(ManifestError, match="made for this footage"):
        fit(tmp_path, ["a/1.jpg"], ["b/7.jpg", "b/8.jpg"])
    with pytest.raises(ManifestError, match="lists no clip"):
        fit(tmp_path, ["a/1.jpg"], [])


def test_another_case_is_matched_where_it_is_not_ambiguous(tmp_path):
    images = [{"file": "A/1.JPG", "detections": []}, {"file": "a/2.JPG", "detections": []}]
    twins = fit(tmp_path, ["a/1.jpg", "a/2.JPG", "a/2.jpg"], ["A/1.JPG", "a/2.JPG"]).twins
    detector = listed(tmp_path, images, twins=twins)
    found = [
        detector.find(Clip(p, (p,), "still"), frames(0.0), frames(0.0))[0]
        for p in ("a/1.jpg", "a/2.JPG", "a/2.jpg")
    ]
    assert [b is not None for b in found] == [True, True, False], "a/2.JPG has its own entry, and a/2.jpg has none"


def test_frames_of_a_video_are_its_entry(tmp_path, write_video):
    (tmp_path / "site").mkdir()
    write_video("site/a.mp4", fps=10)
    found = [
        {"file": f"site/a.mp4/frame{i:06d}.jpg", "detections": [detection(0.1 * k)] * (k > 0)}
        for i, k in ((0, 0), (10, 9), (20, 5))
    ]
    detector = listed(tmp_path, found)
    assert detector.paths == ["site/a.mp4"] and detector.suggest_times(VIDEO).tolist() == [1.0, 2.0]
    at = frames(0.0, 0.5, 1.0)
    first, between, second = detector.find(VIDEO, at, at)
    assert len(first) == 0 and between is None and second.scores.tolist() == pytest.approx([0.9])


def test_pictures_in_a_folder_that_is_called_like_a_video_stay_pictures(tmp_path):
    draw(tmp_path / "a.mp4/frame000010.jpg")
    assert listed(tmp_path, [{"file": "a.mp4/frame000010.jpg", "detections": []}]).paths == [
        "a.mp4/frame000010.jpg"
    ]


# --- where in a video, and where on a picture ---


def test_boxes_without_a_rate_are_placed_by_the_rate_of_the_video(tmp_path, write_video):
    (tmp_path / "site").mkdir()
    write_video("site/a.mp4", fps=10)
    detector = listed(tmp_path, [{"file": "site/a.mp4", "detections": [detection(0.9, frame_number=15)]}])
    assert detector.suggest_times(VIDEO).tolist() == [1.5] and detector.list_warnings(VIDEO) == ()
    at = frames(0.5, 1.5)
    early, right = detector.find(VIDEO, at, at)
    assert early is None and len(right) == 1


def test_boxes_without_a_frame_are_left_out_and_never_spread(tmp_path, write_video):
    (tmp_path / "site").mkdir()
    write_video("site/a.mp4", fps=10)
    images = [{"file": "site/a.mp4", "frame_rate": 10.0, "detections": [detection(0.9)]}]
    detector = listed(tmp_path, images)
    assert detector.find(VIDEO, frames(0.0, 1.0), frames(0.0, 1.0)) == [None, None]
    assert detector.list_warnings(VIDEO) == (
        "boxes of the detector left out: 1 without a time in the video, because no frame is given",
    )


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_boxes_on_a_turned_picture_are_turned_or_left_out(tmp_path, orientation):
    draw(tmp_path / "site/b.jpg", (100, 200), orientation)
    still = frames(0.0, size=(200, 100) if orientation == 3 else (100, 200))

    def find(**more):
        detector = listed(
            tmp_path, [{"file": "site/b.jpg", "detections": [detection(0.8, (0, 0, 0.5, 0.25))], **more}]
        )
        (found,) = detector.find(STILL, still, still)
        return (None if found is None else found.fractions.tolist()), detector.list_warnings(STILL)

    nowhere, warnings = find()
    assert nowhere is None and f"orientation {orientation}" in warnings[0]
    if orientation == 3:
        assert find(width=100, height=200)[0] is None, "both pictures have this size"
        return
    as_stored = {6: [0.75, 0, 1, 0.5], 8: [0, 0.5, 0.25, 1]}[orientation]
    assert find(width=100, height=200) == ([as_stored], ())
    assert find(width=200, height=100) == ([[0, 0, 0.5, 0.25]], ())
    assert find(width=50, height=100)[0] == [as_stored], "drawn on a smaller copy"
    odd, warnings = find(width=100, height=100)
    assert odd is None and "another shape" in warnings[0]


def test_boxes_in_px_take_the_size_of_the_file(tmp_path):
    draw(tmp_path / "site/b.jpg", (400, 200))
    small = frames(0.0, size=(20, 40))

    def find(*bbox):
        rows = [{"file": "site/b.jpg", "detections": [{"category": "animal", "confidence": 1.0, "bbox": bbox}]}]
        detector = listed(tmp_path, [rows])
        return detector.find(STILL, small, small)[0], detector.list_warnings(STILL)

    found, _ = find(100, 50, 300, 200)
    assert found.xyxy.tolist() == [[10, 5, 30, 20]]
    beyond, warnings = find(100, 50, 300, 390)
    assert beyond is None and "beyond the picture" in warnings[0]
    draw(tmp_path / "site/b.jpg", (400, 200), 6)
    turned, _ = find(10, 300, 190, 390)
    assert turned.fractions.tolist() == [[0.05, 0.75, 0.95, 0.975]], "only the upright picture is 390 px high"


def test_people_without_a_place_or_on_other_frames_still_make_a_clip_one_with_people(tmp_path, write_video):
    draw(tmp_path / "site/b.jpg", (100, 200), 6)
    write_video("site/a.mp4", fps=10)
    person = detection(0.7, category="2")
    images = [
        {
            "file": "site/a.mp4",
            "frame_rate": 10.0,
            "detections": [person | {"frame_number": 20}, detection(0.1, category="2")],
        },
        {"file": "site/b.jpg", "detections": [person, detection(0.9)]},
    ]
    detector = listed(tmp_path, images)
    first, last = detector.find(VIDEO, frames(0.0, 1.5), frames(0.0, 1.5))
    assert first is None and last.labels == ("person",) and last.fractions.tolist() == [[0, 0, 1, 1]]
    (still,) = detector.find(STILL, frames(0.0), frames(0.0))
    assert still.labels == ("person",) and still.fractions.tolist() == [[0, 0, 1, 1]]
    (shown,) = detector.find(VIDEO, frames(2.0), frames(2.0))
    assert len(shown) == 1 and shown.fractions.tolist() == [[0.25, 0.5, 0.5, 0.75]]


def test_detections_of_another_card_are_refused(tmp_path):
    images = [{"file": f"{i}.jpg", "detections": [], "datetime": f"2024:05:0{i} 10:00:00"} for i in (1, 2)]
    (tmp_path / "md.json").write_text(json.dumps({"detection_categories": {"1": "animal"}, "images": images}))
    config = DetectorConfig(source="file", file=str(tmp_path / "md.json"))
    times = pd.to_datetime(["2024-05-01 10:00:20", "2024-05-02 10:00:00", None])
    rows = {"path": ["1.JPG", "2.jpg", "3.jpg"], "kind": "still", "captured_at": times}
    own = Manifest.from_rows(pd.DataFrame(rows), tmp_path).table
    assert match_detector(config, tmp_path, [["1.JPG"], ["2.jpg"], ["3.jpg"]], table=own).n_found == 2
    own.loc[1, "captured_at"] = pd.Timestamp("2024-06-17 03:12:00")
    with pytest.raises(ManifestError, match=r"of different footage\n.*2\.jpg\n.*2024-06-17 03:12:00 in the"):
        match_detector(config, tmp_path, [["1.JPG"], ["2.jpg"]], table=own)
