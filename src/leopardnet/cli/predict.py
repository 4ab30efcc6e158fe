"""The verb that classifies footage: predict."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leopardnet.cli.console import EXIT_FINDINGS, app, print_json, say
from leopardnet.cli.options import Bundle, Decode, Detector, Json, MovedRoot, read_moved, say_notes
from leopardnet.cli.printing.next_step import name_labels, say_next
from leopardnet.cli.printing.predict_progress import count_decoders, predict_progress, say_decoders
from leopardnet.cli.printing.print_predictions import describe_flood, print_predictions
from leopardnet.cli.printing.scan_notes import footage_notes
from leopardnet.cli.printing.sound_notes import count_sounds, sound_notes
from leopardnet.cli.printing.unreadable_clips import say_unreadable
from leopardnet.cli.stop_signal import stop_on_signal
from leopardnet.core.errors import ConfigError
from leopardnet.core.footage.footage_suffixes import kind_by_suffix
from leopardnet.core.labels import say_blindness

if TYPE_CHECKING:
    from leopardnet.bundle.bundle import Bundle as Model
    from leopardnet.core.manifest import Manifest
    from leopardnet.core.predictions import Predictions
    from leopardnet.core.settings.detection import DetectorConfig
    from leopardnet.core.settings.inference import RuntimeConfig
    from leopardnet.infer.job import Engine

Source = Annotated[Path, typer.Argument(help="Folder of footage, a manifest, a video or a picture.")]
Out = Annotated[
    Path,
    typer.Option(
        "--out",
        help="Folder for predictions.parquet, predictions.csv, evidence.parquet, sounds.parquet and the journal.",
    ),
]
Split = Annotated[
    str | None, typer.Option("--split", help="Classify only this split of the manifest, such as test.")
]
Pattern = Annotated[
    str | None,
    typer.Option("--pattern", help='Pattern of folder names, as in `scan`, such as "{site}/{deployment}/*".'),
]
Sampling = Annotated[
    str, typer.Option("--sampling", help="Other frames than the bundle's: the name of a file in configs/sampling.")
]
EffortName = Annotated[
    str, typer.Option("--effort", help="full, or thorough: also the frames half-way between those of the sampling.")
]
Sound = Annotated[
    bool, typer.Option("--sound/--no-sound", help="Search sound tracks for tonal calls and human voices, or not.")
]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Try clips again that could not be read.")]
Part = Annotated[
    str | None, typer.Option("--part", help="Classify only part K of N, such as 2/8, on one of several machines.")
]
TakeOver = Annotated[
    list[Path] | None,
    typer.Option(
        "--take-over", help="Results of a part, or of another run: its finished clips are kept. Repeat it."
    ),
]
Backend = Annotated[str, typer.Option("--backend", help="auto, openvino, onnxruntime or torch.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps (torch only).")]
Precision = Annotated[str, typer.Option("--precision", help="f32, or bf16 where the processor supports it.")]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=0, help="Worker processes; one per core by default. 0: only this process."),
]
BatchSize = Annotated[
    int | None, typer.Option("--batch-size", min=1, help="Frames per batch; by default, what suits the backend.")
]
ClipLimit = Annotated[
    float, typer.Option("--clip-limit", help="Seconds that a clip may take, plus 1 s for every 2 MB.")
]
MemoryLimit = Annotated[
    int, typer.Option("--memory-limit", help="Memory in MB that a clip may take in its process.")
]
LoopFilter = Annotated[
    bool, typer.Option("--loop-filter/--no-loop-filter", help="Smooth block edges where only key frames are read.")
]
EngineName = Annotated[str, typer.Option("--engine", help="local, or ray for a cluster.")]
RayAddress = Annotated[
    str, typer.Option("--ray-address", help="Address of the cluster, such as auto or ray://head:10001.")
]


@app.command()
def predict(
    source: Source,
    bundle: Bundle,
    out: Out,
    split: Split = None,
    root: MovedRoot = None,
    pattern: Pattern = None,
    sampling: Sampling = "",
    detector: Detector = "",
    effort: EffortName = "full",
    sound: Sound = True,
    retry_failed: RetryFailed = False,
    part: Part = None,
    take_over: TakeOver = None,
    backend: Backend = "auto",
    device: Device = "auto",
    precision: Precision = "f32",
    workers: Workers = None,
    batch_size: BatchSize = None,
    clip_limit: ClipLimit = 120.0,
    memory_limit: MemoryLimit = 1024,
    decode: Decode = "software",
    loop_filter: LoopFilter = True,
    engine: EngineName = "local",
    ray_address: RayAddress = "auto",
    json_: Json = False,
) -> None:
    """Classify clips: one row for every clip, readable or not. Exit code 3 where some could not be read.

    Every finished clip is written to OUT/journal.sqlite at once: after Ctrl-C (exit code 130) or a power cut, the
    same command continues where it stopped.

    Example: leopardnet predict /media/card/DCIM --bundle runs/amur/bundle --out results/
    """
    _load_workers(engine, workers)
    from leopardnet.infer.predict_footage import predict as run_predict

    effort = _choose_effort(effort)
    runtime = _read_runtime(
        **{"backend": backend, "device": device, "precision": precision, "workers": workers, "decode": decode},
        **{"batch_size": batch_size, "clip_limit_s": clip_limit, "memory_limit_mb": memory_limit},
        loop_filter=loop_filter,
    )
    _check_source(source, root=root, split=split, pattern=pattern)
    model = _open_model(bundle, has_others=bool(effort != "full" or sampling or detector))
    out.mkdir(parents=True, exist_ok=True)  # it fails now rather than after hours of work
    rows = _choose_rows(_open_footage(source, root, pattern), split=split, part=part)
    with stop_on_signal() as should_stop, predict_progress() as progress:
        predictions = run_predict(
            rows,
            model,
            out=out,
            runtime=runtime,
            sampling=sampling or None,
            detector=_choose_detector(detector, model),
            sound="tonal" if sound else "none",
            effort=effort,
            retry_failed=retry_failed,
            take_over=take_over or (),
            engine=_engine(engine, ray_address),
            should_stop=should_stop,
            on_result=progress.count,
            on_progress=progress.show,
            on_note=lambda note: say(f"note: {note}"),
        )
    progress.say_share()
    if decode != "software":
        say_decoders(predictions.table)
    _print_result(predictions, out, model, as_json=json_)
    _end_run(predictions, out, _name_footage(source, root), bundle)


def _load_workers(engine: str, workers: int | None) -> None:
    """Let the worker processes of this machine load while the footage is read."""
    _require_one_of("engine", engine, ("local", "ray"))
    from leopardnet.infer.workers.preload import preload_workers

    if engine == "local" and workers != 0:
        preload_workers()


def _choose_effort(name: str) -> str:
    from leopardnet.infer.job import choose_effort

    return choose_effort(name, lambda note: say(f"note: {note}"))


def _read_runtime(**options: object) -> RuntimeConfig:
    from leopardnet.core.settings import inference
    from leopardnet.core.settings.validate import validate

    return validate(inference.RuntimeConfig, options, where="the options of predict")


def _end_run(predictions: Predictions, out: Path, footage: list[object], bundle: Path) -> None:
    say_next("report", out, *footage, "--bundle", bundle, *name_labels(out, footage), "--out", out / "report.html")
    say_next("review", out, *footage)
    if predictions.n_unreadable:
        raise typer.Exit(EXIT_FINDINGS)


def _name_footage(source: Path, root: Path | None) -> list[object]:
    """Return the options by which other verbs find the footage of this command."""
    if source.is_dir():
        return ["--root", source]
    if kind_by_suffix(source.name):
        return ["--root", source.parent]
    return ["--manifest", source] if root is None else ["--manifest", source, "--root", root]


def _check_source(source: Path, *, root: Path | None, split: str | None, pattern: str | None) -> None:
    """Raise BadParameter for an option that does not go with a folder, or with a manifest."""
    if root is not None and source.is_dir():
        raise typer.BadParameter("goes with a manifest; a folder is its own root", param_hint="--root")
    if split is not None and source.is_dir():
        raise typer.BadParameter("goes with a manifest; a folder has no splits", param_hint="--split")
    if pattern is not None and not source.is_dir():
        raise typer.BadParameter("goes with a folder; a manifest has its sites already", param_hint="--pattern")


def _open_model(bundle: Path, *, has_others: bool) -> Model:
    """Return the bundle, and say so where its promise is for other frames. has_others: frames than its own."""
    from leopardnet.bundle.bundle import load_bundle
    from leopardnet.bundle.promises import read_promises

    model = load_bundle(bundle)
    if has_others and read_promises(model.spec):
        say(
            "note: a promise holds only for the frames that it was measured with; give --effort, --sampling and "
            "--detector as they were given for the predictions that set it"
        )
    return model


def _open_footage(source: Path, root: Path | None, pattern: str | None) -> Manifest:
    from leopardnet.data.scan.scan import scan_report
    from leopardnet.infer.footage_source import open_source

    if not source.is_dir():
        return say_notes(open_source(source)) if root is None else read_moved(source, root)
    report = scan_report(source, pattern=pattern)
    for note in footage_notes(report):
        say(f"note: {note}")
    return report.manifest


def _choose_rows(rows: Manifest, *, split: str | None, part: str | None) -> Manifest:
    from leopardnet.infer.footage_source import take_part

    chosen = rows if split is None else _take_split(rows, split)
    return chosen if part is None else take_part(chosen, part)


def _take_split(rows: Manifest, split: str) -> Manifest:
    known = sorted(rows.table["split"].dropna().unique())
    if split not in known:
        raise ConfigError(
            "the manifest has no such split",
            where="--split",
            found=split,
            expected=", ".join(known) or "no --split, because no row has a split",
            todo="correct the name" if known else "make splits with `leopardnet split`",
        )
    return rows.where(split=split)


def _require_one_of(option: str, value: str, possible: tuple[str, ...]) -> None:
    if value not in possible:
        raise ConfigError(f"unknown value of --{option}", found=value, expected=", ".join(possible))


def _choose_detector(name: str, model: Model) -> DetectorConfig:
    from leopardnet.detect.detector import choose_detector

    detector = choose_detector(name, model.spec.detector)
    if detector.is_on and not model.spec.detector.is_on:
        say("note: this model was trained on whole frames only; boxes are shown, but change no result")
    return detector


def _engine(name: str, ray_address: str) -> Engine:
    if name == "ray":
        from leopardnet.infer.workers.ray_cluster import ray_engine

        return ray_engine(ray_address)
    from leopardnet.infer.predict_footage import classify_all

    return classify_all


def _print_result(predictions: Predictions, out: Path, model: Model, *, as_json: bool) -> None:
    from leopardnet.detect.kept_boxes import LEFT_OUT
    from leopardnet.infer.prediction_tables import read_watch

    n_clips, n_unreadable = len(predictions), predictions.n_unreadable
    watch = read_watch(out)
    if as_json:
        decisions = predictions.table["decision"].value_counts().to_dict()
        print_json(
            {
                "out": str(out),
                "n_clips": n_clips,
                "n_unreadable": n_unreadable,
                "decisions": decisions,
                "bundle_id": model.id,
                "watch": watch,
                "sound": count_sounds(predictions.table),
                "decoders": count_decoders(predictions.table),
            }
        )
    else:
        print_predictions(predictions.table, model.labels.targets)
        say(f"written: {out / 'predictions.parquet'}, predictions.csv, evidence.parquet, sounds.parquet")
        for note in sound_notes(predictions.table):
            say(note)
    if flood := describe_flood(predictions.table):
        say(f"note: {flood}")
    if watch is not None:
        say(watch["says"])
    if blind := say_blindness(model.labels.names):
        say(f"note: {blind}")
    n_left_out = int(predictions.table["reason"].str.contains(LEFT_OUT, regex=False, na=False).sum())
    if n_left_out:
        say(f"boxes of {n_left_out} of {n_clips} clips were left out; the column `reason` explains why")
    say_unreadable(predictions.table)
