"""Reading ahead: the system is told which bytes come next, and fetches them from a slow card in the meantime.

Nothing waits for them, and where they are in memory already, or the system takes no advice, nothing changes.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from leopardnet.core.journal.queued_clip import QueuedClip

END_BYTES = 256_000  # of a video: its index is at the beginning or at the end, and says what else is needed


def advise_next(clips: Iterator[QueuedClip], root: Path) -> Iterator[QueuedClip]:
    """Yield the same clips, and have fetched what each will need first: pictures whole, of videos both ends.

    Workers take a clip while others are still in work, so there is time for that.
    """
    for item in clips:
        for path in item.clip.paths:
            spans = [(0, 0)] if item.clip.kind != "video" else [(0, END_BYTES), (item.n_bytes - END_BYTES, 0)]
            advise(root / path, spans)
        yield item


def advise(path: Path, spans: Iterable[tuple[int, int]]) -> None:
    """Have parts of a file fetched in the background: (first byte, number of bytes), where 0 is up to the end.

    A file that is not there, or a system without such advice, is left to who reads it next.
    """
    if not hasattr(os, "posix_fadvise"):
        return
    with suppress(OSError, ValueError):
        file = os.open(path, os.O_RDONLY)
        try:
            for begin, n_bytes in spans:
                os.posix_fadvise(file, max(0, begin), n_bytes, os.POSIX_FADV_WILLNEED)
        finally:
            os.close(file)
