"""Make clips for speed tests: from a seed, with the codecs, sizes and bit rates of real camera traps.

8 × H.264 1080p 30 fps 15 s with a key frame each second, 4 × MJPEG 720p 30 fps 10 s in AVI, 4 × H.264 720p 20 fps
20 s with a key frame every 250 frames and B frames, 2 × HEVC 1080p 30 fps 10 s. Each has a textured scene, new
noise in every frame, a spotted shape that walks through, and a banner; every third clip is infrared. They take
about 310 MB and 4 minutes on two cores.

Example: python scripts/benchmarks/clips.py runs/bench/clips
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Kind:
    """One kind of clip; `options` of the encoder: cameras encode without lookahead, so key frames are small."""

    name: str
    suffix: str
    codec: str
    size: tuple[int, int]
    fps: int
    duration_s: int
    n_clips: int
    bit_rate: int
    options: dict[str, str] = field(default_factory=dict)


X264 = {"preset": "veryfast", "sc_threshold": "0", "x264-params": "no-mbtree=1:rc-lookahead=0:sync-lookahead=0"}
KEY_EACH_SECOND = {**X264, "g": "30", "keyint_min": "30", "bf": "0"}
LONG_GOP = {**X264, "g": "250", "keyint_min": "250", "bf": "3"}
X265 = {"preset": "ultrafast", "g": "30", "x265-params": "log-level=none:keyint=30:min-keyint=30:no-cutree=1"}
KINDS = (
    Kind("h264", ".mp4", "libx264", (1920, 1080), 30, 15, 8, 10_000_000, KEY_EACH_SECOND),
    Kind("mjpeg", ".avi", "mjpeg", (1280, 720), 30, 10, 4, 20_000_000),
    Kind("longgop", ".mp4", "libx264", (1280, 720), 20, 20, 4, 4_000_000, LONG_GOP),
    Kind("hevc", ".mp4", "libx265", (1920, 1080), 30, 10, 2, 6_000_000, X265),
)


def make_clips(folder: Path) -> None:
    """Write all clips that are missing."""
    folder.mkdir(parents=True, exist_ok=True)
    numbered = [(kind, i) for kind in KINDS for i in range(kind.n_clips)]
    for seed, (kind, i) in enumerate(numbered):
        path = folder / f"{kind.name}_{i + 1:02d}{kind.suffix}"
        if not path.exists():
            _write(path.with_suffix(".part"), kind, seed)
            path.with_suffix(".part").rename(path)
        print(f"{seed + 1} of {len(numbered)}: {path.name}", file=sys.stderr)


def first_of_each(folder: Path) -> list[Path]:
    """Return the first clip of every kind."""
    return [folder / f"{kind.name}_01{kind.suffix}" for kind in KINDS]


def _write(path: Path, kind: Kind, seed: int) -> None:
    pix_fmt = "yuvj420p" if kind.codec == "mjpeg" else "yuv420p"
    with av.open(str(path), "w", format=kind.suffix[1:]) as container:
        stream = container.add_stream(kind.codec, rate=kind.fps, options=kind.options)
        (stream.width, stream.height), stream.pix_fmt, stream.bit_rate = kind.size, pix_fmt, kind.bit_rate
        for planes in _frames(kind, seed):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(planes, format=pix_fmt)))
        container.mux(stream.encode())


def _frames(kind: Kind, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Yield frames as packed 4:2:0 planes, uint8 [H * 3 / 2, W]."""
    rng = np.random.default_rng(seed)
    (width, height), n, infrared = kind.size, kind.fps * kind.duration_s, seed % 3 == 2
    luma = np.clip(_texture(rng, width, height), 16, 235)
    chroma = [cv2.resize(rng.normal(128, 9, (8, 14)), (width // 2, height // 2)).clip(16, 240) for _ in "uv"]
    if infrared:  # bright in the middle, dark at the edges, no colour
        y, x = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j]
        luma, chroma = luma * np.exp(-4 * (x**2 + y**2)), [np.full_like(plane, 128) for plane in chroma]
    grain = rng.normal(0, 7 if infrared else 4, (height + 128, width + 128)).astype(np.float32)
    grain = cv2.GaussianBlur(grain, (0, 0), 0.6)
    coat, shape = _animal(rng, round(0.17 * width), round(0.13 * height))
    lane, banner = round(height * rng.uniform(0.45, 0.7)), height // 22
    out = np.empty((height * 3 // 2, width), np.uint8)
    out[height:] = np.concatenate([plane.astype(np.uint8).reshape(-1, width) for plane in chroma])
    for i in range(n):
        frame = luma.astype(np.float32)
        left = round(-coat.shape[1] + (width + coat.shape[1]) * i / n)
        top = lane + round(0.01 * height * np.sin(0.6 * i))
        a, b = max(0, left), min(width, left + coat.shape[1])
        seen = frame[top : top + len(coat), a:b]
        seen += shape[:, a - left : b - left] * (coat[:, a - left : b - left] * (0.6 if infrared else 1.0) - seen)
        dy, dx = rng.integers(0, 128, 2)
        out[:height] = np.clip(frame + grain[dy : dy + height, dx : dx + width], 0, 255)
        out[height - banner : height] = 16
        text, at = f"CAM{seed:02d}  2026-11-22  {i // kind.fps:02d} s", (banner // 2, height - banner // 4)
        cv2.putText(out[:height], text, at, cv2.FONT_HERSHEY_SIMPLEX, banner / 36, 235, 2)
        yield out


def _texture(rng: np.random.Generator, width: int, height: int) -> NDArray[np.float64]:
    """Return a scene with detail at several scales, float64 [H, W]."""
    scene = np.full((height, width), 105.0)
    for n_cells, contrast in ((6, 45), (24, 28), (120, 18), (480, 8)):
        cells = rng.normal(0, contrast, (n_cells * height // width + 2, n_cells))
        scene += cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)
    return scene + cv2.GaussianBlur(rng.normal(0, 8, (height, width)), (0, 0), 1)


def _animal(rng: np.random.Generator, width: int, height: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return a spotted coat and its mask, float32 [h, w] each."""
    spots = cv2.resize(rng.normal(0, 1, (max(4, height // 9), max(4, width // 9))), (width, height))
    y, x = np.mgrid[-0.5 : 0.5 : height * 1j, -0.5 : 0.5 : width * 1j]
    shape = cv2.GaussianBlur((x**2 + y**2 < 0.24).astype(np.float32), (0, 0), 2)
    return np.where(spots > 0.4, 45, 165).astype(np.float32), shape


if __name__ == "__main__":
    make_clips(Path(sys.argv[1] if len(sys.argv) > 1 else "runs/bench/clips"))
