"""Measure the statements on encounters: the least number of animals, and how often chance alone gives a hint.

`animals`: random cases of up to seven records at up to five stations, with exact clocks and places. The least
number of animals is compared with brute force, which tries every way to deal the records to animals and measures on
the ellipsoid. Then animals that walk at random are filmed by clocks and at places that are off by as much as is
stated: the number that is told must not exceed the number that was filmed.

`hints`: archives without any crowding. Each has 20 stations of 120 days, of which some have a problem period, with
captures at random times. The share of archives with at least one "worth a visit" is the level, up to its error.
With `--figure FILE`, the smallest p-value of each archive is drawn against what chance gives.

Example: python scripts/measure_encounters.py animals --cases 10000
         python scripts/measure_encounters.py hints --cases 1000 --figure hints.png
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import Geod

from leopardnet.records.encounters.encounter_settings import load_encounter_settings
from leopardnet.records.encounters.encounter_table import count_by_label
from leopardnet.records.encounters.repeated_captures import scan_stations

WGS84 = Geod(ellps="WGS84")
SEED = 7
START = pd.Timestamp("2021-10-01")
DAYS = 120
LEVELS = (0.01, 0.05, 0.1, 0.2)


def make_records(
    station: np.ndarray, minutes: np.ndarray, latitude: np.ndarray, longitude: np.ndarray, **more: float
) -> pd.DataFrame:
    """Return confirmed records of leopards at these stations and minutes after START, clocks and places exact."""
    at = (START + pd.to_timedelta(np.round(minutes * 60), unit="s")).astype("datetime64[us]")
    names = [f"s{i}" for i in station]
    table = pd.DataFrame({"record_id": [f"r{i:04d}" for i in range(len(station))], "site": names, "station": names})
    facts = {"label": "leopard", "state": "confirmed", "owner": "owner", "captured_at": at, "at_utc": at}
    exact = {"clock_uncertainty_s": 0.0, "coordinate_uncertainty_m": 0.0} | more
    return table.assign(**facts, latitude=latitude, longitude=longitude, **exact)


def draw_case(rng: np.random.Generator) -> pd.DataFrame:
    """Return up to seven records at up to five stations within some kilometres and minutes, some at one minute."""
    n, n_stations = int(rng.integers(1, 8)), int(rng.integers(1, 6))
    latitude, longitude = 43.4 + rng.uniform(0, 0.25, n_stations), 131.5 + rng.uniform(0, 0.25, n_stations)
    station = rng.integers(0, n_stations, n)
    minutes = np.round(rng.uniform(0, rng.choice([5, 20, 60]), n))
    return make_records(station, minutes, latitude[station], longitude[station])


def count_by_force(records: pd.DataFrame, top_km_h: float) -> int:
    """Return the least number of animals whose walks explain all records, by trying every way to deal them."""
    rows = records.sort_values("at_utc", kind="stable")
    at, place = rows["at_utc"].tolist(), list(zip(rows["longitude"], rows["latitude"], strict=True))

    def can_go(i: int, j: int) -> bool:
        km = WGS84.inv(*place[i], *place[j])[2] / 1000
        return km <= top_km_h * (at[j] - at[i]).total_seconds() / 3600 + 1e-6

    links = [[can_go(i, j) for j in range(len(rows))] for i in range(len(rows))]

    def deal(i: int, last: tuple[int, ...], best: int) -> int:
        if len(last) >= best or i == len(rows):
            return min(len(last), best)
        for k, at_last in enumerate(last):
            if links[at_last][i]:
                best = deal(i + 1, (*last[:k], i, *last[k + 1 :]), best)
        return deal(i + 1, (*last, i), best)

    return deal(0, (), len(rows) + 1)


def film_walkers(rng: np.random.Generator, top_km_h: float) -> tuple[pd.DataFrame, int]:
    """Return records of animals that walk at random, told by wrong clocks and at wrong places, and their number."""
    n, clock_s, place_m = int(rng.integers(1, 4)), float(rng.choice([0, 30, 300])), float(rng.choice([0, 30, 1000]))
    n_each = int(rng.integers(2, 6))
    minutes = np.sort(rng.uniform(0, 40, (n, n_each)), axis=1)
    km = np.append(np.zeros((n, 1)), np.diff(minutes) / 60 * top_km_h, axis=1) * rng.uniform(0.5, 1.0, (n, n_each))
    turn = rng.uniform(0, 360, (n, n_each))
    longitude, latitude = rng.uniform(131.5, 131.7, n), rng.uniform(43.4, 43.6, n)
    places = []
    for step in range(n_each):
        longitude, latitude, _ = WGS84.fwd(longitude, latitude, turn[:, step], km[:, step] * 1000)
        places.append((longitude, latitude))
    true = np.array(places).transpose(1, 2, 0).reshape(2, -1)
    off_m, off_to = rng.uniform(0, place_m, n * n_each), rng.uniform(0, 360, n * n_each)
    told = WGS84.fwd(true[0], true[1], off_to, off_m)
    told_minutes = minutes.ravel() + rng.uniform(-clock_s, clock_s, n * n_each) / 60
    uncertain = {
        "clock_uncertainty_s": clock_s + 0.5,
        "coordinate_uncertainty_m": place_m,
    }  # times are whole seconds
    return make_records(np.arange(n * n_each), told_minutes, told[1], told[0], **uncertain), n


def tell_least(cases: list[pd.DataFrame]) -> np.ndarray:
    """Return the least number of animals that is told of each case, int64 [N]."""
    labels = [f"case{i:06d}" for i in range(len(cases))]
    settings = load_encounter_settings()
    speeds = dict.fromkeys(labels, settings.speeds["leopard"])
    table = pd.concat(
        [case.assign(label=label) for case, label in zip(cases, labels, strict=True)], ignore_index=True
    )
    counts = count_by_label(table, settings.model_copy(update={"speeds": speeds}))
    return counts["min_animals"].to_numpy(np.int64)


def measure_animals(n_cases: int, seed: int) -> None:
    """Print how often the number of animals equals brute force, and how often it exceeds the truth."""
    top = load_encounter_settings().speeds["leopard"].top_km_h
    rng, began = np.random.default_rng(seed), time.perf_counter()
    cases = [draw_case(rng) for _ in range(n_cases)]
    forced = np.array([count_by_force(case, top) for case in cases])
    equal = (tell_least(cases) == forced).sum()
    print(f"exact clocks: {equal} of {n_cases} equal brute force ({time.perf_counter() - began:.0f} s)")
    print("  cases by number: " + ", ".join(f"{i}: {k}" for i, k in enumerate(np.bincount(forced)) if k))
    filmed = [film_walkers(rng, top) for _ in range(n_cases // 2)]
    least, true = tell_least([records for records, _ in filmed]), np.array([n for _, n in filmed])
    n_high, n_exact = (least > true).sum(), (least == true).sum()
    print(f"uncertain clocks and places: {n_high} of {len(true)} too high, {n_exact} exact")


def draw_archive(rng: np.random.Generator) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return records at 20 stations at random times of their periods of work, and these periods."""
    station, minutes, periods = [np.zeros(0, int)], [np.zeros(0)], []
    for i in range(20):
        broken = rng.uniform(10, 60)
        spells = [(0.0, broken), (broken + rng.uniform(0, 40), DAYS)] if i % 3 == 0 else [(0.0, DAYS)]
        periods += [{"station": f"s{i}", "begin": a, "end": b} for a, b in spells]
        begins, ends = np.array(spells).T
        n = int(rng.negative_binomial(2, 2 / (2 + 10)))  # 10 captures a station, gamma weights
        spell = rng.choice(len(spells), n, p=(ends - begins) / (ends - begins).sum())
        station.append(np.full(n, i))
        minutes.append(1440 * rng.uniform(begins[spell], ends[spell]))
    places = np.full(sum(map(len, station)), 43.5), np.full(sum(map(len, station)), 131.5)
    worked = pd.DataFrame(periods)
    times = {c: START + pd.to_timedelta(worked[d], unit="D") for c, d in (("start", "begin"), ("end", "end"))}
    return make_records(np.concatenate(station), np.concatenate(minutes), *places), worked.assign(**times)


def find_smallest_p(n_archives: int, *, n_shuffles: int | None = None, seed: int = SEED) -> np.ndarray:
    """Return the smallest p-value of each archive without crowding, float64 [n_archives]."""
    settings = load_encounter_settings()
    if n_shuffles is not None:
        repeated = settings.repeated.model_copy(update={"n_shuffles": n_shuffles})
        settings = settings.model_copy(update={"repeated": repeated})
    smallest = []
    for i in range(n_archives):
        records, periods = draw_archive(np.random.default_rng([seed, i]))
        of_archive = settings.repeated.model_copy(update={"seed": i})
        scans = scan_stations(records, periods, settings.model_copy(update={"repeated": of_archive}))
        smallest.append(scans["p_value"].min())
    return np.array(smallest)


def measure_hints(n_archives: int, figure: Path | None, seed: int) -> None:
    """Print the share of archives with a false hint at several levels, with its standard error."""
    began = time.perf_counter()
    smallest = find_smallest_p(n_archives, seed=seed)
    print(f"{n_archives} archives without crowding ({time.perf_counter() - began:.0f} s): share with a hint")
    for level in LEVELS:
        share, error = (smallest <= level).mean(), np.sqrt(level * (1 - level) / n_archives)
        print(f"  level {level:.2f}: {share:.4f} (expected {level:.2f} +- {error:.4f})")
    if figure is not None:
        draw_figure(smallest, figure)


def draw_figure(smallest: np.ndarray, path: Path) -> None:
    """Draw the share of archives by smallest p-value, beside what chance gives and its band of 95 %."""
    import matplotlib.pyplot as plt

    p = np.linspace(0, 1, 201)
    band = 1.96 * np.sqrt(p * (1 - p) / len(smallest))
    figure, axes = plt.subplots(figsize=(5, 4), layout="constrained")
    axes.fill_between(p, p - band, p + band, color="0.85", label="chance, 95 % of measurements")
    axes.step(np.sort(smallest), np.arange(1, len(smallest) + 1) / len(smallest), where="post", label="measured")
    axes.set(xlabel="level", ylabel="archives with a false hint", xlim=(0, 0.5), ylim=(0, 0.5))
    axes.legend()
    figure.savefig(path, dpi=150)


def main() -> None:
    """Parse the arguments and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("animals", "hints"))
    parser.add_argument("--cases", type=int, default=1000, help="cases or archives")
    parser.add_argument("--figure", type=Path, help="where to draw the shares of hints")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    if arguments.part == "animals":
        measure_animals(arguments.cases, arguments.seed)
    else:
        measure_hints(arguments.cases, arguments.figure, arguments.seed)


if __name__ == "__main__":
    main()
