"""All that is said of the encounters of a season, from its records, deployments, clips and sounds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from leopardnet.core.tables import conform, write_table
from leopardnet.records.effort import PERIODS, find_active_periods
from leopardnet.records.encounters.encounter_settings import EncounterSettings, load_encounter_settings
from leopardnet.records.encounters.encounter_table import count_by_label, link_encounters
from leopardnet.records.encounters.flank_pairs import find_flank_pairs
from leopardnet.records.encounters.repeated_captures import find_repeated_captures

ALARM_CALL = "tonal_call"  # kind of a sound


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

    def write(self, folder: Path) -> Path:
        """Write encounters.csv, animals.csv, flanks.csv and hints.csv, without coordinates; return the folder."""
        folder = Path(folder)
        for name in ("encounters", "animals", "flanks", "hints"):
            write_table(getattr(self, name), folder / f"{name}.csv")
        return folder


def find_encounters(
    records: pd.DataFrame,
    *,
    deployments: pd.DataFrame | None = None,
    clips: pd.DataFrame | None = None,
    sounds: pd.DataFrame | None = None,
    settings: EncounterSettings | None = None,
) -> SeasonEncounters:
    """Return encounters, least numbers of animals, flank pairs and hints of these records (columns RECORDS).

    deployments: of `read_deployments`; without them no period of work is known and there are no hints. clips: the
    table of `place_clips`; it stands in for starts and ends that deployments lack, and places the sounds. sounds:
    of sounds.parquet; without them alarm calls are not counted.
    """
    settings = settings or load_encounter_settings()
    linked, encounters = link_encounters(records, settings)
    if deployments is None:
        periods = conform(pd.DataFrame({c.name: [] for c in PERIODS}), PERIODS, where="periods of work")
    else:
        periods = find_active_periods(deployments, clips)
    calls = None
    if sounds is not None and clips is not None:
        calls = clips[clips["clip_id"].isin(sounds.loc[sounds["kind"] == ALARM_CALL, "clip_id"])]
    return SeasonEncounters(
        records=linked,
        encounters=encounters,
        animals=count_by_label(records, settings),
        flanks=find_flank_pairs(records, settings),
        hints=find_repeated_captures(records, periods, settings, calls=calls),
    )
