"""The epochs of a training run, from its metrics.jsonl: the source of curves, cards and reports."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from leopardnet.core.tables import atomic_path

FILE = "metrics.jsonl"


def write_history(rows: Sequence[Mapping[str, Any]], run: Path) -> None:
    """Write metrics.jsonl into the folder of a run, one line per row; NaN becomes null."""
    lines = [json.dumps({k: None if v != v else v for k, v in row.items()}) for row in rows]
    with atomic_path(Path(run) / FILE) as part:
        part.write_text("".join(line + "\n" for line in lines), "utf-8")


def read_history(run: Path) -> list[dict[str, Any]]:
    """Return the epochs of a run without those of single folds; null in the file is NaN here.

    A folder without metrics.jsonl has no epochs.
    """
    path = Path(run) / FILE
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.is_file() else []
    return [{k: math.nan if v is None else v for k, v in row.items()} for row in rows if "fold" not in row]


def history_points(history: Sequence[Mapping[str, Any]], key: str) -> list[tuple[float, float]]:
    """Return (epoch, value) of the rows that hold a number under `key`, in order of epoch.

    >>> history_points([{"epoch": 1, "lr": 0.1}, {"epoch": 0, "lr": float("nan")}, {"epoch": 2}], "lr")
    [(1.0, 0.1)]
    """
    rows = [(row.get("epoch"), row.get(key)) for row in history]
    return sorted((float(x), float(y)) for x, y in rows if x is not None and y is not None and y == y)
