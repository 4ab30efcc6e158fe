"""How many animals and recaptures a layout of cameras can be expected to give, in closed form.

Efford & Boulanger 2019, Methods in Ecology and Evolution 10:1529-1535, doi 10.1111/2041-210X.13239. The hazard of
detection falls with the distance d of a camera from the centre of an animal's range as lambda0 exp(-d²/2 sigma²).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.errors import ConfigError

Detector = Literal["proximity", "multi"]
Points = NDArray[np.float64]
N_CELLS = 64  # along the longer side of the area: as many as secr has, so that figures can be compared
REACH_SIGMAS = 6.0  # further away, an animal is detected with e^-18 of lambda0
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Detection:
    """How animals are detected.

    density_per_km2: of animals. lambda0: expected detections per occasion by a camera in the middle of a range.
    detector: proximity, a camera that films any number of animals; multi, a trap that holds an animal until the end
    of the occasion. sigma_km: how far ranges reach. Raises ConfigError for a number that is not larger than 0.

    >>> Detection(density_per_km2=0.01, lambda0=0.05, sigma_km=4.0, n_occasions=90).detector
    'proximity'
    """

    density_per_km2: float
    lambda0: float
    sigma_km: float
    n_occasions: int
    detector: Detector = "proximity"

    def __post_init__(self) -> None:
        for name in ("density_per_km2", "lambda0", "sigma_km", "n_occasions"):
            value = getattr(self, name)
            if not 0 < value < np.inf:
                raise ConfigError(
                    f"{name} cannot be used", where="survey", found=value, expected="a number larger than 0"
                )


class Mask(NamedTuple):
    """The centres of cells of equal area in which ranges may lie: points_km float64 [M, 2], area of one cell."""

    points_km: Points
    cell_km2: float


@dataclass(frozen=True, slots=True)
class Expected:
    """What to expect of a layout: animals, recaptures, and recaptures at another camera than the one before."""

    n_animals: float
    n_recaptures: float
    n_moves: float

    @property
    def relative_error(self) -> float:
        """The relative standard error of density, about 1 / sqrt(min(E(n), E(r))); infinite without recaptures."""
        smaller = min(self.n_animals, self.n_recaptures)
        return float(1 / np.sqrt(smaller)) if smaller > 0 else float("inf")


def make_mask(cameras_km: Points, *, buffer_km: float, n_cells: int = N_CELLS, sigma_km: float = np.inf) -> Mask:
    """Return the cells of the rectangle around the cameras, float64 [K, 2], that ends `buffer_km` beyond them.

    Where they would be larger than half of `sigma_km`, they have this size, and those without a camera within
    `REACH_SIGMAS` are left out: nothing is expected there. Raises ConfigError for a buffer that is not above 0.

    >>> make_mask(np.zeros((1, 2)), buffer_km=1.0, n_cells=2).points_km.tolist()
    [[-0.5, -0.5], [0.5, -0.5], [-0.5, 0.5], [0.5, 0.5]]
    """
    if not 0 < buffer_km < np.inf:
        raise ConfigError("buffer_km cannot be used", where="survey", found=buffer_km, expected="a number above 0")
    low, high = cameras_km.min(axis=0) - buffer_km, cameras_km.max(axis=0) + buffer_km
    side = float((high - low).max() / n_cells)
    if side > sigma_km / 2:
        return _make_near_mask(cameras_km, low, high, side_km=sigma_km / 2, reach_km=REACH_SIGMAS * sigma_km)
    x, y = (low[k] + side * (np.arange(np.ceil((high[k] - low[k]) / side - 1e-9)) + 0.5) for k in (0, 1))
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return Mask(grid, side * side)


def _make_near_mask(cameras_km: Points, low: Points, high: Points, *, side_km: float, reach_km: float) -> Mask:
    """Return the cells of the rectangle from low to high that lie within reach of a camera."""
    n = int(np.ceil(reach_km / side_km))
    steps = np.stack(np.meshgrid(np.arange(-n, n + 1), np.arange(-n, n + 1)), axis=-1).reshape(-1, 2)
    near = np.floor((cameras_km - low) / side_km).astype(np.int64)
    cells = np.unique((near[:, None] + steps[None]).reshape(-1, 2), axis=0)
    points = low + side_km * (cells + 0.5)
    return Mask(points[((points > low) & (points < high)).all(axis=1)], side_km**2)


def compute_hazards(cameras_km: Points, mask: Mask, detection: Detection) -> NDArray[np.float64]:
    """Return the expected detections per occasion of an animal of each cell at each camera, float64 [M, K]."""
    squared = ((mask.points_km[:, None] - cameras_km[None]) ** 2).sum(axis=2)
    hazards: NDArray[np.float64] = detection.lambda0 * np.exp(-squared / (2 * detection.sigma_km**2))
    return hazards


def expect_captures(cameras_km: Points, mask: Mask, detection: Detection) -> Expected:
    """Return the expected numbers of animals, of recaptures and of moves over all occasions.

    cameras_km: float64 [K, 2], on a plane. Without a camera, nothing is expected.

    >>> one = Detection(1.0, 1.0, 1.0, 1)
    >>> expect_captures(np.zeros((0, 2)), Mask(np.zeros((1, 2)), 1.0), one)
    Expected(n_animals=0.0, n_recaptures=0.0, n_moves=0.0)
    >>> round(expect_captures(np.zeros((1, 2)), Mask(np.zeros((1, 2)), 1.0), one).n_animals, 4)
    0.6321
    """
    sums = np.zeros(3)
    for first in range(0, len(mask.points_km), _BLOCK):
        block = Mask(mask.points_km[first : first + _BLOCK], mask.cell_km2)
        hazards = compute_hazards(cameras_km, block, detection)
        total = hazards.sum(axis=1)
        seen = -np.expm1(-detection.n_occasions * total)
        again = detection.n_occasions * count_detections(hazards, detection.detector) - seen
        shares = np.divide(hazards, total[:, None], out=np.zeros_like(hazards), where=total[:, None] > 0)
        sums += seen.sum(), again.sum(), (again * (1 - (shares**2).sum(axis=1))).sum()
    return Expected(*(sums * detection.density_per_km2 * mask.cell_km2).tolist())


def count_detections(hazards: NDArray[np.float64], detector: Detector) -> NDArray[np.float64]:
    """Return the expected detections per occasion of an animal of each cell, float64 [M]; hazards: [M, K]."""
    detections: NDArray[np.float64] = (
        -np.expm1(-hazards.sum(axis=1)) if detector == "multi" else -np.expm1(-hazards).sum(axis=1)
    )
    return detections
