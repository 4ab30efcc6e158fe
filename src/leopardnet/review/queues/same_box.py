"""The clips with the same box at one camera again and again, as a queue."""

from __future__ import annotations

import numpy as np

from leopardnet.detect.same_spot import Boxes, find_same_spots
from leopardnet.review.clip_index import ClipIndex
from leopardnet.review.queues.queue_rows import QueueRows


def list_same_boxes(index: ClipIndex, boxes: Boxes) -> QueueRows:
    """Return the clips whose best box is that of many others of their site, group by group, the largest first.

    boxes: float64 [N, 4], nan without a box. See `find_same_spots`.
    """
    groups = find_same_spots(boxes, index.site_codes, index.event_id)
    names = {int(r): f"box {i + 1}" for i, rows in enumerate(groups) for r in rows}
    return QueueRows(np.concatenate([*groups, np.zeros(0, np.int64)]), groups=names)
