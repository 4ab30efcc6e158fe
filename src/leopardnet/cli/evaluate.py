"""The verbs that judge a model and set it right: evaluate, events, calibrate, thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from leopardnet.cli.console import EXIT_FINDINGS, JsonFlag, app, print_json, print_rows, say, stages
from leopardnet.cli.printing.print_evaluation import print_comparisons, print_evaluation
from leopardnet.core.errors import ConfigError
from leopardnet.core.manifest import Manifest

Predictions = Annotated[
    Path,
    typer.Argument(help="What `leopardnet predict` wrote: its folder, or the predictions.parquet or .csv in it."),
]
Labels = Annotated[Path, typer.Option("--manifest", help="Table of the clips (manifest) with their true labels.")]
Root = Annotated[
    Path | None,
    typer.Option("--root", help="Folder of the footage, if it has moved since the manifest was written."),
]
Minutes = Annotated[
    float, typer.Option("--gap-minutes", help="A clip this many minutes later, or more, begins a new event.")
]
Mode = Annotated[
    Literal["chained", "fixed"],
    typer.Option(
        "--mode",
        help="Later than the last clip of an event (chained: one long visit is one event), or than its first (fixed: it is several).",
    ),
]
Losses = Annotated[
    list[str] | None,
    typer.Option(
        "--lose",
        metavar="LABEL=SHARE",
        help="What share may be lost: leopard=0.01 is one leopard clip in a hundred, 'animal' any label but empty. May be repeated.",
    ),
]
KeepNames = Annotated[
    float | None,
    typer.Option(
        "--keep-names",
        min=0.0,
        max=1.0,
        help="Name an animal only where it stands out among all animals, so that each known one keeps this share of its names, e.g. 0.95; others become 'animal'.",
    ),
]
Confidence = Annotated[float, typer.Option("--confidence", help="How sure to be; 0.95: 19 of 20 promises hold.")]
Outside = Annotated[
    list[str] | None,
    typer.Option(
        "--outside",
        help="A species in the manifest that the model was never taught, such as wild_boar. May be repeated.",
    ),
]


@app.command()
def evaluate(
    predictions: Predictions,
    manifest: Labels,
    out: Annotated[
        Path, typer.Option("--out", help="Folder for what is found: metrics.json, and a table for each part.")
    ],
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            help="Judge parts of the clips too: by a column of the manifest such as site, or by site_known (had the model seen the site?), daytime, month, light (infrared or colour; opens the files), box_size (of the animal, where a detector was on). May be repeated.",
        ),
    ] = None,
    outside: Outside = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            "--bundle",
            help="Folder of the model that made the predictions; makes the comparison of ways to join frames exact.",
        ),
    ] = None,
    footage: Annotated[
        bool,
        typer.Option(
            "--footage",
            help="Open the clips again and measure what moves: as an answer without a model, and to weigh frames by it. Takes a while.",
        ),
    ] = False,
    shortcuts: Annotated[
        int,
        typer.Option(
            "--shortcuts",
            min=0,
            metavar="N",
            help="Does the model look at the animal? Judge N clips with one, and N without, again: banner swapped, animal masked (where the manifest has boxes), frames shuffled, re-encoded. Needs --bundle.",
        ),
    ] = 0,
    root: Root = None,
    gap_minutes: Minutes = 30.0,
    mode: Mode = "chained",
    n_boot: Annotated[
        int,
        typer.Option(
            "--n-boot",
            min=0,
            help="How often sites are drawn again for the intervals; fewer is faster and rougher, 0 leaves intervals out.",
        ),
    ] = 1000,
    json_: JsonFlag = False,
) -> None:
    """Hold predictions against true labels: what was found, what was lost, and how far these figures can be trusted.

    Take sites that the model was not trained on.
    Every figure has a 95 % interval from drawing whole sites again: clips of one camera are alike.
    Beside the model stand simpler answers that it must beat, and other ways to join a clip's frames.

    Example: leopardnet evaluate results/predictions.parquet --manifest manifest.parquet --out eval/

    Example: leopardnet evaluate results/ --manifest manifest.parquet --by site --by light --footage --out eval/
    """
    from leopardnet.bundle.bundle import load_bundle
    from leopardnet.evaluation.full_evaluation import evaluate_all
    from leopardnet.evaluation.write_evaluation import write_evaluation
    from leopardnet.infer import prediction_tables as results

    said = results.Predictions.read(predictions)
    with stages() as tell:
        found = evaluate_all(
            said,
            Manifest.read(manifest, root=root),
            by=by or (),
            outside=outside or (),
            footage=footage,
            bundle=load_bundle(bundle) if bundle else None,
            n_shortcuts=shortcuts,
            gap_minutes=gap_minutes,
            mode=mode,
            n_boot=n_boot,
            on_progress=tell,
        )
    write_evaluation(found, out)
    if json_:
        print_json(found.to_metrics_json())
        return
    print_evaluation(found.clips)
    print_comparisons(found)
    say(f"written: {out / 'metrics.json'} and a table for each part; docs/evaluate.md says what they hold")


@app.command()
def events(
    predictions: Predictions,
    out: Annotated[Path, typer.Option("--out", help="Table of events, .csv or .parquet.")],
    gap_minutes: Minutes = 30.0,
    mode: Mode = "chained",
    json_: JsonFlag = False,
) -> None:
    """Join clips of one site that follow each other within half an hour to events, that is, visits.

    No clip is outvoted: an event lists all that was seen in any of its clips.

    Example: leopardnet events results/ --gap-minutes 60 --out events.csv
    """
    from leopardnet.core.tables import write_table
    from leopardnet.infer import prediction_tables as results
    from leopardnet.score.events import events as join_events

    table = join_events(results.Predictions.read(predictions).table, gap_minutes=gap_minutes, mode=mode)
    write_table(table, out)
    counts = table["decision"].value_counts()
    if json_:
        print_json({"n_events": len(table), "n_clips": int(table["n_clips"].sum()), "decisions": counts.to_dict()})
        return
    print_rows(
        [{"decision": str(name), "events": int(n)} for name, n in counts.items()],
        title="Events",
        caption=f"{len(table)} events of {int(table['n_clips'].sum())} clips; {int(table['alert'].notna().sum())} with an alert",
    )
    say(f"written: {out}")


@app.command()
def calibrate(
    predictions: Predictions,
    manifest: Labels,
    bundle: Annotated[Path, typer.Option("--bundle", help="Folder of the model that made the predictions.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for the new model; the old one stays as it is.")],
    lose: Losses = None,
    confidence: Confidence = 0.95,
    keep_names: KeepNames = None,
    outside: Outside = None,
    json_: JsonFlag = False,
) -> None:
    """Set a model's probabilities right for your sites, so that 0.9 means nine in ten, and write it as a new model (bundle).

    One number, the temperature, is fitted to your labelled clips; the likeliest label stays as it was.
    With --lose or --keep-names, thresholds are found as well; exit code 3 where one cannot be promised.
    Clips from sites that the model was trained on are left out.

    Example: leopardnet calibrate results/ --manifest mine.parquet --bundle runs/amur/bundle --lose leopard=0.01 --out amur-mine
    """
    from leopardnet.bundle.bundle import load_bundle
    from leopardnet.bundle.derive import derive_bundle
    from leopardnet.evaluation.recalibrate import recalibrate
    from leopardnet.evaluation.thresholds import find_thresholds
    from leopardnet.infer import prediction_tables as results

    model, rows = load_bundle(bundle), Manifest.read(manifest)
    again = recalibrate(results.Predictions.read(predictions), rows, model, outside=outside or ())
    found = None
    if lose or keep_names is not None:
        found = find_thresholds(
            again.clips, _losses(lose or []), confidence=confidence, keep_names=keep_names, decide=model.spec.decide
        )
    note = "; ".join([repr(again), *([found.note] if found else [])]) + "."
    decide = found.decide if found and found.is_kept else None
    new = derive_bundle(model, out, calibration=again.calibration, decide=decide, note=note)
    if json_:
        print_json(
            {
                "bundle_id": new.id,
                "calibration": again.calibration.to_dict(),
                "ece_before": again.before.to_dict(),
                "ece_after": again.after.to_dict(),
                "thresholds": found.to_dict() if found else None,
            }
        )
    else:
        say(repr(again))
        if found:
            say(repr(found))
        say(f"model: {out}  ({new.id})")
    if found and not found.is_kept:
        raise typer.Exit(EXIT_FINDINGS)


@app.command()
def thresholds(
    predictions: Predictions,
    manifest: Labels,
    out: Annotated[Path, typer.Option("--out", help="File for the thresholds, .json.")],
    lose: Losses = None,
    confidence: Confidence = 0.95,
    keep_names: KeepNames = None,
    outside: Outside = None,
    bundle: Annotated[
        Path | None,
        typer.Option("--bundle", help="Folder of the model that made the predictions; goes with --new-bundle."),
    ] = None,
    new_bundle: Annotated[
        Path | None, typer.Option("--new-bundle", help="Folder for a copy of the model with these thresholds.")
    ] = None,
    json_: JsonFlag = False,
) -> None:
    """Find out which clips may go unseen, if only so many of the animals may be lost in them.

    Where your labelled clips are too few to promise it, you learn how many are missing.
    The threshold then stays as it was, and the exit code is 3.
    Clips from sites that the model was trained on are left out.

    Example: leopardnet thresholds results/ --manifest mine.parquet --lose leopard=0.01 --lose animal=0.05 --out thresholds.json
    """
    from leopardnet.bundle.bundle import load_bundle
    from leopardnet.bundle.derive import derive_bundle
    from leopardnet.core.tables import write_json
    from leopardnet.evaluation.recalibrate import require_same_model
    from leopardnet.evaluation.thresholds import find_thresholds
    from leopardnet.infer import prediction_tables as results
    from leopardnet.metrics.labelled_clips import LabelledClips

    if (bundle is None) != (new_bundle is None):
        raise typer.BadParameter("--bundle and --new-bundle go together", param_hint="--new-bundle")
    said, model = results.Predictions.read(predictions), load_bundle(bundle) if bundle else None
    if model is not None:
        require_same_model(said, model)
    decide = model.spec.decide if model is not None else None
    rows, losses = Manifest.read(manifest), _losses(lose or [])
    clips = LabelledClips.of(said, rows, outside=outside or ()).leave_out_training_sites(rows)
    found = find_thresholds(clips, losses, confidence=confidence, keep_names=keep_names, decide=decide)
    is_new = model is not None and new_bundle is not None and found.is_kept
    if is_new:
        derive_bundle(model, new_bundle, decide=found.decide, note=found.note + ".")
    write_json(found.to_dict(), out)
    if json_:
        print_json(found.to_dict())
    else:
        say(repr(found))
        say(f"written: {out}" + (f", {new_bundle}" if is_new else ""))
        if new_bundle and not is_new:
            say("no new model: a promise cannot be kept")
    if not found.is_kept:
        raise typer.Exit(EXIT_FINDINGS)


def _losses(given: list[str]) -> dict[str, float]:
    losses = {}
    for text in given:
        label, _, share = text.partition("=")
        if label in losses:
            raise ConfigError(
                "a label has two tolerable losses", where="--lose", found=text, todo="give each label once"
            )
        try:
            losses[label] = float(share)
        except ValueError:
            raise ConfigError(
                "this is not a tolerable loss",
                where="--lose",
                found=text,
                expected="LABEL=SHARE, for example leopard=0.01",
            ) from None
    return losses
