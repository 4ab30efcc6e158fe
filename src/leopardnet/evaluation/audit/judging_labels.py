"""Which labels of people may judge a model: those of the random audit, and with what chance each was drawn.

The audit of the review page draws clips at random within each site, without showing the model's answer, and keeps
the chance in `labels.sqlite`. All other labels are of clips that somebody or some score picked. Nobody knows how
likely these were to be picked, so no weight repairs them, and they have no part.

If an audit was drawn again with another share, as when a site has grown, clips of one site have unlike chances.
Then those of the larger chance are thinned at random to the smallest of the site, so that a share of the clips of a
site is one of equals; across sites chances may differ, and clips are weighed (`metrics.judges.label_choice`).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.site_names import find_clip_values, normalise_site
from leopardnet.core.labels import UNKNOWN
from leopardnet.core.manifest import Manifest
from leopardnet.data.human_labels.label_file import FILE, LabelFile, find_label_file
from leopardnet.data.human_labels.label_views import label_manifest, labels_by_clip, labels_for_models
from leopardnet.metrics.judges.label_choice import SAME, LabelChoice

LabelsAs = Literal["audit", "chosen"]
UNFINISHED = 0.1  # the share of an audit that may lack labels before it is said


class NoAuditError(ManifestError):
    """People labelled no clip of the manifest in the random audit."""


@dataclass(frozen=True, eq=False)
class JudgingLabels:
    """A manifest that has the labels that judge, and no others, and how these were chosen."""

    manifest: Manifest
    choice: LabelChoice


def read_judging_labels(manifest: Manifest, path: Path, *, labels_as: LabelsAs = "audit") -> JudgingLabels:
    """Return the labels of people that judge a model, from a `labels.sqlite` or the folder that holds it.

    Raises LabelFileError for a file that cannot be read, and NoAuditError as `choose_judging_labels`.

    >>> ln.evaluate(predictions, ln.read_judging_labels(manifest, Path("labels.sqlite")).manifest)  # doctest: +SKIP
    """
    with LabelFile(find_label_file(path), read_only=True) as file:
        return choose_judging_labels(manifest, file.entries(), labels_as=labels_as)


def choose_judging_labels(
    manifest: Manifest, entries: pd.DataFrame, *, labels_as: LabelsAs = "audit"
) -> JudgingLabels:
    """Return the labels of people that judge a model; entries: of `LabelFile.entries`.

    `audit`: those of the random audit alone. Labels that the manifest itself holds have no part, as nobody knows
    how their clips were chosen. `chosen`: all, the manifest's too, as if they had been drawn at random; the result
    says that its figures are biased. Clips that people dispute or do not know have no label. Raises NoAuditError
    where no label that may judge is of a clip of this manifest.
    """
    said = labels_by_clip(entries) if labels_as == "chosen" else labels_for_models(entries)
    agreed = said[said["clip_id"].isin(manifest.table["clip_id"])].set_index("clip_id")
    is_decided = ~agreed["is_disputed"] & ~agreed["labels"].isin(["", UNKNOWN])
    labelled = label_manifest(manifest, said)
    has_label = labelled.table["label"].notna() | labelled.table["labels"].notna()
    named = set(labelled.table.loc[has_label, "clip_id"])
    audit = agreed[is_decided & agreed["inclusion"].notna()]
    n_labelled, n_undecided = int(is_decided.sum()), int((~is_decided).sum())
    if labels_as == "chosen":
        choice = LabelChoice(
            "chosen", n_used=len(named), n_left_out=len(named - set(audit.index)), n_undecided=n_undecided
        )
        return JudgingLabels(labelled, choice)
    if audit.empty:
        raise NoAuditError(
            "no label of these clips was drawn at random, so none may judge the model",
            where=FILE,
            found=f"{n_labelled} labelled clips of this manifest, all chosen by score or by hand",
            expected="labels of the random audit",
            todo="label the queue `audit` of `leopardnet review`. To see figures all the same, which are then "
            "named biased, give --labels-as chosen to `leopardnet evaluate`",
        )
    sites = _find_sites(manifest)
    chances = _thin(audit["inclusion"].astype(np.float64), sites)
    choice = LabelChoice.of(
        chances,
        n_left_out=len(named - set(audit.index)),
        n_thinned=len(audit) - len(chances),
        n_undecided=n_undecided,
        n_missing=_count_missing(sites, chances, n_labelled=int(agreed["inclusion"].notna().sum())),
    )
    rows = labelled.table
    is_judge = rows["clip_id"].isin(chances.index)
    rows = rows.assign(label=rows["label"].where(is_judge), labels=rows["labels"].where(is_judge))
    return JudgingLabels(labelled.replace(rows), choice)


def _find_sites(manifest: Manifest) -> pd.Series[str]:
    """Return the site of every clip of a manifest, by clip_id; '' without one."""
    ids = pd.Series(manifest.table["clip_id"].unique())
    sites = ids.map(find_clip_values(manifest.table, "site")).map(normalise_site, na_action="ignore")
    return sites.astype(object).fillna("").set_axis(ids)


def _thin(chances: pd.Series[float], sites: pd.Series[str]) -> pd.Series[float]:
    """Return the chances of the clips that stay, by clip_id: one at each site, the smallest there.

    Whether a clip stays depends on its id alone, so that it is the same whoever asks.
    """
    least = chances.groupby(sites[chances.index]).transform("min")
    digests = [hashlib.sha256(b"thinned audit " + str(x).encode()).digest()[:8] for x in chances.index]
    drawn = np.array([int.from_bytes(x, "big") for x in digests], np.float64) / 2**64
    return least[(drawn * chances < least) | (chances - least < SAME)]


def _count_missing(sites: pd.Series[str], chances: pd.Series[float], *, n_labelled: int) -> int:
    """Return about how many clips of the audit have no label yet, 0 where it is nearly finished."""
    n_clips = sites.value_counts()
    chance = chances.groupby(sites[chances.index]).first().reindex(n_clips.index).fillna(chances.median())
    n_drawn = float(np.maximum(n_clips * chance, 1.0).sum())
    missing = n_drawn - n_labelled
    return round(missing) if missing > UNFINISHED * n_drawn else 0
