"""The settings of the records: what is notable (`configs/records/notable.yaml`)."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from leopardnet.core.settings.config_folder import configs_dir
from leopardnet.core.settings.settings_file import load_settings
from leopardnet.core.settings.settings_model import Settings

Rule = Literal[
    "beyond_barrier",
    "outside_range",
    "range_cannot_tell",
    "first_at_site",
    "first_in_area",
    "first_cannot_tell",
    "first_in_years",
]


class NotableSettings(Settings):
    """What makes a record notable, or one to check: how far and how long to look back, and the rules that count."""

    area_km: float = Field(gt=0, le=20_000)
    min_years: float = Field(gt=0)
    unknown_clock_s: float = Field(ge=0)
    notable: tuple[Rule, ...]
    to_check: tuple[Rule, ...]


def load_notable(path: Path | None = None) -> NotableSettings:
    """Return the settings of a YAML file, by default those that ship.

    >>> load_notable().area_km
    25.0
    """
    return load_settings(NotableSettings, path or configs_dir() / "records" / "notable.yaml")
