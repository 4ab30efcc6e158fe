"""The same figures for parts of the clips: day and night, new and known sites, any column."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from leopardnet.core.columns import table_labels
from leopardnet.core.errors import ManifestError
from leopardnet.metrics.comparison.compare import figures, flat, in_order
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.score.decide import UNREADABLE

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


def mistakes(predictions: pd.DataFrame, truth: pd.Series[str], *, targets: Sequence[str] = ()) -> pd.DataFrame:
    """The labelled clips of which something wrong was said, the worst first, with the columns `truth` and `p_true`.

    Worst are targets that were called empty, then targets given another name, then false targets, then the rest; within
    each, the surest mistakes. 'animal', 'unsure' and 'unreadable' are no mistakes: a person looks at those.
    """
    labels = list(table_labels(predictions))
    table = predictions.assign(truth=predictions["clip_id"].map(truth))
    named = table["rule"].isin(["species", "empty"])
    wrong = table[table["truth"].notna() & named & (table["decision"] != table["truth"])].copy()
    position = pd.Index(labels).get_indexer(pd.Index(wrong["truth"]))
    probs = wrong[[f"p_{x}" for x in labels]].to_numpy(np.float64)
    wrong["p_true"] = np.where(position >= 0, probs[np.arange(len(wrong)), position], np.nan)
    is_target = wrong["truth"].isin(list(targets))
    kind = np.select(
        [is_target & (wrong["rule"] == "empty"), is_target, wrong["decision"].isin(list(targets))], [0, 1, 2], 3
    )
    return (
        wrong.assign(_kind=kind)
        .sort_values(["_kind", "score"], ascending=[True, False], kind="stable")
        .drop(columns="_kind")
    )


def looked_at_first(predictions: pd.DataFrame) -> pd.DataFrame:
    """The clips in the order in which a person should look: alerts, what could not be read, then the least sure."""
    kind = np.select([predictions["alert"].notna(), predictions["decision"] == UNREADABLE], [0, 1], 2)
    order = predictions.assign(_kind=kind).sort_values(["_kind", "score"], kind="stable", na_position="first")
    return order.drop(columns="_kind")
