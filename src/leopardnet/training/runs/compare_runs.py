"""Runs beside each other: what they have in common is left out, and what differs is shown with their figures."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from leopardnet.bundle.run_history import read_history
from leopardnet.core.errors import ConfigError
from leopardnet.training.runs.run import read_state

FIGURES = {"val_macro_f1": "macro_f1", "val_nll": "nll"}
STATES = {"running": "unfinished"}  # a run that was killed cannot say so
MAX_LEVELS = 4  # of folders that are searched
NOT_SETTINGS = ("experiment.question", "experiment.expected")  # sentences, too long for a table


def compare_runs(folder: str | Path) -> pd.DataFrame:
    """Return one row per run in a folder and the folders below it, the highest macro-F1 first.

    Columns: run (its path below the folder), state (finished, trained but not packed, failed with an error,
    unfinished, or unreadable), kept_epoch, macro_f1, nll, footage (runs of one letter learned from and were judged
    on the same), and each setting in which the runs differ (of `labels` the names). The figures are those of the
    chosen epoch on the clips that chose it: for an order, not for a claim. Raises ConfigError where there is no
    such folder, and where it holds no run.

    >>> ln.compare_runs("runs")[["run", "macro_f1", "optim.lr"]]  # doctest: +SKIP
    """
    folder = Path(folder)
    runs = list(_find_runs(folder))
    if not runs:
        raise ConfigError(
            "this folder holds no run" if folder.is_dir() else "there is no such folder",
            where=folder,
            expected=f"folders that `leopardnet train --out` named, at most {MAX_LEVELS} levels down",
            todo="leopardnet train MANIFEST --out runs/first makes one",
        )
    settings = [_read_flat(run) for run in runs]
    names = list(dict.fromkeys(name for one in settings for name in one))
    known = [one for one in settings if one]
    differing = [n for n in names if n not in NOT_SETTINGS and len({str(one.get(n)) for one in known}) > 1]
    letters: dict[str, str] = {}
    rows = [
        _describe(run, folder, letters) | {name: one.get(name) for name in differing}
        for run, one in zip(runs, settings, strict=True)
    ]
    table = pd.DataFrame(rows).astype({"kept_epoch": "Int64"})
    return table.sort_values(["macro_f1", "run"], ascending=[False, True], kind="stable", ignore_index=True)


def _find_runs(folder: Path) -> Iterator[Path]:
    for path, folders, files in os.walk(folder):
        if "state.json" in files and "config.yaml" in files:
            folders.clear()  # folds and bundles of a run are no runs
            yield Path(path)
        elif len(Path(path).relative_to(folder).parts) >= MAX_LEVELS:
            folders.clear()
        folders.sort()


def _read_flat(run: Path) -> dict[str, Any]:
    """Return the settings of a run by their full names; none of a file that cannot be read."""
    try:
        stored = yaml.safe_load((run / "config.yaml").read_text("utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return dict(_flatten(stored, "")) if isinstance(stored, dict) else {}


def _flatten(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            named = (x.get("name", x) if isinstance(x, Mapping) else x for x in value)
            yield "labels" if prefix + name == "labels.labels" else prefix + name, ", ".join(map(str, named))
        else:
            yield f"{prefix}{name}", value


def _describe(run: Path, folder: Path, letters: dict[str, str]) -> dict[str, Any]:
    state = read_state(run) or {}
    footage = letters.setdefault(state["key"], _name_letter(len(letters))) if state else ""
    kept = state.get("kept_epoch")
    try:
        best = next((row for row in read_history(run) if row.get("epoch") == kept), {})
    except (OSError, ValueError):
        best, state = {}, {}
    return {
        "run": run.relative_to(folder).as_posix() if run != folder else run.resolve().name,
        "state": STATES.get(state.get("state", ""), state.get("state", "unreadable")),
        "kept_epoch": kept,
        **{name: float(best.get(key, math.nan)) for key, name in FIGURES.items()},
        "footage": footage,
    }


def _name_letter(i: int) -> str:
    return chr(ord("A") + i) if i < 26 else f"A{i}"
