"""An evaluation as a folder of tables and one JSON file."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from leopardnet.core.tables import write_json, write_table
from leopardnet.evaluation.protocol import EvaluationReport
from leopardnet.metrics.evaluation import Evaluation

TABLES = ("per_label", "confusion", "decisions", "reliability", "targets", "empties", "coverage", "review")


OPTIONAL = ("aggregators", "baselines", "novelty", "shortcuts", "events", "records", "mistakes")


INDEXED = ("per_label", "confusion", "decisions", "targets")


def write_evaluation(evaluation: Evaluation | EvaluationReport, folder: Path) -> Path:
    """The folder, after writing metrics.json there, and a table for each part of the evaluation or protocol."""
    folder = Path(folder)
    clips = evaluation.clips if isinstance(evaluation, EvaluationReport) else evaluation
    tables: dict[str, pd.DataFrame] = {name: _written(getattr(clips, name), name) for name in TABLES}
    if isinstance(evaluation, EvaluationReport):
        e = evaluation
        tables |= {"events": e.event_table, "records": e.records, "mistakes": e.mistakes}
        parts = {
            "aggregators": e.aggregators,
            "baselines": e.baselines,
            "novelty": e.novelty,
            "shortcuts": e.shortcuts,
        }
        parts |= {f"by_{name}": table for name, table in e.slices.items()}
        tables |= {name: table.reset_index() for name, table in parts.items() if len(table)}
    if (folder / "metrics.json").is_file():  # an evaluation before this one: what it had and this one has not goes
        for old in [*(folder / f"{name}.csv" for name in OPTIONAL), *folder.glob("by_*.csv")]:
            old.unlink(missing_ok=True)
    for name, table in tables.items():
        write_table(table, folder / f"{name}.csv")
    write_json(evaluation.to_metrics_json(), folder / "metrics.json")
    return folder


def _written(table: pd.DataFrame, name: str) -> pd.DataFrame:
    return table.rename_axis("label").reset_index() if name in INDEXED else table
