"""The settings of encounters (`configs/records/encounters.yaml`): gaps, speeds and their sources, hints."""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import Field

from leopardnet.core.errors import ConfigError
from leopardnet.core.settings.config_folder import configs_dir
from leopardnet.core.settings.settings_model import Settings
from leopardnet.core.settings.validate import validate

FILE = "encounters.yaml"


class Speed(Settings):
    """What no animal of a label exceeds, and who says so."""

    top_km_h: float = Field(gt=0.0, le=400.0)
    source: str = Field(min_length=1)


class RepeatSettings(Settings):
    """When repeated captures are worth a visit."""

    level: float = Field(gt=0.0, lt=0.5)
    max_days: float = Field(gt=0.0, le=366.0)
    min_captures: int = Field(ge=2)
    n_shuffles: int = Field(ge=19, le=100_000)
    seed: int = Field(ge=0)
    prey: tuple[str, ...]
    beside_h: float = Field(ge=0.0, le=24.0 * 366)


class EncounterSettings(Settings):
    """What links records and tells animals apart; see the comments in the file."""

    max_gap_h: float = Field(gt=0.0, le=24.0 * 366)
    max_km: float = Field(ge=0.0, le=20_000.0)
    flank_pair_s: float = Field(ge=0.0, le=3600.0)
    speeds: dict[str, Speed]
    repeated: RepeatSettings


def load_encounter_settings(path: Path | None = None) -> EncounterSettings:
    """Return the settings of a YAML file, by default of `configs/records/encounters.yaml`.

    Raises ConfigError for a file that cannot be read, an unknown key or a value out of bounds.

    >>> load_encounter_settings().speeds["leopard"].top_km_h
    70.0
    """
    path = path or configs_dir() / "records" / FILE
    try:
        data = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        found = (error.strerror if isinstance(error, OSError) else None) or str(error)[:200]
        raise ConfigError("the settings of encounters cannot be read", where=path.name, found=found) from None
    if not isinstance(data, dict):
        raise ConfigError("these are no settings of encounters", where=path.name, expected=f"the keys of {FILE}")
    return validate(EncounterSettings, data, where=path.name)
