"""Trunks, bushes, grass, twigs and stones of the rendered forest, each painted at its distance from the camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from leopardnet.synth.noise import Paint

Canvas = NDArray[np.uint8]

Colour = NDArray[np.float64]
Tint = Callable[[Colour, float], Colour]
"""Returns the apparent colour (float64 [..., 3], RGB) at a distance in metres in the light of the clip."""


TRUNKS = ("trunk", "birch", "pine")


@dataclass(frozen=True, slots=True)
class Thing:
    """One plant or stone: kind, position (x to the right, z away from the camera, in metres), size and seed."""

    kind: str
    x_m: float
    z_m: float
    size_m: float
    seed: int
    colour: tuple[float, float, float]
    sway: float = 0.0


@dataclass(frozen=True, slots=True)
class Lens:
    """A camera at `height_m` over flat ground: focal length and horizon in pixels of a W x H canvas."""

    width_px: int
    height_px: int
    focal_px: float
    horizon_px: float
    height_m: float

    def ground(self, x_m: float, z_m: float) -> tuple[float, float]:
        """Return the pixel (x, y) of a point on the ground."""
        return self.width_px / 2 + self.focal_px * x_m / z_m, self.horizon_px + self.focal_px * self.height_m / z_m

    def place(self, thing: Thing) -> tuple[float, float, float]:
        """Return the pixel (x, y) at which a thing stands, and its size in pixels."""
        return (*self.ground(thing.x_m, thing.z_m), thing.size_m * self.focal_px / thing.z_m)

    def scale(self, factor: int) -> Lens:
        """Return the same camera over a canvas `factor` times as large."""
        sizes = (self.width_px, self.height_px, self.focal_px, self.horizon_px)
        return Lens(*(factor * size for size in sizes), self.height_m)


def paint_thing(canvas: Canvas, thing: Thing, lens: Lens, tint: Tint) -> None:
    """Draw a thing over uint8 [H, W, 4], in place; alpha becomes 255 where it is drawn."""
    others = {"bush": _bush, "fern": _fern, "grass": _grass, "twigs": _twigs, "stone": _stone, "log": _log}
    painter = _trunk if thing.kind in TRUNKS else others[thing.kind]
    painter(canvas, thing, lens, tint, np.random.default_rng(thing.seed))


def _rgba(colour: Colour) -> tuple[float, ...]:
    return (*(float(c) for c in np.clip(colour, 0, 255)), 255.0)


def _fill_polygons(canvas: Canvas, polygons: NDArray[np.float64], colours: Colour) -> None:
    """Fill polygons [N, K, 2] in the given order, without those outside the canvas."""
    low, high = polygons.min(axis=1), polygons.max(axis=1)
    h, w = canvas.shape[:2]
    seen = (high[:, 0] >= 0) & (high[:, 1] >= 0) & (low[:, 0] < w) & (low[:, 1] < h)
    points = np.round(np.clip(polygons[seen], -8000, 8000) * 16).astype(np.int32)
    shades = np.clip(colours[seen], 0, 255).tolist()
    for polygon, (r, g, b) in zip(points, shades, strict=True):
        cv2.fillConvexPoly(canvas, polygon, (r, g, b, 255.0), cv2.LINE_8, 4)


def _vary_colour(colour: tuple[float, float, float], n: int, spread: float, rng: Generator) -> Colour:
    """Return `n` shades of a colour that differ in brightness and a little in hue: float64 [n, 3]."""
    shade = 1 + spread * rng.standard_normal((n, 1))
    hue = 1 + 0.25 * spread * rng.standard_normal((n, 3))
    return np.asarray(colour) * np.clip(shade, 0.25, 1.9) * hue


def leaf_outlines(
    centres: NDArray[np.float64], length: NDArray[np.float64], turn: NDArray[np.float64], slim: float
) -> NDArray[np.float64]:
    """Return the outlines of leaves with six corners: float64 [N, 6, 2]."""
    shape = np.array([(0, 0), (0.28, 0.32), (0.62, 0.30), (1, 0), (0.62, -0.30), (0.28, -0.32)]) - (0.5, 0)
    shape = shape * (1, slim)
    c, s = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x = shape[None, :, 0] * c - shape[None, :, 1] * s
    y = shape[None, :, 0] * s + shape[None, :, 1] * c
    return centres[:, None] + np.stack([x, y], axis=2) * length[:, None, None]


def _n_pieces(lens: Lens, thing: Thing, most: int) -> int:
    """Return the number of leaves or blades to draw: fewer for things that are small in the picture."""
    size_px = thing.size_m * lens.focal_px / thing.z_m
    return int(np.clip(size_px * 1.1, 14, most))


def _bush(canvas: Canvas, thing: Thing, lens: Lens, tint: Tint, rng: Generator) -> None:
    x, y, size = lens.place(thing)
    n = _n_pieces(lens, thing, 420)
    a, r = rng.uniform(0, np.pi, n), np.sqrt(rng.random(n))
    lobes = 1 + 0.22 * np.sin(a * rng.integers(2, 6) + rng.uniform(0, 6))
    dx, dy = 0.62 * np.cos(a) * r * lobes, np.sin(a) * r * lobes * 0.8
    order = np.argsort(rng.random(n) + 0.8 * (1 - r))  # inner leaves, in shadow, are drawn first
    dx, dy, r = dx[order], dy[order], r[order]
    leaf = max(2.6, size * rng.uniform(0.05, 0.085))
    centres = np.stack([x + dx * size, y - dy * size - 0.02 * size], axis=1)
    light = 0.42 + 0.50 * dy + 0.38 * np.linspace(0, 1, n)
    colours = tint(_vary_colour(thing.colour, n, 0.17, rng) * light[:, None], thing.z_m)
    for _ in range(min(9, n // 6)):
        tip = (x + size * rng.uniform(-0.55, 0.55), y - size * rng.uniform(0.4, 0.85))
        stem = np.array([[(x + 0.05 * size * rng.standard_normal(), y), tip]])
        dark, width = _rgba(tint(np.array([52.0, 42, 32]), thing.z_m)), max(1, round(size * 0.012))
        cv2.polylines(canvas, np.round(stem * 16).astype(np.int32), False, dark, width, cv2.LINE_8, 4)
    turn = rng.uniform(0, 2 * np.pi, n)
    _fill_polygons(
        canvas, leaf_outlines(centres, leaf * rng.uniform(0.6, 1.4, n), turn, rng.uniform(0.55, 0.85)), colours
    )


def _fern(canvas: Canvas, thing: Thing, lens: Lens, tint: Tint, rng: Generator) -> None:
    x, y, size = lens.place(thing)
    n_fronds, n_leaves = int(rng.integers(7, 13)), int(np.clip(size / 5, 6, 15))
    t = np.linspace(0.12, 1, n_leaves)
    for frond in range(n_fronds):
        out = rng.uniform(-1, 1)
        rise = 0.9 * (1 - 0.5 * abs(out)) * rng.uniform(0.8, 1.1)
        height = rise * (1.6 * t - 0.85 * t * t * (0.5 + abs(out)))
        spine = np.stack([x + size * 0.75 * out * t, y - size * height], axis=1)
        along = np.arctan2(*np.gradient(spine, axis=0).T[::-1])
        blades = size * 0.19 * np.sin(np.pi * (0.12 + 0.86 * t)) ** 0.8
        sides = []
        for side in (-1.15, 1.15):
            turn = along + side
            middle = spine + 0.5 * blades[:, None] * np.stack([np.cos(turn), np.sin(turn)], axis=1)
            sides.append(leaf_outlines(middle, np.maximum(blades, 3), turn, 0.17))
        light = (0.45 + 0.55 * frond / n_fronds) * rng.uniform(0.75, 1.2)
        shades = tint(_vary_colour(thing.colour, 2 * n_leaves, 0.09, rng) * light, thing.z_m)
        _fill_polygons(canvas, np.concatenate(sides), shades)


def _grass(canvas: Canvas, thing: Thing, lens: Lens, tint: Tint, rng: Generator) -> None:
    x, y, size = lens.place(thing)
    n = _n_pieces(lens, thing, 110)
    foot = x + 0.45 * size * rng.standard_normal(n)
    tall = size * rng.uniform(0.35, 1.0, n)
    bend = size * 0.38 * rng.standard_normal(n)
    wide = np.maximum(0.55, size * 0.011 * rng.uniform(0.7, 1.5, n))
    base = y + 0.05 * size * rng.random(n)
    t = np.array([0, 0.4, 0.75, 1])
    px = foot[:, None] + bend[:, None] * t**2
    py = base[:, None] - tall[:, None] * (t - 0.18 * t**2 * np.abs(bend / size)[:, None])
    half = wide[:, None] * np.array([1, 0.9, 0.6, 0.1])
    left = np.stack([px - half, py], axis=2)
    right = np.stack([px + half, py], axis=2)[:, ::-1]
    shades = tint(_vary_colour(thing.colour, n, 0.20, rng) * np.linspace(0.6, 1.1, n)[:, None], thing.z_m)
    h, w = canvas.shape[:2]
    blades = np.concatenate([left, right], axis=1)
    low, high = blades.min(axis=1), blades.max(axis=1)
    seen = (high[:, 0] > 0) & (low[:, 0] < w) & (low[:, 1] < h)
    points = np.round(blades[seen] * 16).astype(np.int32)
    for polygon, (r, g, b) in zip(points, np.clip(shades[seen], 0, 255).tolist(), strict=True):
        cv2.fillPoly(canvas, [polygon], (r, g, b, 255.0), cv2.LINE_8, 4)


def _twigs(canvas: Canvas, thing: Thing, lens: Lens, tint: Tint, rng: Generator) -> None:
    """Draw a leafless bush: forked lines that become thinner."""
    x, y, size = lens.place(thing)
    stems = [
        ((x + 0.1 * size * rng.standard_normal(), y), -np.pi / 2 + 0.45 * rng.standard_normal(), size * 0.42)
        for _ in range(int(np.clip(size / 14, 3, 9)))
    ]
    for level in range(3):
        longer = []
        shade = _rgba(tint(_vary_colour(thing.colour, 1, 0.15, rng)[0], thing.z_m))
        for (x0, y0), turn, length in stems:
            bow = turn + 0.25 * rng.standard_normal()
            middle = (x0 + 0.5 * length * np.cos(turn), y0 + 0.5 * length * np.sin(turn))
            tip = (middle[0] + 0.5 * length * np.cos(bow), middle[1] + 0.5 * length * np.sin(bow))
            line = np.round(np.array([(x0, y0), middle, tip]) * 16).astype(np.int32)
            cv2.polylines(canvas, [line], False, shade, max(1, round(size * 0.016 / (level + 1))), cv2.LINE_8, 4)
            for _ in range(2 if level == 0 else 3):
                fork = middle if rng.random() < 0.5 else tip
                longer.append((fork, bow + 0.6 * rng.standard_normal(), length * rng.uniform(0.45, 0.75)))
        stems = longer


def _bark(kind: str, u: Paint, v: Paint, rng: Generator) -> Paint:
    """Return the brightness of bark around 1, at angle `u` in [-1, 1] and height `v` in trunk widths; float32."""
    n = 128
    coarse = (12, 8) if kind == "birch" else (9, 36)
    texture = cv2.resize(rng.standard_normal(coarse, dtype=np.float32), (n, n), interpolation=cv2.INTER_CUBIC)
    fine = cv2.GaussianBlur(rng.standard_normal((n, n), dtype=np.float32), (0, 0), sigmaX=0.8, sigmaY=3.0)
    texture = texture + 1.6 * fine
    if kind == "birch":
        dashes = cv2.GaussianBlur(rng.standard_normal((n, n), dtype=np.float32), (0, 0), sigmaX=7, sigmaY=1.0)
        texture = 0.35 * texture - 3.2 * (dashes > 2.0 * dashes.std())
    x = ((u + 1) * 0.5 * (n - 1)).astype(np.float32)
    y = np.mod(v * 26, 2 * n - 2).astype(np.float32)
    y = np.where(y > n - 1, 2 * n - 2 - y, y)
    return 1 + 0.20 * cv2.remap(texture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _trunk(canvas: Canvas, thing: Thing, lens: Lens, tint: Tint, rng: Generator) -> None:
    x0, y0, half = lens.place(thing)
    h, w = canvas.shape[:2]
    bottom = int(min(h, y0 + 0.35 * half + 1))
    rows = np.arange(0, max(bottom, 1), dtype=np.float32)
    up = np.maximum(0, (y0 - rows) / max(lens.focal_px / thing.z_m, 1e-6))  # metres above the ground
    lean, bow = 0.05 * rng.standard_normal(), 0.03 * rng.standard_normal()
    centre = x0 + (lean * up + bow * np.sin(1.3 * up + rng.uniform(0, 6))) * lens.focal_px / thing.z_m
    width = half * (1 - 0.04 * np.minimum(up, 10)) * (1 + 0.55 * np.exp(-up / (thing.size_m * 1.3)))
    left, right = int(max(0, (centre - width).min() - 2)), int(min(w, (centre + width).max() + 2))
    if right <= left or bottom <= 0:
        return
    columns = np.arange(left, right, dtype=np.float32)
    u = (columns[None] - centre[:, None]) / width[:, None]
    root = y0 + 0.3 * half * (1 - u**2) + 0.12 * half * np.sin(5 * u + rng.uniform(0, 6))
    mask = (np.abs(u) < 1) & (rows[:, None] < root)
    round_u = np.arcsin(np.clip(u, -1, 1)) * (2 / np.pi)
    v = np.broadcast_to(((y0 - rows) / max(half, 1e-3) / 2)[:, None], u.shape)
    side = rng.choice([-1.0, 1.0])
    light = (0.45 + 0.62 * np.sqrt(np.clip(1 - u**2, 0, 1))) * (1 + 0.22 * side * u)
    light = light * _bark(thing.kind, round_u, v, rng) * (0.72 + 0.28 * np.clip(up / 0.35, 0, 1))[:, None]
    moss = np.clip(0.9 - up / 0.8, 0, 1)[:, None] * (0.5 + 0.5 * np.sin(3 * u + v))
    moss = moss[..., None]
    base = np.asarray(thing.colour)[None, None] * (1 - 0.3 * moss) + np.array([60, 78, 36]) * 0.3 * moss
    shades = np.clip(tint((base * light[..., None])[mask], thing.z_m), 0, 255)
    opaque = np.full((len(shades), 1), 255.0)
    canvas[:bottom, left:right][mask] = np.concatenate([shades, opaque], axis=1).astype(np.uint8)


def _stone(canvas: Canvas, thing: Thing, lens: Lens, tint: Tint, rng: Generator) -> None:
    x, y, size = lens.place(thing)
    a = np.linspace(0, 2 * np.pi, 15, endpoint=False)
    outline = (1 + 0.10 * rng.standard_normal(15)) * size
    for shrink in np.linspace(1, 0.12, 9):  # lit from above, drawn in layers
        px = x + outline * np.cos(a) * shrink
        py = y - 0.28 * size - (0.52 * outline * np.sin(a)) * shrink - (1 - shrink) * 0.22 * size
        points = np.stack([px, py], axis=1)[None]
        shade = _vary_colour(thing.colour, 1, 0.05, rng) * (0.45 + 0.62 * (1 - shrink))
        _fill_polygons(canvas, points, tint(shade, thing.z_m))
    n = int(np.clip(size, 10, 160))
    px = x + size * rng.uniform(-0.7, 0.7, n)
    py = y - 0.3 * size - 0.4 * size * rng.uniform(-0.7, 0.9, n)
    centres = np.stack([px, py], axis=1)
    flecks = leaf_outlines(centres, size * rng.uniform(0.02, 0.10, n), rng.uniform(0, 6.3, n), 1.5)
    light = 0.45 + 0.5 * (y - centres[:, 1:]) / max(size, 1)
    _fill_polygons(canvas, flecks, tint(_vary_colour(thing.colour, n, 0.2, rng) * light, thing.z_m))


def _log(canvas: Canvas, thing: Thing, lens: Lens, tint: Tint, rng: Generator) -> None:
    """Draw a fallen trunk across the picture."""
    x, y = lens.ground(thing.x_m, thing.z_m)
    unit = lens.focal_px / thing.z_m
    length, half, tilt = thing.size_m * unit, 0.11 * thing.size_m**0.5 * unit, 0.12 * rng.standard_normal()
    t = np.linspace(-0.5, 0.5, 14)
    py = y - half + tilt * t * length + 0.02 * length * np.sin(4 * t + rng.uniform(0, 6))
    line = np.stack([x + t * length, py], axis=1)
    n = 15
    for i, v in enumerate(np.linspace(1, -1, n)):
        wide = half * (1 - 0.25 * (t + 0.5))
        upper, lower = line + np.stack([0 * t, v * wide], 1), line + np.stack([0 * t, (v - 2.4 / n) * wide], 1)
        band = np.concatenate([upper, lower[::-1]])
        shade = _vary_colour(thing.colour, 1, 0.10, rng)[0] * (0.35 + 0.65 * i / n)
        cv2.fillPoly(canvas, [np.round(band * 16).astype(np.int32)], _rgba(tint(shade, thing.z_m)), cv2.LINE_8, 4)
