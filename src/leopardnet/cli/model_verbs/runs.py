"""`leopardnet runs`: training runs beside each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leopardnet.cli.console import app, out, print_json, print_rows, say
from leopardnet.cli.options import Json
from leopardnet.core.language import translate


@app.command(rich_help_panel="Model")
def runs(
    folder: Annotated[Path, typer.Argument(help="Folder that holds run folders, such as runs/.")],
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the table as a page, too.")
    ] = None,
    json_: Json = False,
) -> None:
    """List training runs with their figures and the settings in which they differ, the best first.

    Example: leopardnet runs runs/ --html runs.html
    """
    from leopardnet.training.runs.compare_runs import compare_runs
    from leopardnet.training.runs.runs_page import write_runs_page

    if json_:
        table = compare_runs(folder)
        print_json(table.astype(object).where(table.notna(), None).to_dict("records"))
    else:
        print_runs(folder)
    if html is not None:
        say(f"written: {write_runs_page(compare_runs(folder), html)}")


def print_runs(folder: Path) -> None:
    """Print the table of the runs in a folder, and what its figures are."""
    from leopardnet.training.runs.compare_runs import compare_runs
    from leopardnet.training.runs.show_runs import join_settings, show_runs

    table = compare_runs(folder)
    about, settings = show_runs(table)
    rows = [a | s for a, s in zip(about, settings, strict=True)]
    if sum(max(len(str(x)) for x in (name, *(row[name] for row in rows))) + 2 for name in rows[0]) > out.width:
        heading = translate("settings")
        print_rows([a | {heading: text} for a, text in zip(about, join_settings(settings), strict=True)])
        say("settings: of the first run all in which runs differ, of the others those that are not as in the first")
    else:
        print_rows(rows)
    say("each figure is that of the chosen epoch on the clips that chose it: for an order, not for a claim")
    if table["footage"].nunique() > 1:
        say("runs with another letter under footage were judged on other clips; do not compare them")
