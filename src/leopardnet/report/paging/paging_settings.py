"""When a report keeps its clips in files beside the page (`configs/report/paging.yaml`)."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from leopardnet.core.settings.config_folder import configs_dir
from leopardnet.core.settings.settings_file import load_settings
from leopardnet.core.settings.settings_model import Settings

FIRST_CLIPS = 100  # that the page itself holds, so that a report of no more needs no files


class PagingSettings(Settings):
    """The most clips of a report in one file, and the most pictures of a larger one."""

    clips_in_one_file: int = Field(ge=0)
    pictures: int = Field(ge=0)

    def is_one_file(self, n_clips: int) -> bool:
        """Return whether a report of so many clips is one file."""
        return n_clips <= max(self.clips_in_one_file, FIRST_CLIPS)


def load_paging(path: Path | None = None) -> PagingSettings:
    """Return the settings of a YAML file, by default those that ship.

    >>> load_paging().clips_in_one_file
    10000
    """
    return load_settings(PagingSettings, path or configs_dir() / "report" / "paging.yaml")
