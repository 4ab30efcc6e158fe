"""One step of training: network, running average, optimiser, schedule and loss.

Everything random is seeded for each micro-batch from (seed, epoch, step, part), and the learning rate is a function
of the step. So a run that was stopped continues exactly, and several processes that share the micro-batches of a
step make the same step as one process.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from timm.data.mixup import Mixup
from timm.models import group_parameters
from timm.optim._param_groups import param_groups_layer_decay
from timm.scheduler.cosine_lr import CosineLRScheduler
from timm.utils.model_ema import ModelEmaV3
from torch import nn

from leopardnet.core.errors import ConfigError
from leopardnet.core.settings.training import OptimConfig, TrainConfig
from leopardnet.network.classifier import Classifier
from leopardnet.training.augment.pipeline import Augmenter
from leopardnet.training.fit.losses import LossFunction, build_loss, build_targets
from leopardnet.training.frames.batches import MicroBatch, count_steps
from leopardnet.training.frames.labelled_frames import LabelledFrames


class Trainer:
    """The state of training that a checkpoint holds, and the steps that change it."""

    def __init__(
        self,
        model: Classifier,
        frames: LabelledFrames,
        rows: NDArray[np.int64],
        config: TrainConfig,
        accelerator: Accelerator,
    ) -> None:
        optim = config.optim
        self.config, self.accelerator, self.frames, self.rows = config, accelerator, frames, rows
        self.model = model.to(accelerator.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.n_steps = count_steps(len(rows), optim)
        freeze_layers(model, optim.frozen_groups)
        groups = param_groups_layer_decay(
            model.backbone, weight_decay=optim.weight_decay, layer_decay=optim.layer_decay
        )
        self.optimizer = torch.optim.AdamW(groups, lr=optim.lr)
        self.schedule = _build_schedule(self.optimizer, optim, self.n_steps)
        self.ema = ModelEmaV3(model, decay=optim.ema_decay, use_warmup=True)
        self.augment = Augmenter(config.augment, size_px=config.preprocess.size_px, seed=config.seed)
        multi = config.labels.multi
        self.truth = config.labels.label_set().presence(frames.table["label"]) if multi else frames.y
        self.loss: LossFunction = build_loss(
            config.loss, self.truth[rows], n_labels=model.n_labels, device=str(accelerator.device)
        )
        self.mixup: Mixup | None = None
        if optim.mixup_alpha > 0 or optim.cutmix_alpha > 0:
            self.mixup = Mixup(
                mixup_alpha=optim.mixup_alpha,
                cutmix_alpha=optim.cutmix_alpha,
                prob=0.5,
                label_smoothing=0.0 if multi else config.loss.label_smoothing,
                num_classes=optim.micro_batch_size if multi else model.n_labels,
            )

    # --- one step ---

    def add_gradients(self, batch: MicroBatch, epoch: int) -> float:
        """Add the gradients of a micro-batch to those of its step, and return its loss."""
        if not len(batch.y):
            return 0.0
        _set_seed(self.config.seed, epoch, batch.i_step, batch.i_part)
        device = self.accelerator.device
        x, y = batch.x.to(device, memory_format=torch.channels_last), batch.y.to(device)
        smoothing = self.config.loss.label_smoothing
        is_mixed = self.mixup is not None and len(y) > 1 and len(y) % 2 == 0
        if is_mixed and self.mixup is not None and y.ndim == 1:
            x, targets = self.mixup(x.float(), y)
        else:
            targets = build_targets(y, n_labels=self.model.n_labels, smoothing=smoothing)
        if is_mixed and self.mixup is not None and y.ndim == 2:  # the numbers of the frames are mixed like classes
            x, shares = self.mixup(x.float(), torch.arange(len(y), device=device))
            targets = shares[:, : len(y)] @ targets
        with self.accelerator.autocast():
            logits = self.model(x)
        loss = self.loss(logits, targets)
        (loss / batch.n_in_step).backward()
        return float(loss.detach())

    def step(self, number: int) -> None:
        """Update the weights by the gradients of all processes. `number` counts the steps of the whole run."""
        parameters = [p for p in self.model.parameters() if p.requires_grad]
        if self.accelerator.num_processes > 1:
            _sum_over_processes(parameters, self.accelerator)
        torch.nn.utils.clip_grad_norm_(parameters, self.config.optim.clip_grad_norm)
        self.schedule.step_update(number)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.ema.update(self.model, step=number)

    # --- the checkpoint ---

    def state(self) -> dict[str, Any]:
        """Return tensors and plain values from which `restore` continues exactly."""
        return {
            "model": self.model.state_dict(),
            "ema": self.ema.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Continue from a checkpoint."""
        self.model.load_state_dict(state["model"])
        self.ema.module.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])


def freeze_layers(model: Classifier, n_groups: int) -> None:
    """Freeze the first layer groups of the backbone (stem, then stages).

    Raises ConfigError if no layer but the head would be left to train.
    """
    groups = group_parameters(model.backbone, model.backbone.group_matcher(coarse=True))
    frozen = {name for i in sorted(groups)[:n_groups] for name in groups[i]}
    for name, parameter in model.backbone.named_parameters():
        parameter.requires_grad_(name not in frozen)
    if not any(p.requires_grad for p in model.backbone.parameters()):
        raise ConfigError(
            "there are no layers left to train",
            where="optim.frozen_groups",
            found=n_groups,
            expected="fewer than the layer groups of the backbone",
            todo="lower it, or set optim=probe",
        )


def _build_schedule(optimizer: torch.optim.Optimizer, optim: OptimConfig, n_steps: int) -> CosineLRScheduler:
    total = max(1, n_steps * optim.epochs)
    return CosineLRScheduler(
        optimizer,
        t_initial=max(2, total),  # timm warns that one step cannot be a curve; the first step is the same
        lr_min=optim.lr * 0.01,
        warmup_t=round(total * optim.warmup_share),
        warmup_lr_init=optim.lr * 0.01,
        warmup_prefix=False,
        t_in_epochs=False,
    )


def _set_seed(seed: int, epoch: int, i_step: int, i_part: int) -> None:
    words = np.random.SeedSequence((seed, epoch, i_step, i_part + 1)).generate_state(2)
    torch.manual_seed(int(words[0]))
    np.random.seed(int(words[1]))  # used by timm's Mixup


def _sum_over_processes(parameters: list[nn.Parameter], accelerator: Accelerator) -> None:
    """Replace every gradient by the sum over all processes, in a single call."""
    grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
    flat = accelerator.reduce(torch.cat([g.reshape(-1) for g in grads]), reduction="sum")
    at = 0
    for p in parameters:
        p.grad = flat[at : at + p.numel()].view_as(p).clone()
        at += p.numel()
