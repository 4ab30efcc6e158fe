"""Runs as people read them, in the terminal and on the page: every value as a text, true to its last digit."""

from __future__ import annotations

import pandas as pd

from leopardnet.core.language import translate

NONE = "–"
FIGURES = ("macro_f1", "nll")
ABOUT = ("run", "state", "kept_epoch", *FIGURES, "footage")  # the other columns are settings


def show_runs(runs: pd.DataFrame) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Return what a table of `compare_runs` says of each run, by heading, and the settings in which they differ.

    Figures have three decimals; settings all their digits. The footage is left out where it is the same for all.
    """
    headings = _name_columns()
    if runs["footage"].nunique() < 2:
        del headings["footage"]
    rows = runs.astype(object).where(runs.notna(), None).to_dict("records")
    states = _name_states()
    about = [
        {
            heading: f"{row[name]:.3f}" if name in FIGURES and row[name] is not None else _write(row[name])
            for name, heading in headings.items()
        }
        | {headings["state"]: states.get(row["state"], str(row["state"]))}
        for row in rows
    ]
    return about, [{str(k): _write(v) for k, v in row.items() if k not in ABOUT} for row in rows]


def join_settings(settings: list[dict[str, str]]) -> list[str]:
    """Return the settings of each run as one text, a line each: of the first all, of the others what differs.

    >>> join_settings([{"seed": "7", "optim.lr": "0.1"}, {"seed": "7", "optim.lr": "0.2"}])
    ['seed=7\\noptim.lr=0.1', 'optim.lr=0.2']
    """
    first = settings[0]
    return ["\n".join(f"{k}={v}" for k, v in one.items() if one is first or v != first[k]) for one in settings]


def name_figures() -> set[str]:
    """Return the headings of the columns that hold figures."""
    return {_name_columns()[name] for name in FIGURES}


def _name_columns() -> dict[str, str]:
    return {
        "run": translate("run"),
        "state": translate("state"),
        "kept_epoch": translate("kept epoch"),
        "macro_f1": translate("macro-F1"),
        "nll": "NLL",
        "footage": translate("footage"),
    }


def _name_states() -> dict[str, str]:
    return {
        "finished": translate("finished"),
        "trained": translate("not packed"),
        "failed": translate("failed"),
        "unfinished": translate("unfinished"),
        "unreadable": translate("unreadable"),
    }


def _write(value: object) -> str:
    if value is None or value == "":
        return NONE
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.12g}" if isinstance(value, float) else str(value)
