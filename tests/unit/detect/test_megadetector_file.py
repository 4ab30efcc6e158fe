"""Boxes of a MegaDetector results file: of stills, of the right frame of a video, and of files that failed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.settings.detection import DetectorConfig
from leopardnet.core.types import Clip, Frames
from leopardnet.detect.detector import open_detector

VIDEO, STILL = Clip("v", ("site/a.mp4",), "video"), Clip("s", ("site/b.jpg",), "still")


def detection(conf, bbox=(0.25, 0.5, 0.25, 0.25), category="1", **more):
    return {"category": category, "conf": conf, "bbox": list(bbox), **more}


@pytest.fixture
def detector(tmp_path):
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
    assert second.labels == ("person",) and third.scores.tolist() == pytest.approx([0.9]) and len(fourth) == 0


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
