"""The training loop: epochs of steps, with a checkpoint from which an interrupted run continues exactly."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from leopardnet.core.errors import ConfigError, MediaError
from leopardnet.network.classifier import Classifier
from leopardnet.training.fit.checkpoint import load_state, save_state
from leopardnet.training.fit.trainer import Trainer
from leopardnet.training.frames.batches import MicroBatch, make_micro_batches

OnEpoch = Callable[[nn.Module, dict[str, Any]], bool]
Tell = Callable[..., None]
Log = Callable[[dict[str, float], int], None]


@dataclass
class Epoch:
    """Sums over the steps of the current epoch; part of the checkpoint."""

    epoch: int = 1
    i_step: int = 0  # the next step
    loss: float = 0.0
    n_frames: int = 0
    wait_s: float = 0.0
    total_s: float = 0.0
    prepare_s: float = 0.0
    failed: dict[str, str] = field(default_factory=dict)

    def row(self, lr: float) -> dict[str, Any]:
        """Return the epoch as a row of the history."""
        return {
            "epoch": self.epoch,
            "train_loss": self.loss / max(self.n_frames, 1),
            "train_s": self.total_s,
            "lr": lr,
            "frames_per_s": self.n_frames / max(self.total_s, 1e-9),
            "wait_share": self.wait_s / max(self.total_s, 1e-9),
            "prepare_ms_per_frame": 1000 * self.prepare_s / max(self.n_frames, 1),
        }


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
    """Train to the end of epoch `until`, continuing from the checkpoint at `path` if there is one.

    on_epoch: called with the averaged weights and the row of the epoch; it may add to the row, and returns whether
    to stop. history: the rows so far; those of a checkpoint replace them. log: called with the figures of every
    step and its number. Raises MediaError if too many frames cannot be read, and ConfigError if the loss is not
    finite.
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
            loss = _add_batch(trainer, batch, now)
            if not batch.is_last:
                continue
            number = _finish_step(trainer, batch, now)
            if log is not None:
                log({"step/loss": loss / max(len(batch.y), 1), "step/lr": _lr(trainer)}, number)
            speed = now.n_frames / max(now.total_s, 1e-9)
            note = f"loss {now.loss / max(now.n_frames, 1):.3f}, {speed:.0f} frames/s"
            tell(name, now.i_step, trainer.n_steps + 1, note)
            if time.monotonic() - saved_at > config.optim.checkpoint_every_s and now.i_step < trainer.n_steps:
                _save(trainer, path, now, history, stopped=False)
                saved_at = time.monotonic()
        row = now.row(lr=_lr(trainer))
        stop = on_epoch(trainer.ema.module, row)
        history.append(row)
        tell(name, trainer.n_steps + 1, trainer.n_steps + 1, _format_note(row))  # validation counts as a step
        now = Epoch(epoch=now.epoch + 1)
        stop = _agree_to_stop(stop, accelerator)
        _save(trainer, path, now, history, stopped=stop)
        if stop:
            return


def refuse_too_many_failures(n_failed: int, n_frames: int, most: float, failed: dict[str, str]) -> None:
    """Raise MediaError if more than the share `most` of the frames could not be read."""
    if n_failed > most * n_frames:
        path, reason = next(iter(failed.items()))
        raise MediaError(
            f"{n_failed} of {n_frames} training frames cannot be read",
            found=f"{path}: {reason}",
            expected=f"at most {most:.0%}",
            todo="run `leopardnet check`, repair or remove the files, or raise data.max_unreadable_share",
        )


# --- parts of an epoch ---


def _add_batch(trainer: Trainer, batch: MicroBatch, now: Epoch) -> float:
    """Add the gradients and the counts of a micro-batch, and return its loss."""
    now.failed |= {trainer.frames.table["path"].iloc[row]: reason for row, reason in batch.failed}
    most = trainer.config.data.max_unreadable_share
    refuse_too_many_failures(len(now.failed), len(trainer.rows), most, now.failed)
    loss = trainer.add_gradients(batch, now.epoch)
    now.loss, now.n_frames = now.loss + loss, now.n_frames + len(batch.y)
    now.prepare_s += batch.prepare_s
    return loss


def _finish_step(trainer: Trainer, batch: MicroBatch, now: Epoch) -> int:
    """Move the weights after the last micro-batch of a step, and return the number of the step in the run."""
    if not math.isfinite(now.loss):
        raise ConfigError(
            "the training loss is not a finite number",
            where=f"epoch {now.epoch}, step {now.i_step + 1}",
            found=str(now.loss),
            todo="lower optim.lr and start again with --overwrite; the best weights so far are in the run folder "
            "(`leopardnet pack RUN` makes a model of them)",
        )
    number = (now.epoch - 1) * trainer.n_steps + batch.i_step
    trainer.step(number)
    now.i_step = batch.i_step + 1
    return number


def _open_batches(trainer: Trainer, now: Epoch) -> Iterator[MicroBatch]:
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
        truth=trainer.truth,
    )


def _time_batches(batches: Iterable[MicroBatch], now: Epoch) -> Iterator[MicroBatch]:
    """Yield the batches, and add the time spent waiting for them and the total time to the epoch."""
    began = time.perf_counter()
    for batch in batches:
        came = time.perf_counter()
        now.wait_s += came - began
        yield batch
        now.total_s += time.perf_counter() - began
        began = time.perf_counter()


def _save(trainer: Trainer, path: Path, now: Epoch, history: list[dict[str, Any]], *, stopped: bool) -> None:
    if trainer.accelerator.is_main_process:
        save_state(trainer.state() | {"epoch": vars(now), "history": history, "stopped": stopped}, path)


def _set_train_mode(model: Classifier, *, all_layers: bool) -> None:
    """Set training mode, but keep the batch-norm statistics of pretrained weights.

    Batches here are small and from few sites, and the probe's head was fitted to these statistics. Networks trained
    from scratch have none to keep.
    """
    model.train()
    if not all_layers:
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()


def _agree_to_stop(stop: bool, accelerator: Accelerator) -> bool:
    """Return whether the main process, which alone evaluates, wants to stop. All processes wait for it."""
    flag: Tensor = accelerator.reduce(torch.tensor(float(stop), device=accelerator.device), reduction="sum")
    return bool(float(flag) > 0)


def _lr(trainer: Trainer) -> float:
    return max(float(group["lr"]) for group in trainer.optimizer.param_groups)


def _format_note(row: dict[str, Any]) -> str:
    return f"macro-F1 {row['val_macro_f1']:.3f} on validation clips" if "val_macro_f1" in row else ""
