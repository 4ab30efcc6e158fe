"""Places as they may be written: rounded, unless exact ones are asked for and their owner allows it."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.data.formats.camtrap_dp.places import uncertainty_m
from leopardnet.records.ranges.uncertain_places import PLACE, find_uncertainty_m

COARSE_DIGITS = 1  # about 10 km, as in exports
_FAR_KM = 10.0  # the step of the second distance: two that are known to a kilometre meet in two small places


def hide_places(table: pd.DataFrame, *, exact_places: bool, among: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return a table of records with the places that may be written.

    Without `exact_places`, and always where `exact_place` is "no", coordinates are rounded to one decimal,
    `coordinate_uncertainty_m` grows by the rounding. So that distances do not lead back to the place, that to the
    range is in whole kilometres and that to the nearest record in tens; the latter also where the place of
    the nearest record is hidden, or that record is not in the table (or in `among`, records this is a part of). Of
    several animals with a range each at one such place, only one has its distance: that with a notable record, or
    else with most records.

    >>> t = pd.DataFrame({"latitude": [43.1234], "longitude": [131.4321], "coordinate_uncertainty_m": [50.0],
    ...                   "exact_place": ["no"], "distance_km": [12.34], "nearest_record_km": [np.nan]})
    >>> hide_places(t.assign(distance_error_km=0.05), exact_places=True).iloc[0, :3].tolist()
    [43.1, 131.4, 7952.0]
    """
    hidden = table["exact_place"].eq("no").fillna(False).to_numpy(bool) | (not exact_places)
    far = hidden | ~_is_nearest_exact(table, table if among is None else among)
    second = hidden & _is_second_distance(table, table if among is None else among)
    table = round_places(table, hidden)
    table.loc[second, ["distance_km", "distance_error_km"]] = np.nan
    table.loc[hidden, "distance_km"] = table.loc[hidden, "distance_km"].round(0)
    table.loc[far, "nearest_record_km"] = (table.loc[far, "nearest_record_km"] / _FAR_KM).round(0) * _FAR_KM
    moved = hidden & table["distance_km"].notna().to_numpy(bool)
    table.loc[moved, "distance_error_km"] = np.ceil(table.loc[moved, "distance_error_km"] + 0.5)
    return table


def _is_second_distance(table: pd.DataFrame, among: pd.DataFrame) -> NDArray[np.bool_]:
    """Return which records lie off the range of another animal than the one whose distance is told, bool [N]."""
    at = ["latitude", "longitude"]
    names = [*at, "label"]
    if not {*names, "distance_km"} <= set(table) & set(among):
        return np.zeros(len(table), bool)
    known = among[among["distance_km"].gt(0) & among["latitude"].notna()]
    rank = known.assign(is_notable=known["is_notable"].astype(bool) if "is_notable" in known else False)
    places = rank.groupby(names, as_index=False).agg(is_notable=("is_notable", "max"), n=("is_notable", "size"))
    order = places.sort_values(["is_notable", "n", "label"], ascending=[False, False, True], kind="stable")
    told = order.drop_duplicates(at).set_index(at)["label"]
    label = pd.Series(told.reindex(pd.MultiIndex.from_frame(table[at])).to_numpy(object), index=table.index)
    return (label.notna() & label.ne(table["label"]) & table["distance_km"].gt(0)).to_numpy(bool)


def _is_nearest_exact(table: pd.DataFrame, among: pd.DataFrame) -> NDArray[np.bool_]:
    """Return whether the place of the nearest record of each record is known and may be exact, bool [N]."""
    if "nearest_record_id" not in table or "record_id" not in among or "exact_place" not in among:
        return np.zeros(len(table), bool)
    exact = among.loc[~among["exact_place"].eq("no").fillna(False).astype(bool), "record_id"]
    return table["nearest_record_id"].isin(exact).to_numpy(bool)


def hide_paths(encounters: pd.DataFrame, records: pd.DataFrame, *, exact_places: bool) -> pd.DataFrame:
    """Return a table of encounters whose ways lead back to no place: in tens where one is hidden.

    records: theirs. It is rounded down, so it stays true that the way was at least so long.
    """
    forbidden = records.loc[records["exact_place"].eq("no").fillna(False), "encounter_id"]
    hidden = encounters["encounter_id"].isin(forbidden) | (not exact_places)
    names = [name for name in ("path_km", "confirmed_path_km") if name in encounters]
    coarse = {x: np.floor(encounters[x].astype(float) / _FAR_KM) * _FAR_KM for x in names}
    return encounters.assign(**{x: encounters[x].mask(hidden, coarse[x]) for x in names})


def round_places(table: pd.DataFrame, hidden: NDArray[np.bool_]) -> pd.DataFrame:
    """Return a table with latitude, longitude and coordinate_uncertainty_m, rounded to one decimal where `hidden`.

    hidden: bool [N]. The uncertainty of these rows grows by the rounding. The given table does not change.
    """
    placed = hidden & (table["latitude"].notna() & table["longitude"].notna()).to_numpy(bool)
    table = table.copy()
    off_m = find_uncertainty_m(table.loc[placed, list(PLACE)])
    # Rounding again what was rounded adds nothing.
    coarse_m = float(uncertainty_m(COARSE_DIGITS))
    stated = table.loc[placed, "coordinate_uncertainty_m"].notna().to_numpy()
    table.loc[placed, "coordinate_uncertainty_m"] = np.where(stated, off_m + coarse_m, np.maximum(off_m, coarse_m))
    for column in ("latitude", "longitude"):
        table.loc[placed, column] = table.loc[placed, column].round(COARSE_DIGITS) + 0.0
    return table
