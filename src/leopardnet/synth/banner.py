"""The strip with clock, temperature and camera at the bottom of the picture, in the style of each make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = NDArray[np.uint8]

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_MOON_DAYS = 29.53


@dataclass(frozen=True, slots=True)
class Style:
    """What one make draws. Places are shares of the width; logos keep their colour by night.

    texts: patterns of strftime, with {c} and {f} for temperatures and {site}; logo_shape: text, box or oval.
    """

    paper: int
    ink: int
    logo: str
    logo_shape: str
    logo_colour: tuple[int, int, int]
    logo_at: float
    moon_at: float
    texts: tuple[tuple[float, str], ...]


_STYLES = {
    "BUSHNELL": Style(
        *(255, 8, "Bushnell", "box", (222, 98, 30), 0.0, 0.50),
        ((0.17, "{site}"), (0.32, "{f}F{c}C"), (0.63, "%m-%d-%Y %H:%M:%S")),
    ),
    "RECONYX": Style(
        *(0, 245, "RECONYX", "oval", (20, 130, 40), 0.85, 0.69),
        ((0.01, "%Y-%m-%d %I:%M:%S %p"), (0.43, "M 1/3"), (0.55, "{site}"), (0.74, "{c}C")),
    ),
    "BROWNING": Style(
        *(14, 235, "BROWNING", "text", (206, 160, 60), 0.01, 0.44),
        ((0.24, "{c}C {f}F"), (0.49, "{site}"), (0.64, "%m/%d/%Y %H:%M:%S")),
    ),
    "LTL": Style(
        *(10, 235, "LTL ACORN", "text", (235, 235, 235), 0.01, 0.46),
        ((0.24, "{c}C {f}F"), (0.51, "{site}"), (0.65, "%Y-%m-%d %H:%M:%S")),
    ),
}


def banner_height(height_px: int) -> int:
    """Return the number of rows at the bottom of the picture that the banner covers.

    >>> banner_height(360)
    22
    """
    return max(10, round(0.06 * height_px))


def stamp_banner(picture: Rgb, camera: str, site: str, captured_at: datetime, t_s: float, *, celsius: int) -> None:
    """Draw the banner with clock, temperature and camera over the bottom of the picture, in place."""
    clock = captured_at + timedelta(seconds=int(t_s))
    strip = _draw_strip(picture.shape[1], banner_height(picture.shape[0]), camera, site, clock, celsius)
    picture[-len(strip) :] = strip


@lru_cache(maxsize=32)
def _draw_strip(width: int, height: int, camera: str, site: str, clock: datetime, celsius: int) -> Rgb:
    style = _STYLES[camera.split()[0]]
    strip = np.full((height, width, 3), style.paper, np.uint8)
    _draw_logo(strip, style)
    _draw_moon(strip, style, clock)
    values = {"c": celsius, "f": round(celsius * 9 / 5 + 32), "site": site.upper()}
    for share, pattern in style.texts:
        _write(strip, share, clock.strftime(pattern.format(**values)), (style.ink,) * 3)
    return strip


def _write(strip: Rgb, share: float, text: str, ink: tuple[int, ...], size: float = 1.0) -> None:
    height, width = strip.shape[:2]
    at = (round(share * width), round((0.5 + 0.22 * size) * height))
    cv2.putText(strip, text, at, _FONT, size * height / 38, ink, 1, cv2.LINE_AA)


def _draw_logo(strip: Rgb, style: Style) -> None:
    height, width = strip.shape[:2]
    left, right = round(style.logo_at * width), round((style.logo_at + 0.145) * width)
    size = 1.0 if style.logo_shape == "text" else 0.75
    ink = style.logo_colour
    if style.logo_shape == "box":
        strip[:, left:right] = style.logo_colour
        ink = (255, 255, 255)
    if style.logo_shape == "oval":
        centre, axes = ((left + right) // 2, height // 2), ((right - left) // 2 - 1, height // 2 - 1)
        cv2.ellipse(strip, centre, axes, 0, 0, 360, style.logo_colour, 1, cv2.LINE_AA)
    inset = 0.0 if style.logo_shape == "text" else 0.022
    _write(strip, style.logo_at + inset, style.logo, ink, size)


def _draw_moon(strip: Rgb, style: Style, clock: datetime) -> None:
    """Draw the disc of the moon, its dark part in the colour of the strip."""
    height, width = strip.shape[:2]
    phase = (clock - datetime(2021, 1, 13)).days % _MOON_DAYS / _MOON_DAYS  # 0 is new, 0.5 is full
    centre, radius = (round(style.moon_at * width), height // 2), max(2, round(0.3 * height))
    cv2.circle(strip, centre, radius, (style.ink,) * 3, -1, cv2.LINE_AA)
    shade = (round(centre[0] + radius * (4 * phase if phase < 0.5 else 4 * phase - 4)), centre[1])
    cv2.circle(strip, shade, radius, (style.paper,) * 3, -1, cv2.LINE_AA)
    cv2.circle(strip, centre, radius, (style.ink,) * 3, 1, cv2.LINE_AA)
