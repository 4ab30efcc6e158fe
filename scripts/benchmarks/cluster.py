"""Measure what a cluster run is made of, for `scripts/simulate_cluster.py`.

parts     of each clip of a folder: seconds of one processor for decoding and for the network, and MB read
journal   seconds of the processor that the journal takes for one clip
driver    the same for the whole driver (Ray, pickle and journal; not the processes of Ray beside it), with workers
          that answer at once, because Ray also takes time by the second, which counts for less with many clips
runs      `--engine ray` on this machine with 1 to N workers, by turns, on copies of a tiny clip: clips per second
          in the middle of the run, seconds of a clip in its worker, and of the driver as above

Times of the processor hold on a busy machine, too; clips per second do not, so the runs alternate, and medians are
kept.

Example: python scripts/benchmarks/cluster.py runs/bench/clips --bundle runs/demo/run/bundle --out runs/cluster.json
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import pickle
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pipeline import make_tiny_clips
from small_bundle import make_bundle

from leopardnet.bundle.bundle import Bundle, load_bundle
from leopardnet.core.journal.queued_clip import QueuedClip
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.types import Clip, ClipPrediction
from leopardnet.infer.clip import classify, conclude, decide_clip, read_frames
from leopardnet.infer.evidence import ClipFrames, Evidence
from leopardnet.infer.footage_source import open_source
from leopardnet.infer.job import Job
from leopardnet.infer.journal import Journal
from leopardnet.infer.predict_footage import fill_journal
from leopardnet.infer.workers import ray_cluster
from leopardnet.infer.workers.ray_cluster import CLIPS_PER_TASK, ClipWorker

Times = dict[str, float]
N_FOR_DRIVER = 4096


class Echo:
    """A worker that takes no time: it answers every clip with the same prediction of eight frames."""

    def __init__(self, job: Job) -> None:
        zeros = np.zeros((8, len(job.bundle.labels)), np.float32)
        evidence = Evidence(np.arange(8.0), zeros, zeros, zeros, np.zeros((8, 4), np.float32))
        self.result = decide_clip(Clip("x", ("x.mp4",), "video"), evidence, job.bundle)

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Return the predictions of a batch, as `ClipWorker` does."""
        items = [pickle.loads(data) for data in batch["item"]]
        pairs = [(item, replace(self.result, clip=item.clip)) for item in items]
        return {"pair": np.array([pickle.dumps(pair) for pair in pairs], dtype=object)}


def main() -> None:
    """Measure, print, and write the file for the simulation."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", type=Path)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--n-tiny", type=int, default=512, help="tiny clips of a run on Ray")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    found: dict[str, object] = {**measure_parts(options.clips, load_bundle(options.bundle))}
    print(json.dumps(found))
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        source, bundle = make_tiny_clips(place / "tiny", options.n_tiny), load_bundle(make_bundle(place / "model"))
        found["journal_s"] = measure_journal(source, bundle, place)
        many = make_tiny_clips(place / "many", N_FOR_DRIVER)
        found["driver_s"] = run_on_ray(many, bundle, place / "driver", 2, worker=Echo)["driver_s"]
        runs = [
            {"workers": n, **run_on_ray(source, bundle, place / f"{i_repeat}_{n}", n)}
            for i_repeat in range(options.repeats)
            for n in options.workers
        ]
    found["runs"] = [
        {key: statistics.median(run[key] for run in runs if run["workers"] == n) for key in runs[0]}
        for n in options.workers
    ]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(found, indent=1) + "\n")
    print(options.out.read_text())


def measure_parts(folder: Path, bundle: Bundle) -> Times:
    """Return the mean times and MB of a clip, and the spread of its time as a share of the mean."""
    manifest = open_source(folder)
    job = Job(bundle, manifest.root, RuntimeConfig(workers=0, threads=1), bundle.spec.sampling)
    network = bundle.runtime(job.runtime)
    classify(manifest.clips()[0], job, network)  # the first call opens what later ones share
    decode, answer, mb = [], [], []
    for clip in manifest.clips():
        begin_b, begin = _bytes_read(), time.process_time()
        frames = read_frames(clip, job)
        decoded = time.process_time()
        assert isinstance(frames, ClipFrames), "a clip of the benchmark is whole"
        conclude(clip, frames, network.answers(frames.x), job)
        decode.append(decoded - begin)
        answer.append(time.process_time() - decoded)
        mb.append((_bytes_read() - begin_b) / 1e6)
    both = np.add(decode, answer)
    return {
        "decode_s": float(np.mean(decode)),
        "network_s": float(np.mean(answer)),
        "clip_spread": float(both.std() / both.mean()),
        "mb": float(np.mean(mb)),
        "file_mb": float(np.mean([(manifest.root / clip.path).stat().st_size / 1e6 for clip in manifest.clips()])),
    }


def _bytes_read() -> int:
    """Return how many bytes this process has read so far, from the disk or its cache (Linux)."""
    return int(Path("/proc/self/io").read_text().split("rchar:")[1].split()[0])


def measure_journal(source: Path, bundle: Bundle, place: Path) -> float:
    """Return the seconds of the processor for one row of the journal."""
    manifest = open_source(source)
    job = Job(bundle, manifest.root, RuntimeConfig(workers=0, threads=1), bundle.spec.sampling)
    clips = manifest.clips()
    result = classify(clips[0], job, bundle.runtime(job.runtime))
    with Journal.open(place / "journal", job.results_key()) as journal:
        begin = time.process_time()
        for clip in clips:
            journal.add(QueuedClip(clip, 0, "0:0"), result)
        return (time.process_time() - begin) / len(clips)


def run_on_ray(source: Path, bundle: Bundle, out: Path, n_workers: int, *, worker: type = ClipWorker) -> Times:
    """Return the figures of one run on a cluster of one node with `n_workers` processors."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    ray.init(num_cpus=n_workers, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    manifest = open_source(source)
    job = Job(bundle, manifest.root, RuntimeConfig(threads=1), bundle.spec.sampling)
    seen: list[tuple[float, float, float]] = []  # clock, processor, seconds of the clip in its worker

    def note(result: ClipPrediction) -> None:
        seen.append((time.perf_counter(), time.process_time(), result.seconds[0]))

    begin = time.perf_counter()
    ray_cluster.ClipWorker = worker  # type: ignore[misc]
    with Journal.open(out, job.results_key()) as journal:
        fill_journal(journal, manifest, job, engine=ray_cluster.ray_engine("auto"), on_result=note)
    ray.shutdown()
    first, last = seen[2 * CLIPS_PER_TASK], seen[-2 * CLIPS_PER_TASK]
    n, clip_s = len(seen) - 4 * CLIPS_PER_TASK, [x[2] for x in seen]
    return {
        "clips_per_s": n / (last[0] - first[0]),
        "driver_s": (last[1] - first[1]) / n,
        "clip_s": float(np.mean(clip_s)),
        "clip_spread": float(np.std(clip_s) / max(np.mean(clip_s), 1e-9)),
        "start_s": seen[0][0] - begin,
    }


if __name__ == "__main__":
    main()
