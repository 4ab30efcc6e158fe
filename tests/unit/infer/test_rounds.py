import numpy as np
import pytest

from leopardnet.core.labels import Label, LabelSet
from leopardnet.core.settings.inference import MotionSampling, UniformSampling
from leopardnet.core.types import Clip, ClipPrediction, Decision, MediaInfo
from leopardnet.infer.rounds import is_certain, plan_rounds

VIDEO, STILL = Clip("x", ("a.mp4",), "video"), Clip("y", ("a.jpg",), "still")
TIMES = np.arange(8.0)
EIGHT = UniformSampling(n_frames=8)


def info(n_keys):
    return MediaInfo(64, 48, 0.0, 8.0, 25.0, 200, "h264", tuple(map(float, range(n_keys))))


@pytest.mark.parametrize("effort", ["fast", "auto"])
def test_the_rounds_together_are_the_frames_of_the_sampling(effort):
    parts = plan_rounds(VIDEO, info(8), TIMES, EIGHT, effort)
    assert np.sort(np.concatenate(parts)).tolist() == TIMES.tolist()
    assert parts[0].tolist() == ([0, 4] if effort == "fast" else [0, 2, 4, 6])


def test_full_and_thorough_look_once():
    assert [r.tolist() for r in plan_rounds(VIDEO, info(8), TIMES, EIGHT, "full")] == [TIMES.tolist()]
    assert [r.tolist() for r in plan_rounds(VIDEO, info(8), TIMES[:3], EIGHT, "thorough")] == [[0, 0.5, 1, 1.5, 2]]


def test_clips_that_cannot_be_split_are_looked_at_once():
    motion = MotionSampling(n_frames=4)
    for clip, times, n_keys, sampling in (
        (STILL, TIMES[:1], 1, EIGHT),
        (VIDEO, TIMES[:4], 8, EIGHT),
        (VIDEO, TIMES, 2, EIGHT),
        (VIDEO, TIMES, 8, motion),
    ):
        assert [r.tolist() for r in plan_rounds(clip, info(n_keys), times, sampling, "auto")] == [times.tolist()]


def prediction(label, score, frames, rule="species"):
    """A prediction with these frame probabilities, in the order leopard, tiger, sika_deer, empty."""
    frame_probs = np.array(frames, np.float32)
    return ClipPrediction(
        VIDEO,
        "ok",
        "",
        Decision(label, score, rule),
        frame_probs.mean(axis=0),
        np.arange(len(frames), dtype=float),
        frame_probs,
    )


def test_when_an_answer_is_certain(tiny_bundle):
    deer = [0.001, 0.004, 0.99, 0.005]
    assert tiny_bundle.labels.names == ("leopard", "tiger", "sika_deer", "empty")
    clear = prediction("sika_deer", 0.99, [deer, deer])
    assert is_certain(clear, tiny_bundle.labels, "auto") and is_certain(clear, tiny_bundle.labels, "fast")
    assert not is_certain(clear, tiny_bundle.labels, "full")
    assert not is_certain(prediction("sika_deer", 0.89, [deer, deer]), tiny_bundle.labels, "auto")


def test_a_clip_with_one_suspicious_frame_is_never_left_early_as_something_else(tiny_bundle):
    deer, shadow, nothing = [0.001, 0.004, 0.99, 0.005], [0.1, 0.0, 0.0, 0.9], [0.0, 0.0, 0.01, 0.99]
    for effort in ("fast", "auto"):
        assert not is_certain(prediction("sika_deer", 0.99, [deer, shadow]), tiny_bundle.labels, effort)
        assert not is_certain(prediction("empty", 0.99, [nothing, shadow], "empty"), tiny_bundle.labels, effort)
    assert is_certain(prediction("empty", 0.99, [nothing, nothing], "empty"), tiny_bundle.labels, "fast")
    # nothing there holds only for the frames that were looked at
    assert not is_certain(prediction("empty", 0.99, [nothing, nothing], "empty"), tiny_bundle.labels, "auto")


def test_a_leopard_that_was_seen_stays_seen(tiny_bundle):
    leopard = [0.97, 0.01, 0.01, 0.01]
    assert is_certain(prediction("leopard", 0.97, [leopard, leopard]), tiny_bundle.labels, "auto")


def test_independent_labels_are_certain_only_if_each_of_them_is():
    labels = LabelSet((Label("leopard"), Label("deer"), Label("empty")), targets=("leopard",), multi=True)
    sure, open_ = np.array([0.02, 0.95, 0.03], np.float32), np.array([0.02, 0.95, 0.3], np.float32)
    for probs, effort, certain in ((sure, "fast", True), (open_, "fast", False), (sure, "auto", False)):
        decision = Decision("deer", 0.95, "species")
        result = ClipPrediction(VIDEO, "ok", "", decision, probs, np.zeros(1), probs[None])
        assert is_certain(result, labels, effort) == certain
