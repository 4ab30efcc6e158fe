"""May the clips called empty be archived unseen? What that loses, what it saves, and what is left to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from leopardnet.core.labels import ANIMAL, EMPTY, LEOPARD, list_names
from leopardnet.metrics.bootstrap import (
    NOT_DEMONSTRATED,
    WIDEST,
    Estimate,
    SiteDraws,
    count_known,
    estimate_row,
    interval_columns,
)
from leopardnet.metrics.guarantees.clip_losses import count_effective, weigh_events
from leopardnet.metrics.guarantees.levels import LEVELS, MEANINGS, Level
from leopardnet.metrics.guarantees.site_losses import bound_mean
from leopardnet.metrics.judges.label_choice import find_counts
from leopardnet.metrics.labelled_clips import Bools, LabelledClips
from leopardnet.metrics.measures import CORRELATION, correlate_wrong, ratio, upper_bound

CONFIDENCE = 0.95
TAILS = (0.05, 0.5)  # misses of a smaller or larger share are taken for as alike as those of these


@dataclass(frozen=True, slots=True)
class ArchivedLoss:
    """The clips of a label that are archived unseen, and how many there may be at other sites.

    n_clips, n_events, n_sites: the labelled clips that show the label, their events, and their known sites.
    at_most: by level, the upper bound of the share lost, with 95 % confidence; 1 where nothing is known. What the
    bounds mean is in `metrics.guarantees.levels`: they are of different shares, so either may be the larger. They
    do not hold for the clips that set the thresholds.
    """

    label: str
    n_lost: int
    n_clips: int
    n_events: int
    n_sites: int
    at_most: Mapping[Level, float]

    @property
    def counts(self) -> str:
        """How many were lost of how many, in words."""
        in_events = f" in {self.n_events} events" if self.n_events < self.n_clips else ""
        return f"{self.n_lost} of {self.n_clips} clips{in_events}"

    def bound(self, level: Level) -> str:
        """Return the bound of a level as a percentage.

        >>> ArchivedLoss("deer", 0, 20, 20, 20, {"any_sites": 0.139, "like_sites": 1.0}).bound("any_sites")
        '14 %'
        """
        share = self.at_most[level]
        return f"{100 * share:.{int(share < 0.0995)}f} %" if share <= WIDEST else NOT_DEMONSTRATED

    def __str__(self) -> str:
        is_known = {x: self.at_most[x] <= WIDEST for x in reversed(LEVELS)}
        bounds = [
            f"{'at most ' if is_known[x] else ''}{self.bound(x)} ({MEANINGS[x]}, {LEVELS[x]})" for x in is_known
        ]
        return f"{self.label} called empty, without an alert: {self.counts}; at new sites {', '.join(bounds)}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        counts = {x: getattr(self, x) for x in ("label", "n_lost", "n_clips", "n_events", "n_sites")}
        return counts | {"at_most": {x: float(self.at_most[x]) for x in LEVELS}}


@dataclass(frozen=True, eq=False)
class Archive:
    """What becomes of labelled clips where those called empty, without an alert, are archived unseen.

    losses: of each target that a clip shows, then of any animal, those that the model was not taught included.
    absent: labels that no clip shows, so that nothing is known about them. n_archived, n_named, n_undecided,
    n_unreadable: clips with these decisions, together n_clips if no clip called empty has an alert. empties: the
    share of the n_empty empty clips that is archived, n_empty_archived of these here. names_right: the share of
    names of animals that are right, n_names_right of these here.
    """

    known: tuple[str, ...]
    absent: tuple[str, ...]
    losses: tuple[ArchivedLoss, ...]
    n_clips: int
    n_archived: int
    n_named: int
    n_undecided: int
    n_unreadable: int
    n_empty: int
    n_empty_archived: int
    empties: Estimate
    n_names: int
    n_names_right: int
    names_right: Estimate
    asked: str = ANIMAL
    has_events: bool = True

    @property
    def saved(self) -> list[str]:
        """The names that were given and the empty clips that were taken away, as far as there are any, in words."""
        lines = []
        if self.n_names:
            right = f"{self.n_names_right} of them right, {self.names_right.format(3)}"
            lines.append(f"Names of animals: {self.n_names} given, {right}")
        if self.n_empty:
            lines.append(
                f"Empty clips archived: {self.n_empty_archived} of {self.n_empty}, {self.empties.format(3)}"
            )
        return lines

    @property
    def limits(self) -> list[str]:
        """What is left to look at, and what the model cannot see, each a line without a stop."""
        left = {
            f"{self.n_named} named": self.n_named,
            f"{self.n_undecided} 'animal' or 'unsure'": self.n_undecided,
            f"{self.n_unreadable} unreadable": self.n_unreadable,
        }
        parts = ", ".join(words for words, n in left.items() if n)
        n_left = self.n_clips - self.n_archived
        looked_at = f"{n_left} of {self.n_clips} clips"
        lines = [f"Left to look at: {looked_at} ({parts})" if parts else f"Left to look at: {looked_at}"]
        known, absent = list_names(self.known), list_names(self.absent)
        alone = f"The model's only labels for animals: {known}"
        missing = (
            f"The model's only labels for animals: {known}; no clip here shows {absent}, so nothing is known there"
        )
        lines.append(missing if absent else alone)
        return lines

    @property
    def sentences(self) -> list[str]:
        """What is named and saved, what is left to look at, and what the model cannot see."""
        return [*self.saved, *self.limits]

    @property
    def question(self) -> str:
        """The loss to ask for with `thresholds`, as its option."""
        return f"--lose {self.asked}=0.05"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        names = ("n_clips", "n_archived", "n_named", "n_undecided", "n_unreadable", "n_empty", "n_names")
        return {
            "losses": [loss.to_dict() for loss in self.losses],
            "levels": dict(LEVELS),
            **{x: getattr(self, x) for x in names},
            "empties_archived": self.empties.to_dict(),
            "names_right": self.names_right.to_dict(),
            "labels_without_clips": list(self.absent),
        }


def find_archive(clips: LabelledClips, known: LabelledClips, targets: Sequence[str], draws: SiteDraws) -> Archive:
    """Return what is lost and saved where clips called empty are archived.

    known: the clips with a label of the model; draws: of their sites. Losses of any animal also count `clips` of
    labels that the model was not taught.
    """
    archived, rules = find_archived(known), known.rules
    losses = [bound_loss(known, name) for name in targets]
    losses += [bound_loss(clips.select(clips.y >= 0), ANIMAL)] if clips.i_empty is not None else []
    is_empty = known.shows(EMPTY)
    total, drawn = draws.sum_columns(is_empty, is_empty & archived)
    names = [known.names(x) & (rules == "species") for x in known.animals]
    n_given, n_right = sum(names), sum(n & known.shows(x) for n, x in zip(names, known.animals, strict=True))
    of_names, of_names_drawn = draws.sum_columns(np.asarray(n_given), np.asarray(n_right))
    return Archive(
        known=known.animals,
        absent=tuple(x for x in known.labels if not known.shows(x).any()),
        losses=tuple(x for x in losses if x.n_clips),
        n_clips=len(known),
        n_archived=int(archived.sum()),
        n_named=int((rules == "species").sum()),
        n_undecided=int(np.isin(rules.astype(str), ("rolled_up", "abstained")).sum()),
        n_unreadable=int((rules == "none").sum()),
        n_empty=int(is_empty.sum()),
        n_empty_archived=int((is_empty & archived).sum()),
        empties=_estimate_ratio(draws, total, drawn, is_empty),
        n_names=int(np.sum(n_given)),
        n_names_right=int(np.sum(n_right)),
        names_right=_estimate_ratio(draws, of_names, of_names_drawn, np.asarray(n_given) > 0),
        asked=_choose_asked([x.label for x in losses if x.n_clips], known),
        has_events=known.event_codes is not None,
    )


def _choose_asked(shown: Sequence[str], clips: LabelledClips) -> str:
    """Return the label whose loss matters most: the leopard, or else the first one, but targets before others.

    shown: the labels that a clip shows, in class order, any animal last. A clip is checked for targets alone, so
    labels with an alert are targets.
    """
    alerted = [x for x in shown if x != ANIMAL and clips.alerts[:, clips.labels.index(x)].any()]
    possible = alerted or list(shown)
    return LEOPARD if LEOPARD in possible else next(iter(possible), ANIMAL)


def find_archived(clips: LabelledClips) -> Bools:
    """Return which clips nobody looks at, bool [M]: those that are called empty and have no alert."""
    return np.asarray((clips.rules == "empty") & ~clips.alerts.any(axis=1))


def bound_loss(clips: LabelledClips, label: str) -> ArchivedLoss:
    """Return how many clips of a label are archived unseen, and the bounds of that share at other sites.

    No threshold is chosen, so the bounds are plain: at the level `any_sites` that of the mean loss of a site, at
    `like_sites` the exact one for the effective number of clips.
    """
    shown = clips.select(clips.shows(label))
    n, lost = len(shown), find_archived(shown)
    if not n:
        return ArchivedLoss(label, 0, 0, 0, 0, dict.fromkeys(LEVELS, 1.0))
    sites = pd.factorize(shown.site_codes)[0]
    n_of = np.bincount(sites)
    score = np.nan_to_num(shown.score(label), nan=1.0)  # an unreadable clip is always looked at
    events = None if shown.event_codes is None else pd.factorize(shown.event_codes)[0]
    chances = shown.choice.find_chances(shown.clip_ids)
    counts = None if chances is None else find_counts(chances)
    share = float(np.average(lost, weights=counts))
    sizes, r = weigh_events(score, sites, events, tail=float(np.clip(share, *TAILS)), counts=counts)
    n_effective = count_effective(sizes, r, confidence=CONFIDENCE)
    per_site = np.bincount(sites, weights=lost) / n_of
    at_most: dict[Level, float] = {
        "any_sites": bound_mean(float(per_site.mean()), len(n_of), confidence=CONFIDENCE),
        "like_sites": 1.0,
    }
    if n_effective:
        bound = upper_bound(share * n_effective, n_effective, confidence=CONFIDENCE)
        at_most["like_sites"] = float(bound)
    n_events = n if events is None else int(events.max()) + 1
    return ArchivedLoss(label, int(lost.sum()), n, n_events, count_known(shown.sites), at_most)


def name_figures(clips: LabelledClips, draws: SiteDraws) -> pd.DataFrame:
    """Return what is said per label, whatever is likeliest: index label; `support`, `said`, `right`, `found`.

    said: clips whose decision names the label; right: the share of these that show it; found: the share of its
    clips that are named so; both with their intervals.
    """
    rows, is_name = [], np.isin(clips.rules.astype(str), ("species", "empty"))
    for label in clips.labels:
        shows, said = clips.shows(label), clips.names(label) & is_name
        total, drawn = draws.sum_columns(shows, said, shows & said)
        estimates = {
            "right": _estimate_ratio(draws, total[1:], drawn[:, 1:], said, is_precision=True),
            "found": _estimate_ratio(draws, total[[0, 2]], drawn[:, [0, 2]], shows),
        }
        rows.append(
            {"label": label, "support": int(shows.sum()), "said": int(said.sum()), **estimate_row(estimates)}
        )
    figures = [c for name in ("right", "found") for c in interval_columns(name)]
    return pd.DataFrame(rows, columns=["label", "support", "said", *figures]).set_index("label")


def _estimate_ratio(draws: SiteDraws, total: Any, drawn: Any, of: Bools, *, is_precision: bool = False) -> Estimate:
    """Return the second of two sums as a share of the first; of: the clips that the first one counts, bool [M]."""
    share = float(ratio(total[[1]], total[[0]])[0])
    correlation = correlate_wrong(share) if is_precision else CORRELATION
    drawn_share, sizes = ratio(drawn[:, 1], drawn[:, 0]), draws.count_events(of)
    return draws.estimate_share(share, drawn_share, sizes=sizes, correlation=correlation)
