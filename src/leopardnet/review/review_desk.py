"""The desk at which a review is done: opens a queue, shows a clip, keeps what a person says, takes it back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from leopardnet.core.language import translate_message
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import no_sounds
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile
from leopardnet.data.human_labels.label_views import AUDIT
from leopardnet.data.human_labels.sound_labels import SoundLabelFile
from leopardnet.review.clip_index import ClipFilter, ClipIndex, Rows
from leopardnet.review.clip_view import ClipView
from leopardnet.review.frame_evidence import FrameEvidence
from leopardnet.review.label_request import RESERVED, LabelRequest, UndoRequest, check_words, read_request
from leopardnet.review.page_keys import check_keys
from leopardnet.review.private_clips import find_people
from leopardnet.review.queues.camera_queue import CAMERAS, list_faulty_cameras
from leopardnet.review.queues.promise_needs import count_promise
from leopardnet.review.queues.queue_rows import QueueRows
from leopardnet.review.queues.queue_set import QueueSet
from leopardnet.review.request_error import RequestError
from leopardnet.review.review_source import ReviewSource, count_foreign_labels, source_labels
from leopardnet.review.sounds.sound_desk import SoundDesk, SoundRequest
from leopardnet.review.spoken_labels import SpokenLabels
from leopardnet.review.starting_labels import describe_labels, find_usual_label, offer_labels

HUNT, SOUNDS = "hunt", "sounds"
N_AHEAD = 3


class ReviewDesk:
    """One review. All methods may be called from several threads; values are plain and hold no absolute path."""

    def __init__(
        self,
        source: ReviewSource,
        *,
        shows_people: bool = False,
        read_only: bool = False,
        targets: Sequence[str] | None = None,
        queues: Mapping[str, Callable[[ReviewDesk], QueueRows]] | None = None,
    ) -> None:
        """Prepare the index of all clips and read the labels so far.

        shows_people: pictures of people and vehicles, too. read_only: nothing can be said. targets: animals that
        must not be lost, by default those of the model. queues: of other rooms, see `QueueSet`.
        Raises LabelFileError and ManifestError where the labels cannot be used.
        """
        self.source, self.shows_people, self.read_only = source, shows_people, read_only
        is_there = source.labels.is_file()
        file = LabelFile(source.labels, read_only=read_only) if is_there or not read_only else None
        self.index = ClipIndex.build(source.manifest, source.predictions)
        self.index.prepare()
        entries = file.entries() if file is not None and file.newest() else pd.DataFrame()
        self.notices = [*source.notices, *count_foreign_labels(entries, self.index.row_of, source)]
        if source.workspace.enter():
            self.notices.append("Another review of this folder is open on this computer; both may be used at once.")
        self.evidence = FrameEvidence.read(source.evidence, self.index)
        self.said = SpokenLabels(file, self.index)
        people = find_people(source, self.evidence, self.index)
        self._has_person = np.array([c in people for c in self.index.clip_ids], bool)
        heard = SoundLabelFile(source.labels, read_only=read_only) if file is not None else None
        self.sounds = SoundDesk(source.predictions.sounds if source.predictions else no_sounds(), heard, self.index)
        others: dict[str, Callable[[], QueueRows]]
        others = {name: partial(make, self) for name, make in (queues or {}).items()}
        if len(self.sounds.table):
            others[SOUNDS] = self.sounds.list_clips
        if len(cameras := list_faulty_cameras(self.index, source)):
            others[CAMERAS] = lambda: cameras
        self.queues = QueueSet(
            self.index,
            self.evidence,
            self.said,
            source.workspace.seed(),
            self._has_person & (not shows_people),
            source.workspace.folder,
            others,
            self.sounds.raise_calls,
        )
        self._targets = tuple(targets) if targets is not None else self._find_targets()
        self.view = ClipView(
            self.index, self.evidence, self.said, source.manifest, self._has_person, shows_people, self.sounds
        )
        for queue in self.queues.ids:
            self.queues.open(queue, "")

    @property
    def manifest(self) -> Manifest:
        """The footage."""
        return self.source.manifest

    # --- what the page asks ---

    def describe(self, by: str) -> dict[str, Any]:
        """Return what the page needs to begin: labels, queues, facets, keys, notices."""
        self.said.refresh()
        index, model = self.index, self._describe_model()
        days = index.days[index.days >= 0]
        first, last = (
            (str(np.datetime64(int(d), "D")) for d in (days.min(), days.max())) if len(days) else (None,) * 2
        )
        decisions = sorted({x for x in index.texts("decision") if x is not None})
        return {
            "labels": describe_labels(self.source, self._targets, self.said.names()),
            "free_digits": self.source.workspace.free_digits(),
            "reserved": sorted(RESERVED),
            "queues": [
                {"id": q, "n_total": len(x), "n_done": self._count_done(q, x, by), "is_ready": x.is_ready}
                for q, x in ((q, self.queues.open(q, by)) for q in self.queues.ids)
            ],
            "facets": {"sites": list(index.sites), "labels": decisions, "first_day": first, "last_day": last},
            "by": by,
            "n_clips": len(index),
            "has_people": bool(self._has_person.any()),
            "read_only": self.read_only,
            "shows_people": self.shows_people,
            "model": model,
            "keys": self.keys(by),
            "notices": list(map(translate_message, self.notices)),
            "promise": count_promise(self.index, self.said, self._targets),
        }

    def list_queue(self, queue: str, by: str, *, only: ClipFilter, offset: int, limit: int) -> dict[str, Any]:
        """Return a part of a queue, the counts of what fits the filter, and where this person stopped last."""
        self.said.refresh()
        contents = self.queues.open(queue, by, anew=offset == 0)
        if queue == AUDIT and only.decision:
            raise RequestError("an audit hides what the model said", found="decision", todo="choose another filter")
        rows = self._filter(contents.rows, only, by, is_blind=queue == AUDIT)
        part = rows[offset : offset + limit]
        place = self.source.workspace.read(f"place/{by}/{queue}")
        at = np.flatnonzero(rows == self.index.row_of.get(place, -1)) if isinstance(place, str) else np.zeros(0)
        return {
            "n_total": len(rows),
            "n_done": self._count_done(queue, QueueRows(rows), by),
            "place": int(at[0]) if len(at) else 0,
            "clips": [self.view.summarise(int(r), queue, contents, by) for r in part],
        }

    def show_clip(self, clip_id: str, queue: str, by: str) -> dict[str, Any]:
        """Return one clip. Raises RequestError for a clip that there is not, or that is not in the audit."""
        self.said.refresh()
        row, contents = self.index.find(clip_id), self.queues.open(queue, by)
        self._refuse_outside_audit(queue, [row], contents)
        return self.view.show(row, queue, contents, by)

    def clips_ahead(self, clip_id: str, queue: str, by: str) -> list[tuple[str, list[float]]]:
        """Return the next clips of a queue with the times of their frames, to be decoded ahead."""
        rows, row = self.queues.open(queue, by).rows, self.index.find(clip_id)
        at = np.flatnonzero(rows == row)
        ahead = rows[at[0] + 1 : at[0] + 1 + N_AHEAD] if len(at) else rows[:0]
        return [
            (self.index.clip_ids[r], self.view.times_s(int(r), queue))
            for r in ahead
            if not self.view.is_private(int(r))
        ]

    # --- what a person says ---

    def save(self, request: LabelRequest, by: str) -> dict[str, Any]:
        """Keep what a person says about clips, on the disk before this returns; the same key adds nothing twice.

        Other names of usual labels are saved as these, unless the source or the targets have them. Clips of the
        random audit have no part in labels that are given to several clips at once: each of them is looked at on
        its own. Raises RequestError for a request that cannot be used, LabelFileError where it cannot be written.
        """
        self.refuse_reading()
        check_words(request, offered=offer_labels(self.source, self._targets))
        request = self._name_usually(request)
        rows, contents = [self.index.find(c) for c in request.clip_ids], self.queues.open(request.queue, by)
        self._refuse_outside_audit(request.queue, rows, contents)
        if request.queue == HUNT and len(rows) > 1:
            rows = [row for row in rows if row not in contents.inclusion]
        if request.queue == AUDIT and len(rows) > 1:
            raise RequestError("in the audit each clip is looked at on its own", found=f"{len(rows)} clips at once")
        entries = [self._entry(request, row, contents, by) for row in rows]
        numbers = self.said.add(entries)
        return {
            "entries": [{"entry_id": n, "clip_id": e.clip_id} for n, e in zip(numbers, entries, strict=True)],
            "labels": request.labels,
            "n_done": self._count_done(request.queue, contents, by),
            "done": {q: self._count_done(q, self.queues.open(q, by), by) for q in self.queues.ids},
        }

    def undo(self, request: UndoRequest, by: str) -> dict[str, Any]:
        """Take a person's newest action back, all its clips at once. Raises RequestError where there is none."""
        self.refuse_reading()
        if self._is_of_sound(request.key, by):
            return {"undone": [self.sounds.undo(by, request.key)], "queue": SOUNDS}
        undone = self.said.undo(by, request.key)
        if undone is None:
            raise RequestError("there is nothing to take back", status=409)
        is_of_hunt = undone[1] == AUDIT and HUNT in self.queues.ids  # a hunt shows the clips of the audit, too
        return {"undone": undone[0], "queue": HUNT if is_of_hunt else undone[1]}

    def save_sound(self, request: SoundRequest, by: str) -> dict[str, Any]:
        """Keep what a person says of a sound. Raises RequestError in the audit, and as `SoundDesk.save` does."""
        self.refuse_reading()
        if request.queue == AUDIT:
            raise RequestError("the audit hides what was found on the sound tracks", todo="choose another list")
        return self.sounds.save(request, by)

    def keep_place(self, queue: str, clip_id: str, by: str) -> None:
        """Remember at which clip a person is in a queue."""
        self.refuse_reading()
        self.index.find(clip_id)
        self.queues.open(queue, by)
        self.source.workspace.keep(f"place/{by}/{queue}", clip_id)

    def keys(self, by: str) -> dict[str, str]:
        """Return the keys that a person chose in place of the usual ones, by action."""
        return dict(self.source.workspace.read(f"keys/{by}") or {})

    def choose_keys(self, keys: object, by: str) -> dict[str, str]:
        """Keep the keys that a person chooses, and return all. Raises RequestError where two actions share one."""
        self.refuse_reading()
        chosen = check_keys(keys, self.keys(by))
        self.source.workspace.keep(f"keys/{by}", chosen)
        return chosen

    def close(self) -> None:
        """Close the files of the review."""
        self.said.close()
        self.sounds.close()
        self.source.workspace.close()

    # --- inside ---

    def refuse_reading(self) -> None:
        """Raise RequestError where nothing can be said."""
        if self.read_only:
            raise RequestError(
                "this review is read-only", status=403, todo="start it without --read-only to label clips"
            )

    def _refuse_outside_audit(self, queue: str, rows: list[int], contents: QueueRows) -> None:
        if queue == AUDIT and not set(rows) <= set(contents.rows.tolist()):
            raise RequestError(
                "this clip is not in the audit",
                found=self.index.clip_ids[next(r for r in rows if r not in contents.rows)],
                expected="clips of the random sample alone",
                todo="label it in another queue",
            )

    def _name_usually(self, request: LabelRequest) -> LabelRequest:
        own = {*source_labels(self.source), *self._targets}
        labels = list(dict.fromkeys(x if x in own else find_usual_label(x) for x in request.labels))
        if labels == request.labels:
            return request
        return read_request(LabelRequest, request.model_dump(by_alias=True) | {"labels": labels})

    def _entry(self, request: LabelRequest, row: int, contents: QueueRows, by: str) -> LabelEntry:
        clip_id, bundle_id = self.index.clip_ids[row], self.index.texts("bundle_id")[row]
        starred = request.starred
        is_drawn = request.queue == HUNT and row in contents.inclusion  # one of ten, whatever the order says
        queue = AUDIT if is_drawn else request.queue
        return LabelEntry(
            key=f"{request.key}:{clip_id}",
            clip_id=clip_id,
            path=self.index.texts("path")[row] or "",
            labels=request.labels,
            by=by,
            queue=queue,
            seconds=request.seconds,
            boxes=request.boxes,
            inclusion=contents.inclusion.get(row),
            bundle_id=None if queue == AUDIT else bundle_id,
            note=request.note,
            starred=self.said.is_starred(clip_id, by) if starred is None else starred,
        )

    def _filter(self, rows: Rows, only: ClipFilter, by: str, *, is_blind: bool) -> Rows:
        rows = only.keep(self.index, rows)
        if only.label:
            # In an audit, what others said and what was said elsewhere is hidden.
            own = {by: AUDIT} if is_blind else {}
            named = self.said.find(lambda c: self._bears(c, only.label, own))
            rows = rows[np.isin(rows, [self.index.row_of.get(c, -1) for c in named])]
        if only.is_starred:
            starred = self.said.find(lambda c: self.said.is_starred(c, by))
            rows = rows[np.isin(rows, [self.index.row_of.get(c, -1) for c in starred])]
        return rows

    def _bears(self, clip_id: str, label: str, own: Mapping[str, str]) -> bool:
        """Return whether a clip bears a label, by anyone, or by the one person in the one queue of `own`."""
        for by, queue in own.items():
            return label in self.said.labels(clip_id, by, queue=queue)
        return any(label in names for names in self.said.all_labels(clip_id).values())

    def _count_done(self, queue: str, contents: QueueRows, by: str) -> int:
        if queue == "second_opinion":
            return sum(bool(self.said.labels(self.index.clip_ids[r], by)) for r in contents.rows)
        if queue == SOUNDS:
            return int(self.sounds.is_done[contents.rows].sum())
        is_done = self.said.is_audited if queue == AUDIT else self.said.is_done
        return int(is_done[contents.rows].sum())

    def _is_of_sound(self, key: str, by: str) -> bool:
        """Return whether the newest that a person said is of a sound; of a known key, what it took back."""
        sound_at, clip_at = self.sounds.newest_of(by), self.said.newest_of(by)
        if self.sounds.has_made(key) or sound_at is None or self.said.has_made(key):
            return self.sounds.has_made(key)
        return clip_at is None or sound_at > clip_at

    def _find_targets(self) -> tuple[str, ...]:
        if self.source.bundle is not None:
            return self.source.bundle.labels.targets
        return tuple(sorted({name for alerts in self.index.alerts for name in alerts}))

    def _describe_model(self) -> dict[str, Any] | None:
        ids = [x for x in self.index.texts("bundle_id") if x is not None]
        bundle = self.source.bundle
        return {"bundle_id": ids[0], "name": bundle.spec.name if bundle else None} if ids else None
