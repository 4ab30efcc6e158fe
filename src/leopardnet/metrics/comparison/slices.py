"""Clips in the order in which a person should look at them: mistakes, and predictions without labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from leopardnet.core.tables import labels_of
from leopardnet.score.decide import UNREADABLE


def mistakes(predictions: pd.DataFrame, truth: pd.Series[str], *, targets: Sequence[str] = ()) -> pd.DataFrame:
    """The labelled clips of which something wrong was said, the worst first, with the columns `truth` and `p_true`.

    Worst are targets that were called empty, then targets given another name, then false targets, then the rest;
    within each, the surest mistakes. 'animal', 'unsure' and 'unreadable' are no mistakes: a person looks at those.
    """
    labels = list(labels_of(predictions))
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
