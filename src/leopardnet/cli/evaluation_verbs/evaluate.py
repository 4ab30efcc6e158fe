"""The verb that compares predictions with true labels: evaluate."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leopardnet.cli.console import app, print_json, say, stages
from leopardnet.cli.options import (
    BundleOption,
    EventMode,
    GapMinutes,
    HumanLabels,
    Json,
    LabelledManifest,
    LabelsAs,
    MovedRoot,
    Outside,
    PredictionsPath,
    read_judges,
)
from leopardnet.cli.printing.next_step import say_next
from leopardnet.cli.printing.print_evaluation import print_comparisons, print_evaluation

Out = Annotated[
    Path, typer.Option("--out", help="Folder for the results: metrics.json, and a table for each part.")
]
By = Annotated[
    list[str] | None,
    typer.Option(
        "--by",
        help="Evaluate parts of the clips too: by a column of the manifest such as site, or by site_known (was the "
        "site in training?), daytime, month, light (infrared or colour), box_size "
        "(of the animal, with a detector). May be repeated.",
    ),
]
Footage = Annotated[
    bool,
    typer.Option(
        "--footage",
        help="Open the clips again to measure motion, as a baseline and as a weight of frames. Slow; with --full.",
    ),
]
Full = Annotated[
    bool,
    typer.Option(
        "--full",
        help="Also compare the model with baselines and with other ways to aggregate frames, and print these "
        "tables, those of light and events, and more labels.",
    ),
]
Shortcuts = Annotated[
    int,
    typer.Option(
        "--shortcuts",
        min=0,
        metavar="N",
        help="Test whether the model uses the animal: classify N clips with an animal and N without again, with "
        "the banner swapped, the animal masked (where the manifest has boxes), frames shuffled, or re-encoded. "
        "Needs --bundle.",
    ),
]
WithTraining = Annotated[
    bool,
    typer.Option(
        "--include-training",
        help="Also count the clips that the model learned from, and their sites. The figures are then named so: "
        "they are not its accuracy at new sites.",
    ),
]
NBoot = Annotated[
    int,
    typer.Option(
        "--n-boot",
        min=0,
        help="Bootstrap samples over sites for the intervals; fewer is faster and rougher, 0 is none.",
    ),
]


@app.command()
def evaluate(
    predictions: PredictionsPath,
    manifest: LabelledManifest,
    out: Out,
    labels: HumanLabels = None,
    labels_as: LabelsAs = "audit",
    by: By = None,
    outside: Outside = None,
    bundle: BundleOption = None,
    full: Full = False,
    footage: Footage = False,
    shortcuts: Shortcuts = 0,
    include_training: WithTraining = False,
    root: MovedRoot = None,
    gap_minutes: GapMinutes = 30.0,
    mode: EventMode = "chained",
    n_boot: NBoot = 1000,
    json_: Json = False,
) -> None:
    """Compare predictions with true labels: may clips be archived unseen, what was said, and how sure is that?

    Clips that the model learned from, and their sites, are left out and counted. For a run with folds, give the run
    folder in place of the predictions: each clip then has the score of a network that had not seen its site.
    Every figure has a 95 % interval from a bootstrap over sites, because clips of one camera are alike.
    With --full, the model is compared with baselines and other aggregations of frames (exactly with --bundle).

    Example: leopardnet evaluate results/ --manifest manifest.parquet --out eval/

    Example: leopardnet evaluate results/ --manifest manifest.parquet --by site --by light --full --out eval/
    """
    from leopardnet.bundle.bundle import load_bundle
    from leopardnet.core.predictions import Predictions
    from leopardnet.evaluation.full_evaluation import evaluate_all
    from leopardnet.evaluation.write_evaluation import write_evaluation

    judges = read_judges(manifest, labels, labels_as, root=root)
    with stages() as on_progress:
        report = evaluate_all(
            Predictions.read(predictions),
            judges.manifest,
            choice=judges.choice,
            by=by or (),
            outside=outside or (),
            footage=footage,
            full=full or footage,
            bundle=load_bundle(bundle) if bundle else None,
            n_shortcuts=shortcuts,
            include_training=include_training,
            gap_minutes=gap_minutes,
            mode=mode,
            n_boot=n_boot,
            on_progress=on_progress,
        )
    write_evaluation(report, out)
    if json_:
        print_json(report.to_metrics_json())
        return
    print_evaluation(report.clips, full=full or footage)
    print_comparisons(report, full=full or footage)
    say(f"written: {out / 'metrics.json'} and a table for each part; docs/evaluate.md describes them")
    judged = ["--manifest", manifest, *(["--labels", labels] if labels else [])]
    say_next("report", predictions, *judged, "--out", out / "report.html")
    if report.clips.archive is not None:
        lose = report.clips.archive.question.split()
        say_next("thresholds", predictions, *judged, *lose, "--out", out / "thresholds.json")
