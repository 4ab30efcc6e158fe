"""One animal in one clip: where it walks, how it looks in each frame, and how much of it is visible."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from leopardnet.core.labels import EMPTY
from leopardnet.synth.animal.bodies import SPECIES, Body, make_body, pose_body
from leopardnet.synth.animal.coats import Coat, paint_coat
from leopardnet.synth.animal.sprites import Lamp, Sprite, draw_sprite
from leopardnet.synth.place.plants import Lens
from leopardnet.synth.place.scene import View

Plane = NDArray[np.float32]

_N_POSES = 14
_EXTENT = {"leopard": 2.35, "tiger": 2.25, "sika_deer": 1.85}  # width of the whole animal in torso lengths
_MOST_PX = 260.0  # larger animals are drawn at this scale (pixels per torso length) and enlarged
_DAY_FAR_M, _NIGHT_FAR_M = 12.0, 9.0  # no animal is dimmed more than at this distance, or nobody could name it
_DAY = Lamp()
_NIGHT = Lamp(direction=(0.05, 0.25, 0.97), ambient=0.30, far_side=0.80)


@dataclass(frozen=True, slots=True)
class Movement:
    """Size, direction and behaviour of the animal of one clip, drawn even where no animal appears in the end."""

    species: str
    width_fraction: float
    facing: int
    yaw: float
    behaviour: str
    speed: float
    approach: float
    head_down: float
    anchor_share: float

    @property
    def walks(self) -> bool:
        """Whether the animal moves through the picture."""
        return self.behaviour == "walk"

    def distance_m(self, body: Body, lens: Lens) -> float:
        """Return the distance in metres at which the animal has this width in the picture."""
        px_per_torso = self.width_fraction * lens.width_px / (_EXTENT[self.species] * self.yaw)
        return body.torso_m * lens.focal_px / px_per_torso


def draw_movement(label: str, width_fraction: tuple[float, float], rng: Generator) -> Movement:
    """Draw the movement of an animal; for an empty clip, that of a species which is then not shown."""
    any_species = str(rng.choice(SPECIES))
    low, high = np.log(width_fraction)
    return Movement(
        species=any_species if label == EMPTY else label,
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
    """What is visible of the animal in one frame: box xyxy in px (nan if nothing is), area, share of the whole."""

    box: NDArray[np.float32]
    area_px: float
    visible: float


UNSEEN = Sighting(np.full(4, np.nan, np.float32), 0.0, 0.0)


class Animal:
    """An animal in the view of a clip. Its pictures depend on (spec, site, clip) alone."""

    def __init__(
        self, movement: Movement, body: Body, view: View, *, night: bool, duration_s: float, rng: Generator
    ) -> None:
        self._movement, self._body, self._view, self._night = movement, body, view, night
        self._z_m = movement.distance_m(body, view.lens)
        self._px = body.torso_m * view.lens.focal_px / self._z_m
        self._drawn_px = min(self._px, _MOST_PX)
        coat = paint_coat(body, rng)
        lit_m = min(self._z_m, _NIGHT_FAR_M if night else _DAY_FAR_M)
        fur, horn = (np.ascontiguousarray(view.tint(c, lit_m), dtype=np.float32) for c in (coat.pixels, coat.horn))
        self._coat: Coat = replace(coat, pixels=fur, horn=horn)
        self._tail_phase = float(rng.random())
        self._sprites: dict[int, Sprite] = {}
        self._anchor_s = movement.anchor_share * duration_s
        self._anchor_px = self._choose_anchor(rng)

    def _choose_anchor(self, rng: Generator) -> float:
        """Return an x position in pixels where the plants in front hide little of the animal."""
        best, best_seen = 0.5, -1.0
        for share in rng.uniform(0.15, 0.85, 8):
            self._anchor_px = float(share) * self._view.lens.width_px
            seen = self._render(self._anchor_s, self._view.front[..., 3])[0].visible
            if seen > best_seen:
                best, best_seen = self._anchor_px, seen
            if seen > 0.6:
                break
        return best

    def _sprite(self, t_s: float) -> Sprite:
        movement, body = self._movement, self._body
        cycle = movement.speed * t_s / body.stride if movement.walks else t_s / 3.2
        key = int(np.floor((cycle + self._tail_phase) * _N_POSES)) % _N_POSES
        if key not in self._sprites:
            phase = key / _N_POSES
            down = movement.head_down
            if movement.behaviour == "feed":
                down = 0.80 + 0.20 * np.sin(2 * np.pi * phase)
            joints = pose_body(body, gait=phase if movement.walks else None, head_down=down, sway=phase)
            lamp = _NIGHT if self._night else _DAY
            sprite = draw_sprite(body, joints, self._coat, px_per_unit=self._drawn_px, lamp=lamp)
            if self._night:
                _shine_eye(sprite, self._drawn_px)
            self._sprites[key] = sprite
        return self._sprites[key]

    def _map_to_picture(self, sprite: Sprite, t_s: float) -> tuple[NDArray[np.float64], float]:
        """Return the affine map from sprite to picture, and the row of the ground below the animal."""
        movement, lens = self._movement, self._view.lens
        since = t_s - self._anchor_s
        closer = float(np.exp(movement.approach * since)) if movement.walks else 1.0
        scale = closer * self._px / self._drawn_px
        moved = movement.facing * movement.speed * self._px * movement.yaw * since if movement.walks else 0.0
        x = self._anchor_px + moved - 0.5 * movement.facing * movement.yaw * self._px
        y = lens.horizon_px + lens.focal_px * lens.height_m / self._z_m * closer
        sx = scale * movement.facing * movement.yaw
        gx, gy = sprite.ground_px
        return np.array([[sx, 0, x - sx * gx], [0, scale, y - scale * gy]]), y

    def _render(
        self, t_s: float, front_alpha: NDArray[np.uint8]
    ) -> tuple[Sighting, Plane, tuple[slice, slice], float]:
        sprite = self._sprite(t_s)
        affine, ground = self._map_to_picture(sprite, t_s)
        h, w = front_alpha.shape
        part = _hide_part(affine, sprite.rgba.shape, (h, w))
        size = (part[1].stop - part[1].start, part[0].stop - part[0].start)
        if min(size) <= 0:
            return UNSEEN, np.zeros((0, 0, 4), np.float32), part, ground
        local = affine - np.array([[0, 0, part[1].start], [0, 0, part[0].start]])
        layer = cv2.warpAffine(sprite.rgba, local, size, flags=cv2.INTER_LINEAR)
        speed_px = abs(self._movement.speed * self._px) if self._movement.walks else 0.0
        smear = int(speed_px * (0.030 if self._night else 0.010))
        if smear > 1:
            layer = cv2.blur(layer, (smear, 1))
        seen = layer[..., 3] * (1 - front_alpha[part].astype(np.float32) / 255)
        whole = float(sprite.rgba[..., 3].sum()) * abs(affine[0, 0] * affine[1, 1])
        return _measure_visible(seen, part, whole), layer, part, ground

    def draw(self, behind: NDArray[np.uint8], t_s: float, front_alpha: NDArray[np.uint8], n_rows: int) -> Sighting:
        """Draw animal and shadow over `behind` (uint8 [H, W, 3]), in place; return what is seen above `n_rows`."""
        covered = front_alpha.copy()
        covered[n_rows:] = 255
        sighting, layer, part, ground = self._render(t_s, covered)
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
        """Darken the ground below the body, and where the outline of the animal falls on it."""
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


def _hide_part(affine: NDArray[np.float64], shape: tuple[int, ...], frame: tuple[int, int]) -> tuple[slice, slice]:
    """Return the rows and columns of the frame that the mapped sprite can cover."""
    h, w = shape[:2]
    points = affine[:, :2] @ np.array([[0, w, 0, w], [0, 0, h, h]]) + affine[:, 2:]
    (x0, y0), (x1, y1) = np.floor(points.min(axis=1)), np.ceil(points.max(axis=1))
    rows = slice(int(np.clip(y0, 0, frame[0])), int(np.clip(y1 + 1, 0, frame[0])))
    return rows, slice(int(np.clip(x0, 0, frame[1])), int(np.clip(x1 + 1, 0, frame[1])))


def _measure_visible(seen: Plane, part: tuple[slice, slice], whole: float) -> Sighting:
    clear = seen > 0.3
    if not clear.any():
        return UNSEEN
    rows, columns = np.flatnonzero(clear.any(axis=1)), np.flatnonzero(clear.any(axis=0))
    y0, x0 = part[0].start, part[1].start
    box = np.array([x0 + columns[0], y0 + rows[0], x0 + columns[-1] + 1, y0 + rows[-1] + 1], np.float32)
    return Sighting(box, float(seen.sum()), float(min(1.0, seen.sum() / max(whole, 1e-6))))


def _shine_eye(sprite: Sprite, px: float) -> None:
    """Draw the reflection of the flash in the eye, in place."""
    h, w = sprite.rgba.shape[:2]
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    d2 = (x - sprite.eye_px[0]) ** 2 + (y - sprite.eye_px[1]) ** 2
    r = max(1.1, 0.020 * px)
    glow = np.exp(-d2 / (2 * r * r)) * 1.3 + 0.18 * np.exp(-d2 / (18 * r * r))
    glow = np.clip(glow, 0, 1)[..., None]
    sprite.rgba[..., :3] = sprite.rgba[..., :3] * (1 - glow) + 255 * glow * np.maximum(sprite.rgba[..., 3:], glow)
    sprite.rgba[..., 3:] = np.maximum(sprite.rgba[..., 3:], glow * (glow > 0.25))


def make_animal(
    label: str, width_fraction: tuple[float, float], lens: Lens, rng: Generator
) -> tuple[Movement, Body, float]:
    """Draw movement, body and distance in metres. Empty clips draw them too, so that their scenes do not differ."""
    movement = draw_movement(label, width_fraction, rng)
    body = make_body(movement.species, rng)
    return movement, body, movement.distance_m(body, lens)
