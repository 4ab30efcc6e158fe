"""How well a score ranks positive clips above the others: AUROC, average precision, and what a threshold removes.

Clips are ranked once. A draw of sites only changes the weight of each clip, so one pass of cumulative weights gives
all figures of that draw, exactly and with ties.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.labels import ANIMAL
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.score.log_odds import log_odds

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Numbers = NDArray[Any]
TINY = np.finfo(float).tiny


class Room(NamedTuple):
    """Arrays that each draw fills anew."""

    w_pos: Numbers  # [P]
    w_neg: Numbers  # [Q]
    positives: Numbers  # [P + 1], sums
    negatives: Numbers  # [Q + 1], sums
    lower: Numbers  # [P]
    found: Numbers  # [P]
    weights: Floats  # [P]
    precision: Floats  # [P]


def choose_sum_type(weights: Floats, n_clips: float, counts: Floats | None) -> type[np.generic]:
    """Return the type of number in which the weights of clips are added: int32 where that is exact, else float64.

    Sums of whole numbers are exact in both, and those of integers take a fifth of the time. weights: float64
    [n_boot, S], of sites; counts: for how many clips each stands, None: for itself.

    >>> choose_sum_type(np.array([[2.0, 0.0]]), 10, None).__name__
    'int32'
    """
    is_exact = counts is None and n_clips * weights.max(initial=0) < 2**31
    return np.int32 if is_exact and bool((weights == np.rint(weights)).all()) else np.float64


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Clips in the order of a score, P positives apart from Q groups of negatives, with the site of each, int64.

    For each positive: `below` counts the groups of a lower score, `upto` those of a lower or equal one, and
    `first` is the position of the first positive of an equal score.
    """

    site_pos: Ints  # [P], by increasing score
    site_neg: Ints  # [Q]
    below: Ints  # [P]
    upto: Ints  # [P]
    first: Ints  # [P]
    counts_pos: Floats | None  # [P], for how many clips each stands; None: for itself
    counts_neg: Floats  # [Q]

    @classmethod
    def of(
        cls, score: Floats, is_positive: NDArray[np.bool_], codes: Ints, counts: Floats | None = None
    ) -> Ranking:
        """Return the ranking of clips; score: float64 [M]; is_positive: bool [M]; codes: int64 [M], the sites.

        counts: float64 [M], for how many clips each stands; None: for itself.
        """
        order = np.argsort(score, kind="stable")
        ranked, positive, site = score[order], is_positive[order], codes[order]
        negatives, positives = ranked[~positive], ranked[positive]
        each = None if counts is None else counts[order]
        below, upto = (np.searchsorted(negatives, positives, side=side) for side in ("left", "right"))
        # Negatives of one site between two positives are ranked alike: they count as one, with their number.
        edges = np.unique(np.concatenate((below, upto)))
        n_sites = int(codes.max(initial=-1)) + 1
        gap = np.searchsorted(edges, np.arange(len(negatives)), side="right")
        cells, of = np.unique(gap * n_sites + site[~positive], return_inverse=True)
        n_upto = np.searchsorted(cells, (np.arange(len(edges)) + 1) * n_sites)  # cells of lower gaps, for each edge
        return cls(
            site[positive],
            cells % max(n_sites, 1),
            n_upto[np.searchsorted(edges, below)],
            n_upto[np.searchsorted(edges, upto)],
            np.searchsorted(positives, positives, side="left"),
            None if each is None else each[positive],
            np.bincount(of, weights=None if each is None else each[~positive], minlength=len(cells)).astype(float),
        )

    def measure(self, weights: Floats, recalls: Sequence[float] = ()) -> Floats:
        """Return AUROC, average precision, and the negatives removed at each of R recalls: float64 [2 + R].

        weights: float64 [S], how often each site counts. nan unless there are both positives and negatives.
        """
        return np.asarray(self.measure_draws(weights[None], recalls)[0])

    def measure_draws(self, weights: Floats, recalls: Sequence[float] = ()) -> Floats:
        """Return `measure` for each row of weights, float64 [n_boot, S]: float64 [n_boot, 2 + R]."""
        dtype = choose_sum_type(weights, len(self.site_pos) + self.counts_neg.sum(), self.counts_pos)
        room, counts = self._make_room(dtype), self.counts_neg.astype(dtype)
        rows = [self._measure(w, counts, recalls, room) for w in weights.astype(dtype)]
        return np.array(rows, np.float64).reshape(len(weights), 2 + len(recalls))

    def _make_room(self, dtype: type[np.generic]) -> Room:
        """Return arrays for the weights of the clips and their sums. A million new numbers per draw take longer."""
        p, q = len(self.site_pos), len(self.site_neg)
        w_pos, w_neg, positives, negatives, lower, found = (np.zeros(n, dtype) for n in (p, q, p + 1, q + 1, p, p))
        return Room(w_pos, w_neg, positives, negatives, lower, found, np.zeros(p), np.zeros(p))

    def _measure(self, weights: Numbers, counts_neg: Numbers, recalls: Sequence[float], room: Room) -> Floats:
        for w, site, counts, sums in (
            (room.w_pos, self.site_pos, self.counts_pos, room.positives),
            (room.w_neg, self.site_neg, counts_neg, room.negatives),
        ):
            np.take(weights, site, out=w, mode="clip")  # the default mode copies
            if counts is not None:
                w *= counts
            np.cumsum(w, out=sums[1:], dtype=w.dtype)
        n_pos, n_neg = float(room.positives[-1]), float(room.negatives[-1])
        if not (n_pos > 0 and n_neg > 0):
            return np.full(2 + len(recalls), np.nan)
        lower, found = room.lower, room.found
        np.take(room.negatives, self.below, out=lower, mode="clip")
        removed = [lower[self._find_lowest(room.positives, recall)] / n_neg for recall in recalls]
        np.copyto(room.weights, room.w_pos)
        np.take(room.negatives, self.upto, out=found, mode="clip")
        np.add(lower, found, out=room.precision)
        area = room.weights @ room.precision / (2 * n_pos * n_neg)
        np.take(room.positives, self.first, out=found, mode="clip")
        np.subtract(room.positives[-1], found, out=found)  # the weight of positives of the same or a higher score
        np.subtract(room.negatives[-1], lower, out=lower)
        lower += found
        precision = np.divide(found, np.maximum(lower, TINY), out=room.precision)
        return np.array([area, room.weights @ precision / n_pos, *removed])

    def _find_lowest(self, positives: Numbers, recall: float) -> int:
        """Return the position of the lowest positive that this recall needs; those of a lower score may be lost."""
        may_lose = (1 - recall) * float(positives[-1]) * (1 + 1e-12)  # 5 of 100 are 5, not 4.999
        return min(int(np.searchsorted(positives, may_lose, side="right")) - 1, len(self.site_pos) - 1)


def rank_clips(clips: LabelledClips, label: str) -> Floats:
    """Return what ranks clips by a label, or by 'animal': float64 [M], nan for a clip that could not be read.

    These are log-odds, which differ where probabilities round to 1; of independent labels they are probabilities.
    """
    if clips.presence is not None:
        return clips.score(label)
    animals = [clips.labels.index(x) for x in clips.animals]
    return log_odds(clips.probs, animals if label == ANIMAL else clips.labels.index(label))


def auroc(score: Floats, is_positive: NDArray[np.bool_], counts: Floats | None = None) -> float:
    """Return the chance that a positive clip scores above a negative one, ties half; nan unless there are both.

    counts: float64 [M], for how many clips each stands; None: for itself.

    >>> auroc(np.array([0.9, 0.8, 0.1]), np.array([True, False, False]))
    1.0
    """
    from sklearn.metrics import roc_auc_score

    if is_positive.all() or not is_positive.any():
        return float("nan")
    return float(roc_auc_score(is_positive, score, sample_weight=counts))


def average_precision(score: Floats, is_positive: NDArray[np.bool_], counts: Floats | None = None) -> float:
    """Return precision averaged over recalls (the area under the steps); nan unless there are both.

    counts: as in `auroc`.

    >>> round(average_precision(np.array([0.9, 0.8, 0.7]), np.array([True, False, True])), 3)
    0.833
    """
    from sklearn.metrics import average_precision_score

    if is_positive.all() or not is_positive.any():
        return float("nan")
    return min(
        float(average_precision_score(is_positive, score, sample_weight=counts)), 1.0
    )  # rounding may end a little above 1
