"""Search the sound of footage without a model: one row per clip, and one per sound."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from leopardnet.core.errors import RunStopped
from leopardnet.core.journal.queued_clip import stamp_clip
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import SOUND_TABLE
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.settings.sound import SoundConfig
from leopardnet.core.tables import write_table
from leopardnet.core.types import ClipSound
from leopardnet.sound.search import SoundJob, search_all
from leopardnet.sound.sound_table import build_sound_table, describe_sounds


@dataclass(frozen=True, eq=False)
class HeardFootage:
    """The sound of footage.

    tracks: one row per clip with clip_id, path, site, captured_at, sound, sound_note, n_calls, has_voice; sounds:
    one row per sound, with the columns SOUNDS.
    """

    tracks: pd.DataFrame
    sounds: pd.DataFrame

    def write(self, folder: Path) -> Path:
        """Write sounds.parquet, and tracks.csv with a row for every clip, and return the folder."""
        write_table(self.tracks, Path(folder) / "tracks.csv")
        write_table(self.sounds, Path(folder) / SOUND_TABLE)
        return Path(folder)


def find_sounds(
    manifest: Manifest,
    settings: SoundConfig,
    *,
    runtime: RuntimeConfig | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    on_progress: Callable[[int, int], None] = lambda n_done, n_total: None,
) -> HeardFootage:
    """Search the sound of every clip of a manifest; a clip that cannot be read has a row that says so.

    Raises RunStopped where `should_stop` returned True before the last clip.

    >>> find_sounds(scan("cards/"), SoundConfig()).write("sounds/")  # doctest: +SKIP
    """
    clips = manifest.clips()
    items = [stamp_clip(clip, str(manifest.root)) for clip in clips]
    found: dict[str, ClipSound] = {}
    job = SoundJob(manifest.root, settings, runtime or RuntimeConfig())
    with closing(search_all(iter(items), job, should_stop)) as results:
        for item, sound in results:
            found[item.clip.clip_id] = sound
            on_progress(len(found), len(items))
    if len(found) < len(items):
        raise RunStopped(
            f"stopped after {len(found)} of {len(items)} clips", todo="give the same command again to start anew"
        )
    ids = [clip.clip_id for clip in clips]
    rows = manifest.table.drop_duplicates("clip_id").set_index("clip_id").loc[ids]
    facts = pd.DataFrame(describe_sounds([found[i] for i in ids]))
    tracks = pd.concat([rows[["path", "site", "captured_at"]].reset_index(), facts], axis=1)
    return HeardFootage(tracks, build_sound_table([(i, found[i]) for i in ids]))
