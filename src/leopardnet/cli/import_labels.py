"""`leopardnet import`: labels and boxes that others made, from each format, into a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from leopardnet.cli.console import JsonFlag, app, print_json, progress_bar, say
from leopardnet.cli.dataset import check_table_name

imports = typer.Typer(
    no_args_is_help=True,
    help="Turn labels from another program or data set into a manifest.\n\n"
    "Example: leopardnet import coco labels.json --root footage --out manifest.parquet --label-map amur",
)
app.add_typer(imports, name="import", rich_help_panel="Data")

OnUnknown = Literal["refuse", "other"]
Root = Annotated[
    Path, typer.Option(exists=True, file_okay=False, help="Folder that the paths of the footage are relative to.")
]
Out = Annotated[Path, typer.Option(help="The manifest to write: .parquet or .csv.")]
LabelMapOption = Annotated[
    str | None,
    typer.Option(
        "--label-map",
        metavar="NAME|FILE",
        help="Names to labels: a YAML file, or a built-in map such as amur or ntlnp.",
    ),
]
OnUnknownOption = Annotated[OnUnknown, typer.Option("--on-unknown", help="What a name that the map lacks becomes.")]
SiteFrom = Annotated[
    str | None,
    typer.Option("--site-from", metavar="PATTERN", help="Sites from folders, such as '{site}/{deployment}/*'."),
]
TimeZone = Annotated[
    str | None,
    typer.Option("--time-zone", metavar="ZONE", help="Zone of the times, such as Asia/Vladivostok or +10:00."),
]


def _finish(imported: Any, out: Path, as_json: bool) -> None:
    """Write the manifest, and say what came in: a summary to stderr, with --json also a document to stdout."""
    manifest = imported.manifest
    manifest.write(out)
    counts = {k: int(v) for k, v in manifest.table["label"].value_counts().items()}
    labels = ", ".join(f"{k} {n}" for k, n in counts.items()) or "none"
    for note in imported.notes:
        say(f"note: {note}")
    n_clips, n_sites = manifest.table["clip_id"].nunique(), manifest.table["site"].nunique()
    say(f"{out.name}: {len(manifest)} rows, {n_clips} clips, {n_sites} sites; labels: {labels}")
    if as_json:
        print_json(
            {
                "out": out.as_posix(),
                "n_rows": len(manifest),
                "n_clips": n_clips,
                "n_sites": n_sites,
                "labels": counts,
                "notes": list(imported.notes),
            }
        )


def _rules(label_map: str | None, on_unknown: OnUnknown, site_from: str | None) -> dict[str, Any]:
    from leopardnet.data.reading.label_map import load_label_map

    if on_unknown == "other" and label_map is None:
        raise typer.BadParameter("other has no effect without --label-map", param_hint="--on-unknown")
    loaded = load_label_map(label_map) if label_map else None
    return {"label_map": loaded, "on_unknown": on_unknown, "site_from": site_from}


@imports.command("csv")
def import_csv(
    source: Annotated[Path, typer.Argument(help="The table.")],
    root: Root,
    out: Out,
    path: Annotated[str, typer.Option(help="Column of the file's path. The next options name columns, too.")],
    label: Annotated[str | None, typer.Option(help="Label.")] = None,
    species: Annotated[
        str | None, typer.Option(help="Name in the source; mapped where no label column is given.")
    ] = None,
    site: Annotated[str | None, typer.Option(help="Site.")] = None,
    deployment: Annotated[str | None, typer.Option(help="Deployment.")] = None,
    sequence: Annotated[str | None, typer.Option(help="Files of one trigger.")] = None,
    time_s: Annotated[
        str | None, typer.Option("--time-s", "--time", help="Of a frame of a video: its seconds.")
    ] = None,
    frame: Annotated[str | None, typer.Option(help="Of a frame of a video: its number, from 0.")] = None,
    captured_at: Annotated[str | None, typer.Option(help="Local time of the camera.")] = None,
    split: Annotated[str | None, typer.Option(help="train, val or test.")] = None,
    label_source: Annotated[str | None, typer.Option(help="human or machine.")] = None,
    boxes: Annotated[
        str | None, typer.Option(metavar="X0,Y0,X1,Y1", help="Four columns: left, top, right, bottom.")
    ] = None,
    box_unit: Annotated[Literal["px", "fraction"], typer.Option(help="What the boxes are measured in.")] = "px",
    time_zone: Annotated[
        str | None, typer.Option(help="Column of the zone, or one zone such as Asia/Vladivostok.")
    ] = None,
    time_format: Annotated[str | None, typer.Option(help="Form of the times, such as '%m/%d/%Y %H:%M'.")] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding; detected for UTF-8, UTF-16, GB 18030, cp1251 and cp1252.")
    ] = None,
    separator: Annotated[str | None, typer.Option(help="Separator; found by itself for , ; tab and |.")] = None,
    require_files: Annotated[
        bool, typer.Option("--require-files", help="Refuse rows whose file is not there.")
    ] = False,
    label_map: LabelMapOption = None,
    on_unknown: OnUnknownOption = "refuse",
    site_from: SiteFrom = None,
    json: JsonFlag = False,
) -> None:
    """A table with one row for each file, frame or box.

    Example: leopardnet import csv images.csv --root footage --path path --label label --site site --out manifest.parquet
    """
    from leopardnet.data.formats.csv_table import read_csv_table

    check_table_name(out)
    columns = {
        "path": path,
        "label": label,
        "species": species,
        "site": site,
        "deployment": deployment,
        "sequence_id": sequence,
        "time_s": time_s,
        "frame_number": frame,
        "captured_at": captured_at,
        "split": split,
        "label_source": label_source,
        **_corner_columns(boxes),
    }
    zone = None
    if time_zone is not None and captured_at is not None and _is_zone(time_zone):
        zone = time_zone
    elif time_zone is not None:
        columns["time_zone"] = time_zone
    imported = read_csv_table(
        source,
        root=root,
        columns={k: v for k, v in columns.items() if v is not None},
        time_zone=zone,
        time_format=time_format,
        box_unit=box_unit,
        encoding=encoding,
        separator=separator,
        require_files=require_files,
        **_rules(label_map, on_unknown, site_from),
    )
    _finish(imported, out, json)


def _corner_columns(boxes: str | None) -> dict[str, str]:
    if boxes is None:
        return {}
    names = [b.strip() for b in boxes.split(",")]
    if len(names) != 4 or not all(names):
        raise typer.BadParameter("name four columns, such as x0,y0,x1,y1", param_hint="--boxes")
    return dict(zip(("x0", "y0", "x1", "y1"), names, strict=True))


def _is_zone(text: str) -> bool:
    from leopardnet.core.errors import ManifestError
    from leopardnet.core.manifest import parse_time_zone

    try:
        parse_time_zone(text)
    except ManifestError:
        return False
    return True


@imports.command("coco")
def import_coco(
    source: Annotated[Path, typer.Argument(help="The JSON file.")],
    root: Root,
    out: Out,
    time_zone: TimeZone = None,
    label_map: LabelMapOption = None,
    on_unknown: OnUnknownOption = "refuse",
    site_from: SiteFrom = None,
    json: JsonFlag = False,
) -> None:
    """COCO Camera Traps JSON, as on LILA.

    Example: leopardnet import coco labels.json --root footage --out manifest.parquet --label-map amur --on-unknown other
    """
    from leopardnet.data.formats.coco import read_coco

    check_table_name(out)
    imported = read_coco(source, root=root, time_zone=time_zone, **_rules(label_map, on_unknown, site_from))
    _finish(imported, out, json)


@imports.command("camtrap-dp")
def import_camtrap_dp(
    source: Annotated[Path, typer.Argument(help="The package: a folder, a zip, or its datapackage.json.")],
    root: Root,
    out: Out,
    time_zone: TimeZone = None,
    label_map: LabelMapOption = None,
    on_unknown: OnUnknownOption = "refuse",
    site_from: SiteFrom = None,
    json: JsonFlag = False,
) -> None:
    """A Camtrap DP 1.0 package, as from Agouti, TRAPPER or AddaxAI.

    Example: leopardnet import camtrap-dp package.zip --root footage --out manifest.parquet --label-map amur
    """
    from leopardnet.data.formats.camtrap_dp.read import read_camtrap_dp

    check_table_name(out)
    imported = read_camtrap_dp(source, root=root, time_zone=time_zone, **_rules(label_map, on_unknown, site_from))
    _finish(imported, out, json)


@imports.command("voc")
def import_voc(
    source: Annotated[Path, typer.Argument(help="The folder of XML files; its sub-folders count, too.")],
    root: Root,
    out: Out,
    label_map: LabelMapOption = None,
    on_unknown: OnUnknownOption = "refuse",
    site_from: SiteFrom = None,
    json: JsonFlag = False,
) -> None:
    """Pascal VOC: one XML file for each picture, as in NTLNP.

    Example: leopardnet import voc NTLNP --root NTLNP --out manifest.parquet --label-map ntlnp
    """
    from leopardnet.data.formats.voc import read_voc

    check_table_name(out)
    rules = _rules(label_map, on_unknown, site_from)
    with progress_bar("reading XML") as on_progress:
        imported = read_voc(source, root=root, on_progress=on_progress, **rules)
    _finish(imported, out, json)


@imports.command("yolo")
def import_yolo(
    source: Annotated[Path, typer.Argument(help="data.yaml, or the folder that holds it.")],
    root: Root,
    out: Out,
    negatives: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="List of pictures without animals, one path a line."),
    ] = None,
    label_map: LabelMapOption = None,
    on_unknown: OnUnknownOption = "refuse",
    site_from: SiteFrom = None,
    json: JsonFlag = False,
) -> None:
    """YOLO: data.yaml with pictures and text files of boxes.

    Example: leopardnet import yolo data.yaml --root . --out manifest.parquet --negatives empty.txt --label-map amur
    """
    from leopardnet.data.formats.yolo import read_yolo

    check_table_name(out)
    imported = read_yolo(source, root=root, negatives=negatives, **_rules(label_map, on_unknown, site_from))
    _finish(imported, out, json)


@imports.command("folders")
def import_folders(
    source: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="The folder that holds one folder for each class.")
    ],
    out: Out,
    root: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Folder that paths are relative to; default: SOURCE."),
    ] = None,
    label_level: Annotated[
        int, typer.Option(help="Which folder is the label: 1 the top one, -1 the one that holds the file.")
    ] = 1,
    label_map: LabelMapOption = None,
    on_unknown: OnUnknownOption = "refuse",
    site_from: SiteFrom = None,
    json: JsonFlag = False,
) -> None:
    """Footage sorted into one folder for each class.

    Example: leopardnet import folders sorted --out manifest.parquet --label-map amur --site-from '{label}/{site}/*'
    """
    from leopardnet.data.formats.folders import read_folders

    check_table_name(out)
    imported = read_folders(source, root=root, label_level=label_level, **_rules(label_map, on_unknown, site_from))
    _finish(imported, out, json)


@imports.command("megadetector")
def import_megadetector(
    source: Annotated[Path, typer.Argument(help="The JSON file of results.")],
    root: Root,
    out: Out,
    into: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="Add the boxes to this manifest instead of making one of the results alone.",
        ),
    ] = None,
    min_score: Annotated[float, typer.Option(min=0.0, max=1.0, help="Leave out boxes under this score.")] = 0.0,
    min_classification: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Take classes of this probability or more as machine labels."),
    ] = None,
    label_map: LabelMapOption = None,
    on_unknown: OnUnknownOption = "refuse",
    site_from: SiteFrom = None,
    json: JsonFlag = False,
) -> None:
    """Boxes from MegaDetector: animal, person, vehicle; species only if it classified.

    Example: leopardnet import megadetector results.json --root footage --into manifest.parquet --out with_boxes.parquet
    """
    from leopardnet.core.manifest import Manifest
    from leopardnet.data.formats.megadetector.read import merge_boxes, read_megadetector
    from leopardnet.data.reading.to_manifest import ImportResult

    check_table_name(out)
    imported = read_megadetector(
        source,
        root=root,
        min_score=min_score,
        min_classification=min_classification,
        **_rules(label_map, on_unknown, site_from),
    )
    if into is not None:
        merged = merge_boxes(Manifest.read(into), imported.manifest)
        notes = [n for n in imported.notes if "without a label" not in n]
        imported = ImportResult(merged.manifest, (*notes, *merged.notes))
    _finish(imported, out, json)
