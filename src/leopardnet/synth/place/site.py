"""The sites of rendered footage: the camera, and the plants and stones of each season."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from leopardnet.synth.place.plants import Thing

SEASONS = ("summer", "autumn", "winter")
_FAR_M = 34.0


@dataclass(frozen=True, slots=True)
class Site:
    """The constant properties of a site: camera, trees and ground; lengths in metres, angles as ratios."""

    seed: int
    camera: str
    height_m: float
    horizon: float  # share of the picture above the horizon
    zoom: float  # focal length over picture width
    bark: tuple[str, tuple[float, float, float]]
    n_trunks: int
    undergrowth: tuple[str, ...]
    density: float
    soil: tuple[float, float, float]
    leafy: float
    snowy_winter: bool
    cast: tuple[float, float, float]
    haze_m: float
    flash_m: float


_BARKS = (
    ("trunk", (88.0, 76, 64)),
    ("birch", (196.0, 192, 182)),
    ("pine", (134.0, 92, 66)),
    ("trunk", (104.0, 100, 92)),
)
_SOILS = ((116.0, 88, 60), (98.0, 84, 58), (128.0, 104, 74), (84.0, 78, 50))
_PLANTS = (("fern", "bush"), ("bush", "grass"), ("grass",), ("bush", "stone"), ("fern", "grass", "log"))


def make_site(seed: int, i_site: int) -> Site:
    """Return the site with this number. Neighbours differ in trees, ground, plants and camera.

    >>> make_site(7, 0) == make_site(7, 0), make_site(7, 0) == make_site(7, 1)
    (True, False)
    """
    rng = np.random.default_rng([seed, i_site, 101])
    warm = rng.uniform(-0.07, 0.07)
    return Site(
        seed=int(rng.integers(2**31)),
        camera=str(rng.choice(["LTL ACORN", "BUSHNELL", "RECONYX HC", "BROWNING"])),
        height_m=float(rng.uniform(0.55, 1.15)),
        horizon=float(rng.uniform(0.27, 0.46)),
        zoom=float(rng.uniform(0.88, 1.15)),
        bark=_BARKS[(i_site + int(rng.integers(2))) % len(_BARKS)],
        n_trunks=int(rng.integers(26, 54)),
        undergrowth=_PLANTS[(2 * i_site + int(rng.integers(2))) % len(_PLANTS)],
        density=float(rng.uniform(0.45, 1.25)),
        soil=_SOILS[(i_site + int(rng.integers(2))) % len(_SOILS)],
        leafy=float(rng.uniform(0.5, 1.0)),
        snowy_winter=i_site % 3 != 1,
        cast=(1 + warm, float(1 + rng.uniform(-0.02, 0.05)), 1 - warm),
        haze_m=float(rng.uniform(22, 60)),
        flash_m=float(rng.uniform(5.0, 9.0)),
    )


# Positions -----------------------------------------------------------------------------------------------


def _draw_positions(rng: Generator, n: int, near_m: float, far_m: float) -> NDArray[np.float64]:
    """Return positions x, z on the ground in metres, a little denser far away: float64 [n, 2]."""
    z = near_m + (far_m - near_m) * rng.random(n) ** 0.75
    return np.stack([rng.uniform(-0.75, 0.75, n) * z, z], axis=1)


def place_things(site: Site, season: str) -> list[Thing]:
    """Return trees, undergrowth and stones of a site, the farthest first."""
    rng = np.random.default_rng([site.seed, 1])
    things = []
    for x, z in _draw_positions(rng, site.n_trunks, 4.0, _FAR_M):
        if abs(x) > 0.10 * z or z > 9:  # there is a lane in front of the camera
            r = float(rng.uniform(0.05, 0.17) if rng.random() < 0.8 else rng.uniform(0.17, 0.32))
            things.append(Thing(site.bark[0], x, z, r, int(rng.integers(2**31)), _shade_colour(rng, site.bark[1])))
            foot = Thing(
                "grass", x, z - 0.05, float(rng.uniform(0.15, 0.4)), int(rng.integers(2**31)), (0.0, 0.0, 0.0)
            )
            things.append(_colour_for_season(site, season, foot, rng))
    for x, z in _draw_positions(rng, 60, 14.0, _FAR_M):  # saplings and thicket in the background
        sapling = Thing(
            "trunk",
            x,
            z,
            float(rng.uniform(0.02, 0.06)),
            int(rng.integers(2**31)),
            _shade_colour(rng, (70, 64, 54)),
        )
        thicket = Thing("bush", x, z + 4, float(rng.uniform(0.5, 1.5)), int(rng.integers(2**31)), (0.0, 0.0, 0.0))
        things += [sapling, _colour_for_season(site, season, thicket, rng)]
    n = round(150 * site.density)
    for x, z in _draw_positions(rng, n, 2.6, 26.0):
        kind = str(rng.choice(site.undergrowth))
        size, lane = float(rng.uniform(0.25, 0.85)), abs(x) < 0.22 * z + 0.25
        seed, draw = int(rng.integers(2**31)), rng.random()
        if kind == "log" and draw > 0.12:
            kind = "grass"
        if kind == "stone" and draw > 0.3:
            kind = "bush"
        if lane and z < 11:
            kind, size = "grass", size * 0.3
        things.append(_colour_for_season(site, season, Thing(kind, x, z, size, seed, (0.0, 0.0, 0.0)), rng))
    return sorted(things, key=lambda t: -t.z_m)


def _shade_colour(rng: Generator, colour: tuple[float, float, float]) -> tuple[float, float, float]:
    r, g, b = np.asarray(colour) * rng.uniform(0.75, 1.2) * rng.uniform(0.95, 1.05, 3)
    return float(r), float(g), float(b)


LEAF_COLOUR = {"summer": (76.0, 94, 46), "autumn": (142.0, 106, 44), "winter": (120.0, 96, 62)}
_BLADE = {"summer": (98.0, 108, 60), "autumn": (156.0, 138, 84), "winter": (158.0, 140, 100)}


def _colour_for_season(site: Site, season: str, thing: Thing, rng: Generator) -> Thing:
    """Return the thing in the colours of the season; bushes lose their leaves in winter."""
    if thing.kind in ("stone", "log"):
        colour = (112.0, 110, 104) if thing.kind == "stone" else (92.0, 76, 58)
        return replace(
            thing, colour=_shade_colour(rng, colour), size_m=thing.size_m * (1 if thing.kind == "stone" else 4)
        )
    if thing.kind == "grass":
        return replace(thing, colour=_shade_colour(rng, _BLADE[season]), sway=0.8)
    bare = season == "winter" and (thing.kind == "fern" or rng.random() < 0.75)
    bare = bare or (season == "autumn" and rng.random() < 0.3)
    if bare:
        return replace(
            thing, kind="twigs", size_m=thing.size_m * 1.3, colour=_shade_colour(rng, (84, 68, 54)), sway=0.5
        )
    return replace(thing, colour=_shade_colour(rng, LEAF_COLOUR[season]), sway=1.0)
