"""Predictions made by hand: what a row does not say is the ordinary."""

import json
from datetime import datetime

import pandas as pd
import pytest

from leopardnet.core.columns import evidence_columns, predictions_columns
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import clip_id, conform

LABELS = ("leopard", "tiger", "sika_deer", "empty")
TIME = datetime(2021, 12, 30, 22, 34, 56)


def shipped_id():
    import yaml

    from leopardnet.core.labels import Label, LabelSet
    from leopardnet.core.settings.config_folder import configs_dir

    data = yaml.safe_load((configs_dir() / "labels/amur.yaml").read_text("utf-8"))
    return LabelSet(tuple(Label(**row) for row in data["labels"]), data["empty"], tuple(data["targets"])).id


@pytest.fixture
def frame():
    """A function that makes a frame: probabilities by label, boxes as (x0, y0, x1, y1, score[, label])."""

    def make(time_s, p, boxes=None, source="detector"):
        found = [
            {"xyxy": list(b[:4]), "score": b[4]} | ({"label": b[5]} if len(b) > 5 else {}) for b in boxes or ()
        ]
        cell = None if boxes is None else json.dumps(found)
        return {"time_s": time_s, "p": p, "boxes": cell, "source": source if cell else None}

    return make


@pytest.fixture
def boxed(frame):
    """A function that makes a row for `predicted` of a picture with one box, which every format can hold."""

    def make(path, p=(0.9, 0.05, 0.03, 0.02), **row):
        frames = [frame(0.0, p, [(0.1, 0.2, 0.4, 0.6, 0.95)])]
        return {"path": path, "p": p, "frames": frames, "width_px": 100, "height_px": 50} | row

    return make


@pytest.fixture
def predicted():
    """A function (rows, labels) → Predictions. A row: path, p (None: unreadable), decision, frames, …"""

    def make(*rows, labels=LABELS, labels_id=None):
        table, evidence = [], []
        for given in rows:
            row = dict(given)
            p, frames = row.pop("p", (0.9, 0.05, 0.03, 0.02)), row.pop("frames", [])
            suffix = row["path"].rpartition(".")[2].lower()
            video = suffix in ("avi", "mp4", "asf", "mkv")
            base = {
                "clip_id": clip_id(row["path"]),
                "kind": "video" if video else "still",
                "site": "s1",
                "captured_at": TIME,
                "status": "ok",
                "reason": None,
                "decision": labels[0],
                "rule": "species",
                "score": None if p is None else max(p),
                "alert": None,
                "n_frames": len(frames),
                "best_time_s": frames[0]["time_s"] if frames else 0.0,
                "evidence_times_s": json.dumps([f["time_s"] for f in frames[:3]] or [0.0]),
                "duration_s": 10.0 if video else None,
                "fps": 25.0 if video else None,
                "width_px": None,
                "height_px": None,
                "bundle_id": "abcdef012345",
                "labels_id": labels_id or (shipped_id() if labels == LABELS else "own"),
            }
            if p is None:
                base |= {
                    "status": "unreadable",
                    "decision": "unreadable",
                    "rule": "none",
                    "reason": "the file is empty (0 bytes)",
                    "best_time_s": None,
                    "evidence_times_s": None,
                }
            probs = {f"p_{n}": None if p is None else p[i] for i, n in enumerate(labels)}
            table.append({**base, **probs, **row})
            for i, f in enumerate(sorted(frames, key=lambda f: f["time_s"])):
                own = {f"p_{n}": v for n, v in zip(labels, f["p"], strict=True)}
                evidence.append(
                    {
                        "clip_id": base["clip_id"],
                        "i_frame": i,
                        "time_s": f["time_s"],
                        **own,
                        "boxes": f["boxes"],
                        "box_source": f["source"],
                    }
                )
        columns, frame_columns = predictions_columns(labels), evidence_columns(labels)
        made = pd.DataFrame(table, columns=[c.name for c in columns])
        frames = pd.DataFrame(evidence, columns=[c.name for c in frame_columns])
        return Predictions(
            conform(made, columns, where="predictions", unique=("clip_id",)),
            conform(frames, frame_columns, where="evidence"),
        )

    return make


@pytest.fixture
def footage(tmp_path):
    """A function (rows) → Manifest with a zone and a deployment, under tmp_path/footage."""

    def make(*rows, **more):
        base = {"kind": "still", "site": "s1", "deployment": "d1", "captured_at": TIME, "time_zone": "+10:00"}
        return Manifest.from_rows(pd.DataFrame([base | more | r for r in rows]), tmp_path / "footage")

    return make
