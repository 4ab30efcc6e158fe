"""What is refused of tables of predictions and true labels before they are joined."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from leopardnet.core.columns import join_alerts
from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import JOINER, split_labels


def check_predictions(predictions: pd.DataFrame, labels: Sequence[str], outside: Sequence[str]) -> None:
    """Raise ManifestError for a table without predictions, known labels in `outside`, and unknown alerts."""
    if not {"clip_id", "decision", "rule"} <= set(predictions.columns) or not labels:
        raise ManifestError(
            "this table holds no predictions",
            where="predictions",
            found=", ".join(map(str, predictions.columns)),
            expected="clip_id, decision, rule and one p_<label> column for each label",
            todo="make one with `leopardnet predict`",
        )
    taught = [name for name in outside if name in labels]
    if taught:
        raise ManifestError(
            "the model knows this label",
            where="outside",
            found=", ".join(taught),
            expected="labels that the model was not taught",
            todo="leave it out: clips of labels that the model knows are evaluated like all others",
        )
    refuse_unknown_alerts(predictions, labels)
    refuse_repeated(predictions["clip_id"], where="predictions", todo="give one row per clip: one run of one model")


def refuse_unknown_alerts(predictions: pd.DataFrame, labels: Sequence[str]) -> None:
    """Raise ManifestError for an alert that is no label: nobody would see which animal is suspected."""
    unknown = sorted({name for names in join_alerts(predictions) for name in split_labels(names)} - set(labels))
    if unknown:
        raise ManifestError(
            "an alert names a label that the table has no probability for",
            where="predictions, columns alert and alerts",
            found=", ".join(map(repr, unknown)),
            expected=f"labels, several joined by {JOINER!r}: {', '.join(labels)}",
            todo="give the table as `leopardnet predict` wrote it, such as predictions.parquet",
        )


def refuse_repeated(ids: pd.Series[str], *, where: str, todo: str) -> None:
    """Raise ManifestError for a clip_id that occurs twice."""
    repeated = ids[ids.duplicated()].unique()
    if len(repeated):
        more = f" and {len(repeated) - 3} more" if len(repeated) > 3 else ""
        raise ManifestError(
            "a clip occurs twice",
            where=f"{where}, clip_id",
            found=", ".join(map(str, repeated[:3])) + more,
            expected="each clip once",
            todo=todo,
        )


def refuse_unknown(truth: pd.Series[str], labels: tuple[str, ...]) -> None:
    """Raise ManifestError for true labels that are not among `labels`."""
    unknown = truth[~truth.isin(labels)].value_counts()
    if len(unknown):
        raise ManifestError(
            "the true labels include some that the model does not know",
            where="manifest, column label",
            found=", ".join(f"{name!r} ({n} clips)" for name, n in unknown.items()),
            expected="one of " + ", ".join(labels),
            todo="map them with --label-map when importing, or name species it was not taught with --outside",
        )
