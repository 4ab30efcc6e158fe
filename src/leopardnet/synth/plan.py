"""The specification of rendered footage, and the plan of every clip that is drawn from it.

Each quality of a clip (label, container, night, weather, occlusion, size, date) has its own random stream, keyed by
(seed, site, clip, quality). No stream depends on the label, so nothing but the animal reveals the label.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Literal
from zlib import crc32

import numpy as np
from numpy.random import Generator

from leopardnet.core.errors import ConfigError
from leopardnet.core.labels import EMPTY
from leopardnet.synth.animal.bodies import SPECIES

Container = Literal["MP4", "AVI", "JPG"]

LABELS = (*SPECIES, EMPTY)
DISTURBANCES = ("none", "wind", "precipitation", "insect", "exposure")
_DISTURBANCE_SHARES = (0.30, 0.22, 0.16, 0.16, 0.16)
_DEPLOYMENTS = (("2021-07", "summer"), ("2021-10", "autumn"), ("2021-12", "winter"))


@dataclass(frozen=True)
class FootageSpec:
    """Sizes and counts of a set of rendered footage. Raises ConfigError for values that cannot be rendered.

    duration_s: shortest and longest video; night_share: share of infrared clips; labels: given to the clips of each
    site in turn; width_fraction: smallest and largest width of a whole animal over the width of the frame;
    min_visible_share: a frame has the label of the species if at least this share of its area is animal.

    >>> FootageSpec(n_sites=2).n_items
    16
    """

    seed: int = 7
    n_sites: int = 8
    clips_per_site: int = 8
    stills_per_site: int = 8
    width_px: int = 640
    height_px: int = 360
    fps: float = 10.0
    duration_s: tuple[float, float] = (4.0, 6.0)
    night_share: float = 0.4
    labels: tuple[str, ...] = LABELS
    width_fraction: tuple[float, float] = (0.06, 0.85)
    occluded_share: float = 0.35
    alarm_share: float = 0.35
    min_visible_share: float = 0.0005

    def __post_init__(self) -> None:
        counts = {"seed": 0, "n_sites": 1, "clips_per_site": 0, "stills_per_site": 0}
        for name, low in (counts | {"width_px": 64, "height_px": 48}).items():
            _check(name, getattr(self, name) >= low, getattr(self, name), f"a whole number of at least {low}")
        for name in ("width_px", "height_px"):
            even = getattr(self, name) % 2 == 0
            _check(name, even, getattr(self, name), "an even number (H.264 halves the colour planes)")
        _check("fps", 0 < self.fps <= 120, self.fps, "frames per second above 0, at most 120")
        low_s, high_s = self.duration_s
        fine = 0 < low_s <= high_s <= 600
        _check("duration_s", fine, self.duration_s, "(shortest, longest) above 0, at most 600 s")
        for name in ("night_share", "occluded_share", "alarm_share"):
            _check(name, 0 <= getattr(self, name) <= 1, getattr(self, name), "a share from 0 to 1")
        known = bool(self.labels) and set(self.labels) <= set(LABELS) and len(set(self.labels)) == len(self.labels)
        _check("labels", known, self.labels, "different labels out of " + ", ".join(LABELS))
        narrow, wide = self.width_fraction
        fine = 0.02 <= narrow <= wide <= 1.5
        _check("width_fraction", fine, self.width_fraction, "(least, most) from 0.02 to 1.5")

    @property
    def n_items(self) -> int:
        """The number of clips and stills of one site; the stills follow the clips."""
        return self.clips_per_site + self.stills_per_site

    @property
    def rate(self) -> Fraction:
        """The frame rate as the containers store it."""
        return Fraction(self.fps).limit_denominator(1001)


def _check(name: str, fine: bool, found: object, expected: str) -> None:
    if not fine:
        message = f"footage cannot be rendered with this {name}"
        raise ConfigError(message, where=name, found=found, expected=expected)


@dataclass(frozen=True, slots=True)
class ClipPlan:
    """One clip or still before it is rendered; `path` is POSIX and relative to the output folder.

    facing: 1 for an animal that walks to the right, -1 to the left, 0 to draw what it does.
    """

    i_site: int
    i_clip: int
    path: str
    container: Container
    label: str
    site: str
    deployment: str
    season: str
    captured_at: datetime
    night: bool
    disturbance: str
    occluded: bool
    n_frames: int
    alarm_call: bool
    facing: int = 0

    @property
    def kind(self) -> str:
        """`video` or `still`."""
        return "still" if self.container == "JPG" else "video"


def stream(spec: FootageSpec, i_site: int, i_clip: int, quality: str) -> Generator:
    """Return the generator of one quality of one clip. Stills keep theirs when the number of clips changes."""
    number = i_clip if i_clip < spec.clips_per_site else 1_000_000 + i_clip - spec.clips_per_site
    return np.random.default_rng([spec.seed, i_site, number, crc32(quality.encode())])


def plan_site(spec: FootageSpec, i_site: int) -> tuple[ClipPlan, ...]:
    """Return the plans of all clips and then all stills of a site. Raises ConfigError for a number outside.

    >>> sorted(plan.label for plan in plan_site(FootageSpec(clips_per_site=4, stills_per_site=0), 0))
    ['empty', 'leopard', 'sika_deer', 'tiger']
    """
    if not 0 <= i_site < spec.n_sites:
        raise ConfigError("no such site", where="i_site", found=i_site, expected=f"0 to {spec.n_sites - 1}")
    n, m = spec.clips_per_site, spec.stills_per_site
    labels = _deal(spec, i_site, "labels", spec.labels, n) + _deal(spec, i_site, "still labels", spec.labels, m)
    containers = [*_deal(spec, i_site, "containers", ("MP4", "AVI"), n), *(["JPG"] * m)]
    plans = [_plan_clip(spec, i_site, i, labels[i], containers[i]) for i in range(spec.n_items)]
    return _add_paths(plans)


def _deal(spec: FootageSpec, i_site: int, quality: str, values: tuple[str, ...], n: int) -> list[str]:
    """Return n values in turn, shuffled. Each site begins with another value, for n that is no multiple."""
    rng = np.random.default_rng([spec.seed, i_site, crc32(quality.encode())])
    in_turn = [values[(i + i_site) % len(values)] for i in range(n)]
    return [in_turn[i] for i in rng.permutation(n)]


def _plan_clip(spec: FootageSpec, i_site: int, i_clip: int, label: str, container: str) -> ClipPlan:
    rng = stream(spec, i_site, i_clip, "plan")
    night = bool(rng.random() < spec.night_share)
    deployment, season = _DEPLOYMENTS[(i_site + int(rng.integers(2))) % len(_DEPLOYMENTS)]
    hour = (rng.uniform(19.5, 29.0) % 24) if night else rng.uniform(7.5, 16.0)
    month = datetime.strptime(deployment, "%Y-%m")
    captured_at = month + timedelta(days=int(rng.integers(28)), seconds=round(hour * 3600))
    seconds = rng.uniform(*spec.duration_s)
    return ClipPlan(
        i_site=i_site,
        i_clip=i_clip,
        path="",
        container=container,  # type: ignore[arg-type]
        label=label,
        site=f"site{i_site + 1:02d}",
        deployment=deployment,
        season=season,
        captured_at=captured_at,
        night=night,
        disturbance=str(rng.choice(DISTURBANCES, p=_DISTURBANCE_SHARES)),
        occluded=bool(rng.random() < spec.occluded_share),
        n_frames=1 if container == "JPG" else max(1, round(seconds * spec.rate)),
        alarm_call=label == "sika_deer" and container != "JPG" and bool(rng.random() < spec.alarm_share),
    )


def _add_paths(plans: list[ClipPlan]) -> tuple[ClipPlan, ...]:
    """Return the plans with paths: files of each deployment are numbered in the order of capture."""
    paths: dict[int, str] = {}
    counts: dict[str, int] = {}
    for plan in sorted(plans, key=lambda p: (p.captured_at, p.i_clip)):
        number = counts[plan.deployment] = counts.get(plan.deployment, 0) + 1
        folder = f"{plan.site}/{plan.deployment}/DCIM/{100 + (number - 1) // 999}MEDIA"
        paths[plan.i_clip] = f"{folder}/IMAG{(number - 1) % 999 + 1:04d}.{plan.container}"
    return tuple(replace(plan, path=paths[plan.i_clip]) for plan in plans)
