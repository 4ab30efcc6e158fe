"""Frozen, typed models of the settings that only training has: data, augmentation, loss, optimiser, validation."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from leopardnet.core.settings.detection import NO_DETECTOR, DetectorConfig
from leopardnet.core.settings.inference import (
    AggregateConfig,
    DecideConfig,
    LabelsConfig,
    ModelConfig,
    PreprocessConfig,
    RuntimeConfig,
    Sampling,
)
from leopardnet.core.settings.settings_model import Settings, Share


class AugmentConfig(Settings):
    """Random changes to training frames. Every probability is per frame; `none` turns all of them off.

    A crop keeps at least `crop_min_area` of the frame, and the animal's box where the manifest has one.
    """

    name: str
    flip_p: Share = 0.5
    crop_min_area: float = Field(0.5, gt=0.0, le=1.0)
    exposure_p: Share = 0.5
    infrared_p: Share = 0.2
    blur_p: Share = 0.15
    noise_p: Share = 0.25
    jpeg_p: Share = 0.15
    occlusion_p: Share = 0.0
    banner_p: Share = 0.0


class LossConfig(Settings):
    """What a wrong answer costs. Rare labels can be helped by weights, by the margin they must win by, or by sampling."""

    kind: Literal["cross_entropy", "focal"] = "cross_entropy"
    label_smoothing: float = Field(0.05, ge=0.0, lt=0.5)
    class_balance: Share = Field(0.5, description="0 weighs every frame alike, 1 every label alike")
    logit_adjust: float = Field(
        0.0, ge=0.0, le=2.0, description="tau of Menon et al. 2021: margin by log frequency"
    )
    focal_gamma: float = Field(2.0, ge=0.0, le=5.0, description="how much less easy frames count; only for focal")


class OptimConfig(Settings):
    """How far the weights are moved, and how.

    `probe` fits a linear head to frozen features; `finetune` goes on from there with AdamW, warm-up, cosine decay and
    a learning rate that falls from the head to the first layer; `scratch` trains everything from random weights.
    """

    mode: Literal["probe", "finetune", "scratch"] = "finetune"
    epochs: int = Field(6, ge=0, le=1000)
    batch_size: int = Field(32, ge=1, le=65536, description="frames per step, over all processes")
    micro_batch_size: int = Field(
        16, ge=1, le=4096, description="frames that go through the network at once: memory"
    )
    lr: float = Field(3e-4, gt=0.0, le=1.0)
    layer_decay: float = Field(0.8, gt=0.0, le=1.0)
    frozen_groups: int = Field(0, ge=0, description="the first layer groups (stem, stages) that stay as they are")
    weight_decay: float = Field(0.02, ge=0.0, le=1.0)
    warmup_share: Share = 0.15
    clip_grad_norm: float = Field(1.0, gt=0.0)
    ema_decay: float = Field(0.98, ge=0.0, lt=1.0)
    probe_c: Annotated[float, Field(gt=0.0)] | Literal["auto"] = Field(
        0.03, description="inverse regularisation of the linear probe; auto: chosen by grouped cross-validation"
    )
    probe_ignores_sites: bool = Field(
        True, description="take out of the features in what only sites differ, before the probe is fitted"
    )
    mixup_alpha: float = Field(0.0, ge=0.0, le=2.0, description="0 turns mixing of pictures off")
    cutmix_alpha: float = Field(0.0, ge=0.0, le=2.0, description="0 turns pasting of patches off")
    patience: int | None = Field(None, ge=1, description="stop after so many epochs without a better macro-F1")
    precision: Literal["auto", "f32", "bf16"] = Field(
        "auto", description="auto: bf16 on GPUs that have it, else f32"
    )
    checkpoint_every_s: float = Field(300.0, ge=0.0, description="seconds between checkpoints within an epoch")
    steps_per_epoch: int | None = Field(None, ge=1, description="cut epochs short; for debugging and smoke runs")


class ValidationConfig(Settings):
    """On which clips the weights of a run are judged.

    `split`: those of the manifest's split val, which nothing is trained on. `folds`: grouped cross-validation over
    train and val together, no site on two sides; the model is then trained on all of them. `auto`: split
    where the manifest has val rows, else folds.
    """

    by: Literal["auto", "split", "folds"] = "auto"
    n_folds: int = Field(4, ge=2, le=20)


class DataConfig(Settings):
    """What of the manifest is used and how it is read."""

    max_frames_per_clip: int = Field(8, ge=1, description="labelled frames taken from one clip, spread evenly")
    max_stills_per_sequence: int | None = Field(
        None, ge=1, description="stills taken from one sequence, spread evenly: neighbours are near-copies"
    )
    max_unreadable_share: Share = 0.05
    max_items: int | None = Field(None, ge=1, description="a random part of the training frames, for debugging")
    balance_labels: Share = Field(0.0, description="0 draws frames as they come, 1 draws every label equally often")
    balance_sites: Share = Field(0.0, description="0 draws frames as they come, 1 draws every site equally often")
    cache_gb: float = Field(
        20.0, ge=0.0, description="decoded frames are kept on disk up to this size; beyond, decoded when needed"
    )


class ExperimentConfig(Settings):
    """Why a run was made, and of what; kept beside its results. `tracker` shows its course while it lasts."""

    name: str = "unnamed"
    question: str = ""
    expected: str = ""
    countries: str = Field("", max_length=200, description="where the footage comes from; stands in the model card")
    data_licence: str = Field("", max_length=200, description="of the footage and labels; stands in the model card")
    tracker: Literal["tensorboard", "mlflow", "none"] = "tensorboard"


class TrainConfig(Settings):
    """Everything that decides a training run."""

    seed: int = Field(7, ge=0)
    labels: LabelsConfig
    model: ModelConfig
    preprocess: PreprocessConfig
    sampling: Sampling
    detector: DetectorConfig = NO_DETECTOR  # runs of older versions have none
    augment: AugmentConfig
    loss: LossConfig
    optim: OptimConfig
    data: DataConfig
    validation: ValidationConfig
    aggregate: AggregateConfig
    decide: DecideConfig
    runtime: RuntimeConfig
    experiment: ExperimentConfig

    @model_validator(mode="after")
    def _labels_are_consistent(self) -> TrainConfig:
        if self.labels.labels:  # none means: those of the data
            self.labels.label_set()
        return self
