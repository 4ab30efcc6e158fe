"""What a video file promises in its header or index, against what is really in it. Nothing is decoded."""

from __future__ import annotations

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

EMPTY = (bytes(8), b"\xff" * 8)  # what a card or a repair tool leaves where the data is gone; no frame begins so
N_SAMPLES = 16  # entries of the index that are looked at in a sound file
HEAD_BYTES = 8192
RAW_CODECS = ("rawvideo", "v210", "yuv4", "v410", "r210")  # a black picture is zeros, which are not a loss
ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
LENGTH_FIELDS = {"matroska": b"\x44\x89", "flv": b"duration"}  # without it, FFmpeg guesses a length


class Index(NamedTuple):
    """The frames that an index lists, N of them in the order of the file.

    begins, ends: int64 [N], bytes; stamps: float64 [N], decode times in the time base; is_key: bool [N].
    """

    begins: NDArray[np.int64]
    ends: NDArray[np.int64]
    stamps: NDArray[np.float64]
    is_key: NDArray[np.bool_]

    @classmethod
    def read(cls, video: VideoStream) -> Index:
        """Return the index that FFmpeg has of a stream, which may list only the frames that it has read."""
        rows = [(entry.pos, entry.size, entry.timestamp, entry.is_keyframe) for entry in video.index_entries]
        table = np.asarray(rows, np.int64).reshape(-1, 4).T
        return cls(table[0], table[0] + table[1], table[2].astype(np.float64), table[3].astype(bool))


def find_lost_frames(path: Path, index: Index, codec: str) -> NDArray[np.bool_]:
    """Return which frames of an index are not in the file, bool [N]: behind its end, or overwritten by 00 or FF.

    A few entries, spread over the file, are looked at; all of them only if one of these is lost.
    """
    lost = index.ends > path.stat().st_size
    there = np.flatnonzero(~lost & (index.ends > index.begins))
    if not len(there) or codec in RAW_CODECS:
        return np.asarray(lost, bool)
    few = there[np.unique(np.linspace(0, len(there) - 1, N_SAMPLES).round().astype(int))]
    with path.open("rb", buffering=0) as file:
        if any(_is_empty(file, at) for at in index.begins[few].tolist()):
            lost[there] = [_is_empty(file, at) for at in index.begins[there].tolist()]
    return np.asarray(lost, bool)


def has_index_chunk(path: Path, index: Index) -> bool:
    """Whether the index of an AVI file follows its last frame, and so was written when the recording ended."""
    with path.open("rb") as file:
        file.seek(int(index.ends.max(initial=0)))
        return b"idx1" in file.read(HEAD_BYTES)


def read_promised_s(path: Path, container: InputContainer, video: VideoStream) -> float:
    """Return the length that the header states, in seconds; 0 if it states none or the format has none.

    For files without a usable index. FFmpeg's own length is taken only where the header has a field for it, since
    it is otherwise a guess from the size of the file.
    """
    name = container.format.name
    if name == "avi":  # nb_frames is the header's count
        return float(video.frames / video.average_rate) if video.average_rate else 0.0
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if name == "asf":
        at = head.find(ASF_PROPERTIES)
        fields = head[at : at + 92]
        if at < 0 or len(fields) < 92 or fields[88] & 1:  # the recording was never closed
            return 0.0
        return int.from_bytes(fields[64:72], "little") / 1e7 - int.from_bytes(fields[80:88], "little") / 1e3
    known = any(name.startswith(start) and field in head for start, field in LENGTH_FIELDS.items())
    return (container.duration or 0) / 1e6 if known else 0.0


def describe_loss(stamps_s: NDArray[np.float64], lost: NDArray[np.bool_], step_s: float) -> str:
    """Return what is missing of a clip whose index is whole, or an empty text.

    stamps_s: float64 [N], seconds from the start, in the order of the index; lost: bool [N], which of these frames
    are lost.

    >>> describe_loss(np.arange(40) / 10, np.arange(40) >= 20, 0.1)
    'the clip ends at 2.0 s, the header says 4.0 s'
    >>> describe_loss(np.arange(40) / 10, np.isin(np.arange(40), range(5, 15)), 0.1)
    '10 of 40 frames are lost, between 0.5 s and 1.5 s: the file has nothing there'
    """
    if not lost.any():
        return ""
    gone, kept = stamps_s[lost], stamps_s[~lost]
    if lost[int(lost.argmax()) :].all():  # in the order of the file, which need not be that of the times
        return _describe_end(kept.max() + step_s, stamps_s.max() + step_s)
    span = f"between {gone.min():.1f} s and {gone.max() + step_s:.1f} s"
    return f"{len(gone)} of {len(stamps_s)} frames are lost, {span}: the file has nothing there"


def describe_early_end(end_s: float, promised_s: float, step_s: float) -> str:
    """Return that a clip ends before its header says, or an empty text.

    A header may round, and count a few frames that were never written, so small differences are no loss.

    >>> describe_early_end(2.0, 4.0, 0.1), describe_early_end(59.97, 60.0, 1 / 30)
    ('the clip ends at 2.0 s, the header says 4.0 s', '')
    """
    tolerance_s = max(0.5, 3 * step_s, 0.02 * promised_s)
    return _describe_end(end_s, promised_s) if end_s < promised_s - tolerance_s else ""


def describe_gap(stamps_s: NDArray[np.float64], step_s: float) -> str:
    """Return the longest gap in a clip of steady frames, or an empty text.

    stamps_s: float64 [N], sorted. A gap of a second that is also as long as ten frames is a loss, if nine steps of
    ten are even: then the camera did not vary its rate.

    >>> describe_gap(np.r_[np.arange(10), np.arange(30, 40)] / 10, 0.1)
    'no frames between 1.0 s and 3.0 s'
    """
    steps = np.diff(stamps_s)
    is_steady = len(steps) >= 10 and float((np.abs(steps - step_s) <= 0.2 * step_s).mean()) >= 0.9
    if not is_steady or steps.max() < max(1.0, 10 * step_s):
        return ""
    i = int(steps.argmax())
    return f"no frames between {stamps_s[i] + step_s:.1f} s and {stamps_s[i + 1]:.1f} s"


def truncation_warnings(path: Path, container: InputContainer, index: Index, *, is_whole: bool) -> list[str]:
    """Return a warning if the file ends before its header or its index says, else nothing.

    is_whole: all frames that the header counts were found; then the size in the header says nothing.
    """
    n_bytes, promised = path.stat().st_size, 0
    if container.format.name == "avi" and not is_whole:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8)[4:], "little")
        promised = 0 if size == 0xFFFFFFFF else size + 8
    if container.format.name.startswith(("mov", "avi")):
        promised = max(promised, int(index.ends.max(initial=0)))
    if container.format.name.startswith("mov") and not is_whole:  # fragments, which no index lists
        promised = max(promised, _find_box_end(path))
    return [f"the file is cut short: {n_bytes} of {promised} bytes"] if promised > n_bytes else []


def _find_box_end(path: Path) -> int:
    """Return the byte at which the last box of an MP4 should end, from the sizes that its boxes state."""
    end, n_bytes = 0, path.stat().st_size
    with path.open("rb") as file:
        while end < n_bytes:
            file.seek(end)
            header = file.read(16)
            size = int.from_bytes(header[8:16] if header[:4] == b"\0\0\0\1" else header[:4], "big")
            if size < 8:  # 0 is a box up to the end of the file, and less is no box
                return 0
            end += size
    return end


def _describe_end(end_s: float, promised_s: float) -> str:
    return f"the clip ends at {end_s:.1f} s, the header says {promised_s:.1f} s"


def _is_empty(file: io.FileIO, at: int) -> bool:
    file.seek(at)
    return file.read(8) in EMPTY
