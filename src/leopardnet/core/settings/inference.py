"""Frozen, typed models of the settings that inference uses: keys, meanings, bounds and cross-checks; no I/O.

The values are in `configs/*.yaml`. A default here is either that of the group's default file, for callers that
build one of these models without hydra, or it is marked as the value for stored bundles that lack the key. A test
compares them with the files.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_serializer,
    field_validator,
    model_serializer,
    model_validator,
)

from leopardnet.core.labels import Label, LabelSet, is_label_id
from leopardnet.core.settings.settings_model import Settings, Share

WEIGHTS = ("embedded", "hub", "none")
WEIGHTS_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")

# --- frames ---


class AutoSampling(Settings):
    """About `n_frames`, and more in long clips, so that no gap between frames is longer than `max_gap_s`.

    Key frames, which are the cheapest to decode, are used where they are close enough, and exact frames elsewhere.
    There are never more than `max_frames`: in clips longer than `max_frames` times `max_gap_s`, they are spread
    evenly, with longer gaps.
    """

    mode: Literal["auto"] = "auto"
    max_gap_s: float = Field(default=2.0, gt=0.0, le=3600.0)
    n_frames: int = Field(default=8, ge=1, le=512)
    max_frames: int = Field(default=128, ge=1, le=4096)

    @model_validator(mode="after")
    def _most_is_not_less(self) -> AutoSampling:
        if self.max_frames < self.n_frames:
            raise ValueError("max_frames must be at least n_frames")
        return self


class UniformSampling(Settings):
    """`n_frames`, spread evenly over the whole clip."""

    mode: Literal["uniform"] = "uniform"
    n_frames: int = Field(default=8, ge=1, le=512)


class EverySampling(Settings):
    """One frame every `every_s` seconds; if these are more than `max_frames`, that number, spread evenly."""

    mode: Literal["every"] = "every"
    every_s: float = Field(default=1.0, gt=0.0, le=3600.0)
    max_frames: int = Field(default=64, ge=1, le=512)


class TimesSampling(Settings):
    """The frames at these times, in seconds from the start of the clip."""

    mode: Literal["times"] = "times"
    times_s: tuple[Annotated[float, Field(ge=0.0)], ...] = Field(min_length=1)


class KeyframesSampling(Settings):
    """Every key frame, or `max_frames` of them, spread evenly. The fastest sampling."""

    mode: Literal["keyframes"] = "keyframes"
    max_frames: int = Field(default=64, ge=1, le=4096)


class MotionSampling(Settings):
    """The `n_frames` that differ most from the clip's background, among frames at most `scan_gap_s` apart.

    Half of them are chosen from equal parts of the clip, so that an animal that lies still is not missed.
    """

    mode: Literal["motion"] = "motion"
    n_frames: int = Field(default=8, ge=2, le=512)
    scan_gap_s: float = Field(default=1.0, gt=0.0, le=3600.0)
    max_scanned: int = Field(default=128, ge=2, le=4096)


Sampling = Annotated[
    AutoSampling | UniformSampling | KeyframesSampling | EverySampling | MotionSampling | TimesSampling,
    Field(discriminator="mode"),
]


# --- pixels ---


class PreprocessSpec(Settings):
    """How a frame becomes model input; stored in the bundle, the same for training and inference.

    `crop_top`, `crop_bottom`: share of the height that is cut off first, to remove the camera's banner, which a
    model would learn to read. `resize`: `squash` keeps the whole frame and changes its aspect ratio; `letterbox`
    keeps the aspect ratio and pads with grey.
    """

    size_px: int = Field(ge=32, le=1024)
    resize: Literal["squash", "letterbox"] = "squash"
    crop_top: float = Field(default=0.0, ge=0.0, lt=0.5)
    crop_bottom: float = Field(default=0.06, ge=0.0, lt=0.5)


class PreprocessConfig(PreprocessSpec):
    """The same as a setting of a training run, where a size of 0 means that of the backbone's weights."""

    size_px: int = Field(ge=0, le=1024)

    @field_validator("size_px")
    @classmethod
    def _size_is_usable(cls, value: int) -> int:
        if 0 < value < 32:
            raise ValueError("Input should be 0 (size of the weights) or greater than or equal to 32")
        return value


# --- model and training ---


class LabelConfig(Settings):
    """One label in `configs/labels/*.yaml`."""

    name: str
    scientific_name: str = ""
    rank: str = ""
    parent: str = "animal"

    @field_validator("name")
    @classmethod
    def _name_is_an_id(cls, value: str) -> str:
        if not is_label_id(value):
            raise ValueError("Input should be small letters, digits and underscores, such as roe_deer")
        return value


class LabelsConfig(Settings):
    """The label set of a model."""

    labels: tuple[LabelConfig, ...]
    empty: Literal["empty"] | None  # manifests have no other name for it
    targets: tuple[str, ...]
    multi: bool = Field(  # bundles of older versions lack it
        default=False, description="a clip may show several species: an independent probability for each label"
    )

    def label_set(self) -> LabelSet:
        """Return the label set. Raises ConfigError if its parts contradict each other."""
        labels = tuple(Label(**x.model_dump()) for x in self.labels)
        return LabelSet(labels, self.empty, self.targets, self.multi)


class ModelConfig(Settings):
    """The backbone.

    `weights`: `embedded` (in a Python package), `hub` (downloaded by timm), `none` (random), or a file. Of a file,
    only the name is written anywhere.
    """

    name: str = Field(min_length=1)
    backbone: str = Field(
        pattern=r"^[A-Za-z0-9_.]+(\+[A-Za-z0-9_.]+)*$",  # bundles of older versions may have several networks
        description="a timm name; never a URL",
    )
    weights: str
    licence: str
    trained_on: str
    drop_rate: Share
    # Bundles of older versions lack the next two. 0 and 1 are what these versions did.
    size_px: int = Field(
        default=0, ge=0, le=1024, description="input size for the weights; 0: the size that they state"
    )
    gem_p: float = Field(
        default=1.0, ge=1.0, le=10.0, description="generalised-mean pooling; 1 keeps the backbone's own"
    )

    @field_validator("weights")
    @classmethod
    def _weights_are_known(cls, weights: str) -> str:
        if weights not in WEIGHTS and not weights.lower().endswith(WEIGHTS_SUFFIXES):
            raise ValueError(f"one of {', '.join(WEIGHTS)}, or a file ({', '.join(WEIGHTS_SUFFIXES)})")
        return weights

    @field_serializer("weights")
    def _write_weights(self, weights: str) -> str:
        return re.split(r"[/\\]", weights)[-1]

    @property
    def weights_file(self) -> Path | None:
        """The file of the weights, if they are in a file."""
        return None if self.weights in WEIGHTS else Path(self.weights)


class AggregateConfig(Settings):
    """How the logits of frames are combined into those of the clip. See `score.aggregate`."""

    name: Literal[
        "presence_ranked", "presence_topk", "topk_logit", "mean_logit", "mean_prob", "max", "noisy_or"
    ] = "presence_ranked"
    top_share: float = Field(
        default=0.25, gt=0.0, le=1.0, description="share of frames used by presence_topk and topk_logit"
    )
    crop_weight: Share = Field(  # bundles of older versions lack it, and have no crops
        default=0.4, description="weight of the crop against the whole frame in the species, where there is a crop"
    )


class DecideConfig(Settings):
    """Thresholds of `score.decide`, on calibrated clip probabilities."""

    empty: Share = Field(default=0.8, description="a clip is called empty at this probability or above")
    species: Share = Field(default=0.5, description="a species is named at this probability or above")
    animal: Share = Field(
        default=0.5, description="below that, the decision is 'animal' at this summed probability or above"
    )
    among: Share = Field(  # bundles of older versions lack it
        default=0.0,
        description="smallest share of the probability of all animals for a species; else it is 'animal'; not for "
        "independent labels (labels.multi)",
    )
    never_empty: Share = Field(  # bundles of older versions lack it
        default=1.0, description="a clip whose animals together have this probability or more is never called empty"
    )
    alert: Share = Field(default=0.1, description="a target at this probability or above raises an alert")
    alerts: dict[str, Share] = Field(  # bundles of older versions lack it
        default_factory=dict, description="the same for single targets, where it was measured for them"
    )
    decides: bool = Field(
        default=True, description="False: no clip is named or called empty, all are 'unsure' and only ranked"
    )

    @model_serializer(mode="wrap")
    def _write_decides(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Write `decides` only where it is False, so that older versions read all other bundles."""
        written: dict[str, Any] = write(self)
        return written if not self.decides else {k: v for k, v in written.items() if k != "decides"}

    def alert_threshold(self, target: str) -> float:
        """Return the alert threshold of a target: its own if it has one, else `alert`.

        >>> config = DecideConfig(alerts={"leopard": 0.02})
        >>> config.alert_threshold("leopard"), config.alert_threshold("tiger")
        (0.02, 0.1)
        """
        return self.alerts.get(target, self.alert)


Effort = Literal["full", "thorough"]
DROPPED_EFFORTS = ("fast", "auto")  # of older versions, which ended some clips early
Decoder = Literal["software", "auto", "hardware", "vaapi", "cuda", "videotoolbox", "d3d11va"]


class RuntimeConfig(Settings):
    """Where and how the model runs.

    Only `backend`, `device`, `precision`, `decode` and `loop_filter` can change a probability.
    """

    backend: Literal["auto", "openvino", "onnxruntime", "torch"] = Field(
        default="auto", description="auto: torch on a GPU, else openvino"
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["f32", "bf16"] = "f32"
    batch_size: int | None = Field(
        default=None, ge=1, le=4096, description="frames per batch; none: chosen by the backend"
    )
    workers: int | None = Field(
        default=None, ge=0, le=256, description="processes; none: one per core; 0: in this process"
    )
    threads: int = Field(default=0, ge=0, description="0: chosen by the library; a worker process has one")
    clip_limit_s: float = Field(default=120.0, gt=0.0, description="time limit of a clip, plus 1 s for every 2 MB")
    memory_limit_mb: int = Field(default=1024, ge=64, description="memory limit of one clip in its worker")
    decode: Decoder = Field(
        default="software", description="of videos; auto: on hardware where there is any; hardware: only where"
    )
    loop_filter: bool = Field(default=True, description="false: none in clips of which only key frames are read")

    @property
    def backend_name(self) -> str:
        """The backend, with `auto` resolved: torch on a GPU, else OpenVINO."""
        if self.backend != "auto":
            return self.backend
        return "torch" if self.device in ("cuda", "mps") else "openvino"
