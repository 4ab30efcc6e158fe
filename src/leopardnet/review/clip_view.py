"""How one clip is shown: its line in a list, and all that the large view needs. In an audit, without the model."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.errors import MediaError
from leopardnet.core.labels import UNREADABLE
from leopardnet.core.language import cut_probability, translate_message
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import UniformSampling
from leopardnet.core.types import Clip, MediaInfo
from leopardnet.data.human_labels.label_views import AUDIT
from leopardnet.media.decode import probe, resolve_path
from leopardnet.media.sampling import sample_times
from leopardnet.review.clip_index import ClipIndex
from leopardnet.review.frame_evidence import FrameEvidence
from leopardnet.review.queues.queue_rows import QueueRows
from leopardnet.review.sounds.sound_desk import SoundDesk
from leopardnet.review.spoken_labels import SpokenLabels

N_FRAMES = 8  # of a clip that no model classified
THUMB_WIDTH_PX, FRAME_WIDTH_PX = 320, 960
FIRST_LOOK_S = 1.0  # into a video that no model classified: cameras start when the animal is there
MISSING = "missing"


class ClipView:
    """Plain values of clips for the page.

    has_person: bool [N], clips that show people or vehicles by what the model or the manifest says; those that
    somebody labelled so are added. Without `shows_people` their pictures stay private.
    """

    def __init__(
        self,
        index: ClipIndex,
        evidence: FrameEvidence,
        said: SpokenLabels,
        manifest: Manifest,
        has_person: NDArray[np.bool_],
        shows_people: bool,
        sounds: SoundDesk,
    ) -> None:
        self.index, self.evidence, self.said, self.manifest = index, evidence, said, manifest
        self.has_person, self.shows_people, self.sounds = has_person, shows_people, sounds
        table = manifest.table
        bursts = table[table["kind"].eq("burst") & table["paths"].notna()]
        self._stills = dict(zip(bursts["clip_id"], bursts["paths"], strict=True))
        self._in_manifest = frozenset(table["clip_id"])

    def is_private(self, row: int) -> bool:
        """Return whether the pictures of a clip may not be shown."""
        return (bool(self.has_person[row]) or self._bears_people(row)) and not self.shows_people

    def _bears_people(self, row: int) -> bool:
        clip_id = self.index.clip_ids[row]
        return self.said.shows_people(clip_id) or self.sounds.shows_people(clip_id)

    def summarise(self, row: int, queue: str, contents: QueueRows, by: str) -> dict[str, Any]:
        """Return the line of a clip in a list."""
        index, said, clip_id, is_blind = self.index, self.said, self.index.clip_ids[row], queue == AUDIT
        labels = said.labels(clip_id, by, queue=AUDIT if is_blind else None)
        is_private, score = self.is_private(row), float(index.numbers("score")[row])
        return {
            "clip_id": clip_id,
            "path": index.texts("path")[row],
            "site": index.texts("site")[row],
            "captured": index.captured[row],
            "kind": index.texts("kind")[row],
            "decision": None if is_blind else index.texts("decision")[row],
            "score": None if is_blind or np.isnan(score) else cut_probability(score),
            "alerts": None if is_blind else list(index.alerts[row]),
            "thumb": None if is_private else self._frame_url(row, self._thumb_s(row, is_blind), THUMB_WIDTH_PX),
            "labels": list(labels),
            "starred": said.is_starred(clip_id, by),
            "by_others": sum(person != by for person in said.all_labels(clip_id)),
            "event_id": index.event_id(row),
            "group": contents.groups.get(row),
            "has_person": bool(self.has_person[row] and not is_blind) or self._bears_people(row),
            "n_open_sounds": 0 if is_blind else self.sounds.count_open(row),
        }

    def show(self, row: int, queue: str, contents: QueueRows, by: str) -> dict[str, Any]:
        """Return all that the large view of a clip needs. Raises ManifestError where its boxes cannot be read."""
        index, clip_id, is_blind = self.index, self.index.clip_ids[row], queue == AUDIT
        is_private, missing = self.is_private(row), self.say_missing(row)
        status, reason = index.texts("status")[row], index.texts("reason")[row]
        if is_blind and status != UNREADABLE:
            status, reason = None, None
        duration_s = float(index.numbers("duration_s")[row])
        frames: list[dict[str, Any]] = []
        history = self._history(clip_id, by, is_own=self._is_alone(clip_id, queue, by))
        if missing is not None:
            status, reason = MISSING, missing
        elif not is_private:
            try:
                drawn_s = _times_of_boxes(history, by) if index.texts("kind")[row] == "video" else set()
                frames = self._frames(row, is_blind, drawn_s)
            except MediaError as error:
                status, reason = UNREADABLE, error.one_line
        p = index.probs[row]
        has_probs = not is_blind and len(p) > 0 and bool(np.isfinite(p).all())
        is_video = index.texts("kind")[row] == "video" and missing is None and not is_private
        return self.summarise(row, queue, contents, by) | {
            "is_blind": is_blind,
            "status": status,
            "reason": reason and translate_message(reason),
            "probs": dict(zip(index.labels, map(cut_probability, p), strict=True)) if has_probs else None,
            "frames": frames,
            "seconds": [] if is_blind else index.evidence_seconds(row),
            "duration_s": None if np.isnan(duration_s) else round(duration_s, 3),
            "video": f"/media/video/{clip_id}" if is_video else None,
            "event": [index.clip_ids[int(r)] for r in index.event_rows(row)],
            "group_clips": [index.clip_ids[r] for r in contents.group_rows(row)],
            "history": history,
            "sounds": [] if is_blind else self._sounds(row, queue, by),
            "hint": None if is_blind else translate_message(contents.hints.get(row, "")) or None,
        }

    def _sounds(self, row: int, queue: str, by: str) -> list[dict[str, Any]]:
        has_file = self.index.texts("kind")[row] == "video" and self.say_missing(row) is None
        is_alone = self._is_alone(self.index.clip_ids[row], queue, by)
        is_private = not has_file or self.is_private(row)
        return self.sounds.show(row, by, is_alone=is_alone, is_private=is_private)

    def say_missing(self, row: int) -> str | None:
        """Return why the file of a clip cannot be opened, in words; None where it is there."""
        if self.index.clip_ids[row] not in self._in_manifest:
            return "the clip is not in the manifest"
        try:
            resolve_path(self.manifest.root, self.index.texts("path")[row] or "")
        except MediaError as error:
            return error.one_line
        return None

    def times_s(self, row: int, queue: str) -> list[float]:
        """Return the times of the frames that the view of a clip shows first, to be decoded ahead."""
        if queue == AUDIT:  # no file is opened here: it may be gone
            is_known = self.index.texts("kind")[row] == "video" and self.index.numbers("duration_s")[row] > 0
            return self._plain_times(row) if is_known else [self._thumb_s(row, True)]
        seen = [max(float(self.evidence.times_s[i]), 0.0) for i in self.evidence.frames(row)]
        return seen or [self._thumb_s(row, False)]

    def _is_alone(self, clip_id: str, queue: str, by: str) -> bool:
        """Return whether a person is to judge without the words of others: an audit, or a first second opinion."""
        return queue == AUDIT or (queue == "second_opinion" and not self.said.labels(clip_id, by))

    def _history(self, clip_id: str, by: str, *, is_own: bool) -> list[dict[str, Any]]:
        table = self.said.history(clip_id)
        if table.empty:
            return []
        undone = set(table["undoes"].dropna().astype(int))
        given = table[table["undoes"].isna() & ((table["by"] == by) | (not is_own))]
        columns = ["entry_id", "by", "at", "labels", "note", "queue", "boxes"]
        return [
            {
                "entry_id": int(entry_id),
                "by": person,
                "at": at,
                "labels": json.loads(labels) if isinstance(labels, str) else [],
                "note": note if isinstance(note, str) else "",
                "queue": queue,
                "boxes": json.loads(boxes) if isinstance(boxes, str) else None,
                "is_undone": int(entry_id) in undone,
            }
            for entry_id, person, at, labels, note, queue, boxes in given[columns].itertuples(index=False)
        ]

    def _frames(self, row: int, is_blind: bool, drawn_s: set[float]) -> list[dict[str, Any]]:
        """Return the frames of a clip, also those at `drawn_s`, on which a person drew boxes."""
        frames = [] if is_blind else self.evidence.show(row, self.index.labels)
        times = drawn_s - {frame["time_s"] for frame in frames}
        if not frames:  # in an audit, the frames that the model chose would give away what it saw
            times |= {round(t, 3) for t in self._plain_times(row)}
        frames += [{"time_s": t, "boxes": [], "probs": None} for t in times]
        frames.sort(key=lambda frame: frame["time_s"])
        return [frame | {"url": self._frame_url(row, frame["time_s"], FRAME_WIDTH_PX)} for frame in frames]

    def _plain_times(self, row: int) -> list[float]:
        kind, duration_s = self.index.texts("kind")[row], float(self.index.numbers("duration_s")[row])
        clip_id, path = self.index.clip_ids[row], self.index.texts("path")[row] or ""
        if kind == "video" and duration_s > 0:
            info = MediaInfo(0, 0, 0.0, duration_s, 0.0, None, "")
        else:
            stills = tuple(json.loads(self._stills[clip_id])) if clip_id in self._stills else (path,)
            info = _probe(Clip(clip_id, stills, "burst" if kind == "burst" else kind), self.manifest.root)  # type: ignore[arg-type]
        if kind != "video":
            return [float(i) for i in range(info.n_frames or 1)]
        return [float(t) for t in sample_times(info, UniformSampling(n_frames=N_FRAMES))]

    def _thumb_s(self, row: int, is_blind: bool) -> float:
        if self.index.texts("kind")[row] != "video":
            return 0.0
        best_s = float(self.index.numbers("best_time_s")[row])
        return FIRST_LOOK_S if is_blind or np.isnan(best_s) else best_s

    def _frame_url(self, row: int, time_s: float, width_px: int) -> str:
        return f"/media/frame/{self.index.clip_ids[row]}/{max(round(1000 * time_s), 0)}?width={width_px}"


def _times_of_boxes(history: list[dict[str, Any]], by: str) -> set[float]:
    """Return the times of the frames on which a person drew the boxes that count, in s."""
    own = [x["boxes"] for x in history if x["by"] == by and x["boxes"] is not None and not x["is_undone"]]
    return {round(float(box.get("time_s", 0.0)), 3) for box in (own[-1] if own else ())}


@lru_cache(maxsize=512)
def _probe(clip: Clip, root: Any) -> MediaInfo:
    return probe(clip, root)
