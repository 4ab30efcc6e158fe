"""Predictions in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from leopardnet.cli.console import print_rows
from leopardnet.core.labels import JOINER
from leopardnet.core.language import round_probability

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 40
FEWEST_CLIPS, NEARLY_ALL = 10, 0.9  # an alert on so many of so few says nothing


def print_predictions(table: pd.DataFrame, targets: Sequence[str] = ()) -> None:
    """Print the probabilities of at most 40 clips of a predictions table to stdout.

    Alerts stand first, those with the highest probability of a target before the others. targets: by default those
    that have an alert.
    """
    first = table.loc[_order_clips(table, targets)[:MAX_ROWS]]
    names = [c for c in table.columns if str(c).startswith("p_")]
    has_alerts, rows = bool(first["alert"].notna().any()), []
    for row in first.to_dict("records"):
        probs = {c[2:]: "" if row[c] != row[c] else f"{round_probability(row[c]):.2f}" for c in names}
        time_s = row["best_time_s"]
        rows.append(
            {
                "clip": shorten(row["path"]),
                "decision": row["labels"] if isinstance(row.get("labels"), str) else row["decision"],
                **({"alerts": row["alerts"] if isinstance(row["alerts"], str) else ""} if has_alerts else {}),
                **probs,
                "at s": "" if time_s != time_s else f"{time_s:.1f}",
                "status": row["status"],
            }
        )
    more = f"more rows in the files: {len(table) - len(rows)}" if len(table) > len(rows) else ""
    print_rows(rows, title="Probability of each label, per clip", caption=more)


def _order_clips(table: pd.DataFrame, targets: Sequence[str]) -> pd.Index:
    """Return the index of the table, alerts first, then by the highest probability of a target."""
    named = targets or sorted({x for cell in table["alerts"].dropna() for x in cell.split(JOINER)})
    columns = [f"p_{name}" for name in named if f"p_{name}" in table.columns]
    score = table[columns].max(axis=1).fillna(-1.0) if columns else 0.0
    keys = table[["path"]].assign(is_quiet=table["alert"].isna(), score=score)
    return keys.sort_values(["is_quiet", "score"], ascending=[True, False], kind="stable").index


def describe_flood(table: pd.DataFrame) -> str | None:
    """Return a sentence where nearly every clip that could be read has an alert, so that alerts choose nothing."""
    read = table[table["status"] != "unreadable"]
    n = int(read["alert"].notna().sum())
    if len(read) < FEWEST_CLIPS or n < NEARLY_ALL * len(read):
        return None
    return (
        f"the alert threshold separates nothing here: clips with an alert {n} of {len(read)}; look at them in the "
        "order of their probability, and label more clips for a better model"
    )


def shorten(path: str, *, most: int = 32) -> str:
    """Return a path that fits a column: its beginning, which names the place, and the name of its file.

    >>> shorten("site07/2021-10/DCIM/100MEDIA/IMAG0004.AVI")
    'site07/2021-10/…/IMAG0004.AVI'
    """
    if len(path) <= most:
        return path
    *folders, name = path.split("/")
    head = ""
    for folder in folders:
        if len(head) + len(folder) + len(name) + 3 > most:
            break
        head += folder + "/"
    return f"{head}…/{name}" if head or len(name) < most else f"…{name[1 - most :]}"
