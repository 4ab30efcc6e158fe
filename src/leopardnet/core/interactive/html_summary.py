"""What a notebook shows of a value: a title, a few facts and a short table, as HTML without pictures or scripts."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 12


def summarise_as_html(title: str, facts: Mapping[str, Any], table: pd.DataFrame | None = None) -> str:
    """Return a summary in which every text is escaped; facts without a value, and rows beyond 12, are left out.

    >>> summarise_as_html("Run <1>", {"epochs": 4, "note": None})
    '<div><strong>Run &lt;1&gt;</strong><ul><li>epochs: 4</li></ul></div>'
    """
    known = {name: value for name, value in facts.items() if value is not None and value != ""}
    lines = "".join(f"<li>{escape(name)}: {escape(str(value))}</li>" for name, value in known.items())
    rows, more = "", ""
    if table is not None and len(table):
        rows = table.head(MAX_ROWS).to_html(border=0, na_rep="–", float_format="{:.3f}".format)
        n_more = len(table) - MAX_ROWS
        more = f"<p>and {n_more} more row{'s' * (n_more != 1)}</p>" if n_more > 0 else ""
    return f"<div><strong>{escape(title)}</strong><ul>{lines}</ul>{rows}{more}</div>"


def count_values(values: pd.Series[Any]) -> str:
    """Return the most frequent values with their numbers, at most 12, in words; empty for none.

    >>> import pandas as pd
    >>> count_values(pd.Series(["deer", "deer", None, "tiger"]))
    'deer 2, tiger 1'
    """
    counts = values.value_counts()
    more = [f"{len(counts) - MAX_ROWS} more"] if len(counts) > MAX_ROWS else []
    return ", ".join([f"{name} {n}" for name, n in counts.head(MAX_ROWS).items()] + more)
