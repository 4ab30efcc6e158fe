"""Assignment of groups to parts, so that the sizes and the labels of the parts come close to the wanted shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

MAX_UNITS = 1500  # each unit is tried in each bin; more units do not improve the split
N_BINS = 40
DECIMALS = 9  # of the numbers that are compared; smaller differences depend on the processor


def assign_groups(
    groups: NDArray[np.int64], labels: NDArray[np.int64], *, shares: NDArray[np.float64], folds: bool, seed: int
) -> NDArray[np.int64]:
    """Return the part of each group (int64 [n_groups]).

    groups, labels: the group and the label of each row, counted from 0 (int64 [n_rows]). shares: the wanted share
    of each part (float64 [n_parts], adding up to 1). folds: make parts of equal size and composition.

    When there are more than MAX_UNITS groups, small ones with the same rarest label are pooled into units first.
    Folds are bins of similar composition. Parts of unequal size are made of many small bins, and then improved unit
    by unit. The result depends only on the data and the seed: not on the order of the rows, and not on the
    processor.
    """
    rng = np.random.default_rng(seed)
    counts = csr_array((np.ones(len(groups), np.int64), (groups, labels)))
    counts.sum_duplicates()
    unit_of_group = _pool_groups(counts, rng)
    units = _sum_rows(counts, unit_of_group).toarray()
    if folds:
        return _fill_bins(units, len(shares), seed)[unit_of_group]
    bin_of_unit = _fill_bins(units, N_BINS, seed)
    start = np.full(bin_of_unit.max() + 1, int(np.argmax(shares)))
    weights = _weights(units)
    part_of_bin = _improve(start, _sum_rows(csr_array(weights), bin_of_unit).toarray(), shares, rng, swaps=True)
    return _improve(part_of_bin[bin_of_unit], weights, shares, rng, swaps=False)[unit_of_group]


def _weights(units: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return each unit's share of the rows of each label, and of all rows (float64 [n_units, n_labels + 1])."""
    amounts = np.column_stack([units, units.sum(axis=1)])
    shares: NDArray[np.float64] = amounts / np.maximum(amounts.sum(axis=0), 1)
    return shares


def _sum_rows(counts: csr_array, number: NDArray[np.int64]) -> csr_array:
    """Return the sums of the rows of `counts` that have the same `number`."""
    n = len(number)
    return csr_array((np.ones(n, np.int64), (number, np.arange(n)))) @ counts


def _pool_groups(counts: csr_array, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return a unit number for each group: large groups have their own, small groups share one."""
    n = counts.shape[0]
    if n <= MAX_UNITS:
        return np.arange(n)
    order = rng.permutation(n)
    order = order[np.argsort(-counts.sum(axis=1)[order], kind="stable")]
    unit = np.empty(n, np.int64)
    n_own = MAX_UNITS // 2
    unit[order[:n_own]] = np.arange(n_own)
    small = order[n_own:]
    # Groups are pooled by their rarest label, so that a common label does not outweigh a rare one.
    rarity = np.argsort(np.argsort(np.bincount(counts.indices, minlength=counts.shape[1]), kind="stable"))
    rarest = np.minimum.reduceat(rarity[counts.indices], counts.indptr[:-1])[small]
    n_next = n_own
    for label in np.unique(rarest):
        members = small[rarest == label]
        n_units = max(min(len(members), N_BINS), (MAX_UNITS - n_own) * len(members) // len(small))
        unit[members] = n_next + np.arange(len(members)) % n_units
        n_next += n_units
    return unit


def _fill_bins(units: NDArray[np.int64], n_bins: int, seed: int) -> NDArray[np.int64]:
    """Return the bin of each unit (int64 [n_units]), so that every bin has a similar share of every label.

    The rule is that of scikit-learn's StratifiedGroupKFold: units with the most uneven labels come first, and each
    goes into the bin that leaves the shares most even, or into the smallest of several equal ones. scikit-learn
    compares standard deviations in floating point, so the last bit decides between equal units, and the same seed
    gives different folds on different processors. Here integers and rounded numbers are compared, and the seed
    decides ties.

    If there are no more units than bins, each unit is a bin of its own.
    """
    # This generator is separate: if it were the one that `_improve` uses, the permutations of units and of visits
    # could cancel out, and every seed would give the same split. It is scikit-learn's kind, for the same folds.
    order = np.random.RandomState(seed).permutation(len(units))
    if len(units) <= n_bins:
        return order
    counts = units[:, units.any(axis=0)]
    if (counts.sum(axis=0) < n_bins).all():
        counts = counts.sum(axis=1, keepdims=True)  # every label is too rare to be spread, but sizes are not
    totals, n_labels = counts.sum(axis=0), counts.shape[1]
    # The variance of the counts within a unit, times n_labels².
    spread = n_labels * (counts**2).sum(axis=1) - counts.sum(axis=1) ** 2
    bins = np.empty(len(units), np.int64)
    held = np.zeros((n_bins, n_labels), np.int64)
    for i in order[np.argsort(-spread[order], kind="stable")].tolist():
        # The variance of the bins' counts, times n_bins², if unit i goes into each of the bins: [n_bins, n_labels].
        squares = (held**2).sum(axis=0) - held**2 + (held + counts[i]) ** 2
        variance = n_bins * squares - (held.sum(axis=0) + counts[i]) ** 2
        unevenness = (np.sqrt(variance) / totals).mean(axis=1).round(DECIMALS)
        best = np.lexsort((held.sum(axis=1), unevenness))[0]
        bins[i] = best
        held[best] += counts[i]
    return bins


def _improve(
    part: NDArray[np.int64],
    weights: NDArray[np.float64],
    shares: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    swaps: bool,
) -> NDArray[np.int64]:
    """Return `part` after moving items, and with `swaps` swapping them, until the cost falls no more.

    weights: each item's share of everything that is to be spread [n_items, n_columns]; columns add up to 1. The
    cost is the squared distance from the wanted share in each column, plus 1 for each column that a part lacks.
    """
    parts = np.flatnonzero(shares)

    def cost(part: NDArray[np.int64]) -> float:
        have = (part == parts[:, None]) @ weights
        return round(float(((have - shares[parts, None]) ** 2).sum() + (have <= 0).sum()), DECIMALS)

    lowest, before = cost(part), np.inf
    while lowest < before:
        before = lowest
        for i in rng.permutation(len(weights)).tolist():
            others = np.flatnonzero(part != part[i]).tolist() if swaps else []
            trials = [*(_move(part, i, p) for p in parts.tolist()), *(_swap(part, i, j) for j in others)]
            costs = [cost(trial) for trial in trials]
            if min(costs) < lowest:
                part, lowest = trials[int(np.argmin(costs))], min(costs)
    return part


def _move(part: NDArray[np.int64], i: int, to: int) -> NDArray[np.int64]:
    part = part.copy()
    part[i] = to
    return part


def _swap(part: NDArray[np.int64], i: int, j: int) -> NDArray[np.int64]:
    part = part.copy()
    part[[i, j]] = part[[j, i]]
    return part
