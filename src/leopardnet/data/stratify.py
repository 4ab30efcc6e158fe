"""Groups dealt out to parts so that sizes and labels come close to what is wanted."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

MAX_UNITS = 1500  # scikit-learn weighs each unit against each fold; more units give no better split
N_BINS = 40


def assign_groups(
    groups: NDArray[np.int64], labels: NDArray[np.int64], *, shares: NDArray[np.float64], folds: bool, seed: int
) -> NDArray[np.int64]:
    """The part of each group (int64 [n_groups]), from the group and the label of each row (both from 0, int64 [n_rows]).

    Very many small groups are first pooled with others of the same main label. Folds come straight from
    scikit-learn's StratifiedGroupKFold; for parts of unequal shares it makes many small bins of like composition,
    which are then dealt out to the parts, and the result is polished group by group. Depends on the seed, not on the order of the rows.
    """
    rng = np.random.default_rng(seed)
    counts = csr_array((np.ones(len(groups), np.int64), (groups, labels)))
    counts.sum_duplicates()
    unit_of_group = _pooled(counts, rng)
    units = _sums(counts, unit_of_group).toarray()
    if folds:
        return _kfold(units, len(shares), seed)[unit_of_group]
    bin_of_unit = _kfold(units, N_BINS, seed)
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


def _kfold(units: NDArray[np.int64], n_bins: int, seed: int) -> NDArray[np.int64]:
    """The bin of each unit, alike in labels. Where there are no more units than bins, each unit is its own bin."""
    from sklearn.model_selection import StratifiedGroupKFold

    if len(units) <= n_bins:
        return np.random.default_rng(seed).permutation(len(units))
    i_unit, i_label = np.nonzero(units)
    repeats = units[i_unit, i_label]
    groups, labels = np.repeat(i_unit, repeats), np.repeat(i_label, repeats)
    if (units.sum(axis=0) < n_bins).all():
        labels = np.zeros_like(labels)  # every label is too rare to be spread; sizes still can
    bins = np.empty(len(units), np.int64)
    folds = StratifiedGroupKFold(n_bins, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # rare labels are reported by the caller, by name
        for i, (_, held_out) in enumerate(folds.split(labels, labels, groups)):
            bins[groups[held_out]] = i
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
        return float(((have - shares[parts, None]) ** 2).sum() + (have <= 0).sum())

    lowest, before = cost(part), np.inf
    while lowest < before:
        before = lowest
        for i in rng.permutation(len(weights)):
            others = np.flatnonzero(part != part[i]) if swaps else []
            trials = [*(_moved(part, i, p) for p in parts), *(_swapped(part, i, j) for j in others)]
            costs = [cost(trial) for trial in trials]
            if min(costs) < lowest - 1e-9:
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
