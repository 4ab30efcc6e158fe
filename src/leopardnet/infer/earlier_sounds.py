"""What networks and probes added to the sounds of a folder of results, for when `predict` writes them anew."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from leopardnet.core.columns import SOUNDS
from leopardnet.core.footage.id_sets import is_among
from leopardnet.core.predictions import read_sounds
from leopardnet.core.tables import conform
from leopardnet.sound.search_names import TONAL, VOICE, VOICE_KIND

_SAME = ["clip_id", "start_s", "end_s", "kind", "source"]


@dataclass(frozen=True, eq=False)
class EarlierSounds:
    """What the folder knew before. added: rows of networks; scored: rows with p_alarm_call; voices: clip_id.

    A voice that was heard once stays, so that no clip becomes public again because of other settings.
    """

    added: pd.DataFrame
    scored: pd.DataFrame
    voices: frozenset[str]

    @classmethod
    def read(cls, folder: Path) -> EarlierSounds:
        """Read the tables of a folder; nothing where there are none. Raises ManifestError for other sounds."""
        return cls.of(read_sounds(folder), _read_voices(Path(folder) / "predictions.parquet"))

    @classmethod
    def of(cls, sounds: pd.DataFrame, voices: frozenset[str] = frozenset()) -> EarlierSounds:
        """Return what others than `predict` added to a table of sounds. voices: clips known to have one."""
        own = {name.split()[0] for name in (TONAL, VOICE)}
        is_own = sounds["source"].str.split().str[0].isin(own) & ~sounds["kind"].str.startswith("network:")
        scored = sounds.loc[is_own & sounds["p_alarm_call"].notna(), [*_SAME, "p_alarm_call"]]
        return cls(sounds[~is_own], scored, voices | set(sounds.loc[sounds["kind"] == VOICE_KIND, "clip_id"]))

    def keep_voices(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return rows of the predictions table with the voices that were heard before."""
        if not self.voices:
            return table
        return table.assign(has_voice=table["has_voice"].mask(is_among(table["clip_id"], self.voices), "yes"))

    def add_to(self, sounds: pd.DataFrame, clip_ids: Collection[str] | pd.Series[str]) -> pd.DataFrame:
        """Return the sounds of these clips, found now, with what was added and the probabilities of before."""
        if not len(sounds) and not len(self.added):
            return sounds
        kept = self.added[is_among(self.added["clip_id"], clip_ids)]
        if len(self.scored) and len(sounds):
            known = sounds.drop(columns="p_alarm_call").merge(
                self.scored.drop_duplicates(_SAME), on=_SAME, how="left"
            )
            sounds = known[[c.name for c in SOUNDS]]
        if len(kept):
            both = pd.concat([sounds, kept], ignore_index=True) if len(sounds) else kept
            sounds = both.sort_values(["clip_id", "start_s", "kind"], kind="stable", ignore_index=True)
        return conform(sounds, SOUNDS, where="sounds")


def _read_voices(file: Path) -> frozenset[str]:
    """Return the clips with a voice of a predictions table; none where it cannot be read, as it is written anew."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file, columns=["clip_id", "has_voice"], filters=[("has_voice", "=", "yes")])
    except (pa.ArrowException, OSError, ValueError):
        return frozenset()
    return frozenset(table["clip_id"].to_pylist())
