"""One animal's way through a clip: where it walks, how it looks at each moment, what of it can be seen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from leopardnet.synth.animal.animals import SPECIES, Body, make_body, pose_body
from leopardnet.synth.animal.coats import Coat, paint_coat
from leopardnet.synth.animal.sprites import Lamp, Sprite, draw_sprite
from leopardnet.synth.place.plants import Lens
from leopardnet.synth.place.scene import View

Plane = NDArray[np.float32]

_N_POSES = 14
_EXTENT = {"leopard": 2.35, "tiger": 2.25, "sika_deer": 1.85}  # width of the whole animal in torso lengths
_MOST_PX = 260.0  # larger animals are drawn at this scale (pixels per torso length) and enlarged
_DAY_FAR_M, _NIGHT_FAR_M = 12.0, 9.0  # an animal beyond is not dimmed further, or nobody could name it
_DAY = Lamp()
_NIGHT = Lamp(direction=(0.05, 0.25, 0.97), ambient=0.30, far_side=0.80)


@dataclass(frozen=True, slots=True)
class Way:
    """How large, how far, which way and how: all that is drawn for a clip, whether or not an animal then appears."""

    species: str
    width_fraction: float
    facing: int
    yaw: float
    behaviour: str
    speed: float
    approach: float
    head_down: float
    anchor_share: float

    def distance_m(self, body: Body, lens: Lens) -> float:
        """How far away the animal must be to look that large."""
        px_per_torso = self.width_fraction * lens.width_px / (_EXTENT[self.species] * self.yaw)
        return body.torso_m * lens.focal_px / px_per_torso


def draw_way(label: str, width_fraction: tuple[float, float], rng: Generator) -> Way:
    """The way of an animal; of an unseen one of any species where the label is empty."""
    ghost = str(rng.choice(SPECIES))
    low, high = np.log(width_fraction)
    return Way(
        species=ghost if label == "empty" else label,
        width_fraction=float(np.exp(low + (high - low) * rng.random() ** 0.6)),
        facing=int(rng.choice([-1, 1])),
        yaw=float(rng.uniform(0.76, 1.0)),
        behaviour=str(rng.choice(["walk", "stand", "feed"], p=[0.68, 0.14, 0.18])),
        speed=float(rng.uniform(0.45, 1.0)),
        approach=float(rng.uniform(-0.035, 0.05)),
        head_down=float(rng.uniform(0, 0.28)),
        anchor_share=float(rng.uniform(0.25, 0.75)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """What is seen of the animal in one frame: box xyxy in pixels (nan where nothing), its area, the visible share."""

    box: NDArray[np.float32]
    area_px: float
    visible: float


UNSEEN = Sighting(np.full(4, np.nan, np.float32), 0.0, 0.0)


class Actor:
    """An animal in the view of a clip. Its pictures depend on (spec, site, clip) alone, not on the frames asked for."""

    def __init__(self, way: Way, body: Body, view: View, *, night: bool, duration_s: float, rng: Generator) -> None:
        self._way, self._body, self._view, self._night = way, body, view, night
        self._z_m = way.distance_m(body, view.lens)
        self._px = body.torso_m * view.lens.focal_px / self._z_m
        self._drawn_px = min(self._px, _MOST_PX)
        coat = paint_coat(body, rng)
        lit_m = min(self._z_m, _NIGHT_FAR_M if night else _DAY_FAR_M)
        fur, horn = (np.ascontiguousarray(view.tint(c, lit_m), dtype=np.float32) for c in (coat.pixels, coat.horn))
        self._coat: Coat = replace(coat, pixels=fur, horn=horn)
        self._tail_phase = float(rng.random())
        self._sprites: dict[int, Sprite] = {}
        self._anchor_s = way.anchor_share * duration_s
        self._anchor_px = self._best_anchor(rng)

    def _best_anchor(self, rng: Generator) -> float:
        """A place in the picture where most of the animal can be seen past what stands before it."""
        best, best_seen = 0.5, -1.0
        for share in rng.uniform(0.15, 0.85, 8):
            self._anchor_px = float(share) * self._view.lens.width_px
            seen = self._sight(self._anchor_s, self._view.front[..., 3])[0].visible
            if seen > best_seen:
                best, best_seen = self._anchor_px, seen
            if seen > 0.6:
                break
        return best

    def _sprite(self, t_s: float) -> Sprite:
        way, body = self._way, self._body
        cycle = way.speed * t_s / body.stride if way.behaviour == "walk" else t_s / 3.2
        key = int(np.floor((cycle + self._tail_phase) * _N_POSES)) % _N_POSES
        if key not in self._sprites:
            phase = key / _N_POSES
            down = way.head_down
            if way.behaviour == "feed":
                down = 0.80 + 0.20 * np.sin(2 * np.pi * phase)
            joints = pose_body(body, gait=phase if way.behaviour == "walk" else None, head_down=down, sway=phase)
            sprite = draw_sprite(
                body, joints, self._coat, px_per_unit=self._drawn_px, lamp=_NIGHT if self._night else _DAY
            )
            if self._night:
                _shine_eye(sprite, self._drawn_px)
            self._sprites[key] = sprite
        return self._sprites[key]

    def _place(self, sprite: Sprite, t_s: float) -> tuple[NDArray[np.float64], float]:
        """The affine map from sprite to picture, and the row of the ground below the animal."""
        way, lens = self._way, self._view.lens
        since = t_s - self._anchor_s
        closer = float(np.exp(way.approach * since)) if way.behaviour == "walk" else 1.0
        scale = closer * self._px / self._drawn_px
        moved = way.facing * way.speed * self._px * way.yaw * since if way.behaviour == "walk" else 0.0
        x = self._anchor_px + moved - 0.5 * way.facing * way.yaw * self._px
        y = lens.horizon_px + lens.focal_px * lens.height_m / self._z_m * closer
        sx = scale * way.facing * way.yaw
        gx, gy = sprite.ground_px
        return np.array([[sx, 0, x - sx * gx], [0, scale, y - scale * gy]]), y

    def _sight(
        self, t_s: float, front_alpha: NDArray[np.uint8]
    ) -> tuple[Sighting, Plane, tuple[slice, slice], float]:
        sprite = self._sprite(t_s)
        affine, ground = self._place(sprite, t_s)
        h, w = front_alpha.shape
        part = _corners(affine, sprite.rgba.shape, (h, w))
        size = (part[1].stop - part[1].start, part[0].stop - part[0].start)
        if min(size) <= 0:
            return UNSEEN, np.zeros((0, 0, 4), np.float32), part, ground
        local = affine - np.array([[0, 0, part[1].start], [0, 0, part[0].start]])
        layer = cv2.warpAffine(sprite.rgba, local, size, flags=cv2.INTER_LINEAR)
        speed_px = abs(self._way.speed * self._px) if self._way.behaviour == "walk" else 0.0
        smear = int(speed_px * (0.030 if self._night else 0.010))
        if smear > 1:
            layer = cv2.blur(layer, (smear, 1))
        seen = layer[..., 3] * (1 - front_alpha[part].astype(np.float32) / 255)
        whole = float(sprite.rgba[..., 3].sum()) * abs(affine[0, 0] * affine[1, 1])
        return _sighting(seen, part, whole), layer, part, ground

    def play(self, behind: NDArray[np.uint8], t_s: float, front_alpha: NDArray[np.uint8], n_rows: int) -> Sighting:
        """Paints animal and shadow over `behind` (uint8 [H, W, 3], in place); says what is seen above row `n_rows`."""
        covered = front_alpha.copy()
        covered[n_rows:] = 255
        sighting, layer, part, ground = self._sight(t_s, covered)
        if layer.size == 0:
            return UNSEEN
        self._cast_shadow(behind, layer, part, ground)
        patch = behind[part].astype(np.float32)
        light = self._view.light[part][..., None]
        patch = patch * (1 - layer[..., 3:]) + layer[..., :3] * light
        behind[part] = np.clip(patch, 0, 255).astype(np.uint8)
        return sighting

    def _cast_shadow(
        self, behind: NDArray[np.uint8], layer: Plane, part: tuple[slice, slice], ground: float
    ) -> None:
        """Darkens the ground: below the body, and where the outline lies flat along it."""
        h, w = behind.shape[:2]
        flat, skew = 0.13, (0.30 if not self._night else 0.05)
        top = int(max(0, ground - 0.12 * self._px))
        bottom = int(min(h, ground + 0.30 * self._px + 2))
        if bottom <= top:
            return
        row, column = ground - part[0].start, part[1].start
        lie = np.array([[1, -skew * flat, column + skew * flat * row], [0, -flat, ground + flat * row - top]])
        shadow = cv2.warpAffine(layer[..., 3], lie, (w, bottom - top), flags=cv2.INTER_LINEAR)
        below = np.zeros((1, w), np.float32)
        below[0, part[1]] = np.clip(layer[..., 3].sum(axis=0) / (0.45 * self._px), 0, 1)
        rows = (np.arange(top, bottom, dtype=np.float32)[:, None] - ground) / (0.045 * self._px)
        shadow = np.maximum(shadow * 0.8, below * np.exp(-(rows**2)))
        sheet = cv2.GaussianBlur(shadow, (0, 0), max(0.8, 0.022 * self._px))
        strength = 0.30 if self._night else 0.50
        behind[top:bottom] = (behind[top:bottom] * (1 - strength * sheet[..., None])).astype(np.uint8)


def _corners(affine: NDArray[np.float64], shape: tuple[int, ...], frame: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns of the frame that the mapped sprite may touch."""
    h, w = shape[:2]
    points = affine[:, :2] @ np.array([[0, w, 0, w], [0, 0, h, h]]) + affine[:, 2:]
    (x0, y0), (x1, y1) = np.floor(points.min(axis=1)), np.ceil(points.max(axis=1))
    rows = slice(int(np.clip(y0, 0, frame[0])), int(np.clip(y1 + 1, 0, frame[0])))
    return rows, slice(int(np.clip(x0, 0, frame[1])), int(np.clip(x1 + 1, 0, frame[1])))


def _sighting(seen: Plane, part: tuple[slice, slice], whole: float) -> Sighting:
    clear = seen > 0.3
    if not clear.any():
        return UNSEEN
    rows, columns = np.flatnonzero(clear.any(axis=1)), np.flatnonzero(clear.any(axis=0))
    y0, x0 = part[0].start, part[1].start
    box = np.array([x0 + columns[0], y0 + rows[0], x0 + columns[-1] + 1, y0 + rows[-1] + 1], np.float32)
    return Sighting(box, float(seen.sum()), float(min(1.0, seen.sum() / max(whole, 1e-6))))


def _shine_eye(sprite: Sprite, px: float) -> None:
    """The flash comes back from the eye."""
    h, w = sprite.rgba.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    d2 = (x - sprite.eye_px[0]) ** 2 + (y - sprite.eye_px[1]) ** 2
    r = max(1.1, 0.020 * px)
    glow = np.exp(-d2 / (2 * r * r)) * 1.3 + 0.18 * np.exp(-d2 / (18 * r * r))
    glow = np.clip(glow, 0, 1)[..., None]
    sprite.rgba[..., :3] = sprite.rgba[..., :3] * (1 - glow) + 255 * glow * np.maximum(sprite.rgba[..., 3:], glow)
    sprite.rgba[..., 3:] = np.maximum(sprite.rgba[..., 3:], glow * (glow > 0.25))


def cast_animal(
    label: str, width_fraction: tuple[float, float], lens: Lens, rng: Generator
) -> tuple[Way, Body, float]:
    """The way, the individual, and its distance in metres; drawn alike for empty clips, so scenes do not differ."""
    way = draw_way(label, width_fraction, rng)
    body = make_body(way.species, rng)
    return way, body, way.distance_m(body, lens)
