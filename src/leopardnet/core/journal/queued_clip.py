"""A clip that waits to be classified, with a stamp by which a changed file is recognised."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

from leopardnet.core.errors import JournalError
from leopardnet.core.footage.find_file import find_file
from leopardnet.core.language import translate
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


class FilesMatch:
    """Whether the files of finished clips are those of before: cameras count from IMAG0001 on every card."""

    def __init__(self) -> None:
        self.is_any_there = False  # of all files, also those of other clips
        self._n_clips, self._n_sizes, self._n_other, self._example = 0, 0, 0, ""

    def add(self, item: QueuedClip, before: str | None) -> None:
        """Count a clip as it is now. before: its stamp when it was read; None where it was not."""
        self.is_any_there |= item.stamp != MISSING
        if before is None:
            return
        self._n_clips += 1
        self._example = self._example or item.clip.path
        sizes = before.split(":")[0], item.stamp.split(":")[0]
        if sizes[0].isdigit() and sizes[1].isdigit():
            self._n_sizes += 1
            self._n_other += sizes[0] != sizes[1]

    def refuse_others(self) -> None:
        """Raise JournalError where no file is there any more, or most have another size than before."""
        if self._n_clips and not self.is_any_there:
            raise JournalError(
                "none of the files can be found, and their results are kept",
                where=self._example,
                found=translate("results of {n_clips} clips, and no file", n_clips=self._n_clips),
                todo="connect the disk or card, or give its folder with --root",
            )
        if 2 * self._n_other > self._n_sizes:
            raise JournalError(
                "this folder holds the results of other footage with the same file names",
                where=self._example,
                found=translate(
                    "{n_other} of {n_sizes} files have another size than when they were classified",
                    n_other=self._n_other,
                    n_sizes=self._n_sizes,
                ),
                expected="a folder of its own for each card",
                todo="choose another folder for --out; if the files were replaced on purpose, move the journal "
                "away",
            )


def _read_stat(root: str, path: str) -> os.stat_result:
    try:
        return os.stat(os.path.join(root, path))  # noqa: PTH116, PTH118 - a Path costs more than the call
    except FileNotFoundError:
        return find_file(Path(root), path).stat()
