"""The verb that runs the whole job on rendered footage: demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leopardnet.cli.console import app, err, say, stages
from leopardnet.cli.printing.print_evaluation import print_evaluation
from leopardnet.cli.printing.print_predictions import print_predictions
from leopardnet.cli.train import require_train_extra


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for footage, model, results and report.")] = Path(
        "runs/demo"
    ),
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes that render footage.")] = 2,
) -> None:
    """Run the whole job on rendered footage: render, scan, split, train, classify unseen sites, evaluate, report.

    It takes a few minutes on two cores, and needs no data, no network and no graphics processor.

    Example: leopardnet demo --out runs/demo
    """
    with require_train_extra():
        import leopardnet.training.pack.pack  # noqa: F401 - it fails now rather than after a minute of rendering
        from leopardnet.demo_job import NOTICE
        from leopardnet.demo_job import demo as run_demo
    with stages() as on_progress:
        made = run_demo(out, n_workers=workers, on_progress=on_progress)
    print_predictions(made.predictions.table)
    print_evaluation(made.evaluation)
    err.print(NOTICE, style="bold yellow")
    say(f"report: {made.report}\nbundle: {out / 'run' / 'bundle'}")
