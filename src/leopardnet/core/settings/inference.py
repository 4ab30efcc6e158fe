"""Frozen, typed models of every config group: bounds and cross-checks, no I/O.

Values live in `configs/*.yaml`; this file says which keys exist, what they mean and which values are possible.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from leopardnet.core.labels import Label, LabelSet
from leopardnet.core.settings.settings_model import Settings, Share

# --- which frames ---


class AutoSampling(Settings):
    """About `n_frames`, and more in long clips, so that no stretch longer than `max_gap_s` stays unseen.

    Key frames, which cost least, where they lie close enough; exact frames between them where they do not. Never more
    than `max_frames`: clips longer than `max_frames` times `max_gap_s` are covered evenly, with longer stretches.
    """

    mode: Literal["auto"] = "auto"
    max_gap_s: float = Field(2.0, gt=0.0, le=3600.0)
    n_frames: int = Field(8, ge=1, le=512)
    max_frames: int = Field(128, ge=1, le=4096)

    @model_validator(mode="after")
    def _most_is_not_less(self) -> AutoSampling:
        if self.max_frames < self.n_frames:
            raise ValueError("max_frames is at least n_frames")
        return self


class UniformSampling(Settings):
    """`n_frames` spread evenly over the whole clip, its first and last part included."""

    mode: Literal["uniform"] = "uniform"
    n_frames: int = Field(8, ge=1, le=512)


class EverySampling(Settings):
    """One frame every `every_s` seconds, at most `max_frames`; beyond that they are spread evenly."""

    mode: Literal["every"] = "every"
    every_s: float = Field(1.0, gt=0.0, le=3600.0)
    max_frames: int = Field(64, ge=1, le=512)


class TimesSampling(Settings):
    """Exactly these times, in seconds from the start of the clip."""

    mode: Literal["times"] = "times"
    times_s: tuple[Annotated[float, Field(ge=0.0)], ...] = Field(min_length=1)


class KeyframesSampling(Settings):
    """Every key frame, at most `max_frames`; of more, as many, spread evenly. The fastest way through a clip."""

    mode: Literal["keyframes"] = "keyframes"
    max_frames: int = Field(64, ge=1, le=4096)


class MotionSampling(Settings):
    """Of frames at most `scan_gap_s` apart, the `n_frames` that differ most from what the clip usually shows.

    Half of them are the most different ones of equal parts of the clip, so that an animal that lies still is not lost.
    """

    mode: Literal["motion"] = "motion"
    n_frames: int = Field(8, ge=2, le=512)
    scan_gap_s: float = Field(1.0, gt=0.0, le=3600.0)
    max_scanned: int = Field(128, ge=2, le=4096)


Sampling = Annotated[
    AutoSampling | UniformSampling | KeyframesSampling | EverySampling | MotionSampling | TimesSampling,
    Field(discriminator="mode"),
]


# --- pixels ---


class PreprocessSpec(Settings):
    """How a frame becomes model input; stored in the bundle, the same for training and inference.

    `crop_top`, `crop_bottom`: share of the height cut away before anything else, because the camera's banner
    stands there and a model would learn to read it. `resize`: `squash` keeps the whole frame and gives up its
    aspect; `letterbox` keeps the aspect and pads with grey.
    """

    size_px: int = Field(256, ge=32, le=1024)
    resize: Literal["squash", "letterbox"] = "squash"
    crop_top: float = Field(0.0, ge=0.0, lt=0.5)
    crop_bottom: float = Field(0.06, ge=0.0, lt=0.5)


class PreprocessConfig(PreprocessSpec):
    """The same before a run begins, where a size of 0 still means the one that suits the backbone's weights."""

    size_px: int = Field(0, ge=0, le=1024)

    @field_validator("size_px")
    @classmethod
    def _size_is_usable(cls, value: int) -> int:
        if 0 < value < 32:
            raise ValueError("Input should be 0 (from the weights) or greater than or equal to 32")
        return value


# --- model and training ---


class LabelConfig(Settings):
    """One label in `configs/labels/*.yaml`."""

    name: str = Field(min_length=1, pattern=r"^[a-z0-9_]+$")
    scientific_name: str = ""
    rank: str = ""
    parent: str = "animal"


class LabelsConfig(Settings):
    """The label set of a model."""

    labels: tuple[LabelConfig, ...]
    empty: Literal["empty"] | None = "empty"  # manifests know no other word for it
    targets: tuple[str, ...] = ()

    def label_set(self) -> LabelSet:
        """The checked label set."""
        return LabelSet(tuple(Label(**x.model_dump()) for x in self.labels), self.empty, self.targets)


class ModelConfig(Settings):
    """The backbone. `weights`: `embedded` (a package of the index), `hub` (timm downloads them) or `none`."""

    name: str = Field(min_length=1)
    backbone: str = Field(
        pattern=r"^[A-Za-z0-9_.]+(\+[A-Za-z0-9_.]+)*$",
        description="a timm name, or several joined by +; never an address",
    )
    weights: Literal["embedded", "hub", "none"] = "embedded"
    licence: str = ""
    trained_on: str = ""
    drop_rate: Share = 0.2
    size_px: int = Field(0, ge=0, le=1024, description="the input that suits the weights; 0: the one they state")
    gem_p: float = Field(1.0, ge=1.0, le=10.0, description="generalised-mean pooling; 1 leaves the backbone's own")


class AggregateConfig(Settings):
    """From frames to the clip. See `score.aggregate`."""

    name: Literal["presence_topk", "topk_logit", "mean_logit", "mean_prob", "max", "noisy_or"] = "presence_topk"
    top_share: float = Field(
        0.25, gt=0.0, le=1.0, description="share of frames that decide about presence, and those of topk_logit"
    )
    crop_weight: Share = Field(
        0.4, description="of the crop against the whole frame, where there is one, in the species"
    )


class DecideConfig(Settings):
    """Thresholds of `score.decide`, on calibrated clip probabilities."""

    empty: Share = Field(0.8, description="a clip is called empty at this probability or above")
    species: Share = Field(0.5, description="a species is named at this probability or above")
    animal: Share = Field(0.5, description="below that, 'animal' is said at this summed probability or above")
    among: Share = Field(
        0.0,
        description="and only where it has at least this share of the probability of all animals; else it is 'animal'",
    )
    alert: Share = Field(0.1, description="a target at this probability or above is shown to a person first")
    alerts: dict[str, Share] = Field(
        default_factory=dict, description="the same for single targets, where it was measured for them"
    )

    def alert_of(self, target: str) -> float:
        """The alert threshold of a target: its own, else that of all.

        >>> DecideConfig(alerts={"leopard": 0.02}).alert_of("leopard"), DecideConfig().alert_of("leopard")
        (0.02, 0.1)
        """
        return self.alerts.get(target, self.alert)


Effort = Literal["fast", "auto", "full", "thorough"]


class RuntimeConfig(Settings):
    """Where and how the model runs. Nothing here but `backend`, `device` and `precision` can change a probability."""

    backend: Literal["auto", "openvino", "onnxruntime", "torch"] = Field(
        "auto", description="auto: torch for a graphics processor, else openvino"
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["f32", "bf16"] = "f32"
    batch_size: int | None = Field(None, ge=1, le=4096, description="frames at once; none: what suits the backend")
    workers: int | None = Field(None, ge=0, le=256, description="processes; none: one per core; 0: in this process")
    threads: int = Field(0, ge=0, description="0 leaves the choice to the library; a worker process has one")
    clip_limit_s: float = Field(120.0, gt=0.0, description="a clip may take this long, and 1 s more for every 2 MB")
    memory_limit_mb: int = Field(1024, ge=64, description="memory that one clip may take in its worker")

    @property
    def backend_name(self) -> str:
        """The backend that is meant: `auto` is torch for a graphics processor, else OpenVINO."""
        if self.backend != "auto":
            return self.backend
        return "torch" if self.device in ("cuda", "mps") else "openvino"
