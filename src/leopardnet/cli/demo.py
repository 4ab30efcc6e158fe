"""The verb that runs the whole job on rendered footage: demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from leopardnet.cli.console import app, err, print_rows, say, stages
from leopardnet.cli.model_verbs.train_extra import require_train_extra
from leopardnet.cli.printing.print_evaluation import print_evaluation
from leopardnet.cli.printing.print_predictions import print_predictions
from leopardnet.cli.stop_signal import explain_stop
from leopardnet.core.language import current_language


@app.command()
def demo(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", help="Folder for all that is written. [default: runs/demo, runs/story or runs/short]"
        ),
    ] = None,
    story: Annotated[
        bool, typer.Option("--story", help="A season with one new thing in it, from the cards to its dossier.")
    ] = False,
    short: Annotated[
        bool,
        typer.Option(
            "--short",
            help="A little footage in about a minute, without torch: render, scan, label, make a model, classify, "
            "report. Nothing is split or evaluated.",
        ),
    ] = False,
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", help="With --story: the model, such as that of the demo. [default: train one]"),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, help="Processes that render footage.")] = 2,
) -> None:
    """Run the whole job on rendered footage: render, scan, split, train, classify unseen sites, evaluate, report.

    It takes a few minutes on two cores, and needs no data, no network and no graphics processor. With --story, it
    finds a leopard where none was before: a season of eight cameras becomes records and a dossier, and everything
    that is found is compared with what was planted.

    Example: leopardnet demo --out runs/demo
    """
    if bundle is not None and not story:
        raise typer.BadParameter("is for --story", param_hint="--bundle")
    if short and story:
        raise typer.BadParameter("does not go with --story", param_hint="--short")
    out = out or Path("runs/short" if short else "runs/story" if story else "runs/demo")
    with explain_stop(f"what it wrote is in {out}", todo="the same command begins the demo anew"):
        if short:
            _show_briefly(out, workers)
        elif story:
            _tell_story(out, bundle, workers)
        else:
            _show_all(out, workers)


def _show_all(out: Path, workers: int) -> None:
    """Run the demo, and print what it classified and how well."""
    with require_train_extra():
        import leopardnet.training.pack.pack  # noqa: F401 - it fails now rather than after a minute of rendering
        from leopardnet.demo_job import NOTICE
        from leopardnet.demo_job import demo as run_demo
    with stages() as on_progress:
        made = run_demo(out, n_workers=workers, on_progress=on_progress)
    print_predictions(made.predictions.table)
    print_evaluation(made.evaluation)
    err.print(NOTICE, style="bold yellow")
    say(f"bundle: {out / 'run' / 'bundle'}\nopen in a browser: {made.report}")


def _show_briefly(out: Path, workers: int) -> None:
    """Run the short demo, and print what it classified."""
    from leopardnet.demo_job import NOTICE, short_demo

    with stages() as on_progress:
        made = short_demo(out, n_workers=workers, on_progress=on_progress)
    print_predictions(made.predictions.table)
    err.print(NOTICE, style="bold yellow")
    say(
        "every clip is `unsure`, whatever its probability: a model made from labels alone decides nothing, it "
        "ranks; `leopardnet thresholds` gives it a promise"
    )
    say(f"bundle: {made.bundle}\nopen in a browser: {made.report}")


def _tell_story(out: Path, bundle: Path | None, workers: int) -> None:
    """Run the story with the model of a bundle, or with one that is trained for it, and print what it found."""
    from leopardnet.bundle.bundle import load_bundle
    from leopardnet.demo_story.compare_with_truth import compare_with_truth
    from leopardnet.demo_story.tell_story import FINDINGS, PLACES, RECORDS, tell_story

    model = load_bundle(bundle) if bundle is not None else None  # it fails now rather than after the rendering
    with stages() as on_progress:
        if model is None:
            with require_train_extra():
                from leopardnet.demo_job import train_demo_model
            train_demo_model(out / "model", n_workers=workers, on_progress=on_progress)
            model = load_bundle(out / "model" / "run" / "bundle")
        story = tell_story(out, model, n_workers=workers, language=current_language(), on_progress=on_progress)
    rows: list[dict[str, Any]] = [
        {"what": x.what, "planted": x.planted, "found": x.found, "": "" if x.is_right else "differs"}
        for x in compare_with_truth(story)
    ]
    print_rows(rows, title="What was planted, and what was found")
    err.print(story.truth["notice"], style="bold yellow")
    for path in story.dossiers:
        say(f"dossier: {path}")
    folder = out / RECORDS
    say(f"places to visit: {folder / PLACES}\nfindings on records and cameras: {folder / FINDINGS}")
