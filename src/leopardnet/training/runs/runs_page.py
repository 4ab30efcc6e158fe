"""The page of several runs: one file that needs no network."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from leopardnet.core.language import localise_decimals
from leopardnet.core.tables import atomic_path
from leopardnet.pages.environment import environment, read_style
from leopardnet.training.runs.show_runs import name_figures, show_runs


def write_runs_page(runs: pd.DataFrame, path: Path) -> Path:
    """Write the table of `compare_runs` as a page, and return its path.

    >>> ln.write_runs_page(ln.compare_runs("runs"), Path("runs.html"))  # doctest: +SKIP
    """
    about, settings = show_runs(runs)
    figures = name_figures()
    rows = [
        {name: localise_decimals(text) if name in figures else text for name, text in (a | s).items()}
        for a, s in zip(about, settings, strict=True)
    ]
    css = read_style("shared", "report")
    has_footage = runs["footage"].nunique() > 1
    page = environment().get_template("runs.html.j2").render(css=css, rows=rows, has_footage=has_footage)
    with atomic_path(Path(path)) as part:
        part.write_text(page, "utf-8")
    return Path(path)
