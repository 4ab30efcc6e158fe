"""From a decoded frame to pixels: RGB, scaled while it is converted, upright."""

from __future__ import annotations

from typing import Any

import numpy as np
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from leopardnet.core.errors import MediaError

MAX_BYTES = 4_000_000_000  # of all frames of a clip


class Pictures:
    """Frames of one clip as uint8 [n, H, W, 3] RGB. All take the size of the first one.

    short_side_px: scale so that the short side is at most this, averaging over areas; the aspect is kept. Frames are
    turned and mirrored as the display matrix of the stream says.
    """

    def __init__(self, n_most: int, short_side_px: int | None) -> None:
        self.n_most, self.short_side_px = n_most, short_side_px
        self.n = 0
        self.n_resized = 0
        self.reformatter = VideoReformatter()  # keeps its tables from one frame to the next
        self.pixels: NDArray[np.uint8] | None = None

    def add(self, frame: Any) -> None:
        """Convert a frame and put it behind the others."""
        if self.pixels is None:
            self.coded = frame.width, frame.height
            self.size = _scaled(frame.width, frame.height, self.short_side_px)
        self.n_resized += (frame.width, frame.height) != self.coded
        width, height = self.size
        # one thread: more of them do not make scaling faster, and take the core of another worker
        rgb = self.reformatter.reformat(
            frame, width=width, height=height, format="rgb24", interpolation="AREA", threads=1
        )
        plane = rgb.planes[0]
        rows = np.frombuffer(plane, np.uint8).reshape(height, plane.line_size)  # lines are padded
        picture = upright(rows[:, : 3 * width].reshape(height, width, 3), _display_matrix(frame))
        if self.pixels is None:
            if self.n_most * picture.size > MAX_BYTES:
                raise MediaError(
                    "the frames do not fit into memory",
                    found=f"{self.n_most} frames of {width} x {height} px",
                    expected=f"at most {MAX_BYTES} bytes",
                    todo="take fewer or smaller frames",
                )
            self.pixels = np.empty((self.n_most, *picture.shape), np.uint8)
        if picture.shape == self.pixels.shape[1:]:
            self.pixels[self.n] = picture
            self.n += 1


def upright(picture: NDArray[np.uint8], matrix: NDArray[np.int32] | None) -> NDArray[np.uint8]:
    """`picture` [H, W, 3] as it is meant to be seen: turned by quarters and mirrored, a view.

    matrix: int32 [3, 3], the display matrix of the stream: a row per coordinate of the picture, 65536 standing for 1.

    >>> picture = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    >>> mirrored = np.array([[-65536, 0, 0], [0, 65536, 0], [0, 0, 1 << 30]], np.int32)
    >>> upright(picture, mirrored)[0].tolist()
    [[3, 4, 5], [0, 1, 2]]
    """
    if matrix is None:
        return picture
    (a, b), (c, d) = matrix[:2, :2].tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        x_step, y_step = (-1 if a < 0 else 1), (-1 if d < 0 else 1)
    else:
        picture = picture.transpose(1, 0, 2)
        x_step, y_step = (-1 if c < 0 else 1), (-1 if b < 0 else 1)
    return picture[::y_step, ::x_step]


def _display_matrix(frame: Any) -> NDArray[np.int32] | None:
    data = frame.side_data.get("DISPLAYMATRIX")
    return None if data is None else np.frombuffer(bytes(data), np.int32)[:9].reshape(3, 3)


def _scaled(width: int, height: int, short_side_px: int | None) -> tuple[int, int]:
    if short_side_px is None or min(width, height) <= short_side_px:
        return width, height
    scale = short_side_px / min(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))
