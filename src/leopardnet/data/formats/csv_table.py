"""Labels in a CSV table with one row for each file or each box. The caller names its columns."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from leopardnet.core.boxes import BoxUnit, parse_boxes
from leopardnet.core.columns import SPLITS
from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.core.footage.footage_suffixes import kind_by_suffix
from leopardnet.core.manifest import Manifest, parse_time_zone
from leopardnet.core.tables import atomic_path
from leopardnet.data.reading.box_columns import CORNERS, read_boxes
from leopardnet.data.reading.label_map import JOINER, LabelMap, OnUnknown
from leopardnet.data.reading.named_columns import note_unused_times, read_named_cells
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.several_species import (
    find_repeats,
    join_repeats,
    merge_repeats,
    refuse_marks,
    split_names,
)
from leopardnet.data.reading.tables.clock_time import find_date_orders, settle_date_order
from leopardnet.data.reading.tables.column_reader import ColumnReader
from leopardnet.data.reading.tables.csv_cells import (
    MISSING,
    Cells,
    count_missing,
    number,
    offset_text,
    parse_column,
    shorten_codes,
    whole_number,
)
from leopardnet.data.reading.tables.date_form import DateForm
from leopardnet.data.reading.to_manifest import (
    ImportResult,
    LabelRules,
    RelativePaths,
    assemble,
    footage_kind,
    footage_kinds,
    nfc,
    single_files,
)

TEXT_FIELDS = ("site", "deployment", "sequence_id")
FIELDS = (
    "path", "label", "species", *TEXT_FIELDS, "split", "label_source", "time_s", "frame_number", "captured_at",
    "time_zone", "width_px", "height_px", "x0", "y0", "x1", "y1", "box_label", "box_score",
)  # fmt: skip
NUMBERS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "time_s": (number, "seconds, 0 or more"),
    "frame_number": (whole_number, "a whole number, 0 or more"),
    "width_px": (whole_number, "a whole number"),
    "height_px": (whole_number, "a whole number"),
}
_SPLITS = {s: s for s in SPLITS} | {"training": "train", "valid": "val", "validation": "val", "testing": "test"}
_FOLD = re.compile(r"fold\d+")
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
    strict: bool = False,
) -> ImportResult:
    """Read the manifest of a table: CSV, or the first sheet of .xlsx, .xls or .ods.

    `columns` names the column of the file for each field of FIELDS that it has; `path` is required. A path may be
    joined of columns (`folder/name`), and so may the names (`leopard,tiger`: a column for each, with 0 and 1 or
    with a name). `time_zone` is the zone of all times without one, `time_format` their form (see DateForm.parse).
    Rows of one file that differ only in the species or the box become one row, and a label may name several species
    joined by ; or |. Without a column for the label, the species is mapped. Cells such as NA are missing.
    A cell that cannot be read, and what rows of one file contradict each other in, is left out and counted; so is a
    row that names no picture or video, or no frame where one is given. With `strict` they are refused, and a column
    of which no cell can be read is always refused.
    Raises ManifestError with the row for a path outside the root and for one path of two files; with
    `require_files` also for files that do not exist. Raises ConfigError for unknown fields in `columns`, a time
    format without year, month and day, and a separator that is no character.

    >>> ln.read_csv_table(Path("a.csv"), root=Path("."), columns={"path": "File"})  # doctest: +SKIP
    """
    source, problems = Path(source), Problems(strict=strict)
    _check_columns(columns)
    cells, columns = read_named_cells(source, columns, encoding=encoding, separator=separator, problems=problems)
    cells = _leave_out_rows(cells, columns, problems)
    reader = ColumnReader(cells, problems)
    notes = [*cells.notes, *note_unused_times(cells, columns)]
    table = _read_values(reader, columns, root, time_zone, time_format, notes)
    named, species = table.pop("label"), table.pop("species")
    if label_map is None and "label" in columns:
        refuse_marks(named, cells.where, columns["label"])
    row_names, cell_notes = split_names(named if "label" in columns else species, label_map)
    keys = list(zip(map(nfc, table["path"]), table["time_s"], table["frame_number"], strict=True))
    repeats = find_repeats(keys)
    names, row_notes = join_repeats(row_names, repeats, table=table, reader=reader, path=columns["path"])
    if set(CORNERS) <= set(columns):
        n_names = [len(names[repeats.get(i, i)]) for i in range(len(keys))]
        box_names = [n[0] if len(n) == 1 < m else None for n, m in zip(row_names, n_names, strict=True)]
        table |= read_boxes(reader, keys, columns, box_unit, box_names)
        row_notes = ()
    if require_files:
        _require_files(table["path"], root, cells)
    if "label" in columns and "species" in columns:
        species_of = merge_repeats(split_names(species)[0], repeats)
    else:
        species_of = names
    rules = LabelRules(label_map, on_unknown, site_from)
    take = partial(_take, at=[i for i in range(len(keys)) if i not in repeats])
    return assemble(
        {k: take(v) for k, v in table.items()},
        take(names),
        species=take([JOINER.join(n) or None for n in species_of]),
        root=root,
        rules=rules,
        source=f"csv {source.name}",
        where=source.name,
        notes=(*notes, *cell_notes, *row_notes),
        problems=problems,
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


def _leave_out_rows(cells: Cells, columns: Mapping[str, str], problems: Problems) -> Cells:
    """Return the rows that name a picture or a video, and a frame of it where there is a text for one."""
    faults: dict[int, ManifestError] = {}
    path = columns["path"]
    for i, text in enumerate(cells.column(path)):
        try:
            if not kind_by_suffix(text):
                footage_kind(text, where=cells.where(i, path))
        except ManifestError as error:
            faults[i] = error
    for field in ("time_s", "frame_number"):
        if field in columns:
            parse, expected = NUMBERS[field]
            parse_column(
                cells, columns[field], parse, expected=expected, missing=MISSING, on_fault=faults.__setitem__
            )
    if faults and len(faults) == len(cells.rows):
        raise faults[min(faults)]
    for i in sorted(faults):
        problems.add(faults[i], cells.name, cells.number(i), outcome="left out")
    return cells.keep([i for i in range(len(cells.rows)) if i not in faults]) if faults else cells


def _read_values(
    reader: ColumnReader,
    columns: Mapping[str, str],
    root: Path,
    time_zone: str | None,
    time_format: str | None,
    notes: list[str],
) -> dict[str, list[Any]]:
    """Return one list for each field, all None without a column, and add to `notes`."""
    cells = reader.cells
    relative, n = RelativePaths(root), len(cells.rows)
    column = columns["path"]
    place = partial(cells.where, column=column)
    paths = relative.all(cells.column(column), place)
    table: dict[str, list[Any]] = {f: [None] * n for f in ("label", "species", "time_s", "frame_number")}
    for f in ("label", "species", *TEXT_FIELDS):
        if f in columns:
            texts = reader.read(columns[f], str, expected="text")
            table[f] = shorten_codes(texts)
            if table[f] is not texts:
                notes.append(f"column {columns[f]} holds whole numbers written with .0, which was left out")
    for f, (parse, expected) in NUMBERS.items():
        if f in columns:
            table[f] = reader.read(columns[f], parse, expected=expected)
    if "split" in columns:
        table["split"] = reader.read(columns["split"], _split, expected="train, val, test, or fold0, fold1, …")
    if "label_source" in columns:
        table["label_source"] = reader.read(columns["label_source"], _label_source, expected="human or machine")
    _add_times(table, reader, columns, time_zone, time_format)
    missing = {c: count_missing(cells.column(c)).total() for c in dict.fromkeys(columns.values())}
    if counts := ", ".join(f"{c} {n}" for c, n in missing.items() if n):
        notes.append(f"cells such as NA and nan, read as missing: {counts}")
    is_frame = [t is not None or f is not None for t, f in zip(table["time_s"], table["frame_number"], strict=True)]
    kinds = footage_kinds(paths, place)
    table["kind"] = ["frame" if f and k == "video" else k for f, k in zip(is_frame, kinds, strict=True)]
    return {"path": paths, **table}


def _add_times(
    table: dict[str, list[Any]],
    reader: ColumnReader,
    columns: Mapping[str, str],
    time_zone: str | None,
    time_format: str | None,
) -> None:
    if time_zone is not None:
        parse_time_zone(time_zone)
    if "captured_at" not in columns:
        return
    texts = reader.cells.column(columns["captured_at"])
    if time_format is not None:
        dates, expected = DateForm.parse(time_format, where="time_format"), f"a time like {time_format}"
    else:
        dates = DateForm(order := settle_date_order(texts))
        expected = "a time such as 2021-12-30 22:34:56; give other forms with --time-format"
        if order is None and not find_date_orders(texts):
            expected += "; some dates of the column begin with the day and others with the month"

    def parse(text: str) -> datetime:
        if (time := dates.read(text)) is None:
            raise ValueError(text)
        return time

    times = reader.read(columns["captured_at"], parse, expected=expected)
    given = [None] * len(times)
    if "time_zone" in columns:
        given = reader.read(columns["time_zone"], _zone, expected="such as Asia/Vladivostok or +10:00")
    table["captured_at"] = pd.to_datetime(
        pd.Series([t and t.replace(tzinfo=None) for t in times], dtype=object)
    ).to_list()
    table["time_zone"] = [
        (offset_text(t) or z or time_zone) if t else None for t, z in zip(times, given, strict=True)
    ]
    table["time_source"] = ["table" if t else None for t in times]


def _split(text: str) -> str:
    if _FOLD.fullmatch(fold := text.casefold()):
        return fold
    if fold not in _SPLITS:
        raise ValueError(text)
    return _SPLITS[fold]


def _label_source(text: str) -> str:
    if text.casefold() not in ("human", "machine"):
        raise ValueError(text)
    return text.casefold()


def _zone(text: str) -> str:
    try:
        parse_time_zone(text)
    except ManifestError:
        raise ValueError(text) from None
    return text


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

    `read_csv_table(out, columns=COLUMNS)` reads it back. Bursts become their stills.
    Raises ManifestError where boxes have two units.
    >>> ln.write_csv_table(manifest, Path("labels.csv"))  # doctest: +SKIP
    """
    rows = single_files(manifest, kinds=("video", "still", "frame"), format_name="CSV")
    units = {r["box_unit"] for r in rows if parse_boxes(r["boxes"])}
    if len(units) > 1:
        raise ManifestError(
            "boxes in two units cannot be in one table", found=sorted(map(str, units)), expected="px or fraction"
        )
    writer = csv.writer(text := io.StringIO(newline=""), lineterminator="\n")
    writer.writerow(FIELDS)
    for row in rows:
        row = row | {"label": row["label"] or row["labels"]}
        cells = [_format_cell(row.get(f)) for f in FIELDS[: FIELDS.index("x0")]]
        for box in parse_boxes(row["boxes"]) or [{}]:
            writer.writerow([*cells, *(box.get("xyxy") or [""] * 4), box.get("label", ""), box.get("score", "")])
    with atomic_path(Path(out)) as part:
        part.write_text(text.getvalue(), encoding="utf-8", newline="")
    return Path(out)


def _format_cell(value: object) -> object:
    return "" if value is None else value.isoformat(sep=" ") if isinstance(value, datetime) else value
