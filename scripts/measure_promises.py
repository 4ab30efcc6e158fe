"""Measure how often promises of each level are broken, in seven simulated worlds whose truth is known.

Scores are simulated, not footage: those of positives on the log-odds scale, and those of empty clips GAP below. The
worlds differ in how sites differ. Sites also differ in their number of positives (a gamma distribution of shape 2).

    normal r     sites shift their scores by normal amounts, so that clips of a site have the correlation r
    invisible r  3 % of animals look like empty clips; their share differs by site, with the correlation r
    busy         sites with more animals are harder
    one in ten   at one site in ten every animal looks like an empty clip

A promise is broken if the true loss over new sites exceeds what was promised: for "holds whatever sites do" the
mean over sites with positives, each counted alike, otherwise the share of all clips. `was` is the method of
version 0.1: correlation measured on all scores, without a floor, and without Student's t. For each method: the
share broken of the promises that were given, the share refused, and the mean share of empty clips archived where
it was given; for "whatever sites do", `by clip` is how often the share of all clips exceeded the promise, which
it does not claim.

`--mode quick` takes about a minute, `full` some twenty.

Example: python scripts/measure_promises.py --mode quick
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import product

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtr, ndtri

from leopardnet.metrics.guarantees.clip_losses import correlate_misses
from leopardnet.metrics.guarantees.levels import Support, choose_threshold
from leopardnet.metrics.guarantees.loss_guarantee import find_loss_threshold
from leopardnet.metrics.measures import upper_bound

GAP = 3.2  # how far empty clips are below positives, in standard deviations
N_TYPES = 20_000  # sites that the truth is computed from
GRID = np.linspace(-9, 3, 301)
SEED = 7
LIKE_WORLDS = ("normal .05", "normal .2", "normal .4", "invisible .1", "invisible .3", "busy")  # not one in ten
MODES = {
    "quick": {"n_sets": 60, "n_sites": (8, 15, 30, 60), "n_positives": (600,)},
    "full": {"n_sets": 300, "n_sites": (3, 5, 8, 10, 15, 30, 60, 100), "n_positives": (20, 60, 200, 600)},
}


@dataclass(frozen=True)
class World:
    """How sites differ. rho: correlation of scores; invisible, icc: share of invisible animals, and its own
    correlation; slope: how much harder a busy site is; failing: the share of sites that fail."""

    rho: float = 0.05
    invisible: float = 0.0
    icc: float = 0.1
    slope: float = 0.0
    failing: float = 0.0

    def draw_sites(self, rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return weight, shift and share of invisible animals of n sites, float64 [n] each."""
        weight = rng.gamma(2, 0.5, n)
        effect = ndtri((rng.permutation(n) + rng.random(n)) / n) if n == N_TYPES else rng.normal(size=n)
        shift = np.sqrt(self.rho) * effect - self.slope * np.log(weight)
        a = 1 / self.icc - 1
        hidden = rng.beta(self.invisible * a, (1 - self.invisible) * a, n) if self.invisible else np.zeros(n)
        return weight, shift, np.where(rng.random(n) < self.failing, 1.0, hidden)

    def draw(self, rng: np.random.Generator, n_sites: int, n: int) -> tuple[np.ndarray, np.ndarray]:
        """Return scores from 0 to 1 and sites of n positives."""
        weight, shift, hidden = self.draw_sites(rng, n_sites)
        site = np.repeat(np.arange(n_sites), rng.multinomial(n, weight / weight.sum()))
        visible = shift[site] + np.sqrt(1 - self.rho) * rng.normal(size=n)
        z = np.where(rng.random(n) < hidden[site], rng.normal(-GAP, 1, n), visible)
        return expit(z), site


WORLDS = {
    "normal .05": World(),
    "normal .2": World(rho=0.2),
    "normal .4": World(rho=0.4),
    "invisible .1": World(invisible=0.03),
    "invisible .3": World(invisible=0.03, icc=0.3),
    "busy": World(slope=0.6),
    "one in ten": World(failing=0.1),
}


@lru_cache(maxsize=64)
def true_losses(world: World, per_site: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the true losses at thresholds GRID: by clip, and by site with positives; per_site: mean positives."""
    weight, shift, hidden = world.draw_sites(np.random.default_rng(SEED), N_TYPES)
    chance = 1 - np.exp(-per_site * weight)  # of a positive at all
    sums = []
    for t in GRID:
        lost = (1 - hidden) * ndtr((t - shift) / np.sqrt(1 - world.rho)) + hidden * ndtr(t + GAP)
        sums.append((np.average(lost, weights=weight), np.average(lost, weights=chance)))
    by_clip, by_site = np.array(sums).T
    return by_clip, by_site


def measure_set(
    name: str, n_sites: int, n: int, max_miss: float, seeds: Sequence[int]
) -> list[dict[str, float | str]]:
    """Return one row per set and method: loss by clip and by site, and the share archived; nan where refused."""
    world, rows = WORLDS[name], []
    by_clip, by_site = true_losses(world, n / n_sites)
    for seed in seeds:
        rng = np.random.default_rng([SEED, list(WORLDS).index(name), n_sites, n, seed])
        score, site = world.draw(rng, n_sites, n)
        found = find_loss_threshold("leopard", score, np.ones(n, bool), site, max_miss=max_miss)
        for method, support in {
            "was": decide_as_it_was(score, site, max_miss),
            "any_sites": found.at("any_sites"),
            "like_sites": found.at("like_sites"),
        }.items():
            t = logit(support.threshold) if support.threshold is not None else np.nan
            rows.append(
                {
                    "method": method,
                    "by_clip": float(np.interp(t, GRID, by_clip)),
                    "by_site": float(np.interp(t, GRID, by_site)),
                    "archived": float(ndtr(t + GAP)),
                }
            )
    return rows


def decide_as_it_was(score: np.ndarray, site: np.ndarray, max_miss: float) -> Support:
    """Return what version 0.1 guaranteed: Clopper and Pearson for n / d clips."""
    order = np.argsort(score)
    ranked, codes = score[order], pd.factorize(site[order])[0]
    sizes, n = np.bincount(codes), len(score)
    d = 1 + ((sizes**2).sum() / n - 1) * correlate_misses(ranked, codes, tail=max_miss, floor=0.0)
    n_within = int((upper_bound(np.arange(n) / d, n / d) <= max_miss).sum()) if len(sizes) > 1 else 0
    threshold, k, is_saturated = choose_threshold(ranked, n_within)
    return Support("like_sites", threshold, k, float("nan"), 0, is_saturated)


def summarise(rows: pd.DataFrame, max_miss: float) -> dict[str, dict[str, float]]:
    """Return for each method the share broken of those given, refused, and archived where given."""
    result = {}
    for method, r in rows.groupby("method"):
        given = r[r["by_clip"].notna()]
        judged = given["by_site"] if method == "any_sites" else given["by_clip"]
        result[str(method)] = {
            "broken": float((judged > max_miss).mean()) if len(given) else float("nan"),
            "by_clip": float((given["by_clip"] > max_miss).mean()) if len(given) else float("nan"),
            "refused": 1 - len(given) / len(r),
            "archived": float(given["archived"].mean()) if len(given) else float("nan"),
            "n_given": len(given),
        }
    return result


def measure(
    names: Sequence[str],
    n_sites: Sequence[int],
    n_positives: Sequence[int],
    *,
    max_miss: float,
    n_sets: int,
    n_processes: int = 1,
) -> pd.DataFrame:
    """Return one row per world, number of sites and positives, and method; see `summarise` for the figures."""
    cells = list(product(names, n_positives, n_sites))
    one = partial(_measure_cell, max_miss=max_miss, n_sets=n_sets)
    if n_processes > 1:
        with ProcessPoolExecutor(n_processes) as pool:
            found = list(pool.map(one, cells))
    else:
        found = [one(cell) for cell in cells]
    return pd.DataFrame([row for rows in found for row in rows])


def _measure_cell(cell: tuple[str, int, int], *, max_miss: float, n_sets: int) -> list[dict[str, float | str]]:
    name, n, k = cell
    figures = summarise(pd.DataFrame(measure_set(name, k, n, max_miss, range(n_sets))), max_miss)
    return [{"world": name, "positives": n, "sites": k, "method": m, **f} for m, f in figures.items()]


def show(table: pd.DataFrame) -> None:
    """Print one block per number of positives: broken / refused / archived by method."""
    for n, block in table.groupby("positives"):
        print(f"\n{n} positives      sites   as it was          like sites         any sites          any, by clip")
        for (world, k), rows in block.groupby(["world", "sites"], sort=False):
            by = rows.set_index("method")
            cells = [_cell(by.loc[m]) for m in ("was", "like_sites", "any_sites")]
            by_clip = by.loc["any_sites", "by_clip"]
            cells.append("-" if np.isnan(by_clip) else f"{by_clip:.2f}")
            print(f"{world:14s}{k:10d}   " + "".join(f"{x:19s}" for x in cells))


def _cell(row: pd.Series[float]) -> str:
    if not row["n_given"]:
        return "refused"
    return f"{row['broken']:.2f}/{row['refused']:.2f}/{row['archived']:.2f}"


def show_verdict(table: pd.DataFrame) -> None:
    """Print the worst cell of each level, and the price of the second at 30 sites in the normal worlds."""
    enough = table[table["n_given"] >= 30]  # fewer say nothing about one in twenty
    for method, worlds in (("any_sites", tuple(WORLDS)), ("like_sites", LIKE_WORLDS)):
        rows = enough[(enough["method"] == method) & enough["world"].isin(worlds)]
        if len(rows):
            worst = rows.loc[rows["broken"].idxmax()]
            where = f"{worst['world']}, {worst['sites']} sites, {worst['positives']} positives"
            print(f"{method}: at most {worst['broken']:.3f} broken in {len(rows)} cells ({where})")
    at_30 = table[(table["sites"] == 30) & table["world"].str.startswith("normal")]
    wide = at_30.pivot_table(index=["world", "positives"], columns="method", values="archived")
    if {"was", "like_sites"} <= set(wide.columns):
        price = (wide["was"] - wide["like_sites"]).max()
        print(f"price at 30 sites, normal worlds: at most {price:.3f} archived less")


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", choices=list(MODES), default="quick")
    parser.add_argument("--max-miss", type=float, default=0.05)
    parser.add_argument("--processes", type=int, default=1, choices=(1, 2))
    options = parser.parse_args()
    start, mode = time.perf_counter(), MODES[options.mode]
    table = measure(
        list(WORLDS),
        mode["n_sites"],
        mode["n_positives"],
        max_miss=options.max_miss,
        n_sets=mode["n_sets"],
        n_processes=options.processes,
    )
    print(
        f"at most {options.max_miss:g} lost, with 95 % confidence; {mode['n_sets']} sets in each cell, seed {SEED}"
    )
    print("broken, of those given / refused / share of empty clips archived")
    show(table)
    show_verdict(table)
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
