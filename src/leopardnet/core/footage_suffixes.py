"""Suffixes of videos and stills, in one place for every reader."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

VIDEO_SUFFIXES = frozenset(
    {".avi", ".mp4", ".mov", ".m4v", ".asf", ".wmv", ".mkv", ".mpg", ".mpeg"}
    | {".3gp", ".mts", ".m2ts", ".flv", ".webm"}
)
STILL_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"})
# Folders that operating systems and recovery tools create beside footage.
SYSTEM_FOLDERS = frozenset({"system volume information", "$recycle.bin", "__macosx", "lost+found"})


def kind_by_suffix(path: str | PurePosixPath) -> Literal["video", "still"] | None:
    """Return 'video' or 'still' by the file's suffix, in any case; None for a file that is not footage.

    >>> kind_by_suffix("site01/DCIM/IMAG0001.AVI"), kind_by_suffix("a/1.JPEG"), kind_by_suffix("Thumbs.db")
    ('video', 'still', None)
    >>> kind_by_suffix(".jpg") is None and kind_by_suffix("folder.avi/readme") is None
    True
    """
    # Scans call this for a million paths, and PurePosixPath.suffix takes ten times as long.
    name = path.rpartition("/")[2] if isinstance(path, str) else path.name
    stem, dot, ending = name.rpartition(".")
    suffix = (dot + ending).lower() if stem else ""
    if suffix in VIDEO_SUFFIXES:
        return "video"
    return "still" if suffix in STILL_SUFFIXES else None


def is_system_file(path: str | PurePosixPath) -> bool:
    """Return True for dot-files, resource forks and files in a system folder, which are never footage.

    `path` is relative to the data root; folders above the root do not count.

    >>> is_system_file("site/._IMAG0001.AVI"), is_system_file("$RECYCLE.BIN/1.avi"), is_system_file("site/1.avi")
    (True, True, False)
    """
    parts = PurePosixPath(path).parts
    return any(p.startswith(".") or p.lower() in SYSTEM_FOLDERS for p in parts)
