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

    n_refuted: suspected clips that people say to show something else. n_undecided: suspected clips that people
    dispute or cannot tell. n_sites: sites of all these clips but the refuted ones.
    """

    name: str
    n_suspected: int
    n_confirmed: int
    n_refuted: int
    n_undecided: int
    n_sites: int


def count_targets(
    predictions: pd.DataFrame, targets: Sequence[str], said: pd.DataFrame | None
) -> list[TargetCounts]:
    """Count the suspected and the confirmed clips of each target, and of whatever else has an alert."""
    alerts = join_alerts(predictions).map(split_labels)
    names = dict.fromkeys([*targets, *sorted(set(alerts.explode().dropna()) - set(targets))])
    answer = predictions["clip_id"].map(read_answers(said))
    is_judged, is_open = answer.notna(), ~predictions["clip_id"].isin(list_judged(said))
    counted = []
    for name in names:
        is_suspected = alerts.map(lambda found, name=name: name in found).astype(bool)
        is_confirmed = answer.map(lambda found, name=name: isinstance(found, tuple) and name in found).astype(bool)
        may_show_it = (is_suspected & ~is_judged) | is_confirmed
        counted.append(
            TargetCounts(
                name,
                n_suspected=int((is_suspected & is_open).sum()),
                n_confirmed=int(is_confirmed.sum()),
                n_refuted=int((is_suspected & is_judged & ~is_confirmed).sum()),
                n_undecided=int((is_suspected & ~is_open & ~is_judged).sum()),
                n_sites=int(predictions.loc[may_show_it, "site"].nunique()),
            )
        )
    return counted


def list_judged(said: pd.DataFrame | None) -> frozenset[str]:
    """Return the clip_id of every clip that people judged, also where they disagree or cannot tell."""
    return frozenset() if said is None else frozenset(said["clip_id"])


def read_answers(said: pd.DataFrame | None) -> pd.Series[Any]:
    """Return the labels that people agree on, as tuples, by clip_id."""
    answers = pd.Series(dtype=object) if said is None else said.set_index("clip_id")["labels"]
    return answers[~answers.isin(["", UNKNOWN])].map(split_labels)
