"""The verb that writes the page of results: report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leopardnet.cli.console import app, progress_bar, say
from leopardnet.cli.options import (
    BundleOption,
    FootageRoot,
    Language,
    ManifestOption,
    People,
    PredictionsPath,
    read_moved,
)
from leopardnet.core.predictions import Predictions


@app.command()
def report(
    predictions: PredictionsPath,
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")] = Path("report.html"),
    manifest: ManifestOption = None,
    bundle: BundleOption = None,
    run: Annotated[Path | None, typer.Option("--run", help="Folder of the training run, for its curve.")] = None,
    root: FootageRoot = None,
    title: Annotated[str | None, typer.Option("--title", help="Heading of the page.")] = None,
    pictures: Annotated[
        int | None, typer.Option("--pictures", min=0, help="The most pictures on the page. [default: all that fit]")
    ] = None,
    people: People = False,
    language: Language = None,
) -> None:
    """Write one self-contained HTML page: the clips to check first, every clip, and figures where labels exist.

    Pictures and figures need --manifest; --root alone takes pictures from that folder. --bundle adds a description
    of the model.

    Example: leopardnet report results/ --root /media/card/DCIM --out report.html
    """
    from leopardnet.bundle.bundle import load_bundle
    from leopardnet.bundle.learned_from import mark_learned
    from leopardnet.bundle.run_history import read_history
    from leopardnet.data.checks.match_files import refuse_other_root
    from leopardnet.evaluation.full_evaluation import evaluate as run_evaluate
    from leopardnet.infer.footage_source import open_source
    from leopardnet.metrics.judges.taught_clips import NoJudgeError
    from leopardnet.report.summarise import summarise

    table = Predictions.read(predictions)
    rows = read_moved(manifest, root) if manifest else open_source(root) if root else None
    if manifest is None and root is not None:
        refuse_other_root(table.table, root, name="the predictions")
    labels = rows.clip_labels() if rows is not None else None
    has_truth = labels is not None and labels.index.isin(table.table["clip_id"]).any()
    evaluation, notices, model = None, [], load_bundle(bundle) if bundle else None
    if rows is not None and has_truth:
        judged = table if model is None else mark_learned(table, rows, model)
        try:
            evaluation = run_evaluate(judged, rows)
        except NoJudgeError as error:
            notices.append(f"There are no figures: {error.one_line}")
    with progress_bar("pictures") as on_progress:
        path = summarise(
            table,
            out,
            manifest=rows,
            evaluation=evaluation,
            bundle=model,
            notices=notices,
            results=predictions if predictions.is_dir() else predictions.parent,
            history=read_history(run) if run else None,
            title=title,
            n_pictures=pictures,
            people=people,
            on_progress=on_progress,
        )
    say(f"written: {path}")
