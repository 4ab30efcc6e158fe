"""Measure how many first records are suppressed, and how many alerts are false, over generated archives.

An archive has a star-shaped range somewhere on the globe, often across the antimeridian (split there, or drawn
beyond 180 degrees) or with a hole, cameras inside and outside, coordinates that are exact, rounded with or without
saying so, or off by up to their stated uncertainty, and cameras whose clock was reset, with or without a period in
the deployments table by which this could be known. Half of the archives have no range but confirmed records, so
that only what was confirmed before can make a record a first.

    planted     records outside the range (or more than `area_km` from all others): is each of them notable, or at
                least one to check?
    shuffled    archives without a planted record, leopards dealt to clips at random, all inside the range: how many
                records are notable, so that somebody is alarmed, and how many are to be checked?

What is true is worked out by other means than in the program: by counting crossings of true places with the ring.

Example: python scripts/measure_first_records.py --archives 50
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import shapely

from leopardnet.core.columns import evidence_columns, predictions_columns
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import clip_id, conform
from leopardnet.data.formats.camtrap_dp.places import uncertainty_m
from leopardnet.data.scan.deployments import DEPLOYMENTS
from leopardnet.records.find_records import SeasonRecords, find_records
from leopardnet.records.ranges.geodesics import measure_distance_m
from leopardnet.records.ranges.range_map import RangeMap
from leopardnet.records.ranges.read_ranges import parse_ranges
from leopardnet.records.record_settings import load_notable
from leopardnet.records.record_table import BEYOND, CANNOT_TELL, INSIDE, OUTSIDE

LABELS = ("leopard", "deer", "empty")
N_INSIDE, N_PLANTED, PER_CAMERA = 20, 20, 40
METRES_PER_DEGREE = 111_195.0
START, END = np.datetime64("2021-01-01"), np.datetime64("2022-01-01")
AREA_KM, MAX_CLOCK = load_notable().area_km, np.timedelta64(2, "D")


@dataclass(frozen=True, eq=False)
class Archive:
    """A generated archive: what is given to the program, and what is true of each camera.

    is_outside: whether a camera lies outside the range, bool [D]; places: its true longitude and latitude, float64
    [D, 2]; times: of each clip, the true time; planted: clip_id of each planted record.
    """

    predictions: Predictions
    manifest: Manifest
    deployments: pd.DataFrame
    ranges: RangeMap
    labels: pd.DataFrame
    is_outside: np.ndarray[Any, Any]
    places: np.ndarray[Any, Any]
    times: pd.Series[Any]
    planted: frozenset[str]

    def find(self) -> SeasonRecords:
        """Return what the program finds."""
        return find_records(
            self.predictions,
            manifest=self.manifest,
            deployments=self.deployments,
            ranges=self.ranges,
            labels=self.labels,
            wanted=["leopard"],
        )


def draw_archive(rng: np.random.Generator, *, with_range: bool, n_planted: int = N_PLANTED) -> Archive:
    """Return an archive. with_range: else there are only confirmed records to compare with."""
    centre = np.array([rng.choice([rng.uniform(-180, 180), rng.uniform(178, 182)]), rng.uniform(-60, 65)])
    squash = np.array([1 / np.cos(np.deg2rad(centre[1])), 1.0])
    rings = _draw_rings(rng)
    inside = _draw_places(rng, N_INSIDE, rings, inside=True)
    outside = _draw_places(rng, n_planted, rings, inside=False) if with_range else _draw_grid(n_planted)
    local = np.concatenate([inside, outside])
    true = centre + local * squash
    is_outside = ~_is_inside(local, rings)
    features = [_to_feature(rng, [centre + ring * squash for ring in rings])] if with_range else []
    ranges = parse_ranges({"type": "FeatureCollection", "features": features}, name="r") if features else RangeMap()
    deployments = _draw_deployments(rng, true)
    predictions, manifest, entries, times, planted = _draw_clips(rng, deployments, n_planted)
    return Archive(predictions, manifest, deployments, ranges, entries, is_outside, true, times, planted)


def _draw_rings(rng: np.random.Generator) -> list[np.ndarray[Any, Any]]:
    """Return the ring of a star in degrees of latitude around 0, and often that of a hole in it."""
    angle = np.linspace(0, 2 * np.pi, 61)[:-1]
    reach = 0.6 * (1 + 0.35 * np.sin(rng.integers(2, 6) * angle + rng.uniform(0, 6)) * rng.uniform(0, 1))
    ring = np.stack([reach * np.cos(angle), reach * np.sin(angle)], axis=1)
    hole = 0.3 * ring[::-1]
    return [np.vstack([r, r[:1]]) for r in ([ring, hole] if rng.random() < 0.5 else [ring])]


def _is_inside(places: np.ndarray[Any, Any], rings: list[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """Return by counting crossings to the east whether places lie inside, bool [N]."""
    n = np.zeros(len(places), int)
    for ring in rings:
        a, b = ring[:-1], ring[1:]
        spans = (a[:, 1] > places[:, 1:]) != (b[:, 1] > places[:, 1:])  # [N, E]
        with np.errstate(divide="ignore", invalid="ignore"):
            x = a[:, 0] + (places[:, 1:] - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0])
        n += (spans & (x > places[:, :1])).sum(axis=1)
    return n % 2 == 1


def _draw_places(
    rng: np.random.Generator, n: int, rings: list[np.ndarray[Any, Any]], *, inside: bool
) -> np.ndarray[Any, Any]:
    reach = np.abs(rings[0]).max() * (1.0 if inside else 1.6)
    places = rng.uniform(-reach, reach, (4000, 2))
    return places[_is_inside(places, rings) == inside][:n]


def _draw_grid(n: int) -> np.ndarray[Any, Any]:
    """Return places at least 40 km from each other and from the range: in a row, half a degree apart."""
    return np.stack([np.full(n, 1.6), 0.5 * np.arange(n)], axis=1)


def _to_feature(rng: np.random.Generator, rings: list[np.ndarray[Any, Any]]) -> dict[str, Any]:
    """Return the range as GeoJSON: as it is drawn, or split at the antimeridian; rings in any direction."""
    polygon = shapely.Polygon(rings[0], rings[1:])
    parts = [polygon]
    if rng.random() < 0.5:
        moved = [shapely.transform(polygon, lambda xy, t=t: xy + np.array([t, 0.0])) for t in (-360.0, 0.0, 360.0)]
        world = shapely.intersection(moved, shapely.box(-180.0, -90.0, 180.0, 90.0))
        parts = [p for p in shapely.get_parts(world) if p.area > 0]
    turn = slice(None, None, rng.choice([-1, 1]))
    coordinates = [[[list(xy) for xy in r.coords][turn] for r in (p.exterior, *p.interiors)] for p in parts]
    return {
        "type": "Feature",
        "properties": {"kind": "range", "label": "leopard"},
        "geometry": {"type": "MultiPolygon", "coordinates": coordinates},
    }


def _draw_deployments(rng: np.random.Generator, true: np.ndarray[Any, Any]) -> pd.DataFrame:
    """Return the table of deployments: coordinates as people state them, and clocks as cameras keep them."""
    rows = []
    for i, (lon, lat) in enumerate(true):
        how, off_m = rng.choice(["exact", "rounded", "silently rounded", "moved"]), np.nan
        digits = int(rng.integers(1, 4))
        if how.endswith("rounded"):
            lon, lat = np.round([lon, lat], digits)
            off_m = float(uncertainty_m(digits)) if how == "rounded" else np.nan
        if how == "moved":
            off_m = float(rng.choice([100.0, 1000.0, 5000.0]))
            reach, angle = off_m * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
            lat += reach * np.sin(angle) / METRES_PER_DEGREE
            lon += reach * np.cos(angle) / METRES_PER_DEGREE / np.cos(np.deg2rad(lat))
        has_period = rng.random() < 0.7
        rows.append(
            {
                "deployment": f"d{i}",
                "site": f"s{i}",
                "latitude": lat,
                "longitude": (lon + 180) % 360 - 180,
                "coordinate_uncertainty_m": off_m,
                "time_zone": rng.choice(["Asia/Vladivostok", "UTC", None], p=[0.5, 0.4, 0.1]),
                "start": START if has_period else np.datetime64("NaT"),
                "end": END if has_period else np.datetime64("NaT"),
                "clock_uncertainty_s": rng.choice([60.0, np.nan]),
                "clock_correction_s": 0.0,
            }
        )
    table = pd.DataFrame(rows)
    empty = {c.name: None for c in DEPLOYMENTS if c.name not in table}
    return table.assign(**empty).astype({c.name: c.dtype for c in DEPLOYMENTS})[[c.name for c in DEPLOYMENTS]]


def _draw_clips(
    rng: np.random.Generator, deployments: pd.DataFrame, n_planted: int
) -> tuple[Predictions, Manifest, pd.DataFrame, pd.Series[Any], frozenset[str]]:
    n_cameras = len(deployments)
    camera = np.repeat(np.arange(n_cameras), PER_CAMERA)
    at = START + rng.integers(0, 364 * 86_400, len(camera)).astype("timedelta64[s]")
    reset = deployments["clock_uncertainty_s"].isna().to_numpy() & (rng.random(n_cameras) < 0.3)
    times = at
    at = np.where(reset[camera], at - np.timedelta64(6 * 365, "D"), at)
    paths = [f"s{c}/d{c}/{i:06}.avi" for i, c in enumerate(camera)]
    ids = np.array([clip_id(p) for p in paths])
    is_home = camera < n_cameras - n_planted
    is_leopard = is_home & (rng.random(len(camera)) < 0.05)
    first = np.searchsorted(camera, np.arange(n_cameras - n_planted, n_cameras))
    is_leopard[first] = True
    confirmed = is_leopard & (rng.random(len(camera)) < 0.5)
    confirmed[np.flatnonzero(is_leopard & is_home)[:1]] = True  # else there is nothing to be first against
    score = np.where(is_leopard, rng.uniform(0.3, 1.0, len(camera)), 0.01)
    columns = predictions_columns(LABELS)
    table = pd.DataFrame(
        {
            "clip_id": ids,
            "path": paths,
            "kind": "video",
            "status": "ok",
            "decision": np.where(score > 0.5, "leopard", "empty"),
            "rule": "species",
            "alerts": np.where(is_leopard, "leopard", None),
            "n_frames": 1,
            "bundle_id": "b",
            "labels_id": "l",
            "p_leopard": score,
            "p_deer": 0.0,
            "p_empty": 1 - score,
        }
    ).reindex(columns=[c.name for c in columns])
    frames = pd.DataFrame(columns=[c.name for c in evidence_columns(LABELS)])
    rows = {"path": paths, "kind": "video", "site": [f"s{c}" for c in camera], "captured_at": at}
    manifest = Manifest.from_rows(pd.DataFrame({**rows, "deployment": [f"d{c}" for c in camera]}), Path())
    order = rng.permutation(np.flatnonzero(confirmed))
    entries = pd.DataFrame(
        {
            "entry_id": np.arange(len(order)) + 1,
            "clip_id": ids[order],
            "path": np.array(paths, object)[order],
            "labels": '["leopard"]',
            "by": "AB",
            "at": "2022-02-01T10:00:00+00:00",
            "queue": "all",
            "inclusion": np.nan,
            **dict.fromkeys(("seconds", "boxes", "bundle_id", "note"), None),
            "starred": False,
            "undoes": pd.array([None] * len(order), "Int64"),
        }
    )
    predictions = Predictions(conform(table, columns, where="predictions"), frames)
    return predictions, manifest, entries, pd.Series(times, index=ids), frozenset(ids[first])


def measure(n_archives: int, *, seed: int = 7) -> dict[str, int]:
    """Return the counts over `n_archives` archives with planted records, and as many shuffled ones."""
    counts = dict.fromkeys(
        (
            *("planted", "suppressed", "only_to_check", "untrue_status"),
            *("shuffled_clips", "records", "alerts", "untrue_alerts", "to_check"),
        ),
        0,
    )
    for k in range(n_archives):
        archive = draw_archive(np.random.default_rng((seed, k)), with_range=k % 2 == 0)
        season = archive.find()
        found, unclear = season.records, season.to_check
        n_notable = int(found.loc[found["clip_id"].isin(archive.planted), "is_notable"].sum())
        n_unclear = int(unclear["clip_id"].isin(archive.planted).sum())
        counts["planted"] += len(archive.planted)
        counts["only_to_check"] += n_unclear
        counts["suppressed"] += len(archive.planted) - n_notable - n_unclear
        counts["untrue_status"] += count_untrue(archive, found)
        quiet = draw_archive(np.random.default_rng((seed, k, 1)), with_range=True, n_planted=0)
        season = quiet.find()
        found = season.records
        counts["shuffled_clips"] += len(quiet.predictions.table)
        counts["records"] += len(found)
        counts["alerts"] += len(season.notable)
        counts["untrue_alerts"] += int(find_untrue_alerts(quiet, found).sum())
        counts["to_check"] += len(season.to_check)
        counts["untrue_status"] += count_untrue(quiet, found)
    return counts


def find_untrue_alerts(archive: Archive, records: pd.DataFrame) -> pd.Series[bool]:
    """Return for each record of a quiet archive whether one of its rules says something untrue.

    All is inside the range and within a year. A first in the area is untrue if a confirmed record was within the
    radius more than two days before, which is as much as two clocks may differ of which nothing is known.
    """
    rules = records["rules"].fillna("")
    is_false = rules.str.contains("outside_range|beyond_barrier|first_in_years")
    place = archive.places[records["site"].str[1:].astype(int)]
    at = archive.times.loc[records["clip_id"]].to_numpy()
    old = (records["state"] == "confirmed").to_numpy()
    for i in np.flatnonzero(rules.str.contains("first_in_area")):
        km = measure_distance_m(*place[i], *place[old].T) / 1000
        is_false.iloc[i] |= bool(((km < AREA_KM) & (at[old] < at[i] - MAX_CLOCK)).any())
    return is_false


def count_untrue(archive: Archive, records: pd.DataFrame) -> int:
    """Return how many records are said to lie inside or outside, and do not."""
    truly_outside = archive.is_outside[records["site"].str[1:].astype(int)]
    says_outside, says_inside = records["range_status"].isin([OUTSIDE, BEYOND]), records["range_status"].eq(INSIDE)
    assert records["range_status"].isin([OUTSIDE, BEYOND, INSIDE, CANNOT_TELL, "no_range"]).all()
    return int((says_outside & ~truly_outside).sum() + (says_inside & truly_outside).sum())


def main() -> None:
    """Print the counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archives", type=int, default=50)
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    start = time.monotonic()
    counts = measure(options.archives, seed=options.seed)
    for name, n in counts.items():
        print(f"{name}: {n}")
    n_clips = counts["shuffled_clips"]
    for name in ("alerts", "untrue_alerts", "to_check"):
        print(f"{name} per 10,000 clips: {counts[name] / n_clips * 1e4:.2f}")
    print(f"{time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
