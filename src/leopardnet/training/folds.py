"""The training and validation rows of a run: one split, or grouped folds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.site_names import normalise_site
from leopardnet.core.settings.training import ValidationConfig
from leopardnet.data.checks.fingerprints import find_near_pairs, fingerprint
from leopardnet.data.splits.groups import find_groups
from leopardnet.data.splits.stratify import assign_groups
from leopardnet.training.frames.labelled_frames import LabelledFrames

Rows = NDArray[np.int64]
UPPER_BOUND = "the figures are an upper bound, expect less at new places"


@dataclass(frozen=True)
class Part:
    """Training and validation rows, which share no group."""

    train: Rows
    val: Rows


@dataclass(frozen=True)
class Plan:
    """The parts of a run. With folds, the model is finally trained on all rows.

    without_site: the share of the rows that give figures, 0 to 1, whose site nobody knows. n_sites: of the split
    val, and of these n_sites_seen, which were trained on; 0 with folds. judges: rows of an audit, which no part
    trains on.
    """

    parts: tuple[Part, ...]
    by_folds: bool
    without_site: float = 0.0
    n_sites: int = 0
    n_sites_seen: int = 0
    judges: Rows = field(default_factory=lambda: np.zeros(0, np.int64))

    @property
    def all_rows(self) -> Rows:
        """All rows that the final model is trained on."""
        if not self.by_folds:
            return self.parts[0].train
        return np.setdiff1d(np.concatenate([part.val for part in self.parts]), self.judges)

    @property
    def description(self) -> str:
        """How the figures of the run were obtained, for people."""
        if not self.by_folds:
            return self._describe_split()
        apart, whole, caution = "its site", "all clips", ""
        if self.without_site == 1:
            apart = "it and the pictures that look like it"
            caution = f"no site is known, so its camera may have been trained on: {UPPER_BOUND}"
        elif self.without_site:
            apart = "its site, where that is known"
            caution = (
                f"{self.without_site:.0%} of the frames have no site, so their cameras may have been trained on: "
                "expect less at new places"
            )
        if len(self.judges):
            whole = "all clips but those of the random audit, which the figures are about"
        how = (
            f"grouped cross-validation, {len(self.parts)} folds: every clip was evaluated with a network trained "
            f"without {apart}"
        )
        return "; ".join(filter(None, (how, f"the model itself was then trained on {whole}", caution)))

    def _describe_split(self) -> str:
        if self.n_sites and self.n_sites_seen == self.n_sites:
            return f"clips of the split val, whose sites were all trained on: {UPPER_BOUND}"
        if self.without_site == 1:
            unknown = f"no site is known, so their cameras may have been trained on: {UPPER_BOUND}"
            return "; ".join(("clips of the split val, which were not trained on", unknown))
        if self.n_sites_seen:
            seen = f"{self.n_sites_seen} of its {self.n_sites} sites were trained on, and their clips judge nothing"
            return "; ".join(("clips of the split val at sites that were not trained on", seen))
        return "clips of the split val, which were not trained on"


def should_use_folds(has_val: bool, config: ValidationConfig) -> bool:
    """Return whether a run uses folds: as the settings say, or with `auto` if no split is held out."""
    return config.by == "folds" or (config.by == "auto" and not has_val)


def plan_folds(frames: LabelledFrames, config: ValidationConfig, *, by_folds: bool, seed: int) -> Plan:
    """Return the parts of a run. Raises ManifestError if there are too few groups for two folds.

    Groups are sites, or for a frame without a site its deployment, sequence or clip. Pictures that look alike are
    in the same group if the table has the column `alike` (see `find_look_alikes`).
    """
    split = frames.table["split"].to_numpy(object)
    if not by_folds:
        return _plan_split(frames.table["site"], split == "val")
    groups = group_rows(frames.table)
    n_groups = int(groups.max()) + 1 if len(groups) else 0
    n_folds = min(config.n_folds, n_groups)
    if n_folds < 2:
        raise ManifestError(
            "there are too few groups of frames for cross-validation",
            found=f"{n_groups} groups (sites, sequences or clips)",
            expected="at least 2",
            todo="name the sites (`leopardnet scan --pattern`), or split by time and set validation=split",
        )
    fold = assign_groups(groups, frames.y, shares=np.full(n_folds, 1 / n_folds), folds=True, seed=seed)[groups]
    rows = np.arange(len(frames))
    is_judge = find_judges(frames.table)
    parts = tuple(Part(rows[(fold != i) & ~is_judge], rows[fold == i]) for i in range(n_folds) if (fold == i).any())
    without_site = float(frames.table["site"].isna().mean())
    return Plan(parts, by_folds=True, without_site=without_site, judges=rows[is_judge])


def _plan_split(sites: pd.Series[Any], is_val: NDArray[np.bool_]) -> Plan:
    of_val, of_train = (set(sites[rows].dropna().map(normalise_site)) for rows in (is_val, ~is_val))
    return Plan(
        (Part(np.flatnonzero(~is_val), np.flatnonzero(is_val)),),
        by_folds=False,
        without_site=float(sites[is_val].isna().mean()) if is_val.any() else 0.0,
        n_sites=len(of_val),
        n_sites_seen=len(of_val & of_train),
    )


def find_judges(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which frames are of clips of a random audit, which only judge: bool [N]."""
    return table["chance"].notna().to_numpy(bool) if "chance" in table else np.zeros(len(table), bool)


def group_rows(table: pd.DataFrame) -> Rows:
    """Return a group number for each row. Rows of one group must stay together."""
    return find_groups(table, by="site", keep_together=table.get("alike"))


def find_look_alikes(frames: LabelledFrames) -> pd.Series[Any]:
    """Return a number for each row that is the same for pictures that look alike; missing for all others."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    whole = np.flatnonzero(frames.table["view"] == "frame")  # a crop follows its frame
    prints = {i: fingerprint(frames.exact[i].transpose(1, 2, 0)) for i in whole.tolist()}
    sure = np.array([i for i, p in prints.items() if p.phash is not None and p.dhash is not None], np.int64)
    series = pd.Series(np.full(len(frames), None, object), index=frames.table.index)
    if len(sure) < 2:
        return series
    hashes = [np.array([getattr(prints[i], name) for i in sure], np.uint64) for name in ("phash", "dhash")]
    pairs = find_near_pairs(*hashes)
    graph = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(len(sure), len(sure)))
    component = connected_components(graph, directed=False)[1]
    shared = np.bincount(component)[component] > 1
    series.iloc[sure[shared]] = component[shared]
    return series
