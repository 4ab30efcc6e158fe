"""Measure time and memory of what is said of a million records: range, encounters, effort and what rests on them.

The records are made up: 200 stations with two cameras each in 150 x 150 km, four seasons of 200 days, three owners;
95 % sika deer, 3 % tiger, 2 % leopard, a third of them confirmed; clocks within 30 s, some unknown. Every label has
a range of 1,000 corners, and a barrier crosses the area. Prints a line per part, with time of the clock and of the
processor (the first is longer where others use the machine), and the peak memory of the process.

Example: python scripts/benchmarks/records.py --records 1000000
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
from shapely import LineString, Polygon

from leopardnet.core.tables import conform
from leopardnet.data.scan.deployments import DEPLOYMENTS
from leopardnet.records.effort import count_effort, find_active_periods
from leopardnet.records.encounters.encounter_table import count_by_label, link_encounters
from leopardnet.records.encounters.flank_pairs import find_flank_pairs
from leopardnet.records.encounters.repeated_captures import find_repeated_captures
from leopardnet.records.ranges.add_ranges import add_ranges
from leopardnet.records.ranges.range_map import Barrier, RangeMap, RangePolygon

N_STATIONS, N_SEASONS, DAYS = 200, 4, 200
TARGET_S, TARGET_GB = 60.0, 2.0


def make_records(n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return records of three labels, and the deployments of the cameras."""
    rng = np.random.default_rng(7)
    latitude, longitude = 43 + rng.uniform(0, 1.35, N_STATIONS), 131 + rng.uniform(0, 1.85, N_STATIONS)
    clock_s = np.where(rng.random((N_STATIONS, 2)) < 0.1, np.nan, rng.integers(0, 31, (N_STATIONS, 2)))
    station, camera, season = rng.integers(0, N_STATIONS, n), rng.integers(0, 2, n), rng.integers(0, N_SEASONS, n)
    seconds = np.round((season * 365 + rng.uniform(0, DAYS, n)) * 86_400)
    at = (pd.Timestamp("2021-10-01") + pd.to_timedelta(seconds, unit="s")).astype("datetime64[us]")
    cameras = np.array(["a", "b"], dtype=object)
    names = np.array([f"s{i:03d}" for i in range(N_STATIONS)], dtype=object)
    ids = [f"{i:012x}" for i in range(n)]
    records = pd.DataFrame(
        {
            "record_id": ids,
            "clip_id": ids,
            "path": names[station] + "/" + np.array(ids, dtype=object) + ".mp4",
            "label": np.array(["sika_deer", "tiger", "leopard"], dtype=object)[
                rng.choice(3, n, p=[0.95, 0.03, 0.02])
            ],
            "state": np.array(["suspected", "confirmed", "refuted"], dtype=object)[
                rng.choice(3, n, p=[0.6, 0.33, 0.07])
            ],
            "site": names[station],
            "station": names[station],
            "deployment": [f"{s}{c}{t}" for s, c, t in zip(names[station], cameras[camera], season, strict=True)],
            "owner": np.array(["north", "south", "east"], dtype=object)[station % 3],
            "captured_at": at,
            "at_utc": at - pd.Timedelta(hours=10),
            "clock_uncertainty_s": clock_s[station, camera],
            "latitude": latitude[station],
            "longitude": longitude[station],
            "coordinate_uncertainty_m": 20.0,
        }
    )
    starts = pd.Timestamp("2021-10-01") + pd.to_timedelta(365 * np.arange(N_SEASONS), unit="D")
    made = pd.MultiIndex.from_product(
        [range(N_STATIONS), cameras, range(N_SEASONS)], names=["i", "camera", "season"]
    )
    table = made.to_frame(index=False)
    deployments = pd.DataFrame(
        {
            "deployment": [f"{names[i]}{c}{t}" for i, c, t in made],
            "site": names[table["i"]],
            "owner": np.array(["north", "south", "east"], dtype=object)[table["i"] % 3],
            "start": starts[table["season"]],
            "end": starts[table["season"]] + pd.Timedelta(days=DAYS),
            "problems": [f"{starts[t]:%Y-%m-%d} 00:00:00/{starts[t]:%Y-%m-%d} 12:00:00" for _, _, t in made],
            "clock_correction_s": 0.0,
        }
    )
    return records, conform(deployments, DEPLOYMENTS, where="deployments")


def make_ranges() -> RangeMap:
    """Return a round range of 1,000 corners for every label, and a barrier through the area."""
    angle = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    corners = Polygon(np.stack([131.5 + 0.6 * np.cos(angle), 43.5 + 0.4 * np.sin(angle)], axis=1))
    line = LineString(
        np.stack([np.linspace(130.5, 133.5, 500), 43.9 + 0.05 * np.sin(np.linspace(0, 40, 500))], axis=1)
    )
    labels = ("sika_deer", "tiger", "leopard")
    return RangeMap(tuple(RangePolygon(x, "", corners) for x in labels), (Barrier("railway", line),))


def measure(name: str, work: Callable[[], pd.DataFrame]) -> np.ndarray:
    """Print how long the work takes and how many rows it returns; return seconds of the clock and the processor."""
    began = np.array([time.perf_counter(), time.process_time()])
    rows = len(work())
    seconds = np.array([time.perf_counter(), time.process_time()]) - began
    print(f"{name:<20} {seconds[0]:7.1f} s {seconds[1]:7.1f} s of the processor {rows:>9,} rows")
    return seconds


def main() -> None:
    """Parse the arguments and measure every part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    records, deployments = make_records(parser.parse_args().records)
    ranges = make_ranges()
    total = measure("range", lambda: add_ranges(records, ranges))
    total += measure("encounters", lambda: link_encounters(records)[1])
    total += measure("effort", lambda: count_effort(deployments, records))
    rest = measure("animals by label", lambda: count_by_label(records))
    rest += measure("flank pairs", lambda: find_flank_pairs(records))
    periods = find_active_periods(deployments, records)
    rest += measure("repeated captures", lambda: find_repeated_captures(records, periods))
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(
        f"range, encounters, effort: {total[0]:.1f} s, {total[1]:.1f} s of the processor, target {TARGET_S:.0f} s"
    )
    print(f"all parts: {(total + rest)[0]:.1f} s, {(total + rest)[1]:.1f} s of the processor")
    print(f"peak memory: {peak_gb:.2f} GiB, target {TARGET_GB:.0f} GiB")


if __name__ == "__main__":
    main()
