"""The verb that fits a model's probabilities to labelled clips: calibrate."""

from __future__ import annotations

import typer

from leopardnet.cli.console import EXIT_FINDINGS, app, print_json, say
from leopardnet.cli.options import (
    Bundle,
    BundleOut,
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


@app.command()
def calibrate(
    predictions: PredictionsPath,
    manifest: LabelledManifest,
    bundle: Bundle,
    out: BundleOut,
    labels: HumanLabels = None,
    labels_as: LabelsAs = "audit",
    lose: Lose = None,
    confidence: Confidence = 0.95,
    level: PromiseLevel = None,
    keep_names: KeepNames = None,
    outside: Outside = None,
    json_: Json = False,
) -> None:
    """Calibrate a model for your sites, so that 0.9 means nine in ten, and write the result as a new bundle.

    --bundle is the model that made the predictions; it stays as it is.
    One number, the temperature, is fitted to your labelled clips; the likeliest label stays the same. With
    independent labels (labels.multi), each also has a bias.
    With --lose or --keep-names, thresholds are found as well; exit code 3 where one cannot be guaranteed.
    Without --lose, what the model promised is promised again under the new temperature, or dropped with its
    threshold.
    Clips that the model learned from, and their sites, are left out.

    Example: leopardnet calibrate results/ --manifest m.parquet --bundle runs/amur/bundle --lose leopard=0.01 --out
    mine/
    """
    from leopardnet.bundle.bundle import load_bundle
    from leopardnet.bundle.derive import derive_bundle
    from leopardnet.bundle.promise_watch import describe_sites
    from leopardnet.core.predictions import Predictions
    from leopardnet.evaluation.recalibrate import recalibrate
    from leopardnet.evaluation.renew_thresholds import renew_thresholds

    losses = parse_losses(lose)
    refuse_biased_promise(labels_as, "--lose", is_given=bool(losses))
    model, judges = load_bundle(bundle), read_judges(manifest, labels, labels_as)
    table = Predictions.read(predictions)
    result = recalibrate(table, judges.manifest, model, outside=outside or (), choice=judges.choice)
    found = renew_thresholds(result, model, losses, confidence=confidence, level=level, keep_names=keep_names)
    left_out = "; ".join(filter(None, map(str, (judges.choice, result.clips.taught))))
    note = "; ".join(filter(None, [repr(result), found.note if found else left_out])) + "."
    # Of what was asked for all is given or nothing; of what the bundle promised before, what can be given.
    is_used = found is not None and (found.is_kept or not losses) and labels_as == "audit"
    promises = found.record_promises() if found and is_used else []
    new = derive_bundle(
        model,
        out,
        calibration=result.calibration,
        decide=found.decide if found and is_used else None,
        note=note,
        promises=promises,
        watch=describe_sites(table, result.clips, promises),
    )
    dropped = new.spec.provenance["judged_again"][-1].get("dropped", [])
    if json_:
        print_json(
            {
                "bundle_id": new.id,
                **result.to_dict(),
                "thresholds": found.to_dict() if found else None,
                "dropped": dropped,
            }
        )
    else:
        for text in filter(None, [repr(result), repr(found) if found else left_out, *dropped]):
            say(text)
        say(f"bundle: {out}  ({new.id})")
    if found and not found.is_kept:
        raise typer.Exit(EXIT_FINDINGS)
