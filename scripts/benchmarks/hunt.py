"""Time of a refit in `leopardnet start`: features of 20,000 clips in memory, labels of some of them.

    python scripts/benchmarks/hunt.py --clips 20000 --labels 200

The features are random numbers of the right shape and precision, with a direction for the target, so nothing is
decoded. The first order also loads scikit-learn and is printed apart.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from leopardnet.core.journal.queued_clip import QueuedClip
from leopardnet.core.types import Clip
from leopardnet.hunt.clusters import cluster_centres
from leopardnet.hunt.feature_store import N_CLASSES, FeatureJournal, FeatureStore, FrameFeatures
from leopardnet.hunt.hunt_order import Hunt
from leopardnet.hunt.setup import load_setup


def write_features(folder: Path, n_clips: int, n_frames: int) -> tuple[FeatureStore, list[bool]]:
    """Write features of clips that were never filmed; one in fifty shows the target."""
    rng = np.random.default_rng(0)
    direction, shows = rng.normal(size=1280), []
    with FeatureJournal.open_keyed(folder, load_setup("lite0").to_key()) as journal:
        for i in range(n_clips):
            clip = Clip(f"{i:016x}", (f"{i}.mp4",), "video")
            shows.append(i % 50 == 0)
            features = (rng.normal(size=(n_frames, 1280)) + shows[-1] * 0.2 * direction).astype(np.float32)
            imagenet = rng.normal(size=(n_frames, N_CLASSES)).astype(np.float32)
            found = FrameFeatures(clip, "ok", "", np.arange(float(n_frames)), features, imagenet)
            journal.add(QueuedClip(clip, 1, "x"), found)
        journal.end_wal()
    return FeatureStore(folder), shows


def main() -> None:
    """Print the seconds of each step."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=20_000)
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--labels", type=int, nargs="+", default=[20, 200, 400])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store, shows = write_features(Path(folder), options.clips, options.frames)
        size = (Path(folder) / "features.sqlite").stat().st_size
        print(f"{options.clips} clips of {options.frames} frames, {size / 1e6:.0f} MB on disk")
        began = time.perf_counter()
        hunt = Hunt(store, targets=["leopard"])
        print(f"read the features: {time.perf_counter() - began:.2f} s")
        began = time.perf_counter()
        centres = cluster_centres(hunt.features)
        print(f"{len(centres)} cluster centres: {time.perf_counter() - began:.2f} s")
        rng = np.random.default_rng(1)
        for n in (options.labels[0], *options.labels):
            rows = [0, 50, 100, *rng.choice(options.clips, n - 3, replace=False).tolist()]
            labels = {hunt.features.clip_ids[i]: "leopard" if shows[i] else "empty" for i in rows}
            began = time.perf_counter()
            hunt.order(labels)
            print(f"refit and order, {n} labels: {time.perf_counter() - began:.2f} s")
        print(f"memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f} MB")


if __name__ == "__main__":
    main()
