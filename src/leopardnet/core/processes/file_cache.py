"""A folder of made files with a cap on its bytes: what was not used for longest goes first.

File names are hashes, so the folder says nothing of paths, sites or places. Several programs may share it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
import time
from collections import OrderedDict
from pathlib import Path

KEPT_SHARE = 0.9  # of the cap, after a clearing: the next one is not at once
STALE_S = 3600.0  # unfinished files of a process that is gone
KEEP_FREE_BYTES = 2_000_000_000  # of the disk, for the results that are being made


class FileCache:
    """Files by key in one folder, with a suffix. Thread-safe; a disk that fails costs time, never an answer.

    n_not_kept: how many files were not kept, because the disk is full or fails.
    """

    def __init__(self, folder: Path, *, suffix: str, max_bytes: int) -> None:
        self.folder, self.suffix, self.max_bytes = folder, suffix, max_bytes
        self._lock = threading.Lock()
        self.n_not_kept = 0
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._drop_stale()
        self._n_bytes = sum(n for _, n, _ in self._list())
        self._clear()

    def path(self, key: str) -> Path:
        """Return where the file of a key is, or would be."""
        return self.folder / f"{key}{self.suffix}"

    def find(self, key: str) -> Path | None:
        """Return the file of a key and note that it was used, or None if it is not there."""
        path = self.path(key)
        try:
            os.utime(path)
        except OSError:
            return path if path.is_file() else None  # a folder that may only be read
        return path

    def read(self, key: str) -> bytes | None:
        """Return the bytes of a key, or None."""
        path = self.find(key)
        try:
            return path.read_bytes() if path else None
        except OSError:
            return None

    def write(self, key: str, data: bytes) -> None:
        """Keep bytes under a key, if the disk has room and some to spare."""
        part = self.folder / f".{key}.{os.getpid()}.{threading.get_ident()}.part"
        try:
            if shutil.disk_usage(self.folder).free < KEEP_FREE_BYTES + len(data):
                self._count_not_kept()
                return
            part.write_bytes(data)  # not forced to the disk: it can be made again
            part.replace(self.path(key))
            self.add(key)
        except OSError:
            self._count_not_kept()
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)

    def _count_not_kept(self) -> None:
        with self._lock:
            self.n_not_kept += 1

    def add(self, key: str) -> None:
        """Count a file that was put at `path(key)`, and delete others if there are now too many bytes."""
        with self._lock, contextlib.suppress(OSError):
            self._n_bytes += self.path(key).stat().st_size
            if self._n_bytes > self.max_bytes:
                self._clear()

    def drop_parts(self, key: str) -> None:
        """Delete what a process that ended early has left of a file."""
        for path in self.folder.glob(f".{key}*"):
            with contextlib.suppress(OSError):
                path.unlink()

    def _clear(self) -> None:
        """Delete the files used longest ago until there is room; the newest one stays whatever its size."""
        files = sorted(self._list())
        self._n_bytes = sum(n for _, n, _ in files)
        if self._n_bytes <= self.max_bytes:
            return
        for _, n_bytes, path in files[:-1]:
            if self._n_bytes <= KEPT_SHARE * self.max_bytes:
                return
            with contextlib.suppress(OSError):  # in use, on Windows
                path.unlink(missing_ok=True)
                self._n_bytes -= n_bytes

    def _list(self) -> list[tuple[float, int, Path]]:
        """Return when each file was used last, its bytes and its path."""
        found = []
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if entry.name.endswith(self.suffix) and not entry.name.startswith("."):
                    with contextlib.suppress(OSError):  # deleted by another program
                        state = entry.stat()
                        found.append((state.st_mtime, state.st_size, self.folder / entry.name))
        return found

    def _drop_stale(self) -> None:
        before = time.time() - STALE_S
        for path in self.folder.glob(".*"):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < before:
                    path.unlink()


class MemoryCache:
    """Bytes by key in memory, the least recently used dropped first. Thread-safe."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes, self._n_bytes = max_bytes, 0
        self._lock = threading.Lock()
        self._values: OrderedDict[str, bytes] = OrderedDict()

    def read(self, key: str) -> bytes | None:
        """Return the bytes of a key, or None."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def write(self, key: str, data: bytes) -> None:
        """Keep bytes under a key."""
        with self._lock:
            self._n_bytes += len(data) - len(self._values.pop(key, b""))
            self._values[key] = data
            while self._n_bytes > self.max_bytes:
                self._n_bytes -= len(self._values.popitem(last=False)[1])
