"""Frozen, typed models of the settings that only training has: data, augmentation, loss, optimiser, validation.

They have no defaults: `configs/*.yaml` gives every value. `compose.load_group` makes one of them from its file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

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

    A crop keeps at least `crop_min_area` of the frame, and the animal's box where the manifest has one. `own` comes
    before the other steps.
    """

    name: str
    flip_p: Share
    crop_min_area: float = Field(gt=0.0, le=1.0)
    exposure_p: Share
    infrared_p: Share
    blur_p: Share
    noise_p: Share
    jpeg_p: Share
    occlusion_p: Share
    banner_p: Share
    own: str = Field(
        pattern=r"^([A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*)?$",
        description="package.module:function, which returns an albumentations transform; it is imported and called",
    )


class LossConfig(Settings):
    """The loss. Rare labels can be helped by weights, by a margin that they must win by, or by sampling."""

    kind: Literal["cross_entropy", "focal"]
    label_smoothing: float = Field(ge=0.0, lt=0.5)
    class_balance: Share = Field(description="0 weights every frame equally, 1 every label equally")
    logit_adjust: float = Field(ge=0.0, le=2.0, description="tau of Menon et al. 2021: margin by log frequency")
    focal_gamma: float = Field(ge=0.0, le=5.0, description="how much less easy frames count; only for focal")


class OptimConfig(Settings):
    """Which weights are trained, and how.

    `probe` fits a linear head to frozen features. `finetune` continues from the probe with AdamW, warm-up, cosine
    decay and a learning rate that falls from the head to the first layer. `scratch` trains all layers from random
    weights.
    """

    mode: Literal["probe", "finetune", "scratch"]
    epochs: int = Field(ge=0, le=1000)
    batch_size: int = Field(ge=1, le=65536, description="frames per step, over all processes")
    micro_batch_size: int = Field(ge=1, le=4096, description="frames in one forward pass; sets the memory needed")
    lr: float = Field(gt=0.0, le=1.0)
    layer_decay: float = Field(gt=0.0, le=1.0)
    frozen_groups: int = Field(ge=0, description="number of first layer groups (stem, stages) that stay frozen")
    weight_decay: float = Field(ge=0.0, le=1.0)
    warmup_share: Share
    clip_grad_norm: float = Field(gt=0.0)
    ema_decay: float = Field(ge=0.0, lt=1.0)
    probe_c: float = Field(gt=0.0, le=1e6, description="inverse regularisation of the linear probe, per frame")
    probe_infrared_copies: int = Field(
        ge=0, le=8, description="copies of each frame in an infrared look that the probe is fitted to, too"
    )
    mixup_alpha: float = Field(ge=0.0, le=2.0, description="0 turns mixup off")
    cutmix_alpha: float = Field(ge=0.0, le=2.0, description="0 turns cutmix off")
    patience: int | None = Field(ge=1, description="stop after this many epochs without a better macro-F1")
    precision: Literal["auto", "f32", "bf16"] = Field(description="auto: bf16 on GPUs that support it, else f32")
    checkpoint_every_s: float = Field(ge=0.0, description="seconds between checkpoints within an epoch")
    steps_per_epoch: int | None = Field(ge=1, description="cut epochs short; for debugging and smoke runs")


class ValidationConfig(Settings):
    """The clips that a run is evaluated on.

    `split`: the split `val` of the manifest, which is never trained on. `folds`: grouped cross-validation over
    train and val together, where no site is in two folds; the model is then trained on all of them. `auto`: `split`
    where the manifest has val rows, else `folds`.
    """

    by: Literal["auto", "split", "folds"]
    n_folds: int = Field(ge=2, le=20)


class DataConfig(Settings):
    """Which rows of the manifest are used, and how they are read."""

    max_frames_per_clip: int = Field(ge=1, description="labelled frames taken from one clip, spread evenly")
    max_stills_per_sequence: int | None = Field(
        ge=1, description="stills taken from one sequence, spread evenly: neighbours are near-copies"
    )
    max_unreadable_share: Share
    max_items: int | None = Field(ge=1, description="a random part of the training frames, for debugging")
    balance_labels: Share = Field(description="0 draws frames as they come, 1 draws every label equally often")
    balance_sites: Share = Field(description="0 draws frames as they come, 1 draws every site equally often")
    cache_gb: float = Field(
        ge=0.0,
        description="decoded frames are kept on disk, for later runs too, up to this size; larger sets are decoded "
        "when needed",
    )


class ExperimentConfig(Settings):
    """Why a run was made, and on which data; kept with its results. `tracker` records its progress."""

    name: str
    question: str
    expected: str
    countries: str = Field(max_length=200, description="where the footage comes from; shown in the model card")
    data_licence: str = Field(max_length=200, description="of the footage and labels; shown in the model card")
    tracker: Literal["tensorboard", "mlflow", "none"]


class TrainConfig(Settings):
    """All settings of a training run."""

    seed: int = Field(ge=0)
    labels: LabelsConfig
    model: ModelConfig
    preprocess: PreprocessConfig
    sampling: Sampling
    detector: DetectorConfig = NO_DETECTOR  # run folders of older versions lack it
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
        if self.labels.labels:  # an empty list means the labels of the data
            self.labels.label_set()
        if self.labels.multi and self.decide.among:
            raise ValueError(
                "decide.among must be 0 with labels.multi: independent labels do not share a probability"
            )
        return self


# Settings that run folders of older versions lack, with the values that describe what those versions did.
ADDED_SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "augment": {"occlusion_p": 0.0, "banner_p": 0.0, "own": ""},
    "data": {"max_stills_per_sequence": None, "balance_labels": 0.0, "balance_sites": 0.0, "cache_gb": 20.0},
    "labels": {"multi": False},
    "experiment": {"countries": "", "data_licence": "", "tracker": "none"},
    "loss": {"kind": "cross_entropy", "logit_adjust": 0.0, "focal_gamma": 2.0},
    "optim": {
        "mode": "finetune",
        "micro_batch_size": 16,
        "probe_infrared_copies": 0,
        "mixup_alpha": 0.0,
        "cutmix_alpha": 0.0,
        "patience": None,
        "precision": "f32",
        "checkpoint_every_s": 300.0,
    },
    "runtime": {"decode": "software", "loop_filter": True},
    "validation": {"by": "split", "n_folds": 4},
}


CHOSEN_C = 0.002  # the middle of the values among which versions with `probe_c: auto` chose; the choice is not kept


def add_missing_settings(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a run folder as this version has them: new ones are added, and retired ones left out.

    >>> add_missing_settings({"seed": 7, "validation": {"by": "folds"}})["validation"]
    {'by': 'folds', 'n_folds': 4}
    """
    groups = {group: stored.get(group, {}) for group in ADDED_SETTINGS}
    added = {group: {**ADDED_SETTINGS[group], **x} for group, x in groups.items() if isinstance(x, Mapping)}
    if optim := added.get("optim"):
        optim.pop("probe_ignores_sites", None)
        if optim.get("probe_c") == "auto":
            optim["probe_c"] = CHOSEN_C
    return {**stored, **added}
