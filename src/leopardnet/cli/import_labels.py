"""`leopardnet import`: labels and boxes from other programs, one verb per format, into a manifest."""

# Annotations are evaluated here, not postponed: those of `_add_verb` differ from format to format.

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from leopardnet.cli.console import app, print_json, progress_bar, say
from leopardnet.cli.dataset import check_table_name
from leopardnet.cli.options import ImportRoot, Json, LabelMap, ManifestOut, OnUnknown, SiteFrom, Strict, TimeZone
from leopardnet.cli.printing.import_problems import write_problems
from leopardnet.cli.printing.next_step import say_next

if TYPE_CHECKING:
    from leopardnet.data.reading.to_manifest import ImportResult

imports = typer.Typer(
    no_args_is_help=True,
    help="Turn labels from another program or data set into a manifest.\n\n"
    "Example: leopardnet import coco labels.json --root footage --out manifest.parquet --label-map amur",
)
app.add_typer(imports, name="import", rich_help_panel="Data")

READERS = {
    "csv": "csv_table:read_csv_table",
    "coco": "coco:read_coco",
    "camtrap-dp": "camtrap_dp.read:read_camtrap_dp",
    "voc": "voc:read_voc",
    "yolo": "yolo:read_yolo",
    "folders": "folders:read_folders",
    "megadetector": "megadetector.read:read_megadetector",
}
SAME_OPTIONS = {  # formats without options of their own: the help of the source and of the verb, and an example
    "coco": (
        "The JSON file.",
        "COCO Camera Traps JSON, as on LILA.",
        "labels.json --root footage --out manifest.parquet --label-map amur --on-unknown other",
    ),
    "camtrap-dp": (
        "The package: a folder, a zip, or its datapackage.json.",
        "A Camtrap DP 1.0 package, as from Agouti, TRAPPER or AddaxAI.",
        "package.zip --root footage --out manifest.parquet --label-map amur",
    ),
}


def _read(
    name: str,
    source: Path,
    label_map: str | None,
    on_unknown: Literal["refuse", "other"],
    site_from: str | None,
    **options: Any,
) -> "ImportResult":
    """Read a source with the reader of its format, under the rules that all formats share."""
    from leopardnet.data.reading.label_map import load_label_map

    if on_unknown == "other" and label_map is None:
        raise typer.BadParameter("other has no effect without --label-map", param_hint="--on-unknown")
    module, _, function = READERS[name].partition(":")
    reader: Callable[..., ImportResult] = getattr(
        importlib.import_module(f"leopardnet.data.formats.{module}"), function
    )
    names = load_label_map(label_map) if label_map else None
    return reader(source, label_map=names, on_unknown=on_unknown, site_from=site_from, **options)


def _write(imported: "ImportResult", out: Path, as_json: bool) -> None:
    """Write the manifest and print what it holds: a summary to stderr, with --json also a document to stdout."""
    manifest = imported.manifest
    manifest.write(out)
    counts = {str(k): int(v) for k, v in manifest.table["label"].value_counts().items()}
    labels = ", ".join(f"{k} {n}" for k, n in counts.items()) or "none"
    for note in imported.notes:
        say(f"note: {note}")
    n_rows, n_clips, n_sites = len(manifest), manifest.table["clip_id"].nunique(), manifest.table["site"].nunique()
    say(f"{out.name}: rows: {n_rows}, clips: {n_clips}, sites: {n_sites}; labels: {labels}")
    write_problems(imported.problems, out)
    if as_json:
        sizes = {"n_rows": n_rows, "n_clips": n_clips, "n_sites": n_sites, "n_problems": len(imported.problems)}
        print_json({"out": out.as_posix(), **sizes, "labels": counts, "notes": list(imported.notes)})
    say_next("check", out)


@imports.command("csv")
def import_csv(
    source: Annotated[Path, typer.Argument(help="The table.")],
    root: ImportRoot,
    out: ManifestOut,
    path: Annotated[
        str,
        typer.Option(
            help="Column with the path of the file, or folder/name of two. The next options name columns, too."
        ),
    ],
    label: Annotated[str | None, typer.Option(help="Label; several columns as leopard,tiger.")] = None,
    species: Annotated[
        str | None, typer.Option(help="Name in the source; mapped to a label where there is no label column.")
    ] = None,
    site: Annotated[str | None, typer.Option(help="Site.")] = None,
    deployment: Annotated[str | None, typer.Option(help="Deployment.")] = None,
    sequence: Annotated[str | None, typer.Option(help="Files of one trigger.")] = None,
    time_s: Annotated[
        str | None, typer.Option("--time-s", "--time", help="Seconds of a frame in its video.")
    ] = None,
    frame: Annotated[str | None, typer.Option(help="Number of a frame in its video, from 0.")] = None,
    captured_at: Annotated[str | None, typer.Option(help="Local time of the camera.")] = None,
    split: Annotated[str | None, typer.Option(help="train, val or test.")] = None,
    label_source: Annotated[str | None, typer.Option(help="human or machine.")] = None,
    boxes: Annotated[
        str | None, typer.Option(metavar="X0,Y0,X1,Y1", help="Four columns: left, top, right, bottom.")
    ] = None,
    box_unit: Annotated[Literal["px", "fraction"], typer.Option(help="Unit of the boxes.")] = "px",
    time_zone: Annotated[
        str | None, typer.Option(help="Column of the zone, or one zone such as Asia/Vladivostok.")
    ] = None,
    time_format: Annotated[str | None, typer.Option(help="dmy, mdy, or a format such as '%m/%d/%Y %H:%M'.")] = None,
    encoding: Annotated[
        str | None,
        typer.Option(help="Encoding. [default: detected among UTF-8, UTF-16, GB 18030, cp1251 and cp1252]"),
    ] = None,
    separator: Annotated[
        str | None, typer.Option(help="Separator. [default: detected among , ; tab and |]")
    ] = None,
    require_files: Annotated[
        bool, typer.Option("--require-files", help="Refuse rows whose file does not exist.")
    ] = False,
    label_map: LabelMap = None,
    on_unknown: OnUnknown = "refuse",
    site_from: SiteFrom = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """A table with one row for each file, frame or box.

    Example: leopardnet import csv images.csv --root footage --path path --label label --site site --out
    manifest.parquet
    """
    check_table_name(out)
    if time_format is not None and captured_at is None:
        raise typer.BadParameter("it has no effect without --captured-at", param_hint="--time-format")
    is_one_zone = time_zone is not None and captured_at is not None and _is_zone(time_zone)
    columns = {
        **{"path": path, "label": label, "species": species, "site": site, "deployment": deployment},
        **{"sequence_id": sequence, "time_s": time_s, "frame_number": frame, "captured_at": captured_at},
        **{"split": split, "label_source": label_source, "time_zone": None if is_one_zone else time_zone},
        **_corner_columns(boxes),
    }
    options = {
        **{"columns": {k: v for k, v in columns.items() if v is not None}, "box_unit": box_unit},
        **{"time_zone": time_zone if is_one_zone else None, "time_format": time_format},
        **{"encoding": encoding, "separator": separator, "require_files": require_files},
        "strict": strict,
    }
    _write(_read("csv", source, label_map, on_unknown, site_from, root=root, **options), out, json)


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


def _add_verb(name: str, source_help: str, verb_help: str, example: str) -> None:
    def run(
        source: Annotated[Path, typer.Argument(help=source_help)],
        root: ImportRoot,
        out: ManifestOut,
        time_zone: TimeZone = None,
        label_map: LabelMap = None,
        on_unknown: OnUnknown = "refuse",
        site_from: SiteFrom = None,
        strict: Strict = False,
        json: Json = False,
    ) -> None:
        check_table_name(out)
        options = {"root": root, "time_zone": time_zone, "strict": strict}
        imported = _read(name, source, label_map, on_unknown, site_from, **options)
        _write(imported, out, json)

    imports.command(name, help=f"{verb_help}\n\nExample: leopardnet import {name} {example}")(run)


for _name, _texts in SAME_OPTIONS.items():
    _add_verb(_name, *_texts)


@imports.command("voc")
def import_voc(
    source: Annotated[Path, typer.Argument(help="The folder of XML files, which may have subfolders.")],
    root: ImportRoot,
    out: ManifestOut,
    label_map: LabelMap = None,
    on_unknown: OnUnknown = "refuse",
    site_from: SiteFrom = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Pascal VOC: one XML file for each picture, as in NTLNP.

    Example: leopardnet import voc NTLNP --root NTLNP --out manifest.parquet --label-map ntlnp
    """
    check_table_name(out)
    with progress_bar("reading XML") as on_progress:
        options = {"root": root, "strict": strict, "on_progress": on_progress}
        imported = _read("voc", source, label_map, on_unknown, site_from, **options)
    _write(imported, out, json)


@imports.command("yolo")
def import_yolo(
    source: Annotated[Path, typer.Argument(help="data.yaml, or the folder that holds it.")],
    root: ImportRoot,
    out: ManifestOut,
    negatives: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="List of pictures without animals, one path a line."),
    ] = None,
    label_map: LabelMap = None,
    on_unknown: OnUnknown = "refuse",
    site_from: SiteFrom = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """YOLO: data.yaml with pictures and text files of boxes.

    Example: leopardnet import yolo data.yaml --root . --out manifest.parquet --negatives empty.txt --label-map amur
    """
    check_table_name(out)
    options = {"root": root, "negatives": negatives, "strict": strict}
    imported = _read("yolo", source, label_map, on_unknown, site_from, **options)
    _write(imported, out, json)


@imports.command("folders")
def import_folders(
    source: Annotated[
        Path, typer.Argument(exists=True, file_okay=False, help="The folder that holds one folder for each class.")
    ],
    out: ManifestOut,
    root: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, help="Folder that paths are relative to. [default: SOURCE]"),
    ] = None,
    label_level: Annotated[
        int, typer.Option(help="Which folder is the label: 1 is the top one, -1 the one that holds the file.")
    ] = 1,
    label_map: LabelMap = None,
    on_unknown: OnUnknown = "refuse",
    site_from: SiteFrom = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Footage sorted into one folder for each class.

    Example: leopardnet import folders sorted --out manifest.parquet --label-map amur --site-from '{label}/{site}/*'
    """
    check_table_name(out)
    options = {"root": root, "label_level": label_level, "strict": strict}
    imported = _read("folders", source, label_map, on_unknown, site_from, **options)
    _write(imported, out, json)


@imports.command("megadetector")
def import_megadetector(
    source: Annotated[Path, typer.Argument(help="The JSON file of results.")],
    root: ImportRoot,
    out: ManifestOut,
    into: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="Add the boxes to the clips of this manifest.")
    ] = None,
    min_score: Annotated[float, typer.Option(min=0.0, max=1.0, help="Leave out boxes with a lower score.")] = 0.0,
    min_classification: Annotated[
        float | None,
        typer.Option(min=0.0, max=1.0, help="Use classes of this probability or more as machine labels."),
    ] = None,
    label_map: LabelMap = None,
    on_unknown: OnUnknown = "refuse",
    site_from: SiteFrom = None,
    strict: Strict = False,
    json: Json = False,
) -> None:
    """Boxes from MegaDetector: animal, person, vehicle; species only where it classified.

    Example: leopardnet import megadetector results.json --root footage --into manifest.parquet --out
    with_boxes.parquet
    """
    from leopardnet.data.formats.megadetector.read import merge_boxes
    from leopardnet.data.reading.tables.saved_manifest import read_manifest
    from leopardnet.data.reading.to_manifest import ImportResult

    check_table_name(out)
    options = {"root": root, "min_score": min_score, "min_classification": min_classification, "strict": strict}
    imported = _read("megadetector", source, label_map, on_unknown, site_from, **options)
    if into is not None:
        before = read_manifest(into)
        merged = merge_boxes(before, imported.manifest)
        notes = [n for n in imported.notes if "without a label" not in n]
        imported = ImportResult(merged.manifest, (*before.notes, *notes, *merged.notes), imported.problems)
    _write(imported, out, json)
