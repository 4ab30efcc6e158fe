"""Measure what each backbone of configs/model costs: time per frame in the probe and in `predict`, and memory.

The weights are random, because only speed and memory are measured, so nothing is downloaded. Every network has a
process of its own with one thread: its features are computed in batches as the probe does, and its peak memory is
noted; then it is exported, compared with the trained network, and run frame by frame on OpenVINO as `predict` does.
Times are processor time, the least of several rounds. MODEL:SIZE is a model at another size in pixels.

Example: python scripts/benchmarks/backbones.py lite0 vit_small_dinov2 lite0:384
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from leopardnet.bundle.runtime import OpenVinoRuntime
from leopardnet.compose import list_choices, load_config
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.network.backbone_weights import native_size_px
from leopardnet.network.classifier import build_classifier, extract_features
from leopardnet.network.onnx_export import export_classifier
from leopardnet.training.frames.features import BATCH
from leopardnet.training.pack.pack import check_parity

N_LABELS = 5
ROUNDS = 3
ENOUGH_S = 20.0  # after which there are no more rounds


def cost_ms(call: Callable[[], object], n_frames: int) -> float:
    """Return the milliseconds of processor time per frame, the least of three rounds, of fewer if they are slow."""
    call()  # the first call prepares buffers
    times: list[float] = []
    while not times or (len(times) < ROUNDS and sum(times) < ENOUGH_S):
        started = time.process_time()
        call()
        times.append(time.process_time() - started)
    return 1000.0 * min(times) / n_frames


def measure(name: str, size_px: int) -> dict[str, float]:
    """Return size_px, parameters, n_features, probe_ms, probe_gb and predict_ms of one network."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = load_config("train", [f"model={name}", "model.weights=none"]).model
    size_px = size_px or native_size_px(config)
    model = build_classifier(config, N_LABELS, size_px=size_px).eval()
    frames = np.random.default_rng(0).integers(0, 256, (BATCH, 3, size_px, size_px), dtype=np.uint8)
    found = {"size_px": float(size_px), "parameters": float(sum(p.numel() for p in model.backbone.parameters()))}
    found["n_features"] = float(model.n_features)
    found["probe_ms"] = cost_ms(lambda: extract_features(model, frames), BATCH)
    found["probe_gb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6  # in kB on Linux
    model.set_class_means(extract_features(model, frames), np.arange(BATCH) % N_LABELS)
    with tempfile.TemporaryDirectory() as folder:
        graph = export_classifier(model, Path(folder) / "model.onnx", size_px=size_px)
        check_parity(model, graph, size_px=size_px, n_labels=N_LABELS)
        runtime = OpenVinoRuntime(graph, RuntimeConfig(threads=1), size_px=size_px, n_labels=N_LABELS)
    found["predict_ms"] = cost_ms(lambda: runtime.answers(frames[:4]), 4)
    return found


def main() -> None:
    """Measure and print. The first model is the one that the others are compared with."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "models", nargs="*", default=["lite0", *sorted({*list_choices("model")} - {"lite0", "tiny", "hub"})]
    )
    parser.add_argument("--json", action="store_true", help="measure one model in this process, and print JSON")
    args = parser.parse_args()
    if args.json:
        name, _, size = args.models[0].partition(":")
        print(json.dumps(measure(name, int(size or 0))))
        return
    table = Table("model", "px", "million parameters", "features", "probe", "predict", "GB")
    first: dict[str, float] = {}
    for name in args.models:
        done = subprocess.run(
            [sys.executable, __file__, "--json", name], stdout=subprocess.PIPE, text=True, check=True
        )
        found = json.loads(done.stdout.splitlines()[-1])
        first = first or found
        cells = (f"{found[k]:.0f} ms ({found[k] / first[k]:.1f})" for k in ("probe_ms", "predict_ms"))
        parameters, memory = f"{found['parameters'] / 1e6:.1f}", f"{found['probe_gb']:.1f}"
        table.add_row(name, f"{found['size_px']:.0f}", parameters, f"{found['n_features']:.0f}", *cells, memory)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
