"""Conversion of decoded video frames to RGB pixels, scaled and upright."""

from __future__ import annotations

from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from leopardnet.core.errors import MediaError
from leopardnet.media.preprocess import shrink_size

MAX_BYTES = 4_000_000_000  # of all frames of a clip


class RgbFrames:
    """Frames of one clip as uint8 [n, H, W, 3] RGB, with their times. All take the size of the first one.

    short_side_px: scale so that the short side is at most this, averaging over areas; the aspect is kept. Frames
    are rotated and mirrored as the display matrix of the stream says.
    """

    def __init__(self, max_frames: int, short_side_px: int | None) -> None:
        self.max_frames, self.short_side_px = max_frames, short_side_px
        self.times_s: list[float] = []
        self.n_resized = 0
        self.reformatter = VideoReformatter()  # keeps its tables from one frame to the next
        self.pixels: NDArray[np.uint8] | None = None

    def add(self, time_s: float, frame: VideoFrame) -> None:
        """Convert a frame and append it. Raises MediaError if all frames would take more than MAX_BYTES."""
        if self.pixels is None:
            self.coded = frame.width, frame.height
            self.size = shrink_size(frame.width, frame.height, self.short_side_px)
        self.n_resized += (frame.width, frame.height) != self.coded
        width, height = self.size
        # More threads do not make scaling faster, and would take the core of another worker.
        rgb = self.reformatter.reformat(
            frame, width=width, height=height, format="rgb24", interpolation="AREA", threads=1
        )
        plane = rgb.planes[0]
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(height, plane.line_size)  # lines are padded
        pixels = apply_display_matrix(rows[:, : 3 * width].reshape(height, width, 3), read_display_matrix(frame))
        if self.pixels is None:
            if self.max_frames * pixels.size > MAX_BYTES:
                raise MediaError(
                    "the frames do not fit into memory",
                    found=f"{self.max_frames} frames of {width} x {height} px",
                    expected=f"at most {MAX_BYTES} bytes",
                    todo="take fewer or smaller frames",
                )
            self.pixels = np.empty((self.max_frames, *pixels.shape), np.uint8)
        if pixels.shape == self.pixels.shape[1:]:
            self.pixels[len(self.times_s)] = pixels
            self.times_s.append(time_s)


def apply_display_matrix(pixels: NDArray[np.uint8], matrix: NDArray[np.int32] | None) -> NDArray[np.uint8]:
    """Return a view of `pixels` [H, W, 3] as it should be shown, rotated by quarter turns and mirrored.

    matrix: int32 [3, 3], the display matrix of the stream: one row per image coordinate, 65536 stands for 1.

    >>> pixels = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    >>> mirrored = np.array([[-65536, 0, 0], [0, 65536, 0], [0, 0, 1 << 30]], np.int32)
    >>> apply_display_matrix(pixels, mirrored)[0].tolist()
    [[3, 4, 5], [0, 1, 2]]
    """
    if matrix is None:
        return pixels
    (a, b), (c, d) = matrix[:2, :2].tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        x_step, y_step = (-1 if a < 0 else 1), (-1 if d < 0 else 1)
    else:
        pixels = pixels.transpose(1, 0, 2)
        x_step, y_step = (-1 if c < 0 else 1), (-1 if b < 0 else 1)
    return pixels[::y_step, ::x_step]


def read_display_matrix(frame: VideoFrame) -> NDArray[np.int32] | None:
    """Return how to turn a frame, as `apply_display_matrix` takes it, int32 [3, 3]; None for an upright one."""
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    return None if data is None else np.frombuffer(bytes(data), np.int32)[:9].reshape(3, 3)
