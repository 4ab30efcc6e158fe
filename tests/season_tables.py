"""Small tables of a season for tests of records: predictions, a manifest, deployments and what people said."""

import json
from pathlib import Path

import pandas as pd

from leopardnet.core.columns import STRING, TIME, evidence_columns, predictions_columns
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import clip_id, conform
from leopardnet.data.scan.deployments import DEPLOYMENTS
from leopardnet.records.record_table import fill_records

LABELS = ("leopard", "deer", "empty")


def predictions_of(scores, *, alert=0.5, human=()):
    """Predictions of clips by their probability of a leopard; from `alert` on, a clip has an alert.

    human: paths of clips that the model decides to show a person.
    """
    paths = list(scores)
    p = pd.Series(list(scores.values()), dtype="float64")
    labels = (*LABELS, "human") if human else LABELS
    columns = predictions_columns(labels)
    table = pd.DataFrame(
        {
            "clip_id": pd.Series([clip_id(x) for x in paths], dtype=STRING),
            "path": pd.Series(paths, dtype=STRING),
            "kind": "video",
            "status": "ok",
            "decision": ["human" if x in human else "leopard" if s > 0.5 else "empty" for x, s in scores.items()],
            "rule": "species",
            "alerts": pd.Series(["leopard" if s >= alert else None for s in p], dtype=STRING),
            "n_frames": 1,
            "bundle_id": "b",
            "labels_id": "l",
            "p_leopard": p,
            "p_deer": 0.0,
            "p_empty": 1 - p,
            **({"p_human": [float(x in human) for x in paths]} if human else {}),
        }
    ).reindex(columns=[c.name for c in columns])
    evidence = pd.DataFrame(columns=[c.name for c in evidence_columns(labels)])
    return Predictions(conform(table, columns, where="predictions"), evidence)


def manifest_of(clips, *, zone=None):
    """A manifest of videos: path → (site, deployment, local time)."""
    rows = [
        {"path": path, "kind": "video", "site": site, "deployment": deployment, "captured_at": pd.Timestamp(at)}
        for path, (site, deployment, at) in clips.items()
    ]
    return Manifest.from_rows(pd.DataFrame(rows).assign(time_zone=zone), Path("footage"))


def deployments_of(*rows):
    """A deployments table; an `end` without a time of day holds the whole day."""
    times = {c.name for c in DEPLOYMENTS if c.dtype == TIME}
    filled = [{k: pd.Timestamp(v) if k in times else v for k, v in row.items()} for row in rows]
    table = pd.DataFrame(filled)
    for column in DEPLOYMENTS:
        if column.name not in table:
            table[column.name] = pd.Series([0.0 if column.name == "clock_correction_s" else None] * len(table))
    return table.astype({c.name: c.dtype for c in DEPLOYMENTS})


def entries_of(said):
    """Entries of a labels.sqlite: (path, labels, by), in the order in which they were said."""
    rows = [
        {
            "entry_id": i + 1,
            "key": f"k{i}",
            "clip_id": clip_id(path),
            "path": path,
            "labels": json.dumps(labels),
            "by": by,
            "at": f"2022-01-10T10:{i // 60:02}:{i % 60:02}.000+00:00",
            "queue": "all",
        }
        for i, (path, labels, by) in enumerate(said)
    ]
    empty = {"seconds": None, "boxes": None, "inclusion": None, "bundle_id": None, "note": None, "starred": False}
    table = pd.DataFrame(rows, columns=["entry_id", "key", "clip_id", "path", "labels", "by", "at", "queue"])
    return table.assign(**empty, undoes=None).astype({"undoes": "Int64", "inclusion": "float64", "starred": "bool"})


def records_of(*rows, index=None):
    """Records with these cells; label leopard, suspected, and a record_id by position unless they say otherwise."""
    filled = [
        {
            "record_id": f"r{i}",
            "clip_id": f"c{i}",
            "path": f"{i}.avi",
            "label": "leopard",
            "state": "suspected",
            **row,
        }
        for i, row in enumerate(rows)
    ]
    return fill_records(pd.DataFrame([{"state": "suspected", **row} for row in filled], index=index))
