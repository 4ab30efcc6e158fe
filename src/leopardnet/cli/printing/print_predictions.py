"""Predictions in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leopardnet.cli.console import print_rows

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 40


def print_predictions(table: pd.DataFrame) -> None:
    """Print the probabilities of at most 40 clips of a predictions table to stdout, alerts first."""
    first = table.loc[table["alert"].isna().sort_values(kind="stable").index[:MAX_ROWS]]
    names = [c for c in table.columns if str(c).startswith("p_")]
    has_alerts, rows = bool(first["alert"].notna().any()), []
    for row in first.to_dict("records"):
        probs = {c[2:]: "" if row[c] != row[c] else f"{row[c]:.2f}" for c in names}
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
