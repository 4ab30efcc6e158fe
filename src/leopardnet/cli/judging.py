"""The verbs that judge a model and set it right: evaluate, events, calibrate, thresholds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from leopardnet.cli.console import EXIT_FINDINGS, JsonFlag, app, print_json, print_rows, say, stages
from leopardnet.core.manifest import Manifest
from leopardnet.core.types import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from leopardnet.infer.evaluation import Protocol
    from leopardnet.score.evaluation import Evaluation

FEW_SITES = 10  # a bootstrap over fewer groups knows too little of how sites differ
Predictions = Annotated[Path, typer.Argument(help="predictions.parquet or .csv, or the folder that holds it.")]
Labels = Annotated[Path, typer.Option("--manifest", help="Manifest with the true labels.")]
Root = Annotated[
    Path | None, typer.Option("--root", help="Folder that the manifest's paths are relative to, if it has moved.")
]
Minutes = Annotated[float, typer.Option("--gap-minutes", help="Clips this far apart or more are separate events.")]
Mode = Annotated[
    Literal["chained", "fixed"],
    typer.Option("--mode", help="An event ends so long after its last clip (chained), or after its first (fixed)."),
]
Losses = Annotated[
    list[str] | None,
    typer.Option(
        "--lose",
        metavar="LABEL=SHARE",
        help="Tolerable loss, e.g. leopard=0.01; 'animal' is whatever is not empty. May be repeated.",
    ),
]
Outside = Annotated[
    list[str] | None,
    typer.Option("--outside", help="A label in the manifest that the model was not taught. May be repeated."),
]
Confidence = Annotated[float, typer.Option("--confidence", help="How sure the promise must be.")]


@app.command()
def evaluate(
    predictions: Predictions,
    manifest: Labels,
    out: Annotated[Path, typer.Option("--out", help="Folder for metrics.json and tables.")],
    by: Annotated[
        list[str] | None,
        typer.Option("--by", help="Judge parts too: a column of the manifest, or site_known, daytime, month, light, box_size. May be repeated."),
    ] = None,
    outside: Outside = None,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="The model, for the temperature of its frames.")] = None,
    footage: Annotated[bool, typer.Option("--footage", help="Open the clips again and measure what moves: a baseline, and frames weighed by it.")] = False,
    root: Root = None,
    gap_minutes: Minutes = 30.0,
    mode: Mode = "chained",
    n_boot: Annotated[int, typer.Option("--n-boot", min=0, help="How often sites are drawn again for the intervals.")] = 1000,
    json_: JsonFlag = False,
) -> None:  # fmt: skip
    """Judge predictions against labels, per clip and event, with 95 % intervals from a bootstrap over sites.

    Beside the model stand ways to join the same frames otherwise, and baselines that it must beat.

    Example: leopardnet evaluate results/predictions.parquet --manifest manifest.parquet --out eval/

    Example: leopardnet evaluate results/ --manifest manifest.parquet --by site --by light --footage --out eval/
    """
    from leopardnet.infer import results
    from leopardnet.infer.bundle import load_bundle
    from leopardnet.infer.evaluation import protocol, write_evaluation

    said = results.Predictions.read(predictions)
    with stages() as tell:
        found = protocol(
            said, Manifest.read(manifest, root=root), by=by or (), outside=outside or (), footage=footage,
            calibration=load_bundle(bundle).spec.calibration if bundle else None,
            gap_minutes=gap_minutes, mode=mode, n_boot=n_boot, on_progress=tell,
        )  # fmt: skip
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
    """Join the clips of one site within half an hour to events. No clip is outvoted: an event lists all that was seen.

    Example: leopardnet events results/ --gap-minutes 60 --out events.csv
    """
    from leopardnet.core.tables import write_table
    from leopardnet.infer import results
    from leopardnet.score.events import events as join_events

    table = join_events(results.Predictions.read(predictions).table, gap_minutes=gap_minutes, mode=mode)
    write_table(table, out)
    counts = table["decision"].value_counts()
    if json_:
        print_json({"n_events": len(table), "n_clips": int(table["n_clips"].sum()), "decisions": counts.to_dict()})
        return
    print_rows(
        [{"decision": str(name), "events": int(n)} for name, n in counts.items()],
        title="Events", caption=f"{len(table)} events of {int(table['n_clips'].sum())} clips; {int(table['alert'].notna().sum())} with an alert",
    )  # fmt: skip
    say(f"written: {out}")


@app.command()
def calibrate(
    predictions: Predictions,
    manifest: Labels,
    bundle: Annotated[Path, typer.Option("--bundle", help="The model that made the predictions.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the new bundle; the old one stays as it is.")],
    lose: Losses = None,
    confidence: Confidence = 0.95,
    json_: JsonFlag = False,
) -> None:
    """Fit a model's temperature to your own labelled clips, with thresholds that keep a promise, as a new bundle.

    Clips from sites that the model was trained on are left out.

    Example: leopardnet calibrate results/ --manifest mine.parquet --bundle runs/amur/bundle --lose leopard=0.01 --out amur-mine
    """
    from leopardnet.infer import results
    from leopardnet.infer.bundle import load_bundle
    from leopardnet.infer.thresholds import recalibrate, with_judgement
    from leopardnet.infer.thresholds import thresholds as find_thresholds

    model, rows = load_bundle(bundle), Manifest.read(manifest)
    again = recalibrate(results.Predictions.read(predictions), rows, model)
    losses = _losses(lose) if lose else {}
    found = (
        find_thresholds(again.clips, rows, losses, confidence=confidence, decide=model.spec.decide)
        if losses
        else None
    )
    note = "; ".join([repr(again), *(map(str, found.promises) if found else [])]) + "."
    decide = found.decide if found else None
    new = with_judgement(model, out, calibration=again.calibration, decide=decide, note=note)
    if json_:
        print_json({"bundle_id": new.id, "calibration": again.calibration.to_dict(), "ece_before": again.before.to_dict(),
                    "ece_after": again.after.to_dict(), "thresholds": found.to_dict() if found else None})  # fmt: skip
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
    keep_names: Annotated[float | None, typer.Option("--keep-names", min=0.0, max=1.0, help="Name an animal only where it stands out among all animals, so that each known one keeps this share of its names, e.g. 0.95; others become 'animal'.")] = None,
    outside: Outside = None,
    bundle: Annotated[Path | None, typer.Option("--bundle", help="The model that made the predictions, for --new-bundle.")] = None,
    new_bundle: Annotated[Path | None, typer.Option("--new-bundle", help="Folder of a new bundle with these thresholds.")] = None,
    json_: JsonFlag = False,
) -> None:  # fmt: skip
    """Find thresholds that lose at most so many clips, or say how many labelled clips are missing to promise it.

    Exit code 3 where a promise cannot be kept: then its threshold stays as it was.

    Example: leopardnet thresholds results/ --manifest mine.parquet --lose leopard=0.01 --lose animal=0.05 --out thresholds.json
    """
    from leopardnet.core.tables import atomic_path
    from leopardnet.infer import results
    from leopardnet.infer.bundle import load_bundle
    from leopardnet.infer.thresholds import same_model, with_judgement
    from leopardnet.infer.thresholds import thresholds as find_thresholds

    if (bundle is None) != (new_bundle is None):
        raise typer.BadParameter("--bundle and --new-bundle go together", param_hint="--new-bundle")
    said, model = results.Predictions.read(predictions), load_bundle(bundle) if bundle else None
    if model is not None:
        same_model(said, model)
    decide = model.spec.decide if model is not None else None
    found = find_thresholds(
        said,
        Manifest.read(manifest),
        _losses(lose or []),
        confidence=confidence,
        keep_names=keep_names,
        outside=outside or (),
        decide=decide,
    )
    with atomic_path(out) as part:
        part.write_text(json.dumps(found.to_dict(), indent=2, ensure_ascii=False), "utf-8")
    if model is not None and new_bundle is not None:
        with_judgement(model, new_bundle, decide=found.decide, note=repr(found).replace("\n", "; ") + ".")
    if json_:
        print_json(found.to_dict())
    else:
        say(repr(found))
        say(f"written: {out}" + (f", {new_bundle}" if new_bundle else ""))
    if not found.is_kept:
        raise typer.Exit(EXIT_FINDINGS)


def _losses(given: list[str]) -> dict[str, float]:
    losses = {}
    for text in given:
        label, _, share = text.partition("=")
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
        + (f"; {e.n_sites} of them are too few to trust it." if e.n_sites < FEW_SITES else ".")
    )
    print_rows(rows, title="Per clip", caption=caption)


def print_comparisons(found: Protocol) -> None:
    """Print what stands beside the model: ways to aggregate, baselines, slices, and what could not be had."""
    named = {"Ways to join the same frames": found.aggregators, "Baselines to be beaten": found.baselines}
    named |= {f"By {name}": table for name, table in found.slices.items()}
    for title, table in named.items():
        if len(table):
            print_rows(_compared(table), title=title)
    if found.events is not None:
        say(f"events: {found.events.n_clips} judged, macro-F1 {found.events.macro_f1}")
    for recall, removed in found.clips.removed().items():
        say(f"empty clips that go while {recall:.0%} of the animals stay: {removed}")
    for note in found.notes:
        say(f"note: {note}")


def _compared(table: pd.DataFrame) -> list[dict[str, str]]:
    shown = [
        c for c in ("macro_f1", "behind", "top1", "presence_auroc", "removed_at_0.95", "ece") if c in table.columns
    ]
    titles = {
        "behind": "model ahead by",
        "presence_auroc": "animal AUROC",
        "removed_at_0.95": "empties gone at 0.95",
    }
    counts = ["n_clips"] if "n_clips" in table.columns else []
    return [
        {
            str(table.index.name): str(name),
            **{c: str(int(row[c])) for c in counts},
            **{titles.get(c, c): _with_interval(row, c) for c in shown},
        }
        for name, row in table.to_dict("index").items()
    ]


def _with_interval(row: dict[str, float], measure: str) -> str:
    value, low, high = row[measure], row[f"{measure}_low"], row[f"{measure}_high"]
    if value != value:
        return "–"
    return f"{value:.2f}" + ("" if low != low else f" [{low:.2f}, {high:.2f}]")
