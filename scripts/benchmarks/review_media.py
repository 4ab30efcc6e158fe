"""Measure the media of the review: what a made video costs, and how soon the next frame is there.

The clips are rendered here: noise over a scene that moves, as MJPEG of a camera at about 60 Mbit/s, and as H.264
with a key frame a second. Videos are made in this process, and their processor seconds change less on a busy
machine than their time. Frames come through the workers of the review; their times are medians of several.

Example: python scripts/benchmarks/review_media.py --seconds 10
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import clip_id
from leopardnet.media.thumbnail import brighten
from leopardnet.review.media.convert_video import Limits, convert_video
from leopardnet.review.media.review_media import ReviewMedia

FPS = 30
SIZE = 1920, 1080
ROUNDS = 9


def render(path: Path, codec: str, pixel_format: str, n_frames: int, options: dict[str, str]) -> Path:
    """Write a clip of n frames and return its path."""
    rng = np.random.default_rng(0)
    width, height = SIZE
    scene = rng.integers(20, 120, (height // 8, width // 8, 3), dtype=np.uint8).repeat(8, 0).repeat(8, 1)
    noise = [rng.integers(0, 12, scene.shape, dtype=np.uint8) for _ in range(4)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = width, height, pixel_format, FPS
        for i in range(n_frames):
            pixels = scene + noise[i % len(noise)]
            left = i * 8 % (width - 300)
            pixels[400:600, left : left + 300] = 200
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def median_ms(calls: list[Callable[[], object]]) -> str:
    """Return the median of the milliseconds that the calls take, and the longest, as text."""
    times = []
    for call in calls:
        started = time.perf_counter()
        call()
        times.append(1000 * (time.perf_counter() - started))
    return f"{statistics.median(times):.1f} ms (longest {max(times):.1f})"


def measure(folder: Path, seconds: int) -> list[tuple[str, str]]:
    """Return what was measured and its figures, as texts."""
    mjpeg = render(folder / "a.avi", "mjpeg", "yuvj422p", seconds * FPS, {"qmin": "2", "qmax": "4"})
    h264 = render(folder / "b.avi", "libx264", "yuv420p", seconds * FPS, {"preset": "ultrafast", "bf": "0"})
    found = [("MJPEG clip", f"{seconds} s, {mjpeg.stat().st_size / 1e6:.0f} MB")]
    for name, path in (("MJPEG, encoded", mjpeg), ("H.264 in AVI, copied", h264)):
        started, busy = time.perf_counter(), time.process_time()
        convert_video(path, folder / "made.mp4", Limits(10**9))
        wall_s, busy_s = time.perf_counter() - started, time.process_time() - busy
        size = (folder / "made.mp4").stat().st_size / 1e6
        found.append((name, f"{wall_s:.1f} s, {busy_s:.1f} s of processors, {size:.1f} MB"))
    night = np.random.default_rng(0).integers(0, 30, (540, 960, 3), dtype=np.uint8)
    found.append(("enhanced view, 960 x 540", median_ms([lambda: brighten(night)] * ROUNDS)))
    rows = pd.DataFrame({"path": ["a.avi", "b.avi"], "kind": "video"})
    media = ReviewMedia(Manifest.from_rows(rows, folder), cache=folder / "cache", max_bytes=10**9, n_workers=2)
    try:
        media.frame(clip_id("a.avi"), 0.0, 960)
        for path in ("a.avi", "b.avi"):
            times_s = np.linspace(0.5, seconds - 0.5, ROUNDS)
            asks = [lambda t=t: media.frame(clip_id(path), float(t), 960) for t in times_s]  # noqa: B023
            found.append((f"frame of {path}, first time", median_ms(asks)))
            found.append((f"frame of {path}, from the cache", median_ms(asks)))
    finally:
        media.close()
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=10, help="length of the clip")
    arguments = parser.parse_args()
    table = Table("what", "figure", title=f"{SIZE[0]} x {SIZE[1]} px, {FPS} frames a second")
    with tempfile.TemporaryDirectory() as folder:
        for row in measure(Path(folder), arguments.seconds):
            table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
