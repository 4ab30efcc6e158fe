"""How many clips are suspected to show each target, and what people said of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from leopardnet.core.columns import join_alerts, table_labels
from leopardnet.core.labels import split_labels
from leopardnet.data.human_labels.open_answers import leaves_open


@dataclass(frozen=True)
class TargetCounts:
    """Clips of one target: those that the model suspects and nobody judged, and what people said.

    n_refuted: suspected clips that people say to show something else. n_undecided: suspected clips that people
    dispute, cannot tell, or call by a word that leaves the animal open. n_sites: sites of all these clips but the
    refuted ones.
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
    cells = predictions["clip_id"].map({} if said is None else said.set_index("clip_id")["labels"])
    labels = table_labels(predictions)
    is_asked = cells.notna()
    is_settled = cells.map(lambda cell: isinstance(cell, str) and not leaves_open(cell, labels)).astype(bool)
    answer = cells.map(split_labels)
    counted = []
    for name in names:
        is_suspected = alerts.map(lambda found, name=name: name in found).astype(bool)
        is_confirmed = answer.map(lambda found, name=name: name in found).astype(bool)
        is_refuted = is_suspected & is_settled & ~is_confirmed
        counted.append(
            TargetCounts(
                name,
                n_suspected=int((is_suspected & ~is_asked).sum()),
                n_confirmed=int(is_confirmed.sum()),
                n_refuted=int(is_refuted.sum()),
                n_undecided=int((is_suspected & is_asked & ~is_settled & ~is_confirmed).sum()),
                n_sites=int(predictions.loc[(is_suspected & ~is_refuted) | is_confirmed, "site"].nunique()),
            )
        )
    return counted


def list_judged(said: pd.DataFrame | None) -> frozenset[str]:
    """Return the clip_id of every clip that people judged, also where they disagree or cannot tell."""
    return frozenset() if said is None else frozenset(said["clip_id"])
