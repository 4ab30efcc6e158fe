"""Labels in a CSV table with one row for each file or each box. The caller names its columns."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from leopardnet.core.boxes import BoxUnit, format_boxes, parse_boxes, round_box
from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.core.manifest import Manifest, parse_time_zone
from leopardnet.core.tables import atomic_path
from leopardnet.data.reading.clock_time import settle_date_order
from leopardnet.data.reading.csv_cells import (
    Cells,
    local_time,
    number,
    offset_text,
    parse_column,
    read_cells,
    whole_number,
)
from leopardnet.data.reading.label_map import JOINER, LabelMap, OnUnknown
from leopardnet.data.reading.safe_files import read_file
from leopardnet.data.reading.to_manifest import (
    ImportResult,
    LabelRules,
    RelativePaths,
    assemble,
    footage_kind,
    nfc,
    refuse_twice,
    single_files,
)

TEXT_FIELDS = ("site", "deployment", "sequence_id", "split", "label_source")
FIELDS = (
    "path", "label", "species", *TEXT_FIELDS, "time_s", "frame_number", "captured_at", "time_zone", "width_px",
    "height_px", "x0", "y0", "x1", "y1", "box_label", "box_score",
)  # fmt: skip
CORNERS = ("x0", "y0", "x1", "y1")
COLUMNS: Mapping[str, str] = {f: f for f in FIELDS}  # of a table written by write_csv_table


def read_csv_table(
    source: Path,
    *,
    root: Path,
    columns: Mapping[str, str],
    label_map: LabelMap | None = None,
    on_unknown: OnUnknown = "refuse",
    site_from: str | None = None,
    time_zone: str | None = None,
    time_format: str | None = None,
    box_unit: BoxUnit = "px",
    encoding: str | None = None,
    separator: str | None = None,
    require_files: bool = False,
) -> ImportResult:
    """Read the manifest of a CSV file.

    `columns` names the column of the file for each field of FIELDS that it has; `path` is required. `time_zone` is
    the zone of all times without one. With the four corners of a box, rows of one file that differ only in the box
    become one row. A label may name several species, joined by ` + `. Without a column for the label, the species
    is mapped.

    Raises ManifestError with the row for a path outside the root, a cell that cannot be read, and a file that
    occurs twice; with `require_files` also for files that do not exist. Raises ConfigError for unknown fields in
    `columns`.
    """
    source = Path(source)
    _check_columns(columns)
    try:
        data = read_file(source, where=source.name)
    except OSError as error:
        raise ManifestError(
            "the table cannot be read", where=source, found=error.strerror, expected="a CSV file"
        ) from None
    cells = read_cells(data, name=source.name, encoding=encoding, separator=separator)
    table = _read_values(cells, columns, root, time_zone, time_format)
    keys = list(zip(map(nfc, table["path"]), table["time_s"], table["frame_number"], strict=True))
    first = list(range(len(keys)))
    if set(CORNERS) <= set(columns):
        first = _join_boxes(table, keys, cells, columns, box_unit)
    else:
        refuse_twice([k if k[1:] != (None, None) else k[0] for k in keys], cells.where, what="a file")
    if require_files:
        _require_files(table["path"], root, cells)
    names = list(map(_split_names, table["label" if "label" in columns else "species"]))
    del table["label"]
    rules = LabelRules(label_map, on_unknown, site_from)
    species = table.pop("species") if "species" in columns else None
    take = partial(_take, at=first)
    return assemble(
        {k: take(v) for k, v in table.items()},
        take(names),
        species=species and take(species),
        root=root,
        rules=rules,
        source=f"csv {source.name}",
        where=source.name,
        notes=cells.notes,
    )


def _take(values: Sequence[Any], *, at: Sequence[int]) -> list[Any]:
    return [values[i] for i in at]


def _check_columns(columns: Mapping[str, str]) -> None:
    unknown = [f for f in columns if f not in FIELDS]
    boxes = [c for c in CORNERS if c in columns]
    if unknown or "path" not in columns or len(boxes) not in (0, 4):
        raise ConfigError(
            "the columns of the table are named wrongly",
            where="columns",
            found=unknown[0] if unknown else f"only {', '.join(boxes)} of a box" if boxes else "no path",
            expected="path, and any of " + ", ".join(f for f in FIELDS if f != "path"),
        )


def _split_names(text: str | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(n.strip() for n in text.split(JOINER))) if text else ()


def _read_values(
    cells: Cells, columns: Mapping[str, str], root: Path, time_zone: str | None, time_format: str | None
) -> dict[str, list[Any]]:
    """Return one list for each field, as long as the table. A field without a column is all None."""
    relative, n = RelativePaths(root), len(cells.rows)
    column = columns["path"]
    paths = [relative(p, where=cells.where(i, column)) for i, p in enumerate(cells.column(column))]
    table: dict[str, list[Any]] = {f: [None] * n for f in ("label", "species", "time_s", "frame_number")}
    for f in ("label", "species", *TEXT_FIELDS):
        if f in columns:
            table[f] = parse_column(cells, columns[f], str, expected="text")
    for f, parse, expected in (
        ("time_s", number, "seconds, 0 or more"),
        ("frame_number", whole_number, "a whole number, 0 or more"),
        ("width_px", whole_number, "a whole number"),
        ("height_px", whole_number, "a whole number"),
    ):
        if f in columns:
            table[f] = parse_column(cells, columns[f], parse, expected=expected)
    _add_times(table, cells, columns, time_zone, time_format)
    is_frame = [t is not None or f is not None for t, f in zip(table["time_s"], table["frame_number"], strict=True)]
    kinds = [footage_kind(p, where=cells.where(i, column)) for i, p in enumerate(paths)]
    table["kind"] = ["frame" if f and k == "video" else k for f, k in zip(is_frame, kinds, strict=True)]
    return {"path": paths, **table}


def _add_times(
    table: dict[str, list[Any]],
    cells: Cells,
    columns: Mapping[str, str],
    time_zone: str | None,
    time_format: str | None,
) -> None:
    if time_zone is not None:
        parse_time_zone(time_zone)
    if "captured_at" not in columns:
        return
    formats = (time_format,) if time_format else ()
    expected = (
        f"a time like {time_format}"
        if time_format
        else "a time such as 2021-12-30 22:34:56; give other forms with --time-format"
    )
    order = settle_date_order(cells.column(columns["captured_at"]))
    parse = partial(local_time, formats=formats, date_order=order)
    times = parse_column(cells, columns["captured_at"], parse, expected=expected)
    given = (
        parse_column(cells, columns["time_zone"], str, expected="a zone")
        if "time_zone" in columns
        else [None] * len(times)
    )
    table["captured_at"] = pd.to_datetime(
        pd.Series([t and t.replace(tzinfo=None) for t in times], dtype=object)
    ).to_list()
    table["time_zone"] = [
        (offset_text(t) or z or time_zone) if t else None for t, z in zip(times, given, strict=True)
    ]
    table["time_source"] = ["table" if t else None for t in times]
    for i, zone in enumerate(table["time_zone"]):
        if zone is not None:
            try:
                parse_time_zone(zone)
            except ManifestError as error:
                raise ManifestError(
                    error.what,
                    where=cells.where(i, columns["time_zone"]),
                    found=repr(zone),
                    expected=error.parts["expected"],
                ) from None


def _join_boxes(
    table: dict[str, list[Any]],
    keys: Sequence[tuple[Any, ...]],
    cells: Cells,
    columns: Mapping[str, str],
    unit: str,
) -> list[int]:
    """Fill the columns `boxes` and `box_unit`, and return the first row of each file or frame."""
    corners = [parse_column(cells, columns[c], number, expected="a number") for c in CORNERS]
    label = parse_column(cells, columns["box_label"], str, expected="text") if "box_label" in columns else None
    score = (
        parse_column(cells, columns["box_score"], number, expected="a number") if "box_score" in columns else None
    )
    boxes: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    first: dict[tuple[Any, ...], int] = {}
    for i, (key, box) in enumerate(zip(keys, zip(*corners, strict=True), strict=True)):
        j = first.setdefault(key, i)
        n_given = sum(v is not None for v in box)
        differs = next((f for f, v in table.items() if v[i] != v[j] and not _are_missing(v[i], v[j])), None)
        if (j != i and (differs or n_given == 0)) or (entry := _make_box(box, label, score, i)) in boxes.get(
            key, []
        ):
            found = f"another {differs}" if differs else "the same row again"
            raise ManifestError(
                "a file occurs twice",
                where=f"{cells.where(j)} and row {i + 1}",
                found=found,
                expected="rows of one file that differ only in the box",
            )
        if n_given in (1, 2, 3):
            raise ManifestError(
                "a box has empty corners", where=cells.where(i), found=box, expected="four numbers or none"
            )
        boxes.setdefault(key, []).extend([entry] if n_given else [])
    table["boxes"] = [format_boxes(boxes[k]) if boxes[k] else None for k in keys]
    table["box_unit"] = [unit if boxes[k] else None for k in keys]
    return list(first.values())


def _are_missing(a: Any, b: Any) -> bool:
    return bool(pd.isna(a) and pd.isna(b))


def _make_box(
    corners: Sequence[float | None], label: list[Any] | None, score: list[Any] | None, i: int
) -> dict[str, Any]:
    box: dict[str, Any] = {"xyxy": round_box([c or 0.0 for c in corners])}
    if label and label[i]:
        box["label"] = label[i]
    if score and score[i] is not None:
        box["score"] = score[i]
    return box


def _require_files(paths: Sequence[str], root: Path, cells: Cells) -> None:
    missing = [i for i, p in enumerate(paths) if not (Path(root) / PurePosixPath(p)).is_file()]
    if missing:
        raise ManifestError(
            f"{len(missing)} of {len(paths)} files do not exist",
            where=cells.where(missing[0]),
            found=paths[missing[0]],
            expected="files under the root",
            todo="check --root, or import without --require-files",
        )


def write_csv_table(manifest: Manifest, out: Path) -> Path:
    """Write a table with the columns FIELDS and one row for each box, or else for each file or frame; return `out`.

    `read_csv_table(out, columns=COLUMNS)` reads it back. Bursts become their stills. Raises ManifestError where
    boxes have two units.
    """
    rows = single_files(manifest, kinds=("video", "still", "frame"), format_name="CSV")
    units = {r["box_unit"] for r in rows if parse_boxes(r["boxes"])}
    if len(units) > 1:
        raise ManifestError(
            "boxes in two units cannot be in one table", found=sorted(map(str, units)), expected="px or fraction"
        )
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(FIELDS)
    for row in rows:
        cells = [_format_cell(row.get(f)) for f in FIELDS[: FIELDS.index("x0")]]
        for box in parse_boxes(row["boxes"]) or [{}]:
            writer.writerow([*cells, *(box.get("xyxy") or [""] * 4), box.get("label", ""), box.get("score", "")])
    with atomic_path(Path(out)) as part:
        part.write_text(text.getvalue(), encoding="utf-8", newline="")
    return Path(out)


def _format_cell(value: object) -> object:
    return "" if value is None else value.isoformat(sep=" ") if isinstance(value, datetime) else value
