"""The verbs that judge and show predictions: evaluate, report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leopardnet.cli.console import JsonFlag, app, print_json, print_rows, progress_bar, say
from leopardnet.core.manifest import Manifest

if TYPE_CHECKING:
    from leopardnet.score.metrics import Evaluation

FEW_SITES = 10  # a bootstrap over fewer groups understates what is not known
Predictions = Annotated[Path, typer.Argument(help="predictions.parquet or .csv, or the folder that holds it.")]
Root = Annotated[Path | None, typer.Option("--root", help="Folder that paths are relative to.")]


@app.command()
def evaluate(
    predictions: Predictions,
    manifest: Annotated[Path, typer.Option("--manifest", help="Manifest with the true labels.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for metrics.json and tables.")],
    json_: JsonFlag = False,
) -> None:
    """Judge predictions against labels, per clip, with 95 % intervals from a bootstrap over sites.

    Example: leopardnet evaluate results/predictions.parquet --manifest manifest.parquet --out eval/
    """
    from leopardnet.infer import results
    from leopardnet.infer.evaluation import evaluate as run_evaluate
    from leopardnet.infer.evaluation import write_evaluation

    said = results.Predictions.read(predictions)
    evaluation = run_evaluate(said, Manifest.read(manifest))
    write_evaluation(evaluation, out)
    if json_:
        print_json(evaluation.to_metrics_json())
    else:
        print_evaluation(evaluation)
        say(f"written: {out / 'metrics.json'}, per_label.csv, confusion.csv, decisions.csv, reliability.csv")


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
    from leopardnet.infer import results
    from leopardnet.infer.bundle import load_bundle
    from leopardnet.infer.evaluation import evaluate as run_evaluate
    from leopardnet.infer.predict import as_manifest
    from leopardnet.summary import read_history, summarise

    said = results.Predictions.read(predictions)
    rows = Manifest.read(manifest, root=root) if manifest else as_manifest(root) if root else None
    labels = rows.clip_labels() if rows is not None else None
    has_truth = labels is not None and labels.index.isin(said.table["clip_id"]).any()
    with progress_bar("pictures") as tell:
        path = summarise(
            said, out, manifest=rows, evaluation=run_evaluate(said, rows) if rows is not None and has_truth else None,
            bundle=load_bundle(bundle) if bundle else None, history=read_history(run) if run else None, title=title,
            n_pictures=pictures, people=people, on_progress=tell,
        )  # fmt: skip
    say(f"written: {path}")


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the figures of an Evaluation to stdout."""
    per_label = evaluation.per_label
    rows = [
        {
            "label": label,
            "clips": int(row["support"]),
            **{m: _with_interval(row, m) for m in ("precision", "recall", "f1", "auroc")},
        }
        for label, row in per_label.iterrows()
    ]
    e = evaluation
    caption = (
        f"{e.n_clips} clips at {e.n_sites} sites; macro-F1 {e.macro_f1}, top-1 {e.top1}, ECE {e.ece}, Brier {e.brier}. "
        + "Called empty by mistake: "
        + ", ".join(f"{n} of {int(per_label.loc[name, 'support'])} {name}" for name, n in e.target_lost.items())
        + ". In brackets: 95 % interval from a bootstrap over sites"
        + (f"; over only {e.n_sites} of them it is too narrow." if e.n_sites < FEW_SITES else ".")
    )
    print_rows(rows, title="Per clip", caption=caption)


def _with_interval(row: dict[str, float], measure: str) -> str:
    value, low, high = row[measure], row[f"{measure}_low"], row[f"{measure}_high"]
    if value != value:
        return "–"
    return f"{value:.2f}" + ("" if low != low else f" [{low:.2f}, {high:.2f}]")
