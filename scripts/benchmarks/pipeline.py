"""Measure what `leopardnet predict` costs besides decoding and the network. Each part prints its own figures.

start    seconds from the command to the first clip in the journal
fixed    time per clip for 20,000 tiny clips (1 s, 160 px) and a tiny network: the overhead
resume   seconds of the command when all of 100,000 clips are already in the journal
flat     time per clip and memory, of the command and of all its workers, at 1,000, 5,000 and 20,000 clips
kill     kill -9 at 20 random moments of one run, which is resumed each time: is the table the same as without?

Example: python scripts/benchmarks/pipeline.py start fixed resume flat kill
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import numpy as np
import pandas as pd
import psutil
from small_bundle import make_bundle

from leopardnet.bundle.bundle import load_bundle
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.types import ClipPrediction, Decision
from leopardnet.infer.job import Job
from leopardnet.infer.journal import KIND, Journal


def make_tiny_clips(folder: Path, n: int) -> Path:
    """Write n clips of 1 s and 160 x 90 px, copies of one file, and a manifest; return the path of the manifest."""
    folder.mkdir(parents=True)
    first = folder / "000000.mp4"
    rng = np.random.default_rng(0)
    with av.open(str(first), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 160, 90, "yuv420p", 5
        for _ in range(10):
            pixels = rng.integers(0, 256, (9, 16, 3), dtype=np.uint8).repeat(10, 0).repeat(10, 1)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    for i in range(1, n):
        shutil.copy(first, folder / f"{i:06d}.mp4")
    rows = pd.DataFrame({"path": [f"{i:06d}.mp4" for i in range(n)], "kind": "video"})
    return Manifest.from_rows(rows, folder).write(folder.with_suffix(".parquet"))


def command(source: Path, bundle: Path, out: Path, *more: str) -> list[str]:
    """Return the command line of a run."""
    program = str(Path(sys.executable).with_name("leopardnet"))
    return [program, "predict", str(source), "--bundle", str(bundle), "--out", str(out), *more]


def seconds(line: list[str]) -> tuple[float, float, float]:
    """Return the seconds of a command, and the peak memory in MB of it and of its child processes together."""
    start, most, most_below = time.perf_counter(), 0.0, 0.0
    process = psutil.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:  # measuring takes time too, so once per second
        most, most_below = max(most, memory_mb(process)), max(most_below, memory_mb(*children(process)))
        try:
            process.wait(1.0)
        except psutil.TimeoutExpired:
            continue
    assert process.returncode in (0, 3), f"exit code {process.returncode}"
    return time.perf_counter() - start, most, most_below


def children(process: psutil.Process) -> list[psutil.Process]:
    """Return all processes below a process that may have ended."""
    try:
        return list(process.children(recursive=True))
    except psutil.Error:
        return []


def memory_mb(*processes: psutil.Process) -> float:
    """Return the memory of these processes in MB; shared pages are divided where possible."""
    total = 0.0
    for one in processes:
        try:
            info = one.memory_full_info()
            total += getattr(info, "pss", info.rss) / 2**20
        except psutil.Error:
            continue
    return total


def describe(memory: list[float]) -> str:
    """Return the memory of a command and of its processes in words."""
    return f"{memory[0]:.0f} MB at most, its processes together {memory[1]:.0f} MB"


def n_kept(out: Path) -> int:
    """Return how many clips the journal holds, read from a copy: the journal of a running process is locked."""
    with tempfile.TemporaryDirectory() as copy:
        for file in out.glob(KIND.file + "*"):
            with contextlib.suppress(FileNotFoundError):  # a file of a transaction that has just ended
                shutil.copy(file, copy)
        if not (Path(copy) / KIND.file).exists():
            return 0
        db = sqlite3.connect(Path(copy) / KIND.file)
        try:
            return int(db.execute("SELECT count(*) FROM clips").fetchone()[0])
        except sqlite3.Error:
            return 0
        finally:
            db.close()


def measure_start(here: Path, bundle: Path) -> None:
    """Print the time to the first clip in the journal, three times."""
    source = make_tiny_clips(here / "few", 400)
    for i in range(3):
        out = here / f"start{i}"
        begun = time.perf_counter()
        process = subprocess.Popen(
            command(source, bundle, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not n_kept(out) and process.poll() is None:
            time.sleep(0.02)
        print(f"start   first clip in the journal after {time.perf_counter() - begun:.2f} s")
        assert process.wait() == 0, f"exit code {process.returncode}"


def measure_fixed(here: Path, bundle: Path, n: int) -> None:
    """Print the time per tiny clip."""
    took, *memory = seconds(command(make_tiny_clips(here / "tiny", n), bundle, here / "fixed"))
    print(f"fixed   {n} clips in {took:.1f} s: {1000 * took / n:.1f} ms a clip, {describe(memory)}")


def measure_resume(here: Path, bundle_path: Path, n: int) -> None:
    """Print the time of a run that has nothing left to do."""
    folder = here / "hundred"
    for k in range(0, n, 1000):
        (folder / f"{k // 1000:03d}").mkdir(parents=True)
        for i in range(k, min(n, k + 1000)):
            (folder / f"{k // 1000:03d}" / f"{i:06d}.mp4").write_bytes(b"x")
    rows = pd.DataFrame({"path": [f"{i // 1000:03d}/{i:06d}.mp4" for i in range(n)], "kind": "video", "site": "s"})
    manifest = Manifest.from_rows(rows, folder)
    source = manifest.write(here / "hundred.parquet")
    bundle, rng = load_bundle(bundle_path), np.random.default_rng(0)
    job = Job(bundle, folder, RuntimeConfig(), bundle.spec.sampling)
    with Journal.open(here / "resumed", job.results_key()) as journal:
        for item in journal.list_todo(manifest.clips(), folder):
            frames = rng.dirichlet([0.2] * len(bundle.labels), 8).astype(np.float32)
            decision, times_s = Decision("empty", 0.9, "empty"), np.arange(8.0)
            result = ClipPrediction(item.clip, "ok", "", decision, frames.mean(0), times_s, frames, tuple(range(8)))
            journal.add(item, result)
    for _ in range(3):
        took, *memory = seconds(command(source, bundle_path, here / "resumed"))
        print(f"resume  {n} clips in the journal: {took:.1f} s, {describe(memory)}")


def measure_flat(here: Path, bundle: Path) -> None:
    """Print time per clip and memory for runs of different sizes."""
    for n in (1000, 5000, 20_000):
        source = make_tiny_clips(here / f"flat{n}", n)
        base, *_ = seconds(command(make_tiny_clips(here / f"one{n}", 1), bundle, here / f"one_out{n}"))
        took, *memory = seconds(command(source, bundle, here / f"flat_out{n}"))
        per_clip_ms = 1000 * (took - base) / n
        print(f"flat    {n:5} clips: {per_clip_ms:.2f} ms a clip beyond the start, {describe(memory)}")


def measure_kill(here: Path, bundle: Path, n_kills: int) -> None:
    """Kill and resume a run many times; compare its tables with those of an undisturbed run."""
    source, chance = make_tiny_clips(here / "killed", 3000), random.Random(7)
    whole, out = here / "whole", here / "killed_out"
    subprocess.run(command(source, bundle, whole), check=True, capture_output=True)
    done = 0
    for i in range(n_kills):
        process = subprocess.Popen(
            command(source, bundle, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        before = n_kept(out)
        while n_kept(out) <= before and process.poll() is None:  # until it works again
            time.sleep(0.05)
        time.sleep(chance.uniform(0.0, 0.6))
        if process.poll() is not None:
            print(f"kill    the run ended before kill {i + 1}")
            break
        process.kill()
        process.wait()
        done += 1
        print(f"kill    {i + 1:2}: {n_kept(out)} of 3000 in the journal", flush=True)
    subprocess.run(command(source, bundle, out), check=True, capture_output=True)
    names = ("predictions.parquet", "evidence.parquet")
    same = all(pd.read_parquet(out / name).equals(pd.read_parquet(whole / name)) for name in names)
    same &= (out / "predictions.csv").read_bytes() == (whole / "predictions.csv").read_bytes()
    print(f"kill    after {done} kills the tables are {'identical' if same else 'DIFFERENT'}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=("start", "fixed", "resume", "flat", "kill"))
    parser.add_argument("--clips", type=int, default=20_000, help="number of clips for `fixed`")
    parser.add_argument("--known", type=int, default=100_000, help="number of clips for `resume`")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--bundle", type=Path, help="default: a tiny network is trained")
    args = parser.parse_args()
    print(f"{psutil.cpu_count(logical=False)} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary)
        bundle = args.bundle or make_bundle(here)
        if "start" in args.parts:
            measure_start(here, bundle)
        if "fixed" in args.parts:
            measure_fixed(here, bundle, args.clips)
        if "resume" in args.parts:
            measure_resume(here, bundle, args.known)
        if "flat" in args.parts:
            measure_flat(here, bundle)
        if "kill" in args.parts:
            measure_kill(here, bundle, args.kills)


if __name__ == "__main__":
    main()
