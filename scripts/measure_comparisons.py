"""Measure how often `leopardnet compare` calls one of two equally good models better.

Both models of a pair are drawn alike: a score for the true label, noise of each clip, and errors of each site, so
that clips of a site are alike. Any answer but "cannot tell" is false; one in twenty may be.

It takes about a minute.

Example: python scripts/measure_comparisons.py
"""

from __future__ import annotations

import argparse
import time
from collections import Counter

import numpy as np

from leopardnet.metrics.comparison.two_models import compare_models
from leopardnet.metrics.labelled_clips import LabelledClips

LABELS = ("leopard", "tiger", "deer", "empty")
SHARES = (0.1, 0.1, 0.3, 0.5)
CELLS = ((8, 12), (20, 8), (40, 6))  # sites, and clips of each
BETWEEN = 0.7  # standard deviation of what sites add to scores, beside 1 of clips
STRENGTH = 2.0  # by which the true label is ahead


def draw_model(rng: np.random.Generator, y: np.ndarray, sites: np.ndarray) -> LabelledClips:
    """Return the answers of a model for clips of these classes and sites, int64 [M]."""
    of_sites = rng.normal(0, 1, (sites.max() + 1, len(LABELS)))[sites]
    z = rng.normal(0, 1, (len(y), len(LABELS))) + BETWEEN * of_sites
    z[np.arange(len(y)), y] += STRENGTH
    p = np.exp(z)
    return LabelledClips.from_arrays(LABELS, p / p.sum(axis=1, keepdims=True), y, sites)


def main() -> None:
    """Measure and print one line per number of sites."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=120, help="pairs of models for each number of sites")
    options = parser.parse_args()
    start, total = time.perf_counter(), Counter[str]()
    for n_sites, per_site in CELLS:
        sites, found = np.repeat(np.arange(n_sites), per_site), Counter[str]()
        for seed in range(options.pairs):
            rng = np.random.default_rng([n_sites, seed])
            y = rng.choice(len(LABELS), len(sites), p=SHARES)
            found[compare_models(draw_model(rng, y, sites), draw_model(rng, y, sites), n_boot=400).verdict] += 1
        print(f"{n_sites} sites of {per_site} clips: " + ", ".join(f"{k} {n}" for k, n in sorted(found.items())))
        total += found
    n_false = total.total() - total["cannot tell"]
    print(f"false: {n_false} of {total.total()}; {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
