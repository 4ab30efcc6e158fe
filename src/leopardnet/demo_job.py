"""The whole workflow on rendered footage, as an example of how to use leopardnet from Python."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from leopardnet.bundle.bundle import load_bundle
from leopardnet.compose import load_config
from leopardnet.core.errors import BundleError
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile
from leopardnet.data.human_labels.label_views import labels_for_models
from leopardnet.data.scan.scan import scan
from leopardnet.data.splits.split import split
from leopardnet.evaluation.full_evaluation import evaluate
from leopardnet.evaluation.write_evaluation import write_evaluation
from leopardnet.hunt.embed import embed
from leopardnet.hunt.make_bundle import make_bundle
from leopardnet.infer.predict_footage import predict
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.report.summarise import summarise
from leopardnet.synth import FootageSpec, render_footage

if TYPE_CHECKING:
    from leopardnet.training.runs.run import Run

NOTICE = (
    "This footage was rendered by a program. The figures show that the software works; "
    "they say nothing about how well it classifies real animals."
)
# Twelve sites with small frames: two cores render them and train on them in a few minutes.
FOOTAGE = FootageSpec(
    n_sites=12,
    clips_per_site=8,
    stills_per_site=4,
    width_px=512,
    height_px=288,
    duration_s=(3.0, 5.0),
    width_fraction=(0.12, 0.85),
)
# Enough to try every step of a fresh installation in about a minute.
SHORT = FootageSpec(
    n_sites=4,
    clips_per_site=4,
    stills_per_site=2,
    width_px=320,
    height_px=180,
    duration_s=(1.5, 2.5),
    width_fraction=(0.2, 0.85),
)


@dataclass(frozen=True, eq=False)
class Demo:
    """The results of the demo; `report` is the path of the HTML page."""

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
    """Render footage, train on some of its sites, classify the clips of others, and evaluate and report the result.

    Everything is written to the folder `out`. overrides: settings of the training, as on the command line.
    n_workers: processes that render. on_progress(stage, n_done, n_total) is called as the work goes on.
    """
    manifest, run = train_demo_model(
        out, spec=spec, overrides=overrides, n_workers=n_workers, on_progress=on_progress
    )
    bundle = load_bundle(out / "run" / "bundle")

    # 4. Classify the clips of sites that the model has never seen.
    test_clips = manifest.where(split="test")
    predictions = predict(test_clips, bundle, on_progress=_name_stage(on_progress, "classifying unseen sites"))
    predictions.write(out / "results")

    # 5. Evaluate and report.
    evaluation = evaluate(predictions, test_clips)
    write_evaluation(evaluation, out / "evaluation")
    report = summarise(
        predictions,
        out / "report.html",
        manifest=manifest,
        evaluation=evaluation,
        bundle=bundle,
        history=list(run.history),
        title="leopardnet demo: rendered footage",
        on_progress=_name_stage(on_progress, "writing the report"),
    )
    return Demo(predictions, evaluation, run, report)


@dataclass(frozen=True, eq=False)
class ShortDemo:
    """The results of the short demo; `bundle` is the folder of its model, `report` the path of the HTML page."""

    predictions: Predictions
    bundle: Path
    report: Path


def short_demo(
    out: Path, *, spec: FootageSpec = SHORT, n_workers: int = 2, on_progress: Callable[..., None]
) -> ShortDemo:
    """Render a little footage, label all sites but one, make a model of the labels as the review page does, and
    classify and report everything. It needs no torch.

    Arguments as of `demo`. Raises BundleError where `out` holds a finished demo already.
    """
    if (out / "report.html").exists():
        raise BundleError(
            "this folder holds a demo already", where=out, todo="give another one with --out, or delete it"
        )
    footage = out / "footage"
    render_footage(footage, spec, n_workers=n_workers, on_progress=_name_stage(on_progress, "rendering footage"))
    manifest = add_labels(scan(footage, pattern="{site}/{deployment}/*"), footage)
    clips = manifest.replace(manifest.table[manifest.table["kind"] != "frame"])
    clips.write(out / "manifest.parquet")
    with LabelFile(out / "labels.sqlite") as file:
        for row in clips.table[clips.table["site"] != clips.table["site"].max()].to_dict("records"):
            said = {"clip_id": row["clip_id"], "path": row["path"], "labels": [row["label"]]}
            file.add(LabelEntry(key=row["clip_id"], by="demo", queue="all", **said))
        entries = file.entries()
    store = embed(clips, out, on_progress=_name_stage(on_progress, "looking at frames"))
    if not (out / "bundle").exists():  # else that of a demo that was stopped
        labels = labels_for_models(entries)
        # a program said what it drew: nobody reviewed anything
        make_bundle(store, clips, labels, out / "bundle", name="short demo", targets=("leopard",), in_review=False)
    bundle = load_bundle(out / "bundle")
    predictions = predict(clips, bundle, on_progress=_name_stage(on_progress, "classifying"))
    predictions.write(out / "results")
    report = summarise(predictions, out / "report.html", manifest=clips, bundle=bundle)
    return ShortDemo(predictions, out / "bundle", report)


def train_demo_model(
    out: Path,
    *,
    spec: FootageSpec = FOOTAGE,
    overrides: tuple[str, ...] = ("experiment=demo",),
    n_workers: int = 2,
    on_progress: Callable[..., None],
) -> tuple[Manifest, Run]:
    """Render footage and train a model on some of its sites: the first three steps of `demo`, with its arguments.

    Returns the manifest with its split, and the run; its bundle is `out/run/bundle`.
    """
    from leopardnet.training.pack.pack import train_bundle

    # 1. Footage and labels. For your own footage, begin with `scan`, or import the labels that you have.
    footage = out / "footage"
    render_footage(footage, spec, n_workers=n_workers, on_progress=_name_stage(on_progress, "rendering footage"))
    manifest = add_labels(scan(footage, pattern="{site}/{deployment}/*"), footage)

    # 2. Split by site. Clips of one camera resemble each other: a random split would flatter the model.
    manifest = split(manifest, by="site", fractions=(0.5, 0.25, 0.25), seed=7)
    manifest.write(out / "manifest.parquet")

    # 3. Train. The bundle holds all that is needed to classify clips.
    config = load_config("train", overrides)
    run = train_bundle(manifest, config, out=out / "run", overwrite=True, on_progress=on_progress)
    return manifest, run


def add_labels(manifest: Manifest, footage: Path) -> Manifest:
    """Return the manifest of rendered footage with the label of each clip and of each frame of a video.

    The labels are read from `clips.csv` and `frames.csv`, which `render_footage` wrote to the folder `footage`.

    >>> manifest = ln.add_labels(ln.scan("footage"), Path("footage"))  # doctest: +SKIP
    """
    clips = pd.read_csv(footage / "clips.csv", dtype=str, keep_default_na=False, na_values=[""]).set_index("path")
    table = manifest.table.assign(label=manifest.table["path"].map(clips["label"]), label_source="human")
    frames = pd.read_csv(footage / "frames.csv", usecols=["path", "time_s", "label"])
    videos = table[table["kind"] == "video"].drop(columns=["time_s", "label", "kind"])
    frames = frames.merge(videos, on="path").assign(kind="frame")
    return manifest.replace(pd.concat([table, frames], ignore_index=True))


def _name_stage(on_progress: Callable[..., None], stage: str) -> Callable[[int, int], None]:
    return lambda n_done, n_total: on_progress(stage, n_done, n_total)
