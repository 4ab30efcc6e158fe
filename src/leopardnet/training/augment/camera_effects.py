"""Effects of camera traps on pictures: infrared light, and the banner."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

BANNER_HEIGHT = (0.04, 0.09)  # of the frame
GAIN = (0.6, 2.2)
MAX_GRAIN = 12.0  # of 255
CHARACTERS = list("0123456789:/-.CFMPA ABEKNRST")


def simulate_infrared(frame: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the frame, uint8 [H, W, 3] RGB, as if lit by an infrared flash: grey, grainy, darker at the corners.

    >>> lit = simulate_infrared(np.full((8, 8, 3), (200, 90, 40), np.uint8), np.random.default_rng(0))
    >>> lit.shape, bool((lit[..., 0] == lit[..., 2]).all())
    ((8, 8, 3), True)
    """
    height, width = frame.shape[:2]
    seen = rng.dirichlet((4.0, 4.0, 2.0))  # sensitivity of the sensor to red, green and blue
    gamma, reach, floor = rng.uniform(0.75, 1.3), rng.uniform(0.45, 1.0), rng.uniform(0.3, 0.85)
    light = compute_flash(height, width, centre=rng.uniform(0.35, 0.65, 2), reach=reach, floor=floor)
    curve = (255.0 * (np.arange(256) / 255.0) ** gamma).astype(np.float32)
    lit = curve[cv2.transform(frame, seen[None])] * light  # [H, W]
    # Cameras set their own gain. Without it, a dark picture would become black and a pale one white.
    lit *= np.float32(np.clip(rng.uniform(70.0, 130.0) / (float(lit.mean()) + 1.0), *GAIN))
    lit += rng.standard_normal((height, width), np.float32) * np.float32(rng.uniform(0.0, MAX_GRAIN))
    return np.asarray(cv2.cvtColor(np.clip(lit, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2RGB), np.uint8)


def compute_flash(
    height: int, width: int, *, centre: NDArray[np.float64], reach: float, floor: float
) -> NDArray[np.float32]:
    """Return the light of a flash, float32 [H, W]: 1 at its centre (x, y), falling to `floor`. Unit: sides."""
    y = (np.arange(height, dtype=np.float32) + 0.5) / height - np.float32(centre[1])
    x = (np.arange(width, dtype=np.float32) + 0.5) / width - np.float32(centre[0])
    falling = np.exp(-((y / reach) ** 2))[:, None] * np.exp(-((x / reach) ** 2))[None, :]  # [H, W]
    lit: NDArray[np.float32] = (floor + (1.0 - floor) * falling).astype(np.float32)
    return lit


def draw_banner(frame: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the frame with a banner at the bottom or top, empty or with random text.

    It keeps the network from learning species from the site, time or temperature in a camera's banner.
    """
    out = frame.copy()
    height, width = out.shape[:2]
    strip_px = max(2, round(height * rng.uniform(*BANNER_HEIGHT)))
    y0 = 0 if rng.random() < 0.25 else height - strip_px
    kind = rng.choice(["strip", "strip and text", "text"], p=[0.25, 0.5, 0.25])
    dark = rng.random() < 0.7
    if kind != "text":
        out[y0 : y0 + strip_px] = rng.integers(0, 25) if dark else rng.integers(200, 256)
    if kind == "strip":
        return out
    ink = rng.integers(190, 256, 3) if dark else rng.integers(0, 60, 3)
    left = width * rng.uniform(0.0, 0.1)
    scale = strip_px / 34.0  # a letter of this font is 21 px high at scale 1
    for _ in range(rng.integers(2, 6)):
        word = "".join(rng.choice(CHARACTERS, rng.integers(3, 12)))
        where = (round(left), y0 + round(strip_px * 0.8))
        cv2.putText(out, word, where, cv2.FONT_HERSHEY_SIMPLEX, scale, ink.tolist(), 1, cv2.LINE_AA)
        left += (len(word) * 20 + rng.uniform(20, 160)) * scale
    return out
