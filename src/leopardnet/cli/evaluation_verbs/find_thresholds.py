"""The verb that finds thresholds with a guarantee: thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leopardnet.cli.console import EXIT_FINDINGS, app, print_json, say
from leopardnet.cli.options import (
    BundleOption,
    Confidence,
    HumanLabels,
    Json,
    KeepNames,
    LabelledManifest,
    LabelsAs,
    Lose,
    Outside,
    PredictionsPath,
    PromiseLevel,
    parse_losses,
    read_judges,
    refuse_biased_promise,
)

if TYPE_CHECKING:
    from leopardnet.evaluation.thresholds import Thresholds


@app.command()
def thresholds(
    predictions: PredictionsPath,
    manifest: LabelledManifest,
    out: Annotated[Path, typer.Option("--out", help="File for the thresholds: .json.")],
    labels: HumanLabels = None,
    labels_as: LabelsAs = "audit",
    lose: Lose = None,
    confidence: Confidence = 0.95,
    level: PromiseLevel = None,
    keep_names: KeepNames = None,
    outside: Outside = None,
    bundle: BundleOption = None,
    new_bundle: Annotated[
        Path | None, typer.Option("--new-bundle", help="Folder for a copy of --bundle that uses these thresholds.")
    ] = None,
    json_: Json = False,
) -> None:
    """Find the thresholds below which clips may stay unseen, where only a given share of the animals may be lost.

    Where your labelled clips are too few for the guarantee, it reports how many are missing.
    The threshold then stays as it was, and the exit code is 3.
    Clips that the model learned from, and their sites, are left out. For a run with folds, give the run folder in
    place of the predictions: each clip then has the score of a network that had not seen its site.

    Example: leopardnet thresholds results/ --manifest m.parquet --lose leopard=0.01 --lose animal=0.05 --out t.json
    """
    from leopardnet.bundle.bundle import load_bundle
    from leopardnet.bundle.derive import derive_bundle
    from leopardnet.bundle.learned_from import mark_learned
    from leopardnet.bundle.promise_watch import describe_sites
    from leopardnet.core.predictions import Predictions
    from leopardnet.core.tables import write_json
    from leopardnet.evaluation.thresholds import find_thresholds
    from leopardnet.metrics.labelled_clips import LabelledClips

    if (bundle is None) != (new_bundle is None):
        raise typer.BadParameter("--bundle and --new-bundle go together", param_hint="--new-bundle")
    refuse_biased_promise(labels_as, "--new-bundle", is_given=new_bundle is not None)
    table, model = Predictions.read(predictions), load_bundle(bundle) if bundle else None
    if model is not None:
        table.require_model(model.id)
    judges = read_judges(manifest, labels, labels_as)
    rows, decide = judges.manifest, model.spec.decide if model is not None else None
    if model is not None:
        table = mark_learned(table, rows, model)
    clips = LabelledClips.of(table, rows, outside=outside or (), choice=judges.choice).leave_out_training_sites()
    found = find_thresholds(
        clips, parse_losses(lose), confidence=confidence, level=level, keep_names=keep_names, decide=decide
    )
    written = [out]
    if model is not None and new_bundle is not None and found.is_kept:
        derive_bundle(
            model,
            new_bundle,
            decide=found.decide,
            note=found.note + ".",
            promises=found.kept_promises,
            watch=describe_sites(table, clips, found.kept_promises),
        )
        written.append(new_bundle)
    write_json(found.to_dict(), out)
    if json_:
        print_json(found.to_dict())
    else:
        _print_found(found, written, new_bundle)
    if not found.is_kept:
        raise typer.Exit(EXIT_FINDINGS)


def _print_found(found: Thresholds, written: list[Path], new_bundle: Path | None) -> None:
    say(repr(found))
    say("written: " + ", ".join(map(str, written)))
    if not found.is_kept and new_bundle:
        say("no new bundle was written, because a guarantee cannot be given")
    if new_bundle in written:
        say(f"next:   leopardnet predict CLIPS --bundle {new_bundle} --out results/")
