"""A clip that waits to be classified, with a stamp by which a changed file is recognised."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass

from leopardnet.core.types import Clip


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
            found = os.stat(os.path.join(root, path))  # noqa: PTH116, PTH118 - a Path costs more than the call
        except (OSError, ValueError):
            marks.append("missing")
        else:
            n_bytes += found.st_size
            marks.append(f"{found.st_size}:{found.st_mtime_ns}")
    if len(marks) == 1:
        return QueuedClip(clip, n_bytes, marks[0])
    return QueuedClip(clip, n_bytes, hashlib.sha256(json.dumps([clip.paths, marks]).encode()).hexdigest()[:32])
