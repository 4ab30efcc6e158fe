"""Splits into train, validation and test, or into folds, that share no site, sequence, clip or copy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.columns import SPLITS, STRING
from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.data.splits.groups import By, find_groups
from leopardnet.data.splits.stratify import assign_groups

NO_LABEL = "(no label)"


def split(
    manifest: Manifest,
    *,
    by: By = "site",
    fractions: Sequence[float] = (0.7, 0.15, 0.15),
    n_folds: int | None = None,
    seed: int = 7,
    keep_together: pd.Series[Any] | None = None,
    allow_missing: bool = False,
) -> Manifest:
    """Return the manifest with a `split` for every row: train, val or test, or with `n_folds` fold0, fold1, …

    by: `site` keeps every site in one part; a row without a site is kept with its deployment, else its sequence,
    else its clip. `sequence` keeps only sequences and clips together, so a site can be in several parts. `time`
    puts the earliest rows of each site into train and the latest into test, without cutting a sequence. In every
    case the rows of one clip, of one sequence and of one value of `keep_together` (see `find_groups`) stay
    together. fractions: shares of the rows for train, val and test. They are approximate, because groups are not
    cut. Every label is spread over the parts as far as its groups allow. The same seed and the same rows in any
    order give the same split.

    Raises ManifestError if a label has fewer groups than there are parts, unless `allow_missing`; for an empty
    manifest; and with `by="time"` for rows without a time, unless `allow_missing`. Raises ConfigError for an
    unknown `by` and for fractions or a number of folds out of bounds.

    >>> sites = [f"s{i}" for i in range(20)]
    >>> rows = pd.DataFrame({"path": [f"{s}/a.jpg" for s in sites], "kind": "still", "site": sites})
    >>> from pathlib import Path
    >>> split(Manifest.from_rows(rows, Path("."))).table["split"].value_counts().sort_index().to_dict()
    {'test': 3, 'train': 14, 'val': 3}
    """
    names, shares = _name_parts(by, fractions, n_folds)
    table = manifest.table
    if table.empty:
        raise ManifestError("the manifest has no rows to split", todo="scan or import footage first")
    groups = find_groups(table, by=by, keep_together=keep_together)
    if by == "time":
        parts = _split_by_time(table, groups, shares, allow_missing=allow_missing)
    else:
        labels = table["label"].fillna(NO_LABEL)
        several = table["labels"].where(table["label"].isna()).fillna(labels)
        if not allow_missing:
            _refuse_few_groups(labels, groups, shares, by=by)
        codes = np.unique(several.to_numpy(str), return_inverse=True)[1]
        parts = assign_groups(groups, codes, shares=shares, folds=n_folds is not None, seed=seed)[groups]
    result = manifest.replace(
        table.assign(split=pd.Series(np.array(names)[parts], index=table.index, dtype=STRING))
    )
    if not allow_missing:
        _refuse_missing(result, [n for n, s in zip(names, shares, strict=True) if s > 0], by=by)
    return result


def split_by_site(manifest: Manifest, *, fractions: Sequence[float] = (0.7, 0.15, 0.15), seed: int = 7) -> Manifest:
    """Split by site: no camera is in two parts, so the test shows how well a model works at new sites.

    >>> ln.split_by_site(manifest, fractions=(0.6, 0.2, 0.2))  # doctest: +SKIP
    """
    return split(manifest, by="site", fractions=fractions, seed=seed)


def count_by_split(manifest: Manifest, *, count: Literal["rows", "clips", "sites"] = "rows") -> pd.DataFrame:
    """Count rows, clips or sites of each label in each part: index `label`, an int64 column per part, and `all`.

    Rows without a label count as "(no label)", and rows without a split as "(no split)".

    >>> ln.count_by_split(manifest, count="sites")  # doctest: +SKIP
    """
    table = manifest.table
    part = table["split"].fillna("(no split)")
    label = table["label"].fillna(NO_LABEL)
    if count == "rows":
        cells = table.assign(_n=1).groupby([label, part])["_n"].sum()
        total = label.value_counts()
    else:
        column = {"clips": "clip_id", "sites": "site"}[count]
        cells = table[column].groupby([label, part]).nunique()
        total = table[column].groupby(label).nunique()
    wide = cells.unstack(fill_value=0).sort_index()
    wide = wide[sorted(wide.columns, key=lambda part: _part_order(str(part)))].astype("int64")
    wide["all"] = total.reindex(wide.index).astype("int64")
    wide.index.name, wide.columns.name = "label", None
    return wide


def _part_order(name: str) -> tuple[int, int, str]:
    if name in SPLITS:
        return 0, SPLITS.index(name), name
    digits = name.removeprefix("fold")
    return 1, int(digits) if digits.isdigit() else 10**9, name


def _name_parts(by: str, fractions: Sequence[float], n_folds: int | None) -> tuple[list[str], NDArray[np.float64]]:
    if by not in get_args(By):
        raise ConfigError("unknown kind of split", where="by", found=by, expected=", ".join(get_args(By)))
    if n_folds is not None:
        if not 2 <= n_folds <= 100:
            raise ConfigError("n_folds is out of bounds", where="n_folds", found=n_folds, expected="2 to 100")
        return [f"fold{i}" for i in range(n_folds)], np.full(n_folds, 1 / n_folds)
    shares = np.asarray(fractions, np.float64)
    if shares.shape != (3,) or not (shares >= 0).all() or abs(shares.sum() - 1) > 1e-6 or shares[0] == 0:
        raise ConfigError(
            "the fractions cannot be used",
            where="fractions",
            found=list(fractions),
            expected="shares of train, val and test that add up to 1, such as 0.7,0.15,0.15; val or test may be 0",
        )
    return list(SPLITS), shares


def _refuse_few_groups(
    labels: pd.Series[str], groups: NDArray[np.int64], shares: NDArray[np.float64], *, by: str
) -> None:
    n_parts = int((shares > 0).sum())
    n_groups = pd.DataFrame({"label": labels.to_numpy(), "group": groups}).groupby("label")["group"].nunique()
    few = n_groups[(n_groups < n_parts) & (n_groups.index != NO_LABEL)]
    unit = "sites" if by == "site" else "sequences"
    if len(few):
        raise ManifestError(
            f"a label has too few {unit} to be in every part",
            where="column label",
            found=", ".join(f"{k}: {v}" for k, v in few.items()),
            expected=f"at least {n_parts} {unit} (or groups of rows without a site) for each label",
            todo="label more sites, ask for fewer parts (a fraction may be 0), or set allow_missing",
        )
    if groups.max() + 1 < n_parts:
        raise ManifestError(
            f"there are too few {unit} to split",
            found=groups.max() + 1,
            expected=f"at least {n_parts}",
            todo="check the column site, add sites, or split by time",
        )


def _refuse_missing(manifest: Manifest, parts: Sequence[str], *, by: str) -> None:
    counts = (
        count_by_split(manifest).drop(index=NO_LABEL, errors="ignore").reindex(columns=list(parts), fill_value=0)
    )
    missing = [f"{label} in {part}" for label in counts.index for part in parts if counts.at[label, part] == 0]
    if missing:
        raise ManifestError(
            "a label is missing from a part of the split",
            found=", ".join(missing),
            expected="every label in every part",
            todo=f"{'' if by == 'time' else 'try another seed, '}ask for fewer parts, or set allow_missing",
        )


def _split_by_time(
    table: pd.DataFrame, groups: NDArray[np.int64], shares: NDArray[np.float64], *, allow_missing: bool
) -> NDArray[np.int64]:
    """Return the part of each row: the groups of each site are sorted by their first time and cut at the shares.

    Groups without any time go to the first part, because nothing shows that they are later than others.
    """
    n_without = int(table["captured_at"].groupby(groups).min().isna().sum())
    if n_without and not allow_missing:
        n_rows = int(table["captured_at"].isna().sum())
        raise ManifestError(
            "a split by time needs capture times",
            where="column captured_at",
            found=f"{n_rows} rows without one",
            todo="read times when scanning (time_from, filename_time), or set allow_missing to put them into train",
        )
    by_group = pd.DataFrame(
        {
            "site": table["site"].fillna("").groupby(groups).min(),
            "time": table["captured_at"].groupby(groups).min(),
            "n": table["clip_id"].groupby(groups).size(),
        }
    )
    order = by_group.dropna(subset="time").sort_values(["site", "time"], kind="stable")
    n_of_site = order.groupby("site")["n"].transform("sum")
    middle = (order.groupby("site")["n"].cumsum() - order["n"] / 2) / n_of_site
    part = np.searchsorted(np.cumsum(shares)[:-1], middle.to_numpy(), side="right")
    by_group["part"] = pd.Series(part, index=order.index).reindex(by_group.index).fillna(0)
    return by_group["part"].to_numpy(np.int64)[groups]
