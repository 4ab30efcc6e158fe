"""The verb that people run every day: predict."""

from __future__ import annotations

import errno
import signal
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from leopardnet.cli.console import EXIT_FINDINGS, EXIT_STOPPED, JsonFlag, app, print_json, say, stages
from leopardnet.cli.detectors import DetectorOption
from leopardnet.cli.printing.print_predictions import print_predictions
from leopardnet.core.errors import ConfigError, JournalError, RunStopped
from leopardnet.core.manifest import Manifest
from leopardnet.core.types import ClipPrediction

if TYPE_CHECKING:
    from leopardnet.bundle.bundle import Bundle
    from leopardnet.core.settings.detection import DetectorConfig
    from leopardnet.infer.clip import Job

RATE_WINDOW_S = 60.0
LOG_EVERY_S = 60.0  # where stderr is no terminal
HANDLED = ("SIGINT", "SIGTERM", "SIGHUP")


Backend = Annotated[str, typer.Option("--backend", help="auto, openvino, onnxruntime or torch.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or mps (torch only).")]
Precision = Annotated[str, typer.Option("--precision", help="f32, or bf16 where the processor has it.")]
Workers = Annotated[
    int | None,
    typer.Option("--workers", min=0, help="Processes; by default one per core. 0: none besides this one."),
]
BatchSize = Annotated[
    int | None,
    typer.Option("--batch-size", min=1, help="Frames through the network at once; by default what suits it."),
]
ClipLimit = Annotated[
    float, typer.Option("--clip-limit", help="Seconds that a clip may take, and 1 s more for every 2 MB.")
]
MemoryLimit = Annotated[int, typer.Option("--memory-limit", help="MB that a clip may take in its process.")]


@app.command()
def predict(
    source: Annotated[Path, typer.Argument(help="Folder of clips, a manifest, a video or a picture.")],
    bundle: Annotated[Path, typer.Option("--bundle", help="Model folder, e.g. runs/amur/bundle.")],
    out: Annotated[
        Path,
        typer.Option(
            "--out", help="Folder for predictions.parquet, predictions.csv, evidence.parquet and the journal."
        ),
    ],
    split: Annotated[str | None, typer.Option("--split", help="Only the rows of this split, e.g. test.")] = None,
    root: Annotated[
        Path | None,
        typer.Option("--root", help="Folder that the manifest's paths are relative to, if it has moved."),
    ] = None,
    sampling: Annotated[
        str, typer.Option("--sampling", help="Other frames than the model asks for: a name in configs/sampling.")
    ] = "",
    detector: DetectorOption = "",
    effort: Annotated[
        str, typer.Option("--effort", help="fast, auto, full or thorough: how many frames a clip deserves.")
    ] = "full",
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Look again at clips that could not be read.")
    ] = False,
    backend: Backend = "auto",
    device: Device = "auto",
    precision: Precision = "f32",
    workers: Workers = None,
    batch_size: BatchSize = None,
    clip_limit: ClipLimit = 120.0,
    memory_limit: MemoryLimit = 1024,
    engine: Annotated[str, typer.Option("--engine", help="local, or ray for a cluster.")] = "local",
    ray_address: Annotated[
        str, typer.Option("--ray-address", help="Of the cluster, e.g. auto or ray://head:10001.")
    ] = "auto",
    json_: JsonFlag = False,
) -> None:
    """Classify clips: one row for every clip, whatever its state. Exit code 3 when some could not be read.

    Every finished clip is kept in OUT/journal.sqlite at once.

    After Ctrl-C (exit code 130) or a power cut, the same command goes on where it stood.

    Example: leopardnet predict /media/card/DCIM --bundle runs/amur/bundle --out results/
    """
    from leopardnet.bundle.bundle import load_bundle
    from leopardnet.core.settings.inference import Effort, RuntimeConfig
    from leopardnet.core.settings.validate import validate
    from leopardnet.core.tables import read_table
    from leopardnet.infer.clip import Job
    from leopardnet.infer.footage_source import open_source

    one_of("effort", effort, get_args(Effort))
    one_of("engine", engine, ("local", "ray"))
    settings = {
        "backend": backend,
        "device": device,
        "precision": precision,
        "workers": workers,
        "batch_size": batch_size,
        "clip_limit_s": clip_limit,
        "memory_limit_mb": memory_limit,
    }
    runtime = validate(RuntimeConfig, settings, where="the options of predict")
    if root is not None and source.is_dir():
        raise typer.BadParameter("goes with a manifest; a folder is its own root", param_hint="--root")
    out.mkdir(parents=True, exist_ok=True)  # found out now, not after hours of work
    model = load_bundle(bundle)
    rows = open_source(source if root is None else Manifest.read(source, root=root))
    rows = open_source(rows.where(split=split)) if split else rows
    frames, boxes = _sampling(sampling) or model.spec.sampling, _boxes(detector, model)
    job = Job(model, rows.root, runtime, frames, boxes, effort)  # type: ignore[arg-type]
    _run(rows, job, out, retry_failed=retry_failed, engine=_engine(engine, ray_address))
    _report(read_table(out / "predictions.parquet"), out, job, as_json=json_)


def _run(rows: Manifest, job: Job, out: Path, *, retry_failed: bool, engine: Any) -> None:
    """Judge what the journal in `out` lacks, and write the tables."""
    from leopardnet.infer.journal import Journal
    from leopardnet.infer.predict_footage import fill
    from leopardnet.infer.prediction_tables import write_pages

    with Journal.open(out, job.results_key()) as journal, _explained(out), stop_on_signal() as should_stop:
        with _progress() as show:
            fill(
                journal,
                rows,
                job,
                retry_failed=retry_failed,
                on_progress=show.tell,
                on_result=show.count,
                should_stop=should_stop,
                engine=engine,
            )
        write_pages(journal.pages(rows), job.bundle, out)
    show.say_share()


def one_of(name: str, value: str, possible: tuple[str, ...]) -> None:
    """Raise ConfigError where an option has a value that does not exist."""
    if value not in possible:
        raise ConfigError(f"--{name} cannot be this", found=value, expected=", ".join(possible))


def _sampling(name: str) -> Any:
    if not name:
        return None
    from leopardnet.compose import load_config

    return load_config("train", [f"sampling={name}"]).sampling


def _boxes(name: str, model: Bundle) -> DetectorConfig:
    from leopardnet.detect.detector import choose_detector

    detector = choose_detector(name, model.spec.detector)
    if detector.is_on and not model.spec.detector.is_on:
        say("note: this model has learned from whole frames only; boxes are shown, and change no answer")
    return detector


def _engine(name: str, ray_address: str) -> Any:
    if name == "ray":
        from leopardnet.infer.workers.ray_cluster import ray_engine

        return ray_engine(ray_address)
    from leopardnet.infer.predict_footage import classify_all

    return classify_all


def _report(table: Any, out: Path, job: Job, *, as_json: bool) -> None:
    n_unreadable = int((table["status"] == "unreadable").sum())
    if as_json:
        print_json(
            {
                "out": str(out),
                "n_clips": len(table),
                "n_unreadable": n_unreadable,
                "decisions": table["decision"].value_counts().to_dict(),
                "bundle_id": job.bundle.id,
            }
        )
    else:
        print_predictions(table)
        say(f"written: {out / 'predictions.parquet'}, predictions.csv, evidence.parquet")
    if n_unreadable:
        say(f"{n_unreadable} of {len(table)} clips could not be read; their rows say why")
        raise typer.Exit(EXIT_FINDINGS)


# --- progress ---


class _Show:
    """Counts what comes in, and says how fast it comes."""

    def __init__(self, tell: Callable[..., None], *, is_terminal: bool) -> None:
        self._tell, self._is_terminal = tell, is_terminal
        self.counts: Counter[str] = Counter()
        self.seconds, self.closer_s = 0.0, 0.0
        self._times: deque[float] = deque()
        self._told = time.monotonic()

    def count(self, result: ClipPrediction) -> None:
        now = time.monotonic()
        self.counts[result.status] += 1
        self.seconds, self.closer_s = self.seconds + result.seconds[0], self.closer_s + result.seconds[1]
        self._times.append(now)
        while now - self._times[0] > RATE_WINDOW_S or len(self._times) > 5000:
            self._times.popleft()

    def tell(self, n_done: int, n_total: int) -> None:
        self._tell("classifying", n_done, n_total, self.note)
        now = time.monotonic()
        if not self._is_terminal and now - self._told > LOG_EVERY_S:
            self._told = now
            say(f"classifying: {n_done} of {n_total}, {self.note}, {self._left(n_total - n_done)} left")

    def say_share(self) -> None:
        """Say what part of the time went into looking from nearby, where there was such a look."""
        if self.closer_s > 0.0:
            share, each = self.closer_s / self.seconds, self.closer_s / sum(self.counts.values())
            say(f"looking from nearby (boxes and crops): {share:.0%} of the time, {each:.2f} s a clip")

    @property
    def per_minute(self) -> float:
        span = self._times[-1] - self._times[0] if len(self._times) > 1 else 0.0
        return 60 * (len(self._times) - 1) / span if span else 0.0

    @property
    def note(self) -> str:
        bad = [f"{self.counts[s]} {s}" for s in ("partial", "unreadable") if self.counts[s]]
        return ", ".join([f"{self.per_minute:.0f} clips/min" if self.per_minute else "", *bad]).strip(", ")

    def _left(self, n_left: int) -> str:
        minutes = round(n_left / self.per_minute) if self.per_minute else 0
        return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


@contextmanager
def _progress() -> Iterator[_Show]:
    from leopardnet.cli.console import err

    with stages() as tell:
        yield _Show(tell, is_terminal=err.is_terminal)


# --- stopping ---


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """A function that tells whether somebody wants the run to stop. The second Ctrl-C ends it at once."""
    wanted: list[int] = []

    def note(number: int, frame: object) -> None:
        if wanted:
            raise KeyboardInterrupt
        wanted.append(number)
        say("finishing the clips in hand; once more ends at once")

    numbers = [getattr(signal, name) for name in HANDLED if hasattr(signal, name)]
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield lambda: bool(wanted)
    except (RunStopped, KeyboardInterrupt) as error:
        what = error.what if isinstance(error, RunStopped) else "ended at once; all finished clips are kept"
        say(f"{what}\nthe same command goes on from there")
        raise typer.Exit(EXIT_STOPPED) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _explained(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise JournalError(
            "there is no room for the tables",
            where=out,
            found=error.strerror,
            todo="make room and give the same command again: all finished clips are kept in the journal",
        ) from None
