"""Two models on the same clips: is the new one better, or can these clips not tell?

Both are judged on the same clips with the same draws of sites, so what is hard for both drops out. A difference
counts only where two things hold, since each alone is too quick:

- its 95 % interval over sites does not include 0 (`bootstrap.estimate` of the differences of draws), and
- exchanging the answers of the two models at whole sites, at random, gives a difference as large in at most one
  case in twenty (a randomisation test, exact whatever the clips of a site have in common: Fisher 1935; Pitman
  1937). Where the models differ at fewer than six sites it never does: 2 of 2^5 exchanges are as large as what was
  found.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from leopardnet.core.errors import ConfigError
from leopardnet.core.labels import EMPTY
from leopardnet.metrics.bootstrap import Estimate, Floats, SiteDraws, estimate
from leopardnet.metrics.clip_figures import count_said
from leopardnet.metrics.labelled_clips import Bools, LabelledClips
from leopardnet.metrics.measures import count_measures, ratio

Verdict = Literal["better", "worse", "cannot tell"]
LEVEL = 0.05
FEWEST_SITES = 6  # at which models must differ: 2 / 2^6 is below LEVEL, 2 / 2^5 is not
MOST_EXCHANGES = 2000
FAR = 20  # where so many times the labels would be needed, no number is given
Measure = Callable[[Floats], Floats]


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of two models. difference: new minus old; p: the share of exchanges that are as large.

    n_more: about how many more labelled clips would tell, if the difference is as it looks; None where the answer
    is there, or where the models are too alike for any number.
    """

    figure: str
    old: float
    new: float
    difference: Estimate
    p: float
    n_more: int | None

    @property
    def verdict(self) -> Verdict:
        """Whether the new model is better by this figure."""
        low, high = self.difference.low, self.difference.high
        if low is None or high is None or self.p > LEVEL:
            return "cannot tell"
        return "better" if low > 0 else "worse" if high < 0 else "cannot tell"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        values = {"old": self.old, "new": self.new, "difference": self.difference.to_dict(), "p": self.p}
        return {"figure": self.figure, **values, "verdict": self.verdict, "n_more": self.n_more}


@dataclass(frozen=True)
class ModelComparison:
    """The figures of two models on the same clips; the first, macro-F1, decides.

    n_clips, n_sites: what judged them. n_right: by each model. n_differ: clips that one has right, the other not.
    """

    differences: tuple[Difference, ...]
    n_clips: int
    n_sites: int
    n_right: tuple[int, int]
    n_differ: int

    @property
    def worse(self) -> tuple[str, ...]:
        """The animals of which the new model finds fewer."""
        return tuple(
            d.figure.removeprefix("found: ")
            for d in self.differences[2:]
            if d.verdict == "worse" and d.figure != f"found: {EMPTY}"
        )

    @property
    def verdict(self) -> Literal["better", "worse", "cannot tell", "mixed"]:
        """Whether the new model is better; `mixed` where macro-F1 is better and it finds fewer of some animal."""
        first = self.differences[0].verdict
        return "mixed" if first == "better" and self.worse else first

    @property
    def sentence(self) -> str:
        """The answer in words."""
        d = self.differences[0]
        change, sites = d.difference.format(3), "site" if self.n_sites == 1 else "sites"
        figures = (
            f"macro-F1 {d.old:.3f} before, {d.new:.3f} after, difference {change}, "
            f"on {self.n_clips} clips from {self.n_sites} {sites}"
        )
        if self.verdict == "mixed":
            return f"better by macro-F1, but the new model finds fewer {', '.join(self.worse)}: {figures}"
        if self.verdict != "cannot tell":
            return f"the new model is {self.verdict}: {figures}"
        more = f"about {d.n_more} more labels would be needed, if the difference is as it looks"
        if d.n_more is None:
            more = "the models are so alike here that no reasonable number of labels would tell"
        return f"cannot tell which model is better: {figures}; {more}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        counts = {"n_clips": self.n_clips, "n_sites": self.n_sites, "n_differ": self.n_differ}
        figures = [d.to_dict() for d in self.differences]
        right = dict(zip(("n_right_old", "n_right_new"), self.n_right, strict=True))
        return {"verdict": self.verdict, "says": self.sentence, **counts, **right, "figures": figures}


def compare_models(old: LabelledClips, new: LabelledClips, *, n_boot: int = 2000, seed: int = 7) -> ModelComparison:
    """Return two models side by side, over the labels that both know and the clips that both classified.

    An unreadable clip counts as wrong. Raises ConfigError where the labels of one model exclude each other and
    those of the other do not, and where they share fewer than two, and ManifestError where no clip judges both.
    """
    labels = tuple(x for x in old.labels if x in new.labels)
    if len(labels) < 2 or (old.presence is None) != (new.presence is None):
        raise ConfigError(
            "these two models cannot be compared",
            found=f"labels {', '.join(old.labels)} and {', '.join(new.labels)}"
            + ("" if len(labels) < 2 else ", of which a clip has one, or several"),
            expected="at least two labels that both know, of one kind",
        )
    ids = np.intersect1d(_list_judges(old, labels), _list_judges(new, labels))
    old, new = (x.select(np.isin(x.clip_ids, ids)) for x in (old, new))
    order = {clip: i for i, clip in enumerate(old.clip_ids.tolist())}
    old.require_labels()
    at = np.argsort([order[x] for x in new.clip_ids.tolist()])
    shows = np.stack([old.shows(x) for x in labels], axis=1)
    said = _find_said(old, labels), _find_said(new, labels)[at]
    draws = old.draw_sites(n_boot=n_boot, seed=seed)
    right = [(x == shows).all(axis=1) for x in said]
    sums = np.stack([_sum_per_site(x, shows, ok, draws) for x, ok in zip(said, right, strict=True)])
    measures: dict[str, Measure] = {"macro-F1": _macro_f1, "clips right": _share_right}
    measures |= {f"found: {x}": _make_recall(i) for i, x in enumerate(labels) if shows[:, i].any()}
    found = [_compare(name, measure, sums, draws, len(shows), seed) for name, measure in measures.items()]
    n_right = int(right[0].sum()), int(right[1].sum())
    return ModelComparison(tuple(found), len(shows), draws.n_sites, n_right, int((right[0] != right[1]).sum()))


def _list_judges(clips: LabelledClips, labels: tuple[str, ...]) -> np.ndarray:
    """Return the ids of clips whose true labels are all among those that both models know."""
    others = [x for x in (*clips.labels, *clips.outside) if x not in labels]
    shows_other = np.any([clips.shows(x) for x in others], axis=0) if others else np.zeros(len(clips), bool)
    ids: np.ndarray = clips.clip_ids[clips.is_known & ~shows_other].astype(str)
    return ids


def _find_said(clips: LabelledClips, labels: tuple[str, ...]) -> Bools:
    """Return which of the labels the model says of each clip, bool [M, C]: the likeliest, or all from a half on."""
    columns = [clips.labels.index(x) for x in labels]
    if clips.presence is not None:
        return clips.said[:, columns]
    return np.asarray(clips.likeliest[:, None] == np.array(columns))


def _sum_per_site(said: Bools, shows: Bools, right: Bools, draws: SiteDraws) -> Floats:
    """Return counts of each site as of `count_labels`, and a last row with clips right, and all: [S, C + 1, 4]."""
    counts, _ = count_said(said, shows, draws)
    last = np.zeros((draws.n_sites, 1, 4))
    last[:, 0, 0], last[:, 0, 1] = draws.count_clips(right), draws.count_clips(np.ones(len(right)))
    return np.concatenate([counts, last], axis=1)


def _macro_f1(sums: Floats) -> Floats:
    return count_measures(sums[..., :-1, :])["macro_f1"]


def _share_right(sums: Floats) -> Floats:
    return ratio(sums[..., -1, 0], sums[..., -1, 1])


def _make_recall(i: int) -> Measure:
    return lambda sums: ratio(sums[..., i, 0], sums[..., i, 1])


def _compare(figure: str, measure: Measure, sums: Floats, draws: SiteDraws, n_clips: int, seed: int) -> Difference:
    """Return one figure of both models; sums: float64 [2, S, C + 1, 4], as of `_sum_per_site`."""
    old, new = (float(measure(x.sum(axis=0))) for x in sums)
    flat = sums.reshape(2, draws.n_sites, -1)
    drawn = [measure(draws.redraw(x).reshape(-1, *sums.shape[2:])) for x in flat]
    found = estimate(new - old, drawn[1] - drawn[0], draws.n_sites)
    differs = np.flatnonzero((flat[0] != flat[1]).any(axis=1))
    moved = _exchange(flat, differs, seed).reshape(2, -1, *sums.shape[2:])
    p = float((np.abs(measure(moved[1]) - measure(moved[0])) >= abs(new - old) - 1e-12).mean())
    part = Difference(figure, old, new, found, p, None)
    n_more = _count_more(part, n_clips, len(differs)) if part.verdict == "cannot tell" else None
    return Difference(figure, old, new, found, p, n_more)


def _exchange(flat: Floats, differs: np.ndarray, seed: int) -> Floats:
    """Return the sums over sites of both models, [2, X, n], with their answers exchanged at some of the sites.

    All exchanges where these are few, or else random ones; the first exchanges nothing.
    """
    k = len(differs)
    if 2**k <= MOST_EXCHANGES:
        swaps = (np.arange(2**k)[:, None] >> np.arange(k)) & 1
    else:
        swaps = np.random.default_rng(seed).integers(0, 2, (MOST_EXCHANGES, k))
        swaps[0] = 0
    gain = (flat[1] - flat[0])[differs]
    return np.stack([flat[0].sum(axis=0) + swaps @ gain, flat[1].sum(axis=0) - swaps @ gain])


def _count_more(d: Difference, n_clips: int, n_differ: int) -> int | None:
    """Return about how many clips more would tell: errors fall with the square root of their number."""
    from scipy.stats import norm

    low, high = d.difference.low, d.difference.high
    if low is None or high is None or not abs(d.difference.value) > 0:
        return None
    by_interval = (high - low) / 2 / abs(d.difference.value)
    by_exchange = norm.isf(LEVEL / 2) / max(norm.isf(d.p / 2), 1e-9)
    by_sites = FEWEST_SITES / max(n_differ, 1)
    factor = float(max(by_interval**2, by_exchange**2 if by_sites <= 1 else by_sites))
    if factor > FAR:
        return None
    more = n_clips * max(factor - 1, 0.1)
    step = 10 ** max(math.floor(math.log10(more)) - 1, 0)
    return int(math.ceil(more / step) * step)
