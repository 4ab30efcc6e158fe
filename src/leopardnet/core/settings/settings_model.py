"""The base class of all groups of settings: frozen, and unknown keys are refused."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class Settings(BaseModel):
    """A frozen group of settings. Unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
