"""Values passed between modules: clips, frames, boxes, decisions and predictions."""

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

    paths: POSIX, relative to the data root; captured_at: with its time zone, or None if the zone is unknown.
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
        """The path of the first file, from which the clip_id is derived."""
        return self.paths[0]


@dataclass(frozen=True, slots=True)
class MediaInfo:
    """Metadata of a clip from its container: hints, since only decoded frames are facts. Size before rotation."""

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
    """Decoded frames with their actual times.

    pixels: uint8 [N, H, W, 3] RGB; times_s: float64 [N], seconds from the start of the stream; warnings: problems
    that did not prevent decoding; decoded_by: `software` or a device; damage: what each frame lacks, an empty text
    for a whole one; () where all are whole. Raises ValueError for other shapes or dtypes.
    """

    clip_id: str
    pixels: NDArray[np.uint8]
    times_s: NDArray[np.float64]
    warnings: tuple[str, ...] = ()
    decoded_by: str = "software"
    damage: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        pixels, times_s = self.pixels, self.times_s
        are_pixels = pixels.dtype == np.uint8 and pixels.ndim == 4 and pixels.shape[-1] == 3
        if not are_pixels or times_s.dtype != np.float64 or times_s.shape != pixels.shape[:1]:
            found = " and ".join(f"{a.dtype}{list(a.shape)}" for a in (pixels, times_s))
            raise ValueError(f"expected pixels uint8[N, H, W, 3] and times_s float64[N]; got {found}")
        if self.damage and len(self.damage) != len(times_s):
            raise ValueError(f"expected a text for each of {len(times_s)} frames; got {len(self.damage)}")

    def take(self, at: NDArray[np.int64]) -> Frames:
        """Return the frames at these positions, int64 [M]."""
        damage = tuple(self.damage[i] for i in at) if self.damage else ()
        return replace(self, pixels=self.pixels[at], times_s=self.times_s[at], damage=damage)

    def __len__(self) -> int:
        return len(self.times_s)

    def __repr__(self) -> str:
        n, h, w, _ = self.pixels.shape
        span = f"{self.times_s[0]:.2f}..{self.times_s[-1]:.2f} s" if n else "no frames"
        return f"Frames({self.clip_id}, uint8[{n},{h},{w},3], {span}, {len(self.warnings)} warnings)"


@dataclass(frozen=True, slots=True, eq=False)
class Boxes:
    """Boxes of a detector in one frame, best first.

    xyxy: float32 [K, 4], left, top, right, bottom in px of the upright frame; scores: float32 [K], 0 to 1; labels:
    the class of each, ANIMAL or the detector's name of another class; time_s: of the frame; size_px: (width,
    height) of the frame; source: the detector. Raises ValueError for other shapes.
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
            found = f"{list(self.xyxy.shape)} and {list(self.scores.shape)}"
            raise ValueError(f"expected xyxy [K, 4] and scores [K] for {n} labels; got {found}")

    @classmethod
    def none(cls, time_s: float, size_px: tuple[int, int], source: str) -> Boxes:
        """Return the boxes of a frame in which nothing was found."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), (), time_s, size_px, source)

    def scale_to(self, size_px: tuple[int, int]) -> Boxes:
        """Return the same boxes in px of the frame at another size (width, height)."""
        scale = np.array([size_px[0] / self.size_px[0], size_px[1] / self.size_px[1]] * 2)
        return replace(self, xyxy=(self.xyxy * scale).astype(np.float32), size_px=size_px)

    def merge(self, other: Boxes) -> Boxes:
        """Return the boxes of both, which are of the same frame at the same size, best first."""
        scores = np.concatenate([self.scores, other.scores])
        order = np.argsort(-scores, kind="stable")
        labels = (*self.labels, *other.labels)
        xyxy = np.concatenate([self.xyxy, other.xyxy])[order]
        return replace(self, xyxy=xyxy, scores=scores[order], labels=tuple(labels[i] for i in order))

    @property
    def fractions(self) -> NDArray[np.float64]:
        """The boxes in fractions of the frame, float64 [K, 4], each number between 0 and 1.

        >>> xyxy, scores = np.array([[10, 0, 20, 30]], np.float32), np.ones(1, np.float32)
        >>> Boxes(xyxy, scores, ("animal",), 0.0, (100, 60), "x").fractions.tolist()
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
    """The result for a clip: a label, 'animal', 'unsure' or 'unreadable', with its probability and the rule."""

    label: str
    score: float
    rule: Rule


@dataclass(frozen=True, slots=True)
class FoundSound:
    """A sound that was found on the track of a clip: a candidate for a person to listen to, never a name.

    start_s, end_s: seconds from the first picture; kind: `tonal_call`, `voice`, or `network:<label>`; low_hz,
    high_hz: its range of pitch; peak_hz: its loudest pitch; slope_hz_s: how fast the pitch rises, negative where it
    falls; snr_db: above the noise around its pitch; all five are None where what found it does not measure them;
    score: 0 to 1; source: what found it, with its version.
    """

    start_s: float
    end_s: float
    kind: str
    low_hz: float | None
    high_hz: float | None
    peak_hz: float | None
    slope_hz_s: float | None
    snr_db: float | None
    score: float
    source: str


@dataclass(frozen=True, slots=True)
class ClipSound:
    """The sound of a clip: whether its track could be heard, what was found on it, and what is odd about it.

    state: `heard`, `none` (the file has no sound track), or `unreadable`; note: in words; searched_by: what
    searched it, with its settings.
    """

    state: Literal["heard", "none", "unreadable"]
    found: tuple[FoundSound, ...] = ()
    note: str = ""
    searched_by: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class ClipPrediction:
    """The prediction for one clip. `probs` (float32 [C]) is None exactly if the status is `unreadable`.

    reason: why the status is not ok; frame_times_s: float64 [N]; frame_probs: float32 [N, C], of each frame alone;
    evidence_order: positions of the frames, the strongest for the decision first; boxes: of each frame, None if no
    detector was run on it; info: metadata of the container; seconds: time spent on the clip, and on its crops;
    frame_familiarity: float32 [N, 1 + C], see `score.familiarity`, or empty if not requested; frame_looks: float32
    [N, 4], see `media.preprocess`, or empty; sound: None where it was not searched; decoded_by: `software` or a
    device, empty where no frame was decoded. Raises ValueError for fields that do not fit each other.
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
    frame_looks: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    sound: ClipSound | None = None
    decoded_by: str = ""

    def __post_init__(self) -> None:
        if (self.probs is None) != (self.status == "unreadable"):
            raise ValueError(f"status {self.status!r} with probs {'absent' if self.probs is None else 'present'}")
        if self.frame_probs.shape[:1] != self.frame_times_s.shape:
            raise ValueError(
                f"{len(self.frame_probs)} rows of frame_probs for {len(self.frame_times_s)} frame times"
            )
