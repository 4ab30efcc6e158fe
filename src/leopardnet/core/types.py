"""The values that flow through the program, and the error tree.

LeopardnetError
├── ConfigError     a setting is unknown, out of bounds or contradicts another one
├── ManifestError   a table or label file does not hold what it should
├── MediaError      a video or picture cannot be read
├── BundleError     a model folder is incomplete, changed or of another format
├── BackendError    a library or extra is missing, or a runtime failed
├── JournalError    the journal of a run cannot be read or written
└── RunStopped      a run was asked to stop, and what is done is kept
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["video", "still", "burst"]
Status = Literal["ok", "partial", "unreadable"]
Rule = Literal["species", "rolled_up", "abstained", "empty", "none"]


@dataclass(frozen=True, slots=True)
class Clip:
    """One unit of footage: a video, a still (a clip of one frame) or a burst (a clip of n stills).

    `paths` are POSIX and relative to the data root; `captured_at` is aware, or None where the zone is not known.
    """

    clip_id: str
    paths: tuple[str, ...]
    kind: Kind
    site: str | None = None
    deployment: str | None = None
    captured_at: datetime | None = None
    time_source: str | None = None
    label: str | None = None
    split: str | None = None

    def __post_init__(self) -> None:
        assert self.paths, "a clip has at least one file"
        assert self.kind == "burst" or len(self.paths) == 1, f"a {self.kind} has one file, not {len(self.paths)}"

    @property
    def path(self) -> str:
        """The first file, which names the clip."""
        return self.paths[0]


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """What the container says of a clip: a hint; only decoded frames are facts. The size is as coded, not yet turned."""

    width_px: int
    height_px: int
    start_s: float
    duration_s: float
    fps: float
    n_frames: int | None
    codec: str
    keyframes_s: tuple[float, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """Decoded frames with the times they really have.

    pixels: uint8 [N, H, W, 3] RGB; times_s: float64 [N], seconds from the start of the stream;
    warnings: what went wrong on the way although frames came out.
    """

    clip_id: str
    pixels: NDArray[np.uint8]
    times_s: NDArray[np.float64]
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = f"pixels {self.pixels.dtype}{list(self.pixels.shape)}, times_s {self.times_s.dtype}{list(self.times_s.shape)}"
        if self.pixels.ndim != 4 or self.pixels.shape[-1] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(f"Frames want pixels uint8[N,H,W,3]; got {shape}")
        if self.times_s.shape != self.pixels.shape[:1] or self.times_s.dtype != np.float64:
            raise ValueError(f"Frames want times_s float64[N] beside pixels[N,...]; got {shape}")

    def __len__(self) -> int:
        return len(self.times_s)

    def __repr__(self) -> str:
        n, h, w, _ = self.pixels.shape
        span = f"{self.times_s[0]:.2f}..{self.times_s[-1]:.2f} s" if n else "no frames"
        return f"Frames({self.clip_id}, uint8[{n},{h},{w},3], {span}, {len(self.warnings)} warnings)"


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """What a detector found in one frame, the best first.

    xyxy: float32 [K, 4], left, top, right, bottom in px of the upright frame whose `size_px` is (width, height); scores:
    float32 [K], 0 to 1; labels: what is in each, `animal` or the detector's own word for something else; time_s: of the
    frame; source: what found them.
    """

    xyxy: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: tuple[str, ...]
    time_s: float
    size_px: tuple[int, int]
    source: str

    def __post_init__(self) -> None:
        n = len(self.labels)
        if self.xyxy.shape != (n, 4) or self.scores.shape != (n,):
            raise ValueError(
                f"Boxes want xyxy [K,4] and scores [K] beside {n} labels; got {self.xyxy.shape}, {self.scores.shape}"
            )

    @classmethod
    def none(cls, time_s: float, size_px: tuple[int, int], source: str) -> Boxes:
        """A frame in which nothing was found."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), (), time_s, size_px, source)

    def scale_to(self, size_px: tuple[int, int]) -> Boxes:
        """The same boxes in px of the frame at another size."""
        scale = np.array([size_px[0] / self.size_px[0], size_px[1] / self.size_px[1]] * 2)
        return replace(self, xyxy=(self.xyxy * scale).astype(np.float32), size_px=size_px)

    @property
    def fractions(self) -> NDArray[np.float64]:
        """The boxes in fractions of the frame, float64 [K, 4], each number between 0 and 1.

        >>> Boxes(np.array([[10, 0, 20, 30]], np.float32), np.ones(1, np.float32), ("animal",), 0.0, (100, 60), "x").fractions.tolist()
        [[0.1, 0.0, 0.2, 0.5]]
        """
        width, height = self.size_px
        return (self.xyxy.astype(np.float64) / [width, height, width, height]).round(5).clip(0.0, 1.0)

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        best = f", best {self.labels[0]} {self.scores[0]:.2f}" if len(self) else ""
        return f"Boxes({len(self)} at {self.time_s:.2f} s by {self.source}{best})"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the program says about a clip, how sure it is, and which rule said so."""

    label: str
    score: float
    rule: Rule


@dataclass(frozen=True, slots=True, eq=False)
class ClipPrediction:
    """The answer for one clip. `probs` (float32 [C]) is None exactly when nothing could be decoded.

    frame_times_s: float64 [N]; frame_probs: float32 [N, C], the probabilities of each frame by itself;
    evidence_order: positions of the frames, the one that speaks most for the decision first; boxes: of each frame, None
    where no detector looked; info: what the container said; seconds: what the clip took, and the look from nearby of it;
    frame_familiarity: float32 [N, 1 + C], see `score.familiarity`, or of no size where nobody asked.
    """

    clip: Clip
    status: Status
    reason: str
    decision: Decision
    probs: NDArray[np.float32] | None
    frame_times_s: NDArray[np.float64]
    frame_probs: NDArray[np.float32]
    evidence_order: tuple[int, ...] = ()
    boxes: tuple[Boxes | None, ...] = ()
    info: MediaInfo | None = None
    seconds: tuple[float, float] = (0.0, 0.0)
    frame_familiarity: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def __post_init__(self) -> None:
        if (self.probs is None) != (self.status == "unreadable"):
            raise ValueError(
                f"status {self.status!r} does not go with probs {'absent' if self.probs is None else 'present'}"
            )
        if self.frame_probs.shape[:1] != self.frame_times_s.shape:
            raise ValueError(
                f"frame_probs {self.frame_probs.shape} beside frame_times_s {self.frame_times_s.shape}"
            )
