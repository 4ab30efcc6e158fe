"""How fast clips are classified, against a careful script that people write by hand. One run, both sides in turn.

Clips: 720p, 30 fps, 10 s, H.264 with a key frame every second, and MJPEG. Both sides look at the same number of frames
with the same network and input size. Speed only: the weights know nothing.

Example: python scripts/benchmark_predict.py --clips 6 --runs 3
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import torch

from leopardnet.compose import load_config
from leopardnet.demo import labelled
from leopardnet.infer.bundle import Bundle, load_bundle
from leopardnet.infer.pack import train_bundle
from leopardnet.infer.predict import predict
from leopardnet.learn.model import build_from
from leopardnet.media.synth import FootageSpec, render_clip, render_footage

N_FRAMES = 8


def make_clips(folder: Path, n_clips: int) -> None:
    """Write n clips: rendered frames enlarged to 720p with fresh noise, so that coding them is real work."""
    folder.mkdir()
    spec = FootageSpec(n_sites=1, clips_per_site=1, stills_per_site=0, duration_s=(2.0, 2.0))
    pixels = render_clip(spec, 0, 0).pixels
    rng = np.random.default_rng(0)
    for i in range(n_clips):
        mjpeg = i % 3 == 2
        with av.open(str(folder / f"{i}{'.avi' if mjpeg else '.mp4'}"), "w") as container:
            stream = container.add_stream("mjpeg" if mjpeg else "libx264", rate=30)
            stream.width, stream.height, stream.gop_size = 1280, 720, 30
            stream.pix_fmt = "yuvj420p" if mjpeg else "yuv420p"
            if not mjpeg:
                stream.options = {"preset": "veryfast", "b": "8M"}
            for k in range(300):
                large = cv2.resize(pixels[(k // 3) % len(pixels)], (1280, 720))
                noisy = cv2.add(large, rng.integers(0, 12, large.shape, dtype=np.uint8))
                container.mux(stream.encode(av.VideoFrame.from_ndarray(noisy, format="rgb24")))
            container.mux(stream.encode())


def careful_script(folder: Path, bundle: Bundle) -> Callable[[], None]:
    """Read every frame with OpenCV, keep evenly spaced ones, resize, one batch through torch."""
    model = build_from(bundle.spec.model, len(bundle.labels), bundle.folder / "model.safetensors")

    def run() -> None:
        for path in sorted(folder.iterdir()):
            capture = cv2.VideoCapture(str(path))
            wanted = set(np.linspace(0, 299, N_FRAMES).round().astype(int).tolist())
            frames, i = [], 0
            while True:
                ok, frame = capture.read()
                if not ok:
                    break
                if i in wanted:
                    frames.append(cv2.resize(frame[..., ::-1].copy(), (256, 256), interpolation=cv2.INTER_AREA))
                i += 1
            with torch.no_grad():
                model(torch.from_numpy(np.stack(frames).transpose(0, 3, 1, 2).copy())).softmax(1)

    return run


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=6)
    parser.add_argument("--runs", type=int, default=3)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        here = Path(temporary)
        spec = FootageSpec(
            n_sites=2, clips_per_site=4, stills_per_site=4, width_px=160, height_px=90, duration_s=(1, 1)
        )
        render_footage(here / "footage", spec)
        from leopardnet.data.scan import scan

        manifest = labelled(scan(here / "footage", pattern="{site}/{deployment}/*"), here / "footage")
        sides = manifest.table["site"].map({"site01": "train", "site02": "val"})
        overrides = ["debug=smoke", "model=lite0", "preprocess=squash256", "optim.epochs=0"]
        train_bundle(
            manifest.replace(manifest.table.assign(split=sides)), load_config("train", overrides), out=here / "run"
        )
        bundle = load_bundle(here / "run" / "bundle")
        make_clips(here / "clips", args.clips)
        sides_to_time = {
            "careful script": careful_script(here / "clips", bundle),
            "leopardnet predict": lambda: predict(here / "clips", bundle),
        }
        seconds: dict[str, list[float]] = {name: [] for name in sides_to_time}
        for _ in range(args.runs):
            for name, run in sides_to_time.items():
                start = time.perf_counter()
                run()
                seconds[name].append(time.perf_counter() - start)
        medians = {name: statistics.median(values) for name, values in seconds.items()}
        for name, median in medians.items():
            spread = (max(seconds[name]) - min(seconds[name])) / median
            print(f"{name:<20} {60 * args.clips / median:7.1f} clips a minute   spread {spread:.0%}")
        print(f"ratio {medians['careful script'] / medians['leopardnet predict']:.1f}")


if __name__ == "__main__":
    main()
