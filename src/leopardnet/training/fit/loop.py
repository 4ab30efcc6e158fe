"""The training loop: epochs of steps, each a sum over micro-batches, with a checkpoint from which it goes on exactly.

Everything random is seeded anew for each micro-batch from (seed, epoch, step, part), and the learning rate is a
function of the step. So a run that was stopped goes on as if it had not been, and several processes that share the
micro-batches of a step make the step that one process makes. Statistics of batch norm are frozen, except from scratch.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from timm.data import Mixup
from timm.models import group_parameters
from timm.optim import param_groups_layer_decay
from timm.scheduler import CosineLRScheduler
from timm.utils import ModelEmaV3
from torch import Tensor, nn

from leopardnet.core.errors import ConfigError, MediaError
from leopardnet.core.settings.training import OptimConfig, TrainConfig
from leopardnet.network.classifier import Classifier
from leopardnet.training.augment.pipeline import Augmenter
from leopardnet.training.fit.checkpoint import load_state, save_state
from leopardnet.training.fit.losses import LossFunction, build_loss, build_targets
from leopardnet.training.frames.batches import MicroBatch, count_steps, make_micro_batches
from leopardnet.training.frames.labelled_frames import LabelledFrames

OnEpoch = Callable[[nn.Module, dict[str, Any]], bool]
Tell = Callable[..., None]
Log = Callable[[dict[str, float], int], None]


@dataclass
class Epoch:
    """Sums over the steps of the epoch under way; part of the checkpoint."""

    epoch: int = 1
    i_step: int = 0  # the next one
    loss: float = 0.0
    n_frames: int = 0
    wait_s: float = 0.0
    total_s: float = 0.0
    prepare_s: float = 0.0
    failed: dict[str, str] = field(default_factory=dict)

    def row(self, lr: float) -> dict[str, Any]:
        """The epoch as a line of the history."""
        return {
            "epoch": self.epoch,
            "train_loss": self.loss / max(self.n_frames, 1),
            "lr": lr,
            "frames_per_s": self.n_frames / max(self.total_s, 1e-9),
            "wait_share": self.wait_s / max(self.total_s, 1e-9),
            "prepare_ms_per_frame": 1000 * self.prepare_s / max(self.n_frames, 1),
        }


class Trainer:
    """Everything that a step needs and a checkpoint holds: network, running average, optimiser, schedule, loss."""

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
        self.loss: LossFunction = build_loss(
            config.loss, frames.y[rows], n_labels=model.n_labels, device=str(accelerator.device)
        )
        mixes = optim.mixup_alpha > 0 or optim.cutmix_alpha > 0
        self.mixup = (
            Mixup(
                mixup_alpha=optim.mixup_alpha,
                cutmix_alpha=optim.cutmix_alpha,
                prob=0.5,
                label_smoothing=config.loss.label_smoothing,
                num_classes=model.n_labels,
            )
            if mixes
            else None
        )

    # --- one step ---

    def add_gradients(self, batch: MicroBatch, epoch: int) -> float:
        """The loss of a micro-batch, after adding its share of the step's gradient."""
        if not len(batch.y):
            return 0.0
        _seed(self.config.seed, epoch, batch.i_step, batch.i_part)
        device = self.accelerator.device
        x, y = batch.x.to(device, memory_format=torch.channels_last), batch.y.to(device)
        if self.mixup is not None and len(y) > 1 and len(y) % 2 == 0:
            x, targets = self.mixup(x.float(), y)
        else:
            targets = build_targets(y, n_labels=self.model.n_labels, smoothing=self.config.loss.label_smoothing)
        with self.accelerator.autocast():
            logits = self.model(x)
        loss = self.loss(logits, targets)
        (loss / batch.n_in_step).backward()
        return float(loss.detach())

    def step(self, number: int) -> None:
        """Move the weights by the gradients of all processes; `number` counts steps from the first epoch on."""
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
        """Tensors and plain values from which `restore` goes on exactly."""
        return {
            "model": self.model.state_dict(),
            "ema": self.ema.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.model.load_state_dict(state["model"])
        self.ema.module.load_state_dict(state["ema"])
        self.optimizer.load_state_dict(state["optimizer"])


def run_epochs(
    trainer: Trainer,
    *,
    path: Path,
    until: int,
    on_epoch: OnEpoch,
    history: list[dict[str, Any]],
    tell: Tell,
    what: str = "",
    log: Log | None = None,
) -> None:
    """Train to the end of epoch `until`, going on from the checkpoint at `path` where there is one.

    on_epoch: called with the averaged weights and the row of the epoch; it may add to the row, and says whether to
    stop. history: the rows so far; from a checkpoint, those that it holds are put in first. log: called with the
    figures of every step and its number.
    """
    config, accelerator = trainer.config, trainer.accelerator
    now = Epoch()
    saved = load_state(path)
    if saved is not None:
        trainer.restore(saved)
        now = Epoch(**saved["epoch"])
        history[:] = saved["history"]
        if saved["stopped"]:
            return
    saved_at = time.monotonic()
    while now.epoch <= until:
        name = f"{what}epoch {now.epoch} of {config.optim.epochs}"
        _set_train_mode(trainer.model, all_layers=config.optim.mode == "scratch")
        for batch in _time_batches(_open_batches(trainer, now), now):
            now.failed |= {trainer.frames.table["path"].iloc[row]: reason for row, reason in batch.failed}
            refuse_too_many_failures(len(now.failed), len(trainer.rows), config.data.max_unreadable_share, now.failed)
            loss = trainer.add_gradients(batch, now.epoch)
            now.loss, now.n_frames = now.loss + loss, now.n_frames + len(batch.y)
            now.prepare_s += batch.prepare_s
            if not batch.is_last:
                continue
            _check_finite(now.loss, trainer, now)
            number = (now.epoch - 1) * trainer.n_steps + batch.i_step
            trainer.step(number)
            now.i_step = batch.i_step + 1
            if log is not None:
                log({"step/loss": loss / max(len(batch.y), 1), "step/lr": _lr(trainer)}, number)
            tell(
                name,
                now.i_step,
                trainer.n_steps + 1,
                f"loss {now.loss / max(now.n_frames, 1):.3f}, {now.n_frames / max(now.total_s, 1e-9):.0f} frames/s",
            )
            if time.monotonic() - saved_at > config.optim.checkpoint_every_s and now.i_step < trainer.n_steps:
                _save(trainer, path, now, history, stopped=False)
                saved_at = time.monotonic()
        row = now.row(lr=_lr(trainer))
        stop = on_epoch(trainer.ema.module, row)
        history.append(row)
        tell(name, trainer.n_steps + 1, trainer.n_steps + 1, _format_note(row))  # judging is a step, too
        now = Epoch(epoch=now.epoch + 1)
        stop = _agree_to_stop(stop, accelerator)
        _save(trainer, path, now, history, stopped=stop)
        if stop:
            return


def refuse_too_many_failures(n_failed: int, n_frames: int, most: float, failed: dict[str, str]) -> None:
    """Raise MediaError where more of the frames than `most` could not be read while training."""
    if n_failed > most * n_frames:
        path, reason = next(iter(failed.items()))
        raise MediaError(
            f"{n_failed} of {n_frames} training frames cannot be read",
            found=f"{path}: {reason}",
            expected=f"at most {most:.0%}",
            todo="run `leopardnet check`, repair or remove the files, or raise data.max_unreadable_share",
        )


def freeze_layers(model: Classifier, n_groups: int) -> None:
    """Leave the first layer groups of the backbone (stem, then stages) out of training.

    Raises ConfigError where nothing but the head would be left.
    """
    groups = group_parameters(model.backbone, model.backbone.group_matcher(coarse=True))  # type: ignore[operator]
    frozen = {name for i in sorted(groups)[:n_groups] for name in groups[i]}
    for name, parameter in model.backbone.named_parameters():
        parameter.requires_grad_(name not in frozen)
    if not any(p.requires_grad for p in model.backbone.parameters()):
        raise ConfigError(
            "nothing is left to train",
            where="optim.frozen_groups",
            found=n_groups,
            expected="fewer than the layer groups of the backbone",
            todo="lower it, or take optim=probe",
        )


# --- parts of an epoch ---


def _open_batches(trainer: Trainer, now: Epoch):  # type: ignore[no-untyped-def]  # noqa: ANN202
    config, accelerator = trainer.config, trainer.accelerator
    return make_micro_batches(
        trainer.frames,
        trainer.rows,
        trainer.augment,
        optim=config.optim,
        data=config.data,
        seed=config.seed,
        epoch=now.epoch,
        first_step=now.i_step,
        rank=accelerator.process_index,
        n_ranks=accelerator.num_processes,
        n_workers=config.runtime.workers or 2,
    )


def _time_batches(stream, now: Epoch):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    """The stream, with the time that was spent waiting for it, and in all, added to the epoch."""
    began = time.perf_counter()
    for batch in stream:
        came = time.perf_counter()
        now.wait_s += came - began
        yield batch
        now.total_s += time.perf_counter() - began
        began = time.perf_counter()


def _save(trainer: Trainer, path: Path, now: Epoch, history: list[dict[str, Any]], *, stopped: bool) -> None:
    if trainer.accelerator.is_main_process:
        save_state(trainer.state() | {"epoch": vars(now), "history": history, "stopped": stopped}, path)


def _set_train_mode(model: Classifier, *, all_layers: bool) -> None:
    """Training mode, but the statistics of batch norm stay those of the pretrained weights: batches here are small
    and come from few sites, and the probe's head was fitted to those statistics. From scratch there are none."""
    model.train()
    if not all_layers:
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()


def _seed(seed: int, epoch: int, i_step: int, i_part: int) -> None:
    words = np.random.SeedSequence((seed, epoch, i_step, i_part + 1)).generate_state(2)
    torch.manual_seed(int(words[0]))
    np.random.seed(int(words[1]))  # timm's Mixup draws from it


def _sum_over_processes(parameters: list[nn.Parameter], accelerator: Accelerator) -> None:
    """Replace every gradient by the sum over all processes, in one message."""
    grads = [p.grad if p.grad is not None else torch.zeros_like(p) for p in parameters]
    flat = accelerator.reduce(torch.cat([g.reshape(-1) for g in grads]), reduction="sum")
    at = 0
    for p in parameters:
        p.grad = flat[at : at + p.numel()].view_as(p).clone()
        at += p.numel()


def _agree_to_stop(stop: bool, accelerator: Accelerator) -> bool:
    """Whether the main process, which alone judges, says stop; and all wait for it."""
    flag: Tensor = accelerator.reduce(torch.tensor(float(stop), device=accelerator.device), reduction="sum")
    return bool(float(flag) > 0)


def _build_schedule(optimizer: torch.optim.Optimizer, optim: OptimConfig, n_steps: int) -> CosineLRScheduler:
    total = max(1, n_steps * optim.epochs)
    return CosineLRScheduler(
        optimizer,
        t_initial=total,
        lr_min=optim.lr * 0.01,
        warmup_t=round(total * optim.warmup_share),
        warmup_lr_init=optim.lr * 0.01,
        warmup_prefix=False,
        t_in_epochs=False,
    )


def _check_finite(loss: float, trainer: Trainer, now: Epoch) -> None:
    if not math.isfinite(loss):
        raise ConfigError(
            "the training loss is no longer a number",
            where=f"epoch {now.epoch}, step {now.i_step + 1}",
            found=str(loss),
            todo="lower optim.lr and start anew with --overwrite; the best weights so far are kept in the run folder "
            "(`leopardnet pack RUN` makes a model of them)",
        )


def _lr(trainer: Trainer) -> float:
    return max(float(group["lr"]) for group in trainer.optimizer.param_groups)


def _format_note(row: dict[str, Any]) -> str:
    return f"macro-F1 {row['val_macro_f1']:.3f} on validation clips" if "val_macro_f1" in row else ""
