"""`leopardnet train`: from labelled footage to a model."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leopardnet.cli.console import EXIT_FINDINGS, app, is_first_process, print_json, print_rows, say, stages
from leopardnet.cli.model_verbs.sweep import pass_finished, run_sweep
from leopardnet.cli.model_verbs.train_extra import require_train_extra
from leopardnet.cli.options import Detector, Json, MovedRoot, read_moved
from leopardnet.cli.stop_signal import explain_training
from leopardnet.core.errors import ConfigError
from leopardnet.core.language import translate_message

if TYPE_CHECKING:
    from leopardnet.bundle.bundle import Bundle
    from leopardnet.core.manifest import Manifest
    from leopardnet.core.settings.training import TrainConfig
    from leopardnet.training.runs.run import Run
    from leopardnet.training.start.beginning import Beginning

PeopleLabels = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="labels.sqlite of `leopardnet review`, or its folder: what people said stands above the manifest. "
        "Clips of the random audit are kept out of training, and judge the model.",
    ),
]
TrainOnAudit = Annotated[
    bool, typer.Option("--train-on-audit", help="With --labels: train on the clips of the audit, too.")
]
SiteFrom = Annotated[
    str | None,
    typer.Option(
        "--site-from",
        metavar="PATTERN",
        help="With a folder: where its paths name the site, such as {ignore}/{site}/*. [default: a level of "
        "folders that stand under several labels]",
    ),
]
GoesOnFrom = Annotated[
    Path | None, typer.Option("--from", help="Bundle of your own to go on from, with its labels and new ones.")
]

Cache = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="DIR",
        help="Folder of decoded frames and features, which runs share. [default: in your cache folder]",
    ),
]
Shards = Annotated[
    Path | None,
    typer.Option(
        "--shards",
        metavar="DIR",
        help="Folder of `leopardnet shards` with the frames of the manifest: no footage is opened.",
    ),
]
Multirun = Annotated[
    bool,
    typer.Option(
        "-m", "--multirun", help="A run for each combination of values, such as optim.lr=1e-3,1e-4, in OUT/VALUES."
    ),
]

# How the runs of `--multirun` are started: none of them fails because it was finished before.
KeepFinished = Annotated[
    bool, typer.Option("--keep-finished", hidden=True, help="Keep a run that was finished before; it is no error.")
]


@app.command()
def train(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="MANIFEST|FOLDER", help="Manifest with labels, or a folder with one subfolder per label."
        ),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="[key=value …]", help="Settings, such as experiment=real_dev optim.epochs=8."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Run folder; the model is written to OUT/bundle.")] = Path(
        "runs/latest"
    ),
    root: MovedRoot = None,
    site_from: SiteFrom = None,
    detector: Detector = "",
    labels: PeopleLabels = None,
    train_on_audit: TrainOnAudit = False,
    start: GoesOnFrom = None,
    cache: Cache = None,
    shards: Shards = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Delete the run in OUT, finished or not.")] = False,
    multirun: Multirun = False,
    json_: Json = False,
    keep_finished: KeepFinished = False,
) -> None:
    """Fine-tune a backbone on labelled frames and pack the result as a bundle.

    The model is evaluated on the split val, or by cross-validation over sites where there is none.

    The exit code is 3 if files could not be read in full; skipped.csv in OUT lists them.

    An interrupted run continues when the same command is given again. (Sounds: `leopardnet sounds train`.)

    Example: leopardnet train pictures/ --out runs/first

    Example: leopardnet train manifest.parquet --out runs/amur model=lite0 optim.epochs=5

    Example: leopardnet train season.parquet --labels results/ --from runs/amur/bundle --out runs/amur2

    Example: leopardnet train manifest.parquet --out runs/rates -m optim.lr=1e-3,1e-4
    """
    if multirun:
        files = {"--root": root, "--labels": labels, "--from": start, "--cache": cache, "--shards": shards}
        options = _repeat_options({**files, "--site-from": site_from, "--detector": detector})
        options += ["--train-on-audit"] * train_on_audit + ["--overwrite"] * overwrite
        return run_sweep(source, overrides or [], out, options)
    with require_train_extra():
        from leopardnet.training.pack.pack import train_bundle
        from leopardnet.training.start.beginning import Beginning
    _check_source(source, root, labels, site_from=site_from, train_on_audit=train_on_audit)
    beginning = Beginning(bundle=None if start is None else _load_start(start))
    if labels is not None:
        rows, judges = _join_people(source, root, labels, train_on_audit=train_on_audit)
        beginning = replace(beginning, judges=judges)
    else:
        rows = _read_folder(source, site_from) if source.is_dir() else read_moved(source, root)
    config = _compose_config(list(overrides or []), source, labels, beginning, detector)
    frames = {"cache": cache, "shards": shards}
    with explain_training(out, overwrite=overwrite), pass_finished(keep_finished), stages() as on_progress:
        run = train_bundle(
            rows, config, out=out, **frames, overwrite=overwrite, beginning=beginning, on_progress=on_progress
        )
    if is_first_process():
        _print_run(run, out, as_json=json_)
        if labels is not None and not json_:
            _point_to_sounds(labels)
        _exit_if_unread(out)


def _compose_config(
    settings: list[str], source: Path, labels: Path | None, beginning: Beginning, detector: str
) -> TrainConfig:
    """Return the settings of the run. Raises ConfigError for independent labels of folders."""
    from leopardnet.compose import load_config

    if source.is_dir() or labels is not None or beginning.bundle is not None:
        settings = _add_labels(settings)
    config = beginning.adopt_network(load_config("train", settings), settings)
    if source.is_dir() and labels is None and config.labels.multi:
        raise ConfigError(
            "folders give each picture one label",
            where="labels.multi",
            found=f"true, for the folder {source.name}",
            expected="a manifest, in which a clip may have several labels",
            todo="import a table of labels (`leopardnet import csv --help`), or leave labels.multi out",
        )
    if detector:
        from leopardnet.detect.detector import choose_detector

        return config.model_copy(update={"detector": choose_detector(detector, config.detector)})
    return config


def _repeat_options(given: Mapping[str, object]) -> list[str]:
    """Return the options that were given, as they stand on a command line."""
    return [text for name, value in given.items() if value for text in (name, str(value))]


def _check_source(
    source: Path, root: Path | None, labels: Path | None, *, site_from: str | None, train_on_audit: bool
) -> None:
    """Raise BadParameter for options that do not go together."""
    if root is not None and source.is_dir():
        raise typer.BadParameter("goes with a manifest; a folder is its own root", param_hint="--root")
    if site_from is not None and (labels is not None or not source.is_dir()):
        raise typer.BadParameter("goes with a folder whose subfolders are labels", param_hint="--site-from")
    if train_on_audit and labels is None:
        raise typer.BadParameter("goes with --labels", param_hint="--train-on-audit")


def _load_start(folder: Path) -> Bundle:
    from leopardnet.bundle.bundle import load_bundle

    return load_bundle(folder)


def _join_people(
    source: Path, root: Path | None, labels: Path, *, train_on_audit: bool
) -> tuple[Manifest, Mapping[str, float]]:
    """Return a manifest with the labels of people, and the clips that only judge; print how many there are.

    A folder is its manifest.parquet, as `leopardnet review` makes one, or else all footage in it: its subfolders
    are no labels here.
    """
    from leopardnet.evaluation.audit.training_labels import read_training_labels
    from leopardnet.infer.footage_source import open_source

    if (source / "manifest.parquet").is_file():
        source = source / "manifest.parquet"
    rows = open_source(source) if source.is_dir() else read_moved(source, root)
    found = read_training_labels(rows, labels, train_on_audit=train_on_audit)
    for note in found.notes:
        say(note)
    return found.manifest, found.judges


def _read_folder(folder: Path, site_from: str | None) -> Manifest:
    """Return a manifest of a folder with one subfolder per label, and print what is in it."""
    from leopardnet.data.formats.folders import read_labelled_folder

    found = read_labelled_folder(folder, site_from=site_from)
    counts = found.manifest.table["label"].value_counts()
    say("labels from folder names: " + ", ".join(f"{name} {n}" for name, n in counts.items()))
    for note in found.notes:
        say(f"note: {note}")
    return found.manifest


def _print_run(run: Run, out: Path, *, as_json: bool) -> None:
    from leopardnet.training.rank_epochs import explain_choice
    from leopardnet.training.run_folder import count_unread, list_scarcities
    from leopardnet.training.runs.run import read_state

    bundle = out / "bundle"
    n_unread = count_unread(out)
    if as_json:
        said = {"best": run.best, "history": run.history, "n_unread": n_unread}
        print_json({"run": str(out), "bundle": str(bundle), **said})
        return
    is_new = run.config.optim.mode == "probe" or not (read_state(out) or {}).get("goes_on_from")
    first = "the probe" if is_new else "as it was"
    for sentence in _read_results(bundle):
        say(f"{translate_message(sentence)}.")
    titles = {"train_loss": "train loss", "val_macro_f1": "val macro-F1", "val_nll": "val NLL"}
    print_rows(
        [
            {
                "epoch": int(r["epoch"]) or first,
                **{title: "–" if math.isnan(r[key]) else r[key] for key, title in titles.items()},
            }
            for r in run.history
        ],
        title=("The probe and epochs of fine-tuning" if is_new else "As it was, and epochs of fine-tuning")
        if len(run.history) > 1
        else "",
    )
    start = first if is_new else "the model that it goes on from"
    say(explain_choice(run.history, int(run.best["epoch"]), start=start))
    if how := (read_state(out) or {}).get("judged_on"):
        say(f"figures: {how}")
    for scarcity in list_scarcities(out):
        say(f"note: {scarcity}")
    if n_unread:
        say(
            f"files that could not be read in full: {n_unread}; what is missing was not trained on; reasons: "
            f"{out / 'skipped.csv'}"
        )
    say(f"bundle: {bundle}  (model card: {bundle / 'card.md'})")
    say(f"next:   leopardnet predict CLIPS --bundle {bundle} --out results/")


def _exit_if_unread(out: Path) -> None:
    """End with 3 where files could not be read in full; not under torchrun, to which that is a broken process."""
    from leopardnet.training.run_folder import count_unread

    if count_unread(out) and os.environ.get("WORLD_SIZE", "1") == "1":
        raise typer.Exit(EXIT_FINDINGS)


def _point_to_sounds(labels: Path) -> None:
    """Print how labels of sounds are used, where people gave any: they teach this model nothing."""
    from leopardnet.data.human_labels.label_file import find_label_file
    from leopardnet.data.human_labels.sound_labels import SoundLabelFile, last_said

    with SoundLabelFile(find_label_file(labels), read_only=True) as file:
        if not last_said(file.entries()).empty:
            say(f"sounds: leopardnet sounds train RESULTS --labels {labels} --root CARDS --out calls.json")


def _read_results(bundle: Path) -> list[str]:
    """Return what the card of a bundle says was named, taken away and lost; nothing where it says nothing."""
    try:
        return list(json.loads((bundle / "card.json").read_text("utf-8")).get("says", []))
    except (OSError, ValueError):
        return []


def _add_labels(overrides: list[str]) -> list[str]:
    """Return the overrides, with `labels=from_data` where they choose no labels."""
    has_labels = any(x.lstrip("+").startswith(("labels=", "experiment=")) for x in overrides)
    return overrides if has_labels else ["labels=from_data", *overrides]
