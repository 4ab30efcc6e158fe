"""COCO Camera Traps JSON: pictures, categories and annotations. Every reference between them is checked."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.boxes import parse_boxes, xyxy_to_xywh
from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.footage_suffixes import kind_by_suffix
from leopardnet.core.labels import EMPTY
from leopardnet.core.manifest import Manifest, parse_time_zone
from leopardnet.core.processes.pause_gc import pause_gc
from leopardnet.core.tables import atomic_path
from leopardnet.data.formats.coco_entries import Entries, Labels, make_whole
from leopardnet.data.reading.label_map import JOINER, LabelMap, OnUnknown
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.safe_files import read_json
from leopardnet.data.reading.several_species import find_repeats
from leopardnet.data.reading.tables.csv_cells import local_time
from leopardnet.data.reading.to_manifest import (
    ImportResult,
    LabelRules,
    RelativePaths,
    assemble,
    footage_kind,
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
    strict: bool = False,
) -> ImportResult:
    """Read the manifest of a COCO Camera Traps file: one row for each picture or video.

    A picture has a label if all its annotations agree. A picture marked `corrupt` keeps its species and loses its
    label. `location` becomes the site, and `seq_id` the sequence; `frame_num`, the position in the sequence, has no
    column. Times are local times of `time_zone`. A file without `annotations` gives rows without labels.

    What cannot be used is left out and counted, and with `strict` refused: a value of a wrong type, an entry that
    names no picture or video, and an annotation of a category or picture that the file does not declare. A picture
    that occurs twice has one row, and an id of two pictures leaves both without annotations. Raises ManifestError
    with the entry for a path outside the root.

    >>> ln.read_coco(Path("labels.json"), root=Path("footage")).manifest  # doctest: +SKIP
    """
    source, problems = Path(source), Problems(strict=strict)
    with pause_gc():
        data = read_json(source, expected=EXPECTED)
        images, categories, annotations = (
            _read_list(data, k, source.name, problems) for k in ("images", "categories", "annotations")
        )
        del data
        unclear = _leave_out_others(images)
        columns, corrupt, repeats = _read_images(images, root)
        at = _find_ids(images, repeats, unclear)
        n = len(images)
        del images  # memory is freed early, because files hold millions of pictures
        labels = Labels(n, at, unclear, _read_names(categories))
        labels.add(annotations)
        del annotations, at
    columns.update(labels.box_columns())
    _add_times(columns, time_zone)
    groups = labels.groups()
    kept = [i for i in range(n) if i not in repeats]
    species = [JOINER.join(groups[i]) or None for i in kept]
    notes = _count_notes([groups[i] for i in kept], labels.n_sequence_level, len(corrupt))
    for i in [*corrupt, *labels.unsure]:
        groups[i] = ()
    return assemble(
        {k: [v[i] for i in kept] for k, v in columns.items()} if repeats else columns,
        [groups[i] for i in kept],
        species=species,
        root=root,
        rules=LabelRules(label_map, on_unknown, site_from),
        source=f"coco {source.name}",
        where=source.name,
        notes=notes,
        problems=problems,
    )


def _read_list(data: Any, key: str, where: str, problems: Problems) -> Entries:
    value = data.get(key) if isinstance(data, dict) else None
    if value is None and key == "annotations" and isinstance(data, dict):
        value = []  # the test sets of competitions are published without them
    if not isinstance(value, list):
        raise ManifestError(
            "this is not a COCO file",
            where=where,
            expected=EXPECTED,
            found=f"{key}: {type(value).__name__}"
            if isinstance(data, dict)
            else f"a {type(data).__name__} at the top",
        )
    return Entries(value, where, key, problems)


def _read_names(categories: Entries) -> dict[str, str]:
    ids, names = categories.ids("id"), categories.raw("name")
    refuse_twice(ids, categories.place, what="a category id")
    for i, name in enumerate(names):
        if not isinstance(name, str) or not name.strip():
            raise categories.error("a category has no name", i, "", categories.items[i], "a name")
    return {i: name.strip() for i, name in zip(ids, names, strict=True)}


# --- pictures ---


def _leave_out_others(images: Entries) -> set[str]:
    """Leave out the entries that name no picture or video, and return their ids."""
    faults: dict[int, ManifestError] = {}
    for i, name in enumerate(images.raw("file_name")):
        if not isinstance(name, str) or not name.strip():
            faults[i] = images.error("this is not a path", i, "file_name", name, "text")
        elif kind_by_suffix(name) is None:
            try:
                footage_kind(name, where=images.place(i, "file_name"))
            except ManifestError as error:
                faults[i] = error
    ids = {str(make_whole(images.items[i].get("id"))) for i in faults}
    images.leave_out(faults)
    return ids


def _find_ids(images: Entries, repeats: Mapping[int, int], unclear: set[str]) -> dict[str, int]:
    """Return the position of the picture of each id, and add to `unclear` the ids of two pictures."""
    at: dict[str, int] = {}
    for i, name in enumerate(images.ids("id", outcome="kept without annotations")):
        position = repeats.get(i, i)
        if name and (other := at.setdefault(name, position)) != position:
            error = ManifestError(
                "a picture id stands twice",
                where=f"{images.place(other)} and {images.place(i)}",
                found=repr(name),
                expected="each once",
            )
            images.note(error, i, outcome="both are kept without annotations")
            unclear.add(name)
    return {name: i for name, i in at.items() if name not in unclear}


def _read_images(images: Entries, root: Path) -> tuple[dict[str, Any], list[int], dict[int, int]]:
    """Return the columns, the positions of corrupt pictures, and the first position of each repeated file."""

    def place(i: int) -> str:
        return images.place(i, "file_name")

    paths = RelativePaths(root).all(images.raw("file_name"), place)
    time_s, number = images.numbers("time_s", whole=False), images.numbers("frame_number")
    keys: list[Any] = list(map(nfc, paths))
    kinds: list[str] = footage_kinds(paths, place)
    if any(v is not None for column in (time_s, number) for v in column):  # frames of videos share a path
        keys = [(k, t, n) if (t, n) != (None, None) else k for k, t, n in zip(keys, time_s, number, strict=True)]
        kinds = ["frame" if v == "video" and isinstance(k, tuple) else v for v, k in zip(kinds, keys, strict=True)]
    repeats = find_repeats(keys)
    for i, j in repeats.items():
        twice = ManifestError(
            "a file stands twice", where=f"{place(j)} and {place(i)}", found=repr(keys[i]), expected="each once"
        )
        images.note(twice, i, outcome="read as one row")
    columns = {
        "path": paths,
        "kind": kinds,
        "captured_at": _read_times(images),
        "time_s": time_s,
        "frame_number": number,
    }
    columns |= {column: images.texts(key) for key, column in TEXT_KEYS.items()}
    columns |= {column: images.numbers(key) for key, column in NUMBER_KEYS.items()}
    corrupt = {repeats.get(i, i) for i, c in enumerate(images.raw("corrupt")) if c is not None and _is_true(c)}
    return columns, sorted(corrupt), repeats


def _is_true(value: Any) -> bool:
    return value == 1 or (isinstance(value, str) and value.strip().lower() in ("true", "yes", "1"))


def _read_times(images: Entries) -> list[datetime | None]:
    """Read local times. A zone is a fault, because the format has none and it would be lost."""
    texts = images.raw("datetime")
    known: dict[Any, datetime | None] = {None: None, "": None}
    out: list[datetime | None] = []
    for i, text in enumerate(texts):
        try:
            if text not in known:
                time = local_time(text.strip())
                if time.tzinfo is not None:
                    raise ValueError(text)
                known[text] = time
        except (ValueError, AttributeError, TypeError):
            expected = "a local time without a zone, such as 2021-12-30 22:34:56"
            error = images.error("a time cannot be read", i, "datetime", text, expected)
            images.note(error, i, outcome="kept without a time")
            out.append(None)
            continue
        out.append(known[text])
    return out


def _add_times(columns: dict[str, Any], time_zone: str | None) -> None:
    if time_zone is not None:
        parse_time_zone(time_zone)
    known = [t is not None for t in columns["captured_at"]]
    columns["captured_at"] = pd.to_datetime(pd.Series(columns["captured_at"], dtype=object))
    columns["time_zone"] = [time_zone if k else None for k in known]
    columns["time_source"] = ["table" if k else None for k in known]


# --- notes ---


def _count_notes(names: Iterable[tuple[str, ...]], n_sequence_level: int, n_corrupt: int) -> list[str]:
    notes = []
    n_bare = sum(not n for n in names)
    if n_bare:
        notes.append(f"rows without an annotation: {n_bare}")
    if n_sequence_level:
        notes.append(f"annotations of whole sequences, single pictures of which may be empty: {n_sequence_level}")
    if n_corrupt:
        notes.append(f"rows marked corrupt, left without a label: {n_corrupt}")
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
    """Write a COCO Camera Traps file, which `read_coco` reads back, and return its path.

    A row has one annotation for each box, named by the box or else by the row, and one for each species without a
    box. Bursts become stills of one sequence; frames of videos have `time_s` and `frame_number`. corrupt: paths of
    files that cannot be read. scores: by path, the probability that a model gives to the label of the file.

    Raises ManifestError for a box without a name.

    >>> ln.write_coco(manifest, Path("labels.json"))  # doctest: +SKIP
    """
    entries = single_files(manifest, kinds=("still", "video", "frame"), format_name="COCO")
    annotated = [_annotate(row) for row in entries]
    names = sorted({a["name"] for group in annotated for a in group} - {EMPTY})
    category_ids = {EMPTY: 0, **{n: i for i, n in enumerate(names, start=1)}}
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
            _format_image(i, row) | ({"corrupt": True} if row["path"] in corrupt else {})
            for i, row in enumerate(entries)
        ],
        "annotations": annotations,
    }
    with atomic_path(Path(out)) as part:
        part.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    return Path(out)


def _format_image(i: int, row: Mapping[str, Any]) -> dict[str, Any]:
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


def _annotate(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    names = names_of(row)
    boxes = parse_boxes(row["boxes"])
    key = "bbox" if row["box_unit"] == "px" else "bbox_relative"
    boxed = [{"name": b.get("label") or (names[0] if names else ""), key: xyxy_to_xywh(b["xyxy"])} for b in boxes]
    if any(not b["name"] for b in boxed):
        raise ManifestError("a box has no name", where=row["path"], expected="a label of the box or of its row")
    return boxed + [{"name": n} for n in names if n not in {b["name"] for b in boxed}]
