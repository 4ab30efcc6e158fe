"""The picture of a site by day or in the infrared flash, split at the distance of the animal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from leopardnet.synth.noise import smooth_noise
from leopardnet.synth.place.ground import blend_edge, paint_backdrop, paint_ground
from leopardnet.synth.place.plants import TRUNKS, Colour, Lens, Thing, Tint, paint_thing
from leopardnet.synth.place.site import Site, place_things

Rgb = NDArray[np.uint8]
Plane = NDArray[np.float32]

_FINER = 2  # the forest is drawn larger and then reduced, which smooths its edges
_STAGES_M = (18.0, 9.0, 5.0)  # things beyond these distances are drawn once for all clips of a site


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """A scene without its animal.

    behind: uint8 [H, W, 3]; front: uint8 [H, W, 4], colour multiplied by alpha; sway_behind, sway_front: float32
    [h, w], how far leaves move; lens: in pixels of the picture; light: float32 [H, W], brightness of an animal.
    """

    behind: Rgb
    front: NDArray[np.uint8]
    sway_behind: Plane
    sway_front: Plane
    lens: Lens
    light: Plane
    tint: Tint


def site_lens(site: Site, size_px: tuple[int, int]) -> Lens:
    """Return the camera of the site for a picture of (width, height) pixels."""
    width, height = size_px
    return Lens(width, height, site.zoom * width, site.horizon * height, site.height_m)


def site_tint(site: Site, *, night: bool) -> Tint:
    """Return how colours look at the site: with haze and a cast by day, grey and darker with distance by night."""
    return _night_tint(site.flash_m) if night else _day_tint(site)


def _day_tint(site: Site) -> Tint:
    haze, cast = np.array([148.0, 156, 150]), np.asarray(site.cast)

    def tint(colour: Colour, z_m: float) -> Colour:
        fade = 1 - np.exp(-max(z_m - 3.0, 0) / site.haze_m)
        return np.asarray(colour) * (cast * (1 - fade)) + haze * fade

    return tint


def _night_tint(flash_m: float) -> Tint:
    def tint(colour: Colour, z_m: float) -> Colour:
        c = np.asarray(colour)
        grey = 0.40 * c[..., 0] + 0.55 * c[..., 1] + 0.05 * c[..., 2] + 14
        lit = min(1.25, (flash_m / max(z_m, 0.5)) ** 1.1)
        shown = 225 * (1 - np.exp(-grey * lit / 150))  # bright things near the lens saturate gradually
        return np.repeat(shown[..., None], 3, axis=-1)

    return tint


def paint_view(
    site: Site,
    *,
    season: str,
    night: bool,
    size_px: tuple[int, int],
    animal_m: float,
    nearer: list[Thing],
    rng: Generator,
) -> View:
    """Draw the scene of one clip, split at the distance `animal_m`; `nearer` holds additional things."""
    lens, tint = site_lens(site, size_px), site_tint(site, night=night)
    fine = lens.scale(_FINER)
    stage = sum(animal_m <= edge for edge in _STAGES_M)
    canvas = _far_scene(site, season, night, size_px, stage).copy()
    front = np.zeros_like(canvas)
    beyond = _STAGES_M[stage - 1] if stage else np.inf
    things = sorted([*_site_things(site, season), *nearer], key=lambda t: -t.z_m)
    for thing in things:
        if thing.z_m < beyond:
            _draw_thing(front if thing.z_m < animal_m else canvas, thing, fine, tint)
    small = cv2.resize(canvas, size_px, interpolation=cv2.INTER_AREA)
    over = cv2.resize(front, size_px, interpolation=cv2.INTER_AREA)
    ground, animal = _light(lens, night, rng)
    for picture in (small, over):
        picture[..., :3] = np.minimum(picture[..., :3] * ground[..., None], 255)
    np.minimum(over[..., :3], over[..., 3:], out=over[..., :3])
    sways = [_sway_map(things, lens, lambda z, part=part: (z < animal_m) == part) for part in (False, True)]
    return View(np.ascontiguousarray(small[..., :3]), over, sways[0], sways[1], lens, animal, tint)


@lru_cache(maxsize=8)
def _site_things(site: Site, season: str) -> tuple[Thing, ...]:
    return tuple(place_things(site, season))


@lru_cache(maxsize=16)
def _far_scene(site: Site, season: str, night: bool, size_px: tuple[int, int], stage: int) -> NDArray[np.uint8]:
    """Return background, ground and all things beyond the distance of a stage; uint8 [2H, 2W, 4], read-only."""
    fine, tint = site_lens(site, size_px).scale(_FINER), site_tint(site, night=night)
    if stage == 0:
        canvas = np.full((fine.height_px, fine.width_px, 4), 255, np.uint8)
        canvas[..., :3] = np.clip(paint_backdrop(site, season, fine, tint, night), 0, 255)
        ground, z = paint_ground(site, season, fine)
        tinted = np.concatenate([tint(ground[i : i + 1], float(d)) for i, d in enumerate(z)])
        blend_edge(canvas, tinted, fine, np.random.default_rng([site.seed, 4]))
        return canvas
    canvas = _far_scene(site, season, night, size_px, stage - 1).copy()
    beyond = _STAGES_M[stage - 2] if stage > 1 else np.inf
    for thing in _site_things(site, season):
        if _STAGES_M[stage - 1] <= thing.z_m < beyond:
            _draw_thing(canvas, thing, fine, tint)
    return canvas


def _draw_thing(canvas: NDArray[np.uint8], thing: Thing, lens: Lens, tint: Tint) -> None:
    _ground_shadow(canvas, thing, lens)
    paint_thing(canvas, thing, lens, tint)


def _light(lens: Lens, night: bool, rng: Generator) -> tuple[Plane, Plane]:
    """Return the brightness of the scene and of an animal in it, with patches of sunlight: float32 [H, W] each.

    The patches are flattened by perspective and end at the horizon. On the animal they are blurred.
    """
    h, w = lens.height_px, lens.width_px
    sun = float(rng.uniform(0.25, 1.0))
    noise = smooth_noise(rng, (h, w), (h / 14, w / 9)) + 0.6 * smooth_noise(rng, (h, w), (h / 34, w / 26))
    if night:
        return np.ones((h, w), np.float32), np.ones((h, w), np.float32)
    below = np.clip((np.arange(h, dtype=np.float32)[:, None] - lens.horizon_px) / (0.08 * h), 0, 1)
    spots = cv2.GaussianBlur(np.clip(1.4 * noise - 0.4, 0, 1), (0, 0), 3.0 * w / 640)
    patches = 1 + 0.75 * spots * max(0.0, sun - 0.3) * below
    level = np.float32(0.86 + 0.36 * sun)
    soft = cv2.GaussianBlur(np.sqrt(patches), (0, 0), 2.0 * w / 640)
    return (level * patches).astype(np.float32), (level * soft).astype(np.float32)


def _ground_shadow(canvas: NDArray[np.uint8], thing: Thing, lens: Lens) -> None:
    """Darken the ground around a thing, in place. On a transparent foreground this has no effect."""
    if thing.kind == "grass":
        return
    x, y = lens.ground(thing.x_m, thing.z_m)
    wide = thing.size_m * lens.focal_px / thing.z_m * (2.2 if thing.kind in TRUNKS else 0.7)
    half = (int(wide) + 2, int(0.22 * wide) + 2)
    x0, x1, y0, y1 = int(x) - half[0], int(x) + half[0], int(y) - half[1], int(y) + half[1]
    left, top = max(0, x0), max(0, y0)
    roi = canvas[top : max(top, y1), left : max(left, x1), :3]
    if roi.size:
        dx = (np.arange(left, left + roi.shape[1]) - x) / half[0]
        dy = (np.arange(top, top + roi.shape[0]) - y) / half[1]
        dark = 1 - 0.6 * np.exp(-thing.z_m / 11) * np.clip(1 - dx[None] ** 2 - dy[:, None] ** 2, 0, 1)
        roi[:] = (roi * dark[..., None]).astype(np.uint8)


def _sway_map(things: list[Thing], lens: Lens, chosen: Callable[[float], bool]) -> Plane:
    """Return how far the leaves of the things at `chosen` distances move: float32 [H / 8, W / 8]."""
    sway = np.zeros((lens.height_px // 8, lens.width_px // 8), np.float32)
    for thing in things:
        if thing.sway and chosen(thing.z_m):
            x, y, size = lens.place(thing)
            centre = (round(x / 8), round((y - 0.55 * size) / 8))
            axes = (max(1, round(0.6 * size / 8)), max(1, round(0.55 * size / 8)))
            cv2.ellipse(sway, centre, axes, 0, 0, 360, thing.sway * min(1.6, 5.0 / thing.z_m + 0.25), -1)
    return sway
