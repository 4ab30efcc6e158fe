"""Measure how much of their speed `predict` and `train` keep beside busy loops, one on each core.

With as many busy loops as cores, a program that gives way in proportion keeps half its speed. One whose threads
wait by spinning, or wait for each other, keeps less.

Example: python scripts/benchmarks/busy.py --old ../old
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from pipeline import make_tiny_clips
from run_command import measure
from small_bundle import make_bundle

from leopardnet.data.scan.scan import scan
from leopardnet.demo_job import add_labels
from leopardnet.synth import FootageSpec, render_footage

HERE = Path(__file__).resolve().parents[2] / "src"


@contextmanager
def busy_loops(n: int) -> Iterator[None]:
    """Keep n processes busy for as long as the block lasts."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(n)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def make_training_manifest(here: Path) -> Path:
    """Render footage of two sites and return a labelled and split manifest."""
    spec = FootageSpec(n_sites=2, clips_per_site=12, stills_per_site=12, width_px=320, height_px=180)
    render_footage(here / "footage", spec)
    manifest = add_labels(scan(here / "footage", pattern="{site}/{deployment}/*"), here / "footage")
    split = manifest.table["site"].map({"site01": "train", "site02": "val"})
    return manifest.replace(manifest.table.assign(split=split)).write(here / "train.parquet")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", type=Path, help="checkout of another state of the code")
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--loops", type=int, default=psutil.cpu_count(logical=False) or 2)
    args = parser.parse_args()
    versions = {"new": HERE} | ({"old": args.old.resolve() / "src"} if args.old else {})
    with tempfile.TemporaryDirectory() as temporary:
        here, out = Path(temporary), Path(temporary) / "out"
        clips, bundle = make_tiny_clips(here / "clips", args.clips), make_bundle(here / "small")
        frames = make_training_manifest(here)
        recipe = ("model=lite0", f"optim.epochs={args.epochs}")
        jobs: dict[str, list[str | Path]] = {
            "predict": ["predict", clips, "--bundle", bundle, "--out", out],
            "train": ["train", frames, *recipe, "--out", out],
        }
        walls: dict[tuple[str, str, int], list[float]] = {
            (job, version, n): [] for job in jobs for version in versions for n in (0, args.loops)
        }
        for i in range(args.runs):
            print(f"run {i + 1} of {args.runs}", file=sys.stderr)
            for (job, version, n), found in walls.items():
                shutil.rmtree(out, ignore_errors=True)
                with busy_loops(n):
                    found.append(measure(jobs[job], versions[version]).wall_s)
    for job in jobs:
        for version in versions:
            alone, beside = (statistics.median(walls[job, version, n]) for n in (0, args.loops))
            kept = f"{alone / beside:.0%} of its speed beside {args.loops} busy loops"
            print(f"{version:4} {job:8} {alone:6.1f} s alone, {beside:6.1f} s beside: {kept}")


if __name__ == "__main__":
    main()
