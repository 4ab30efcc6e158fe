"""What classifying costs beside decoding and the network, and whether that stays so. Each part prints its own figures.

start    seconds from the command to the first clip that is kept
fixed    seconds a clip with 20,000 tiny ones (1 s, 160 px) and a tiny network: everything but the work
resume   seconds that the command takes when all of 100,000 clips are already in its journal
flat     seconds a clip and memory, at 100, 1,000 and 5,000 clips
kill     kill -9 at 20 random moments of one run, going on each time: is the table that of an undisturbed run?

Example: python scripts/benchmark_pipeline.py start fixed resume flat kill
"""

from __future__ import annotations

import argparse
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

from leopardnet.bundle.bundle import load_bundle
from leopardnet.compose import load_config
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.types import ClipPrediction, Decision
from leopardnet.data.scan.scan import scan
from leopardnet.demo_job import add_labels
from leopardnet.infer.clip import Job
from leopardnet.infer.journal import FILE, Journal
from leopardnet.synth import FootageSpec, render_footage
from leopardnet.training.pack.pack import train_bundle


def tiny_bundle(here: Path) -> Path:
    """A bundle of the tiny network, that knows nothing."""
    spec = FootageSpec(
        n_sites=2, clips_per_site=4, stills_per_site=4, width_px=160, height_px=90, duration_s=(1, 1)
    )
    render_footage(here / "footage", spec)
    manifest = add_labels(scan(here / "footage", pattern="{site}/{deployment}/*"), here / "footage")
    sides = manifest.table["site"].map({"site01": "train", "site02": "val"})
    rows = manifest.replace(manifest.table.assign(split=sides))
    train_bundle(rows, load_config("train", ["debug=smoke"]), out=here / "run")
    return here / "run" / "bundle"


def tiny_clips(folder: Path, n: int) -> Path:
    """A folder with n clips of 1 s and 160 x 90 px: one encoding, n files."""
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
    """The command line of a run."""
    program = str(Path(sys.executable).with_name("leopardnet"))
    return [program, "predict", str(source), "--bundle", str(bundle), "--out", str(out), *more]


def seconds(line: list[str]) -> tuple[float, float]:
    """How long a command takes, and the most memory in MB that it and its processes held together."""
    start, most = time.perf_counter(), 0.0
    process = psutil.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None:
        most = max(most, memory_mb(process))  # looking costs time too, so not often
        try:
            process.wait(1.0)
        except psutil.TimeoutExpired:
            continue
    assert process.returncode in (0, 3), f"exit code {process.returncode}"
    return time.perf_counter() - start, most


def memory_mb(process: psutil.Process) -> float:
    """What a process and its children hold, shared pages divided among them where the system says so."""
    total = 0.0
    for one in (process, *process.children(recursive=True)):
        try:
            info = one.memory_full_info()
            total += getattr(info, "pss", info.rss) / 2**20
        except psutil.Error:
            continue
    return total


def n_kept(out: Path) -> int:
    """How many clips a copy of the journal holds; the running one is locked."""
    with tempfile.TemporaryDirectory() as copy:
        for file in out.glob(FILE + "*"):
            shutil.copy(file, copy)
        if not (Path(copy) / FILE).exists():
            return 0
        db = sqlite3.connect(Path(copy) / FILE)
        try:
            return int(db.execute("SELECT count(*) FROM clips").fetchone()[0])
        except sqlite3.Error:
            return 0
        finally:
            db.close()


def measure_start(here: Path, bundle: Path) -> None:
    """Print the time to the first kept clip, three times."""
    source = tiny_clips(here / "few", 400)
    for i in range(3):
        out = here / f"start{i}"
        begun = time.perf_counter()
        process = subprocess.Popen(
            command(source, bundle, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        while not n_kept(out) and process.poll() is None:
            time.sleep(0.02)
        print(f"start   first clip kept after {time.perf_counter() - begun:.2f} s")
        assert process.wait() == 0, f"exit code {process.returncode}"


def measure_fixed(here: Path, bundle: Path, n: int) -> None:
    """Print what a tiny clip costs, all in."""
    took, memory = seconds(command(tiny_clips(here / "tiny", n), bundle, here / "fixed"))
    print(f"fixed   {n} clips in {took:.1f} s: {1000 * took / n:.1f} ms a clip, {memory:.0f} MB at most")


def measure_resume(here: Path, bundle_path: Path, n: int) -> None:
    """Print how long a run takes that has nothing left to do."""
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
        for item in journal.todo(manifest.clips(), folder):
            frames = rng.dirichlet([0.2] * len(bundle.labels), 8).astype(np.float32)
            said = Decision("empty", 0.9, "empty")
            journal.add(
                item,
                ClipPrediction(item.clip, "ok", "", said, frames.mean(0), np.arange(8.0), frames, tuple(range(8))),
            )
    for _ in range(3):
        took, memory = seconds(command(source, bundle_path, here / "resumed"))
        print(f"resume  {n} clips known: {took:.1f} s, {memory:.0f} MB")


def measure_flat(here: Path, bundle: Path) -> None:
    """Print the time a clip takes, and memory, as runs grow."""
    for n in (100, 1000, 5000):
        source = tiny_clips(here / f"flat{n}", n)
        base, _ = seconds(command(tiny_clips(here / f"one{n}", 1), bundle, here / f"one_out{n}"))
        took, memory = seconds(command(source, bundle, here / f"flat_out{n}"))
        print(
            f"flat    {n:5} clips: {1000 * (took - base) / n:.2f} ms a clip beyond the start, {memory:.0f} MB at most"
        )


def measure_kill(here: Path, bundle: Path, n_kills: int) -> None:
    """Kill a run again and again; compare with an undisturbed one."""
    source, chance = tiny_clips(here / "killed", 3000), random.Random(7)
    whole, out = here / "whole", here / "killed_out"
    subprocess.run(command(source, bundle, whole), check=True, capture_output=True)
    done = 0
    for i in range(n_kills):
        process = subprocess.Popen(
            command(source, bundle, out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        before = n_kept(out)
        while n_kept(out) <= before and process.poll() is None:  # it works again
            time.sleep(0.05)
        time.sleep(chance.uniform(0.0, 0.6))
        if process.poll() is not None:
            print(f"kill    the run ended before kill {i + 1}")
            break
        process.kill()
        process.wait()
        done += 1
        print(f"kill    {i + 1:2}: {n_kept(out)} of 3000 kept", flush=True)
    subprocess.run(command(source, bundle, out), check=True, capture_output=True)
    names = ("predictions.parquet", "evidence.parquet")
    same = all(pd.read_parquet(out / name).equals(pd.read_parquet(whole / name)) for name in names)
    same &= (out / "predictions.csv").read_bytes() == (whole / "predictions.csv").read_bytes()
    print(f"kill    after {done} kills the tables are {'identical' if same else 'DIFFERENT'}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="+", choices=("start", "fixed", "resume", "flat", "kill"))
    parser.add_argument("--clips", type=int, default=20_000, help="tiny clips of `fixed`")
    parser.add_argument("--known", type=int, default=100_000, help="clips of `resume`")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--bundle", type=Path, help="by default a tiny network is made")
    args = parser.parse_args()
    print(f"{psutil.cpu_count(logical=False)} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary)
        bundle = args.bundle or tiny_bundle(here)
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
