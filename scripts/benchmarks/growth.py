"""Measure what grows with an archive: opening a manifest, tables, an evaluation, the report, a scan.

Each figure is that of a process of its own, so that its peak memory is its own too. With `--old`, the same is
measured with another working tree in turn (its `src` on PYTHONPATH), on the same inputs. Everything is made up:
predictions as those of `evaluation.py`, a journal with the results, and tiny files with real headers as those of
`dataset.py`, most of them hard links to a few. Seconds are of the wall clock; CPU seconds, which a busy machine
changes less, stand beside them.

Example: python scripts/benchmarks/growth.py --old ../old --parts clips,tables,evaluate,scan,report
Example: python scripts/benchmarks/growth.py --full
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

PARTS = ("clips", "tables", "evaluate", "scan", "report")
N_FRAMES = 4
LABELS = ("leopard", "tiger", "sika_deer", "empty")
TARGETS = {  # seconds, for a million clips; the report for 100,000
    "clips": 3.0,
    "tables": 60.0,
    "evaluate": 90.0,
    "scan": 120.0,
    "scan again": 120.0,
    "open the report": 3.0,
}


@contextmanager
def measured(name: str) -> Iterator[None]:
    """Print a line of JSON with the seconds of the block, its CPU seconds, and the peak memory of the process."""
    cpu, start = time.process_time(), time.perf_counter()
    yield
    found = {
        "name": name,
        "seconds": time.perf_counter() - start,
        "cpu_s": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }
    print(json.dumps(found), flush=True)


# --- inputs, made once ---


def make_tables(folder: Path, n: int) -> None:
    """Write a manifest with labels and the predictions of n clips."""
    from evaluation import make_predictions

    predictions, manifest = make_predictions(n, N_FRAMES, folder)
    manifest.replace(manifest.table.assign(time_zone="Asia/Vladivostok")).write(folder / "manifest.parquet")
    predictions.write(folder / "results")


def make_journal(folder: Path, n: int) -> None:
    """Write a journal with a result of each clip of the manifest."""
    import numpy as np

    from leopardnet.core.journal.queued_clip import QueuedClip
    from leopardnet.core.manifest import Manifest
    from leopardnet.core.types import ClipPrediction, ClipSound, Decision, MediaInfo
    from leopardnet.infer.journal import Journal

    rng = np.random.default_rng(0)
    info = MediaInfo(1920, 1080, 0.0, 10.0, 30.0, 300, "h264")
    with Journal.open(folder, {}) as journal:
        for clip in Manifest.read(folder / "manifest.parquet").clips():
            probs = rng.dirichlet((0.05, 0.1, 0.4, 4), N_FRAMES).astype(np.float32)
            familiarity, looks = rng.random((2, N_FRAMES, 5), np.float32)
            decision = Decision("empty", float(probs[0].max()), "empty")
            journal.add(
                QueuedClip(clip, 1, "1:1"),
                ClipPrediction(
                    *(clip, "ok", "", decision, probs[0], np.arange(N_FRAMES) * 1.5, probs),
                    evidence_order=tuple(range(N_FRAMES)),
                    info=info,
                    frame_familiarity=familiarity,
                    frame_looks=looks[:, :4],
                    sound=ClipSound("heard"),
                ),
            )


def make_files(folder: Path, n: int) -> None:
    """Make n files in folders of 1,000, hard links to three real ones each."""
    from dataset import avi_bytes, mp4_bytes, still_bytes

    contents = {"JPG": still_bytes(), "MP4": mp4_bytes(), "AVI": avi_bytes()}
    for first in range(0, n, 1000):
        deployment = folder / f"site{first // 2000:03d}" / f"check{first // 1000 % 2}" / "DCIM"
        deployment.mkdir(parents=True)
        firsts = {suffix: deployment / f"RCNX{i:06d}.{suffix}" for i, suffix in enumerate(contents)}
        for suffix, path in firsts.items():
            path.write_bytes(contents[suffix])
        for i in range(3, min(1000, n - first)):
            suffix = list(contents)[i % 3]
            os.link(firsts[suffix], deployment / f"RCNX{i:06d}.{suffix}")


# --- what is measured, each in a process of its own ---


def measure_clips(folder: Path) -> None:
    """Measure the clips of a manifest."""
    from leopardnet.core.manifest import Manifest

    manifest = Manifest.read(folder / "manifest.parquet")
    with measured("clips"):
        manifest.clips()


def measure_tables(folder: Path) -> None:
    """Measure the tables that `predict` writes at its end, from the journal."""
    from leopardnet.core.labels import Label, LabelSet
    from leopardnet.core.manifest import Manifest
    from leopardnet.core.settings.inference import DecideConfig
    from leopardnet.infer.journal import Journal
    from leopardnet.infer.prediction_tables import write_pages

    labels = LabelSet(tuple(map(Label, LABELS)), targets=LABELS[:1])
    bundle: Any = SimpleNamespace(labels=labels, id="b", spec=SimpleNamespace(decide=DecideConfig()))
    manifest = Manifest.read(folder / "manifest.parquet")
    with tempfile.TemporaryDirectory(dir=folder) as out, Journal.open(folder, {}) as journal, measured("tables"):
        write_pages(journal.read_pages(manifest), bundle, Path(out))


def main() -> None:
    """Measure and print."""


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
