"""A planned survey: from tables of cameras and of further places to what it can be expected to find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from leopardnet.core.columns import FIRST_ROW
from leopardnet.core.errors import ManifestError
from leopardnet.records.survey.add_cameras import add_cameras
from leopardnet.records.survey.expected_captures import Detection, Expected, expect_captures, make_mask
from leopardnet.records.survey.local_plane import LocalPlane, refuse_wide

BUFFER_SIGMAS = 4.0  # further away, an animal is detected with e^-8 of lambda0


@dataclass(frozen=True)
class SurveyPlan:
    """What to expect of a layout, and the places to add: names and figures with each place and those before it."""

    n_cameras: int
    area_km2: float
    expected: Expected
    added: pd.DataFrame


def plan_survey(
    cameras: pd.DataFrame,
    detection: Detection,
    *,
    candidates: pd.DataFrame | None = None,
    n_add: int = 0,
    buffer_km: float | None = None,
) -> SurveyPlan:
    """Return what a layout of cameras can be expected to find, and which candidates to add, the best first.

    cameras, candidates: with deployment, latitude and longitude, such as `read_deployments` gives. Animals may live
    anywhere in the rectangle around all of them that ends `buffer_km` (by default 4 sigma) beyond. Raises
    ManifestError for places without coordinates, for places more than 500 km apart, and without any camera.

    >>> ln.plan_survey(ln.read_deployments(Path("d.csv")), detection, n_add=3)  # doctest: +SKIP
    """
    others = cameras.iloc[:0] if candidates is None else candidates
    for table, name in ((cameras, "cameras"), (others, "candidates")):
        missing = table["latitude"].isna() | table["longitude"].isna()
        if missing.any():
            raise ManifestError(
                "a place has no coordinates",
                where=f"{name}, row {int(missing.to_numpy().argmax()) + FIRST_ROW}",
                found=", ".join(table.loc[missing, "deployment"].head(5)),
                expected="latitude and longitude in degrees",
            )
    if cameras.empty:
        raise ManifestError("there is no camera", where="cameras", expected="one row per camera")
    both = pd.concat([cameras[["latitude", "longitude"]], others[["latitude", "longitude"]]]).to_numpy(float)
    places = LocalPlane.around(*both.T).to_km(*both.T)
    refuse_wide(places, where="cameras and candidates", todo="plan each area by itself")
    buffer_km = BUFFER_SIGMAS * detection.sigma_km if buffer_km is None else buffer_km
    mask = make_mask(places, buffer_km=buffer_km, sigma_km=detection.sigma_km)
    area_km2 = float((np.ptp(places, axis=0) + 2 * buffer_km).prod())
    n = len(cameras)
    added = add_cameras(places[:n], places[n:], mask, detection, n_add=n_add)
    added.insert(0, "place", others["deployment"].to_numpy()[added.pop("i_place").to_numpy(np.int64)])
    return SurveyPlan(n, area_km2, expect_captures(places[:n], mask, detection), added)
