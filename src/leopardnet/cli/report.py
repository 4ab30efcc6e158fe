"""The verb that shows predictions: report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leopardnet.cli.console import app, progress_bar, say
from leopardnet.core.manifest import Manifest

Predictions = Annotated[Path, typer.Argument(help="predictions.parquet or .csv, or the folder that holds it.")]
Root = Annotated[Path | None, typer.Option("--root", help="Folder that paths are relative to.")]


@app.command()
def report(
    predictions: Predictions,
    out: Annotated[Path, typer.Option("--out", help="The HTML file.")] = Path("report.html"),
    manifest: Annotated[
        Path | None, typer.Option("--manifest", help="For pictures, and for figures where it has labels.")
    ] = None,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="The model, to describe it.")] = None,
    run: Annotated[Path | None, typer.Option("--run", help="The training run, for its curve.")] = None,
    root: Root = None,
    title: Annotated[str, typer.Option("--title", help="Heading of the page.")] = "Camera-trap report",
    pictures: Annotated[
        int | None, typer.Option("--pictures", min=0, help="At most so many pictures. [default: all that fit]")
    ] = None,
    people: Annotated[bool, typer.Option("--people", help="Show pictures of people and vehicles too.")] = False,
) -> None:
    """Write one self-contained HTML page: what to look at first, every clip, and figures where labels exist.

    `--root` alone, without `--manifest`, takes pictures from that folder.

    Example: leopardnet report results/ --root /media/card/DCIM --out report.html
    """
    from leopardnet.bundle.bundle import load_bundle
    from leopardnet.bundle.run_history import read_history
    from leopardnet.evaluation.full_evaluation import evaluate as run_evaluate
    from leopardnet.infer import prediction_tables as results
    from leopardnet.infer.footage_source import open_source
    from leopardnet.report.summarise import summarise

    said = results.Predictions.read(predictions)
    rows = Manifest.read(manifest, root=root) if manifest else open_source(root) if root else None
    labels = rows.clip_labels() if rows is not None else None
    has_truth = labels is not None and labels.index.isin(said.table["clip_id"]).any()
    with progress_bar("pictures") as tell:
        path = summarise(
            said,
            out,
            manifest=rows,
            evaluation=run_evaluate(said, rows) if rows is not None and has_truth else None,
            bundle=load_bundle(bundle) if bundle else None,
            history=read_history(run) if run else None,
            title=title,
            n_pictures=pictures,
            people=people,
            on_progress=tell,
        )
    say(f"written: {path}")
