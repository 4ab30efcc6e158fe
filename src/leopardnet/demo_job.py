"""The main job on rendered footage, from nothing to a report: what every verb does, in order, as a program."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from leopardnet.bundle.bundle import load_bundle
from leopardnet.compose import load_config
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.data.scan.scan import scan
from leopardnet.data.splits.split import split
from leopardnet.evaluation.full_evaluation import evaluate
from leopardnet.evaluation.write_evaluation import write_evaluation
from leopardnet.infer.predict_footage import predict
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.report.summarise import summarise
from leopardnet.synth import FootageSpec, render_footage

if TYPE_CHECKING:
    from leopardnet.training.training_run import Run

NOTICE = (
    "This footage was rendered by a program. The figures show that the machinery works; "
    "they support no claim about real animals."
)
# Twelve sites of small frames: as much as two cores can render and learn in a few minutes.
FOOTAGE = FootageSpec(
    n_sites=12,
    clips_per_site=8,
    stills_per_site=4,
    width_px=512,
    height_px=288,
    duration_s=(3.0, 5.0),
    width_fraction=(0.12, 0.85),
)


@dataclass(frozen=True, eq=False)
class Demo:
    """What the demo made."""

    predictions: Predictions
    evaluation: Evaluation
    run: Run
    report: Path


def demo(
    out: Path,
    *,
    spec: FootageSpec = FOOTAGE,
    overrides: tuple[str, ...] = ("experiment=demo",),
    n_workers: int = 2,
    on_progress: Callable[..., None],
) -> Demo:
    """Render, scan, label, split by site, train, pack, classify unseen sites, evaluate, report: all under `out`."""
    from leopardnet.training.pack.pack import train_bundle

    footage = out / "footage"
    render_footage(footage, spec, n_workers=n_workers, on_progress=_stage(on_progress, "rendering footage"))
    manifest = add_true_labels(scan(footage, pattern="{site}/{deployment}/*"), footage)
    manifest = split(manifest, by="site", fractions=(0.5, 0.25, 0.25), seed=7)
    manifest.write(out / "manifest.parquet")

    run = train_bundle(
        manifest, load_config("train", overrides), out=out / "run", overwrite=True, on_progress=on_progress
    )
    bundle = load_bundle(out / "run" / "bundle")
    unseen = manifest.where(split="test")
    predictions = predict(unseen, bundle, on_progress=_stage(on_progress, "classifying unseen sites"))
    predictions.write(out / "results")
    evaluation = evaluate(predictions, unseen)
    write_evaluation(evaluation, out / "evaluation")
    report = summarise(
        predictions,
        out / "report.html",
        manifest=manifest,
        evaluation=evaluation,
        bundle=bundle,
        history=list(run.history),
        notices=[NOTICE],
        title="leopardnet demo: rendered footage",
        on_progress=_stage(on_progress, "writing the report"),
    )
    return Demo(predictions, evaluation, run, report)


def add_true_labels(manifest: Manifest, footage: Path) -> Manifest:
    """The scanned clips with the true label of each, and beside them the labelled frames of every video."""
    clips = pd.read_csv(footage / "clips.csv", dtype=str, keep_default_na=False, na_values=[""]).set_index("path")
    table = manifest.table.assign(label=manifest.table["path"].map(clips["label"]), label_source="human")
    frames = pd.read_csv(footage / "frames.csv", usecols=["path", "time_s", "label"])
    frames = frames.merge(table[table["kind"] == "video"].drop(columns=["time_s", "label", "kind"]), on="path")
    return manifest.replace(pd.concat([table, frames.assign(kind="frame")], ignore_index=True))


def _stage(on_progress: Callable[..., None], what: str) -> Callable[[int, int], None]:
    return lambda n_done, n_total: on_progress(what, n_done, n_total)
