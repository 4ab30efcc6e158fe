"""Measure the time of an evaluation with intervals over sites, and of the whole protocol.

The predictions are made up: four labels, 80 % empty clips, 100 sites, frames that mostly agree with their clip.
Times are also given in units of what scikit-learn takes on this machine for AUROC and AUPRC of each label without
intervals.

Example: python scripts/benchmarks/evaluation.py --clips 100000 --frames 8
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table
from sklearn.metrics import average_precision_score, roc_auc_score

from leopardnet.core.columns import evidence_columns, predictions_columns
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import clip_id, conform
from leopardnet.evaluation.protocol import evaluate, evaluate_all

LABELS = ("leopard", "tiger", "sika_deer", "empty")
SHARES = (0.01, 0.02, 0.17, 0.80)


def make_predictions(n: int, n_frames: int, root: Path) -> tuple[Predictions, Manifest]:
    """Return predictions of n clips at 100 sites, ten minutes apart, and a manifest with their labels."""
    rng = np.random.default_rng(0)
    y, site = rng.choice(len(LABELS), n, p=SHARES), rng.integers(0, 100, n)
    z = rng.normal(0, 1, (n, n_frames, len(LABELS)))
    z[np.arange(n), :, y] += 2.5
    frames = np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True)
    mean = z.mean(axis=1)
    probs = np.exp(mean) / np.exp(mean).sum(axis=-1, keepdims=True)
    paths = [f"s{s:03d}/{i:07d}.mp4" for i, s in enumerate(site)]
    ids = [clip_id(path) for path in paths]
    decided = probs.argmax(axis=1)
    about = {
        "path": paths,
        "kind": "video",
        "site": [f"s{s:03d}" for s in site],
        "captured_at": pd.Timestamp("2021-07-01") + pd.to_timedelta(10 * np.arange(n), unit="min"),
    }
    table = pd.DataFrame(
        {
            "clip_id": ids,
            **about,
            "status": "ok",
            "decision": np.array(LABELS)[decided],
            "rule": np.where(decided == 3, "empty", "species"),
            "score": probs.max(axis=1),
            "n_frames": n_frames,
            "bundle_id": "b",
            "labels_id": "l",
            **{f"p_{x}": probs[:, i] for i, x in enumerate(LABELS)},
        }
    )
    flat = frames.reshape(-1, len(LABELS))
    evidence = pd.DataFrame(
        {
            "clip_id": np.repeat(ids, n_frames),
            "i_frame": np.tile(np.arange(n_frames), n),
            "time_s": np.tile(np.arange(float(n_frames)), n),
            **{f"p_{x}": flat[:, i] for i, x in enumerate(LABELS)},
        }
    )
    made = Predictions(
        conform(table, predictions_columns(LABELS), where="table"),
        conform(evidence, evidence_columns(LABELS), where="evidence"),
    )
    return made, Manifest.from_rows(pd.DataFrame({**about, "label": np.array(LABELS)[y]}), root)


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=100_000)
    parser.add_argument("--frames", type=int, default=4, help="frames of each clip, for the protocol")
    parser.add_argument("--n-boot", type=int, default=1000)
    parser.add_argument("--skip-protocol", action="store_true", help="evaluate clips only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        predictions, manifest = make_predictions(options.clips, options.frames, Path(folder))
    truth = predictions.table["clip_id"].map(manifest.clip_labels())

    def plain() -> None:
        for label in LABELS:
            score = predictions.table[f"p_{label}"]
            roc_auc_score(truth == label, score)
            average_precision_score(truth == label, score)

    unit = seconds(plain)
    steps = {"scikit-learn: AUROC and AUPRC of each label, no interval": plain}
    steps[f"evaluate, {options.n_boot} draws of sites"] = lambda: evaluate(
        predictions, manifest, n_boot=options.n_boot
    )
    if not options.skip_protocol:
        steps[f"protocol: events, aggregators, baselines, {options.n_boot} draws"] = lambda: evaluate_all(
            predictions, manifest, n_boot=options.n_boot
        )
    table = Table(
        "step", "seconds", "in units of scikit-learn", title=f"{options.clips} clips, {options.frames} frames each"
    )
    for name, work in steps.items():
        took = seconds(work)
        table.add_row(name, f"{took:.1f}", f"{took / unit:.0f}")
    console = Console()
    console.print(table)
    console.print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
