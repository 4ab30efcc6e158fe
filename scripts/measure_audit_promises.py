"""Measure which promises survive review in the order of scores, in seven simulated worlds whose truth is known.

A model has scored the clips of a programme, one in ten of them leopards, and people label a part. Its labels come
from two lists, as on the review page: the clips of the highest scores, three in twenty, and a random audit of one
clip in ten per site, rounded up. A promise of at most 5 % of leopard clips lost, with 95 % confidence, is made of

    naive        all labels, as if they had been drawn at random: what a program does that does not ask
    equal        the labels of the audit, as if all clips had had the same chance
    ours         the labels of the audit, each weighed by its chance (small sites give more than one clip in ten)

Worlds, scores and levels are those of `measure_promises.py`; here sites also differ much in their number of clips.
`broken` is the share of the promises given whose true loss at new sites is larger: for `like_sites` that of all
clips, for `any_sites` the mean over sites where the audit meets a leopard. `unmet` is how often the mean over all
sites with leopards, each counted alike, is larger, which an audit does not claim. `one in ten`, where a site in ten
fails as none of the labelled ones need do, is not claimed by `like_sites`.

It takes about a minute.

Example: python scripts/measure_audit_promises.py
"""

from __future__ import annotations

import argparse
import time
from functools import lru_cache

import numpy as np
import pandas as pd
from scipy.special import expit, logit, ndtr

from leopardnet.metrics.guarantees.levels import LEVELS
from leopardnet.metrics.guarantees.loss_guarantee import find_loss_threshold
from measure_promises import GAP, GRID, LIKE_WORLDS, N_TYPES, SEED, WORLDS

MAX_MISS = 0.05
MEAN_CLIPS = 100  # of a site
PREVALENCE = 0.1
AUDITED, REVIEWED = 0.1, 0.15  # shares of the clips
METHODS = ("naive", "equal", "ours")
N_SITES = (60, 120, 200)


def count_clips(weight: np.ndarray) -> np.ndarray:
    """Return the clips of sites of these weights (1 on average), int64 [K]: many sites have few, few have many."""
    return 1 + (MEAN_CLIPS * weight**2 / 1.5).astype(np.int64)


def count_audited(n_clips: np.ndarray) -> np.ndarray:
    """Return how many of the clips of each site the audit draws, int64 [K]: one in ten, rounded up."""
    return np.ceil(AUDITED * n_clips - 1e-9).astype(np.int64)


@lru_cache(maxsize=16)
def true_losses(name: str) -> dict[str, np.ndarray]:
    """Return the true losses at thresholds GRID: of all clips, and over sites that the audit meets, or all."""
    world = WORLDS[name]
    weight, shift, hidden = world.draw_sites(np.random.default_rng(SEED), N_TYPES)
    clips = count_clips(weight)
    met = 1 - (1 - PREVALENCE) ** count_audited(clips)
    has_any = 1 - (1 - PREVALENCE) ** clips
    found: dict[str, list[float]] = {"like_sites": [], "any_sites": [], "all_sites": []}
    for t in GRID:
        lost = (1 - hidden) * ndtr((t - shift) / np.sqrt(1 - world.rho)) + hidden * ndtr(t + GAP)
        for key, of in zip(found, (clips, met, has_any), strict=True):
            found[key].append(float(np.average(lost, weights=of)))
    return {key: np.array(values) for key, values in found.items()}


def draw_programme(name: str, n_sites: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return one row per clip: score, site, is_leopard, is_audited, chance, and is_reviewed (of a high score)."""
    world = WORLDS[name]
    weight, shift, hidden = world.draw_sites(rng, n_sites)
    n_clips = count_clips(weight)
    site = np.repeat(np.arange(n_sites), n_clips)
    leopard = rng.random(len(site)) < PREVALENCE
    seen = shift[site] + np.sqrt(1 - world.rho) * rng.normal(size=len(site))
    is_hidden = rng.random(len(site)) < hidden[site]
    z = np.where(leopard & ~is_hidden, seen, rng.normal(-GAP, 1, len(site)))
    order = np.lexsort((rng.random(len(site)), site))
    place = np.empty(len(site), np.int64)  # of each clip in the random order of its site
    place[order] = np.arange(len(site)) - np.repeat(np.cumsum(n_clips) - n_clips, n_clips)
    n_audited = count_audited(n_clips)
    return pd.DataFrame(
        {
            "score": expit(z),
            "site": site,
            "is_leopard": leopard,
            "is_audited": place < n_audited[site],
            "chance": (n_audited / n_clips)[site],
            "is_reviewed": z >= np.quantile(z, 1 - REVIEWED),
        }
    )


def measure_set(name: str, n_sites: int, seed: int) -> list[dict[str, object]]:
    """Return one row per method and level: whether a promise was given, and its true losses."""
    rng = np.random.default_rng([SEED, list(WORLDS).index(name), n_sites, seed])
    clips, truth, rows = draw_programme(name, n_sites, rng), true_losses(name), []
    for method in METHODS:
        own = clips[clips["is_audited"] | (clips["is_reviewed"] & (method == "naive"))]
        found = find_loss_threshold(
            "leopard",
            own["score"].to_numpy(),
            own["is_leopard"].to_numpy(),
            own["site"].to_numpy(),
            chances=own["chance"].to_numpy() if method == "ours" else None,
            max_miss=MAX_MISS,
        )
        for level in LEVELS:
            threshold = found.at(level).threshold
            t = logit(threshold) if threshold is not None else np.nan
            losses = {key: float(np.interp(t, GRID, values)) for key, values in truth.items()}
            rows.append({"method": method, "level": level, "archived": float(ndtr(t + GAP)), **losses})
    return rows


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Return for each method and level the promises given, and the shares broken, unmet, refused and archived."""
    result = []
    for (method, level), of in rows.groupby(["method", "level"], sort=False):
        given = of[of["like_sites"].notna()]
        result.append(
            {
                "method": method,
                "level": level,
                "given": len(given),
                "broken": (given[level] > MAX_MISS).mean(),
                "unmet": (given["all_sites"] > MAX_MISS).mean() if level == "any_sites" else np.nan,
                "refused": 1 - len(given) / len(of),
                "archived": given["archived"].mean(),
            }
        )
    return pd.DataFrame(result)


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", type=int, default=60, help="programmes in each world of each size")
    options = parser.parse_args()
    start, rows = time.perf_counter(), []
    for name in WORLDS:
        for n_sites in N_SITES:
            for seed in range(options.sets):
                rows += [{"world": name, "sites": n_sites, **row} for row in measure_set(name, n_sites, seed)]
    table = pd.DataFrame(rows)
    shown = {"float_format": lambda x: "-" if np.isnan(x) else f"{x:.3f}", "index": False}
    print(f"at most {MAX_MISS:g} lost, with 95 % confidence; {options.sets} programmes in each cell, seed {SEED}")
    for level in LEVELS:
        of_level = table[table["level"] == level]
        print(f"\n{level}: {LEVELS[level]}")
        cells = [
            summarise(part).assign(world=name, sites=k)
            for (name, k), part in of_level.groupby(["world", "sites"], sort=False)
        ]
        wide = pd.concat(cells).pivot_table(
            index=["world", "sites"], columns="method", values=["given", "broken"], sort=False
        )
        print(wide.to_string(float_format="{:.3f}".format, na_rep="-"))
    claimed = table[(table["level"] == "any_sites") | table["world"].isin(LIKE_WORLDS)]
    print("\nall worlds of which something is claimed")
    print(summarise(claimed).to_string(**shown))
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
