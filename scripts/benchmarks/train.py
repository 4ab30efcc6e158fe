"""Measure what training costs besides the network: augmentation, waiting for the loader, memory.

The pictures are rendered frames in the size that training stores (an eighth larger than the input). Each pipeline
of configs/augment is measured in processor time; the shortest of several rounds is printed, which other programs
disturb least. Then what a frame costs before and while it is trained on: decoding it into the cache, reading
it from there, its bytes, its features, its step, and the same in shards. Then the default recipe runs one epoch on
rendered frames: the share of time that waits for the loader, frames per second, and the peak memory of the process.
docs/train.md plans large runs with these numbers.

Example: python scripts/benchmarks/train.py --pictures 64 --rounds 5
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from leopardnet.compose import list_choices, load_config
from leopardnet.core.manifest import Manifest
from leopardnet.data.scan.scan import scan
from leopardnet.demo_job import add_labels
from leopardnet.network.classifier import build_classifier
from leopardnet.synth import FootageSpec, render_clip, render_footage
from leopardnet.training.augment.pipeline import Augmenter
from leopardnet.training.fit.trainer import freeze_layers
from leopardnet.training.frames.clip_frames import LARGE
from leopardnet.training.frames.features import compute_features
from leopardnet.training.frames.frame_cache import FrameCache
from leopardnet.training.frames.labelled_frames import load_frames
from leopardnet.training.frames.shard_set import Picture
from leopardnet.training.shards.write_shards import write_shards
from leopardnet.training.train_val import TrainVal, select_train_val


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


def render_manifest(folder: Path) -> Manifest:
    """Return a manifest of rendered footage, with labels and a split."""
    spec = FootageSpec(
        n_sites=4, clips_per_site=4, stills_per_site=2, width_px=512, height_px=288, duration_s=(2.0, 3.0)
    )
    render_footage(folder, spec, n_workers=1)
    manifest = add_labels(scan(folder, pattern="{site}/{deployment}/*"), folder)
    split = np.where(manifest.table["site"] == "site04", "val", "train")
    return manifest.replace(manifest.table.assign(split=split))


def cost_frames(manifest: Manifest, cache: FrameCache, n: int) -> dict[str, float]:
    """Return the processor time in ms of decoding, reading and embedding a frame, and its bytes in the cache."""
    config = load_config("train")
    labels = config.labels.label_set()
    wanted = select_train_val(manifest, config, labels, by_folds=False)
    reading = TrainVal(wanted, manifest.root, config, labels, by_folds=False).reading
    clock = [time.process_time()]
    frames = load_frames(wanted, manifest.root, labels=labels, reading=reading, cache=cache, n_workers=1)
    clock.append(time.process_time())
    for i in range(len(frames)):
        frames.large[i]
    clock.append(time.process_time())
    model = build_classifier(config.model, len(labels), size_px=config.preprocess.size_px)
    clock.append(time.process_time())
    compute_features(model, frames, rows=np.arange(n), on_progress=lambda *_: None)
    freeze_layers(model, config.optim.frozen_groups)
    n_step = config.optim.micro_batch_size
    x = torch.from_numpy(np.stack([frames.exact[i] for i in range(n_step)]))
    for _ in range(2):  # the first one sets up
        clock.append(time.process_time())
        logits = model(x.contiguous(memory_format=torch.channels_last))
        torch.nn.functional.cross_entropy(logits, torch.tensor(frames.y[:n_step])).backward()
    clock.append(time.process_time())
    spent = np.diff(clock) * 1000
    n_bytes = sum(path.stat().st_size for path in (cache.folder / "pixels").iterdir())
    return {
        "decoding": spent[0] / len(frames),
        "reading": spent[1] / len(frames),
        "features": spent[3] / n,
        "step": spent[5] / n_step,
        "bytes": n_bytes / len(frames),
    }


def cost_shards(manifest: Manifest, folder: Path) -> Table:
    """Return what shards cost, in processor time, beside the cache: to write, to read, and their bytes."""
    config = load_config("train")
    labels = config.labels.label_set()
    wanted = select_train_val(manifest, config, labels, by_folds=False)
    reading = TrainVal(wanted, manifest.root, config, labels, by_folds=False).reading
    cache = FrameCache(folder / "cache", max_bytes=10**9)
    table = Table("shards", "ms to write a frame", "ms to read it", "kB")
    for picture in get_args(Picture):
        began = time.process_time()
        shards = write_shards(manifest, config, out=folder / picture, picture=picture)
        wrote = time.process_time() - began
        frames = load_frames(wanted, manifest.root, labels=labels, reading=reading, cache=cache, shards=shards)
        began = time.process_time()
        for i in range(len(frames)):
            frames.large[i]
        read, n_bytes = time.process_time() - began, sum(x.n_bytes for x in shards.record.shards)
        n = len(frames)
        table.add_row(picture, f"{1e3 * wrote / n:.1f}", f"{1e3 * read / n:.2f}", f"{n_bytes / n / 1e3:.0f}")
    return table


def run_epoch(manifest: Manifest, folder: Path) -> dict[str, float]:
    """Train one epoch of the default recipe; return wait_share, frames_per_s, prepare_ms_per_frame and peak_gb."""
    from leopardnet.training.training_run import train

    config = load_config("train", ["optim.epochs=1"])
    run = train(manifest, config, out=folder / "run", cache=folder / "cache")
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
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        manifest = render_manifest(folder / "footage")
        of = cost_frames(manifest, FrameCache(folder / "cache", max_bytes=10**9), args.pictures)
        console.print(
            f"a frame: {of['decoding']:.1f} ms to decode it into the cache, {of['reading']:.2f} ms to read it from "
            f"there, {of['features']:.1f} ms for its features, {of['step']:.1f} ms for a step of training, all "
            f"processor time; {of['bytes'] / 1e3:.0f} kB"
        )
        console.print(cost_shards(manifest, folder))
        found = run_epoch(manifest, folder)
    console.print(
        f"one epoch of the default recipe: {found['wait_share']:.1%} of the time waiting for the loader, "
        f"{found['frames_per_s']:.1f} frames/s, {found['prepare_ms_per_frame']:.1f} ms to prepare a frame, "
        f"at most {found['peak_gb']:.2f} GB of memory"
    )


if __name__ == "__main__":
    main()
