"""Coats of the rendered animals: the colours and the pattern of an individual, painted over the rest pose."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from leopardnet.synth.animal.bodies import Body, Point
from leopardnet.synth.noise import Paint, smooth_noise

Colour = tuple[float, float, float]

_PX = 240  # pixels per torso length
_LEFT, _TOP, _WIDTH, _HEIGHT = -1.35, 1.85, 3.15, 1.95  # the painted part of the rest plane, in torso lengths
_SHIFT = 4  # fractional bits of the drawn coordinates


@dataclass(frozen=True, slots=True, eq=False)
class Coat:
    """The coat over the rest pose: float32 [H, W, 3] RGB in 0..255, the colour of the antlers, scale and origin."""

    pixels: Paint
    horn: Paint
    px_per_unit: float = _PX
    left: float = _LEFT
    top: float = _TOP


def paint_coat(body: Body, rng: Generator) -> Coat:
    """Paint the coat of an individual; tone and pattern are drawn from `rng`."""
    shape = (round(_HEIGHT * _PX), round(_WIDTH * _PX))
    xs = (np.arange(shape[1], dtype=np.float32) / _PX + _LEFT)[None, :]
    ys = (_TOP - np.arange(shape[0], dtype=np.float32) / _PX)[:, None]
    painter = {"leopard": _leopard, "tiger": _tiger, "sika_deer": _deer}[body.species]
    pixels = painter(body, rng, np.broadcast_to(xs, shape), np.broadcast_to(ys, shape))
    pixels = _ruffle(np.asarray(pixels, np.float32), rng)
    fur = 1 + 0.06 * smooth_noise(rng, shape, (3, 9)) + 0.055 * smooth_noise(rng, shape, (1.5, 4))
    broad = 1 + 0.07 * smooth_noise(rng, shape, (60, 60))
    painted = np.clip(pixels * (fur * broad)[..., None], 0, 255).astype(np.float32)
    return Coat(painted, horn=np.float32([126, 104, 80]))


def _ruffle(pixels: Paint, rng: Generator) -> Paint:
    """Blur the edges of the coat as hair does: every pixel comes from a point a little further along the fur."""
    shape = pixels.shape[:2]
    x = np.arange(shape[1], dtype=np.float32)[None] + 1.5 * smooth_noise(rng, shape, (1.6, 6))
    y = np.arange(shape[0], dtype=np.float32)[:, None] + 0.8 * smooth_noise(rng, shape, (1.6, 3))
    return cv2.remap(pixels, x, y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _px(points: list[Point] | NDArray[np.float64]) -> NDArray[np.int32]:
    p = np.asarray(points, dtype=np.float64)
    scaled = np.stack([(p[:, 0] - _LEFT) * _PX, (_TOP - p[:, 1]) * _PX], axis=1) * (1 << _SHIFT)
    return np.round(scaled).astype(np.int32)


def _fill(paint: Paint, points: list[Point] | NDArray[np.float64], colour: Colour) -> None:
    cv2.fillPoly(paint, [_px(points)], colour, cv2.LINE_AA, _SHIFT)


def _blob(
    paint: Paint, rng: Generator, at: Point, size: tuple[float, float], colour: Colour, turn: float = 0.0
) -> None:
    """Fill an irregular spot, in place."""
    angles = np.linspace(0, 2 * np.pi, 9, endpoint=False)
    r = 1 + 0.22 * rng.standard_normal(9)
    x, y = size[0] * r * np.cos(angles), size[1] * r * np.sin(angles)
    c, s = np.cos(turn), np.sin(turn)
    _fill(paint, np.stack([at[0] + x * c - y * s, at[1] + x * s + y * c], axis=1), colour)


def _stroke(paint: Paint, rng: Generator, path: NDArray[np.float64], width: float, colour: Colour) -> None:
    """Fill a stripe along a path, in place: thick in the middle, pointed at its ends, with irregular edges."""
    n = len(path)
    t = np.linspace(0, 1, n)
    half = 0.5 * width * np.sin(np.pi * np.clip(t * 0.92 + 0.05, 0, 1)) ** 0.7 * (1 + 0.22 * rng.standard_normal(n))
    along = np.gradient(path, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1) / (np.hypot(along[:, 0], along[:, 1])[:, None] + 1e-9)
    _fill(paint, np.concatenate([path + normal * half[:, None], (path - normal * half[:, None])[::-1]]), colour)


def _mix(paint: Paint, colour: Colour, amount: Paint) -> Paint:
    mixed, inside = paint.copy(), amount > 0
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if len(rows):  # most spots are small
        part = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
        share = np.clip(amount[part], 0, 1)[..., None]
        mixed[part] = paint[part] + (np.asarray(colour, np.float32) - paint[part]) * share
    return mixed


def _tone(colour: Colour, rng: Generator, spread: float) -> Colour:
    bright, warm = 1 + spread * rng.uniform(-1, 1), spread * 0.5 * rng.uniform(-1, 1)
    r, g, b = colour
    return r * bright * (1 + warm), g * bright, b * bright * (1 - warm)


def _step(values: NDArray[np.float32], edge: float, soft: float) -> Paint:
    """Return 0 below edge - soft, 1 above edge + soft, and a smooth transition between them."""
    t = np.clip((values - edge) / (2 * soft) + 0.5, 0, 1)
    return t * t * (3 - 2 * t)


def _near(xs: Paint, ys: Paint, at: Point, rx: float, ry: float) -> Paint:
    """Return 1 at a point, falling to 0 at an ellipse around it."""
    return np.clip(1.6 - 1.6 * np.sqrt(((xs - at[0]) / rx) ** 2 + ((ys - at[1]) / ry) ** 2), 0, 1)


def _scatter(rng: Generator, box: tuple[float, float, float, float], spacing: float) -> NDArray[np.float64]:
    """Return the points of a jittered hexagonal grid in a box (x0, y0, x1, y1): float64 [N, 2]."""
    x0, y0, x1, y1 = box
    rows = np.arange(y0, y1, spacing * 0.87)
    columns = np.arange(x0, x1, spacing)
    points = [(x + (i % 2) * spacing / 2, y) for i, y in enumerate(rows) for x in columns]
    return np.asarray(points) + rng.uniform(-0.24, 0.24, (len(points), 2)) * spacing


def _cat_face(paint: Paint, body: Body, xs: Paint, ys: Paint, *, white: Colour, dark: Colour) -> Paint:
    ex, ey = body.eye
    mx, my = body.rest["muzzle"]
    paint = _mix(paint, white, 0.9 * _near(xs, ys, (mx - 0.01, my - 0.05), 0.13, 0.075))
    paint = _mix(paint, white, 0.75 * _near(xs, ys, (ex + 0.005, ey + 0.012), 0.05, 0.04))
    for x, y, rx, ry in ((ex, ey, 0.026, 0.019), (mx + 0.058, my + 0.02, 0.026, 0.026)):
        paint = _mix(paint, dark, 1.5 * _near(xs, ys, (x, y), rx, ry))
    paint = _mix(paint, (190, 170, 60), 1.2 * _near(xs, ys, (ex, ey), 0.013, 0.011))
    paint = _mix(paint, (10, 10, 8), 1.6 * _near(xs, ys, (ex + 0.002, ey), 0.008, 0.009))
    mouth = np.array([(mx + 0.06, my - 0.035), (mx + 0.01, my - 0.052), (mx - 0.06, my - 0.04)])
    cv2.polylines(paint, [_px(mouth)], False, dark, 2, cv2.LINE_AA, _SHIFT)
    ax, ay = body.rest["ear0"]
    paint = _mix(paint, dark, 0.95 * _near(xs, ys, (ax - 0.012, ay + 0.04), 0.05, 0.055))
    return _mix(paint, white, 0.9 * _near(xs, ys, (ax + 0.008, ay + 0.012), 0.03, 0.03))


def _leopard(body: Body, rng: Generator, xs: Paint, ys: Paint) -> Paint:
    ochre = _tone((190, 150, 92), rng, 0.16)
    cream, dark = _tone((228, 212, 178), rng, 0.05), (34, 25, 19)
    deep = tuple(c * 0.80 for c in ochre)
    paint = np.empty((*xs.shape, 3), np.float32)
    paint[:] = ochre
    back = body.rest["loin"][1]
    paint = _mix(paint, deep, 0.5 * _step(ys, back + 0.06, 0.10))
    paint = _mix(paint, cream, 0.9 * (1 - _step(ys, back - 0.15, 0.06)) * _step(xs, 0.15, 0.1))
    paint = _mix(paint, cream, 0.6 * (1 - _step(ys, 0.28, 0.16)))
    paint = _cat_face(paint, body, xs, ys, white=cream, dark=dark)
    paint = np.ascontiguousarray(paint)
    size = rng.uniform(0.9, 1.15)
    for x, y in _scatter(rng, (-0.16, 0.44, 1.14, 0.86), 0.112 * size):
        _rosette(paint, rng, (x, y), 0.040 * size, tuple(c * 0.86 for c in ochre), dark)
    for x, y in _scatter(rng, (-0.15, 0.07, 1.1, 0.46), 0.066):
        _blob(paint, rng, (x, y), (0.017, 0.015), dark)
    for x, y in _scatter(rng, (1.09, 0.60, 1.33, 0.92), 0.052):
        if np.hypot(x - body.eye[0], y - body.eye[1]) > 0.05:
            _blob(paint, rng, (x, y), (0.012, 0.011), dark)
    _tail_rings(paint, body, rng, dark, spacing=0.075, width=0.030, broken=True)
    return paint


def _rosette(paint: Paint, rng: Generator, at: Point, radius: float, centre: Colour, dark: Colour) -> None:
    _blob(paint, rng, at, (radius, radius * 0.85), centre)
    n = int(rng.integers(3, 6))
    first = rng.uniform(0, 2 * np.pi)
    for i in range(n):
        a = first + 2 * np.pi * (i + rng.uniform(-0.15, 0.15)) / n
        spot = (at[0] + radius * np.cos(a), at[1] + 0.85 * radius * np.sin(a))
        _blob(paint, rng, spot, (radius * 0.56, radius * 0.33), dark, a + np.pi / 2)


def _tail_rings(
    paint: Paint, body: Body, rng: Generator, dark: Colour, *, spacing: float, width: float, broken: bool
) -> None:
    x0, y0 = body.rest["tail0"]
    x1 = body.rest["tail5"][0]
    for x in np.arange(x0 - 0.05, x1 - 0.06, -spacing):
        low, high = (-0.05, 0.05) if not broken else (rng.uniform(-0.05, -0.02), 0.055)
        path = np.stack([np.full(6, x) + 0.006 * rng.standard_normal(6), y0 + np.linspace(low, high, 6)], axis=1)
        _stroke(paint, rng, path, width * rng.uniform(0.8, 1.2) * 1.5, dark)
    tip = [(x1 + 0.05, y0 - 0.08), (x1 - 0.15, y0 - 0.08), (x1 - 0.15, y0 + 0.08), (x1 + 0.05, y0 + 0.08)]
    _fill(paint, tip, dark)


def _tiger(body: Body, rng: Generator, xs: Paint, ys: Paint) -> Paint:
    orange = _tone((194, 116, 56), rng, 0.13)
    white, dark = _tone((216, 206, 188), rng, 0.04), (26, 20, 17)
    paint = np.empty((*xs.shape, 3), np.float32)
    paint[:] = orange
    back = body.rest["loin"][1]
    paint = _mix(paint, tuple(c * 0.82 for c in orange), 0.6 * _step(ys, back + 0.08, 0.09))
    paint = _mix(paint, white, (1 - _step(ys, back - 0.155, 0.045)) * _step(xs, 0.2, 0.08) * _step(ys, 0.34, 0.05))
    inner = (1 - _step(np.abs(xs - 0.98), 0.05, 0.03)) + (1 - _step(np.abs(xs + 0.02), 0.05, 0.03))
    paint = _mix(paint, white, 0.55 * inner * (1 - _step(ys, 0.30, 0.12)))
    sx, sy = body.rest["skull"]
    paint = _mix(paint, white, 1.1 * _near(xs, ys, (sx - 0.045, sy - 0.095), 0.12, 0.085))
    paint = _cat_face(paint, body, xs, ys, white=white, dark=dark)
    paint = np.ascontiguousarray(paint)
    _tiger_stripes(paint, body, rng, dark, back)
    _tail_rings(paint, body, rng, dark, spacing=0.085, width=0.026, broken=False)
    return paint


def _tiger_stripes(paint: Paint, body: Body, rng: Generator, dark: Colour, back: float) -> None:
    t = np.linspace(0, 1, 14)
    spacing = rng.uniform(0.066, 0.088)
    for x in np.arange(-0.17, 1.17, spacing):
        slant = 0.10 * (0.5 - x) + rng.uniform(-0.04, 0.04)
        top, length = back + 0.25, rng.uniform(0.26, 0.46)
        wave = 0.016 * np.sin(2 * np.pi * (t * rng.uniform(0.6, 1.4) + rng.random()))
        path = np.stack([x + slant * t + wave, top - length * t], axis=1)
        _stroke(paint, rng, path, rng.uniform(0.026, 0.044), dark)
        if rng.random() < 0.55:  # a short stripe that rises from the belly between two long ones
            foot = back - rng.uniform(0.17, 0.26)
            path = np.stack([x + spacing / 2 - slant * t + wave, foot + rng.uniform(0.12, 0.24) * t], axis=1)
            _stroke(paint, rng, path, rng.uniform(0.018, 0.032), dark)
    for centre, low, high, reach in ((0.10, 0.10, 0.44, 0.15), (0.91, 0.12, 0.40, 0.06)):
        for y in np.arange(low, high, 0.058):
            side = rng.choice([-1.0, 1.0])
            x = centre + side * 0.12 + 0.04 * rng.standard_normal()
            path = np.stack([x - side * (reach + 0.10) * t, y + 0.03 * side * t + 0.012 * np.sin(3 * t)], axis=1)
            _stroke(paint, rng, path, rng.uniform(0.020, 0.032), dark)
    sx, sy = body.rest["skull"]
    neck = ((-0.10, -0.13, 0.15, 1.2), (-0.06, -0.10, 0.12, 1.1), (-0.11, 0.0, 0.15, 1.5))
    cheek = ((-0.05, 0.05, 0.09, 1.3), (0.0, 0.075, 0.06, 1.0), (0.02, -0.05, 0.07, 1.9))
    for dx, dy, length, turn in (*neck, *cheek):
        ends = np.stack([t * np.cos(turn), t * np.sin(turn)], axis=1) * length
        _stroke(paint, rng, np.array([sx + dx, sy + dy]) + ends, 0.02, dark)


def _deer(body: Body, rng: Generator, xs: Paint, ys: Paint) -> Paint:
    winter = rng.uniform(0, 0.6)
    brown = np.array([150, 92, 52]) * (1 - winter) + np.array([112, 90, 70]) * winter
    brown = _tone(tuple(brown), rng, 0.14)
    pale, dark, white = (186, 160, 132), (38, 29, 24), (240, 234, 222)
    paint = np.empty((*xs.shape, 3), np.float32)
    paint[:] = brown
    back = body.rest["loin"][1]
    paint = _mix(paint, pale, 0.75 * (1 - _step(ys, back - 0.14, 0.05)) * _step(ys, back - 0.26, 0.03))
    stripe = tuple(c * 0.62 for c in brown)
    paint = _mix(paint, stripe, 0.9 * _step(ys, back + 0.125, 0.035) * (1 - _step(xs, 0.98, 0.1)))
    legs = tuple(0.7 * c + 0.3 * p for c, p in zip(brown, pale, strict=True))
    paint = _mix(paint, legs, 1 - _step(ys, 0.55, 0.2))
    paint = _mix(paint, dark, 1 - _step(ys, 0.05, 0.01))
    rump = body.rest["rump"]
    paint = _mix(paint, dark, 0.8 * _near(xs, ys, (rump[0] - 0.12, rump[1] + 0.01), 0.20, 0.25))
    paint = _mix(paint, white, 1.8 * _near(xs, ys, (rump[0] - 0.14, rump[1] - 0.01), 0.165, 0.21))
    paint = np.ascontiguousarray(_deer_face(paint, body, xs, ys, dark=dark, pale=pale))
    spot = tuple(w * (1 - 0.35 * winter) + c * 0.35 * winter for w, c in zip(white, brown, strict=True))
    for i_row, drop in enumerate((-0.098, -0.025, 0.045, 0.112)):
        for x in np.arange(0.03 + 0.035 * (i_row % 2), 0.98, rng.uniform(0.072, 0.094)):
            y = back - drop + 0.012 * rng.standard_normal() - 0.05 * abs(x - 0.45) * (i_row > 2)
            size = rng.uniform(0.014, 0.022)
            _blob(paint, rng, (x + 0.012 * rng.standard_normal(), y), (size * 1.25, size), spot)
    return paint


def _deer_face(paint: Paint, body: Body, xs: Paint, ys: Paint, *, dark: Colour, pale: Colour) -> Paint:
    ex, ey = body.eye
    mx, my = body.rest["muzzle"]
    ax, ay = body.rest["ear1"]
    paint = _mix(paint, pale, 0.7 * _near(xs, ys, (mx - 0.06, my - 0.035), 0.12, 0.05))
    paint = _mix(paint, pale, 0.6 * _near(xs, ys, (ex, ey - 0.005), 0.045, 0.04))
    paint = _mix(paint, dark, 1.6 * _near(xs, ys, (mx + 0.03, my + 0.012), 0.034, 0.034))
    paint = _mix(paint, (12, 9, 8), 1.8 * _near(xs, ys, (ex, ey), 0.022, 0.020))
    return _mix(paint, pale, 0.7 * _near(xs, ys, (ax + 0.03, ay - 0.05), 0.035, 0.07))
