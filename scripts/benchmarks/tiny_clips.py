"""Measure what `predict` takes for tiny clips and for pictures, beside an older version of the program.

start     seconds to the first clip in the journal, and processor seconds of the whole command, for one clip
clips     milliseconds a clip of 1 s and 160 x 90 px, beyond the start
pictures  milliseconds a picture of 160 x 90 px, beyond the start
12 MP     milliseconds a picture of 4000 x 3000 px; 24 MP: of 6000 x 4000 px; bursts: of three of 12 MP

The versions take turns. Seconds on the clock are only of use on a quiet machine; processor seconds always are.

Example: python scripts/benchmarks/tiny_clips.py --old ../old
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from pipeline import make_tiny_clips, n_kept
from run_command import Cost, measure
from small_bundle import make_bundle

from leopardnet.core.manifest import Manifest

HERE = Path(__file__).resolve().parents[2] / "src"


def make_tiny_pictures(folder: Path, n: int) -> Path:
    """Write n JPEG pictures of 160 x 90 px and a manifest; return the path of the manifest."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for i in range(n):
        pixels = rng.integers(0, 256, (9, 16, 3), dtype=np.uint8).repeat(10, 0).repeat(10, 1)
        cv2.imwrite(str(folder / f"{i:06d}.jpg"), pixels)
    rows = pd.DataFrame({"path": [f"{i:06d}.jpg" for i in range(n)], "kind": "still"})
    return Manifest.from_rows(rows, folder).write(folder.with_suffix(".parquet"))


def make_large_pictures(folder: Path, n: int, width: int, height: int, *, n_stills: int = 1) -> Path:
    """Write n clips of `n_stills` JPEG pictures, copies of one with as much detail as a photo; see above."""
    folder.mkdir(parents=True)
    rng, pixels = np.random.default_rng(0), np.zeros((height, width, 3))
    for coarse in (400, 80, 16, 4, 1):  # px; shades, trunks, leaves, grain
        shape = (height // coarse, width // coarse, 3)
        pixels += cv2.resize(rng.normal(0, 10, shape).astype(np.float32), (width, height))
    first = folder / "000000-0.jpg"
    cv2.imwrite(str(first), (128 + pixels).clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 85])
    names = [[f"{i:06d}-{k}.jpg" for k in range(n_stills)] for i in range(n)]
    for name in [name for burst in names for name in burst][1:]:
        shutil.copy(first, folder / name)
    kind = "still" if n_stills == 1 else "burst"
    rows = pd.DataFrame({"path": [burst[0] for burst in names], "kind": kind})
    if n_stills > 1:
        rows["paths"] = [json.dumps(burst) for burst in names]
    return Manifest.from_rows(rows, folder).write(folder.with_suffix(".parquet"))


def run_predict(manifest: Path, bundle: Path, source: Path) -> Cost:
    """Classify a manifest into a new folder."""
    out = Path(tempfile.mkdtemp(dir=manifest.parent))
    words = ["predict", manifest, "--bundle", bundle, "--out", out]
    try:
        return measure(words, source, is_begun=lambda: n_kept(out) > 0)
    finally:
        shutil.rmtree(out)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--old", type=Path, help="checkout of another state of the code")
    parser.add_argument("--clips", type=int, default=400)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--large", type=int, default=60, help="large pictures of each size, and bursts")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--bundle", type=Path, help="default: one is trained; with --old, one that it reads")
    args = parser.parse_args()
    versions = {"new": HERE} | ({"old": args.old.resolve() / "src"} if args.old else {})
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary)
        bundle = args.bundle or make_bundle(here)
        parts = {
            "start": (make_tiny_clips(here / "one", 1), 1),
            "clips": (make_tiny_clips(here / "clips", args.clips), args.clips),
            "pictures": (make_tiny_pictures(here / "pictures", args.pictures), args.pictures),
            "12 MP": (make_large_pictures(here / "12", args.large, 4000, 3000), args.large),
            "24 MP": (make_large_pictures(here / "24", args.large, 6000, 4000), args.large),
            "bursts": (make_large_pictures(here / "bursts", args.large, 4000, 3000, n_stills=3), args.large),
        }
        costs: dict[tuple[str, str], list[Cost]] = {(p, v): [] for p in parts for v in versions}
        for i in range(args.runs + 1):
            for part, version in costs:
                cost = run_predict(parts[part][0], bundle, versions[version])
                if i:  # the first one fills caches
                    costs[part, version].append(cost)
    for version in versions:
        start = [statistics.median(c.cpu_s for c in costs["start", version])]
        start.append(statistics.median(c.wall_s for c in costs["start", version]))
        first_s = statistics.median(c.begun_s for c in costs["start", version])
        print(f"{version:4} start     first clip after {first_s:.2f} s; {start[0]:.2f} s of processors")
        for part, (_, n) in parts.items():
            if part != "start":
                cpu = 1000 * (statistics.median(c.cpu_s for c in costs[part, version]) - start[0]) / n
                wall = 1000 * (statistics.median(c.wall_s for c in costs[part, version]) - start[1]) / n
                print(f"{version:4} {part:9} {wall:.2f} ms each, {cpu:.2f} ms of processors")


if __name__ == "__main__":
    main()
