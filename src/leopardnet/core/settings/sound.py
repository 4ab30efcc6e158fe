"""Frozen, typed settings of the search of sound tracks; the values are in `configs/sound/*.yaml`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from leopardnet.core.settings.settings_model import Settings, Share


class SoundConfig(Settings):
    """Which sounds are looked for: tonal calls of this pitch and length, and human voices.

    A call is a candidate that a person listens to, never a name of an animal. The defaults are those of
    `configs/sound/tonal.yaml`.
    """

    source: Literal["tonal", "none"] = "tonal"
    min_hz: float = Field(default=800.0, ge=100.0, le=8000.0, description="lowest pitch of a call")
    max_hz: float = Field(default=5000.0, ge=200.0, le=8000.0, description="highest pitch of a call")
    min_s: float = Field(default=0.15, ge=0.05, le=5.0, description="shortest call")
    max_s: float = Field(default=0.6, ge=0.1, le=5.0, description="longest call")
    min_score: Share = Field(default=0.5, description="calls with a lower score are left out")
    max_calls: int = Field(
        default=20, ge=1, le=1000, description="the most calls of a clip that are kept, best first"
    )
    voice: bool = Field(default=True, description="flag human voices, so that their clips stay private")
    min_voice: Share = Field(default=0.5, description="a voice is flagged at this score or above")

    @model_validator(mode="after")
    def _ranges_are_not_empty(self) -> SoundConfig:
        if self.min_hz >= self.max_hz or self.min_s >= self.max_s:
            raise ValueError("min_hz must be below max_hz, and min_s below max_s")
        return self

    @property
    def is_on(self) -> bool:
        """Whether sound tracks are searched."""
        return self.source != "none"


NO_SOUND = SoundConfig.model_validate({"source": "none"})
"""Sound tracks are not read."""
