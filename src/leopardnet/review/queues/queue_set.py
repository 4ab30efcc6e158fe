"""All queues of a review by name, each computed once, when it is first asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leopardnet.data.human_labels.label_views import AUDIT
from leopardnet.metrics.judges.wrong_labels import FILE as LABEL_ERRORS
from leopardnet.review.clip_index import ClipIndex
from leopardnet.review.frame_evidence import FrameEvidence
from leopardnet.review.queues import label_errors
from leopardnet.review.queues.model_queues import (
    draw_empties,
    list_suspected,
    list_unreadable,
    list_unsure,
    order_by_doubt,
)
from leopardnet.review.queues.people_queues import draw_audit, list_second_opinion
from leopardnet.review.queues.plan_looks import plan_looks
from leopardnet.review.queues.queue_rows import QueueRows, Rows
from leopardnet.review.queues.same_box import list_same_boxes
from leopardnet.review.request_error import RequestError
from leopardnet.review.spoken_labels import SpokenLabels

OPINION = "second_opinion"
ORDER = (
    *(
        "hunt",
        "centres",
        "groups",
        "suspected",
        "sounds",
        "unsure",
        "plan",
        "lookalikes",
        "same_box",
        "cameras",
        "unreadable",
        "empties",
    ),
    *(AUDIT, OPINION, "label_errors", "all"),
)


@dataclass(eq=False)
class QueueSet:
    """The queues that this review has.

    seed: of the random ones. is_private: bool [N], clips that may not be shown. folder: the workspace. others:
    queues of other rooms, by their ids in ORDER; each is listed again whenever it is opened anew. raise_calls:
    orders rows so that those with a call on the sound track come first.
    """

    index: ClipIndex
    evidence: FrameEvidence
    said: SpokenLabels
    seed: str
    is_private: NDArray[np.bool_]
    folder: Path
    others: Mapping[str, Callable[[], QueueRows]] = field(default_factory=dict)
    raise_calls: Callable[[Rows], Rows] = lambda rows: rows

    def __post_init__(self) -> None:
        self._known: dict[tuple[str, str], QueueRows] = {}
        self._lock = threading.RLock()
        self._doubt: Rows | None = None

    @property
    def ids(self) -> tuple[str, ...]:
        """The queues in the order in which a page lists them; those that cannot have a clip are left out."""
        has_model, has_boxes = bool(self.index.labels), bool((self.evidence.codes >= 0).any())
        of_model = {"suspected", "unsure", "plan", "unreadable", "empties"} if has_model else set()
        present = of_model | ({"same_box"} if has_boxes else set()) | {AUDIT, OPINION, "all"} | set(self.others)
        if (self.folder / LABEL_ERRORS).is_file():
            present.add("label_errors")
        return tuple(name for name in ORDER if name in present)

    def open(self, queue: str, by: str, *, anew: bool = False) -> QueueRows:
        """Return a queue. anew: those that change while people label are listed again, where they have changed.

        Raises RequestError for a queue that there is not.
        """
        if queue not in self.ids:
            raise RequestError("there is no such queue", status=404, found=queue[:40], expected=", ".join(self.ids))
        key = (queue, by if queue == OPINION else "")
        with self._lock:
            is_known = key in self._known and self._known[key].is_ready
            if not is_known or (anew and (queue in self.others or queue == OPINION)):
                self._known[key] = self._list(queue, by)
            return self._known[key]

    def _list(self, queue: str, by: str) -> QueueRows:
        index = self.index
        if queue in self.others:
            return self.others[queue]()
        match queue:
            case "suspected":
                return list_suspected(index, self._order())
            case "unsure":
                return QueueRows(self.raise_calls(list_unsure(index, self._order()).rows))
            case "plan":
                return plan_looks(index, self.said)
            case "same_box":
                return list_same_boxes(index, self.evidence.best_boxes(index))
            case "unreadable":
                return list_unreadable(index)
            case "empties":
                return draw_empties(index, self.seed)
            case "audit":
                return draw_audit(index, self.seed, self.is_private)
            case "second_opinion":
                return list_second_opinion(index, self.said, by, self.seed)
            case "label_errors":
                return label_errors.list_label_errors(index, self.folder / LABEL_ERRORS)
        return QueueRows(np.arange(len(index)))

    def _order(self) -> Rows:
        if self._doubt is None:
            self._doubt = order_by_doubt(self.index)
        return self._doubt
