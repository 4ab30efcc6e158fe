"""COCO Camera Traps JSON: pictures, categories and annotations, read with every reference checked, and written."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.boxes import check_four_numbers, format_boxes, parse_boxes, xywh_to_xyxy, xyxy_to_xywh
from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest, parse_time_zone
from leopardnet.core.tables import atomic_path
from leopardnet.data.formats.coco_entries import Entries
from leopardnet.data.reading.csv_cells import local_time
from leopardnet.data.reading.label_map import JOINER, LabelMap, OnUnknown, rows
from leopardnet.data.reading.safe_files import pause_gc, read_json
from leopardnet.data.reading.to_manifest import (
    ImportResult,
    LabelRules,
    RelativePaths,
    assemble,
    footage_kinds,
    names_of,
    nfc,
    refuse_twice,
    single_files,
)

EXPECTED = "COCO Camera Traps JSON: {info, images: […], categories: […], annotations: […]}"
TEXT_KEYS = {"location": "site", "seq_id": "sequence_id"}
NUMBER_KEYS = {"width": "width_px", "height": "height_px"}


def read_coco(
    source: Path,
    *,
    root: Path,
    label_map: LabelMap | None = None,
    on_unknown: OnUnknown = "refuse",
    site_from: str | None = None,
    time_zone: str | None = None,
) -> ImportResult:
    """The manifest of a COCO Camera Traps file: one row for each picture or video.

    A picture with several annotations has one label if they agree, else none; a picture without annotation has
    none; one marked `corrupt` keeps its species and loses its label. `location` becomes the site, `seq_id` the
    sequence; `frame_num`, the place in the sequence, has no column. Times are local; `time_zone` says of which zone.

    Raises ManifestError with the id for a wrong type, an id that stands twice, and a category or picture that an
    annotation names but the file does not declare.
    """
    source = Path(source)
    with pause_gc():
        data = read_json(source, expected=EXPECTED)
        images, categories, annotations = (
            _entries(data, k, source.name) for k in ("images", "categories", "annotations")
        )
        del data
        ids = _unique_ids(images, "a picture id")
        columns, corrupt = _images(images, root)
        del images  # what is read is let go early: files hold millions of pictures
        shown = _Shown({x: i for i, x in enumerate(ids)}, _names(categories))
        shown.add(annotations)
        del annotations, ids
    columns.update(shown.box_columns())
    _add_times(columns, time_zone)
    groups = shown.groups()
    species = [JOINER.join(n) or None for n in groups]
    notes = _count_notes(groups, shown.n_sequence_level, len(corrupt))
    for i in corrupt:
        groups[i] = ()
    return assemble(
        columns,
        groups,
        species=species,
        root=root,
        rules=LabelRules(label_map, on_unknown, site_from),
        source=f"coco {source.name}",
        where=source.name,
        notes=notes,
    )


def _entries(data: Any, key: str, where: str) -> Entries:
    value = data.get(key) if isinstance(data, dict) else None
    if not isinstance(value, list):
        raise ManifestError(
            "this is not a COCO file",
            where=where,
            expected=EXPECTED,
            found=f"a {type(data).__name__} at the top"
            if not isinstance(data, dict)
            else f"{key}: {type(value).__name__}",
        )
    return Entries(value, f"{where}, {key}")


def _unique_ids(entries: Entries, what: str) -> list[str]:
    ids = entries.ids("id")
    refuse_twice(ids, entries.place, what=what)
    return ids


def _names(categories: Entries) -> dict[str, str]:
    ids, names = _unique_ids(categories, "a category id"), categories.raw("name")
    for i, name in enumerate(names):
        if not isinstance(name, str) or not name.strip():
            raise categories.error("a category has no name", i, "", categories.items[i], "a name")
    return {i: name.strip() for i, name in zip(ids, names, strict=True)}


# --- pictures ---


def _images(images: Entries, root: Path) -> tuple[dict[str, Any], list[int]]:
    """Columns, and the positions of corrupt pictures."""

    def place(i: int) -> str:
        return images.place(i, "file_name")

    paths = RelativePaths(root).all(images.raw("file_name"), place)
    time_s, number = images.numbers("time_s", whole=False), images.numbers("frame_number")
    keys: list[Any] = list(map(nfc, paths))
    kinds: list[str] = footage_kinds(paths, place)
    if any(v is not None for column in (time_s, number) for v in column):  # frames of videos share a path
        keys = [(k, t, n) if (t, n) != (None, None) else k for k, t, n in zip(keys, time_s, number, strict=True)]
        kinds = ["frame" if v == "video" and isinstance(k, tuple) else v for v, k in zip(kinds, keys, strict=True)]
    refuse_twice(keys, place, what="a file")
    columns = {
        "path": paths,
        "kind": kinds,
        "captured_at": _times(images),
        "time_s": time_s,
        "frame_number": number,
    }
    columns |= {column: images.texts(key) for key, column in TEXT_KEYS.items()}
    columns |= {column: images.numbers(key) for key, column in NUMBER_KEYS.items()}
    return columns, [i for i, c in enumerate(images.raw("corrupt")) if c is True]


def _times(images: Entries) -> list[datetime | None]:
    """Local times: a zone, which the format does not have, is an error as it would be lost."""
    texts = images.raw("datetime")
    known: dict[Any, datetime | None] = {None: None, "": None}
    out = []
    for i, text in enumerate(texts):
        try:
            if text not in known:
                known[text] = local_time(text.strip())
                if known[text].tzinfo is not None:  # type: ignore[union-attr]
                    raise ValueError(text)
        except (ValueError, AttributeError, TypeError):
            expected = "a local time without a zone, such as 2021-12-30 22:34:56"
            raise images.error("a time cannot be read", i, "datetime", text, expected) from None
        out.append(known[text])
    return out


def _add_times(columns: dict[str, Any], time_zone: str | None) -> None:
    if time_zone is not None:
        parse_time_zone(time_zone)
    known = [t is not None for t in columns["captured_at"]]
    columns["captured_at"] = pd.to_datetime(pd.Series(columns["captured_at"], dtype=object))
    columns["time_zone"] = [time_zone if k else None for k in known]
    columns["time_source"] = ["table" if k else None for k in known]


# --- annotations ---


class _Shown:
    """What the annotations say about each picture, by its position."""

    def __init__(self, ids: dict[str, int], categories: dict[str, str]) -> None:
        self.ids, self.categories = ids, categories
        self.names: dict[int, list[str]] = {}
        self.boxes: dict[int, list[dict[str, Any]]] = {}
        self.units: dict[int, str] = {}
        self.n_sequence_level = 0

    def add(self, annotations: Entries) -> None:
        """Take in the annotations. Raises ManifestError with the place of a broken one."""
        _unique_ids(annotations, "an annotation id")
        self.n_sequence_level += sum(v is True for v in annotations.raw("sequence_level_annotation"))
        at = self._known(annotations, "image_id", self.ids, "picture")
        names = self._known(annotations, "category_id", self.categories, "category")
        for i, name in zip(at, names, strict=True):
            self.names.setdefault(i, []).append(name)
        for j, (px, relative) in enumerate(
            zip(annotations.raw("bbox"), annotations.raw("bbox_relative"), strict=True)
        ):
            if px or relative:
                self._add_box(annotations, j, at[j], names[j])

    def _known(self, annotations: Entries, key: str, known: Mapping[str, Any], what: str) -> list[Any]:
        ids = annotations.ids(key)
        found = [known.get(x) for x in ids]
        if None in found:
            j = found.index(None)
            text = f"an annotation names a {what} that the file does not declare"
            raise annotations.error(text, j, key, ids[j], "an id from the list above")
        return found

    def _add_box(self, annotations: Entries, j: int, i: int, name: str) -> None:
        entry = annotations.items[j]
        given = [k for k in ("bbox", "bbox_relative") if entry.get(k)]
        unit = "px" if given[0] == "bbox" else "fraction"
        if len(given) == 2 or self.units.setdefault(i, unit) != unit:
            raise annotations.error(
                "a picture has boxes in pixels and in fractions", j, "", entry, "bbox or bbox_relative"
            )
        xyxy = xywh_to_xyxy(check_four_numbers(entry[given[0]], where=lambda: annotations.place(j, given[0])))
        self.boxes.setdefault(i, []).append({"xyxy": xyxy, "label": name})

    def groups(self) -> list[tuple[str, ...]]:
        """The names of each picture, each once."""
        return [tuple(dict.fromkeys(self.names[i])) if i in self.names else () for i in range(len(self.ids))]

    def box_columns(self) -> dict[str, list[str | None]]:
        """The columns boxes and box_unit."""
        n = range(len(self.ids))
        return {
            "boxes": [format_boxes(self.boxes[i]) if i in self.boxes else None for i in n],
            "box_unit": [self.units.get(i) for i in n],
        }


def _count_notes(names: Iterable[tuple[str, ...]], n_sequence_level: int, n_corrupt: int) -> list[str]:
    notes = []
    n_bare = sum(not n for n in names)
    if n_bare:
        notes.append(f"{rows(n_bare)} without an annotation")
    if n_sequence_level:
        notes.append(
            f"annotations made for whole sequences, of which single pictures may be empty: {n_sequence_level}"
        )
    if n_corrupt:
        notes.append(f"{rows(n_corrupt)} marked corrupt, left without a label")
    return notes


# --- writing ---


def write_coco(
    manifest: Manifest,
    out: Path,
    *,
    description: str = "exported by leopardnet",
    corrupt: Collection[str] = (),
    scores: Mapping[str, float] | None = None,
) -> Path:
    """`out`, after writing a COCO Camera Traps file: what `read_coco` reads back.

    A row with boxes gives one annotation for each, named by the box or else by the row; other rows one for each
    species. Bursts become stills of one sequence; frames of videos carry `time_s` and `frame_number`.
    corrupt: paths of files that cannot be read. scores: by path, the probability of what a machine says of the file.
    """
    entries = single_files(manifest, kinds=("still", "video", "frame"), format_name="COCO")
    annotated = [_annotations_of(row) for row in entries]
    names = sorted({a["name"] for group in annotated for a in group} - {"empty"})
    category_ids = {"empty": 0, **{n: i for i, n in enumerate(names, start=1)}}
    annotations: list[dict[str, Any]] = []
    for i, group in enumerate(annotated):
        for a in group:
            name = a.pop("name")
            annotations.append(
                {"id": str(len(annotations)), "image_id": str(i), "category_id": category_ids[name], **a}
            )
            if (score := (scores or {}).get(entries[i]["path"])) is not None:
                annotations[-1]["score"] = round(float(score), 6)
    document = {
        "info": {"version": "1.0", "description": description},
        "categories": [{"id": i, "name": n} for n, i in category_ids.items()],
        "images": [
            _image(i, row) | ({"corrupt": True} if row["path"] in corrupt else {}) for i, row in enumerate(entries)
        ],
        "annotations": annotations,
    }
    with atomic_path(Path(out)) as part:
        part.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return Path(out)


def _image(i: int, row: Mapping[str, Any]) -> dict[str, Any]:
    time = row["captured_at"]
    values = {
        "id": str(i),
        "file_name": row["path"],
        "width": row["width_px"],
        "height": row["height_px"],
        "datetime": time.isoformat(sep=" ") if time is not None else None,
        "seq_id": row["sequence_id"],
        "location": row["site"],
        "time_s": row["time_s"],
        "frame_number": row["frame_number"],
    }
    return {k: v for k, v in values.items() if v is not None}


def _annotations_of(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = names_of(row)
    boxes = parse_boxes(row["boxes"])
    key = "bbox" if row["box_unit"] == "px" else "bbox_relative"
    boxed = [{"name": b.get("label") or (names[0] if names else ""), key: xyxy_to_xywh(b["xyxy"])} for b in boxes]
    if any(not b["name"] for b in boxed):
        raise ManifestError("a box has no name", where=row["path"], expected="a label of the box or of its row")
    return boxed + [{"name": n} for n in names if n not in {b["name"] for b in boxed}]
