"""Measure what training costs besides the network: augmentation, waiting for the loader, memory.

The pictures are rendered frames in the size that training stores (an eighth larger than the input). Each pipeline
of configs/augment is measured in processor time; the shortest of several rounds is printed, which other programs
disturb least. Then the default recipe runs one epoch on rendered frames: the share of time that waits for the
loader, frames per second, and the peak memory of the process.

Example: python scripts/benchmarks/train.py --pictures 64 --rounds 5
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from leopardnet.compose import list_choices, load_config
from leopardnet.synth import FootageSpec, render_clip, render_footage
from leopardnet.training.augment.pipeline import Augmenter
from leopardnet.training.frames.clip_frames import LARGE


def make_pictures(n: int, side_px: int) -> list[NDArray[np.uint8]]:
    """Return n different frames of rendered clips, uint8 [side, side, 3]."""
    spec = FootageSpec(n_sites=2, clips_per_site=2, stills_per_site=0, duration_s=(2.0, 2.0))
    frames = np.concatenate([render_clip(spec, site, clip).pixels for site in range(2) for clip in range(2)])
    chosen = frames[np.linspace(0, len(frames) - 1, n).round().astype(int)]
    return [np.asarray(cv2.resize(frame, (side_px, side_px)), np.uint8) for frame in chosen]


def cost_ms(name: str, pictures: Sequence[NDArray[np.uint8]], *, size_px: int, rounds: int) -> float:
    """Return the milliseconds per picture of one pipeline."""
    augment = Augmenter(load_config("train", [f"augment={name}"]).augment, size_px=size_px, seed=7)
    times = []
    for epoch in range(rounds):
        started = time.process_time()
        for i, picture in enumerate(pictures):
            augment(picture, epoch=epoch, index=i)
        times.append((time.process_time() - started) / len(pictures))
    return 1000.0 * min(times)


def run_epoch(folder: Path) -> dict[str, float]:
    """Train one epoch of the default recipe; return wait_share, frames_per_s, prepare_ms_per_frame and peak_gb."""
    from leopardnet.data.scan.scan import scan
    from leopardnet.demo_job import add_labels
    from leopardnet.training.training_run import train

    footage = folder / "footage"
    spec = FootageSpec(
        n_sites=4, clips_per_site=4, stills_per_site=2, width_px=512, height_px=288, duration_s=(2.0, 3.0)
    )
    render_footage(footage, spec, n_workers=1)
    manifest = add_labels(scan(footage, pattern="{site}/{deployment}/*"), footage)
    split = np.where(manifest.table["site"] == "site04", "val", "train")
    run = train(
        manifest.replace(manifest.table.assign(split=split)),
        load_config("train", ["optim.epochs=1"]),
        out=folder / "run",
    )
    keys = ("wait_share", "frames_per_s", "prepare_ms_per_frame")
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # in kB on Linux
    return {key: run.history[1][key] for key in keys} | {"peak_gb": peak_gb}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--size", type=int, default=256, help="side of the network's input in pixels")
    args = parser.parse_args()
    cv2.setNumThreads(1)  # the workers of the loader share the cores
    pictures = make_pictures(args.pictures, round(args.size * LARGE))
    table = Table("pipeline", "ms per picture")
    for name in sorted(list_choices("augment")):
        table.add_row(name, f"{cost_ms(name, pictures, size_px=args.size, rounds=args.rounds):.2f}")
    console = Console()
    console.print(f"augmentation of one picture, {len(pictures[0])} to {args.size} px, processor time")
    console.print(table)
    with tempfile.TemporaryDirectory() as folder:
        found = run_epoch(Path(folder))
    console.print(
        f"one epoch of the default recipe: {found['wait_share']:.1%} of the time waiting for the loader, "
        f"{found['frames_per_s']:.1f} frames/s, {found['prepare_ms_per_frame']:.1f} ms to prepare a frame, "
        f"at most {found['peak_gb']:.2f} GB of memory"
    )


if __name__ == "__main__":
    main()
