"""How many clips are suspected to show each target, and what people said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from leopardnet.core.columns import join_alerts
from leopardnet.core.labels import UNKNOWN, split_labels


@dataclass(frozen=True)
class TargetCounts:
    """Clips of one target: those that the model suspects and nobody judged, and what people said.

    n_sites: sites of the suspected clips. n_refuted: suspected clips that people say to show something else.
    """

    name: str
    n_suspected: int
    n_sites: int
    n_confirmed: int
    n_refuted: int


def count_targets(
    predictions: pd.DataFrame, targets: Sequence[str], said: pd.DataFrame | None
) -> list[TargetCounts]:
    """Count the suspected and the confirmed clips of each target, and of whatever else has an alert.

    A clip that people dispute, or cannot tell, stays suspected.
    """
    alerts = join_alerts(predictions).map(split_labels)
    names = dict.fromkeys([*targets, *sorted(set(alerts.explode().dropna()) - set(targets))])
    answer = predictions["clip_id"].map(read_answers(said))
    is_judged = answer.notna()
    counted = []
    for name in names:
        is_suspected = alerts.map(lambda found, name=name: name in found).astype(bool)
        is_confirmed = answer.map(lambda found, name=name: isinstance(found, tuple) and name in found).astype(bool)
        is_open = is_suspected & ~is_judged
        counted.append(
            TargetCounts(
                name,
                n_suspected=int(is_open.sum()),
                n_sites=int(predictions.loc[is_open, "site"].nunique()),
                n_confirmed=int(is_confirmed.sum()),
                n_refuted=int((is_suspected & is_judged & ~is_confirmed).sum()),
            )
        )
    return counted


def read_answers(said: pd.DataFrame | None) -> pd.Series[Any]:
    """Return the labels that people agree on, as tuples, by clip_id."""
    answers = pd.Series(dtype=object) if said is None else said.set_index("clip_id")["labels"]
    return answers[~answers.isin(["", UNKNOWN])].map(split_labels)
