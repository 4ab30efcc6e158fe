"""Measure the server of the review page with 100,000 made-up clips, without footage.

Every clip has classified frames with boxes; clips are labelled while others are asked for. `started` is the time
from the tables on disk until the page can be asked for; `first_page` is what a browser then asks first: the page,
the session, 50 clips of a queue and the first clip. `clip`, `queue` and `label` are answers of the application,
without the network; `memory` is the highest of the whole process. `cpu` beside a figure is the time that this
process had, client included, which says more than the clock does on a busy machine. Prints one line per figure with
its target.

Example: python scripts/benchmarks/review.py --clips 100000 --frames 8
"""

from __future__ import annotations

import argparse
import re
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

LABELS = ("leopard", "tiger", "sika_deer", "roe_deer", "wild_boar", "badger", "fox", "human", "empty")
PORT = 8123
ORIGIN = {"origin": f"http://127.0.0.1:{PORT}"}
QUEUES = ("suspected", "unsure", "plan", "same_box", "empties", "audit", "all")
TARGETS = {"first_page_s": 1.0, "clip_p95_ms": 50.0, "queue_p95_ms": 50.0, "memory_mb": 600.0}


def write_season(folder: Path, n_clips: int, n_frames: int) -> None:
    """Write results and a manifest of made-up clips: 80 sites, a year, most of them empty, a stump at each site."""
    import json

    import numpy as np
    import pandas as pd

    from leopardnet.core.manifest import Manifest
    from leopardnet.core.tables import clip_id, write_table

    rng = np.random.default_rng(7)
    true = rng.choice(len(LABELS), n_clips, p=[0.02, 0.02, 0.1, 0.05, 0.05, 0.03, 0.03, 0.02, 0.68])
    logits = rng.normal(0, 1.5, (n_clips, len(LABELS)))
    logits[np.arange(n_clips), true] += 4
    probs = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    paths = [f"site{i % 80:02d}/2025-{1 + i % 12:02d}/DCIM/100RECNX/IMAG{i:06d}.AVI" for i in range(n_clips)]
    names = np.array(LABELS)
    decision = names[probs.argmax(axis=1)]
    table = pd.DataFrame(
        {
            "clip_id": [clip_id(path) for path in paths],
            "path": paths,
            "kind": "video",
            "site": [path.split("/")[0] for path in paths],
            "captured_at": pd.Timestamp("2025-01-01") + pd.to_timedelta(np.arange(n_clips) * 311, unit="s"),
            "status": "ok",
            "reason": None,
            "decision": decision,
            "rule": np.where(decision == "empty", "empty", "species"),
            "score": probs.max(axis=1),
            "alert": np.where(probs[:, 0] >= 0.1, "leopard", None),
            "alerts": np.where(probs[:, 0] >= 0.1, "leopard", None),
            **{f"p_{x}": probs[:, k] for k, x in enumerate(LABELS)},
            "n_frames": n_frames,
            "best_time_s": 2.0,
            "evidence_times_s": "[2.0, 4.0, 6.0]",
            "duration_s": 20.0,
            "bundle_id": "b",
            "labels_id": "l",
        }
    )
    write_table(table, folder / "results/predictions.parquet")
    columns = ["clip_id", "path", "kind", "site", "captured_at"]
    Manifest.from_rows(table[columns], folder / "footage").write(folder / "manifest.parquet")
    jitter = rng.normal(0, 0.002, (n_clips * n_frames, 4))
    places = rng.uniform(0.05, 0.6, (n_clips * n_frames, 2))
    stump = np.repeat(rng.random(n_clips) < 0.1, n_frames)
    corners = np.where(stump[:, None], [0.2, 0.3, 0.4, 0.5], np.hstack((places, places + 0.25))) + jitter
    cells = [json.dumps([{"xyxy": [round(float(v), 4) for v in xyxy], "score": 0.87}]) for xyxy in corners]
    has_box = np.repeat(true < len(LABELS) - 1, n_frames) | stump
    frame_probs = np.repeat(probs, n_frames, axis=0)
    evidence = pd.DataFrame(
        {
            "clip_id": np.repeat(table["clip_id"].to_numpy(), n_frames),
            "i_frame": np.tile(np.arange(n_frames), n_clips),
            "time_s": np.tile(np.arange(n_frames) * 2.0, n_clips),
            **{f"p_{x}": frame_probs[:, k] for k, x in enumerate(LABELS)},
            "boxes": np.where(has_box, np.array(cells, object), "[]"),
            "box_source": "made up",
        }
    )
    write_table(evidence, folder / "results/evidence.parquet")


class NoMedia:
    """No footage: nothing is decoded ahead."""

    def frame(self, clip_id: str, time_s: float, width: int, enhanced: bool) -> bytes:
        """Return nothing."""
        return b""

    def prefetch(self, clips: object, *, width: int) -> None:
        """Do nothing."""

    def prepare_videos(self, clip_ids: object) -> None:
        """Do nothing."""

    def video(self, clip_id: str, *, is_refused: bool = False) -> Any:
        """Return nothing."""
        return None

    def close(self) -> None:
        """Do nothing."""


def measure(folder: Path, n_asked: int) -> dict[str, float]:
    """Return the figures of one server over the season in a folder."""
    import numpy as np
    from starlette.testclient import TestClient

    from leopardnet.review.review_desk import ReviewDesk
    from leopardnet.review.review_source import open_review
    from leopardnet.review.web.guard import Door, local_hosts
    from leopardnet.review.web.review_app import create_app

    start, cpu = time.perf_counter(), time.process_time()
    desk = ReviewDesk(open_review(folder / "results", manifest=folder / "manifest.parquet"))
    door = Door(PORT, local_hosts(PORT))
    app = create_app(desk, NoMedia(), door, by="AB")
    found = {"started_s": time.perf_counter() - start, "started_cpu_s": time.process_time() - cpu}
    browser = TestClient(app, base_url=f"http://127.0.0.1:{PORT}")
    start, cpu = time.perf_counter(), time.process_time()
    browser.get("/", params={"token": door.token})
    browser.get("/api/session")
    first = browser.get("/api/queue/suspected?limit=50").json()["clips"][0]
    browser.get(f"/api/clip/{first['clip_id']}?queue=suspected")
    found["first_page_s"] = time.perf_counter() - start
    found["first_page_cpu_s"] = time.process_time() - cpu
    rng = np.random.default_rng(1)

    def time_ms(ask: Any) -> tuple[float, float]:
        start, cpu = time.perf_counter(), time.process_time()
        answer = ask()
        assert answer.status_code == 200, answer.text
        return 1000 * (time.perf_counter() - start), 1000 * (time.process_time() - cpu)

    spans: dict[str, list[tuple[float, float]]] = {"clip": [], "queue": [], "label": []}
    for i in range(n_asked):
        queue = QUEUES[i % len(QUEUES)]
        rows = desk.queues.open(queue, "AB").rows
        clip_id = desk.index.clip_ids[int(rng.choice(rows))]
        offset = int(rng.integers(0, len(rows)))
        body = {"key": f"{i:012}", "clip_ids": [clip_id], "labels": ["fox"], "queue": queue}
        spans["clip"].append(time_ms(lambda c=clip_id, q=queue: browser.get(f"/api/clip/{c}?queue={q}")))
        spans["queue"].append(time_ms(lambda o=offset, q=queue: browser.get(f"/api/queue/{q}?offset={o}&limit=50")))
        spans["label"].append(time_ms(lambda b=body: browser.post("/api/label", json=b, headers=ORIGIN)))
    for name, values in spans.items():
        found[f"{name}_p95_ms"], found[f"{name}_p95_cpu_ms"] = np.percentile(values, 95, axis=0)
    found["memory_mb"] = read_peak_mb()
    desk.close()
    return found


def read_peak_mb() -> float:
    """Return the highest memory of this process in MB; Linux counts that of the parent into `getrusage`."""
    status = Path("/proc/self/status")
    if status.is_file():
        return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Return exit code 0 if all targets were met, and 1 otherwise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=100_000)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--asked", type=int, default=500)
    parser.add_argument("--season", type=Path, help="Folder with a season that was written before.")
    options = parser.parse_args()
    if options.season is None:
        import subprocess

        with tempfile.TemporaryDirectory() as folder:
            write_season(Path(folder), options.clips, options.frames)
            # Writing the tables takes more memory than serving them, so the server is measured in another process.
            command = [sys.executable, __file__, "--season", folder, "--asked", str(options.asked)]
            return subprocess.run(command, check=False).returncode
    found = measure(options.season, options.asked)
    for name, value in found.items():
        target = TARGETS.get(name)
        goal = f"  target {target:g}  ratio {value / target:.2f}" if target else ""
        print(f"{name:<17} {value:9.2f}{goal}")
    return 0 if all(found[name] < target for name, target in TARGETS.items()) else 1


if __name__ == "__main__":
    sys.exit(main())
