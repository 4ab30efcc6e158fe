"""What a promise still lacks: sites at which the random audit has met the target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leopardnet.data.human_labels.label_views import AUDIT
from leopardnet.metrics.guarantees.levels import sites_needed
from leopardnet.review.clip_index import ClipIndex
from leopardnet.review.spoken_labels import SpokenLabels

PROMISED_MISS = 0.05


def count_promise(index: ClipIndex, said: SpokenLabels, targets: Sequence[str]) -> dict[str, Any] | None:
    """Return the first target, how many sites with it a promise of 5 % lost needs, and how many there are.

    Only clips of the audit count, since only they were chosen at random. None without a target.
    """
    if not targets:
        return None
    target = targets[0]
    met = said.find(lambda c: any(target in names for names in said.all_labels(c, queue=AUDIT).values()))
    sites = {index.texts("site")[index.row_of[c]] for c in met if c in index.row_of} - {None}  # known ones
    return {"label": target, "n_needed": sites_needed(PROMISED_MISS), "n_have": len(sites)}
