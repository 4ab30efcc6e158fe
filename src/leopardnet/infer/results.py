"""Predictions as tables: one row per clip, one row per judged frame, on disk and back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import (
    conform,
    evidence_columns,
    labels_of,
    predictions_columns,
    read_table,
    write_table,
)
from leopardnet.core.types import ClipPrediction, ManifestError
from leopardnet.score.decide import alert

if TYPE_CHECKING:
    from leopardnet.infer.bundle import Bundle

N_EVIDENCE = 3  # times named in a clip's row; the evidence table has them all


@dataclass(frozen=True, eq=False)
class Predictions:
    """What a model said.

    table: one row per clip, columns of `core.tables.predictions_columns`; evidence: one row per judged frame, with
    the probabilities of that frame alone.
    """

    table: pd.DataFrame
    evidence: pd.DataFrame

    @classmethod
    def from_clips(cls, clips: Sequence[ClipPrediction], bundle: Bundle, manifest: Manifest) -> Predictions:
        """The tables of these predictions; site and time come from the manifest."""
        names = bundle.labels.names
        captured = manifest.table.drop_duplicates("clip_id").set_index("clip_id")["captured_at"]
        rows = [_clip_row(p, bundle) | {"captured_at": captured[p.clip.clip_id]} for p in clips]
        frames = [row for p in clips for row in _frame_rows(p, names)]
        return cls(
            conform(pd.DataFrame(rows), predictions_columns(names), where="predictions", unique=("clip_id",)),
            conform(
                pd.DataFrame(frames, columns=[c.name for c in evidence_columns(names)]), evidence_columns(names),
                where="evidence",
            ),
        )  # fmt: skip

    @classmethod
    def read(cls, path: Path) -> Predictions:
        """The predictions in a file `predictions.parquet` or `.csv`, with the evidence that lies beside it, if any."""
        path = Path(path) / "predictions.parquet" if Path(path).is_dir() else Path(path)
        table = read_table(path)
        names = labels_of(table)
        if not names or "decision" not in table.columns:
            raise ManifestError(
                "this table holds no predictions", where=path.name, found="columns " + ", ".join(map(str, table.columns)),
                expected="decision, and p_<label> for every label", todo="make it with `leopardnet predict`",
            )  # fmt: skip
        beside = path.with_name("evidence.parquet")
        columns = evidence_columns(names)
        evidence = read_table(beside) if beside.is_file() else pd.DataFrame(columns=[c.name for c in columns])
        return cls(
            conform(table, predictions_columns(names), where=path.name, unique=("clip_id",)),
            conform(evidence, columns, where=beside.name),
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels, in class order."""
        return labels_of(self.table)

    @property
    def n_unreadable(self) -> int:
        """Clips of which nothing could be seen."""
        return int((self.table["status"] == "unreadable").sum())

    def write(self, folder: Path) -> Path:
        """The folder, after writing predictions.parquet, predictions.csv and evidence.parquet there."""
        folder = Path(folder)
        write_table(self.evidence, folder / "evidence.parquet")
        write_table(self.table, folder / "predictions.csv")
        write_table(self.table, folder / "predictions.parquet")
        return folder

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        said = ", ".join(f"{k} {v}" for k, v in self.table["decision"].value_counts().items())
        return f"Predictions({len(self)} clips: {said}; labels {', '.join(self.labels)})"


def _clip_row(p: ClipPrediction, bundle: Bundle) -> dict[str, Any]:
    labels = bundle.labels
    probs = p.probs if p.probs is not None else np.full(len(labels), np.nan)
    best = [float(p.frame_times_s[i]) for i in p.evidence_order[:N_EVIDENCE]]
    return {
        "clip_id": p.clip.clip_id,
        "path": p.clip.path,
        "kind": p.clip.kind,
        "site": p.clip.site,
        "status": p.status,
        "reason": p.reason or None,
        "decision": p.decision.label,
        "rule": p.decision.rule,
        "score": float(p.decision.score),
        "alert": alert(p.probs, labels, bundle.spec.decide),
        **{f"p_{name}": float(v) for name, v in zip(labels.names, probs, strict=True)},
        "n_frames": len(p.frame_times_s),
        "best_time_s": best[0] if best else np.nan,
        "evidence_times_s": json.dumps([round(t, 3) for t in best]) if best else None,
        "bundle_id": bundle.id,
        "labels_id": labels.id,
    }


def _frame_rows(p: ClipPrediction, names: Sequence[str]) -> list[dict[str, Any]]:
    return [
        {"clip_id": p.clip.clip_id, "i_frame": i, "time_s": float(time_s)}
        | {f"p_{name}": float(v) for name, v in zip(names, probs, strict=True)}
        for i, (time_s, probs) in enumerate(zip(p.frame_times_s, p.frame_probs, strict=True))
    ]
