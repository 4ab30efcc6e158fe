"""Which clips a person should look at first, and which decisions were mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.columns import has_several_labels, table_labels
from leopardnet.core.labels import JOINER, find_presence, split_labels
from leopardnet.score.log_odds import log_odds

DECIMALS = 6  # of the keys of an order: probabilities that differ by less are equal
NAMING_RULES = ("species", "empty")  # only these name a label: a group of animals or 'unsure' is no answer yet


def review_order(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the clips in the order of review: alerts, unreadable clips, then the others, the least certain first.

    Alerts are sorted by falling probability of the suspected target (the likeliest of several), the other clips by
    rising top probability, both as log-odds, which differ where probabilities round to 1. Equal clips keep their
    order, and every row keeps its index.

    >>> table = pd.DataFrame({"clip_id": ["a", "b", "c"], "status": "ok", "alert": [None, None, "tiger"],
    ...                       "p_tiger": [0.02, 0.6, 0.2], "p_empty": [0.98, 0.4, 0.8]})
    >>> review_order(table)["clip_id"].tolist()
    ['c', 'b', 'a']
    """
    certainty, suspicion = _certainty(predictions), _suspicion(predictions)
    group = np.select([predictions["alert"].notna(), predictions["status"] == "unreadable"], [0, 1], 2)
    keys = (certainty.round(DECIMALS), -suspicion.round(DECIMALS), group)
    return predictions.iloc[np.lexsort(keys)]  # the last key counts first


def top_probability(predictions: pd.DataFrame) -> pd.Series[float]:
    """Return the largest probability of each clip, nan for a clip that could not be read.

    Of independent labels it is the certainty of the least certain one: its probability, or that of its absence.
    """
    probs = predictions[[f"p_{name}" for name in table_labels(predictions)]].astype(float)
    if has_several_labels(predictions):
        return probs.where(probs >= 0.5, 1 - probs).min(axis=1)
    return probs.max(axis=1)


def _certainty(predictions: pd.DataFrame) -> NDArray[np.float64]:
    """Return what orders clips like `top_probability`, float64 [M]."""
    if has_several_labels(predictions):
        return np.asarray(top_probability(predictions), np.float64)
    probs = _all_probabilities(predictions)
    return np.asarray(np.stack([log_odds(probs, i) for i in range(probs.shape[1])]).max(axis=0), np.float64)


def _suspicion(predictions: pd.DataFrame) -> NDArray[np.float64]:
    """Return what orders clips by the probability of their likeliest alert, float64 [M], 0 without one."""
    found = np.zeros(len(predictions))
    for name in predictions["alert"].dropna().unique():
        has_it = (predictions["alert"] == name).to_numpy(bool)
        probs, i = _all_probabilities(predictions)[has_it], table_labels(predictions).index(name)
        found[has_it] = probs[:, i] if has_several_labels(predictions) else log_odds(probs, i)
    return np.asarray(np.nan_to_num(found), np.float64)


def _all_probabilities(predictions: pd.DataFrame) -> NDArray[np.float64]:
    return predictions[[f"p_{name}" for name in table_labels(predictions)]].to_numpy(np.float64)


def verdicts(predictions: pd.DataFrame, truth: pd.Series[str]) -> pd.Series[Any]:
    """Return the verdict on each decision: 'right', 'wrong', 'open' where no label was named, '' without a label.

    truth: labels by `clip_id`, several joined. A group of animals, 'animal', 'unsure' and 'unreadable' name no
    label. Of independent labels, exactly the true ones must be named.

    >>> table = pd.DataFrame({"clip_id": ["a", "b", "c", "d"], "decision": ["tiger", "tiger", "unsure", "tiger"],
    ...                       "rule": ["species", "species", "abstained", "species"]})
    >>> verdicts(table, pd.Series({"a": "tiger", "b": "empty", "c": "tiger"})).tolist()
    ['right', 'wrong', 'open', '']
    """
    label, named = predictions["clip_id"].map(truth), predictions["decision"]
    if has_several_labels(predictions):
        label, named = (
            x.map(_sort_labels, na_action="ignore") for x in (label, predictions["labels"].fillna(named))
        )
    conditions = [label.isna(), named == label, predictions["rule"].isin(NAMING_RULES)]
    return pd.Series(np.select(conditions, ["", "right", "wrong"], "open"), index=predictions.index, dtype=object)


def mistakes(predictions: pd.DataFrame, truth: pd.Series[str]) -> pd.DataFrame:
    """Return the clips with a wrong decision, the worst first, with the columns `truth` and `p_true`.

    Clips called empty come first: an animal is lost there. Then come all other wrong labels. Within each group, the
    highest scores come first. Decisions that name no label are not mistakes: a person reviews those clips anyway.
    `p_true` is the probability of the true label, nan for a label that the model does not know; of several labels
    it is that of the least likely one.
    """
    wrong = predictions[verdicts(predictions, truth) == "wrong"]
    truth = wrong["clip_id"].map(truth)
    wrong = wrong.assign(truth=truth, p_true=_probabilities(wrong, truth))
    return wrong.iloc[np.lexsort((-wrong["score"].round(DECIMALS), wrong["rule"] != "empty"))]


def _sort_labels(cell: str) -> str:
    return JOINER.join(sorted(split_labels(cell)))


def _probabilities(predictions: pd.DataFrame, names: pd.Series[str]) -> NDArray[np.float64]:
    """Return the probability of one label for each clip, float64 [M], nan where there is no such label."""
    labels = table_labels(predictions)
    if has_several_labels(predictions):
        columns = predictions[[f"p_{x}" for x in labels]].set_axis(list(labels), axis=1).astype(float)
        return columns.where(find_presence(names, labels)).min(axis=1).to_numpy(np.float64)
    column = pd.Index(labels).get_indexer(pd.Index(names))
    probs = _all_probabilities(predictions)
    return np.where(column >= 0, probs[np.arange(len(probs)), column], np.nan)
