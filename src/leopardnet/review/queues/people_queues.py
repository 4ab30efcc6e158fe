"""Queues for people: the blind audit, which makes promises honest, and the second opinion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leopardnet.review.clip_index import ClipIndex
from leopardnet.review.queues.queue_rows import QueueRows, draw_numbers, draw_per_site
from leopardnet.review.spoken_labels import SpokenLabels

ONE_AUDITED_IN = 10


def draw_audit(index: ClipIndex, seed: str, is_private: NDArray[np.bool_]) -> QueueRows:
    """Return one clip in ten of each site, at random, and at least one, whatever the model said.

    is_private: bool [N], clips that may not be shown. They are left out after the draw, so that everybody has the
    same sample and the chances of the others stay what they are.
    """
    rows = np.arange(len(index))
    drawn = draw_per_site(rows, index.site_codes, draw_numbers(index.clip_ids, f"audit {seed}"), ONE_AUDITED_IN)
    return QueueRows(drawn.rows[~is_private[drawn.rows]], inclusion=drawn.inclusion)


def list_second_opinion(index: ClipIndex, said: SpokenLabels, by: str, seed: str) -> QueueRows:
    """Return the clips on which two people differ, then those that one other person alone labelled, at random."""
    order = np.argsort(draw_numbers(index.clip_ids, f"second {seed}"), kind="stable")
    disputed = order[said.is_disputed[order]]
    of_one = order[(said.n_people[order] == 1) & ~said.is_disputed[order]]
    is_other = [not said.labels(index.clip_ids[r], by) for r in of_one]
    return QueueRows(np.concatenate((disputed, of_one[np.array(is_other, bool)])))
