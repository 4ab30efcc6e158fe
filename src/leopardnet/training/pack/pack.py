"""From a training run to a bundle: calibration, export, check, model card."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from accelerate import PartialState

from leopardnet.bundle.bundle import Bundle, BundleSpec, write_spec
from leopardnet.bundle.model_card.card import card_json, model_card
from leopardnet.bundle.model_card.chosen_figures import describe_choice
from leopardnet.bundle.run_history import read_history
from leopardnet.bundle.runtime import OpenVinoRuntime
from leopardnet.core.errors import BackendError, BundleError
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import PreprocessSpec, RuntimeConfig
from leopardnet.core.settings.training import TrainConfig
from leopardnet.core.tables import atomic_folder, atomic_path, write_json, write_table
from leopardnet.metrics.judges.wrong_labels import FILE as LABEL_ERRORS
from leopardnet.network.classifier import Classifier, load_classifier, predict_answers, save_weights
from leopardnet.network.onnx_export import export_classifier
from leopardnet.training.pack.validation_figures import evaluate_validation, fit_calibration, write_held_out
from leopardnet.training.run_folder import count_unread, read_labels_by_split
from leopardnet.training.runs.run import Run, read_settings, read_state, write_state
from leopardnet.training.start.beginning import PLAIN, Beginning
from leopardnet.training.training_run import train

RUN_FILES = (
    "config.yaml",
    "environment.json",
    "metrics.jsonl",
    "labels_by_split.csv",
    "best.safetensors",
    "val_frames.parquet",
)
MAX_DIFFERENCE = 2e-3  # of logits, for float32 sums in another order; bf16 changes them by 0.3


def train_bundle(
    manifest: Manifest,
    config: TrainConfig,
    *,
    out: str | Path,
    overwrite: bool = False,
    beginning: Beginning = PLAIN,
    cache: Path | None = None,
    shards: Path | None = None,
    on_progress: Callable[..., None] | None = None,
) -> Run:
    """Train on the labelled frames of a manifest, pack the result into `out/bundle`, and return the run.

    Rows with the split `train` (or none) are trained on; rows of `val`, or as `config.validation` says folds of
    both, judge every epoch. config: of `load_config`. An unfinished run of the same settings in `out` is continued;
    a finished one is refused unless `overwrite`. beginning: clips that only judge, and a model to go on from.
    cache: the folder of decoded frames and features that runs share, by default in the user's cache folder.
    shards: a folder of `write_shards`, from which frames are read instead of from the footage, which need not be
    there then. on_progress: called as `(what, n_done, n_total, note)`; `stages` shows it. With several processes
    (`torchrun`), the main one packs.

    Raises ManifestError if a split or a label is missing or a clip is in both splits, MediaError if too many files
    cannot be read, ConfigError if the loss is not finite or all layers are frozen, and BackendError if memory or
    disk are full. The weights reached until then are kept.

    >>> run = ln.train(manifest, ln.load_config("train", ["optim=probe"]), out="runs/amur")  # doctest: +SKIP
    >>> run.best["val_macro_f1"]  # doctest: +SKIP
    0.81
    """
    out, frames = Path(out), {"cache": cache, "shards": shards}
    run = train(
        manifest, config, out=out, **frames, overwrite=overwrite, beginning=beginning, on_progress=on_progress
    )
    if not PartialState().is_main_process:
        return run
    if on_progress:
        on_progress("packing the bundle", 0, 1)
    pack(run.folder)
    write_state(run.folder, state="finished")
    if on_progress:
        on_progress("packing the bundle", 1, 1)
    return run


def pack(run: Path, *, out: Path | None = None) -> Bundle:
    """Make a bundle of a run folder, by default in `<run>/bundle`, and return it.

    The temperature is fitted on the validation clips, after aggregation. Raises BundleError if the run is not
    finished, and BackendError if the exported graph does not give the logits of the trained network.

    >>> ln.pack(Path("runs/amur"), out=Path("amur-2021"))  # doctest: +SKIP
    """
    run = Path(run)
    final = Path(out) if out else run / "bundle"
    missing = [name for name in RUN_FILES if not (run / name).is_file()]
    if missing:
        raise BundleError(
            "this is not a finished run",
            where=run.name,
            found="no " + ", ".join(missing),
            expected=", ".join(RUN_FILES),
        )
    config = read_settings(run)
    labels = config.labels.label_set()
    # Everything is first written to a folder beside it, so that an old bundle stays complete until the new one is.
    with atomic_folder(final) as folder:
        size = config.preprocess.size_px
        model = load_classifier(config.model, len(labels), run / "best.safetensors", size_px=size)
        save_weights(model.state_dict(), folder / "model.safetensors")
        export_classifier(model, folder / "model.onnx", size_px=size)
        check_parity(model, folder / "model.onnx", size_px=size, n_labels=len(labels))

        calibration = fit_calibration(run, config, labels)
        spec = BundleSpec(
            name=config.experiment.name if config.experiment.name != "unnamed" else run.resolve().name,
            labels=config.labels,
            model=config.model,
            preprocess=PreprocessSpec(**config.preprocess.model_dump()),
            sampling=config.sampling,
            detector=config.detector.model_copy(update={"file": Path(config.detector.file).name}),
            aggregate=config.aggregate,
            calibration=calibration,
            decide=config.decide,
            provenance=_collect_provenance(run),
        )
        data = read_labels_by_split(run)
        found = evaluate_validation(run, config, labels, calibration)
        clips = (read_state(run) or {}).get("judged_on", "")
        sentences = filter(None, [clips[:1].upper() + clips[1:], describe_choice(found.judged_on is not None)])
        how = ". ".join(sentences)
        figures = {"evaluation": found.judged_on or found.chosen_on, "chosen_on": found.chosen_on}
        with atomic_path(folder / "card.md") as part:
            part.write_text(model_card(spec, data, how=how, **figures), "utf-8")
        write_json(card_json(spec, data, how=how, **figures), folder / "card.json")
        packed = write_spec(folder, spec)
        if found.held_out is not None:
            write_held_out(found.held_out, packed, run)
        if found.label_errors is not None:
            write_table(found.label_errors, run / LABEL_ERRORS)
    return Bundle.load(final)


def check_parity(model: Classifier, graph: Path, *, size_px: int, n_labels: int) -> float:
    """Return the largest difference between the outputs of torch and OpenVINO on random frames.

    Raises BackendError if it is larger than 0.002, or than this share of the largest output if that is more than 1.
    """
    frames = np.random.default_rng(0).integers(0, 256, (3, 3, size_px, size_px), dtype=np.uint8)
    exported = OpenVinoRuntime(graph, RuntimeConfig(), size_px=size_px, n_labels=n_labels).answers(frames)
    ours, theirs = predict_answers(model, frames), np.hstack([exported.logits, np.nan_to_num(exported.cosines)])
    difference = float(np.abs(ours - theirs).max())
    most = MAX_DIFFERENCE * max(1.0, float(np.abs(ours).max()))
    if difference > most:
        raise BackendError(
            "the exported network does not give the logits of the trained one",
            where=graph.name,
            found=f"difference {difference:.4f}",
            expected=f"at most {most:.4f}",
            todo="report this with the versions in environment.json; until then use runtime.backend=torch",
        )
    return difference


def _collect_provenance(run: Path) -> dict[str, Any]:
    history = [{k: None if v != v else v for k, v in row.items()} for row in read_history(run)]
    config = yaml.safe_load((run / "config.yaml").read_text("utf-8"))
    if config.get("detector", {}).get("file"):  # bundles are shared; folders of this machine are not
        config["detector"]["file"] = Path(config["detector"]["file"]).name
    state = read_state(run) or {}
    return {
        "leopardnet": version("leopardnet"),
        "config": config,
        "environment": json.loads((run / "environment.json").read_text("utf-8")),
        "history": history,
        "kept_epoch": state.get("kept_epoch"),
        "data": read_labels_by_split(run).to_dict("records"),
        "n_unread": count_unread(run),
        **_read_learned(run),
        **({"goes_on_from": state["goes_on_from"]} if state.get("goes_on_from") else {}),
    }


def _read_learned(run: Path) -> dict[str, Any]:
    path = run / "learned_from.json"  # older runs do not have it
    return {"learned_from": json.loads(path.read_text("utf-8"))} if path.is_file() else {}
