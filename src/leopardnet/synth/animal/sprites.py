"""The picture of one animal in one pose: limbs joined smoothly, covered with the coat, lit and cut out."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2

import cv2
import numpy as np
from numpy.typing import NDArray

from leopardnet.synth.animal.bodies import Body, Joints, Limb
from leopardnet.synth.animal.coats import Coat

Plane = NDArray[np.float32]

_MARGIN = 0.09  # empty border around the joints in torso lengths; wider than any limb extends beyond its joint


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A picture float32 [H, W, 4]: colour 0..255 multiplied by alpha, and alpha 0..1; pixels of ground and eye."""

    rgba: Plane
    ground_px: tuple[float, float]
    eye_px: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Lamp:
    """The direction of the light (x right, y up, z to the camera), and how bright shade and far side are."""

    direction: tuple[float, float, float] = (0.25, 0.80, 0.55)
    ambient: float = 0.48
    far_side: float = 0.66


def draw_sprite(body: Body, joints: Joints, coat: Coat, *, px_per_unit: float, lamp: Lamp) -> Sprite:
    """Draw the animal in a pose, facing right, at `px_per_unit` pixels per torso length."""
    points = np.array(list(joints.values()))
    radius = max(limb.r_start for limb in body.limbs)
    left = points[:, 0].min() - _MARGIN - 0.05
    right = points[:, 0].max() + _MARGIN + 0.03
    top = max(points[:, 1].max() + 0.1, joints["hip"][1] + radius + 0.05)
    if body.antlers:
        top, left, right = top + 0.5, left - 0.1, right + 0.25
    bottom = min(-0.06, points[:, 1].min() - 0.06)
    shape = (max(4, round((top - bottom) * px_per_unit)), max(4, round((right - left) * px_per_unit)))
    grid = (
        np.arange(shape[1], dtype=np.float32) / px_per_unit + np.float32(left),
        np.float32(top) - np.arange(shape[0], dtype=np.float32) / px_per_unit,
    )
    rgba = np.zeros((*shape, 4), np.float32)
    for side in ("far", "near"):
        limbs = [limb for limb in body.limbs if limb.side == side]
        dim = lamp.far_side if side == "far" else 1.0
        if side == "near" and body.antlers:
            _draw_antlers(rgba, body, joints, coat.horn, px_per_unit, left, top)
        layer = _draw_side(body, joints, coat, limbs, grid, px_per_unit, lamp)
        _composite(rgba, layer * np.float32([dim, dim, dim, 1]))
    eye = _move(body.eye, body, joints, "skull", "muzzle")
    return Sprite(
        rgba,
        ground_px=(-left * px_per_unit, top * px_per_unit),
        eye_px=((eye[0] - left) * px_per_unit, (top - eye[1]) * px_per_unit),
    )


def _composite(below: Plane, above: Plane) -> None:
    below *= 1 - above[..., 3:]
    below += above


def _draw_side(
    body: Body, joints: Joints, coat: Coat, limbs: list[Limb], grid: tuple[Plane, Plane], px: float, lamp: Lamp
) -> Plane:
    depth, rest_x, rest_y, radius = _join_limbs(body, joints, limbs, grid)
    map_x = (rest_x - coat.left) * coat.px_per_unit
    map_y = (coat.top - rest_y) * coat.px_per_unit
    pixels = coat.pixels
    blur = 0.32 * coat.px_per_unit / px  # a coat that is drawn small must be smoothed first
    if blur > 0.6:
        pixels = cv2.GaussianBlur(pixels, (0, 0), blur)
    colour = cv2.remap(pixels, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    grain = colour.mean(axis=2)
    rough = (grain - cv2.blur(grain, (5, 5))) / 255 * 0.010  # fur makes the outline uneven
    alpha = np.clip(0.5 + (depth + rough) * px * 0.8, 0, 1)
    return np.dstack([colour * (_shade(depth, radius, px, lamp) * alpha)[..., None], alpha])


def _join_limbs(
    body: Body, joints: Joints, limbs: list[Limb], grid: tuple[Plane, Plane]
) -> tuple[Plane, Plane, Plane, Plane]:
    """Return depth inside the joined limbs (negative outside), rest x and y of every pixel, and limb radius.

    Each limb maps a pixel to its place in the rest pose; the limbs are weighted by distance (a soft minimum).
    """
    xs, ys = grid
    shape = (len(ys), len(xs))
    total, sum_x, sum_y, sum_r = (np.zeros(shape, np.float32) for _ in range(4))
    total += np.float32(1e-9)
    reach = 7 * body.smooth
    for limb in limbs:
        (ax, ay), (bx, by) = joints[limb.start], joints[limb.end]
        big = max(limb.r_start, limb.r_end) + reach
        columns = slice(*np.searchsorted(xs, [min(ax, bx) - big, max(ax, bx) + big]))
        rows = slice(*np.searchsorted(-ys, [-max(ay, by) - big, -min(ay, by) + big]))
        dx, dy = xs[None, columns] - np.float32(ax), ys[rows, None] - np.float32(ay)
        ux, uy = bx - ax, by - ay
        t = np.clip((dx * ux + dy * uy) / np.float32(ux * ux + uy * uy + 1e-9), 0, 1)
        r = limb.r_start + np.float32(limb.r_end - limb.r_start) * t
        distance = np.sqrt((dx - t * ux) ** 2 + (dy - t * uy) ** 2) - r
        weight = np.exp(np.minimum(-distance / np.float32(body.smooth), 40))
        (rax, ray), (rbx, rby) = _rest(body, limb.start), _rest(body, limb.end)
        turn = atan2(rby - ray, rbx - rax) - atan2(uy, ux)
        c, s = np.float32(np.cos(turn)), np.float32(np.sin(turn))
        total[rows, columns] += weight
        sum_x[rows, columns] += weight * (dx * c - dy * s + np.float32(rax))
        sum_y[rows, columns] += weight * (dx * s + dy * c + np.float32(ray))
        sum_r[rows, columns] += weight * r
    depth = np.log(total) * np.float32(body.smooth)
    return depth, sum_x / total, sum_y / total, sum_r / total


def _rest(body: Body, joint: str) -> tuple[float, float]:
    """Return where a joint is at rest. Both hind legs are at the same place, and so are both front legs."""
    return body.rest[joint] if joint in body.rest else body.rest[joint[1:]]


def _shade(depth: Plane, radius: Plane, px: float, lamp: Lamp) -> Plane:
    """Return the brightness of the body, taken as a rounded surface between its outlines."""
    inside = np.clip(depth / np.maximum(radius, 1e-3), 0, 1)
    height = radius * np.sqrt(1 - (1 - inside) ** 2) * np.float32(px)
    height = cv2.GaussianBlur(height, (0, 0), max(0.6, 0.018 * px))
    slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0, scale=1 / 8)
    slope_y = cv2.Sobel(height, cv2.CV_32F, 0, 1, scale=1 / 8)
    x, y, z = lamp.direction
    facing = (-slope_x * x + slope_y * y + z) / np.sqrt(slope_x**2 + slope_y**2 + 1)
    return np.float32(lamp.ambient) + np.float32(1 - lamp.ambient) * np.clip(facing, 0, None)


def _move(p: tuple[float, float], body: Body, joints: Joints, start: str, end: str) -> tuple[float, float]:
    """Return where a point of the rest pose is after the limb from `start` to `end` has moved."""
    (ax, ay), (bx, by) = body.rest[start], body.rest[end]
    (qx, qy), (rx, ry) = joints[start], joints[end]
    turn = atan2(ry - qy, rx - qx) - atan2(by - ay, bx - ax)
    c, s = np.cos(turn), np.sin(turn)
    dx, dy = p[0] - ax, p[1] - ay
    return float(qx + dx * c - dy * s), float(qy + dx * s + dy * c)


def _draw_antlers(rgba: Plane, body: Body, joints: Joints, horn: Plane, px: float, left: float, top: float) -> None:
    shade = np.zeros(rgba.shape[:2], np.uint8)
    for line in body.antlers:
        moved = [_move(p, body, joints, "skull", "muzzle") for p in line]
        pixels = np.array([((x - left) * px, (top - y) * px) for x, y in moved])
        cv2.polylines(shade, [np.round(pixels * 16).astype(np.int32)], False, 255, max(1, round(0.026 * px)), 16, 4)
    alpha = shade.astype(np.float32)[..., None] / 255
    _composite(rgba, np.concatenate([alpha * horn, alpha], axis=2))
