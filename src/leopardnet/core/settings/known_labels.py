"""The labels that the shipped label sets describe: a label of the same name has its species elsewhere, too."""

from __future__ import annotations

from functools import lru_cache

import yaml

from leopardnet.core.settings.config_folder import configs_dir
from leopardnet.core.settings.inference import LabelConfig


@lru_cache(maxsize=1)
def _read_known() -> dict[str, LabelConfig]:
    files = sorted((configs_dir() / "labels").glob("*.yaml"))
    rows = [row for file in files for row in yaml.safe_load(file.read_text("utf-8"))["labels"]]
    return {row["name"]: LabelConfig.model_validate(row) for row in reversed(rows)}


def describe_label(name: str) -> LabelConfig:
    """Return a label with the scientific name and rank that a shipped label set gives it, bare where none does.

    >>> describe_label("leopard").scientific_name, describe_label("wild_boar").scientific_name
    ('Panthera pardus', '')
    """
    return _read_known().get(name) or LabelConfig(name=name)
