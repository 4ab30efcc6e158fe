"""The labels that a page offers where neither a model nor a manifest names any."""

from __future__ import annotations

import yaml

from leopardnet.core.settings.config_folder import configs_dir


def read_starting_labels() -> tuple[str, ...]:
    """Return the labels of the shipped label set of the Amur region; a person may type any other.

    >>> read_starting_labels()
    ('leopard', 'tiger', 'sika_deer', 'empty')
    """
    rows = yaml.safe_load((configs_dir() / "labels" / "amur.yaml").read_text("utf-8"))["labels"]
    return tuple(row["name"] for row in rows)
