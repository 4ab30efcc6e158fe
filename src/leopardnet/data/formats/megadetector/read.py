"""Reading of detections: MegaDetector batch results (format 1.x) and the list form of Microsoft's tool."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.boxes import format_boxes, parse_boxes
from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.other_footage import refuse_other_footage
from leopardnet.core.manifest import Manifest
from leopardnet.data.formats.megadetector.detections import Entry
from leopardnet.data.formats.megadetector.entries import read_entries
from leopardnet.data.formats.megadetector.match_paths import ListedPaths, find_twins, match_paths
from leopardnet.data.reading.label_map import LabelMap, OnUnknown
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.to_manifest import ImportResult, LabelRules, assemble, footage_kind


def read_megadetector(
    source: Path,
    *,
    root: Path,
    label_map: LabelMap | None = None,
    on_unknown: OnUnknown = "refuse",
    site_from: str | None = None,
    min_score: float = 0.0,
    min_classification: float | None = None,
    strict: bool = False,
) -> ImportResult:
    """Read the manifest of a file of detections: one row for each video and still, including failed ones.

    The column boxes holds the detections as fractions (pixels in the list form), each with its category (animal,
    person, vehicle) as `label` and its `score`; in a video also `frame_number` and `time_s`; and `species` and
    `species_score` where it was classified. The cell is `[]` where nothing was found, and missing for a failed
    file.

    A detector does not know species, so rows have no label. With `min_classification`, classes of at least this
    probability become the names of the row, as machine labels. Boxes below `min_score` are left out and counted.

    What cannot be read is left out and counted (see `read_entries`), and so is a file that is no footage by its
    suffix; with `strict` they are refused. Raises ManifestError for a path outside the root.

    >>> ln.read_megadetector(Path("md.json"), root=Path("cards"), min_score=0.2).manifest  # doctest: +SKIP
    """
    source, problems = Path(source), Problems(strict=strict)
    found = read_entries(source, root=root, min_score=min_score, problems=problems)
    read, kinds = _find_footage(found.entries, source.name, problems)
    names = [e.names(min_classification) for e in read]
    columns = {
        "path": [e.path for e in read],
        "kind": kinds,
        "boxes": [None if e.boxes is None else format_boxes(e.boxes) for e in read],
        "box_unit": [found.unit if e.boxes else None for e in read],
        "width_px": [e.size_px[0] if e.size_px else None for e in read],
        "height_px": [e.size_px[1] if e.size_px else None for e in read],
        "captured_at": [e.captured_at for e in read],
        "label_source": ["machine" if n else None for n in names],
    }
    failures = [e for e in read if e.boxes is None]
    notes = [f"boxes with a score below {min_score}, left out: {found.n_low}"] * bool(found.n_low)
    if failures:
        first = f"{failures[0].path} ({failures[0].failure})"
        notes = [f"rows that the detector could not read: {len(failures)}, the first: {first}", *notes]
    rules = LabelRules(label_map, on_unknown, site_from)
    return assemble(
        columns,
        names,
        root=root,
        rules=rules,
        source=f"megadetector {source.name}",
        where=source.name,
        notes=notes,
        problems=problems,
    )


def _find_footage(entries: Sequence[Entry], where: str, problems: Problems) -> tuple[list[Entry], list[str]]:
    """Return the entries of videos and stills, and which of these each is. Raises ManifestError if none is."""
    kept, kinds = list[Entry](), list[str]()
    for entry in entries:
        try:
            kinds.append(footage_kind(entry.path, where=f"{where}, {entry.key}.file"))
            kept.append(entry)
        except ManifestError as error:
            problems.add(error, where, entry.key, outcome="left out")
    if entries and not kept and problems.first is not None:
        raise problems.first
    return kept, kinds


def merge_boxes(manifest: Manifest, detections: Manifest) -> ImportResult:
    """Return `manifest` with the boxes of `detections`, joined by file, and notes on what did not match.

    A labelled frame of a video gets the boxes of its own frame, if any. Rows with boxes keep them, and no row is
    dropped. Bursts get no boxes, because those belong to single stills. A path in another case matches where only
    one file of each side has it. Raises ManifestError if no file of `detections` is in the manifest, and if they
    are of other footage with the same file names.

    >>> boxes = ln.read_megadetector(Path("md.json"), root=Path("cards"))  # doctest: +SKIP
    >>> ln.merge_boxes(manifest, boxes.manifest).manifest  # doctest: +SKIP
    """
    table = manifest.table
    found = _take_ids(detections.table.drop_duplicates("clip_id"), table).set_index("clip_id")
    refuse_other_footage(table, found.reset_index(), names=("the manifest", "the detections"))
    boxes, units = dict(found["boxes"].dropna()), dict(found["box_unit"].dropna())
    merged_boxes, merged_units, n_new, n_kept = [], [], 0, 0
    own = table[["clip_id", "kind", "boxes", "box_unit", "frame_number", "time_s"]]
    for cid, kind, mine, unit, number, time_s in own.itertuples(index=False, name=None):
        cell = None if kind == "burst" else boxes.get(cid)
        if isinstance(mine, str) or cell is None:
            n_kept += isinstance(mine, str)
            merged_boxes.append(mine)
            merged_units.append(unit)
            continue
        if kind == "frame":
            own_frame = [b for b in parse_boxes(cell) if _same_frame(b, number, time_s)]
            cell = format_boxes(own_frame) if own_frame else None  # the detector may not have run on this frame
        n_new += cell is not None
        merged_boxes.append(cell)
        merged_units.append(units.get(cid) if cell not in (None, "[]") else None)
    merged = table.assign(boxes=pd.array(merged_boxes, dtype="str"), box_unit=pd.array(merged_units, dtype="str"))
    took = merged["boxes"].notna() & table["boxes"].isna()
    sides = ("width_px", "height_px") if found["width_px"].notna().any() else ()
    for side in sides:  # the size belongs to the boxes: of the picture that they were drawn on
        of_boxes = table["clip_id"].map(found[side])
        merged[side] = of_boxes.where(took & of_boxes.notna(), table[side])
    n_unused = len(set(found.index) - set(table["clip_id"]))
    notes = [f"rows that took the boxes of the detector: {n_new} of {len(table)}"]
    notes += [f"rows that kept their own boxes: {n_kept}"] * bool(n_kept)
    notes += [f"files of the detector that the manifest lacks: {n_unused}"] * bool(n_unused)
    return ImportResult(manifest.replace(merged), tuple(notes))


def _take_ids(detections: pd.DataFrame, own: pd.DataFrame) -> pd.DataFrame:
    """Return the detections with the clip_id of the row of `own` that each belongs to, in any case.

    Raises ManifestError if none belongs to any.
    """
    is_other = ~detections["clip_id"].isin(own["clip_id"])
    if not is_other.any():
        return detections
    ids = dict(zip(own["path"], own["clip_id"], strict=True))
    paths = detections["path"].tolist()
    known = ListedPaths(paths, find_twins(ids))
    found = [(known.find(path), cid) for path, cid in ids.items()]
    own_ids = {i: cid for i, cid in found if i is not None}
    if not own_ids:
        match_paths(paths, [[path] for path in ids], name=str(detections["source"].iloc[0]))
    cids = [own_ids.get(i, cid) for i, cid in enumerate(detections["clip_id"])]
    return detections.assign(clip_id=pd.array(cids, dtype="str"))


def _same_frame(box: Mapping[str, Any], number: Any, time_s: Any) -> bool:
    """Return whether the box was found in this frame: same number, or same time within 50 ms."""
    if pd.notna(number) and "frame_number" in box:
        return bool(box["frame_number"] == number)
    return bool(pd.notna(time_s) and abs(box.get("time_s", float("inf")) - time_s) <= 0.05)
