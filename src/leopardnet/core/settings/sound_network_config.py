"""Frozen, typed description of a sound network of the user's own: the YAML beside it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from leopardnet.core.settings.settings_model import Settings, Share


class SoundNetworkConfig(Settings):
    """A network that names sounds: its file, which lies in the same folder, what it takes and what it gives.

    labels: of its outputs, in order, or else labels_file: a text file in the same folder with one on each line.
    scores: what its outputs are; `logits` need a sigmoid. only: the labels that are kept, all where it is empty.
    voices: the labels that are human voices, whose clips are private.
    """

    name: str = Field(min_length=1)
    model: str = Field(pattern=r"^[^/\\]+\.(onnx|tflite)$", description="the network, in the same folder")
    licence: str = ""
    sample_rate_hz: int = Field(ge=4000, le=192_000)
    window_s: float = Field(gt=0.0, le=60.0)
    hop_s: float = Field(gt=0.0, le=60.0)
    input: Literal["waveform"] = "waveform"
    labels: tuple[str, ...] = ()
    labels_file: str = Field(default="", pattern=r"^[^/\\]*$")
    scores: Literal["probabilities", "logits"] = "probabilities"
    min_score: Share = 0.5
    only: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _names_its_labels_once(self) -> SoundNetworkConfig:
        if bool(self.labels) == bool(self.labels_file):
            raise ValueError("give either labels or labels_file")
        if self.hop_s > self.window_s:
            raise ValueError("hop_s must not be longer than window_s, or sound between windows is not heard")
        return self
