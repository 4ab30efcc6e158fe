"""A training run and what its folder says of it. Nothing here needs torch."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from leopardnet.bundle.run_history import read_history
from leopardnet.core.errors import ConfigError
from leopardnet.core.interactive.html_summary import summarise_as_html
from leopardnet.core.settings.training import TrainConfig, add_missing_settings
from leopardnet.core.settings.validate import validate
from leopardnet.core.tables import write_json


@dataclass(frozen=True)
class Run:
    """A training run that kept an epoch: its folder and the metric history, one dict per epoch.

    With folds, a row of the history is about all folds together. `read_run` reads one from its folder.

    >>> run = ln.read_run("runs/amur")  # doctest: +SKIP
    >>> run.best["val_macro_f1"]  # doctest: +SKIP
    0.81
    """

    folder: Path
    history: tuple[dict[str, Any], ...] = field(repr=False)
    config: TrainConfig = field(repr=False)

    @property
    def best(self) -> dict[str, Any]:
        """The epoch whose weights were kept."""
        kept = (read_state(self.folder) or {})["kept_epoch"]
        return next(row for row in self.history if row["epoch"] == kept)

    def _repr_html_(self) -> str:
        names = {"epoch": "epoch", "train_loss": "train loss", "val_macro_f1": "val macro-F1", "val_nll": "val NLL"}
        rows = pd.DataFrame(self.history, columns=list(names)).rename(columns=names).set_index("epoch")
        facts = {
            "network": f"{self.config.model.backbone} at {self.config.preprocess.size_px} px",
            "optimiser": self.config.optim.mode,
            "kept epoch": self.best["epoch"],
            "figures": (read_state(self.folder) or {}).get("judged_on"),
        }
        return summarise_as_html(f"Run {self.folder.name}", facts, rows)


def read_run(folder: str | Path) -> Run:
    """Return the run in a folder that `train` made; no training library is needed.

    Raises ConfigError for a folder without a run, and for a run that kept no epoch yet.

    >>> read_run("runs/amur").history[0]["epoch"]  # doctest: +SKIP
    0
    """
    folder = Path(folder)
    state = read_state(folder)
    if state is None or "kept_epoch" not in state:
        raise ConfigError(
            "this folder holds no run" if state is None else "this run is not finished",
            where=folder.name,
            found="no state.json of a run" if state is None else f"state {state['state']}",
            expected="the folder that `train --out` named, after its end",
            todo="give the folder of a run" if state is None else "give the same `train` command again to go on",
        )
    return Run(folder, tuple(read_history(folder)), read_settings(folder))


def read_settings(folder: Path) -> TrainConfig:
    """Return the settings of the run in a folder, as this version has them."""
    stored = yaml.safe_load((folder / "config.yaml").read_text("utf-8"))
    return validate(TrainConfig, add_missing_settings(stored), where="config.yaml")


def read_state(folder: Path) -> dict[str, Any] | None:
    """Return what `write_state` wrote, or None if the folder holds no run."""
    try:
        state: dict[str, Any] = json.loads((folder / "state.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return state if {"state", "key"} <= state.keys() and (folder / "config.yaml").is_file() else None


def write_state(folder: Path, **values: Any) -> None:
    """Update the state of the run. Values that are not given stay as they are."""
    write_json((read_state(folder) or {}) | values, folder / "state.json")
