"""The labels of the shipped label sets: a label of the same name has its species elsewhere, too."""

from __future__ import annotations

from functools import lru_cache

import yaml

from leopardnet.core.settings.config_folder import configs_dir
from leopardnet.core.settings.inference import LabelConfig


def read_label_set(name: str) -> tuple[LabelConfig, ...]:
    """Return the labels of `configs/labels/<name>.yaml`, without hydra, so that a page opens at once.

    >>> [x.name for x in read_label_set("amur")]
    ['leopard', 'tiger', 'sika_deer', 'empty']
    """
    rows = yaml.safe_load((configs_dir() / "labels" / f"{name}.yaml").read_text("utf-8"))["labels"]
    return tuple(map(LabelConfig.model_validate, rows))


def describe_label(name: str) -> LabelConfig:
    """Return a label with the scientific name and rank that a shipped label set gives it, bare where none does.

    >>> describe_label("leopard").scientific_name, describe_label("wild_boar").scientific_name
    ('Panthera pardus', '')
    """
    return _read_known().get(name) or LabelConfig(name=name)


@lru_cache(maxsize=1)
def _read_known() -> dict[str, LabelConfig]:
    names = sorted(file.stem for file in (configs_dir() / "labels").glob("*.yaml"))
    return {label.name: label for name in reversed(names) for label in read_label_set(name)}
