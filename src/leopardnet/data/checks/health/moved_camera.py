"""Cameras that were moved or turned: from one clip on, the background is another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.footage.light import LIGHTS
from leopardnet.data.checks.finding import Finding
from leopardnet.data.checks.fingerprints import count_different_bits
from leopardnet.data.checks.health.camera_unit import CameraUnit

MIN_SIDE, MAX_SIDE = 10, 40  # clips compared on each side, in one light
MAX_CLIPS = 400  # spread over the time; more cost time and say no more
UNLIKE_BITS = 32.0  # of 64, by which pictures of two backgrounds differ
MIN_STEP_BITS = 4.5  # by which pictures of the two sides differ more than those of one side
MIN_SHARE = 0.75  # of the step that another background makes: snow and leaves change a part of the picture


def find_moves(unit: CameraUnit) -> Iterator[Finding]:
    """Yield a camera whose pictures before and after a moment differ far more than those of each side.

    Perceptual hashes of up to 40 pictures before and after are compared, in one light: infrared and colour look
    unlike anyhow. Where large animals or light change all pictures so much that they differ by 27 bits anyway,
    nothing can be told.
    """
    steps = [s for light in LIGHTS if (s := _find_step(unit, light)) is not None]
    if not steps:
        return
    bits, i, light = max(steps)
    at = unit.clips["captured_at"].iloc[i]
    yield unit.warn(
        "moved_camera",
        f"from {at:%Y-%m-%d %H:%M} on, the background of its {light} pictures is another ({bits:.0f} of 64 bits): "
        "the camera was moved or turned; give each part its own deployment",
        i,
    )


def _find_step(unit: CameraUnit, light: str) -> tuple[float, int, str] | None:
    """Return the size of the step in bits, the position of the first clip after it, and the light; None without."""
    mine = np.flatnonzero((unit.clips["light"] == light).to_numpy() & unit.clips["phash"].notna().to_numpy())
    if len(mine) < 2 * MIN_SIDE:
        return None
    if len(mine) > MAX_CLIPS:
        mine = mine[np.linspace(0, len(mine) - 1, MAX_CLIPS).round().astype(int)]
    hashes = unit.clips["phash"].iloc[mine].to_numpy(np.uint64)
    within, across = measure_splits(count_different_bits(hashes[:, None], hashes[None, :]).astype(np.float64))
    step = across - within
    step[(step < MIN_STEP_BITS) | (step < MIN_SHARE * (UNLIKE_BITS - within))] = -np.inf
    k = int(step.argmax())
    return (float(step[k]), int(mine[k + MIN_SIDE]), light) if np.isfinite(step[k]) else None


def measure_splits(bits: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return, for each place where pictures may be split, the mean difference within the sides and across.

    bits: differences of pictures in order of time, float64 [N, N]. The first split is after MIN_SIDE pictures, the
    last before as many, and each side has at most MAX_SIDE. Of the sides, the one that varies more counts.
    """
    n = len(bits)
    sums = np.zeros((n + 1, n + 1))
    sums[1:, 1:] = bits.cumsum(axis=0).cumsum(axis=1)
    k = np.arange(MIN_SIDE, n - MIN_SIDE + 1)
    a, c = np.maximum(k - MAX_SIDE, 0), np.minimum(k + MAX_SIDE, n)

    def block(i: NDArray[np.int64], j: NDArray[np.int64], p: NDArray[np.int64], q: NDArray[np.int64]) -> Any:
        return sums[j, q] - sums[i, q] - sums[j, p] + sums[i, p]

    m, r = k - a, c - k
    within = np.maximum(block(a, k, a, k) / (m * (m - 1)), block(k, c, k, c) / (r * (r - 1)))
    return within, block(a, k, k, c) / (m * r)
