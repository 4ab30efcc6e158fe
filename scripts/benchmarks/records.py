"""Measure time and memory of what is said of a million records: encounters, flank pairs, repeated captures.

The records are made up: 200 stations with two cameras each in 150 x 150 km, four seasons of 200 days, three owners;
95 % sika deer, 3 % tiger, 2 % leopard, a third of them confirmed; clocks within 30 s, some unknown. Prints a line
per part, and the peak memory of the process.

Example: python scripts/benchmarks/records.py --records 1000000
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from leopardnet.records.encounters.encounter_table import count_by_label, link_encounters
from leopardnet.records.encounters.flank_pairs import find_flank_pairs
from leopardnet.records.encounters.repeated_captures import find_repeated_captures

N_STATIONS, N_SEASONS, DAYS = 200, 4, 200
TARGET_S, TARGET_GB = 60.0, 2.0


def make_records(n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return records of three labels, and the periods of work of the stations."""
    rng = np.random.default_rng(7)
    latitude, longitude = 43 + rng.uniform(0, 1.35, N_STATIONS), 131 + rng.uniform(0, 1.85, N_STATIONS)
    clock_s = np.where(rng.random((N_STATIONS, 2)) < 0.1, np.nan, rng.integers(0, 31, (N_STATIONS, 2)))
    station, camera, season = rng.integers(0, N_STATIONS, n), rng.integers(0, 2, n), rng.integers(0, N_SEASONS, n)
    seconds = np.round((season * 365 + rng.uniform(0, DAYS, n)) * 86_400)
    at = (pd.Timestamp("2021-10-01") + pd.to_timedelta(seconds, unit="s")).astype("datetime64[us]")
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
            "deployment": names[station] + np.array(["a", "b"], dtype=object)[camera],
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
    ends = starts + pd.Timedelta(days=DAYS)
    periods = pd.MultiIndex.from_product([names, range(N_SEASONS)], names=["station", "season"]).to_frame(
        index=False
    )
    return records, periods.assign(start=starts[periods["season"]], end=ends[periods["season"]])


def measure(name: str, work: Callable[[], pd.DataFrame]) -> float:
    """Print how long the work takes and how many rows it returns; return the seconds."""
    began = time.perf_counter()
    rows = len(work())
    seconds = time.perf_counter() - began
    print(f"{name:<20} {seconds:7.1f} s {rows:>9,} rows")
    return seconds


def main() -> None:
    """Parse the arguments and measure every part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    records, periods = make_records(parser.parse_args().records)
    total = measure("encounters", lambda: link_encounters(records)[1])
    total += measure("animals by label", lambda: count_by_label(records))
    total += measure("flank pairs", lambda: find_flank_pairs(records))
    total += measure("repeated captures", lambda: find_repeated_captures(records, periods))
    peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    print(f"{'together':<20} {total:7.1f} s, target below {TARGET_S:.0f} s")
    print(f"{'peak memory':<20} {peak_gb:7.2f} GiB, target below {TARGET_GB:.0f} GiB")


if __name__ == "__main__":
    main()
