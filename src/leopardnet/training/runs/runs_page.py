"""The page of several runs: one file that needs no network."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from leopardnet.core.language import localise_decimals
from leopardnet.core.tables import atomic_path
from leopardnet.pages.environment import environment, read_style


def write_runs_page(runs: pd.DataFrame, path: Path) -> Path:
    """Write the table of `compare_runs` as a page, and return its path.

    >>> ln.write_runs_page(ln.compare_runs("runs"), Path("runs.html"))  # doctest: +SKIP
    """
    cells = [[_write_cell(value) for value in row] for row in runs.itertuples(index=False)]
    css = read_style("shared", "report")
    page = environment().get_template("runs.html.j2").render(css=css, columns=list(runs.columns), rows=cells)
    with atomic_path(Path(path)) as part:
        part.write_text(page, "utf-8")
    return Path(path)


def _write_cell(value: object) -> str:
    if value is None or value != value:
        return "–"
    return localise_decimals(f"{value:.4g}") if isinstance(value, float) else str(value)
