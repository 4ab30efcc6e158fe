"""Groups dealt out to parts so that sizes and labels come close to what is wanted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

MAX_UNITS = 1500  # each unit is weighed against each bin; more units give no better split
N_BINS = 40
DECIMALS = 9  # of numbers that are compared: what is smaller is noise of the processor


def assign_groups(
    groups: NDArray[np.int64], labels: NDArray[np.int64], *, shares: NDArray[np.float64], folds: bool, seed: int
) -> NDArray[np.int64]:
    """The part of each group (int64 [n_groups]), from the group and the label of each row (both from 0, int64 [n_rows]).

    Very many small groups are first pooled with others of the same main label. Folds are bins of like composition.
    Parts of unequal shares are made of many small bins, which are then dealt out to the parts, and the result is
    polished group by group. The result depends on the data and the seed alone: not on the order of the rows, and not
    on the processor.
    """
    rng = np.random.default_rng(seed)
    counts = csr_array((np.ones(len(groups), np.int64), (groups, labels)))
    counts.sum_duplicates()
    unit_of_group = _pooled(counts, rng)
    units = _sums(counts, unit_of_group).toarray()
    if folds:
        return _deal(units, len(shares), seed)[unit_of_group]
    bin_of_unit = _deal(units, N_BINS, seed)
    start = np.full(bin_of_unit.max() + 1, int(np.argmax(shares)))
    weights = _weights(units)
    part_of_bin = _improved(start, _sums(csr_array(weights), bin_of_unit).toarray(), shares, rng, swaps=True)
    return _improved(part_of_bin[bin_of_unit], weights, shares, rng, swaps=False)[unit_of_group]


def _weights(units: NDArray[np.int64]) -> NDArray[np.float64]:
    """What is to be spread [n_units, n_labels + 1]: each unit's share of the rows of each label, and of all rows."""
    amounts = np.column_stack([units, units.sum(axis=1)])
    return amounts / np.maximum(amounts.sum(axis=0), 1)


def _sums(counts: csr_array, of: NDArray[np.int64]) -> csr_array:
    """Rows of `counts` added up by the number that `of` gives each."""
    n = len(of)
    return csr_array((np.ones(n, np.int64), (of, np.arange(n)))) @ counts


def _pooled(counts: csr_array, rng: np.random.Generator) -> NDArray[np.int64]:
    """A unit number for each group: its own for the large ones, a shared one for the many small ones."""
    n = counts.shape[0]
    if n <= MAX_UNITS:
        return np.arange(n)
    order = rng.permutation(n)
    order = order[np.argsort(-counts.sum(axis=1)[order], kind="stable")]
    unit = np.empty(n, np.int64)
    n_own = MAX_UNITS // 2
    unit[order[:n_own]] = np.arange(n_own)
    small = order[n_own:]
    # groups are pooled by the rarest label that they hold, so that a rare label is not buried under a common one
    rarity = np.argsort(np.argsort(np.bincount(counts.indices, minlength=counts.shape[1]), kind="stable"))
    rarest = np.minimum.reduceat(rarity[counts.indices], counts.indptr[:-1])[small]
    n_next = n_own
    for label in np.unique(rarest):
        members = small[rarest == label]
        n_units = max(min(len(members), N_BINS), (MAX_UNITS - n_own) * len(members) // len(small))
        unit[members] = n_next + np.arange(len(members)) % n_units
        n_next += n_units
    return unit


def _deal(units: NDArray[np.int64], n_bins: int, seed: int) -> NDArray[np.int64]:
    """Return the bin of each unit (int64 [n_units]), so that the bins hold alike shares of every label.

    The rule is that of scikit-learn's StratifiedGroupKFold: the units whose labels differ most come first, and each
    goes into the bin that leaves the shares most even, of equal ones into the smallest. scikit-learn compares
    standard deviations in floating point, so the last bit decides between equal units, and the same seed gives other
    folds on another processor. Here integers and rounded numbers are compared, and ties go by the seed.

    Where there are no more units than bins, each unit is its own bin.
    """
    # A generator of its own: drawn from the one that `_improved` uses, the permutations of units and of visits could
    # cancel, and every seed would give the same split. It is scikit-learn's, so that folds stay as they were.
    order = np.random.RandomState(seed).permutation(len(units))
    if len(units) <= n_bins:
        return order
    counts = units[:, units.any(axis=0)]
    if (counts.sum(axis=0) < n_bins).all():
        counts = counts.sum(axis=1, keepdims=True)  # every label is too rare to be spread; sizes still can
    totals, n_labels = counts.sum(axis=0), counts.shape[1]
    spread = (
        n_labels * (counts**2).sum(axis=1) - counts.sum(axis=1) ** 2
    )  # the variance within a unit, times n_labels²
    bins = np.empty(len(units), np.int64)
    held = np.zeros((n_bins, n_labels), np.int64)
    for i in order[np.argsort(-spread[order], kind="stable")].tolist():
        # squared deviation of the bins' counts, times n_bins², for unit i in each of the bins: [n_bins, n_labels]
        squares = (held**2).sum(axis=0) - held**2 + (held + counts[i]) ** 2
        variance = n_bins * squares - (held.sum(axis=0) + counts[i]) ** 2
        unevenness = (np.sqrt(variance) / totals).mean(axis=1).round(DECIMALS)
        best = np.lexsort((held.sum(axis=1), unevenness))[0]
        bins[i] = best
        held[best] += counts[i]
    return bins


def _improved(
    part: NDArray[np.int64],
    weights: NDArray[np.float64],
    shares: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    swaps: bool,
) -> NDArray[np.int64]:
    """`part` after moving, and if asked swapping, items until nothing gets better.

    weights: what each item holds of everything that is to be spread [n_items, n_columns]; columns add up to 1. Cost:
    squared distance from the wanted share in each column, and much more for a column that a part lacks.
    """
    parts = np.flatnonzero(shares)

    def cost(part: NDArray[np.int64]) -> float:
        have = (part == parts[:, None]) @ weights
        return round(float(((have - shares[parts, None]) ** 2).sum() + (have <= 0).sum()), DECIMALS)

    lowest, before = cost(part), np.inf
    while lowest < before:
        before = lowest
        for i in rng.permutation(len(weights)):
            others = np.flatnonzero(part != part[i]) if swaps else []
            trials = [*(_moved(part, i, p) for p in parts), *(_swapped(part, i, j) for j in others)]
            costs = [cost(trial) for trial in trials]
            if min(costs) < lowest:
                part, lowest = trials[int(np.argmin(costs))], min(costs)
    return part


def _moved(part: NDArray[np.int64], i: int, to: int) -> NDArray[np.int64]:
    moved = part.copy()
    moved[i] = to
    return moved


def _swapped(part: NDArray[np.int64], i: int, j: int) -> NDArray[np.int64]:
    swapped = part.copy()
    swapped[i], swapped[j] = part[j], part[i]
    return swapped
