"""A clip that waits to be classified, with a stamp by which a changed file is recognised."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from leopardnet.core.errors import JournalError
from leopardnet.core.footage.find_file import find_file
from leopardnet.core.types import Clip

MISSING = "missing"


@dataclass(frozen=True, slots=True)
class QueuedClip:
    """A clip, the size of its files in bytes, and a text that changes when the files do."""

    clip: Clip
    n_bytes: int
    stamp: str


def stamp_clip(clip: Clip, root: str) -> QueuedClip:
    """Return the clip with the sizes and modification times of its files; a file that is not there is `missing`."""
    n_bytes, marks = 0, []
    for path in clip.paths:
        try:
            found = _read_stat(root, path)
        except (OSError, ValueError):
            marks.append(MISSING)
        else:
            n_bytes += found.st_size
            marks.append(f"{found.st_size}:{found.st_mtime_ns}")
    if len(marks) == 1:
        return QueuedClip(clip, n_bytes, marks[0])
    return QueuedClip(clip, n_bytes, hashlib.sha256(json.dumps([clip.paths, marks]).encode()).hexdigest()[:32])


def refuse_other_files(items: Sequence[QueuedClip], known: Mapping[str, str]) -> None:
    """Raise JournalError where finished clips belong to other footage, or where none of their files is there.

    known: stamps of the clips that could be read, by clip_id. Files of other footage are those of which most have
    another size than before: cameras count from IMAG0001 on every card.
    """
    pairs = [(known[item.clip.clip_id], item) for item in items if item.clip.clip_id in known]
    if not pairs:
        return
    example = pairs[0][1].clip.path
    if all(item.stamp == MISSING for item in items):
        raise JournalError(
            "none of the files can be found, and their results are kept",
            where=example,
            found=f"results of {len(pairs)} clips, and no file",
            todo="connect the disk or card, or give its folder with --root",
        )
    sizes = [(stamp.split(":")[0], item.stamp.split(":")[0]) for stamp, item in pairs]
    sizes = [(before, now) for before, now in sizes if before.isdigit() and now.isdigit()]
    n_other = sum(before != now for before, now in sizes)
    if 2 * n_other > len(sizes):
        raise JournalError(
            "this folder holds the results of other footage with the same file names",
            where=example,
            found=f"{n_other} of {len(sizes)} files have another size than when they were classified",
            expected="a folder of its own for each card",
            todo="choose another folder for --out; if the files were replaced on purpose, move the journal away",
        )


def _read_stat(root: str, path: str) -> os.stat_result:
    try:
        return os.stat(os.path.join(root, path))  # noqa: PTH116, PTH118 - a Path costs more than the call
    except FileNotFoundError:
        return find_file(Path(root), path).stat()
