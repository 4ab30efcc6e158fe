"""The verbs that hand results on: export, sort."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from leopardnet.cli.console import JsonFlag, app, print_json, print_rows, progress_bar, say
from leopardnet.core.errors import ConfigError
from leopardnet.core.manifest import Manifest

if TYPE_CHECKING:
    from leopardnet.core.labels import LabelSet

Source = Annotated[Path, typer.Argument(help="predictions.parquet or .csv, or the folder that holds it.")]
FormatName = Literal[
    "csv", "parquet", "jsonl", "xlsx", "megadetector", "camtrap-dp", "coco", "yolo", "voc", "timelapse"
]
Coordinates = Literal["rounded", "none", "exact"]
ManifestOption = Annotated[
    Path | None,
    typer.Option("--manifest", help="The manifest of the footage: deployment, zone, bursts, human labels."),
]
People = Annotated[bool, typer.Option("--people", help="Take in clips that show people or vehicles.")]


@app.command()
def export(
    predictions: Source,
    out: Annotated[
        Path, typer.Option("--out", help="The file; a folder or a .zip for camtrap-dp, a folder for yolo and voc.")
    ],
    format: Annotated[
        FormatName | None,
        typer.Option(
            "--format", help="What the other program reads; told by the suffix for csv, parquet, jsonl, xlsx."
        ),
    ] = None,
    manifest: ManifestOption = None,
    bundle: Annotated[
        Path | None, typer.Option("--bundle", help="The model, for scientific names of labels of your own.")
    ] = None,
    corrections: Annotated[
        Path | None,
        typer.Option(
            "--corrections", help="CSV of what people said: path or clip_id, label; also by, at, comment."
        ),
    ] = None,
    time_zone: Annotated[
        str | None,
        typer.Option("--time-zone", metavar="ZONE", help="Of times without one, such as Asia/Vladivostok."),
    ] = None,
    deployments: Annotated[
        Path | None, typer.Option("--deployments", help="Table with the place of each deployment.")
    ] = None,
    study_area: Annotated[
        str | None,
        typer.Option(
            "--study-area", metavar="LAT,LON,METRES", help="For cameras without a place, such as 43.0,131.4,40000."
        ),
    ] = None,
    coordinates: Annotated[
        Coordinates, typer.Option("--coordinates", help="rounded to one decimal (about 10 km), none, or exact.")
    ] = "rounded",
    people: People = False,
    credit: Annotated[bool, typer.Option("--credit", help="Name the people who corrected.")] = False,
    pseudonyms: Annotated[
        Path | None,
        typer.Option(
            "--pseudonyms",
            metavar="KEYFILE",
            help="Other names for folders, sites and deployments, by a key that stays with you.",
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column", metavar="LABEL=FIELD", help="timelapse: a data label of your template and what fills it."
        ),
    ] = None,
    bom: Annotated[bool, typer.Option("--bom", help="csv: a byte-order mark, by which Excel tells UTF-8.")] = False,
    gap_minutes: Annotated[
        float,
        typer.Option(
            "--gap-minutes", min=0.0, help="camtrap-dp: clips closer than this are one event; 0 for no events."
        ),
    ] = 30.0,
    json_: JsonFlag = False,
) -> None:
    """Write predictions for another program: spreadsheets, Timelapse, AddaxAI, R, GBIF, COCO, YOLO and Pascal VOC tools.

    Private unless you say otherwise: no clips of people, rounded coordinates, files not public, relative paths only.

    Example: leopardnet export results/predictions.parquet --format megadetector --out cards/leopardnet.json
    """
    from leopardnet.core.predictions import Predictions
    from leopardnet.export.write_results import find_format, write

    kind = find_format(out, format)
    written = write(
        Predictions.read(predictions),
        out,
        format=kind,
        manifest=Manifest.read(manifest) if manifest else None,
        labels=_labels_of(bundle),
        corrections=corrections,
        time_zone=time_zone,
        deployments=deployments,
        study_area=_study_area(study_area),
        coordinates=coordinates,
        include_people=people,
        credit=credit,
        pseudonyms=pseudonyms,
        columns=_columns(column),
        bom=bom,
        gap_minutes=gap_minutes or None,
    )
    for note in written.notes:
        say(f"note: {note}")
    for reason, n in written.reasons.items():
        say(f"left out: {n} ({reason})")
    say(f"written: {out.name} ({kind}, {written.n_rows} rows, {written.n_left_out} left out)")
    if json_:
        print_json(
            {
                "out": out.as_posix(),
                "format": kind,
                "n_rows": written.n_rows,
                "n_left_out": written.n_left_out,
                "reasons": dict(written.reasons),
                "notes": list(written.notes),
            }
        )


@app.command()
def sort(
    predictions: Source,
    out: Annotated[Path, typer.Option("--out", help="The new folder, beside the footage.")],
    root: Annotated[Path | None, typer.Option("--root", help="Folder that paths are relative to.")] = None,
    manifest: ManifestOption = None,
    people: People = False,
    copy: Annotated[
        bool, typer.Option("--copy", help="Really copy; without it, only what would be done is shown.")
    ] = False,
    json_: JsonFlag = False,
) -> None:
    """Copy clips into folders by decision. Nothing is moved, changed or overwritten; without --copy nothing is written.

    Example: leopardnet sort results/ --root cards/ --out sorted/ --copy
    """
    from leopardnet.core.predictions import Predictions
    from leopardnet.export.sort_copies import copy_files, plan_copies

    said = Predictions.read(predictions)
    if manifest is None and root is None:
        raise ConfigError(
            "where the clips are is not known",
            expected="--root or --manifest",
            todo="give the folder that the paths of the predictions are relative to",
        )
    rows = Manifest.read(manifest, root=root) if manifest else _footage_of(said, root or Path())
    made = plan_copies(said, rows, out, include_people=people)
    if copy:
        with progress_bar("copying") as tell:
            n_copied = copy_files(made, on_progress=tell)
    for reason, n in made.reasons.items():
        say(f"not copied: {n} ({reason})")
    if json_:
        print_json(
            {
                "out": out.as_posix(),
                "copied": n_copied if copy else 0,
                "folders": made.folders,
                "n_bytes": made.n_bytes,
                "not_copied": dict(made.reasons),
            }
        )
    else:
        print_rows(
            [{"folder": k, "files": n} for k, n in made.folders.items()],
            title="Copied" if copy else "Would be copied",
        )
    if copy:
        say(f"copied: {n_copied} files, {made.n_bytes / 1e6:.1f} MB, to {out.name}")
    else:
        say(
            f"nothing was written: {len(made.copies)} files, {made.n_bytes / 1e6:.1f} MB; add --copy to copy them to {out.name}"
        )


def _footage_of(said: object, root: Path) -> Manifest:
    from leopardnet.core.predictions import Predictions

    assert isinstance(said, Predictions)
    t = said.table[["path", "kind", "site", "captured_at"]]
    t = t.assign(kind=t["kind"].replace("burst", "still"))
    return Manifest.from_rows(t, root)


def _labels_of(bundle: Path | None) -> LabelSet | None:
    from leopardnet.bundle.bundle import load_bundle

    return load_bundle(bundle).labels if bundle else None


def _study_area(given: str | None) -> tuple[float, float, float] | None:
    if given is None:
        return None
    try:
        lat, lon, radius_m = (float(v) for v in given.split(","))
    except ValueError:
        raise typer.BadParameter(
            "give three numbers, such as 43.0,131.4,40000", param_hint="--study-area"
        ) from None
    return lat, lon, radius_m


def _columns(given: list[str] | None) -> dict[str, str] | None:
    pairs = [c.partition("=") for c in given or ()]
    if any(not (label and sign and field) for label, sign, field in pairs):
        raise typer.BadParameter("write DataLabel=field, such as Species=decision", param_hint="--column")
    return {label: field for label, _, field in pairs} or None
