"""Presence by the kind of a clip and its number of frames, as a shift of its log-odds.

Of 64 empty frames one looks like an animal by chance much more often than a single still does, and an animal in
one of three stills says less to a mean than one in a still alone. So the same log-odds mean different things for
clips of different length, and a temperature, which only stretches them, cannot mend that. The shift is linear in
the logarithm of the number of frames, and each kind of clip (still, video, burst) has a constant of its own where
enough clips show what it is. `scripts/measure_clip_lengths.py` compares it with temperatures by kind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.errors import BundleError
from leopardnet.score.log_sums import log_softmax

if TYPE_CHECKING:
    import pandas as pd

Floats = NDArray[np.float64]
MIN_CLIPS_OF_KIND = 20  # of a kind, and of these sites, with and without animals, for a constant of its own
MIN_SITES_OF_KIND = 5
MAX_SHIFT, MAX_FRAMES = 1e4, 2**31  # far beyond what any fit gives, far below what overflows


@dataclass(frozen=True, slots=True)
class PresenceShift:
    """What is added to the log-odds of an animal against empty, before the temperature.

    base: for kinds that are not in `kinds`; per_doubling: for each doubling of the number of frames; n_frames:
    least and most that it was fitted to, beyond which it does not change. Raises BundleError for other numbers.

    >>> PresenceShift(1.0, -0.5, (1, 64), {"still": 0.2}).describe()
    'presence +1.00 in log-odds (still +0.20), -0.50 for each doubling of the number of frames from 1 to 64'
    """

    base: float
    per_doubling: float
    n_frames: tuple[int, int]
    kinds: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shifts = np.abs([self.base, self.per_doubling, *self.kinds.values()])
        low, high = self.n_frames
        if not ((shifts <= MAX_SHIFT).all() and 1 <= low <= high <= MAX_FRAMES):  # nan is refused, too
            raise BundleError(
                "the calibration has no valid shift of presence",
                where="calibration.shift",
                found=str(self.to_dict())[:100],
                expected=f"numbers up to {MAX_SHIFT:g}, and the least and the most number of frames, from 1 on",
                todo="run `leopardnet calibrate` again",
            )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self) | {"n_frames": list(self.n_frames)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PresenceShift:
        """Return the shift that `to_dict` described. Raises KeyError, TypeError or ValueError for other values."""
        low, high = map(int, data["n_frames"])
        kinds = {str(kind): float(x) for kind, x in data["kinds"].items()}
        return cls(float(data["base"]), float(data["per_doubling"]), (low, high), kinds)

    def describe(self) -> str:
        """Return the shift in words."""
        own = ", ".join(f"{kind} {x:+.2f}" for kind, x in self.kinds.items())
        low, high = self.n_frames
        return (
            f"presence {self.base:+.2f} in log-odds{f' ({own})' if own else ''}, {self.per_doubling:+.2f} for each "
            f"doubling of the number of frames from {low} to {high}"
        )


@dataclass(frozen=True, eq=False)
class ClipLengths:
    """Kind, object [M], and number of classified frames, int64 [M], of each clip; i_empty: the empty class."""

    kinds: NDArray[np.object_]
    n_frames: NDArray[np.int64]
    i_empty: int

    @classmethod
    def of_table(cls, predictions: pd.DataFrame, clip_ids: list[str], i_empty: int) -> ClipLengths:
        """Return those of these clips from a table with the columns clip_id, kind and n_frames."""
        rows = predictions.set_index("clip_id").reindex(clip_ids)
        n_frames = rows["n_frames"].fillna(1).clip(lower=1).to_numpy(np.int64)
        return cls(rows["kind"].astype(str).to_numpy(object), n_frames, i_empty)

    def select(self, use: NDArray[np.bool_] | NDArray[np.int64]) -> ClipLengths:
        """Return those of the clips in `use`, a mask or positions."""
        return ClipLengths(self.kinds[use], self.n_frames[use], self.i_empty)


def shift_presence(
    clip_logits: NDArray[Any], shift: PresenceShift | None, lengths: ClipLengths | None, *, undo: bool = False
) -> NDArray[Any]:
    """Return clip logits, float [M, C], with presence shifted; as they are where there is no shift.

    undo: take the shift back, which needs the same shift and lengths. Only the logit of empty changes, so species
    keep their shares of all animals.

    >>> lengths = ClipLengths(np.array(["still", "video"], object), np.array([1, 8]), i_empty=1)
    >>> shift_presence(np.zeros((2, 2)), PresenceShift(1.0, -0.5, (1, 64)), lengths).tolist()
    [[0.0, -1.0], [0.0, 0.5]]
    """
    if shift is None or lengths is None:
        return clip_logits
    base = np.array([shift.kinds.get(kind, shift.base) for kind in lengths.kinds])
    offset = base + shift.per_doubling * np.log2(np.clip(lengths.n_frames, *shift.n_frames))  # [M]
    shifted = clip_logits.copy()
    shifted[:, lengths.i_empty] -= -offset if undo else offset
    return shifted


def fit_shift(
    clip_logits: Floats, y: NDArray[np.int64], lengths: ClipLengths, sites: Sequence[str | None]
) -> PresenceShift | None:
    """Return the shift with the highest posterior, or None where all clips have the same number of frames.

    clip_logits: float64 [M, C], not shifted; y: int [M]; sites: one per clip. A temperature is fitted with it. In
    units of calibrated log-odds, normal priors draw constant and slope towards 0 (standard deviation 3, so that
    faultless clips do not drive them to infinity), and the constant of a kind towards that of all (1).
    """
    from scipy.optimize import minimize

    is_animal, rows = y != lengths.i_empty, np.arange(len(y))
    if len(np.unique(lengths.n_frames)) < 2 or is_animal.all() or not is_animal.any():
        return None
    own = [kind for kind in sorted(set(lengths.kinds)) if _is_well_known(lengths.kinds == kind, is_animal, sites)]
    if len(set(lengths.kinds)) == 1:
        own = []  # it would be the constant of all once more
    terms = [np.ones(len(y)), np.log2(lengths.n_frames), *(lengths.kinds == kind for kind in own)]
    design = np.column_stack(terms).astype(np.float64)  # [M, 2 + K]
    precision = np.array([1 / 9, 1 / 9, *[1.0] * len(own)])

    def loss(x: Floats) -> float:
        scaled = clip_logits / np.exp(x[0])
        scaled[:, lengths.i_empty] -= design @ x[1:]
        return -float(log_softmax(scaled, axis=1)[rows, y].sum()) + float((x[1:] ** 2) @ precision) / 2

    bounds = [(np.log(0.25), np.log(20.0)), *[(None, None)] * design.shape[1]]
    x = minimize(loss, np.zeros(len(bounds)), method="L-BFGS-B", bounds=bounds).x
    base, slope, *extra = (x[1:] * np.exp(x[0])).round(6).tolist()
    kinds = {kind: round(base + more, 6) for kind, more in zip(own, extra, strict=True)}
    return PresenceShift(base, slope, (int(lengths.n_frames.min()), int(lengths.n_frames.max())), kinds)


def _is_well_known(use: NDArray[np.bool_], is_animal: NDArray[np.bool_], sites: Sequence[str | None]) -> bool:
    """Return whether the clips in `use`, bool [M], are enough for a constant of their own."""
    places = {s for s, here in zip(sites, use, strict=True) if here and s is not None and s == s}
    both = is_animal[use].any() and not is_animal[use].all()
    return bool(both and use.sum() >= MIN_CLIPS_OF_KIND and len(places) >= MIN_SITES_OF_KIND)
