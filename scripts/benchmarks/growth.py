"""Measure what grows with an archive: the clips of a manifest, tables, an evaluation, a scan, a report.

Each figure is that of a process of its own, so that its peak memory is its own too. With `--old`, the same is
measured with another working tree in turn (its `src` on PYTHONPATH), on the same inputs. Everything is made up:
predictions as those of `evaluation.py`, a journal with the results, and tiny files with real headers as those of
`dataset.py`, most of them hard links to a few. Seconds are of the wall clock; CPU seconds, which a busy machine
changes less, stand beside them. The report is written without pictures, which `report.py` measures, and opened five
times in a new headless Chromium: medians until it can be used, and until a search and a sort are painted.

Example: python scripts/benchmarks/growth.py --old ../old --parts clips,scan
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
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

N_FRAMES = 4
LABELS = ("leopard", "tiger", "sika_deer", "empty")
TARGETS = {"clips": 3.0, "tables": 60.0, "evaluate": 90.0, "scan": 120.0, "scan again": 120.0}
"""Seconds, for a million."""
N_OPENED = 5


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


def measure_evaluate(folder: Path) -> None:
    """Measure what `evaluate` does: reading both tables, the figures with their intervals, writing them."""
    from leopardnet.core.manifest import Manifest
    from leopardnet.core.predictions import Predictions
    from leopardnet.evaluation.full_evaluation import evaluate_all
    from leopardnet.evaluation.write_evaluation import write_evaluation

    with tempfile.TemporaryDirectory(dir=folder) as out, measured("evaluate"):
        manifest = Manifest.read(folder / "manifest.parquet")
        write_evaluation(evaluate_all(Predictions.read(folder / "results"), manifest, full=False), Path(out))


def measure_report(folder: Path) -> None:
    """Measure a report of all clips: writing it, opening it, a search and a sort over all clips."""
    from report import open_in_browser, size_mb

    from leopardnet.core.manifest import Manifest
    from leopardnet.core.predictions import Predictions
    from leopardnet.report.summarise import summarise

    with tempfile.TemporaryDirectory(dir=folder) as name:
        with measured("report"):
            manifest = Manifest.read(folder / "manifest.parquet")
            predictions = Predictions.read(folder / "results")
            page = summarise(predictions, Path(name) / "report.html", manifest=manifest, n_pictures=0)
        print(json.dumps({"name": "size of the report", "mb": size_mb(page)}), flush=True)
        runs = [open_in_browser(page, text="s00") for _ in range(N_OPENED)]
        for what in ("opened", "search", "sort"):
            print(json.dumps({"name": f"report, {what}", "seconds": median(run[what] for run in runs)}), flush=True)


def measure_scan(folder: Path) -> None:
    """Measure a scan, and a second one of the same files; of the first, how much is reading headers."""
    from leopardnet.data.scan.capture_time import CaptureTimeReader
    from leopardnet.data.scan.scan import scan

    files = folder / "files"
    kept = {"known_times": folder / "known.sqlite"} if "known_times" in signature(scan).parameters else {}
    with measured("scan"):
        manifest = scan(files, pattern="{site}/{deployment}/*", **kept)
    with measured("scan again"):
        scan(files, pattern="{site}/{deployment}/*", **kept)
    reader = CaptureTimeReader()
    with measured("headers alone, one thread"):
        for path in manifest.table["path"].tolist():
            reader.read(os.path.join(files, path))  # noqa: PTH118 - as the scan does it
    (folder / "known.sqlite").unlink(missing_ok=True)


MEASURES: dict[str, Callable[[Path], None]] = {
    "clips": measure_clips,
    "tables": measure_tables,
    "evaluate": measure_evaluate,
    "report": measure_report,
    "scan": measure_scan,
}


def describe(row: dict[str, Any]) -> str:
    """Return the figures of a line of JSON in words."""
    words = {"seconds": "{:.1f} s", "cpu_s": "{:.1f} s of processor", "peak_mb": "{:.0f} MB", "mb": "{:.0f} MB"}
    return ", ".join(form.format(row[key]) for key, form in words.items() if key in row)


def run_part(part: str, folder: Path, tree: Path) -> list[dict[str, Any]]:
    """Measure a part in a process of its own, with the package of this working tree."""
    command = [sys.executable, __file__, "--measure", part, "--inputs", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(tree.resolve() / "src")}
    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in made.stdout.splitlines() if line.startswith("{")]


def make_inputs(folder: Path, parts: Collection[str], n: int) -> None:
    """Make what these parts need."""
    if {"clips", "tables", "evaluate", "report"} & set(parts):
        make_tables(folder, n)
    if "tables" in parts:
        make_journal(folder, n)
    if "scan" in parts:
        make_files(folder / "files", n)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=100_000, help="clips, and files")
    parser.add_argument(
        "--full", action="store_true", help="a million of each; needs 6 GB of memory and 10 of disk"
    )
    parser.add_argument("--parts", default=",".join(MEASURES))
    parser.add_argument("--old", type=Path, help="checkout of another state of the code")
    parser.add_argument("--folder", type=Path, help="where inputs are made; a temporary folder otherwise")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--inputs", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--make", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        MEASURES[options.measure](options.inputs)
        return
    n, parts = 1_000_000 if options.full else options.n, options.parts.split(",")
    if options.make:
        make_inputs(options.make, parts, n)
        return
    here = Path(__file__).parents[2]
    trees = {"new": here} | ({"old": options.old} if options.old else {})
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        # In a process of its own: one that is started counts the peak memory of this one as its own.
        make = [sys.executable, __file__, "--make", name, "--n", str(n), "--parts", options.parts]
        subprocess.run(make, env={**os.environ, "PYTHONPATH": str(here / "src")}, check=True)
        for part in parts:
            found = {of: run_part(part, Path(name), tree) for of, tree in trees.items()}
            for i, row in enumerate(found["new"]):
                cells = [f"{of} {describe(rows[i])}" for of, rows in found.items()]
                goal = f"; target for a million {TARGETS[row['name']]:.0f} s" if row["name"] in TARGETS else ""
                print(f"{row['name']}, {n:,}: {'; '.join(cells)}{goal}", flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
