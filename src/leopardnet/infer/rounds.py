"""How many frames a clip deserves: looks in rounds, the next one only where the answer is not settled.

full       the frames of the sampling, all of them. What the figures of a bundle were measured with.
auto       every second frame; the others unless the answer is settled.
fast       every fourth frame; the others unless it is settled, by a laxer rule.
thorough   all frames, and those between them, for every clip.

An answer is settled when a clip's calibrated probabilities leave no doubt. That is asymmetric on purpose: an animal that
was seen stays seen, but 'nothing there' holds only for the frames that were looked at. A clip is left early as anything
but a target only where no single frame makes a target likelier than `TARGET_SEEN`; under `auto` a clip never ends as empty
before all frames of the sampling were seen. A third round, between the frames, was tried and changed no answer for
the better (120 rendered clips), so a clip in doubt gets all frames and no more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.labels import LabelSet
from leopardnet.core.settings.inference import Effort, MotionSampling, Sampling
from leopardnet.core.types import Boxes, Clip, ClipPrediction, MediaInfo

EVERY = {"fast": 4, "auto": 2}
FEW = 4  # frames; fewer are never split into rounds
SURE = 0.9  # a clip's probability of the label that is said; at 0.8, recall of leopards fell on rendered footage
# the most that any one frame may give a target in a clip that is left early as something else
TARGET_SEEN = {"fast": 0.05, "auto": 0.02}
SAME_FRAME_S = 1e-6


@dataclass(frozen=True)
class Evidence:
    """What is known of a clip so far: times float64 [N], increasing, and the logits of these frames, float32 [N, C].

    crops: logits of what is inside a frame's best box, float32 [N, C], nan where it has none; cosines: of the whole frames
    to the means of the classes, float32 [N, C]; boxes: of each frame.
    """

    times_s: NDArray[np.float64]
    logits: NDArray[np.float32]
    crops: NDArray[np.float32]
    cosines: NDArray[np.float32]
    boxes: tuple[Boxes | None, ...] = ()
    warnings: tuple[str, ...] = ()
    info: MediaInfo | None = None

    @classmethod
    def nothing(cls) -> Evidence:
        """No frame yet."""
        return cls(np.zeros(0, np.float64), *(np.zeros((0, 0), np.float32) for _ in range(3)))

    def plus(self, other: Evidence) -> Evidence:
        """With what another look gave, in the order of time; a frame that was seen before counts once."""
        told = tuple(dict.fromkeys((*self.warnings, *other.warnings)))
        if not len(self) or not len(other):
            return replace(other if len(other) else self, warnings=told)
        times = np.concatenate([self.times_s, other.times_s])
        order = np.argsort(times, kind="stable")
        order = order[np.diff(times[order], prepend=-np.inf) > SAME_FRAME_S]
        boxes = (*self.boxes, *other.boxes)
        both = [(self.logits, other.logits), (self.crops, other.crops), (self.cosines, other.cosines)]
        arrays = [np.concatenate(pair)[order] for pair in both]
        return Evidence(times[order], *arrays, tuple(boxes[i] for i in order), told, other.info)

    def __len__(self) -> int:
        return len(self.times_s)


def rounds(
    clip: Clip, info: MediaInfo, times_s: NDArray[np.float64], sampling: Sampling, effort: Effort
) -> list[NDArray[np.float64]]:
    """The times of each round, increasing; together those of the sampling, and with `thorough` more.

    A clip without enough key frames to jump to is looked at in one round: a second walk would cost more than it saves.

    >>> info = MediaInfo(64, 48, 0.0, 8.0, 25.0, 200, "h264", tuple(float(i) for i in range(8)))
    >>> [r.tolist() for r in rounds(Clip("x", ("a.mp4",), "video"), info, np.arange(8.0), UniformSampling(), "fast")]
    [[0.0, 4.0], [1.0, 2.0, 3.0, 5.0, 6.0, 7.0]]
    """
    chooses_by_itself = isinstance(sampling, MotionSampling)  # from all of its frames
    if clip.kind != "video" or effort == "full" or chooses_by_itself:
        return [times_s]
    between = (times_s[:-1] + times_s[1:]) / 2
    if effort == "thorough":
        return [np.sort(np.concatenate([times_s, between]))]
    if len(times_s) <= FEW or len(info.keyframes_s) < len(times_s):
        return [times_s]
    first = np.arange(len(times_s)) % EVERY[effort] == 0
    return [times_s[first], times_s[~first]]


def is_settled(result: ClipPrediction, labels: LabelSet, effort: Effort) -> bool:
    """Whether further frames could hardly change what is said; the rule stands at the top of this file."""
    if result.probs is None or effort not in EVERY or result.decision.score < SURE:
        return False
    said = result.decision.label
    if said in labels.targets:
        return True
    if result.decision.rule not in ("species", "empty") or (said == labels.empty and effort != "fast"):
        return False
    targets = [labels.names.index(name) for name in labels.targets]
    return not targets or float(result.frame_probs[:, targets].max()) <= TARGET_SEEN[effort]
