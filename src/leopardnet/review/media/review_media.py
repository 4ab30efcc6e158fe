"""What the page shows of a clip: frames as JPEG, its sound as PNG, and a video that a browser can play.

Files are opened in worker processes, so that a damaged one never ends the server. Frames and videos are kept in a
cache with a cap; its file names are hashes of what the clip's files are now, so changed footage is read anew.
"""

from __future__ import annotations

import hashlib
import json
import math
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from leopardnet.core.errors import MediaError
from leopardnet.core.journal.queued_clip import stamp_clip
from leopardnet.core.manifest import Manifest
from leopardnet.core.processes.file_cache import FileCache, MemoryCache
from leopardnet.core.types import Clip
from leopardnet.media.decode import resolve_path
from leopardnet.review.media.decoder_pool import DecoderPool, Failures, move_error, read_answer
from leopardnet.review.media.frame_queue import FrameJob, FrameQueue, Pictures
from leopardnet.review.media.inspect_video import Inspection, inspect_video
from leopardnet.review.media.video_queue import MAX_AHEAD, VideoQueue, WantedVideo
from leopardnet.sound.stretch import draw_stretch

WIDTHS_PX = (320, 640, 960, 1280, 1920)
MAX_TIME_S = 1e6
VERSION = 1  # of what is cached: raise it when frames or videos are made in another way
FRAMES_SHARE = 0.25  # of the cap; the rest is for videos
NOTES_SHARE = 0.01
MEMORY_BYTES = 64_000_000
INSPECT_LIMIT_S = 120.0  # a large file without an index is read from end to end
PATIENCE_S = 1.0  # for an inspection, then the caller is told to ask again
SOUND_LIMIT_S = 60.0
MAX_INSPECTED = 5000


@dataclass(frozen=True)
class PlayableVideo:
    """A file that a browser plays, its media type, and what is missing of the clip, if anything."""

    path: Path
    media_type: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Working:
    """A video that is being made playable. share_done: 0 to 1."""

    share_done: float


class ReviewMedia:
    """Frames and videos of a manifest's clips. Thread-safe; close it at the end.

    cache: the folder of this and other reviews, created if it is not there; max_bytes: the most that it takes on
    disk; n_workers: processes that read frames, at least two, so that a person does not wait for what is read
    ahead; half as many make videos playable.
    """

    def __init__(self, manifest: Manifest, *, cache: Path, max_bytes: int, n_workers: int) -> None:
        self.manifest, self.root = manifest, manifest.root.resolve()
        frame_bytes, note_bytes = int(FRAMES_SHARE * max_bytes), int(NOTES_SHARE * max_bytes)
        video_bytes = max_bytes - frame_bytes - note_bytes
        self._memory = MemoryCache(MEMORY_BYTES)
        self._disk = FileCache(cache / "frames", suffix=".jpg", max_bytes=frame_bytes)
        self._videos = FileCache(cache / "videos", suffix=".mp4", max_bytes=video_bytes)
        FileCache(cache / "videos", suffix=".json", max_bytes=note_bytes)  # deletes the oldest notes
        self._frame_pool = DecoderPool(max(2, n_workers))
        self._frame_pool.warm_up()
        self._video_pool = DecoderPool(max(1, n_workers // 2), is_patient=True)
        self._queue = VideoQueue(self._video_pool, self._videos)
        self._frames = FrameQueue(self._frame_pool, self.root, self._keep)
        self._writer = ThreadPoolExecutor(1)  # a slow disk keeps nobody waiting, neither in writing
        self._background = ThreadPoolExecutor(1)  # nor in looking at the files that come next
        self._next_videos: list[str] | None = None
        self._lock = threading.Lock()
        self._rows: dict[str, int] | None = None
        self._inspections: OrderedDict[str, Future[Inspection]] = OrderedDict()
        self._failures = Failures()

    def frame(self, clip_id: str, time_s: float, width: int, enhanced: bool = False) -> bytes:
        """Return the frame nearest to a time as JPEG without metadata, at most `width` px wide.

        enhanced: see `brighten` in `media.thumbnail`. Raises MediaError for an unknown clip, a width that is not in
        WIDTHS_PX, a time that is none, and where no frame can be read.
        """
        job = self._plan(clip_id, [time_s], width, (enhanced,))
        key = job.keys[job.times_s[0], enhanced]
        data = self._memory.read(key) or self._disk.read(key)
        if data is None:
            return self._frames.make(job)[job.times_s[0], enhanced]
        self._memory.write(key, data)
        return data

    def prefetch(self, clips: Iterable[tuple[str, Sequence[float]]], *, width: int = 960) -> None:
        """Make frames of these clips ready in the background, the first clip first, as they are and enhanced.

        clips: clip_ids and the times of their frames, in seconds. What was asked for before comes after it. A clip
        that cannot be read is passed over: `frame` will say so. Returns at once.
        """
        with suppress(RuntimeError):  # the server is being closed
            self._background.submit(self._plan_frames, list(clips), width)

    def _plan_frames(self, clips: list[tuple[str, Sequence[float]]], width: int) -> None:
        jobs = []
        for clip_id, times_s in clips:
            with suppress(MediaError):
                job = self._plan(clip_id, times_s, width, (False, True))
                if any(self._memory.read(key) is None and not self._disk.find(key) for key in job.keys.values()):
                    jobs.append(job)
        self._frames.plan_ahead(jobs)

    def video(self, clip_id: str, *, is_refused: bool = False) -> PlayableVideo | Working:
        """Return a file that a browser plays: the clip's own, or one made of it, or how far that is.

        is_refused: a browser could not play the clip's own file or its copy, so it is encoded anew. Raises
        MediaError for an unknown clip, a picture, and a video of which nothing can be played.
        """
        wanted = self._want(clip_id, is_refused)
        made = self._videos.find(wanted.key)
        if made is not None:
            return PlayableVideo(made, "video/mp4", self._queue.read_notes(wanted.key))
        if not is_refused:
            found = self._inspect(wanted)
            if found is None:
                return Working(0.0)
            if found.way == "as_is":
                return PlayableVideo(wanted.source, found.media_type, found.warnings)
        return Working(self._queue.ask(wanted))

    def spectrogram(self, clip_id: str, start_s: float, end_s: float) -> bytes:
        """Return a picture of the sound between two times of a clip as PNG. Raises MediaError for none."""
        wanted = self._want(clip_id, False)
        key = _hash(wanted.key, "sound", round(start_s, 3), round(end_s, 3))
        data = self._memory.read(key)
        if data is None:
            self._failures.check(key)
            future = self._frame_pool.schedule(draw_stretch, wanted.source, start_s, end_s, limit_s=SOUND_LIMIT_S)
            try:
                data = read_answer(future, where=wanted.where)
            except MediaError as error:
                self._failures.add(key, error)
                raise
            self._memory.write(key, data)
        return data

    def prepare_videos(self, clip_ids: Sequence[str]) -> None:
        """Make the next videos ready in the background, at most two; those planned before are given up.

        Returns at once.
        """
        self._next_videos = list(clip_ids[:MAX_AHEAD])
        with suppress(RuntimeError):  # the server is being closed
            self._background.submit(self._plan_videos)

    def _plan_videos(self) -> None:
        clip_ids, self._next_videos = self._next_videos, None
        if clip_ids is None:  # a later call was quicker
            return
        wanted = []
        for clip_id in clip_ids:
            with suppress(MediaError):
                video = self._want(clip_id, False)
                found = None if self._videos.find(video.key) else self._inspect(video)
                if found is not None and found.way != "as_is":
                    wanted.append(video)
        with suppress(MediaError):
            self._queue.plan_ahead(wanted)

    def close(self) -> None:
        """End all work and all processes."""
        for threads in (self._background, self._writer):
            threads.shutdown(wait=False, cancel_futures=True)
        self._frame_pool.close()
        self._video_pool.close()

    # --- clips and keys ---

    def _find_clip(self, clip_id: str) -> Clip:
        with self._lock:
            if self._rows is None:  # the first row of a clip; labelled frames have its path, too
                ids = self.manifest.table["clip_id"].tolist()
                self._rows = dict(zip(reversed(ids), range(len(ids) - 1, -1, -1), strict=True))
            i_row = self._rows.get(clip_id)
        if i_row is None:
            raise MediaError("there is no such clip", found=ascii(clip_id)[:60], todo="reload the page")
        return self.manifest.clip_at(i_row)

    def _stamp(self, clip: Clip) -> str:
        """Return a hash of the clip's files as they are now. Raises MediaError where one may not be opened."""
        for path in clip.paths:
            try:
                resolve_path(self.root, path)
            except MediaError as error:
                raise move_error(error, _name_place(clip)) from None
        stamp = stamp_clip(clip, str(self.root)).stamp
        return _hash(VERSION, str(self.root), clip.paths, stamp)

    def _plan(self, clip_id: str, times_s: Sequence[float], width: int, looks: Sequence[bool]) -> FrameJob:
        if width not in WIDTHS_PX:
            raise MediaError("there is no picture of this width", found=width, expected=f"one of {WIDTHS_PX}")
        if not all(math.isfinite(t) and 0 <= t <= MAX_TIME_S for t in times_s) or not times_s:
            raise MediaError(
                "this is no time in a clip", found=list(times_s)[:5], expected="seconds from its start"
            )
        clip = self._find_clip(clip_id)
        stamp = self._stamp(clip)
        times = tuple(round(float(t), 3) for t in times_s)
        keys = {(t, look): _hash(stamp, t, width, look) for t in times for look in looks}
        return FrameJob(clip, stamp, times, width, tuple(looks), keys)

    def _keep(self, job: FrameJob, pictures: Pictures) -> None:
        for name, data in pictures.items():
            self._memory.write(job.keys[name], data)
            with suppress(RuntimeError):  # the server is being closed
                self._writer.submit(self._disk.write, job.keys[name], data)

    # --- videos ---

    def _want(self, clip_id: str, is_refused: bool) -> WantedVideo:
        clip = self._find_clip(clip_id)
        if clip.kind != "video":
            raise MediaError("this clip is a picture, not a video", where=_name_place(clip))
        stamp = self._stamp(clip)
        key = _hash(stamp, "refused") if is_refused else stamp
        return WantedVideo(key, resolve_path(self.root, clip.path).resolve(), clip.path, is_refused)

    def _inspect(self, wanted: WantedVideo) -> Inspection | None:
        """Return what a browser can do with a video, or None if that takes a while. Raises MediaError."""
        self._failures.check(wanted.key)
        with self._lock:
            future = self._inspections.get(wanted.key)
            if future is None:
                future = self._frame_pool.schedule(inspect_video, wanted.source, limit_s=INSPECT_LIMIT_S)
                self._inspections[wanted.key] = future
                if len(self._inspections) > MAX_INSPECTED:
                    self._inspections.popitem(last=False)
        if not wait([future], timeout=PATIENCE_S).done:
            return None
        try:
            return read_answer(future, where=wanted.where)
        except MediaError as error:
            self._failures.add(wanted.key, error)
            with self._lock:
                self._inspections.pop(wanted.key, None)
            raise


def _hash(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _name_place(clip: Clip) -> str:
    """Return the path of a clip for messages, or its id if the path could say something of this machine."""
    parts = clip.path.replace("\\", "/").split("/")
    return clip.clip_id if not parts[0] or ".." in parts or ":" in parts[0] else ascii(clip.path)[1:-1]
