"""Whether probabilities are calibrated: bins of equal mass, expected calibration error, Brier score."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from leopardnet.metrics.bootstrap import PER_SCORE, Estimate, Floats, SiteDraws, tail_share
from leopardnet.metrics.labelled_clips import Bools, LabelledClips
from leopardnet.metrics.measures import ratio

N_BINS = 15


def reliability(clips: LabelledClips, draws: SiteDraws) -> tuple[pd.DataFrame, Estimate]:
    """Return the bins of the top probability (`n`, `confidence`, `accuracy`), and the expected calibration error.

    clips: with labels that the model knows; unreadable ones have no part. 15 bins of equal mass (Nixon et al.
    2019); the bins of the whole sample are kept in every draw. Chance alone moves every bin off its diagonal, so
    the ECE of few clips is too large, and that of a draw even more so: the lower end of the interval is
    `_smallest_error`.
    """
    top = clips.probs.max(axis=1)
    table, error = bin_probabilities(top[:, None], (clips.likeliest == clips.y)[:, None], clips.is_readable, draws)
    return table, error.estimate(draws)


@dataclass(frozen=True, slots=True, eq=False)
class Calibrated:
    """An expected calibration error.

    drawn: that of each draw, float64 [n_boot]; least: the smallest that is compatible with it; sizes: the events of
    each site, float64 [S].
    """

    value: float
    drawn: Floats
    least: float
    sizes: Floats

    def estimate(self, draws: SiteDraws) -> Estimate:
        """Return the value with its interval."""
        found = draws.estimate_share(self.value, self.drawn, sizes=self.sizes, per_clip=PER_SCORE)
        return found if found.low is None else replace(found, low=min(found.low, self.least))


def bin_probabilities(p: Floats, hits: Bools, readable: Bools, draws: SiteDraws) -> tuple[pd.DataFrame, Calibrated]:
    """Return the bins, and the expected calibration error, of L probabilities for each of M clips.

    p: float64 [M, L]; hits: what came true, bool [M, L]; readable: bool [M], the other clips have no part.
    """
    p = np.where(readable[:, None], p, 0.0)
    edges = np.quantile(p[readable], np.linspace(0, 1, N_BINS + 1)[1:-1]) if readable.any() else np.empty(0)
    # Equal values share a bin, so the order of the rows does not matter.
    bins = np.searchsorted(np.unique(edges), p, side="right").astype(np.int64)
    used = np.broadcast_to(readable[:, None], p.shape)
    sums = [
        np.sum([draws.sum_per_site(bins[:, i], N_BINS, v[:, i]) for i in range(p.shape[1])], axis=0)
        for v in (used.astype(float), p, (hits & used).astype(float))
    ]
    n, confidence, hit = (x.sum(axis=0) for x in sums)
    value = ratio(np.abs(confidence - hit).sum(keepdims=True), n.sum(keepdims=True))[0]
    n_d, confidence_d, hit_d = (draws.redraw(x) for x in sums)  # [n_boot, N_BINS]
    drawn = ratio(np.abs(confidence_d - hit_d).sum(axis=1), n_d.sum(axis=1))
    gap = (confidence - hit) / max(n.sum(), 1)  # [N_BINS]
    noise = ratio(confidence_d - hit_d, n_d.sum(axis=1, keepdims=True)) - gap
    least = _smallest_error(gap, noise, draws.n_sites) if len(drawn) else 0.0
    table = pd.DataFrame(
        {"n": np.rint(n).astype(np.int64), "confidence": ratio(confidence, n), "accuracy": ratio(hit, n)}
    )
    return table[table["n"] > 0].reset_index(drop=True), Calibrated(
        float(value), drawn, least, draws.count_events(readable)
    )


def _smallest_error(gap: Floats, noise: Floats, n_sites: int) -> float:
    """Return the smallest true ECE that is compatible with the ECE found.

    gap: signed error of each bin, [N_BINS], scaled so that the absolute values add up to the ECE; noise: that of
    each draw around it, [n_boot, N_BINS]. The true errors are assumed to be λ · gap; λ grows from 0 until noise on
    top of them explains the ECE found.

    >>> noise = np.random.default_rng(0).normal(0, 0.01, (1000, 2))
    >>> [round(_smallest_error(np.array([gap, -gap]), noise, 1000), 3) for gap in (0.005, 0.05)]
    [0.0, 0.073]
    """
    found, tail = np.abs(gap).sum(), 1 - tail_share(n_sites)
    noise = noise[np.isfinite(noise).all(axis=1)]
    for part in np.linspace(0, 1, 41):
        if np.quantile(np.abs(part * gap + noise).sum(axis=1), tail) >= found:
            return float(part * found)
    return float(found)


def brier(clips: LabelledClips, draws: SiteDraws) -> Estimate:
    """Return the squared error of the probabilities, summed over labels (0 to 2), of readable clips."""
    one_hot = np.eye(len(clips.labels))[clips.y]
    error = np.where(clips.is_readable, ((clips.probs - one_hot) ** 2).sum(axis=1), 0.0)
    total, drawn = draws.sum_columns(error, clips.is_readable)
    return draws.estimate(float(ratio(total[:1], total[1:])[0]), ratio(drawn[:, 0], drawn[:, 1]))
