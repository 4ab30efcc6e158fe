"""What is known of a clip: its frames before the network, and their logits behind it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leopardnet.bundle.runtime import Answers
from leopardnet.core.types import Boxes, MediaInfo


@dataclass(frozen=True)
class Evidence:
    """The frames that the network has classified.

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

    def __len__(self) -> int:
        return len(self.times_s)


@dataclass(frozen=True)
class ClipFrames:
    """The frames of a clip as model input.

    times_s: float64 [N]; x: uint8 [N + M, 3, S, S], the whole frames and then the crops; looks: of the whole
    frames, float32 [N, 4], see `media.preprocess`; crop_of: the position of each crop's frame, [M]; boxes: of
    each frame; crop_s: seconds that finding boxes and crops took; decoded_by: see `Frames`;
    has_sound: False where the file has no sound track.
    """

    times_s: NDArray[np.float64]
    x: NDArray[np.uint8]
    looks: NDArray[np.float32]
    warnings: tuple[str, ...]
    crop_of: tuple[int, ...] = ()
    boxes: tuple[Boxes | None, ...] = ()
    info: MediaInfo | None = None
    crop_s: float = 0.0
    decoded_by: str = "software"
    has_sound: bool = True

    def to_evidence(self, answers: Answers) -> Evidence:
        """Return the evidence that the network's answers to `x`, N + M pictures, give."""
        n, logits = len(self.times_s), answers.logits
        crops = np.full_like(logits[:n], np.nan)
        crops[list(self.crop_of)] = logits[n:]
        boxes = self.boxes or (None,) * n
        cosines = answers.cosines[:n]
        warnings = tuple(dict.fromkeys(self.warnings))
        return Evidence(self.times_s, logits[:n], crops, cosines, self.looks, boxes, warnings, self.info)
