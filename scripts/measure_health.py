"""Measure how often the rules of camera health speak of sound cameras, and how often they see a planted fault.

Deployments are simulated at 43.5° N: 21 to 180 days, 0.1 to 10 visits a day (median 1), which come in groups. Their
rate wanders from week to week by a factor of about two, and by season; animals of the day, of the night and of
dusk in other shares at every camera; one visit in a hundred stays for one to three hours. A camera changes to
infrared between 6° below and 12° above the horizon; one in twenty has a white flash, one in thirty no colour. Its
pictures differ from their background in 10 to 25 % of the bits of their hash, which itself drifts by up to 8 bits
and, with snow, changes by up to 14 and back.

Faults, at a random time: the camera stops, is silent for 15 to 45 days, does not see the night, sees grass in the
wind on one day, is moved, is set up 10 to 40 days late, or has a clock that is 12 or 4 to 9 hours wrong.

Example: python scripts/measure_health.py --n 2000
"""

from __future__ import annotations

import argparse
from collections import Counter
from datetime import datetime

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.data.checks.health.check_health import check_health
from leopardnet.data.checks.health.sun import convert_to_utc, sun_altitude

SEED = 7
LATITUDE, LONGITUDE, ZONE = 43.5, 131.5, "Asia/Vladivostok"
NOW = datetime(2026, 1, 1)
FAULTS = {
    "stopped": "stopped_early",
    "silent": "silence",
    "no night": "no_night",
    "grass": "trigger_storm",
    "moved": "moved_camera",
    "set up late": "set_up_date",
    "12 h wrong": "clock_against_sun",
    "4 to 9 h wrong": "clock_against_sun",
}
N_PER_ARCHIVE = 10


def simulate_camera(rng: np.random.Generator, name: str, fault: str = "") -> pd.DataFrame:
    """Return the clips of one camera, sound or with a fault, as `check_health` takes them."""
    n_days = int(rng.integers(21, 181))
    start = pd.Timestamp("2021-01-01") + pd.Timedelta(days=int(rng.integers(0, 700)))
    days = draw_visits(rng, n_days, start.day_of_year)
    offset = 0.0
    at = rng.uniform(0.3, 0.7) * n_days
    if fault == "stopped":
        days = days[days < at]
    elif fault == "silent":
        days = days[(days < at) | (days > at + rng.uniform(15, 45))]
    elif fault == "set up late":
        days = days[days > rng.uniform(10, 40)]
    elif fault == "12 h wrong":
        offset = 12.0
    elif fault == "4 to 9 h wrong":
        offset = rng.uniform(4, 9) * rng.choice([-1, 1])
    days = spread_clips(rng, days)
    if fault == "grass":
        days = np.sort(
            np.concatenate([days, np.floor(at) + rng.uniform(9 / 24, 17 / 24, int(rng.integers(200, 900)))])
        )
    true_at = pd.Series(start + pd.to_timedelta(days, unit="D"))
    sun = sun_altitude(convert_to_utc(true_at, ZONE), LATITUDE, LONGITUDE)
    if fault == "no night":
        true_at, days, sun = true_at[sun > -3], days[sun > -3], sun[sun > -3]
    infrared = draw_light(rng, sun)
    phash = draw_hashes(rng, days / n_days, infrared, moved_at=at / n_days if fault == "moved" else 2.0)
    return pd.DataFrame(
        {
            "unit": name,
            "path": [f"{name}/{i:05d}.jpg" for i in range(len(days))],
            "captured_at": (true_at + pd.Timedelta(hours=offset)).to_numpy(),
            "light": np.where(infrared, "infrared", "colour"),
            "phash": phash,
            "is_dark": False,
            "latitude": LATITUDE,
            "longitude": LONGITUDE,
            "time_zone": ZONE,
            "start": start,
            "end": start + pd.Timedelta(days=n_days),
        }
    )


def draw_visits(rng: np.random.Generator, n_days: int, first_day_of_year: int) -> NDArray[np.float64]:
    """Return the times of visits in days."""
    n_weeks = n_days // 7 + 2
    weeks = np.zeros(n_weeks)
    for k in range(1, n_weeks):
        weeks[k] = 0.7 * weeks[k - 1] + rng.normal(0, 0.45)
    day = np.arange(n_days)
    season = rng.uniform(0, 0.5) * np.sin(2 * np.pi * (day + first_day_of_year) / 365 + rng.uniform(0, 6.3))
    rate = np.exp(rng.normal(0, 1.0) + weeks[day // 7] + season)
    n_groups = rng.poisson(np.clip(rate, 0.03, 15) / 1.5)
    hours = draw_hours(rng, int(n_groups.sum()))
    times = np.repeat(day, n_groups) + hours / 24
    more = rng.poisson(0.5, len(times))
    times = np.concatenate([times, np.repeat(times, more) + rng.uniform(0.03, 0.15, int(more.sum()))])
    return np.sort(times)


def draw_hours(rng: np.random.Generator, n: int) -> NDArray[np.float64]:
    """Return hours of the day: of animals of the day, of the night and of dusk, in shares of this camera."""
    kind = rng.choice(3, n, p=rng.dirichlet([2, 1.5, 1.5]))
    dusk = np.where(rng.uniform(size=n) < 0.5, rng.normal(6, 1.5, n), rng.normal(18.5, 1.5, n))
    hours = np.choose(kind, [rng.normal(12.5, 3.0, n), rng.normal(0, 3.0, n), dusk])
    return np.asarray(hours % 24)


def spread_clips(rng: np.random.Generator, visits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the times of the clips of the visits."""
    n = rng.geometric(0.6, len(visits))
    stays = rng.uniform(size=len(visits)) < 0.01
    n = np.where(stays, rng.integers(30, 90, len(visits)), n)
    first = np.repeat(visits, n)
    order = np.arange(len(first)) - np.repeat(np.cumsum(n) - n, n)
    return np.sort(first + order * np.repeat(np.where(stays, 120.0, 40.0), n) / 86_400)


def draw_light(rng: np.random.Generator, sun: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return whether each clip is in infrared."""
    kind = rng.uniform()
    if kind < 0.05:
        return np.zeros(len(sun), bool)
    if kind < 0.05 + 1 / 30:
        return np.ones(len(sun), bool)
    return sun + rng.normal(0, 2.5, len(sun)) < rng.uniform(-6, 12)


def draw_hashes(
    rng: np.random.Generator, share: NDArray[np.float64], infrared: NDArray[np.bool_], *, moved_at: float
) -> NDArray[np.uint64]:
    """Return the perceptual hashes of pictures; share: of the time that has passed."""
    n = len(share)
    bits = np.zeros((n, 64), bool)
    snow = (share > (a := rng.uniform(0, 1))) & (share < a + rng.uniform(0, 0.5))
    for light in (True, False):
        back = np.broadcast_to(rng.uniform(size=64) < 0.5, (n, 64)).copy()
        drift = rng.permutation(64)
        back[:, drift[:8]] ^= share[:, None] > rng.uniform(0, 1, 8)[None] * 2
        back[:, drift[8 : 8 + int(rng.integers(0, 15))]] ^= snow[:, None]
        back[share > moved_at] = rng.uniform(size=64) < 0.5
        bits[infrared == light] = back[infrared == light]
    bits ^= rng.uniform(size=(n, 64)) < rng.uniform(0.1, 0.25)
    return np.packbits(bits, axis=1).view(">u8").reshape(-1).astype(np.uint64)


def count_findings(rng: np.random.Generator, n: int, fault: str = "") -> tuple[Counter[str], int]:
    """Return the number of cameras with a finding of each rule, and of cameras with clips.

    With a fault, one camera of each archive has it, and only it counts.
    """
    counts: Counter[str] = Counter()
    n_seen = 0
    for _ in range(n if fault else n // N_PER_ARCHIVE):
        cameras = [
            simulate_camera(rng, f"c{i}", fault if i == 0 else "") for i in range(4 if fault else N_PER_ARCHIVE)
        ]
        found = {(f.message.split(":")[0], f.rule) for f in check_health(pd.concat(cameras), now=NOW)}
        chosen = {"c0"} if fault else {f"c{i}" for i in range(N_PER_ARCHIVE)}
        counts.update(rule for name, rule in found if name in chosen)
        n_seen += sum(len(c) > 0 for c in cameras[: len(chosen)])
    return counts, n_seen


def main() -> None:
    """Print the shares of cameras with a finding."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=1000, help="sound cameras; a tenth of it with each fault")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args()
    n = arguments.n
    rng = np.random.default_rng(arguments.seed)
    counts, n_seen = count_findings(rng, n)
    print(f"{n_seen} sound cameras")
    for rule in (*dict.fromkeys(FAULTS.values()), "dark_nights"):
        print(f"  {rule:20} {counts[rule]:5d}  {counts[rule] / n_seen:.4f}")
    for fault, rule in FAULTS.items():
        counts, n_seen = count_findings(rng, n // 10, fault)
        others = {k: v for k, v in counts.items() if k != rule}
        print(f"{fault:16} {rule:20} seen in {counts[rule]} of {n_seen}; others {others}")


if __name__ == "__main__":
    main()
