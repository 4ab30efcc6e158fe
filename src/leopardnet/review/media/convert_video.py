"""Making an MP4 that every browser plays: H.264 with AAC or MP3, its header first.

What is H.264 already is copied without being decoded; anything else is encoded anew at a small size. A damaged file
plays as far as it goes, and the answer says what is missing.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import av
import av.error

from leopardnet.core.errors import MediaError
from leopardnet.core.tables import atomic_path, write_json
from leopardnet.media.video.open import describe_error, open_container
from leopardnet.review.media.convert_pictures import CopiedPictures, EncodedPictures
from leopardnet.review.media.convert_sound import open_sound
from leopardnet.review.media.inspect_video import Inspection, inspect_video

MAX_PIECE_S = 600.0  # the longest piece of a video that is made playable
MAX_WORK_S = 300.0  # then the piece ends where it is
LOOK_S = 0.2
LEAST_SHARE = 0.95  # of the frames that the file lists; with fewer, that is said
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
Way = type[CopiedPictures] | type[EncodedPictures]


@dataclass(frozen=True)
class Limits:
    """Where a piece of a video ends: bytes of the file, seconds of the clip, seconds of work."""

    max_bytes: int
    max_piece_s: float = MAX_PIECE_S
    max_work_s: float = MAX_WORK_S


class Watch:
    """Says when a piece ends, and tells how much is done in a small file, as a number between 0 and 1."""

    def __init__(self, limits: Limits, part: Path, share: Path | None) -> None:
        self.limits, self.part, self.share = limits, part, share
        self.started, self.looked = time.monotonic(), 0.0

    def find_end(self, now_s: float, duration_s: float) -> str:
        """Return why the piece ends at `now_s`, or an empty text."""
        if now_s >= self.limits.max_piece_s:
            return f"only the first {now_s:.0f} s of {duration_s:.0f} s are played here"
        now = time.monotonic()
        if now - self.looked < LOOK_S:
            return ""
        self.looked = now
        if self.share is not None:
            done = now_s / max(min(duration_s, self.limits.max_piece_s), 1e-3)
            self.share.write_text(f"{min(done, 0.99):.3f}", "ascii")
        if now - self.started > self.limits.max_work_s:
            return f"only the first {now_s:.0f} s are played here: the video takes too long to convert"
        if self.part.exists() and self.part.stat().st_size > self.limits.max_bytes:
            return f"only the first {now_s:.0f} s are played here: the cache is too small for more"
        return ""


def convert_video(
    source: Path,
    target: Path,
    limits: Limits,
    *,
    must_encode: bool = False,
    share: Path | None = None,
    notes: Path | None = None,
) -> tuple[str, ...]:
    """Write a playable MP4 of a video at `target`, atomically, and return what is missing of it, as warnings.

    must_encode: do not copy H.264, which a browser refused to play; share: a file for how much is done, 0 to 1;
    notes: a JSON file for the warnings, which is there before the video is. Raises MediaError if there is nothing
    to play.
    """
    inspection = inspect_video(source)
    is_copied = inspection.way == "copy" and not must_encode
    ways: list[Way] = [CopiedPictures, EncodedPictures] if is_copied else [EncodedPictures]
    try:
        with atomic_path(target) as part:
            warnings = _write_first_way(source, part, inspection, ways, Watch(limits, part, share))
            if notes is not None:
                write_json(warnings, notes)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise _no_room_error(source, error) from None
        raise
    return warnings


def _write_first_way(
    source: Path, part: Path, inspection: Inspection, ways: Sequence[Way], watch: Watch
) -> tuple[str, ...]:
    """Write the piece in the first way that works. What cannot be copied can often still be encoded."""
    for way in ways[:-1]:
        with suppress(MediaError, av.error.FFmpegError, ValueError):
            warnings = _write_piece(source, part, inspection, way, watch)
            inspect_video(part)
            return warnings
    return _write_piece(source, part, inspection, ways[-1], watch)


def _write_piece(source: Path, part: Path, inspection: Inspection, way: Way, watch: Watch) -> tuple[str, ...]:
    info, end = inspection.track.info, ""
    with (
        av.open(str(part), "w", format="mp4", options={"movflags": "+faststart"}) as out,
        open_container(source, with_sound=bool(inspection.sound)) as (container, video),
    ):
        pictures = way(out, video, inspection)
        sounds = list(container.streams.audio)[: bool(inspection.sound)]
        sound = None
        if sounds:
            sound = open_sound(out, sounds[0], start_s=info.start_s, must_encode=way is EncodedPictures)
        try:
            for packet in container.demux(video, *sounds):
                if not packet.size:
                    continue
                if packet.stream is video:
                    pictures.add(packet)
                elif sound is not None:
                    sound.add(packet)
                end = watch.find_end(pictures.now_s, info.duration_s)
                if end:
                    break
        except av.error.FFmpegError as error:
            if error.errno in NO_ROOM:
                raise _no_room_error(source, error) from None
            if way is CopiedPictures:
                raise
            end = f"reading stopped early: {describe_error(error)}"
        pictures.finish()
        if sound is not None:
            sound.finish()
        if not pictures.n:
            raise MediaError("no frame of the video can be decoded", where=source.name)
    n_damaged = [(pictures.n_damaged, "packets or frames"), (sound.n_damaged if sound else 0, "packets of sound")]
    damage = [f"{n} damaged {what} were left out" for n, what in n_damaged if n]
    if info.n_frames and pictures.n < LEAST_SHARE * info.n_frames and not end:
        damage.append(f"only {pictures.n} of {info.n_frames} frames could be decoded")
    return (*inspection.warnings, *damage, *([end] if end else []))


def _no_room_error(source: Path, error: OSError | av.error.FFmpegError) -> MediaError:
    return MediaError(
        "there is no room for the converted video",
        where=source.name,
        found=error.strerror,
        todo="make room on the disk that holds the cache",
    )
