"""Measure the size of the report of 10,000 clips, and how fast a browser shows it on this machine.

Every clip has classified frames, boxes of a detector, a true label, and a picture as long as there is room;
pictures are frames of rendered footage, in the sizes of a real report. A report of more clips has files beside it,
whose size counts. Each repeat opens the file from disk in a new headless Chromium. `opened` is the time from the
start of the navigation until the first page of the table is painted and its filters have all clips. `search` and
`sort` are the times from the event until the rows are painted, over all clips. Prints one line per figure: the
median, its range, the target, and the ratio of median to target (below 1 is good). Needs chromium and
chromedriver, and the extra [test].

Example: python scripts/benchmarks/report.py --clips 10000 --frames 16 --repeats 5
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from leopardnet.core.predictions import Predictions

LABELS = ("leopard", "tiger", "sika_deer", "empty")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
TARGET_OPENED_S, TARGET_MB, TARGET_ANSWER_S = 3.0, 60.0, 0.3
PAINTED = """
const wait = () => document.getElementById("table").getAttribute("aria-busy") === "true"
  ? requestAnimationFrame(wait)
  : requestAnimationFrame(() => requestAnimationFrame(() => done((performance.now() - start) / 1000)));
wait()"""
SEARCH = f"""
const [text, done] = arguments, start = performance.now(), box = document.getElementById("f-text");
box.value = text; box.dispatchEvent(new Event("input", {{bubbles: true}})); {PAINTED};"""
SORT = f"""
const done = arguments[0], start = performance.now();
document.querySelector("th[data-sort=path]").click(); {PAINTED};"""


def make_predictions(n_clips: int, n_frames: int) -> tuple[Predictions, pd.Series[str]]:
    """Return made-up predictions with evidence and boxes, and true labels; most clips are empty."""
    import numpy as np
    import pandas as pd

    from leopardnet.core.columns import evidence_columns, predictions_columns
    from leopardnet.core.predictions import Predictions
    from leopardnet.core.tables import clip_id, conform

    rng = np.random.default_rng(7)
    true = rng.choice(4, n_clips, p=[0.03, 0.07, 0.2, 0.7])
    logits = rng.normal(0, 1.5, (n_clips, n_frames, 4))
    logits[np.arange(n_clips), :, true] += 4
    frame_probs = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    probs = frame_probs.mean(axis=1)
    paths = [f"site{i % 80:02d}/2025-{1 + i % 12:02d}/DCIM/100RECNX/IMAG{i:05d}.AVI" for i in range(n_clips)]
    ids = np.array([clip_id(path) for path in paths])
    names = np.array(LABELS)
    table = pd.DataFrame(
        {
            "clip_id": ids,
            "path": paths,
            "kind": "video",
            "site": [path.split("/")[0] for path in paths],
            "captured_at": pd.Timestamp("2025-01-01") + pd.to_timedelta(np.arange(n_clips) * 613, unit="s"),
            "status": "ok",
            "reason": None,
            "decision": names[probs.argmax(axis=1)],
            "rule": "species",
            "score": probs.max(axis=1),
            "alert": np.where(probs[:, 0] >= 0.1, "leopard", None),
            **{f"p_{x}": probs[:, k] for k, x in enumerate(LABELS)},
            "n_frames": n_frames,
            "best_time_s": 2.0,
            "evidence_times_s": "[2.0, 4.0, 6.0]",
            "bundle_id": "b",
            "labels_id": "l",
        }
    )
    box = json.dumps([{"xyxy": [0.31, 0.4, 0.62, 0.81], "score": 0.873}])
    evidence = pd.DataFrame(
        {
            "clip_id": np.repeat(ids, n_frames),
            "i_frame": np.tile(np.arange(n_frames), n_clips),
            "time_s": np.tile(np.arange(n_frames) * 2.0, n_clips),
            **{f"p_{x}": frame_probs[:, :, k].ravel() for k, x in enumerate(LABELS)},
            "boxes": np.where(np.repeat(true < 3, n_frames), box, "[]"),
            "box_source": "made up",
        }
    )
    truth = pd.Series(names[true], index=ids)
    return Predictions(
        conform(table, predictions_columns(LABELS), where="predictions"),
        conform(evidence, evidence_columns(LABELS), where="evidence"),
    ), truth


def make_pictures(predictions: Predictions, footage: Path) -> dict[str, bytes]:
    """Return large pictures for the clips that matter most and small ones for the others, while there is room."""
    from leopardnet.data.scan.scan import scan
    from leopardnet.media.thumbnail import make_thumbnail
    from leopardnet.metrics.comparison.review_order import review_order
    from leopardnet.report.paging.paging_settings import load_paging
    from leopardnet.report.summarise import LARGE, N_LARGE, SMALL, limit_pictures
    from leopardnet.synth import FootageSpec, render_footage

    spec = FootageSpec(
        n_sites=4, clips_per_site=2, stills_per_site=6, width_px=960, height_px=540, duration_s=(1.0, 1.2)
    )
    render_footage(footage, spec, n_workers=2)
    clips = scan(footage).clips()
    large, small = ([make_thumbnail(clip, footage, **size) or b"" for clip in clips] for size in (LARGE, SMALL))
    limits = limit_pictures(predictions, None, load_paging())
    pictures, room = {}, limits["max_bytes"] or float("inf")
    for i, clip_id in enumerate(review_order(predictions.table)["clip_id"].iloc[: limits["n_pictures"]]):
        jpeg = (large if i < N_LARGE else small)[i % len(clips)]
        room -= len(jpeg)
        if room < 0:
            break
        pictures[clip_id] = jpeg
    return pictures


def open_in_browser(page: Path, *, text: str = "imag00") -> dict[str, float]:
    """Return the seconds until the page can be used, until a search and a sort are done, and the MB of the script.

    It can be used when its first clips are painted and its filters have all clips. The clock of the page starts
    with the navigation; the time of the driver is included.
    """
    from selenium import webdriver

    with tempfile.TemporaryDirectory() as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or sys.exit(
            "there is no chromium: apt-get install chromium chromium-driver"
        )
        for flag in (*FLAGS, f"--user-data-dir={profile}", "--window-size=1280,900"):
            options.add_argument(flag)
        driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
        try:
            driver.get(page.as_uri())
            opened = driver.execute_async_script(f"const done = arguments[0], start = 0; {PAINTED}")
            assert driver.execute_script("return document.querySelectorAll('tr.clip').length") == 100
            return {
                "opened": opened,
                "search": driver.execute_async_script(SEARCH, text),
                "sort": driver.execute_async_script(SORT),
                "heap_mb": driver.execute_script("return performance.memory.usedJSHeapSize") / 1e6,
            }
        finally:
            driver.quit()


def size_mb(page: Path) -> float:
    """Return the size of a page with the files beside it."""
    return sum(path.stat().st_size for path in (page, *page.parent.glob(f"{page.stem}_files/*"))) / 1e6


def print_line(name: str, values: list[float], unit: str, target: float | None) -> bool:
    """Print one figure; return whether it met its target."""
    goal = f"  target {target:g} {unit}  ratio {median(values) / target:.2f}" if target else ""
    spread = f"({min(values):.2f} to {max(values):.2f}, {len(values)} runs)"
    print(f"{name:<14} median {median(values):7.2f} {unit} {spread}{goal}")
    return target is None or median(values) < target


def main() -> int:
    """Return exit code 0 if all targets were met, and 1 otherwise."""
    from leopardnet.metrics.evaluate_clips import evaluate_clips
    from leopardnet.metrics.labelled_clips import LabelledClips
    from leopardnet.report import write_report

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=10_000)
    parser.add_argument("--frames", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    predictions, truth = make_predictions(options.clips, options.frames)
    with tempfile.TemporaryDirectory() as folder:
        pictures = make_pictures(predictions, Path(folder) / "footage")
        evaluation = evaluate_clips(LabelledClips.from_tables(predictions.table, truth), targets=LABELS[:1])
        start = time.perf_counter()
        page = write_report(
            Path(folder) / "report.html",
            predictions.table,
            evidence=predictions.evidence,
            evaluation=evaluation,
            truth=truth,
            thumbnails=pictures,
        )
        print(f"{options.clips:,} clips of {options.frames} frames, {len(pictures):,} with a picture")
        met = [print_line("written", [time.perf_counter() - start], "s", None)]
        met.append(print_line("size", [size_mb(page)], "MB", TARGET_MB))
        runs = [open_in_browser(page) for _ in range(options.repeats)]
    for name, unit, target in (
        ("opened", "s", TARGET_OPENED_S),
        ("search", "s", TARGET_ANSWER_S),
        ("sort", "s", TARGET_ANSWER_S),
        ("heap_mb", "MB", None),
    ):
        met.append(print_line(name, [run[name] for run in runs], unit, target))
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
