"""All that is said of the encounters of a season, from its records, deployments, clips and sounds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from leopardnet.core.labels import UNKNOWN
from leopardnet.core.tables import conform, write_table
from leopardnet.data.human_labels.sound_labels import ALARM_CALL, match_sounds, settle_sounds
from leopardnet.records.effort import PERIODS, find_active_periods
from leopardnet.records.encounters.encounter_settings import EncounterSettings, load_encounter_settings
from leopardnet.records.encounters.encounter_table import count_by_label, link_encounters
from leopardnet.records.encounters.flank_pairs import find_flank_pairs
from leopardnet.records.encounters.repeated_captures import find_repeated_captures
from leopardnet.records.ranges.coarse_places import hide_paths

CANDIDATE = "tonal_call"  # kind of a sound


@dataclass(frozen=True, eq=False)
class SeasonEncounters:
    """Encounters of a season.

    records: those that were given, with encounter_id; encounters: ENCOUNTERS; animals: COUNTS, one row per label;
    flanks: FLANKS; hints: SCANS.
    """

    records: pd.DataFrame
    encounters: pd.DataFrame
    animals: pd.DataFrame
    flanks: pd.DataFrame
    hints: pd.DataFrame

    def write(self, folder: Path, *, exact_places: bool = False) -> Path:
        """Write encounters.csv, animals.csv, flanks.csv and hints.csv, without coordinates; return the folder.

        exact_places: the lengths of ways, too, are exact, but for those over a place whose owner forbids it.
        """
        folder = Path(folder)
        encounters = hide_paths(self.encounters, self.records, exact_places=exact_places)
        write_table(encounters, folder / "encounters.csv")
        for name in ("animals", "flanks", "hints"):
            write_table(getattr(self, name), folder / f"{name}.csv")
        return folder


def find_encounters(
    records: pd.DataFrame,
    *,
    deployments: pd.DataFrame | None = None,
    clips: pd.DataFrame | None = None,
    sounds: pd.DataFrame | None = None,
    sound_labels: pd.DataFrame | None = None,
    prey: pd.DataFrame | None = None,
    settings: EncounterSettings | None = None,
) -> SeasonEncounters:
    """Return encounters, least numbers of animals, flank pairs and hints of these records (columns RECORDS).

    deployments: of `read_deployments`; without them no period of work is known and there are no hints. clips: the
    table of `place_clips`; it stands in for starts and ends that deployments lack, and places the sounds. sounds:
    of sounds.parquet; without them alarm calls are not counted. sound_labels: entries of `SoundLabelFile`, which
    confirm alarm calls. prey: more records, of which only those of prey are counted beside hints.
    """
    settings = settings or load_encounter_settings()
    linked, encounters = link_encounters(records, settings)
    if deployments is None:
        periods = conform(pd.DataFrame({c.name: [] for c in PERIODS}), PERIODS, where="periods of work")
    else:
        periods = find_active_periods(deployments, clips)
    calls = None if sounds is None or clips is None else _find_calls(clips, sounds, sound_labels)
    seen = records if prey is None else pd.concat([records, prey], ignore_index=True)
    return SeasonEncounters(
        records=linked,
        encounters=encounters,
        animals=count_by_label(records, settings),
        flanks=find_flank_pairs(records, settings),
        hints=find_repeated_captures(seen, periods, settings, calls=calls),
    )


def _find_calls(clips: pd.DataFrame, sounds: pd.DataFrame, entries: pd.DataFrame | None) -> pd.DataFrame:
    """Return the clips with an alarm call, is_confirmed where people say so, and with a candidate nobody named."""
    found, confirmed = sounds[sounds["kind"] == CANDIDATE], set[str]()
    if entries is not None:
        said = settle_sounds(entries)
        confirmed = set(said.loc[said["label"] == ALARM_CALL, "clip_id"])
        found = found[match_sounds(found, said[said["label"] != UNKNOWN]).isna()]
    calls = clips[clips["clip_id"].isin(confirmed | set(found["clip_id"]))]
    return calls.assign(is_confirmed=calls["clip_id"].isin(confirmed))
