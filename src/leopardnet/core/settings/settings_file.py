"""Settings in a YAML file that stands alone, outside of the groups of a training run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml

from leopardnet.core.errors import ConfigError
from leopardnet.core.settings.settings_model import Settings
from leopardnet.core.settings.validate import validate

Model = TypeVar("Model", bound=Settings)


def load_settings(model: type[Model], path: Path) -> Model:
    """Return the settings in a YAML file. Raises ConfigError for one that cannot be read or is invalid."""
    path = Path(path)
    try:
        data: Any = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError("the settings cannot be read", where=path.name, found=(reason or "")[:200]) from None
    if not isinstance(data, dict):
        raise ConfigError("the settings cannot be read", where=path.name, expected="lines such as name: value")
    return validate(model, data, where=path.name)
