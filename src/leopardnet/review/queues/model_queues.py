"""Queues that follow from what the model said: suspected targets, least sure, unreadable, called empty."""

from __future__ import annotations

import numpy as np

from leopardnet.core.labels import EMPTY, UNREADABLE
from leopardnet.metrics.comparison.review_order import NAMING_RULES, review_order, top_probability
from leopardnet.review.clip_index import ClipIndex
from leopardnet.review.queues.queue_rows import QueueRows, Rows, draw_numbers, draw_per_site

SURE = 0.9  # a clip whose answer is surer than this is not among the least sure
ONE_EMPTY_IN = 20


def order_by_doubt(index: ClipIndex) -> Rows:
    """Return the rows of all classified clips in the order of `review_order`: alerts, unreadable, least sure."""
    return np.asarray(review_order(index.table[index.is_classified]).index, np.int64)


def list_suspected(index: ClipIndex, order: Rows) -> QueueRows:
    """Return the clips that may show a target, the likeliest first."""
    return QueueRows(order[np.array([bool(index.alerts[r]) for r in order], bool)])


def list_unsure(index: ClipIndex, order: Rows) -> QueueRows:
    """Return the clips without a clear answer, the least sure first: no label was named, or none at SURE."""
    top = top_probability(index.table).to_numpy()
    status, rules = index.texts("status"), index.texts("rule")
    is_open = [
        not index.alerts[r] and status[r] != UNREADABLE and (rules[r] not in NAMING_RULES or top[r] < SURE)
        for r in order
    ]
    return QueueRows(order[np.array(is_open, bool)])


def list_unreadable(index: ClipIndex) -> QueueRows:
    """Return the clips of which no frame could be read, by site and time."""
    return QueueRows(np.array([r for r, x in enumerate(index.texts("status")) if x == UNREADABLE], np.int64))


def draw_empties(index: ClipIndex, seed: str) -> QueueRows:
    """Return of the clips called empty one in twenty of each site, at random, and at least one."""
    rows = np.array([r for r, x in enumerate(index.texts("decision")) if x == EMPTY], np.int64)
    numbers = draw_numbers([index.clip_ids[r] for r in rows], f"empties {seed}")
    return draw_per_site(rows, index.site_codes[rows], numbers, ONE_EMPTY_IN)
