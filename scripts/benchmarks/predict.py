"""Measure clips per minute of `leopardnet predict`, of typical scripts, and of a program without checks.

auto      leopardnet predict with all it does: child processes, journal, evidence, tables; frames at most 2 s apart
auto16    the same with 16 frames of a short clip, as many as the sketch uses
exact     the same with 16 exact frames
careful   a script: OpenCV reads every frame, 16 are kept, one batch through torch
naive     a script: every frame, one at a time (on one clip of each kind)
sketch    two plain processes: key frames nearest to 16 times, OpenVINO in f32; no journal, no checks, no table

All variants run in turn with the same network, weights and input size. Only speed is measured: the weights are
untrained. `predict` is timed as a command, on `--repeats` copies of the clips; `start` is its time for one clip,
`first` its time until the first clip is kept in the journal, and the rate is given with and without `start`.
`--old` adds the same of another state of the code, in the same turns.

Example: python scripts/benchmarks/predict.py --clips runs/bench/clips --runs 3
         git worktree add ../old v1.0 && python scripts/benchmarks/predict.py --old ../old
         python scripts/benchmarks/predict.py --only decode
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from clips import KINDS, first_of_each, make_clips
from numpy.typing import NDArray
from small_bundle import make_bundle

from leopardnet.bundle.bundle import Bundle, load_bundle
from leopardnet.core.settings.inference import AutoSampling, Sampling, UniformSampling
from leopardnet.core.types import Clip
from leopardnet.media.decode import decode, probe
from leopardnet.media.sampling import longest_gap_s, sample_times

HERE = Path(__file__).resolve().parents[2]
N_FRAMES = 16
SAMPLINGS = {"auto": "auto", "auto16": "auto16", "exact": "uniform16"}
SHORT_SIDE_PX = 256
SUFFIXES = {kind.suffix for kind in KINDS}


def list_clips(folder: Path) -> list[Path]:
    """Return the clips of a folder, in order."""
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES)


# --- variants ---


def opencv_frames(path: Path, n: int | None = N_FRAMES) -> list[NDArray[np.uint8]]:
    """Return n evenly spaced frames, or all, by reading every frame."""
    capture = cv2.VideoCapture(str(path))
    n_all = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    wanted = None if n is None else {int((i + 0.5) * n_all / n) for i in range(n)}
    frames, i = [], 0
    while True:
        ok, frame = capture.read()
        if not ok:
            return frames
        if wanted is None or i in wanted:
            small = cv2.resize(frame, (SHORT_SIDE_PX, SHORT_SIDE_PX), interpolation=cv2.INTER_AREA)
            frames.append(cv2.cvtColor(small, cv2.COLOR_BGR2RGB))
        i += 1


def scripts(bundle: Bundle) -> dict[str, Callable[[list[Path]], Any]]:
    """Return the careful and the naive script, each as a function of clips."""
    import torch

    from leopardnet.network.classifier import load_classifier

    model = load_classifier(bundle.spec.model, len(bundle.labels), bundle.folder / "model.safetensors")

    def run(paths: list[Path], n: int | None, batch_size: int) -> None:
        for path in paths:
            x = torch.from_numpy(np.stack(opencv_frames(path, n)).transpose(0, 3, 1, 2).copy())
            with torch.inference_mode():
                torch.cat([model(part).softmax(1) for part in x.split(batch_size)]).mean(0)

    return {"careful": partial(run, n=N_FRAMES, batch_size=N_FRAMES), "naive": partial(run, n=None, batch_size=1)}


def sketch_worker(graph: bytes) -> None:
    """Load the network into this process."""
    import openvino

    global network
    options = {"INFERENCE_NUM_THREADS": 1, "ENABLE_CPU_PINNING": False, "INFERENCE_PRECISION_HINT": "f32"}
    network = openvino.Core().compile_model(openvino.Core().read_model(graph), "CPU", options)


def sketch_clip(path: Path, size_px: int) -> NDArray[np.float32]:
    """Return mean logits of the key frames nearest to 16 times; clips with fewer than 8 are decoded in order."""
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        video.codec_context.thread_type = "NONE"
        entries = list(video.index_entries)
        keys = np.array([entry.timestamp for entry in entries if entry.is_keyframe]) + (video.start_time or 0)
        keys -= entries[0].timestamp
        wanted = (np.arange(N_FRAMES) + 0.5) * video.duration / N_FRAMES
        frames: list[Any] = []
        if len(keys) >= 8:
            for i in sorted({int(np.abs(keys - t).argmin()) for t in wanted}):
                container.seek(int(keys[i]), stream=video)
                got = video.codec_context.decode(next(container.demux(video)))
                if not got:
                    got = video.codec_context.decode(None)
                    video.codec_context.flush_buffers()
                frames += got[:1]
        else:
            video.codec_context.skip_frame = "NONREF"
            for frame in container.decode(video):
                if len(frames) < N_FRAMES and frame.pts >= wanted[len(frames)]:
                    frames.append(frame)
        rgb = [f.reformat(width=size_px, height=size_px, format="rgb24", interpolation="AREA") for f in frames]
        x = np.stack([picture.to_ndarray() for picture in rgb]).transpose(0, 3, 1, 2)
    return np.asarray(network(np.ascontiguousarray(x))[0]).mean(axis=0)


@contextmanager
def predicting(
    folder: Path, bundle: Bundle, sampling: str, n_workers: int, tree: Path
) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """Yield the command `leopardnet predict` of a checkout, started with a new journal, and its results folder."""
    with tempfile.TemporaryDirectory() as out:
        options = {"--bundle": bundle.folder, "--out": out, "--sampling": sampling, "--workers": n_workers}
        words = [str(word) for option in options.items() for word in option]
        program = [sys.executable, "-m", "leopardnet", "predict", str(folder), *words]
        environment = {**os.environ, "PYTHONPATH": str(tree.resolve() / "src")}
        nowhere = subprocess.DEVNULL
        process = subprocess.Popen(program, env=environment, stdout=nowhere, stderr=nowhere)
        try:
            yield process, Path(out)
            if process.wait():
                raise SystemExit(f"`predict` of {tree.name} failed; run it by hand: {' '.join(program[2:])}")
        finally:
            process.kill()


def run_predict(folder: Path, bundle: Bundle, sampling: str, n_workers: int, tree: Path = HERE) -> None:
    """Run `predict` to its end."""
    with predicting(folder, bundle, sampling, n_workers, tree):
        pass


def time_first(folder: Path, bundle: Bundle, n_workers: int, tree: Path) -> float:
    """Return the seconds from the call of `predict` until a clip is in its journal, where a stop keeps it."""
    start = time.perf_counter()
    with predicting(folder, bundle, "auto", n_workers, tree) as (process, out):
        while not count_kept(out / "journal.sqlite"):
            if process.poll():
                break
            time.sleep(0.005)
        return time.perf_counter() - start


def count_kept(journal: Path) -> int:
    """Return the number of clips that a journal holds by now, as another process sees it."""
    try:
        with closing(sqlite3.connect(f"{journal.as_uri()}?mode=ro", uri=True)) as file:
            return int(file.execute("SELECT count(*) FROM clips").fetchone()[0])
    except sqlite3.Error:  # not there yet
        return 0


# --- timing ---


def seconds(run: Callable[[], Any]) -> float:
    """Return the wall-clock seconds of a call."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def spread(values: list[float]) -> str:
    """Return largest minus smallest, divided by the median, in percent."""
    return f"{(max(values) - min(values)) / statistics.median(values):.0%}"


def measure_decoding(path: Path, sampling: Sampling) -> tuple[float, float, int, float]:
    """Return CPU seconds to open and to decode, the number of frames, and the longest gap in seconds."""
    clip = Clip("x", (path.name,), "video")
    a = time.process_time()
    info = probe(clip, path.parent)
    b = time.process_time()
    frames = decode(clip, path.parent, times_s=sample_times(info, sampling), short_side_px=SHORT_SIDE_PX)
    return b - a, time.process_time() - b, len(frames), longest_gap_s(info, frames.times_s)


def report_decoding(clips: Path, n_runs: int) -> None:
    """Print the CPU time for one clip of each kind; `opencv` reads every frame, with its own number of threads."""
    columns = (f"{'decoding, CPU ms':<18}", f"{'open':>7}{'auto':>7}{'frames':>8}{'gap s':>7}")
    print(*columns, f"{'exact':>8}{'frames':>8}{'opencv':>8}", sep="")
    for path in first_of_each(clips):
        auto = [measure_decoding(path, AutoSampling()) for _ in range(n_runs)]
        exact = [measure_decoding(path, UniformSampling(n_frames=N_FRAMES)) for _ in range(n_runs)]
        before = time.process_time()
        opencv_frames(path)
        all_ms = 1e3 * (time.process_time() - before)
        open_ms, auto_ms = (1e3 * statistics.median(row[i] for row in auto) for i in (0, 1))
        exact_ms = 1e3 * statistics.median(row[1] for row in exact)
        row = f"{path.stem:<18}{open_ms:7.1f}{auto_ms:7.0f}{auto[0][2]:8}{auto[0][3]:7.2f}"
        print(row, f"{exact_ms:8.0f}{exact[0][2]:8}{all_ms:8.0f}", sep="")


def report_rates(
    clips: Path,
    bundle: Bundle,
    trees: dict[str, Path],
    samplings: dict[str, str],
    n_runs: int,
    n_repeats: int,
    n_workers: int,
    here: Path,
) -> None:
    """Print clips per minute of each variant, medians of the runs, and ratios to the scripts and to the sketch."""
    paths, by_hand, is_brief = list_clips(clips), scripts(bundle), len(samplings) == 1
    one, many = here / "one", here / "many"
    for folder, n in ((one, 0), (many, n_repeats)):
        for i in range(max(n, 1)):
            (folder / str(i)).mkdir(parents=True)
            for path in paths[: len(paths) if n else 1]:
                _link(path, folder / str(i) / path.name)
    size_px, graph = bundle.spec.preprocess.size_px, (bundle.folder / "model.onnx").read_bytes()
    with multiprocessing.get_context("spawn").Pool(n_workers, sketch_worker, (graph,)) as pool:
        variants: dict[str, tuple[int, Callable[[], Any]]] = {
            "careful": (len(paths), lambda: by_hand["careful"](paths)),
            "sketch": (len(paths), lambda: pool.map(partial(sketch_clip, size_px=size_px), paths, 1)),
        }
        if not is_brief:
            variants["naive"] = (len(KINDS), lambda: by_hand["naive"](first_of_each(clips)))
        for mark, tree in trees.items():
            for name, sampling in samplings.items():
                run = partial(run_predict, many, bundle, sampling, n_workers, tree)
                variants[f"{name}{mark}"] = (n_repeats * len(paths), run)
            variants[f"start{mark}"] = (1, partial(run_predict, one, bundle, "auto", n_workers, tree))
        variants["sketch"][1]()  # files into memory, networks compiled
        times: dict[str, list[float]] = {name: [] for name in variants}
        firsts: dict[str, list[float]] = {mark: [] for mark in trees}
        for _ in range(n_runs):
            for name, (_, run) in variants.items():
                times[name].append(seconds(run))
            for mark, tree in trees.items():
                firsts[mark].append(time_first(one, bundle, n_workers, tree))
    starts = {mark: statistics.median(times[f"start{mark}"]) for mark in trees}
    rate = {n: 60 * k / statistics.median(times[n]) for n, (k, _) in variants.items() if not n.startswith("start")}
    for mark, start_s in starts.items():
        for name in (f"{name}{mark}" for name in samplings):
            rate[f"{name}, started"] = 60 * variants[name][0] / (statistics.median(times[name]) - start_s)
        first_s = statistics.median(firsts[mark])
        print(f"\n{mark.strip(' ()') or 'this'}: first kept clip after {first_s:.2f} s, ", end="")
        print(f"end of one clip after {start_s:.2f} s; {n_workers} workers; medians of {n_runs}")
    print(f"{'variant':<22}{'clips/min':>10}{'x careful':>11}{'of sketch':>11}{'spread':>8}")
    for name in sorted(rate, key=lambda name: -rate[name]):
        careful, bare = rate["careful"], rate["sketch"]
        print(
            f"{name:<22}{rate[name]:10.1f}{rate[name] / careful:11.1f}"
            f"{rate[name] / bare:11.0%}{spread(times[name.split(',')[0]]):>8}"
        )


def _link(path: Path, to: Path) -> None:
    try:
        to.hardlink_to(path)
    except OSError:  # another disk
        shutil.copy(path, to)


def untrained_bundle(here: Path) -> Bundle:
    """Return a bundle of EfficientNet-Lite0 at 256 px that was packed without training."""
    return load_bundle(make_bundle(here, "model=lite0", "preprocess=squash256", "optim.epochs=0"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--clips",
        type=Path,
        default=Path("runs/bench/clips"),
        help="folder of the clips, which are made if missing",
    )
    parser.add_argument("--bundle", type=Path, help="default: one that was packed without training")
    parser.add_argument("--only", choices=("decode", "pipeline"))
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=4, help="number of copies of the clips for `predict`")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--brief", action="store_true", help="only careful, sketch and auto")
    parser.add_argument("--old", type=Path, help="checkout of another state of the code, timed in the same turns")
    args = parser.parse_args()
    if not all(path.exists() for path in first_of_each(args.clips)):
        make_clips(args.clips)
    if args.only != "pipeline":
        report_decoding(args.clips, args.runs)
    if args.only != "decode":
        with tempfile.TemporaryDirectory(dir=args.clips.parent) as temporary:
            here = Path(temporary)
            bundle = load_bundle(args.bundle) if args.bundle else untrained_bundle(here)
            trees = {"": HERE} | ({" (old)": args.old} if args.old else {})
            samplings = {"auto": "auto"} if args.brief else SAMPLINGS
            report_rates(args.clips, bundle, trees, samplings, args.runs, args.repeats, args.workers, here)


if __name__ == "__main__":
    main()
