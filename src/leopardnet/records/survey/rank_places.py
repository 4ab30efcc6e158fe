"""Where to look after a record: places without a camera and cameras to visit, ranked, with the reasons in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray

from leopardnet.core.columns import FLOAT, INT, STRING, TIME, Column
from leopardnet.core.errors import ManifestError
from leopardnet.core.tables import conform
from leopardnet.data.scan.deployments import match_deployments
from leopardnet.records.record_table import BEYOND, CONFIRMED, REFUTED
from leopardnet.records.survey.camera_places import CAMERA, find_camera_places, hide_exact_places
from leopardnet.records.survey.local_plane import LocalPlane, name_direction, refuse_wide
from leopardnet.records.survey.place_reasons import CELL, give_reasons, list_assumptions, tell_left_out
from leopardnet.records.survey.survey_settings import SurveySettings

PLACES = (
    Column("rank", INT, False, "1 is the place to visit first"),
    Column("kind", STRING, False, "cell (no camera there), camera, or former camera (it was taken down)"),
    Column("name", STRING, False, "site of the camera, or the cell by its distance and direction from the record"),
    Column("label", STRING, False, "the animal"),
    Column("weight", FLOAT, False, "the order: 1 at the latest record itself"),
    Column("record_id", STRING, False, "the record that speaks most for the place"),
    Column("state", STRING, False, "its state: confirmed by a person, or suspected by a model"),
    Column("score", FLOAT, True, "its probability; empty if no model gave one"),
    Column("record_site", STRING, True, "its site"),
    Column("distance_km", FLOAT, False, "from that record"),
    Column("direction", STRING, False, "from that record: N, NE, …"),
    Column("sigmas", FLOAT, False, "the distance in units of sigma"),
    Column("barrier", STRING, True, "barriers between the record and the place, joined by ' + '"),
    Column("nearest_camera_km", FLOAT, True, "of a cell, to the nearest camera that covers anything"),
    Column("last_clip_at", TIME, True, "of a camera, its last clip in the archive; empty without a manifest"),
    Column("ended_at", TIME, True, "of a camera, its end in the deployments table"),
    Column("reasons", STRING, False, "why it stands here"),
    Column("is_coarse", "bool", False, "computed from a place that its owner does not show exactly"),
    Column("is_hidden", "bool", False, "its owner forbids the exact place: in no file with coordinates"),
    Column("latitude", FLOAT, False, "degrees north"),
    Column("longitude", FLOAT, False, "degrees east"),
    Column("side_km", FLOAT, True, "of a cell, the length of its side"),
)
_OF_PLACE = ["latitude", "longitude", "coordinate_uncertainty_m", "exact_place"]
_TABLE_ONLY = ("latitude", "longitude")  # in files with coordinates alone
_SAME_KM = 1e-6  # limits are not decided by the last bit of a projection
Barriers = Sequence[tuple[str, Any]]


@dataclass(frozen=True)
class RankedPlaces:
    """Places by rank (columns PLACES), the assumptions behind them, and what could not be used, in words."""

    table: pd.DataFrame
    assumptions: tuple[str, ...]
    notes: tuple[str, ...]

    def without_coordinates(self) -> pd.DataFrame:
        """Return the table as it may be shown to anybody who knows the sites."""
        return self.table.drop(columns=[*_TABLE_ONLY])


def rank_places(
    records: pd.DataFrame,
    deployments: pd.DataFrame,
    settings: SurveySettings,
    *,
    label: str,
    sigma_km: float | None = None,
    barriers: Barriers = (),
    clips: pd.DataFrame | None = None,
    with_suspected: bool = False,
) -> RankedPlaces:
    """Rank the places to visit after records of one label, the best first.

    records: rows of a records table; refuted ones and other labels do not count, suspected ones only
    `with_suspected` or where nothing is confirmed, and of several records of a site only the latest. Their places
    are those of `deployments`, the table of `read_deployments`, where it has them. sigma_km: instead of that of
    the settings. barriers: names and shapely lines in degrees, x to the east. clips: as for `count_effort`, for the
    last clip of each camera.

    The weight of a place is exp(-d²/2 sigma²) of its distance from a record, halved for each half-life by which the
    record is older than the latest one, times `across_barrier` where a barrier lies between and the record lies
    beyond one, and times `read_since` for a camera of which the archive has clips since, as it has of one that made
    a record; of several records the largest counts. The uncertainty of coordinates widens sigma, and spreads the
    weight over the larger area.
    Raises ManifestError without a record that has coordinates, and for records more than 500 km apart, and
    ConfigError where sigma is not known.

    >>> ln.rank_places(records, deployments, ln.load_survey_settings(), label="leopard").table  # doctest: +SKIP
    """
    sigma, source = (sigma_km, "given") if sigma_km is not None else settings.find_sigma(label)
    used, notes = _choose_records(_take_places(records, deployments), label, with_suspected=with_suspected)
    cameras, more = find_camera_places(deployments, clips, used["captured_at"].max(), settings)
    plane = LocalPlane.around(used["latitude"].to_numpy(), used["longitude"].to_numpy())
    here = plane.to_km(used["latitude"].to_numpy(), used["longitude"].to_numpy())
    refuse_wide(here, where="records", todo="look around one of them at a time, with --record")
    there = plane.to_km(cameras["latitude"].to_numpy(), cameras["longitude"].to_numpy())
    widths = np.hypot(sigma, used["coordinate_uncertainty_m"].fillna(0.0).to_numpy() / 1000)
    cells = _lay_cells(here, settings.reach_sigma * widths, sigma)
    nearest = _nearest(cells, there[cameras["is_covering"].to_numpy()])
    is_free = nearest > sigma + _SAME_KM
    cells, nearest = cells[is_free], nearest[is_free]
    points = np.concatenate([cells, there])
    table = _weigh(points, here, widths, used, settings, _project(barriers, plane))
    latitude, longitude = plane.to_degrees(points)
    table = table.assign(
        latitude=latitude,
        longitude=longitude,
        side_km=np.where(np.arange(len(points)) < len(cells), sigma, np.nan),
        is_archive_known=clips is not None,
        label=label,
        **_join_columns(nearest, cameras, used),
    )
    table = _order(table, settings)
    ranked = conform(
        give_reasons(table, sigma).assign(rank=range(1, len(table) + 1))[[c.name for c in PLACES]],
        PLACES,
        where="places to visit",
    )
    assumptions = list_assumptions(
        settings,
        label=label,
        sigma_km=sigma,
        source=source,
        n_barriers=len(barriers),
        basis=" + ".join(sorted(used["state"].unique())),
    )
    return RankedPlaces(ranked, assumptions, (*notes, *more))


def _join_columns(nearest: NDArray[np.float64], cameras: pd.DataFrame, used: pd.DataFrame) -> dict[str, Any]:
    """Return the columns of the N cells and of the cameras behind them. nearest: to a camera, km, float64 [N]."""
    n = len(nearest)
    made = used.drop_duplicates("site", keep="last").set_index("site")["record_id"]
    far = np.where(np.isfinite(nearest), nearest, np.nan)
    return {
        "kind": [CELL] * n + cameras["kind"].tolist(),
        "site": [None] * n + cameras["site"].tolist(),
        "nearest_camera_km": np.concatenate([far, np.full(len(cameras), np.nan)]),
        **{k: pd.Series([pd.NaT] * n + cameras[k].tolist(), dtype=TIME) for k in ("last_clip_at", "ended_at")},
        "made": [None] * n + [made.get(site) for site in cameras["site"]],
        "is_hidden": [False] * n + cameras["is_hidden"].tolist(),
    }


def _order(table: pd.DataFrame, settings: SurveySettings) -> pd.DataFrame:
    """Return the places within reach by weight, then by distance, as many as the settings allow."""
    table["is_coarse"] |= table["is_hidden"]
    is_read = (table["kind"] == CAMERA) & ((table["last_clip_at"] >= table["record_at"]) | table["made"].notna())
    table["weight"] *= np.where(is_read, settings.read_since, 1.0)
    table = table[table["sigmas"] <= settings.reach_sigma + _SAME_KM]
    keys = pd.DataFrame({"w": -table["weight"].round(9), "d": table["distance_km"].round(6), "k": table["kind"]})
    return (
        table.loc[keys.sort_values(["w", "d", "k"], kind="stable").index]
        .head(settings.n_places)
        .reset_index(drop=True)
    )


def _take_places(records: pd.DataFrame, deployments: pd.DataFrame) -> pd.DataFrame:
    """Return the records with the places of their deployments, where known: those of records are written coarse."""
    i = match_deployments(records, deployments)
    places = deployments.reset_index(drop=True).reindex(columns=_OF_PLACE).reindex(i.where(i >= 0))
    places = places.set_axis(records.index)
    known = places["latitude"].notna() & places["longitude"].notna()
    return records.assign(**{name: records[name].where(~known, places[name]) for name in _OF_PLACE})


def _choose_records(
    records: pd.DataFrame, label: str, *, with_suspected: bool
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the latest record of each site of this label, with its place, and what was left out, in words.

    A record that a person confirmed makes suspected ones superfluous, unless they are asked for.
    """
    mine = records[(records["label"] == label) & (records["state"] != REFUTED)]
    is_sure = mine["state"] == CONFIRMED
    n_unsure = 0 if with_suspected or not is_sure.any() else int((~is_sure).sum())
    mine = mine[is_sure] if n_unsure else mine
    placed = mine[mine["latitude"].notna() & mine["longitude"].notna() & mine["captured_at"].notna()]
    if placed.empty:
        raise ManifestError(
            "no record says where and when the animal was",
            where="records",
            found=f"{len(mine)} records of {label} that are not refuted, none with coordinates and a time",
            todo="give the coordinates of the sites in the deployments table, and find the records again",
        )
    n_lost = len(mine) - len(placed)
    notes = tell_left_out(label, n_unsure=n_unsure, n_lost=n_lost, n=len(mine))
    placed = placed.assign(site=placed["site"].fillna(placed["deployment"]))  # as cameras are named
    latest = placed.sort_values(["captured_at", "record_id"], kind="stable").drop_duplicates(
        ["site", "latitude", "longitude"], keep="last"
    )
    return hide_exact_places(latest.reset_index(drop=True)), notes


def _lay_cells(here: NDArray[np.float64], reach_km: NDArray[np.float64], side_km: float) -> NDArray[np.float64]:
    """Return the centres of the cells within reach of a record, float64 [C, 2], on one grid."""
    found = set()
    for (x, y), reach in zip(here, reach_km, strict=True):
        span = np.arange(-np.ceil(reach / side_km), np.ceil(reach / side_km) + 1)
        grid = np.stack(np.meshgrid(span + round(x / side_km), span + round(y / side_km)), axis=-1).reshape(-1, 2)
        near = np.hypot(*(grid * side_km - (x, y)).T) <= reach + _SAME_KM
        found |= set(map(tuple, grid[near].astype(int).tolist()))
    return np.array(sorted(found), float).reshape(-1, 2) * side_km


def _nearest(points: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance of each point from the nearest of the others; infinite without any."""
    from scipy.spatial import cKDTree

    if not len(others) or not len(points):
        return np.full(len(points), np.inf)
    distances: NDArray[np.float64] = cKDTree(others).query(points)[0]
    return distances


def _project(barriers: Barriers, plane: LocalPlane) -> list[tuple[str, Any]]:
    def to_plane(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return plane.to_km(points[:, 1], points[:, 0])

    return [(name, shapely.transform(line, to_plane)) for name, line in barriers]


def _weigh(
    points: NDArray[np.float64],
    here: NDArray[np.float64],
    widths: NDArray[np.float64],
    used: pd.DataFrame,
    settings: SurveySettings,
    barriers: list[tuple[str, Any]],
) -> pd.DataFrame:
    """Return for each point its weight, and the record with the largest one: its id, site, time, distance, …"""
    step = points[:, None] - here[None]
    distance = np.hypot(step[..., 0], step[..., 1])
    age_days = (used["captured_at"].max() - used["captured_at"]) / pd.Timedelta(days=1)
    spread = (widths.min() / widths) ** 2  # an uncertain place is as likely as others, and over a larger area
    weight = spread * np.exp(-(distance**2) / (2 * widths**2))
    weight *= 0.5 ** (age_days.to_numpy() / settings.half_life_days)
    ends = np.stack([np.broadcast_to(points[:, None], step.shape), np.broadcast_to(here[None], step.shape)], axis=2)
    crossed = np.zeros((len(barriers), *distance.shape), bool)
    lines = shapely.linestrings(ends)
    for k, (_, line) in enumerate(barriers):
        crossed[k] = shapely.intersects(line, lines)
    is_beyond = used.get("range_status", pd.Series(None, index=used.index)).eq(BEYOND).to_numpy(bool)
    weight = weight * np.where(crossed.any(axis=0) & is_beyond, settings.across_barrier, 1.0)
    best, row = weight.argmax(axis=1), np.arange(len(points))
    chosen = used.iloc[best].reset_index(drop=True)
    names = np.array([name for name, _ in barriers], dtype=object)
    return pd.DataFrame(
        {
            "weight": weight[row, best],
            "record_id": chosen["record_id"],
            "state": chosen["state"],
            "score": chosen["score"],
            "record_site": chosen["site"],
            "record_at": chosen["captured_at"],
            "record_age_days": age_days.to_numpy()[best],
            "is_beyond": is_beyond[best],
            "distance_km": distance[row, best],
            "direction": [name_direction(x, y) for x, y in step[row, best]],
            "sigmas": distance[row, best] / widths[best],
            "barrier": [" + ".join(names[c]) or None for c in crossed[:, row, best].T],
            "is_coarse": chosen["is_hidden"],
        }
    )
