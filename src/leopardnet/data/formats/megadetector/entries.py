"""The entries of a file of detections: MegaDetector batch results (format 1.x), or the list of Microsoft's tool."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.footage_suffixes import kind_by_suffix
from leopardnet.core.processes.pause_gc import pause_gc
from leopardnet.data.formats.megadetector.detections import EXPECTED, Entry, choose_reader
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.safe_files import read_json
from leopardnet.data.reading.to_manifest import RelativePaths, nfc

_VIDEO_FRAME = re.compile(r"(.+\.\w{2,4})[/\\]frame_?(\d{1,9})\.(?:jpe?g|png)", re.IGNORECASE)


@dataclass(frozen=True)
class Entries:
    """All entries of a source, the unit of their boxes, and how many boxes were left out for their score."""

    entries: list[Entry]
    unit: str
    n_low: int


def read_entries(
    source: Path,
    *,
    root: Path,
    min_score: float = 0.0,
    keep_outside: bool = False,
    problems: Problems | None = None,
) -> Entries:
    """Read a file of detections: one entry for each video and still. Boxes below `min_score` are counted only.

    Pictures such as `a.mp4/frame000010.jpg` are frames of a video and become one entry for it, unless there is a
    folder of that name. keep_outside: a path that does not lie in the root is kept as it is written, with forward
    slashes. A detection or an entry that cannot be read, and a second entry of a file, are left out and go to
    `problems`; a file without any other detection counts as one that the detector could not read. Without
    `problems`, or where no entry can be read, this raises ManifestError.
    """
    source, problems = Path(source), problems or Problems(strict=True)
    with pause_gc():
        reader = choose_reader(read_json(source, expected=EXPECTED), source.name, min_score, problems)
        entries = [e for i in range(len(reader.images)) if (e := reader.read_entry(i)) is not None]
        read = _join_frames(entries, Path(root), source.name, problems)
    relative = RelativePaths(root)
    for i, entry in enumerate(read):
        path = _relative_path(entry, relative, source.name, keep_outside=keep_outside)
        if path != entry.path:
            read[i] = replace(entry, path=path)
    read = _keep_first(read, [nfc(e.path) for e in read], "a file", source.name, problems)
    if not read and problems.first is not None:
        raise problems.first
    return Entries(read, reader.unit, reader.n_low)


def _keep_first(
    entries: list[Entry], keys: Sequence[Any], what: str, where: str, problems: Problems
) -> list[Entry]:
    """Return the first entry of each key; the others are problems."""
    if len(set(keys)) == len(keys):
        return entries
    first: dict[Any, Entry] = {}
    for key, entry in zip(keys, entries, strict=True):
        other = first.setdefault(key, entry)
        if other is not entry:
            places = f"{where}, {other.key} and {where}, {entry.key}"
            error = ManifestError(f"{what} stands twice", where=places, found=repr(key), expected="each once")
            problems.add(error, where, entry.key, outcome="left out, and the first one is used")
    return list(first.values())


def _relative_path(entry: Entry, relative: RelativePaths, where: str, *, keep_outside: bool) -> str:
    try:
        return relative(entry.path, where=f"{where}, {entry.key}.file")
    except ManifestError:
        if not keep_outside:
            raise
        return entry.path.replace("\\", "/")


def _join_frames(entries: list[Entry], root: Path, where: str, problems: Problems) -> list[Entry]:
    """Return the entries with the frames of a video joined to one for the video, at the place of the first."""
    is_video: dict[str, bool] = {}
    frames: dict[str, list[tuple[int, Entry]]] = {}
    joined: list[Entry | str] = []
    for entry in entries:
        match = _VIDEO_FRAME.fullmatch(entry.path) if "rame" in entry.path[-20:].lower() else None
        video = match[1].replace("\\", "/") if match else ""
        if match and video not in is_video:
            is_video[video] = kind_by_suffix(video) == "video" and not (root / video).is_dir()
        if match is None or not is_video[video]:
            joined.append(entry)
            continue
        if video not in frames:
            joined.append(video)
        frames.setdefault(video, []).append((int(match[2]), entry))
    return [_join(e, frames[e], where, problems) if isinstance(e, str) else e for e in joined]


def _join(video: str, frames: list[tuple[int, Entry]], where: str, problems: Problems) -> Entry:
    number_of = {entry.key: number for number, entry in frames}
    each = [entry for _, entry in frames]
    once = _keep_first(each, [number for number, _ in frames], f"a frame of {video}", where, problems)
    first = frames[0][1]
    read = [(number_of[entry.key], entry.boxes) for entry in once if entry.boxes is not None]
    if not read:
        return replace(first, path=video)
    boxes = [box | {"frame_number": number} for number, found in read for box in found]
    looked_at = tuple(sorted(number for number, _ in read))
    return replace(first, path=video, boxes=boxes, failure="", frame_numbers=looked_at)
