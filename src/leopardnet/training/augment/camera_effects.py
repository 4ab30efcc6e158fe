"""Effects of camera traps on pictures: infrared light, and the banner."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]

BANNER_HEIGHT = (0.04, 0.09)  # of the frame
# The look of infrared pictures, in ranges between which each copy is drawn. Brightness is in steps of 255.
DETAIL_PX = (180.0, 600.0)  # the longer side of a picture that holds all the detail that camera and light left
FAR_STOPS = (-1.8, 0.2)  # the distance, in the upper third, against what is near, in the lower third
BRIGHTNESS, GAIN = (45.0, 160.0), (0.5, 3.0)
SHOULDER = (220.0, 500.0)  # where the answer of the sensor to light bends: the lower, the flatter what is bright
GRAIN = (0.7, 8.0)
CHARACTERS = list("0123456789:/-.CFMPA ABEKNRST")


def simulate_infrared(frame: Pixels, rng: np.random.Generator) -> Pixels:
    """Return the frame, uint8 [H, W, 3] RGB, as if lit by an infrared flash.

    It is grey, soft and grainy, darker at the corners, and dark in the distance, which a flash does not reach. One
    picture does not tell distances: what is above is taken to be farther, and a picture that is dark there already
    stays as it is. Infrared pictures get another camera and another flash. Copies were compared with real pictures
    by `scripts/measure_night.py`. Compression is a step of the pipeline, eyes do not shine, and nothing moves.

    >>> lit = simulate_infrared(np.full((8, 8, 3), (200, 90, 40), np.uint8), np.random.default_rng(0))
    >>> lit.shape, bool((lit[..., 0] == lit[..., 2]).all())
    ((8, 8, 3), True)
    """
    height, width = frame.shape[:2]
    seen = rng.dirichlet((4.0, 4.0, 2.0))  # sensitivity of the sensor to red, green and blue
    share = min(1.0, _draw_evenly_in_stops(rng, DETAIL_PX) / max(height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA) if share < 1.0 else frame
    curve = (255.0 * (np.arange(256) / 255.0) ** rng.uniform(0.75, 1.3)).astype(np.float32)
    lit = np.asarray(cv2.LUT(cv2.transform(small, seen[None]), curve), np.float32)  # [h, w]
    centre = rng.uniform(0.35, 0.65, 2)
    reach, floor = rng.uniform(0.35, 1.0), rng.uniform(0.1, 0.7)
    lit *= compute_flash(*lit.shape, centre=centre, reach=reach, floor=floor)
    lit *= compute_distance_loss(lit, far_stops=rng.uniform(*FAR_STOPS))
    # Cameras set their own gain. Without it, a dark picture would become black and a pale one white.
    lit *= np.float32(np.clip(rng.uniform(*BRIGHTNESS) / (float(lit.mean()) + 1.0), *GAIN))
    shoulder = rng.uniform(*SHOULDER)
    top, grain = 1.25 * shoulder, rng.standard_normal(lit.shape, np.float32)  # 1.25: the middle stays as bright
    unlit = cv2.exp(lit * np.float32(-1.0 / shoulder))
    # top * (1 - unlit) and grain, within 0 and 255
    grey = cv2.addWeighted(unlit, -top, grain, _draw_evenly_in_stops(rng, GRAIN), top, dtype=cv2.CV_8U)
    if share < 1.0:
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)


def _draw_evenly_in_stops(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(*np.log(bounds))))


def compute_distance_loss(lit: NDArray[np.float32], *, far_stops: float) -> NDArray[np.float32]:
    """Return what to multiply each row by, float32 [H, 1], so that the upper third is `far_stops` under the lower.

    It falls from 1 at the bottom by equal stops per row, and is 1 everywhere if the upper third is as dark already.

    >>> compute_distance_loss(np.full((3, 2), 98.0, np.float32), far_stops=-1.0).ravel().tolist()[-1]
    1.0
    """
    third = max(1, len(lit) // 3)
    far, near = float(lit[:third].mean()), float(lit[-third:].mean())
    excess = max(0.0, float(np.log2((far + 2.0) / (near + 2.0))) - far_stops)
    # Two thirds of the height lie between the centres of both thirds.
    stops = 1.5 * excess * np.linspace(1.0, 0.0, len(lit), dtype=np.float32)
    kept: NDArray[np.float32] = np.exp2(-stops).astype(np.float32)[:, None]
    return kept


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
