"""Suffixes of videos and stills, in one place for every reader."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

VIDEO_SUFFIXES = frozenset(
    {".avi", ".mp4", ".mov", ".m4v", ".asf", ".wmv", ".mkv", ".mpg", ".mpeg", ".3gp", ".3g2", ".mts", ".m2ts"}
    | {".ts", ".flv", ".webm", ".divx", ".vob", ".mod", ".f4v"}
    | {".tlv"}  # AVI of a time-lapse camera (PlotWatcher)
    | {".insv", ".360"}  # MP4 of cameras for panoramas
    | {".h264", ".h265", ".hevc"}  # streams without a container: their rows say what to do
)
# Pictures that cannot be read. Alone they have rows that say what to do; beside a picture of their name, none.
UNREAD_SUFFIXES = frozenset(
    {".heic", ".heif", ".hif", ".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".raf", ".orf", ".rw2"}
    | {".pef", ".srw", ".gpr"}
)
STILL_SUFFIXES = UNREAD_SUFFIXES | {
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".insp", ".png", ".tif", ".tiff", ".bmp", ".webp", ".avif")
}
# Folders that operating systems, network disks and recovery tools create beside footage.
SYSTEM_FOLDERS = frozenset(
    {"system volume information", "$recycle.bin", "recycler", "recycled", "__macosx", "lost+found"}
    | {"@eadir", "@recycle", "#recycle", "#snapshot"}
)
# Files that may contain footage, which has to be taken out first.
PACKED_SUFFIXES = frozenset({".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".img", ".iso", ".dd", ".e01", ".chk"})


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
    suffix = (dot + ending).lower().rstrip() if stem else ""
    if suffix in VIDEO_SUFFIXES:
        return "video"
    return "still" if suffix in STILL_SUFFIXES else None


def is_system_file(path: str | PurePosixPath) -> bool:
    """Return True for dot-files, resource forks and files in a system folder, which are never footage.

    `path` is relative to the data root; folders above the root do not count.

    >>> is_system_file("site/._IMAG0001.AVI"), is_system_file("$RECYCLE.BIN/1.avi"), is_system_file("site/1.avi")
    (True, True, False)
    """
    parts = str(path).split("/")  # scans ask of a million names, and PurePosixPath takes ten times as long
    return any((p.startswith(".") and p != ".") or p.lower() in SYSTEM_FOLDERS for p in parts)
