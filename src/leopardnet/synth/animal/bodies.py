"""Bodies and gaits of the rendered animals: joints, limbs and poses, in units of the torso's length.

The body is seen from the side, facing right. x runs forward from the hips, y up from the ground. The coat is
painted over the rest pose (`coats`), a pose moves the joints, and `sprites` draws the result.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from math import atan2, cos, pi, sin

import numpy as np
from numpy.random import Generator

SPECIES = ("leopard", "tiger", "sika_deer")
N_TAIL = 5

Point = tuple[float, float]
Joints = dict[str, Point]


@dataclass(frozen=True, slots=True)
class Limb:
    """A tapered part of the body between two joints; `side` is far (drawn behind and darker) or near."""

    start: str
    end: str
    r_start: float
    r_end: float
    side: str = "near"


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """One individual: joints at rest, limbs, torso length in metres, and the parameters of its gait."""

    species: str
    torso_m: float
    rest: Joints
    limbs: tuple[Limb, ...]
    eye: Point
    step: float
    smooth: float
    antlers: tuple[tuple[Point, ...], ...] = field(default=())

    @property
    def stride(self) -> float:
        """The distance covered in one cycle of the gait, in torso lengths."""
        return 2 * self.step / _DUTY


_DUTY = 0.64  # share of the cycle in which a foot stands on the ground
_PHASES = {"nh": 0.0, "nf": 0.25, "fh": 0.5, "ff": 0.75}  # lateral-sequence walk

# Each joint is (x, y, radius); the limbs that meet at a joint share its radius.
_CAT = {
    "rump": (-0.05, 0.595, 0.135),
    "hip": (0.10, 0.63, 0.180),
    "loin": (0.38, 0.645, 0.160),
    "rib": (0.64, 0.615, 0.185),
    "chest": (0.86, 0.605, 0.195),
    "withers": (0.97, 0.66, 0.150),
    "nape": (1.05, 0.68, 0.145),
    "poll": (1.25, 0.755, 0.110),
    "skull": (1.30, 0.775, 0.112),
    "muzzle": (1.415, 0.735, 0.066),
    "chin": (1.40, 0.70, 0.050),
    "ear0": (1.235, 0.865, 0.040),
    "ear1": (1.222, 0.893, 0.030),
    "h_hip": (0.08, 0.58, 0.155),
    "h_knee": (0.22, 0.37, 0.092),
    "h_hock": (0.02, 0.205, 0.046),
    "h_foot": (0.07, 0.05, 0.044),
    "h_toe": (0.135, 0.038, 0.038),
    "f_hip": (0.93, 0.57, 0.125),
    "f_knee": (0.88, 0.375, 0.078),
    "f_hock": (0.915, 0.185, 0.050),
    "f_foot": (0.925, 0.05, 0.046),
    "f_toe": (0.99, 0.038, 0.040),
}
_DEER = {
    "rump": (-0.03, 0.985, 0.135),
    "hip": (0.10, 1.01, 0.165),
    "loin": (0.38, 1.00, 0.155),
    "rib": (0.64, 0.965, 0.185),
    "chest": (0.84, 0.965, 0.180),
    "withers": (0.94, 1.04, 0.125),
    "nape": (0.98, 1.07, 0.125),
    "poll": (1.27, 1.44, 0.068),
    "skull": (1.30, 1.485, 0.075),
    "muzzle": (1.515, 1.40, 0.038),
    "chin": (1.44, 1.395, 0.034),
    "ear0": (1.245, 1.545, 0.026),
    "ear1": (1.165, 1.66, 0.034),
    "h_hip": (0.07, 0.95, 0.145),
    "h_knee": (0.20, 0.68, 0.078),
    "h_hock": (-0.01, 0.42, 0.036),
    "h_foot": (0.03, 0.06, 0.025),
    "h_toe": (0.065, 0.022, 0.026),
    "f_hip": (0.90, 0.92, 0.115),
    "f_knee": (0.86, 0.68, 0.060),
    "f_hock": (0.89, 0.38, 0.034),
    "f_foot": (0.895, 0.06, 0.024),
    "f_toe": (0.93, 0.022, 0.026),
}
_SPINE = ("rump", "hip", "loin", "rib", "chest", "withers")
_TORSO_M = {"leopard": (0.66, 0.80), "tiger": (0.92, 1.12), "sika_deer": (0.62, 0.78)}


def make_body(species: str, rng: Generator) -> Body:
    """Draw an individual of the species, with its own proportions.

    >>> make_body("tiger", np.random.default_rng(0)).torso_m > 0.9
    True
    """
    build = dict(_DEER if species == "sika_deer" else _CAT)
    heavy = {"leopard": 0.95, "tiger": 1.13, "sika_deer": 1.0}[species] * rng.uniform(0.94, 1.07)
    head = {"leopard": 1.0, "tiger": 1.16, "sika_deer": 1.0}[species] * rng.uniform(0.95, 1.06)
    tall = {"leopard": 0.97, "tiger": 1.02, "sika_deer": 1.0}[species] * rng.uniform(0.95, 1.05)
    rest: Joints = {}
    radius: dict[str, float] = {}
    for name, (x, y, r) in build.items():
        rest[name] = (x, y * tall)
        slim = 0.5 if name[:2] in ("h_", "f_") else 1.0  # legs thicken less than the trunk
        radius[name] = r * (head if name in _HEAD else 1 + (heavy - 1) * slim)
    _scale_head(rest, head)
    tail_length = {"leopard": 0.98, "tiger": 0.86, "sika_deer": 0.17}[species] * rng.uniform(0.93, 1.07)
    root = {"leopard": 0.050, "tiger": 0.050, "sika_deer": 0.045}[species]
    x0, y0 = rest["rump"][0] - 0.10, rest["rump"][1] + 0.07
    for i in range(N_TAIL + 1):
        rest[f"tail{i}"] = (x0 - tail_length * i / N_TAIL, y0)
        radius[f"tail{i}"] = root * (1 - 0.28 * i / N_TAIL)
    eye = (rest["skull"][0] + (0.055 if species != "sika_deer" else 0.035) * head, rest["skull"][1] + 0.028 * head)
    antlers = _antlers(rest, rng) if species == "sika_deer" and rng.random() < 0.4 else ()
    return Body(
        species=species,
        torso_m=float(rng.uniform(*_TORSO_M[species])),
        rest=rest,
        limbs=_limbs(radius),
        eye=eye,
        step=0.23 if species != "sika_deer" else 0.25,
        smooth=0.020 if species != "sika_deer" else 0.015,
        antlers=antlers,
    )


_HEAD = ("poll", "skull", "muzzle", "chin", "ear0", "ear1")


def _scale_head(rest: Joints, scale: float) -> None:
    px, py = rest["poll"]
    for name in _HEAD[1:]:
        x, y = rest[name]
        rest[name] = (px + (x - px) * scale, py + (y - py) * scale)


def _limbs(radius: dict[str, float]) -> tuple[Limb, ...]:
    def chain(names: tuple[str, ...], side: str = "near", prefix: str = "") -> list[Limb]:
        return [Limb(prefix + a, prefix + b, radius[a], radius[b], side) for a, b in pairwise(names)]

    limbs: list[Limb] = []
    for leg in ("h", "f"):
        names = tuple(f"{leg}_{joint}" for joint in ("hip", "knee", "hock", "foot", "toe"))
        limbs += chain(names, "far", "f") + chain(names, "near", "n")
    limbs += chain(tuple(f"tail{i}" for i in range(N_TAIL + 1)))
    limbs += chain(_SPINE) + chain(("withers", "nape", "poll", "skull", "muzzle")) + chain(("chest", "nape"))
    return tuple(limbs + chain(("skull", "chin")) + chain(("ear0", "ear1")))


def _antlers(rest: Joints, rng: Generator) -> tuple[tuple[Point, ...], ...]:
    """Return two beams with two or three tines each, as polylines in the coordinates of the rest pose."""
    x, y = rest["skull"]
    size = rng.uniform(0.30, 0.46)
    lines: list[tuple[Point, ...]] = []
    for shift, tilt in ((0.0, 0.0), (0.05, 0.22)):
        beam = [
            (x + shift - 0.02 - size * 0.55 * sin(1.9 * t + tilt), y + 0.06 + size * (1.05 * t + 0.1 * t * t))
            for t in np.linspace(0, 1, 6)
        ]
        lines.append(tuple(beam))
        for i, length in ((1, 0.34), (3, 0.30), (4, 0.2))[: int(rng.integers(2, 4))]:
            bx, by = beam[i]
            bend = (bx + 0.5 * size * length, by + 0.4 * size * length)
            lines.append(((bx, by), bend, (bx + 0.7 * size * length, by + size * length)))
    return tuple(lines)


# Poses ---------------------------------------------------------------------------------------------------------


def pose_body(body: Body, *, gait: float | None, head_down: float, sway: float) -> Joints:
    """Return the joints of the body at one moment.

    gait: phase of the walk in [0, 1), or None for standing; head_down: from 0 (head up) to 1 (at the ground);
    sway: phase of the slow movements of tail and head in [0, 1).

    >>> body = make_body("leopard", np.random.default_rng(0))
    >>> sorted(pose_body(body, gait=None, head_down=0.0, sway=0.0))[:3]
    ['chest', 'chin', 'ear0']
    """
    bob = 0.012 * cos(4 * pi * gait) if gait is not None else 0.0
    joints = {name: (body.rest[name][0], body.rest[name][1] + bob) for name in _SPINE}
    for leg, shift in _PHASES.items():
        phase = None if gait is None else (gait + shift) % 1.0
        joints |= _pose_leg(body, leg, phase, bob)
    joints |= _pose_head(body, head_down, sway, bob)
    return joints | _pose_tail(body, sway, bob)


def _turn(p: Point, about: Point, angle: float, to: Point) -> Point:
    dx, dy = p[0] - about[0], p[1] - about[1]
    return to[0] + dx * cos(angle) - dy * sin(angle), to[1] + dx * sin(angle) + dy * cos(angle)


def _pose_head(body: Body, head_down: float, sway: float, bob: float) -> Joints:
    deer = body.species == "sika_deer"
    slow = 0.05 * sin(2 * pi * sway)
    neck = -(2.15 if deer else 0.95) * head_down + slow
    head = neck + ((0.75 if deer else 0.25) * head_down) - 0.5 * slow
    base = body.rest["nape"]
    moved = (base[0] - 0.02 * head_down, base[1] + bob - (0.10 if deer else 0.07) * head_down)
    joints = {"nape": moved, "poll": _turn(body.rest["poll"], base, neck, moved)}
    for name in _HEAD[1:]:
        joints[name] = _turn(body.rest[name], body.rest["poll"], head, joints["poll"])
    return joints


def _pose_tail(body: Body, sway: float, bob: float) -> Joints:
    x, y = body.rest["tail0"]
    joints = {"tail0": (x, y + bob)}
    length = body.rest["tail0"][0] - body.rest["tail1"][0]
    swing = 0.22 * sin(2 * pi * sway)
    if body.species == "sika_deer":
        bends = [-1.2 + 0.5 * swing] * N_TAIL
    else:
        bends = [-0.75, -1.05 + 0.3 * swing, -0.95 + 0.7 * swing, -0.45 + 1.1 * swing, 0.25 + 1.6 * swing]
    for i, bend in enumerate(bends):
        x0, y0 = joints[f"tail{i}"]
        joints[f"tail{i + 1}"] = (x0 - length * cos(bend), y0 + length * sin(bend))
    return joints


def _pose_leg(body: Body, leg: str, phase: float | None, bob: float) -> Joints:
    kind = leg[1]
    rest = {joint: body.rest[f"{kind}_{joint}"] for joint in ("hip", "knee", "hock", "foot", "toe")}
    if phase is None:  # standing: the far feet are a little apart from the near ones
        reach, lift, tilt = ((0.07 if kind == "h" else -0.06) if leg[0] == "f" else 0.0), 0.0, 0.0
    elif phase < _DUTY:
        t = phase / _DUTY
        reach, lift, tilt = body.step * (1 - 2 * t), 0.0, -0.35 * (t - 0.35)
    else:
        t = (phase - _DUTY) / (1 - _DUTY)
        reach, lift = body.step * (2 * t - 1), 0.09 * sin(pi * t)
        tilt = -1.0 * sin(pi * min(1.0, 1.25 * t)) + 0.1
    hip = (rest["hip"][0], rest["hip"][1] + bob)
    foot = (rest["foot"][0] + reach, rest["foot"][1] + lift)
    hock = _turn(rest["hock"], rest["foot"], tilt, foot)
    knee, hock = _bend(rest, hip, hock, forward=kind == "h")
    foot = _turn(rest["foot"], rest["hock"], tilt, hock)
    toe = _turn(rest["toe"], rest["foot"], 0.6 * tilt * (lift > 0), foot)
    named = {"hip": hip, "knee": knee, "hock": hock, "foot": foot, "toe": toe}
    return {f"{leg}_{joint}": p for joint, p in named.items()}


def _bend(rest: Joints, hip: Point, hock: Point, *, forward: bool) -> tuple[Point, Point]:
    """Return knee and hock. Both bones keep their length (law of cosines)."""
    upper = np.hypot(rest["knee"][0] - rest["hip"][0], rest["knee"][1] - rest["hip"][1])
    lower = np.hypot(rest["hock"][0] - rest["knee"][0], rest["hock"][1] - rest["knee"][1])
    dx, dy = hock[0] - hip[0], hock[1] - hip[1]
    reach = float(np.hypot(dx, dy))
    length = min(reach, float(upper + lower) * 0.999)
    angle = atan2(dy, dx)
    inner = np.arccos(np.clip((upper**2 + length**2 - lower**2) / (2 * upper * length), -1, 1))
    bend = angle + float(inner) * (1 if forward else -1)
    knee = (hip[0] + float(upper) * cos(bend), hip[1] + float(upper) * sin(bend))
    return knee, (hip[0] + dx * length / reach, hip[1] + dy * length / reach)
