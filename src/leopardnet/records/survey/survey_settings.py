"""How far animals range, and how places are weighed after a record: `configs/records/survey.yaml`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field

from leopardnet.core.errors import ConfigError
from leopardnet.core.settings.config_folder import configs_dir
from leopardnet.core.settings.settings_model import Settings
from leopardnet.core.settings.validate import validate

FILE = "survey.yaml"
_AREA_OF_SIGMA = 5.991464547107979 * math.pi  # a circle of this many sigma² holds 95 % of a half-normal range


class HomeRange(Settings):
    """The area in which an animal of a label spends 95 % of its time, and who found it."""

    home_range_km2: float = Field(gt=0)
    source: str = Field(min_length=1)

    @property
    def sigma_km(self) -> float:
        """The scale of a circular half-normal range of this area.

        >>> round(HomeRange(home_range_km2=100.0, source="a book").sigma_km, 3)
        2.305
        """
        return math.sqrt(self.home_range_km2 / _AREA_OF_SIGMA)


class SurveySettings(Settings):
    """How places are weighed after a record; docs/records.md says what each means."""

    ranges: dict[str, HomeRange]
    reach_sigma: float = Field(gt=0, le=10)
    across_barrier: float = Field(gt=0, le=1)
    read_since: float = Field(gt=0, le=1)
    half_life_days: float = Field(gt=0)
    covered_days: float = Field(gt=0)
    n_places: int = Field(ge=1)

    def find_sigma(self, label: str) -> tuple[float, str]:
        """Return the sigma of a label in km, and its source in words. Raises ConfigError for an unknown label."""
        if label not in self.ranges:
            raise ConfigError(
                "it is not known how far this animal ranges",
                where=FILE,
                found=label,
                expected=", ".join(self.ranges),
                todo="give --sigma-km, or a file with its home range as --settings",
            )
        known = self.ranges[label]
        return known.sigma_km, f"a home range of {known.home_range_km2:g} km²: {known.source}"


def load_survey_settings(path: Path | None = None) -> SurveySettings:
    """Return the settings of a file, by default those shipped. Raises ConfigError for one that cannot be used.

    >>> round(load_survey_settings().find_sigma("leopard")[0], 2)
    2.34
    """
    path = configs_dir() / "records" / FILE if path is None else Path(path)
    try:
        data: Any = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError("the settings cannot be read", where=path.name, found=str(error)[:200]) from None
    except FileNotFoundError:
        raise ConfigError("there is no such file of settings", where=path.name) from None
    if not isinstance(data, dict):
        raise ConfigError("the settings are not a list of names and values", where=path.name)
    return validate(SurveySettings, data, where=path.name)
