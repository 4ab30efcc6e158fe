"""The verb that writes the page of results: report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leopardnet.cli.console import app, progress_bar, say
from leopardnet.cli.options import (
    BundleOption,
    Deployments,
    FootageRoot,
    Language,
    ManifestOption,
    People,
    PredictionsPath,
    read_moved,
    read_places,
)
from leopardnet.cli.printing.next_step import name_labels, say_next
from leopardnet.core.errors import ManifestError
from leopardnet.core.language import translate, translate_message

if TYPE_CHECKING:
    import pandas as pd

    from leopardnet.bundle.bundle import Bundle
    from leopardnet.core.manifest import Manifest
    from leopardnet.core.predictions import Predictions
    from leopardnet.metrics.evaluation import Evaluation


Labels = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        metavar="FILE",
        help="labels.sqlite of `leopardnet review`, or its folder: shows what people said of each clip. Figures "
        "then count labels of the random audit alone. Needs --manifest or --root.",
    ),
]
Pictures = Annotated[
    int | None,
    typer.Option(
        "--pictures",
        min=0,
        help="The most pictures, of the first clips to review. [default: all that fit, or as --settings]",
    ),
]
Attention = Annotated[
    bool,
    typer.Option(
        "--attention",
        help="Show where the frames of the worst mistakes speak for a label: a hint, not a proof. Needs --bundle, "
        "labels and torch.",
    ),
]
SettingsFile = Annotated[
    Path | None,
    typer.Option(
        "--settings",
        help="From how many clips on they are in files beside it: a copy of configs/report/paging.yaml.",
    ),
]


@app.command()
def report(
    predictions: PredictionsPath,
    out: Annotated[Path, typer.Option("--out", help="HTML file to write.")] = Path("report.html"),
    manifest: ManifestOption = None,
    bundle: BundleOption = None,
    run: Annotated[Path | None, typer.Option("--run", help="Folder of the training run, for its curve.")] = None,
    labels: Labels = None,
    deployments: Deployments = None,
    root: FootageRoot = None,
    title: Annotated[str | None, typer.Option("--title", help="Heading of the page.")] = None,
    pictures: Pictures = None,
    people: People = False,
    attention: Attention = False,
    settings_file: SettingsFile = None,
    language: Language = None,
) -> None:
    """Write one self-contained HTML page: the clips to check first, every clip, and figures where labels exist.

    A page of more than 10,000 clips has the folder report_files beside it, which belongs to it: copy both together.
    Pictures and figures need --manifest; --root alone takes pictures from that folder. --bundle adds a description
    of the model, --deployments what their periods and places say of the cameras.

    Example: leopardnet report results/ --root /media/card/DCIM --out report.html
    """
    from leopardnet.bundle.bundle import load_bundle
    from leopardnet.bundle.run_history import read_history
    from leopardnet.core.predictions import Predictions
    from leopardnet.data.human_labels.label_views import label_manifest, labels_by_clip
    from leopardnet.report.paging.paging_settings import load_paging
    from leopardnet.report.summarise import summarise

    paging, table = load_paging(settings_file), Predictions.read(predictions)
    rows = _open_footage(table, manifest, root)
    model, judges, said, of_sounds, words = load_bundle(bundle) if bundle else None, rows, None, None, None
    if labels is not None:
        if rows is None:
            raise typer.BadParameter("needs --manifest or --root", param_hint="--labels")
        said, of_sounds, words = _read_labels(labels)
        rows = label_manifest(rows, labels_by_clip(said))
    elif rows is not None:
        _note_labels(predictions, manifest)
    evaluation, notices = _evaluate(table, judges, said, model) if judges is not None else (None, [])
    is_new = not out.exists()
    if attention and (evaluation is None or model is None):
        raise typer.BadParameter("needs --bundle, and --manifest or --labels with labels", param_hint="--attention")
    with progress_bar("pictures") as on_progress:
        written = summarise(
            table,
            out,
            manifest=rows,
            deployments=read_places(deployments, None, None)[0],
            evaluation=evaluation,
            bundle=model,
            notices=notices,
            results=predictions if predictions.is_dir() else predictions.parent,
            said=None if said is None else labels_by_clip(said),
            said_of_sounds=of_sounds,
            history=read_history(run) if run else None,
            title=title,
            n_pictures=pictures,
            people=people,
            human_labels=words,
            attention=attention,
            paging=paging,
            on_progress=on_progress,
        )
    _say_written(written, is_new=is_new, has_folder=len(table) > paging.clips_in_one_file)
    if rows is not None:
        footage = ["--manifest", manifest] if manifest else []
        say_next("review", predictions, *footage, *(["--root", root] if root else []))


def _open_footage(predictions: Predictions, manifest: Path | None, root: Path | None) -> Manifest | None:
    from leopardnet.data.checks.match_files import has_any_file, refuse_other_root
    from leopardnet.infer.footage_source import open_source

    rows = read_moved(manifest, root) if manifest else open_source(root) if root else None
    if manifest is None and root is not None:
        refuse_other_root(predictions.table, root, name="the predictions")
    if rows is not None and not has_any_file(predictions.table, rows.root):
        if root is not None:
            raise ManifestError(
                "none of the clips is in this folder",
                where=root.name,
                found=f"no file such as {predictions.table['path'].iloc[0]}",
                todo="give the folder that the paths begin in, with --root",
            )
        say(
            "note: the footage is not there, so there are no pictures; connect its disk, or give its folder with "
            "--root"
        )
    return rows


def _say_written(written: Path, *, is_new: bool, has_folder: bool) -> None:
    from leopardnet.report.paging.clip_files import find_clip_folder

    say(f"written: {written}" if is_new else f"written over the one that was there: {written}")
    if has_folder:
        say(f"its clips are in the folder {find_clip_folder(written).name} beside it: copy both together")


def _note_labels(predictions: Path, manifest: Path | None) -> None:
    """Say so where people labelled the footage and nobody asked for what they said."""
    results = predictions if predictions.is_dir() else predictions.parent
    if given := name_labels(results, ["--manifest", manifest]):
        file = given[-1]
        say(f"note: people labelled this footage; --labels {file} shows what they said")


def _read_labels(source: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Return entries on clips and on sounds of a labels.sqlite, or of that in a folder, and all that was said."""
    from leopardnet.data.human_labels.label_file import LabelFile, find_label_file
    from leopardnet.data.human_labels.said_now import list_said
    from leopardnet.data.human_labels.sound_labels import SoundLabelFile

    path = find_label_file(source)
    with LabelFile(path, read_only=True) as file, SoundLabelFile(path, read_only=True) as heard:
        said, of_sounds = file.entries(), heard.entries()
    return said, of_sounds, list_said(said, of_sounds)


def _evaluate(
    predictions: Predictions, manifest: Manifest, said: pd.DataFrame | None, bundle: Bundle | None
) -> tuple[Evaluation | None, list[str]]:
    """Return figures by the manifest's labels, or by those of people who met clips in the audit, and notices.

    said: entries of a labels.sqlite.
    """
    from leopardnet.bundle.learned_from import mark_learned
    from leopardnet.evaluation.audit.judging_labels import NoAuditError, choose_judging_labels
    from leopardnet.evaluation.full_evaluation import evaluate
    from leopardnet.metrics.judges.label_choice import UNKNOWN_CHOICE
    from leopardnet.metrics.judges.taught_clips import NoJudgeError

    choice = UNKNOWN_CHOICE
    try:
        if said is not None:
            judges = choose_judging_labels(manifest, said)
            manifest, choice = judges.manifest, judges.choice
        if not manifest.clip_labels().index.isin(predictions.table["clip_id"]).any():
            return None, []
        judged = predictions if bundle is None else mark_learned(predictions, manifest, bundle)
        return evaluate(judged, manifest, choice=choice), []
    except (NoJudgeError, NoAuditError) as error:
        return None, [translate("There are no figures: {why}", why=translate_message(error.one_line))]
