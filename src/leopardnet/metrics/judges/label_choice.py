"""How the clips that have labels were chosen: what figures of them say about the footage depends on it.

Clips that a model put first, or that a person picked, are no sample: a promise on them says nothing of the others.
Clips that were drawn at random are one. Where all had the same chance they count alike; where the chances differ,
as they do if a small site gives at least one clip, each stands for 1 / chance clips (Horvitz and Thompson 1952;
shares of such sums are those of Hájek 1971). Within a site all chances are equal, see
`evaluation.audit.judging_labels`, so that a share of the clips of one site needs no weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

SAME = 1e-6  # chances that differ by less are one
Basis = Literal["unknown", "audit", "weighed", "chosen"]


@dataclass(frozen=True)
class LabelChoice:
    """How labels were chosen, and the chance that each clip had, by clip_id.

    basis: `unknown`, the labels of a manifest, which count alike; `audit`, drawn with equal chances; `weighed`,
    drawn with chances that differ; `chosen`, all labels count alike although some were chosen by score or by hand.
    n_used, n_left_out: labelled clips that judge, and those that do not because nobody knows their chance (of
    `chosen`: that judge all the same). n_thinned: drawn clips left out at random, so that each site has one chance.
    n_undecided: clips that people dispute, or do not know. n_missing: about how many clips of the audit nobody has
    labelled yet.

    >>> print(LabelChoice("audit", {"a": 0.1, "b": 0.1}, n_used=2, n_left_out=30))
    judged by 2 audit labels, drawn at random with one chance; 30 others, chosen by score or by hand, have no part
    """

    basis: Basis = "unknown"
    chances: Mapping[str, float] = field(default_factory=dict, repr=False)
    n_used: int = 0
    n_left_out: int = 0
    n_thinned: int = 0
    n_undecided: int = 0
    n_missing: int = 0

    @classmethod
    def of(cls, chances: pd.Series[float], **counts: int) -> LabelChoice:
        """Return the choice of clips that were drawn with these chances, by clip_id; counts: as in the fields."""
        basis: Basis = "audit" if chances.max() - chances.min() < SAME else "weighed"
        by_clip = {str(clip): float(chance) for clip, chance in chances.items()}
        return cls(basis, by_clip, n_used=len(by_clip), **counts)

    @property
    def is_sample(self) -> bool:
        """Whether the labelled clips are a random sample of the footage."""
        return self.basis in ("audit", "weighed")

    def __str__(self) -> str:
        if self.basis == "unknown":
            return ""
        undecided = [f"{self.n_undecided} clips that people dispute or do not know have none"] * (
            self.n_undecided > 0
        )
        if self.basis == "chosen":
            says = (
                f"BIASED: {self.n_used} labels count as if they had been drawn at random, but {self.n_left_out} of "
                "them were chosen by score or by hand: these figures are not those of the footage"
            )
            return "; ".join([says, *undecided])
        how = "drawn at random with one chance"
        if self.basis == "weighed":
            low, high = min(self.chances.values()), max(self.chances.values())
            how = f"drawn at random and weighed by the chance of each ({low:.3g} to {high:.3g})"
        parts = {
            f"judged by {self.n_used} audit labels, {how}": self.n_used,
            f"{self.n_left_out} others, chosen by score or by hand, have no part": self.n_left_out,
            f"{self.n_thinned} audit labels were left out at random: each site has one chance": self.n_thinned,
            f"the audit is not finished: about {self.n_missing} of its clips have no label yet": self.n_missing,
        }
        return "; ".join([*(words for words, n in parts.items() if n), *undecided])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        counts = {x: getattr(self, x) for x in ("n_used", "n_left_out", "n_thinned", "n_undecided", "n_missing")}
        return {"basis": self.basis, **counts, "says": str(self)}

    def find_chances(self, clip_ids: NDArray[np.object_]) -> NDArray[np.float64] | None:
        """Return the chance of each clip, float64 [M], nan without one; None where all labels count alike."""
        if self.basis != "weighed":
            return None
        return np.array([self.chances.get(x, np.nan) for x in clip_ids], np.float64)


UNKNOWN_CHOICE = LabelChoice()


def find_counts(chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return for how many clips each stands, 1 on average: float64 [M]; chances: float64 [M].

    >>> find_counts(np.array([0.1, 0.1, 0.4])).round(3).tolist()
    [1.333, 1.333, 0.333]
    """
    return np.asarray(1 / chances / (1 / chances).mean())


def measure_information(counts: NDArray[np.float64] | None) -> float:
    """Return how much clips say that stand for unlike numbers, as a share of equal ones (Kish 1965).

    counts: float64 [M], 1 on average; None: each stands for itself.

    >>> measure_information(None), round(measure_information(np.array([1.5, 0.5])), 3)
    (1.0, 0.8)
    """
    return 1.0 if counts is None else float(len(counts) / (counts**2).sum())
