"""The verbs that pass results on: export, sort."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from leopardnet.cli.console import app, print_json, print_rows, progress_bar, say
from leopardnet.cli.options import (
    BundleOption,
    DateFormat,
    Encoding,
    FootageRoot,
    Json,
    ManifestOption,
    People,
    PredictionsPath,
    TimeZone,
    open_manifest,
    read_footage,
    read_places,
)
from leopardnet.export.format_names import Format

if TYPE_CHECKING:
    from leopardnet.core.labels import LabelSet

Coordinates = Literal["rounded", "none", "exact"]


FormatOption = Annotated[
    Format | None,
    typer.Option("--format", help="Format; by default from the suffix, for csv, parquet, jsonl and xlsx."),
]
Corrections = Annotated[
    Path | None,
    typer.Option("--corrections", help="Table of human corrections: path or clip_id, label; also by, at, comment."),
]
Labels = Annotated[
    Path | None,
    typer.Option(
        "--labels",
        help="labels.sqlite of `leopardnet review`, or its folder: clips in which somebody saw or heard people are "
        "left out.",
    ),
]
Places = Annotated[
    Path | None, typer.Option("--deployments", help="Table with the coordinates of each deployment.")
]
StudyArea = Annotated[
    str | None,
    typer.Option(
        "--study-area",
        metavar="LAT,LON,METRES",
        help="Area of cameras without coordinates, such as 43.0,131.4,40000.",
    ),
]
CoordinatesOption = Annotated[
    Coordinates, typer.Option("--coordinates", help="rounded to one decimal (about 10 km), none, or exact.")
]
Credit = Annotated[bool, typer.Option("--credit", help="Include the names of people who made corrections.")]
Pseudonyms = Annotated[
    Path | None,
    typer.Option(
        "--pseudonyms",
        metavar="KEYFILE",
        help="Replace the names of folders, sites and deployments, with a key that stays with you.",
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column", metavar="LABEL=FIELD", help="timelapse: a data label of your template, and the field for it."
    ),
]
Bom = Annotated[bool, typer.Option("--bom", help="csv: a byte-order mark, by which Excel recognises UTF-8.")]
EventGap = Annotated[
    float,
    typer.Option("--gap-minutes", min=0.0, help="camtrap-dp: clips closer than this are one event; 0: no events."),
]


@app.command()
def export(
    predictions: PredictionsPath,
    out: Annotated[
        Path,
        typer.Option("--out", help="File to write; a folder or a .zip for camtrap-dp, a folder for yolo and voc."),
    ],
    format: FormatOption = None,
    manifest: ManifestOption = None,
    bundle: BundleOption = None,
    corrections: Corrections = None,
    time_zone: TimeZone = None,
    deployments: Places = None,
    encoding: Encoding = None,
    date_format: DateFormat = None,
    study_area: StudyArea = None,
    coordinates: CoordinatesOption = "rounded",
    people: People = False,
    credit: Credit = False,
    pseudonyms: Pseudonyms = None,
    column: Columns = None,
    bom: Bom = False,
    gap_minutes: EventGap = 30.0,
    json_: Json = False,
) -> None:
    """Write predictions for other programs: spreadsheets, Timelapse, AddaxAI, R, GBIF, COCO, YOLO and Pascal VOC.

    It is private by default: no clips of people, rounded coordinates, files not public, relative paths only.
    --bundle adds the scientific names of its labels.

    Example: leopardnet export results/predictions.parquet --format megadetector --out cards/leopardnet.json
    """
    from leopardnet.core.predictions import Predictions
    from leopardnet.export.corrections import read_corrections
    from leopardnet.export.write_results import find_format, write

    kind, is_new = find_format(out, format), not out.exists()
    places, notes = read_places(deployments, encoding, date_format)
    written = write(
        Predictions.read(predictions),
        out,
        format=kind,
        manifest=open_manifest(manifest) if manifest else None,
        labels=_read_labels(bundle),
        corrections=read_corrections(corrections, encoding=encoding) if corrections else None,
        time_zone=time_zone,
        deployments=places,
        study_area=_parse_study_area(study_area),
        coordinates=coordinates,
        include_people=people,
        credit=credit,
        pseudonyms=pseudonyms,
        columns=_parse_columns(column),
        bom=bom,
        gap_minutes=gap_minutes or None,
    )
    for note in (notes := (*notes, *written.notes)):
        say(f"note: {note}")
    _say_alarm(predictions)
    for reason, n in written.reasons.items():
        say(f"left out: {n} ({reason})")
    n_rows, n_left_out = written.n_rows, written.n_left_out
    if is_new:
        say(f"written: {out.name} ({kind}, rows: {n_rows}, left out: {n_left_out})")
    else:
        say(f"written over the one that was there: {out.name} ({kind}, rows: {n_rows}, left out: {n_left_out})")
    if kind in ("csv", "xlsx") and corrections is None:
        say(f"corrections: add a column `label` to {out.name}, and give it to `export` with --corrections")
    if json_:
        counts = {"n_rows": written.n_rows, "n_left_out": written.n_left_out, "reasons": dict(written.reasons)}
        print_json({"out": out.as_posix(), "format": kind, **counts, "notes": list(notes)})


@app.command()
def sort(
    predictions: PredictionsPath,
    out: Annotated[Path, typer.Option("--out", help="New folder, outside the footage.")],
    root: FootageRoot = None,
    manifest: ManifestOption = None,
    labels: Labels = None,
    people: People = False,
    copy: Annotated[
        bool, typer.Option("--copy", help="Copy the files; without it, only show what would be done.")
    ] = False,
    json_: Json = False,
) -> None:
    """Copy clips into folders by decision. Nothing is moved or overwritten; without --copy nothing is written.

    Example: leopardnet sort results/ --root cards/ --out sorted/ --copy
    """
    from leopardnet.core.predictions import Predictions
    from leopardnet.data.human_labels.label_file import find_label_file
    from leopardnet.export.corrections import read_corrections
    from leopardnet.export.sort_copies import copy_files, plan_copies

    table = Predictions.read(predictions)
    rows = read_footage(table, manifest, root)
    said = read_corrections(find_label_file(labels)) if labels else None
    copies = plan_copies(table, rows, out, said=said, include_people=people)
    n_copied = 0
    if copy:
        with progress_bar("copying") as on_progress:
            n_copied = copy_files(copies, on_progress=on_progress)
    _say_alarm(predictions)
    for reason, n in copies.reasons.items():
        say(f"not copied: {n} ({reason})")
    folders, n_bytes = copies.folders, copies.n_bytes
    if json_:
        counts = {"copied": n_copied, "folders": folders, "n_bytes": n_bytes, "not_copied": dict(copies.reasons)}
        print_json({"out": out.as_posix(), **counts})
    else:
        title = "Copied" if copy else "Would be copied"
        print_rows([{"folder": k, "files": n} for k, n in folders.items()], title=title)
    size = f"{n_bytes / 1e6:.1f} MB"
    if copy:
        say(f"files copied to {out.name}: {n_copied}, {size}")
    else:
        say(f"nothing was written; files to copy: {len(copies.copies)}, {size}; --copy copies them to {out.name}")


def _say_alarm(predictions: Path) -> None:
    """Repeat an alarm of the watch on a promise: what leaves here may be archived unseen elsewhere."""
    from leopardnet.infer.prediction_tables import read_watch

    watch = read_watch(predictions if predictions.is_dir() else predictions.parent)
    if watch is not None and watch.get("alarm"):
        say(f"note: {watch.get('says')}")


def _read_labels(bundle: Path | None) -> LabelSet | None:
    from leopardnet.bundle.bundle import load_bundle

    return load_bundle(bundle).labels if bundle else None


def _parse_study_area(text: str | None) -> tuple[float, float, float] | None:
    if text is None:
        return None
    try:
        lat, lon, radius_m = (float(v) for v in text.split(","))
    except ValueError:
        raise typer.BadParameter(
            "give three numbers, such as 43.0,131.4,40000", param_hint="--study-area"
        ) from None
    return lat, lon, radius_m


def _parse_columns(texts: list[str] | None) -> dict[str, str] | None:
    pairs = [c.partition("=") for c in texts or ()]
    if any(not (label and sign and field) for label, sign, field in pairs):
        raise typer.BadParameter("write DataLabel=field, such as Species=decision", param_hint="--column")
    return {label: field for label, _, field in pairs} or None
