"""A guarantee on losses and its threshold: "at most 5 % of leopard clips are missed, with 95 % confidence".

The threshold is the score of one of the positives; those of a lower score are missed. How many may be is decided at
two levels, see `levels`: a bound that holds whatever sites do, and one that holds if no site is unlike those
labelled. `scripts/measure_promises.py` measures how often guarantees of each level hold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.metrics.bootstrap import Floats, Ints
from leopardnet.metrics.guarantees.clip_losses import support_like_sites
from leopardnet.metrics.guarantees.levels import LEVELS, MEANINGS, Level, Support
from leopardnet.metrics.guarantees.site_losses import support_any_sites
from leopardnet.metrics.judges.label_choice import find_counts


@dataclass(frozen=True, slots=True)
class LossGuarantee:
    """What can be guaranteed for one label, at each level, and why.

    level: the one that was chosen, None where no guarantee is given. supports: one per level, the strongest first.
    n_positives, n_sites: the labelled clips of the label that could be read, and their sites. n_events: the events
    of these clips, as many as clips where none is known.
    """

    label: str
    max_miss: float
    confidence: float
    n_positives: int
    n_sites: int
    supports: tuple[Support, ...]
    level: Level | None
    n_events: int

    @property
    def is_kept(self) -> bool:
        """Whether the clips support the guarantee at the chosen level."""
        return self.level is not None

    @property
    def threshold(self) -> float | None:
        """A clip of a lower score may stay unseen; None where no guarantee is given."""
        return self.at(self.level).threshold if self.level else None

    def at(self, level: Level) -> Support:
        """Return how far the clips support the guarantee at a level."""
        return next(s for s in self.supports if s.level == level)

    def choose(self, level: Level | None) -> LossGuarantee:
        """Return the guarantee of this level, or of a stronger one where only that is supported.

        The guarantee has no level where neither is, or where `level` is None.
        """
        levels = list(LEVELS)
        stronger = levels[: levels.index(level) + 1] if level else []
        given = [x for x in reversed(stronger) if self.at(x).threshold is not None]
        return replace(self, level=given[0] if given else None)

    @property
    def claim(self) -> str:
        """What is guaranteed, in words."""
        share, confidence = f"{self.max_miss:.3g}", f"{100 * self.confidence:g}%"
        return f"at most {share} of {self.label} clips missed, with {confidence} confidence"

    def describe(self, level: Level) -> str:
        """Return what holds at a level, or what is missing for it."""
        in_events = f" in {self.n_events} events" if self.n_events < self.n_positives else ""
        s, clips = self.at(level), f"{self.n_positives} clips{in_events} from {self.n_sites} sites"
        if s.threshold is not None:
            bound = f"{MEANINGS[level]} is at most {s.miss_at_most:.4f}"
            return f"{LEVELS[level]}: yes, at threshold {s.threshold:.4g} ({s.n_missed} of {clips} missed; {bound})"
        why = f"needs {s.n_sites_needed} sites with {self.label} clips, you have {self.n_sites}"
        if s.is_saturated:
            why = "no threshold keeps those whose probability is 0"
        return f"{LEVELS[level]}: cannot be demonstrated with {clips}; {why}"

    def __str__(self) -> str:
        return "\n".join([self.claim, *(f"  {self.describe(s.level)}" for s in self.supports)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: the chosen level, its threshold and bound, and all `levels`."""
        chosen = self.at(self.level).to_dict() if self.level else {}
        return {
            "label": self.label,
            "max_miss": self.max_miss,
            "confidence": self.confidence,
            "n_positives": self.n_positives,
            "n_sites": self.n_sites,
            "n_events": self.n_events,
            "is_kept": self.is_kept,
            "level": self.level,
            "says": chosen.get("says"),
            "threshold": self.threshold,
            "n_missed": chosen.get("n_missed", 0),
            "miss_at_most": chosen.get("miss_at_most"),
            "levels": {s.level: s.to_dict() for s in self.supports},
        }


def find_loss_threshold(
    label: str,
    score: Floats,
    is_positive: NDArray[np.bool_],
    site_codes: Ints,
    *,
    has_site: NDArray[np.bool_] | None = None,
    event_codes: Ints | None = None,
    chances: Floats | None = None,
    max_miss: float = 0.01,
    confidence: float = 0.95,
) -> LossGuarantee:
    """Return the highest thresholds that miss at most `max_miss` of the positives, or what is missing for them.

    score: float64 [M], of calibration clips that the model was not trained on; nan (unreadable) never goes unseen
    and has no part; 0 or less is a clip that no threshold keeps. is_positive: bool [M]; site_codes: int64 [M].
    has_site: bool [M], clips whose site is known; the others share a code, and may be of any site: they count
    against a guarantee and not for it: it has to hold with them as one more site and without them. None: all are
    known.
    event_codes: int64 [M]; clips of an event count as copies of each other, None: each is an event of its own.
    chances: float64 [M], with which each positive was drawn, equal at one site; None: all the same. The strongest
    level that is supported is chosen. Raises ConfigError for shares that are not between 0 and 1.

    >>> guarantee = find_loss_threshold("leopard", np.linspace(0.1, 1, 300), np.ones(300, bool), np.arange(300))
    >>> guarantee.level, guarantee.threshold, round(guarantee.at("any_sites").miss_at_most, 4)
    ('any_sites', 0.1, 0.0099)
    """
    use = is_positive & ~np.isnan(score)
    order = np.argsort(score[use], kind="stable")
    ranked, sites = score[use][order], pd.factorize(site_codes[use][order])[0]
    known = np.ones(len(ranked), bool) if has_site is None else has_site[use][order]
    events = None if event_codes is None else event_codes[use][order]
    drawn = None if chances is None else chances[use][order]

    def support(rows: NDArray[np.bool_]) -> tuple[Support, Support]:
        some, of = ranked[rows], pd.factorize(sites[rows])[0]
        within = None if events is None else pd.factorize(events[rows])[0]
        counts = None if drawn is None else find_counts(drawn[rows])
        shares = {"max_miss": max_miss, "confidence": confidence}
        return support_any_sites(some, of, **shares), support_like_sites(
            some, of, events=within, counts=counts, **shares
        )

    supports: tuple[Support, ...] = support(np.ones(len(ranked), bool))
    if not known.all():
        supports = tuple(_take_weaker(a, b, ranked) for a, b in zip(supports, support(known), strict=True))
    level = next((s.level for s in supports if s.threshold is not None), None)
    n_sites = len(np.unique(sites[known]))
    n_events = len(ranked) if events is None else len(np.unique(events))
    return LossGuarantee(label, max_miss, confidence, len(ranked), n_sites, supports, level, n_events)


def _take_weaker(a: Support, b: Support, ranked: Floats) -> Support:
    """Return what both of two supports of one level allow. ranked: the scores of all positives."""
    threshold = None if a.threshold is None or b.threshold is None else min(a.threshold, b.threshold)
    return Support(
        a.level,
        threshold,
        0 if threshold is None else int((ranked < threshold).sum()),
        max(a.miss_at_most, b.miss_at_most),
        max(a.n_sites_needed, b.n_sites_needed),
        a.is_saturated or b.is_saturated,
    )
