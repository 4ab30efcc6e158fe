"""What the model says of a target's places without the target: empty clips of sites where it was filmed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from leopardnet.core.labels import EMPTY
from leopardnet.metrics.bootstrap import Estimate, estimate_row
from leopardnet.metrics.labelled_clips import Bools, LabelledClips


def compare_backgrounds(
    clips: LabelledClips, targets: Sequence[str], *, n_boot: int = 1000, seed: int = 7
) -> pd.DataFrame:
    """Return for each target the mean probability that empty clips of its sites, and of other sites, are given.

    One row per target with empty clips at one of its sites: n_here, n_elsewhere, and `here` and `elsewhere` with
    intervals over sites. Sites are those where a clip of the target was labelled; clips without a site have no
    part. A model that has learned the places of a target gives these empty clips more of it than others.
    """
    readable = clips.select(clips.is_readable & clips.is_known & pd.notna(clips.sites))
    empty, rows = readable.select(readable.shows(EMPTY)), {}
    for target in targets:
        sites = set(readable.sites[readable.shows(target)])
        is_here = np.array([site in sites for site in empty.sites], bool)
        if not is_here.any():
            continue
        counts = {"n_here": int(is_here.sum()), "n_elsewhere": int((~is_here).sum())}
        means = {"here": _estimate(empty, target, is_here, n_boot, seed)}
        means["elsewhere"] = _estimate(empty, target, ~is_here, n_boot, seed)
        rows[target] = {**counts, **estimate_row(means)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("target")


def _estimate(empty: LabelledClips, target: str, of: Bools, n_boot: int, seed: int) -> Estimate:
    if not of.any():
        return Estimate(float("nan"))
    chosen = empty.select(of)
    return chosen.draw_sites(n_boot=n_boot, seed=seed).estimate_mean(chosen.score(target))
