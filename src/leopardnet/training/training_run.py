"""Training: a linear probe, then epochs of fine-tuning if the settings say so, evaluated on clips of unseen sites.

`run_folder.py` lists the files of a run folder. A run that was stopped continues when it is started again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from leopardnet.bundle.run_history import read_history
from leopardnet.core.errors import ConfigError
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.training import TrainConfig
from leopardnet.data.checks.match_files import refuse_other_files
from leopardnet.network.classifier import choose_device
from leopardnet.training.choose_epoch import choose_epoch, delete_epoch_logits, write_outcome
from leopardnet.training.folds import Plan, plan_folds, should_use_folds
from leopardnet.training.frames.shard_set import ShardSet
from leopardnet.training.rank_epochs import format_minutes
from leopardnet.training.resolve_settings import resolve_settings
from leopardnet.training.resource_errors import explain_resource_errors
from leopardnet.training.run_folder import open_run, write_counts
from leopardnet.training.runs.run import Run, read_state, write_state
from leopardnet.training.stage import Stage, StageResult
from leopardnet.training.start.beginning import PLAIN, Beginning
from leopardnet.training.train_val import TrainVal, load_train_val, open_cache, record_learned, select_train_val


def train(
    manifest: Manifest,
    config: TrainConfig,
    *,
    out: Path,
    overwrite: bool = False,
    beginning: Beginning = PLAIN,
    cache: Path | None = None,
    shards: Path | None = None,
    on_progress: Callable[..., None] | None = None,
) -> Run:
    """Train and return a run, whose folder holds the weights that are best on clips of unseen sites.

    `train_bundle` explains the arguments and errors; it also packs the folder.
    """
    out, tell = Path(out), on_progress or (lambda *_: None)
    opened_shards = None if shards is None else ShardSet.open(Path(shards))
    if opened_shards is None:  # else the footage need not be there
        refuse_other_files(manifest.table, manifest.root)
    config = resolve_settings(beginning.adopt_settings(config, manifest), manifest)
    labels = config.labels.label_set()
    by_folds = should_use_folds(bool(manifest.table["split"].eq("val").any()), config.validation)
    wanted = select_train_val(manifest, config, labels, by_folds=by_folds, judges=beginning.judges)
    n_several = int(manifest.table["labels"].notna().sum())
    if n_several and not labels.multi:
        tell(f"rows of several species are left out, which labels.multi=true would use: {n_several}", 1, 1, "")
    accelerator = _create_accelerator(config)
    with explain_resource_errors(out):
        data = TrainVal(wanted, manifest.root, config, labels, by_folds, beginning, opened_shards)
        if accelerator.is_main_process:
            opened = open_run(out, config, data.key, overwrite=overwrite)
            if opened.resumed:
                tell("continuing an unfinished run", 1, 1, "")
    with _record_failure(out, accelerator.is_main_process), explain_resource_errors(out):
        if accelerator.is_main_process:
            record_learned(manifest, data, out)
            if beginning.bundle is not None:
                write_state(out, goes_on_from=beginning.bundle.id)
        accelerator.wait_for_everyone()
        if (read_state(out) or {})["state"] == "trained":  # but not packed yet
            return Run(out, tuple(read_history(out)), config)
        torch.manual_seed(config.seed)
        if config.runtime.threads:
            torch.set_num_threads(config.runtime.threads)
        model, seen = beginning.build(config), beginning.find_seen(manifest)
        kept = open_cache(cache, out, config)
        frames = load_train_val(data, out, accelerator, kept, tell, seen=seen)
        if accelerator.is_main_process:
            write_counts(frames.table, out)
        plan = plan_folds(frames, config.validation, by_folds=by_folds, seed=config.seed)
        stage = Stage(model, frames, kept, data, accelerator, out, tell)
        try:
            history = _run(plan, stage)
        finally:
            stage.tracker.close()
    return Run(out, tuple(history), config)


@contextmanager
def _record_failure(out: Path, is_main: bool) -> Iterator[None]:
    """Let the folder say that the run ended with an error: nobody could tell it from one that goes on."""
    try:
        yield
    except Exception:
        if is_main and (read_state(out) or {}).get("state") == "running":
            with suppress(OSError):  # of a full disk: the first error is the one to tell
                write_state(out, state="failed")
        raise


def _run(plan: Plan, stage: Stage) -> list[dict[str, Any]]:
    """Train and evaluate every part of the plan, choose an epoch, and leave its weights in the run folder."""
    out, table, data = stage.out, stage.frames.table, stage.data
    results: list[StageResult] = []
    for i, part in enumerate(plan.parts):
        if plan.by_folds:
            what = f"fold {i + 1} of {len(plan.parts)}: "
            results.append(stage.run(out / "folds" / str(i), part, fold=i, what=what, before=results))
            if i == 0 and (took_s := sum(row.get("train_s", 0.0) for row in results[0].history)):
                left = format_minutes(took_s * len(plan.parts))  # the other folds, and all frames if it is kept
                stage.tell("fine-tuning on this machine", 1, 1, f"about {left} more")
        else:
            results.append(stage.run(out, part, fold=None, what="", before=[]))
    chosen = choose_epoch(plan, results, table, data)
    if plan.by_folds:
        stage.refit(plan.all_rows, until=chosen.epoch)
    stage.add_class_means(plan.all_rows, epoch=chosen.epoch)
    if stage.main:
        write_outcome(out, plan, results, chosen, table, data)
        write_state(out, state="trained", kept_epoch=chosen.epoch, judged_on=plan.description)
    stage.accelerator.wait_for_everyone()
    if stage.main:
        delete_epoch_logits(results)
    return chosen.history


def _create_accelerator(config: TrainConfig) -> Accelerator:
    device = choose_device(config.runtime.device)  # refuses a missing device
    wanted = config.optim.precision
    supported = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    supported = supported or (
        device == "cpu"
        and wanted == "bf16"
        and torch.backends.mkldnn.is_available()
        and torch.ops.mkldnn._is_mkldnn_bf16_supported()
    )
    if wanted == "bf16" and not supported:
        raise ConfigError(
            "this device does not support bf16",
            where="optim.precision",
            found=f"bf16 on {device}",
            expected="f32, or auto, which uses bf16 only where the hardware supports it",
        )
    precision = "bf16" if supported and wanted != "f32" else "no"
    return Accelerator(cpu=device == "cpu", mixed_precision=precision)
