"""How many frames a clip gets: rounds of frames, the next one only where the answer is not certain yet.

full       the frames of the sampling, all of them. The figures of a bundle are measured with these.
auto       every second frame; the others unless the answer is certain.
fast       every fourth frame; the others unless the answer is certain by a laxer rule.
thorough   all frames and those half-way between them, for every clip.

An answer is certain when the calibrated probabilities of the clip leave no doubt. The rule is asymmetric on
purpose: an animal in one frame is in the clip, but "empty" holds only for the frames that were examined. A clip
ends early as anything but a target only where no single frame gives a target more than `MAX_TARGET`; under `auto` a
clip never ends as empty before all frames of the sampling were classified. With independent labels the absence of
every other animal is part of the answer, so it is certain only under `fast`, and if every label is. A third round,
between the frames, was tried and improved no answer (120 rendered clips), so a doubtful clip gets all frames and no
more.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.labels import LabelSet
from leopardnet.core.settings.inference import Effort, MotionSampling, Sampling
from leopardnet.core.types import Clip, ClipPrediction, MediaInfo

FIRST_ROUND_STEP = {"fast": 4, "auto": 2}
MAX_UNSPLIT = 4  # frames: a clip with so few or fewer gets them all in one round
CERTAIN = 0.9  # probability of the decision; at 0.8, recall of leopards fell on rendered footage
MAX_TARGET = {"fast": 0.05, "auto": 0.02}  # highest probability of a target in any frame of a clip that ends early


def plan_rounds(
    clip: Clip, info: MediaInfo, times_s: NDArray[np.float64], sampling: Sampling, effort: Effort
) -> list[NDArray[np.float64]]:
    """Return the times of each round, increasing. Together they are those of the sampling; `thorough` adds more.

    A clip with fewer key frames than frames wanted gets one round: decoding it twice would cost more than it saves.

    >>> info = MediaInfo(64, 48, 0.0, 8.0, 25.0, 200, "h264", tuple(float(i) for i in range(8)))
    >>> rounds = plan_rounds(Clip("x", ("a.mp4",), "video"), info, np.arange(8.0), UniformSampling(), "fast")
    >>> [times_s.tolist() for times_s in rounds]
    [[0.0, 4.0], [1.0, 2.0, 3.0, 5.0, 6.0, 7.0]]
    """
    chooses_frames = isinstance(sampling, MotionSampling)  # it compares all frames of a clip before it picks some
    if clip.kind != "video" or effort == "full" or chooses_frames:
        return [times_s]
    between = (times_s[:-1] + times_s[1:]) / 2
    if effort == "thorough":
        return [np.sort(np.concatenate([times_s, between]))]
    if len(times_s) <= MAX_UNSPLIT or len(info.keyframes_s) < len(times_s):
        return [times_s]
    is_first = np.arange(len(times_s)) % FIRST_ROUND_STEP[effort] == 0
    return [times_s[is_first], times_s[~is_first]]


def is_certain(result: ClipPrediction, labels: LabelSet, effort: Effort) -> bool:
    """Return whether further frames could hardly change the decision; the rule is at the top of this file."""
    if result.probs is None or effort not in FIRST_ROUND_STEP or result.decision.score < CERTAIN:
        return False
    label = result.decision.label
    if labels.multi:
        is_sure = bool((np.maximum(result.probs, 1 - result.probs) >= CERTAIN).all())
        if effort != "fast" or not is_sure:
            return False
    elif label in labels.targets:
        return True
    if result.decision.rule not in ("species", "empty") or (label == labels.empty and effort != "fast"):
        return False
    targets = [labels.names.index(name) for name in labels.targets if not (labels.multi and name == label)]
    return not targets or float(result.frame_probs[:, targets].max()) <= MAX_TARGET[effort]
