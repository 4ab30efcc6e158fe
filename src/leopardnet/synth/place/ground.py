"""The ground of each site in perspective, and the forest in the background."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from leopardnet.synth.noise import smooth_noise
from leopardnet.synth.place.plants import Lens, Tint, leaf_outlines
from leopardnet.synth.place.site import LEAF_COLOUR, SEASONS, Site

Rgb = NDArray[np.uint8]
Plane = NDArray[np.float32]

_TILE, _TILE_M = 1024, 5.0  # side of the ground texture, in pixels and metres


@lru_cache(maxsize=4)
def _ground_tile(site: Site, season: str) -> Rgb:
    """Return a patch of ground seen from above, with leaves, needles or snow: uint8 [1024, 1024, 3]."""
    rng = np.random.default_rng([site.seed, 2, SEASONS.index(season)])
    shape = (_TILE, _TILE)
    rough = smooth_noise(rng, shape, (5, 5)) * 0.10 + smooth_noise(rng, shape, (40, 40)) * 0.10
    rough += 0.08 * rng.standard_normal(shape, dtype=np.float32)
    soil = np.asarray(site.soil, np.float32)[None, None] * (0.72 + rough)[..., None]
    if season == "summer":
        green = np.clip(smooth_noise(rng, shape, (110, 110)) * 0.6 + 0.5 * (1 - site.leafy), 0, 1)[..., None]
        soil = soil * (1 - 0.6 * green) + np.float32([70, 92, 38]) * (0.9 + 3 * rough[..., None]) * 0.6 * green
    tile = np.clip(soil, 0, 255).astype(np.uint8)
    _draw_leaves(tile, site, season, rng)
    if season == "winter" and site.snowy_winter:
        return _add_snow(tile, rng)
    return tile


def _draw_leaves(tile: Rgb, site: Site, season: str, rng: Generator) -> None:
    """Draw leaves and their shadows over the ground, in place."""
    n = round(5200 * site.leafy * {"summer": 0.6, "autumn": 1.25, "winter": 1.0}[season])
    centres, turn = rng.uniform(0, _TILE, (n, 2)), rng.uniform(0, 6.3, n)
    length = rng.uniform(9, 27, n)
    tones = np.array([(146, 108, 66), (112, 82, 54), (168, 134, 92), (88, 70, 50), (150, 92, 48)], float)
    if season == "summer":
        tones = np.concatenate([tones * 0.85, [(86, 104, 44), (70, 92, 40), (98, 112, 56)]])
    colours = tones[rng.integers(len(tones), size=n)] * rng.uniform(0.55, 1.15, (n, 1))
    slim = 0.8 if site.bark[0] != "pine" else 0.2
    outlines = leaf_outlines(centres, length, turn, slim)
    for outline, (r, g, b) in zip(np.round(outlines * 16).astype(np.int32), colours.tolist(), strict=True):
        cv2.fillConvexPoly(tile, outline + 30, (r * 0.35, g * 0.35, b * 0.35), cv2.LINE_8, 4)
        cv2.fillConvexPoly(tile, outline, (r, g, b), cv2.LINE_8, 4)


def _add_snow(tile: Rgb, rng: Generator) -> Rgb:
    shape = tile.shape[:2]
    depth = 1.0 + 0.40 * smooth_noise(rng, shape, (90, 90)) + 0.22 * smooth_noise(rng, shape, (9, 9))
    cover = np.clip(depth * 2.2, 0, 1)[..., None]
    relief = smooth_noise(rng, shape, (26, 26)) * 7 + smooth_noise(rng, shape, (4, 4)) * 4
    snow = np.float32([206, 212, 222]) + relief[..., None]
    return np.clip(tile * (1 - cover) + snow * cover, 0, 255).astype(np.uint8)


def paint_ground(site: Site, season: str, lens: Lens) -> tuple[NDArray[np.float32], Plane]:
    """Return the ground in perspective, float32 [h, W, 3] from the horizon down, and metres to each row, [h]."""
    first = max(0, int(lens.horizon_px) + 1)
    z = lens.focal_px * lens.height_m / (np.arange(first, lens.height_px) + 0.5 - lens.horizon_px)
    x = (np.arange(lens.width_px) - lens.width_px / 2)[None] * z[:, None] / lens.focal_px
    per_m = _TILE / _TILE_M
    map_x = (x * per_m + 0.47 * _TILE).astype(np.float32)
    map_y = np.broadcast_to((z * per_m + 0.3 * _TILE).astype(np.float32)[:, None], x.shape)
    level = np.clip(np.log2(np.maximum(z, 0.1) * per_m / lens.focal_px), 0, 5)[:, None, None]
    tile, ground = _ground_tile(site, season), np.zeros((*x.shape, 3), np.float32)
    for i in range(6):  # each row uses the copies of the tile whose scale fits its distance
        weight = np.clip(1 - np.abs(level - i), 0, 1).astype(np.float32)
        rows = np.flatnonzero(weight[:, 0, 0] > 0)
        if len(rows):
            part = slice(rows[0], rows[-1] + 1)
            x_part, y_part = map_x[part] / 2**i, np.ascontiguousarray(map_y[part]) / 2**i
            texture = cv2.remap(tile, x_part, y_part, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
            ground[part] += weight[part] * texture
        tile = cv2.pyrDown(tile)
    return ground, z.astype(np.float32)


def paint_backdrop(site: Site, season: str, lens: Lens, tint: Tint, night: bool) -> NDArray[np.float32]:
    """Return the background of the forest: sky through leaves above, a dark thicket below; float32 [H, W, 3]."""
    rng = np.random.default_rng([site.seed, 3])
    h, w = lens.height_px, lens.width_px
    leaf = np.asarray(LEAF_COLOUR[season]) * 0.55
    broad = smooth_noise(rng, (h, w), (h / 5, w / 7))
    fine = 0.6 * smooth_noise(rng, (h, w), (h / 40, w / 64)) + 0.6 * smooth_noise(rng, (h, w), (h / 110, w / 190))
    canopy = 0.8 * broad + 0.8 * smooth_noise(rng, (h, w), (h / 14, w / 22)) + fine
    up = 1 - np.arange(h, dtype=np.float32)[:, None] / max(lens.horizon_px, 1)
    closed = {"summer": 2.7, "autumn": 2.3, "winter": 1.8}[season]
    gap = np.clip(0.55 * (canopy + 1.6 * up - closed), 0, 0.9)
    gap = cv2.GaussianBlur(gap, (0, 0), w / 500)[..., None]
    shade = (0.85 + 0.16 * fine + 0.16 * canopy - 0.25 * (1 - up))[..., None]
    thicket = tint(np.clip(shade * leaf, 0, 255), 22.0)
    sky = tint(np.array([206.0, 212, 216]), 0.0) if not night else np.zeros(3)
    return (thicket * (1 - gap) + sky * gap).astype(np.float32)


def blend_edge(canvas: NDArray[np.uint8], ground: Plane, lens: Lens, rng: Generator) -> None:
    """Draw the ground over the background, in place, with an uneven and soft edge."""
    rows = len(ground)
    edge = 0.035 * lens.height_px * (1.2 + 0.5 * smooth_noise(rng, (1, lens.width_px), (1, lens.width_px / 14)))
    rough = 0.10 * smooth_noise(rng, (rows, lens.width_px), (lens.height_px / 150, lens.width_px / 220))
    below = np.arange(rows, dtype=np.float32)[:, None]
    alpha = np.clip(below / np.maximum(edge, 2) + 3 * rough - 0.5, 0, 1)[..., None]
    part = canvas[lens.height_px - rows :, :, :3]
    part[:] = np.clip(part * (1 - alpha) + ground * alpha, 0, 255)
