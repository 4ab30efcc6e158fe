"""Fine-tuning: a linear probe first, then the whole network, gently.

The run folder holds everything that a later step or a reader needs:

    config.yaml          every setting, resolved
    environment.json     versions, device
    labels_by_split.csv  how many frames of each label stand in each split, and from how many sites
    metrics.jsonl        one line per epoch; epoch 0 is the probe
    best.safetensors     weights of the epoch with the best macro-F1 over validation clips
    val_frames.parquet   logits of the validation frames under those weights
    skipped.csv          what could not be read
"""

from __future__ import annotations

import json
import math
import platform
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from accelerate import Accelerator
from accelerate.utils import set_seed
from numpy.typing import NDArray
from timm.models import group_parameters
from timm.optim import param_groups_layer_decay
from timm.scheduler import CosineLRScheduler
from timm.utils import ModelEmaV3
from torch import Tensor, nn

from leopardnet.core.config import TrainConfig
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import atomic_path, write_table
from leopardnet.core.types import ConfigError
from leopardnet.learn.augment import Augment
from leopardnet.learn.dataset import LabelledFrames, batches
from leopardnet.learn.keeper import Keeper
from leopardnet.learn.model import Classifier, build, extract_features, torch_device
from leopardnet.learn.probe import fit_head
from leopardnet.learn.sides import load_sides, refuse_shared_clips, wanted_of

VERSIONS_OF = (
    "leopardnet",
    "torch",
    "torchvision",
    "timm",
    "albumentations",
    "accelerate",
    "numpy",
    "av",
    "openvino",
)


@dataclass(frozen=True)
class Run:
    """A finished training run: its folder and the metric history, one dict per epoch."""

    folder: Path
    history: tuple[dict[str, float], ...] = field(repr=False)

    @property
    def best(self) -> dict[str, float]:
        """The epoch whose weights were kept."""
        return max(self.history, key=lambda row: (row["val_macro_f1"], -row["val_nll"]))


def train(
    manifest: Manifest, config: TrainConfig, *, out: Path, on_progress: Callable[..., None] | None = None
) -> Run:
    """A run folder with the best weights for the manifest's `train` rows, judged on clips of its `val` rows.

    on_progress: called as `(what, n_done, n_total, note)`, for a progress bar.

    Raises ManifestError where a split or a label is missing or a clip stands on both sides, MediaError where too much
    cannot be read, and ConfigError where the loss stops being a number or nothing is left to train.
    """
    tell = on_progress or (lambda *_: None)
    out, labels = Path(out), config.labels.label_set()
    wanted = {split: wanted_of(manifest, config, labels, split) for split in ("train", "val")}
    refuse_shared_clips(wanted)
    out.mkdir(parents=True, exist_ok=True)
    set_seed(config.seed)
    if config.runtime.threads:
        torch.set_num_threads(config.runtime.threads)
    try:
        frames, val = load_sides(wanted, manifest.root, config, labels, out, tell)
        _write_context(config, frames, val, out)

        accelerator = _accelerator(config)
        model = build(config.model, len(labels)).to(accelerator.device, memory_format=torch.channels_last)
        _fit_probe(model, frames, config, tell)
        keeper = Keeper(out, config, labels, val)
        keeper.judge(model, epoch=0, train_loss=math.nan)
        tell("probe", 1, 1, keeper.note)
        if config.optim.epochs:
            _fine_tune(model, frames, config, accelerator, keeper, tell)
    finally:
        for cache in out.glob("cache-*.bin"):
            cache.unlink()
    return Run(out, tuple(keeper.history))


# --- what the run is ---


def _write_context(config: TrainConfig, frames: LabelledFrames, val: LabelledFrames, out: Path) -> None:
    with atomic_path(out / "config.yaml") as part:
        part.write_text(
            yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True), "utf-8"
        )
    environment = {"python": platform.python_version(), "machine": platform.machine()}
    environment["device"] = torch_device(config.runtime.device)
    environment |= {name: version(name) for name in VERSIONS_OF}
    with atomic_path(out / "environment.json") as part:
        part.write_text(json.dumps(environment, indent=2), "utf-8")
    table = pd.concat([frames.table.assign(split="train"), val.table.assign(split="val")])
    counts = table.groupby(["label", "split"], sort=False).agg(
        n_frames=("label", "size"), n_clips=("clip_id", "nunique"), n_sites=("site", "nunique")
    )
    write_table(counts.reset_index(), out / "labels_by_split.csv")
    (out / "metrics.jsonl").unlink(missing_ok=True)


# --- the two stages ---


def _fit_probe(model: Classifier, frames: LabelledFrames, config: TrainConfig, tell: Callable[..., None]) -> None:
    """Set the head to a linear probe on frozen features of the frames and of their mirror images."""
    size = config.preprocess.size_px
    margin = (frames.pixels.shape[-1] - size) // 2
    n, step, parts, targets = len(frames), 64, [], []
    for i in range(0, n, step):
        views = frames.pixels[i : i + step, :, margin : margin + size, margin : margin + size]
        for view in (views, views[..., ::-1]):
            parts.append(extract_features(model, np.ascontiguousarray(view)))
            targets.append(frames.y[i : i + step])
        tell("features for the probe", min(i + step, n), n)
    features, y = np.concatenate(parts), np.concatenate(targets)
    model.set_head(*fit_head(features, y, n_labels=model.head.weight.shape[0], c=config.optim.probe_c))  # type: ignore[union-attr,index,arg-type]


def _fine_tune(
    model: Classifier,
    frames: LabelledFrames,
    config: TrainConfig,
    accelerator: Accelerator,
    keeper: Keeper,
    tell: Callable[..., None],
) -> None:
    optim = config.optim
    n_steps = min(math.ceil(len(frames) / optim.batch_size), optim.steps_per_epoch or 10**9)
    _freeze(model, optim.frozen_groups)
    if not any(p.requires_grad for p in model.backbone.parameters()):
        raise ConfigError(
            "nothing is left to train", where="optim.frozen_groups", found=optim.frozen_groups,
            expected="fewer than the layer groups of the backbone", todo="lower it, or take optim=probe",
        )  # fmt: skip
    groups = param_groups_layer_decay(
        model.backbone, weight_decay=optim.weight_decay, layer_decay=optim.layer_decay
    )
    optimizer = torch.optim.AdamW(groups, lr=optim.lr)
    schedule = _schedule(optimizer, config, n_steps)
    loss_of = nn.CrossEntropyLoss(_label_weights(frames.y, config), label_smoothing=config.loss.label_smoothing)
    net, optimizer, loss_of = accelerator.prepare(model, optimizer, loss_of.to(accelerator.device))
    ema = ModelEmaV3(model, decay=optim.ema_decay, use_warmup=True)
    augment = Augment(config.augment, size_px=config.preprocess.size_px, seed=config.seed)
    for epoch in range(1, optim.epochs + 1):
        _train_mode(model)
        losses: list[float] = []
        stream = batches(
            frames, augment, seed=config.seed, epoch=epoch, batch_size=optim.batch_size,
            n_workers=config.runtime.workers or 2,
        )  # fmt: skip
        for i_step, (x, y) in zip(range(n_steps), stream, strict=False):
            schedule.step_update((epoch - 1) * n_steps + i_step)
            loss = loss_of(net(x.to(accelerator.device)), y.to(accelerator.device))
            _check_finite(loss, epoch, i_step)
            optimizer.zero_grad()
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(model.parameters(), optim.clip_grad_norm)
            optimizer.step()
            ema.update(model, step=(epoch - 1) * n_steps + i_step)
            losses.append(float(loss.detach()))
            tell(f"epoch {epoch} of {optim.epochs}", i_step + 1, n_steps + 1, f"loss {np.mean(losses[-20:]):.3f}")
        keeper.judge(ema.module, epoch=epoch, train_loss=float(np.mean(losses)))
        tell(f"epoch {epoch} of {optim.epochs}", n_steps + 1, n_steps + 1, keeper.note)  # judging is a step, too


def _freeze(model: Classifier, n_groups: int) -> None:
    """Leave the first layer groups of the backbone (stem, then stages) out of training."""
    groups = group_parameters(model.backbone, model.backbone.group_matcher(coarse=True))  # type: ignore[operator]
    frozen = {name for i in sorted(groups)[:n_groups] for name in groups[i]}
    for name, parameter in model.backbone.named_parameters():
        parameter.requires_grad_(name not in frozen)


def _accelerator(config: TrainConfig) -> Accelerator:
    precision = "bf16" if config.runtime.precision == "bf16" else "no"
    device = torch_device(config.runtime.device)  # refuses one that is not there
    return Accelerator(cpu=device == "cpu", mixed_precision=precision)


def _schedule(optimizer: torch.optim.Optimizer, config: TrainConfig, n_steps: int) -> CosineLRScheduler:
    total = max(1, n_steps * config.optim.epochs)
    warmup = round(total * config.optim.warmup_share)
    return CosineLRScheduler(
        optimizer, t_initial=total, lr_min=config.optim.lr * 0.01, warmup_t=warmup,
        warmup_lr_init=config.optim.lr * 0.01, warmup_prefix=False, t_in_epochs=False,
    )  # fmt: skip


def _label_weights(y: NDArray[np.int64], config: TrainConfig) -> Tensor:
    """Weights [C], mean 1 over frames: every frame alike at class_balance 0, every label alike at 1."""
    counts = np.bincount(y, minlength=len(config.labels.labels)).astype(np.float64)
    weights = (len(y) / (len(counts) * np.maximum(counts, 1))) ** config.loss.class_balance
    return torch.tensor(weights / (weights * counts).sum() * counts.sum(), dtype=torch.float32)


def _train_mode(model: Classifier) -> None:
    """Training mode, but the statistics of batch norm stay those of the pretrained weights: batches here are small
    and come from few sites, and the probe's head was fitted to those statistics."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def _check_finite(loss: Tensor, epoch: int, i_step: int) -> None:
    if not math.isfinite(float(loss.detach())):
        raise ConfigError(
            "the training loss is no longer a number", where=f"epoch {epoch}, step {i_step + 1}",
            found=str(float(loss.detach())), todo="lower optim.lr; the best weights so far are in best.safetensors",
        )  # fmt: skip
