"""The same figures for parts of the clips: day and night, new and known sites, any column."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from leopardnet.core.errors import ManifestError
from leopardnet.metrics.bootstrap import estimate_row
from leopardnet.metrics.comparison.compare import headline_figures, order_columns
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.labelled_clips import LabelledClips

MAX_SLICES = 200
UNKNOWN = "(not known)"


def evaluate_slices(
    clips: LabelledClips, values: pd.Series[str], *, targets: Sequence[str] = (), n_boot: int = 1000, seed: int = 7
) -> pd.DataFrame:
    """Return one row per value: n_clips, n_sites, n_right and `headline_figures` with intervals over its sites.

    values: by clip_id; clips without one are the slice '(not known)', so the slices together are all evaluated
    clips. A value without an evaluated clip has no row. Rows are in alphabetical order, or in that of the
    categories of `values`. Raises ManifestError for more than 200 values: such a column is a measurement and makes
    no slices.
    """
    slices = pd.Series(clips.clip_ids).map(values).astype(object)
    slices = slices.where(slices.notna(), UNKNOWN).astype(str)
    order = list(values.cat.categories) if isinstance(values.dtype, pd.CategoricalDtype) else []
    names = sorted(
        slices[clips.is_known].unique(), key=lambda name: (order.index(name) if name in order else len(order), name)
    )
    if len(names) > MAX_SLICES:
        raise ManifestError(
            "this column has too many values to evaluate each of them",
            where=f"column {values.name}",
            found=f"{len(names)} values",
            expected=f"at most {MAX_SLICES}",
            todo="group them into classes first",
        )
    rows = {}
    for name in names:
        part = clips.select((slices == name).to_numpy(bool))
        found = evaluate_clips(part, targets=targets, n_boot=n_boot, seed=seed)
        counts = {"n_clips": found.n_clips, "n_sites": found.n_sites, "n_right": found.n_right}
        rows[name] = {**counts, **estimate_row(headline_figures(found, targets))}
    return order_columns(pd.DataFrame.from_dict(rows, orient="index").rename_axis(str(values.name)))
