"""Whether probabilities mean what they say: bins of equal mass, expected calibration error, Brier score."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.metrics.bootstrap import Estimate, SiteDraws, tail_of
from leopardnet.metrics.measures import ratio

Floats = NDArray[np.float64]
N_BINS = 15


def reliability(
    probs: Floats, y: NDArray[np.int64], readable: NDArray[np.bool_], draws: SiteDraws
) -> tuple[pd.DataFrame, Estimate]:
    """The bins of the top probability (`n`, `confidence`, `accuracy`), and the expected calibration error.

    probs: float64 [M, C]; y: int64 [M]; readable: bool [M], the others have no part. 15 bins of equal mass (Nixon et al.
    2019); the bins of the whole sample are kept in every draw. Chance alone puts every bin beside its diagonal, so the ECE of
    few clips is too large, and that of a draw once more: the lower end of the interval is `_least`.
    """
    top = np.where(readable, probs.max(axis=1), 0.0)
    edges = np.quantile(top[readable], np.linspace(0, 1, N_BINS + 1)[1:-1]) if readable.any() else np.empty(0)
    # equal values share a bin, so the order of the rows has no say
    bins = np.searchsorted(np.unique(edges), top, side="right").astype(np.int64)
    right = (probs.argmax(axis=1) == y) & readable
    sums = [
        draws.per_site(bins, N_BINS, np.where(readable, v, 0.0))
        for v in (np.ones(len(y)), top, right.astype(float))
    ]
    n, confidence, hits = (x.sum(axis=0) for x in sums)
    value = ratio(np.abs(confidence - hits).sum(keepdims=True), n.sum(keepdims=True))[0]
    n_d, confidence_d, hits_d = (draws.redraw(x) for x in sums)  # [n_boot, N_BINS]
    drawn = ratio(np.abs(confidence_d - hits_d).sum(axis=1), n_d.sum(axis=1))
    found = draws.share(float(value), drawn)
    if found.low is not None:
        gap = (confidence - hits) / n.sum()  # [N_BINS]
        noise = ratio(confidence_d - hits_d, n_d.sum(axis=1, keepdims=True)) - gap
        found = replace(found, low=min(found.low, _least(gap, noise, draws.n_sites)))
    table = pd.DataFrame({"n": n.astype(np.int64), "confidence": ratio(confidence, n), "accuracy": ratio(hits, n)})
    return table[table["n"] > 0].reset_index(drop=True), found


def _least(gap: Floats, noise: Floats, n_sites: int) -> float:
    """The smallest ECE under which the one that was found is not strange.

    gap: signed error of each bin, [N_BINS], weighed so that its absolute values sum to the ECE; noise: of draws, [n_boot,
    N_BINS]. The true errors are taken for λ · gap, and λ rises from 0 until the ECE found is no more than noise on top of
    them explains.

    >>> noise = np.random.default_rng(0).normal(0, 0.01, (1000, 2))
    >>> _least(np.array([0.005, -0.005]), noise, 1000), round(_least(np.array([0.05, -0.05]), noise, 1000), 3)
    (0.0, 0.073)
    """
    found, tail = np.abs(gap).sum(), 1 - tail_of(n_sites)
    noise = noise[np.isfinite(noise).all(axis=1)]
    for part in np.linspace(0, 1, 41):
        if np.quantile(np.abs(part * gap + noise).sum(axis=1), tail) >= found:
            return float(part * found)
    return float(found)


def brier(probs: Floats, y: NDArray[np.int64], readable: NDArray[np.bool_], draws: SiteDraws) -> Estimate:
    """The squared error of the probabilities, summed over labels, from 0 to 2."""
    one_hot = np.eye(probs.shape[1])[y]
    error = np.where(readable, ((probs - one_hot) ** 2).sum(axis=1), 0.0)
    cells = np.zeros(len(y), np.int64)
    total = draws.per_site(cells, 1, error)
    n = draws.per_site(cells, 1, readable.astype(np.float64))
    drawn = ratio(draws.redraw(total)[:, 0], draws.redraw(n)[:, 0])
    return draws.estimate(float(ratio(total.sum(axis=0), n.sum(axis=0))[0]), drawn)
