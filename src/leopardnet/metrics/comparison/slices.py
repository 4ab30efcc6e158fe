"""The same figures for parts of the clips: day and night, new and known sites, any column."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from leopardnet.core.columns import table_labels
from leopardnet.core.errors import ManifestError
from leopardnet.metrics.comparison.compare import figures, flat, in_order
from leopardnet.metrics.evaluate_clips import evaluate_clips

MOST_SLICES = 200
UNKNOWN = "(not known)"


def evaluate_slices(
    predictions: pd.DataFrame,
    truth: pd.Series[str],
    values: pd.Series[str],
    *,
    sites: pd.Series[str] | None = None,
    targets: Sequence[str] = (),
    outside: Sequence[str] = (),
    n_boot: int = 1000,
    seed: int = 7,
) -> pd.DataFrame:
    """One row per value: n_clips, n_sites, n_right and the figures of `compare`, with intervals over the sites of the slice.

    values: by clip_id; clips without one are the slice '(not known)', so the slices together are all judged clips. Values
    without a judged clip have no row. Rows stand in the order of the alphabet, or of the categories of `values`. Raises ManifestError for more than 200 values: that is no slice but a measurement.
    """
    slices = predictions["clip_id"].map(values).astype(object).where(lambda s: s.notna(), UNKNOWN).astype(str)
    known = predictions["clip_id"].map(truth).isin(table_labels(predictions))
    order = list(values.cat.categories) if isinstance(values.dtype, pd.CategoricalDtype) else []
    names = sorted(
        slices[known].unique(), key=lambda name: (order.index(name) if name in order else len(order), name)
    )
    if len(names) > MOST_SLICES:
        raise ManifestError(
            "this column has too many values to judge each",
            where=f"column {values.name}",
            found=f"{len(names)} values",
            expected=f"at most {MOST_SLICES}",
            todo="make classes of them first",
        )
    rows = {}
    for name in names:
        part = predictions[slices == name]
        found = evaluate_clips(part, truth, sites=sites, targets=targets, outside=outside, n_boot=n_boot, seed=seed)
        counts = found.confusion.to_numpy()
        n_right = int(np.diagonal(counts[:, : len(found.confusion)]).sum())
        rows[name] = {
            "n_clips": found.n_clips,
            "n_sites": found.n_sites,
            "n_right": n_right,
            **flat(figures(found, targets)),
        }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis(str(values.name))
    return in_order(table)
