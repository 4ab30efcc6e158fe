"""The queues that features make possible: the hunt for a target, and labels unlike those of look-alikes."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np

from leopardnet.core.labels import JOINER, UNKNOWN
from leopardnet.core.language import translate_message
from leopardnet.data.human_labels.label_views import AUDIT
from leopardnet.hunt.clusters import N_CENTRES, find_clusters
from leopardnet.hunt.feature_store import FeatureStore
from leopardnet.hunt.hunt_order import REFIT_EVERY, Hunt
from leopardnet.review.clip_index import list_rows
from leopardnet.review.queues.promise_needs import count_promise
from leopardnet.review.queues.queue_rows import QueueRows
from leopardnet.review.review_desk import ReviewDesk
from leopardnet.review.spoken_labels import SpokenLabels

GROUP_CLIPS = 8  # about so many clips in a group, where there are few clips
N_LOOKALIKES, N_AGAINST = 10, 7  # of the nearest labelled clips, so many must bear one other label


class HuntQueues:
    """The order of a hunt, kept between labels: it is found anew after every 20 labels, and after the first target.

    One object serves all threads. clip_ids: of the footage; None for all that have features. results: scores of
    another program by target, see `hunt.other_results`.
    """

    def __init__(
        self,
        store: FeatureStore,
        *,
        targets: Sequence[str],
        clip_ids: Collection[str] | None = None,
        results: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        self.store, self.targets = store, tuple(targets)
        self._hunt = Hunt(store, targets=targets, clip_ids=clip_ids, results=results)
        self._directions = self._hunt.features.mean_directions()
        self._unreadable = store.read_unreadable()
        self._lock = threading.RLock()
        self._order: QueueRows | None = None
        self._fitted: frozenset[str] = frozenset()  # clips that were labelled when the order was found
        self._had_target = False
        self._clusters: Future[tuple[list[list[str]], list[list[str]]]] = Future()
        threading.Thread(target=self._find_clusters, daemon=True).start()
        self._row_of = {clip_id: i for i, clip_id in enumerate(self._hunt.features.clip_ids)}

    def list_hunt(self, desk: ReviewDesk) -> QueueRows:
        """Return the labelled clips in the order in which they were, and then the others, the most promising first.

        Clips that cannot be read stand last. Every tenth is of the blind audit, and keeps its chance of inclusion.
        """
        with self._lock:
            labels = collect_labels(desk.said)
            has_target = any(t in cell.split(JOINER) for t in self.targets for cell in labels.values())
            is_taken_back = not self._fitted <= labels.keys()  # such a clip has no place in the order
            is_old = len(labels) - len(self._fitted) >= REFIT_EVERY or has_target != self._had_target
            if self._order is None or is_taken_back or is_old:
                self._order = self._rank(desk, labels)
                self._fitted, self._had_target = frozenset(labels), has_target
            rows = self._order.rows
            left = rows[[desk.index.clip_ids[r] not in labels for r in rows]]
            done = list_rows(desk.index, [c for c in labels if c in desk.index.row_of])
            return QueueRows(np.concatenate([done, left]), inclusion=self._order.inclusion, hints=self._order.hints)

    def refit(self) -> None:
        """Find the order anew when it is asked for next."""
        with self._lock:
            self._order = None

    def _rank(self, desk: ReviewDesk, labels: Mapping[str, str]) -> QueueRows:
        audit = desk.queues.open(AUDIT, "")
        ids = desk.index.clip_ids
        places = self._hunt.order(labels, audit=[ids[r] for r in audit.rows])
        hints = {place.clip_id: place.reason for place in places}
        last = [c for c in ids if c in self._unreadable and c not in hints and c not in labels]
        hints |= {c: f"this clip could not be read: {self._unreadable[c]}" for c in last}
        rows = list_rows(desk.index, [*(p.clip_id for p in places if p.clip_id in desk.index.row_of), *last])
        return QueueRows(rows, inclusion=audit.inclusion, hints={int(r): hints[ids[r]] for r in rows})

    def list_lookalikes(self, desk: ReviewDesk) -> QueueRows:
        """Return the labelled clips whose look-alikes mostly bear one other label, the most striking first."""
        labels = {c: x for c, x in collect_labels(desk.said).items() if x != UNKNOWN and c in self._row_of}
        clips = [c for c in labels if c in desk.index.row_of]
        if len(clips) <= N_AGAINST:
            return QueueRows(np.zeros(0, np.int64))
        near = self._directions[[self._row_of[c] for c in clips]]
        likeness = near @ near.T
        np.fill_diagonal(likeness, -np.inf)
        found = []
        for i, clip_id in enumerate(clips):
            nearest = np.argsort(-likeness[i], kind="stable")[:N_LOOKALIKES]
            other, n = Counter(labels[clips[j]] for j in nearest if j != i).most_common(1)[0]
            if other != labels[clip_id] and n >= N_AGAINST:
                hint = f"{n} of the {len(nearest)} clips that look most like it are labelled {other}"
                found.append((-n, clip_id, hint))
        found.sort(key=lambda item: item[0])
        rows = list_rows(desk.index, [clip_id for _, clip_id, _ in found])
        return QueueRows(rows, hints={int(r): hint for r, (_, _, hint) in zip(rows, found, strict=True)})

    def _find_clusters(self) -> None:
        """Find the clusters beside the page, which opens at once: of many thousand clips they take some seconds."""
        features = self._hunt.features
        few = max(min(N_CENTRES, len(features) // GROUP_CLIPS), 1)
        try:
            typical = find_clusters(features)
            self._clusters.set_result((typical, typical if few == N_CENTRES else find_clusters(features, n=few)))
        except Exception as error:  # whoever waits must hear of it
            self._clusters.set_exception(error)

    def list_centres(self, desk: ReviewDesk) -> QueueRows:
        """Return the most central clip of each cluster, the largest cluster first; none until they are found."""
        is_ready = self._clusters.done()
        clusters = self._clusters.result()[0] if is_ready else []
        firsts = {clips[0]: len(clips) for clips in clusters if clips[0] in desk.index.row_of}
        rows = list_rows(desk.index, list(firsts))
        hints = [f"stands for {n} clips that look alike" if n > 1 else "" for n in firsts.values()]
        known = {int(r): hint for r, hint in zip(rows, hints, strict=True) if hint}
        return QueueRows(rows, hints=known, is_ready=is_ready)

    def list_groups(self, desk: ReviewDesk) -> QueueRows:
        """Return the clips of each cluster together, the largest first; none until they are found."""
        is_ready = self._clusters.done()
        clusters = self._clusters.result()[1] if is_ready else []
        named = {c: str(i) for i, clips in enumerate(clusters, 1) for c in clips if c in desk.index.row_of}
        rows = list_rows(desk.index, list(named))
        return QueueRows(rows, groups=dict(zip(map(int, rows), named.values(), strict=True)), is_ready=is_ready)

    def list_unreadable(self, desk: ReviewDesk) -> QueueRows:
        """Return the clips that could not be read, each with the reason."""
        found = [c for c in desk.index.clip_ids if c in self._unreadable]
        rows = list_rows(desk.index, found)
        return QueueRows(rows, hints={int(r): self._unreadable[c] for r, c in zip(rows, found, strict=True)})

    def queues(self) -> dict[str, Callable[[ReviewDesk], QueueRows]]:
        """Return all queues by their ids, for `ReviewDesk`."""
        centres = {"centres": self.list_centres, "groups": self.list_groups}
        others = {"lookalikes": self.list_lookalikes, "unreadable": self.list_unreadable}
        return {"hunt": self.list_hunt, **centres, **others}

    def describe(self, desk: ReviewDesk) -> dict[str, Any]:
        """Return what the page says about the hunt: the targets, the labels so far, and what to do next."""
        labels = collect_labels(desk.said)
        counts = Counter(name for cell in labels.values() for name in cell.split(JOINER) if name != UNKNOWN)
        return {
            "target": self.targets[0] if self.targets else None,
            "targets": list(self.targets),
            "n_labels": dict(counts.most_common()),
            "advice": translate_message(_advise(counts, self.targets)),
            "promise": count_promise(desk.index, desk.said, self.targets),
        }


def collect_labels(said: SpokenLabels) -> dict[str, str]:
    """Return what people say of each clip, several labels joined; UNKNOWN where they differ or cannot tell."""
    found = {}
    for clip_id in said.find(lambda _: True):
        answers = {tuple(sorted(names)) for names in said.all_labels(clip_id).values()} - {(UNKNOWN,)}
        if answers:
            found[clip_id] = JOINER.join(answers.pop()) if len(answers) == 1 else UNKNOWN
        elif said.all_labels(clip_id):
            found[clip_id] = UNKNOWN
    return found


def _advise(counts: Mapping[str, int], targets: Sequence[str]) -> str:
    missing = [t for t in targets if not counts.get(t)]
    if sum(counts.values()) < REFIT_EVERY:
        return f"Label the first {REFIT_EVERY} clips; then the order learns from them."
    if missing:
        return f"No {missing[0].replace('_', ' ')} yet. Go on: the order learns from every {REFIT_EVERY} labels."
    if len(counts) < 2:
        return "A model needs clips of at least two labels, such as an animal and empty."
    return "A model can be made at any time, and is better with every label."
