"""Labels of people to train on, without those that are to judge the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import UNKNOWN, split_labels
from leopardnet.core.manifest import Manifest
from leopardnet.data.human_labels.label_file import FILE, LabelFile, find_label_file
from leopardnet.data.human_labels.label_views import label_manifest, labels_for_models
from leopardnet.evaluation.audit.judging_labels import choose_judging_labels


@dataclass(frozen=True, eq=False)
class TrainingLabels:
    """A manifest with the labels of people, the clips that only judge, and notes for people.

    judges: the chance of each clip of the random audit, by clip_id; empty where these are trained on, too.
    """

    manifest: Manifest
    judges: Mapping[str, float]
    notes: tuple[str, ...]


def read_training_labels(manifest: Manifest, path: Path, *, train_on_audit: bool = False) -> TrainingLabels:
    """Return the labels of a `labels.sqlite`, or of the folder that holds it, joined with those of a manifest.

    Clips that people dispute or do not know have no label. Audit clips of a label that no other clip has are left
    out: the model cannot learn it. Raises ManifestError where people labelled no clip of this manifest, and where
    all labels are of the audit, so that nothing is left to train on.

    >>> ln.read_training_labels(manifest, Path("results/labels.sqlite")).manifest  # doctest: +SKIP
    """
    with LabelFile(find_label_file(path), read_only=True) as file:
        entries = file.entries()
    agreed = labels_for_models(entries)
    n_all, agreed = len(agreed), agreed[agreed["clip_id"].isin(manifest.table["clip_id"])]
    if agreed.empty:
        raise ManifestError(
            "nobody has labelled a clip of this manifest",
            where=FILE,
            found=f"labels of {n_all} other clips" if n_all else "no label",
            expected="labels of clips of this manifest (paths relative to the same root)",
            todo="give the manifest that was reviewed, or label some clips first: `leopardnet review`",
        )
    is_decided = ~agreed["is_disputed"] & ~agreed["labels"].isin(["", UNKNOWN])
    labelled = label_manifest(manifest, agreed)
    audit = agreed[is_decided & agreed["inclusion"].notna()]
    n_said, n_audit = int(is_decided.sum()), len(audit)
    notes = [f"labels of people: {n_said} clips, {n_audit} of them of the random audit"]
    if n_undecided := int((~is_decided).sum()):
        notes.append(f"left out: {n_undecided} clips that people dispute or do not know")
    if audit.empty or train_on_audit:
        why = "there is no random audit" if audit.empty else "the clips of the audit are trained on"
        notes.append(
            f"{why}: no label is left that judges this very model. Scores of its folds still judge networks like it"
        )
        return TrainingLabels(labelled, {}, tuple(notes))
    labelled, n_alone = _leave_out_strangers(labelled, set(audit["clip_id"]))
    if n_alone:
        notes.append(f"left out: {n_alone} clips of the audit, whose label no other clip has")
    named = labelled.table["label"].notna() | labelled.table["labels"].notna()
    if labelled.table.loc[named, "clip_id"].isin(audit["clip_id"]).all():
        raise ManifestError(
            "all labelled clips are of the random audit, which is kept out of training",
            where=FILE,
            found=f"{n_audit} clips of the audit",
            expected="labels of other queues as well",
            todo="label clips of other queues, or give --train-on-audit; then no label judges the model",
        )
    notes.append("clips of the audit are kept out of training, and judge the model")
    judges = choose_judging_labels(labelled, entries).choice.chances
    shown = set(labelled.table.loc[named, "clip_id"])
    # Clips that were thinned to one chance of their site do not judge, and are not trained on either.
    kept_out = labelled.table["clip_id"].isin(set(audit["clip_id"]) - set(judges))
    rows = labelled.table.assign(
        label=labelled.table["label"].mask(kept_out), labels=labelled.table["labels"].mask(kept_out)
    )
    return TrainingLabels(
        labelled.replace(rows), {x: chance for x, chance in judges.items() if x in shown}, tuple(notes)
    )


def _leave_out_strangers(manifest: Manifest, audit: set[str]) -> tuple[Manifest, int]:
    """Return the manifest without labels of audit clips that show what no other clip does, and their number."""
    rows = manifest.table
    said = rows["label"].fillna(rows["labels"]).map(split_labels)
    of_audit = rows["clip_id"].isin(audit)
    known = set(said[~of_audit].explode().dropna())
    is_strange = of_audit & said.map(lambda names: bool(set(names) - known)).astype(bool)
    rows = rows.assign(label=rows["label"].mask(is_strange), labels=rows["labels"].mask(is_strange))
    return manifest.replace(rows), int(pd.Series(rows["clip_id"][is_strange]).nunique())
