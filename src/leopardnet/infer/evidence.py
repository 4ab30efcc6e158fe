"""What is known of a clip: the frames of one round before the network, and the logits of all rounds behind it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from leopardnet.bundle.runtime import Answers
from leopardnet.core.types import Boxes, MediaInfo

SAME_FRAME_S = 1e-6


@dataclass(frozen=True)
class Evidence:
    """The frames that the network has classified so far.

    times_s: float64 [N], increasing; logits: of the whole frames, float32 [N, C]; crops: logits of the crop around
    the best box, float32 [N, C], nan for frames without one; cosines: of the whole frames to the class means,
    float32 [N, C]; looks: of the whole frames, float32 [N, 4]; boxes: of each frame.
    """

    times_s: NDArray[np.float64]
    logits: NDArray[np.float32]
    crops: NDArray[np.float32]
    cosines: NDArray[np.float32]
    looks: NDArray[np.float32]
    boxes: tuple[Boxes | None, ...] = ()
    warnings: tuple[str, ...] = ()
    info: MediaInfo | None = None

    @classmethod
    def none(cls) -> Evidence:
        """Return evidence without a frame."""
        nothing = np.zeros((0, 0), np.float32)
        return cls(np.zeros(0, np.float64), nothing, nothing, nothing, nothing)

    def merge(self, other: Evidence) -> Evidence:
        """Return both in order of time. A frame that is in both counts once, as it is in `self`."""
        warnings = tuple(dict.fromkeys((*self.warnings, *other.warnings)))
        if not len(self) or not len(other):
            return replace(other if len(other) else self, warnings=warnings)
        times_s = np.concatenate([self.times_s, other.times_s])
        order = np.argsort(times_s, kind="stable")
        order = order[np.diff(times_s[order], prepend=-np.inf) > SAME_FRAME_S]
        boxes = (*self.boxes, *other.boxes)
        return Evidence(
            times_s[order],
            np.concatenate([self.logits, other.logits])[order],
            np.concatenate([self.crops, other.crops])[order],
            np.concatenate([self.cosines, other.cosines])[order],
            np.concatenate([self.looks, other.looks])[order],
            tuple(boxes[i] for i in order),
            warnings,
            other.info,
        )

    def __len__(self) -> int:
        return len(self.times_s)


@dataclass(frozen=True)
class ClipFrames:
    """The frames of one round as model input.

    times_s: float64 [N]; x: uint8 [N + M, 3, S, S], the whole frames and then the crops; looks: of the whole
    frames, float32 [N, 4], see `media.preprocess`; is_last: whether no further round is planned; crop_of: the
    position of each crop's frame, [M]; boxes: of each frame; crop_s: seconds that finding boxes and crops took;
    decoded_by: see `Frames`.
    """

    times_s: NDArray[np.float64]
    x: NDArray[np.uint8]
    looks: NDArray[np.float32]
    warnings: tuple[str, ...]
    is_last: bool
    crop_of: tuple[int, ...] = ()
    boxes: tuple[Boxes | None, ...] = ()
    info: MediaInfo | None = None
    crop_s: float = 0.0
    decoded_by: str = "software"

    def to_evidence(self, answers: Answers) -> Evidence:
        """Return the evidence that the network's answers to `x`, N + M pictures, give."""
        n, logits = len(self.times_s), answers.logits
        crops = np.full_like(logits[:n], np.nan)
        crops[list(self.crop_of)] = logits[n:]
        boxes = self.boxes or (None,) * n
        cosines = answers.cosines[:n]
        return Evidence(self.times_s, logits[:n], crops, cosines, self.looks, boxes, self.warnings, self.info)
