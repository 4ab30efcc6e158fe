"""The sound of a clip, searched: its tonal calls and voices, or why there are none."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from leopardnet.core.errors import MediaError
from leopardnet.core.journal.queued_clip import QueuedClip
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.settings.sound import SoundConfig
from leopardnet.core.types import Clip, ClipSound
from leopardnet.media.workers.clip_errors import decoder_error, out_of_memory_error
from leopardnet.media.workers.clip_pool import ClipPool
from leopardnet.sound.search_names import TONAL, VOICE


@dataclass(frozen=True)
class SoundJob:
    """The footage and the settings of a search."""

    root: Path
    settings: SoundConfig
    runtime: RuntimeConfig


def sound_id(settings: SoundConfig) -> str:
    """Return what searches, with its versions and settings; another one would find other sounds.

    >>> sound_id(SoundConfig())[:25]
    'tonal 2, silero-vad 6.2, '
    """
    digest = hashlib.sha256(settings.model_dump_json().encode()).hexdigest()[:8]
    return f"{TONAL}, {VOICE}, {digest}"


def search_clip(clip: Clip, job: SoundJob) -> ClipSound:
    """Return the calls and voices on the sound track of a clip, in order of time. Stills have no sound track.

    Never raises for a file: a track that cannot be read says why.
    """
    from leopardnet.media.decode import resolve_path
    from leopardnet.sound import tonal_calls, voice
    from leopardnet.sound.track import read_track

    if clip.kind != "video":
        return describe_silence(job)
    try:
        track = read_track(resolve_path(job.root, clip.path))
        if track is None:
            return describe_silence(job)
        found = tonal_calls.find_calls(track, job.settings)
        found += voice.find_voices(track, job.settings) if job.settings.voice else []
    except MediaError as error:
        return unreadable_sound(job, error.one_line)
    except MemoryError:
        return unreadable_sound(job, out_of_memory_error(clip, job.runtime).one_line)
    except Exception as error:  # a decoder may raise anything on a broken file; the run goes on
        return unreadable_sound(job, decoder_error(clip, error).one_line)
    found.sort(key=lambda sound: sound.start_s)
    return ClipSound("heard", tuple(found), "; ".join(track.warnings), sound_id(job.settings))


def describe_silence(job: SoundJob) -> ClipSound:
    """Return the sound of a clip that has no sound track."""
    return ClipSound("none", searched_by=sound_id(job.settings))


def unreadable_sound(job: SoundJob, reason: str) -> ClipSound:
    """Return the sound of a clip whose track cannot be read, and why."""
    return ClipSound("unreadable", note=reason, searched_by=sound_id(job.settings))


def search_all(
    clips: Iterator[QueuedClip], job: SoundJob, should_stop: Callable[[], bool] = lambda: False
) -> Generator[tuple[QueuedClip, ClipSound], None, None]:
    """Yield every clip with its sound as it is finished, from one process per core; with 0 workers, from this one.

    After `should_stop` returns True, no other clip is started.
    """
    if job.runtime.workers == 0:
        for item in clips:
            if should_stop():
                return
            yield item, search_clip(item.clip, job)
        return
    with ClipPool(job, start=_start, read=_search_one, give_up=_give_up) as pool:
        yield from pool.process(clips, should_stop)


def _give_up(job: SoundJob, clip: Clip, reason: str) -> ClipSound:
    return unreadable_sound(job, reason)


# --- in the worker ---

_job: SoundJob | None = None


def _start(job: SoundJob) -> None:
    global _job
    _job = job


def _search_one(clip: Clip) -> ClipSound:
    assert _job is not None, "the process was started"
    return search_clip(clip, _job)
