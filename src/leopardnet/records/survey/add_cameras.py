"""Where further cameras help most: each in turn at the place that adds most to what a survey can estimate."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.records.survey.expected_captures import Detection, Mask, Points, compute_hazards, expect_captures


def add_cameras(
    cameras_km: Points, places_km: Points, mask: Mask, detection: Detection, *, n_add: int
) -> pd.DataFrame:
    """Return the places to add, the best first: i_place, n_animals, n_recaptures, n_moves, relative_error.

    cameras_km, places_km: float64 [K, 2] and [P, 2]. The figures are those of the layout with this place and all
    before it. Each step takes the place with the largest min(E(n), E(r)), which bounds the precision of density;
    among equals, the one with the larger sum. It never looks ahead, so another set may be a little better.
    """
    chosen: list[int] = []
    rows = []
    of_place = compute_hazards(places_km, mask, detection)
    have = compute_hazards(cameras_km, mask, detection)
    for _ in range(min(n_add, len(places_km))):
        animals, again = _expect_each(have, of_place, mask, detection)
        score = np.round(np.minimum(animals, again), 9)
        score[chosen] = -np.inf
        best = int(np.lexsort((np.arange(len(score)), -np.round(animals + again, 9), -score))[0])
        chosen.append(best)
        have = np.concatenate([have, of_place[:, [best]]], axis=1)
        expected = expect_captures(np.concatenate([cameras_km, places_km[chosen]]), mask, detection)
        rows.append(
            {
                "i_place": best,
                "n_animals": expected.n_animals,
                "n_recaptures": expected.n_recaptures,
                "n_moves": expected.n_moves,
                "relative_error": expected.relative_error,
            }
        )
    columns = ["i_place", "n_animals", "n_recaptures", "n_moves", "relative_error"]
    return pd.DataFrame(rows, columns=columns)


def _expect_each(
    have: NDArray[np.float64], of_place: NDArray[np.float64], mask: Mask, detection: Detection
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return E(n) and E(r), float64 [P] each, of the layout with each place added to it.

    have: hazards of the layout, [M, K]; of_place: those of the places, [M, P].
    """
    n, weight = detection.n_occasions, detection.density_per_km2 * mask.cell_km2
    total = have.sum(axis=1)[:, None] + of_place
    animals = -np.expm1(-n * total).sum(axis=0)
    if detection.detector == "multi":
        detections = -np.expm1(-total).sum(axis=0)
    else:
        detections = -np.expm1(-have).sum() - np.expm1(-of_place).sum(axis=0)
    return weight * animals, weight * (n * detections - animals)
