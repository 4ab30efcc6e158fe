"""An evaluation as a folder of tables and one JSON file."""

from __future__ import annotations

from pathlib import Path

from leopardnet.core.tables import write_json, write_table
from leopardnet.evaluation.full_evaluation import PARTS, EvaluationReport
from leopardnet.metrics.evaluation import Evaluation


def write_evaluation(evaluation: Evaluation | EvaluationReport, folder: Path) -> Path:
    """Write metrics.json and a CSV file for each table to a folder, and return the folder.

    Tables of an earlier evaluation in the folder that this one does not have are deleted.

    >>> ln.write_evaluation(ln.evaluate_all(predictions, manifest), Path("evaluation"))  # doctest: +SKIP
    """
    folder = Path(folder)
    if (folder / "metrics.json").is_file():
        for pattern in (pattern for part in PARTS for pattern in part.files):
            for old in folder.glob(pattern):
                old.unlink(missing_ok=True)
    for name, table in evaluation.to_tables().items():
        write_table(table, folder / f"{name}.csv")
    write_json(evaluation.to_metrics_json(), folder / "metrics.json")
    return folder
