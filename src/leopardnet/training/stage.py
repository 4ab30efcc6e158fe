"""One stage of a run: a probe, then epochs, in a folder of its own, where an interrupted run continues."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import nn

from leopardnet.bundle.head.linear_probe import compute_probe_weights, fit_probe
from leopardnet.bundle.run_history import write_history
from leopardnet.core.labels import LabelSet
from leopardnet.core.settings.training import TrainConfig
from leopardnet.core.tables import write_json
from leopardnet.network.classifier import Classifier, load_weights, save_weights
from leopardnet.training.fit.clip_scores import (
    compute_clip_logits,
    compute_frame_logits,
    compute_scores,
    write_val_frames,
)
from leopardnet.training.fit.first_batch import draw_first_batch
from leopardnet.training.fit.loop import run_epochs
from leopardnet.training.fit.trainer import Trainer
from leopardnet.training.folds import Part, Rows, group_rows
from leopardnet.training.frames.features import Features, compute_features
from leopardnet.training.frames.frame_cache import FrameCache
from leopardnet.training.frames.labelled_frames import LabelledFrames
from leopardnet.training.plots import save_curves
from leopardnet.training.rank_epochs import is_better
from leopardnet.training.start.beginning import extend_head
from leopardnet.training.trackers import Tracker, open_tracker
from leopardnet.training.train_val import TrainVal

PROBE_MOST = 20_000  # frames that a probe is fitted to; more hardly change it and take long
MEANS_MOST = 500  # frames per class for the mean of its features
DRAW_EVERY_S = 60.0


@dataclass(frozen=True)
class StageResult:
    """The outcome of a stage: its rows of the history, and the logits of its validation rows after each epoch."""

    part: Part
    history: list[dict[str, Any]]
    folder: Path

    def load_logits(self, epoch: int) -> NDArray[np.float32]:
        """Return the logits float32 [len(part.val), C] after an epoch; 0 is the probe."""
        found: NDArray[np.float32] = np.load(self.folder / f"epoch-{epoch}.npy", allow_pickle=False)
        return found


class Stage:
    """The stages of one run, which share one network and run one after the other."""

    def __init__(
        self,
        model: Classifier,
        frames: LabelledFrames,
        cache: FrameCache,
        data: TrainVal,
        accelerator: Accelerator,
        out: Path,
        tell: Callable[..., None],
    ) -> None:
        self.model, self.frames, self.data, self.out = model, frames, data, out
        self.accelerator, self.tell = accelerator, tell
        self.config: TrainConfig = data.config
        self.labels: LabelSet = data.labels
        self.pretrained = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        self.cache = cache
        self._features: Features | None = None
        self.main = accelerator.is_main_process
        self._drawn_at = time.monotonic()
        kind = self.config.experiment.tracker if self.main else "none"
        self.tracker: Tracker = open_tracker(kind, out, self.config.model_dump(mode="json"))

    def run(
        self, folder: Path, part: Part, *, fold: int | None, what: str, before: list[StageResult]
    ) -> StageResult:
        """Train on `part.train` and evaluate on `part.val` after every epoch. A finished stage is only read."""
        folder.mkdir(parents=True, exist_ok=True)
        finished = folder / "stage.json"
        if finished.is_file():
            return StageResult(part, json.loads(finished.read_text("utf-8")), folder)
        earlier = [row for result in before for row in result.history]
        history: list[dict[str, Any]] = []
        self._prepare_start(folder, part.train, what)

        def on_epoch(weights: nn.Module, row: dict[str, Any]) -> bool:
            if not self.main:
                return False
            assert isinstance(weights, Classifier)
            logits = self._evaluate(weights, part.val, row, folder)
            if fold is not None:
                row["fold"] = fold
            elif is_better(row, history):  # with its logits, so that a run that fails later leaves a model
                save_weights(weights.state_dict(), self.out / "best.safetensors")
                names = self.labels.names
                write_val_frames(self.out, self.frames.table, part.val, logits, trained=part.train, names=names)
            self._record([*earlier, *history, row], row)
            return _should_stop([*history, row], self.config.optim.patience)

        path = folder / "last.pt"
        if self.config.optim.mode != "scratch" and not path.is_file():
            row: dict[str, Any] = {"epoch": 0, "train_loss": math.nan}
            on_epoch(self.model, row)
            history.append(row)
            self.tell(
                f"{what}the probe", 1, 1, f"macro-F1 {row.get('val_macro_f1', math.nan):.3f} on validation clips"
            )
        if self.config.optim.mode != "probe" and self.config.optim.epochs:
            trainer = Trainer(self.model, self.frames, part.train, self.config, self.accelerator)
            if self.main and draw_first_batch(trainer, self.out / "batch.png"):
                self.tracker.log_image("augmented batch", self.out / "batch.png")
            run_epochs(
                trainer,
                path=path,
                until=self.config.optim.epochs,
                on_epoch=on_epoch,
                history=history,
                tell=self.tell,
                what=what,
                log=self._make_log(f"fold{fold}/" if fold is not None else ""),
            )
        if self.main:
            if fold is not None:
                path.unlink(missing_ok=True)
                (folder / "start.safetensors").unlink(missing_ok=True)
            write_json(history, finished)
        self.accelerator.wait_for_everyone()
        # Only the main process has evaluated; the others read its results.
        return StageResult(part, json.loads(finished.read_text("utf-8")), folder)

    def refit(self, rows: Rows, *, until: int) -> None:
        """Train on all rows to the end of epoch `until` of the same schedule, and keep the weights."""
        self._prepare_start(self.out, rows, "all frames: ")
        weights: nn.Module = self.model
        if until:
            trainer = Trainer(self.model, self.frames, rows, self.config, self.accelerator)
            run_epochs(
                trainer,
                path=self.out / "last.pt",
                until=until,
                on_epoch=lambda *_: False,
                history=[],
                tell=self.tell,
                what="all frames: ",
                log=self._make_log("all/"),
            )
            weights = trainer.ema.module
        if self.main:
            save_weights(weights.state_dict(), self.out / "best.safetensors")

    def add_class_means(self, rows: Rows, *, epoch: int) -> None:
        """Add the mean features of each class, over whole frames of the training rows, to the kept weights."""
        if not self.main:
            return
        path = self.out / "best.safetensors"
        model = load_weights(self.model, path)
        table = self.frames.table.iloc[rows]
        whole = rows[(table["view"] != "crop").to_numpy()] if "view" in table else rows
        y = self.frames.y[whole]
        rows = np.concatenate([_sample_rows(whole[y == c], MEANS_MOST, self.config.seed) for c in np.unique(y)])
        if epoch == 0 and self.config.optim.mode != "scratch":
            features = self._get_features(rows)  # the backbone has not changed since
        else:
            features = compute_features(
                model,
                self.frames,
                rows=rows,
                on_progress=lambda done, total: self.tell("mean features of classes", done, total),
            )
        used = features.select_readable(rows)
        shows = self._find_presence(used)
        values = features.values[features.find(used)]
        model.set_class_means(values, self.frames.y[used] if shows is None else shows)
        save_weights(model.state_dict(), path)

    # --- the start: the probe as the head ---

    def _prepare_start(self, folder: Path, rows: Rows, what: str) -> None:
        """Reset the network to pretrained weights and a head that is fitted to the features of `rows`."""
        path = folder / "start.safetensors"
        if self.main and not path.is_file():
            self.model.load_state_dict(self.pretrained)
            if self.config.optim.mode != "scratch":
                goes_on = self.data.beginning.bundle is not None and self.config.optim.mode == "finetune"
                self.model.set_head(*(self._extend_head(rows) if goes_on else self._fit_probe(rows)))
            save_weights(self.model.state_dict(), path)
        self.accelerator.wait_for_everyone()
        load_weights(self.model, path)

    def _fit_probe(self, rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        rows = _sample_rows(rows, PROBE_MOST, self.config.seed)
        features = self._get_features(rows)
        used = features.select_readable(rows)
        at = features.find(used)
        views = np.concatenate([features.values[None, at], features.copies[:, at]])  # [1 + K, n, F]
        table = self.frames.table.iloc[used]
        return fit_probe(
            views,
            self.frames.y[used],
            compute_probe_weights(table, multi=self.labels.multi),
            group_rows(self.frames.table)[used],
            n_labels=len(self.labels),
            c=self.config.optim.probe_c,
            seed=self.config.seed,
            shows=self._find_presence(used),
        )

    def _extend_head(self, rows: Rows) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the head of the bundle that the run goes on from, with rows for the new labels."""
        weight, bias = (x.detach().cpu().double().numpy() for x in (self.model.head.weight, self.model.head.bias))
        is_new = self.data.beginning.find_new(self.labels.names)
        if not is_new.any():
            return weight, bias
        if self.labels.multi:  # each label stands alone
            fitted = self._fit_probe(rows)
            return np.where(is_new[:, None], fitted[0], weight), np.where(is_new, fitted[1], bias)
        rows = _sample_rows(rows, PROBE_MOST, self.config.seed)
        features = self._get_features(rows)
        used = features.select_readable(rows)
        each = compute_probe_weights(self.frames.table.iloc[used])
        y, c = self.frames.y[used], self.config.optim.probe_c
        values = features.values[features.find(used)]
        return extend_head(weight, bias, values, y, each, is_new, c=c)

    def _find_presence(self, rows: Rows) -> NDArray[np.bool_] | None:
        """Return the independent labels of each frame, bool [N, C]; None where a frame has one label."""
        return self.labels.presence(self.frames.table["label"].iloc[rows]) if self.labels.multi else None

    def _get_features(self, rows: Rows) -> Features:
        """Return features of these rows at least: of all frames if there are not too many, once for all parts."""
        if self._features is not None and self._features.covers(rows):
            return self._features
        few = len(self.frames) <= PROBE_MOST
        found = compute_features(
            self.model,
            self.frames,
            rows=np.arange(len(self.frames)) if few else rows,
            on_progress=lambda done, total: self.tell("features for the probe", done, total),
            n_copies=self.config.optim.probe_infrared_copies,
            seed=self.config.seed,
            cache=self.cache,
        )
        if found.n_reused:
            self.tell("features of earlier runs", 1, 1, f"{found.n_reused} of {len(found.rows)} frames")
        self._features = found
        return found

    # --- after an epoch ---

    def _evaluate(self, weights: Classifier, rows: Rows, row: dict[str, Any], folder: Path) -> NDArray[np.float32]:
        """Compute the logits of the rows, write them to the folder, add their scores to `row`, and return them."""
        if row["epoch"] == 0 and len(self.frames) <= PROBE_MOST:
            features = self._get_features(rows)
            logits = _head_logits(weights, features.values[features.find(rows)])
        else:
            logits = compute_frame_logits(weights, self.frames, rows)
        np.save(folder / f"epoch-{row['epoch']}.npy", logits, allow_pickle=False)
        table, start = self.frames.table.iloc[rows], folder / "epoch-0.npy"
        by_epoch = [logits] if row["epoch"] == 0 or not start.is_file() else [logits, np.load(start)]
        row |= compute_scores(
            *(compute_clip_logits(table, z, self.config.aggregate, self.labels) for z in by_epoch)
        )
        return logits

    def _record(self, rows: list[dict[str, Any]], row: dict[str, Any]) -> None:
        write_history(rows, self.out)
        if (
            time.monotonic() - self._drawn_at > DRAW_EVERY_S
        ):  # takes a second; `write_outcome` draws the final curves
            save_curves(rows, self.out / "curves.png")
            self._drawn_at = time.monotonic()
        prefix = f"fold{row['fold']}/" if "fold" in row else ""
        values = {f"{prefix}{k}": float(v) for k, v in row.items() if k not in ("epoch", "fold") and v == v}
        self.tracker.log(values, step=int(row["epoch"]))

    def _make_log(self, prefix: str) -> Callable[[dict[str, float], int], None]:
        return lambda values, step: self.tracker.log({prefix + k: v for k, v in values.items()}, step=step)


def _sample_rows(rows: Rows, most: int, seed: int) -> Rows:
    return rows if len(rows) <= most else np.sort(np.random.default_rng(seed).permutation(rows)[:most])


def _head_logits(model: Classifier, features: NDArray[np.float32]) -> NDArray[np.float32]:
    weight, bias = (model.head.state_dict()[name].cpu().numpy() for name in ("weight", "bias"))
    return np.asarray(features @ weight.T + bias, np.float32)


def _should_stop(history: list[dict[str, Any]], patience: int | None) -> bool:
    """Return whether none of the last `patience` epochs was better than those before."""
    if patience is None or len(history) <= patience:
        return False
    earlier = history[:-patience]
    return not any(is_better(row, earlier) for row in history[-patience:])
