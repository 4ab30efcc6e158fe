"""Predictions beside the truth, joined on `clip_id`: no row is lost, none is doubled."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from leopardnet.core.columns import table_labels
from leopardnet.core.errors import ManifestError


def join_truth(
    predictions: pd.DataFrame, truth: pd.Series[str], sites: pd.Series[str] | None, *, outside: Sequence[str] = ()
) -> pd.DataFrame:
    """The predictions, row for row, with the columns `truth` (missing where a clip has no label) and `site`.

    truth, sites: indexed by `clip_id`. outside: true labels that the model is allowed not to know. Raises ManifestError for a clip that stands twice on either side, a true label
    that the predictions have no column for, and where no clip has both a prediction and a label.

    >>> p = pd.DataFrame({"clip_id": ["a", "b"], "decision": ["tiger", "empty"], "rule": ["species", "empty"],
    ...                   "p_tiger": [0.9, 0.2], "p_empty": [0.1, 0.8]})
    >>> join_truth(p, pd.Series({"b": "empty"}), None)["truth"].fillna("-").tolist()
    ['-', 'empty']
    """
    if not {"clip_id", "decision", "rule"} <= set(predictions.columns) or not table_labels(predictions):
        raise ManifestError(
            "this is not a predictions table",
            where="predictions",
            found=", ".join(map(str, predictions.columns)),
            expected="clip_id, decision, rule and one p_<label> column for each label",
            todo="make one with `leopardnet predict`",
        )
    taught = [name for name in outside if name in table_labels(predictions)]
    if taught:
        raise ManifestError(
            "the model was taught this label",
            where="outside",
            found=", ".join(taught),
            expected="labels that it does not know",
            todo="leave it away: clips of labels that the model knows are judged like all others",
        )
    _refuse_twice(predictions["clip_id"], where="predictions", todo="give one row per clip: one run of one model")
    _refuse_twice(truth.index.to_series(), where="manifest", todo="give one true label per clip")
    labelled = truth.dropna()
    _refuse_unknown(labelled[labelled.index.isin(predictions["clip_id"])], (*table_labels(predictions), *outside))

    table = predictions.assign(truth=predictions["clip_id"].map(truth))
    if sites is not None:
        _refuse_twice(sites.index.to_series(), where="sites", todo="give one site per clip")
        table["site"] = table["clip_id"].map(sites)
    elif "site" not in table.columns:
        table["site"] = pd.Series([None] * len(table), index=table.index, dtype=object)
    if not table["truth"].isin(table_labels(predictions)).any():
        raise ManifestError(
            "no clip has both a prediction and a true label",
            where="manifest",
            found=f"{len(predictions)} predictions, {len(labelled)} labelled clips, none in common",
            todo="evaluate against the manifest that the clips were predicted from (paths relative to the same root)",
        )
    return table


def _refuse_twice(ids: pd.Series[str], *, where: str, todo: str) -> None:
    twice = ids[ids.duplicated()].unique()
    if len(twice):
        more = f" and {len(twice) - 3} more" if len(twice) > 3 else ""
        raise ManifestError(
            "a clip stands twice",
            where=f"{where}, clip_id",
            found=", ".join(map(str, twice[:3])) + more,
            expected="each clip once",
            todo=todo,
        )


def _refuse_unknown(truth: pd.Series[str], labels: tuple[str, ...]) -> None:
    unknown = truth[~truth.isin(labels)].value_counts()
    if len(unknown):
        raise ManifestError(
            "the truth holds labels that the model does not know",
            where="manifest, column label",
            found=", ".join(f"{name!r} ({n} clips)" for name, n in unknown.items()),
            expected="one of " + ", ".join(labels),
            todo="map them with --label-map when importing, or name them with --outside: species that the model was not taught",
        )
