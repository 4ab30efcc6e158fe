"""A parcel as a Camtrap DP package: what the model said of files and of visits, and beside it what people said.

The model's word on a file is one observation of level `media`, of the seconds of the clip that carry it. A person's word is a
row of its own, and the model's row stays. A visit (event) has one row for each species that is said of its clips, a person's
word before the model's; no row counts animals.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.boxes import xyxy_to_xywh
from leopardnet.core.labels import LabelSet
from leopardnet.core.people import person_kind
from leopardnet.data.formats.camtrap_dp.lint import lint_camtrap_dp
from leopardnet.data.formats.camtrap_dp.places import StudyArea
from leopardnet.data.formats.camtrap_dp.rows import BOX_COLUMNS, Observations
from leopardnet.data.formats.camtrap_dp.write import write_camtrap_dp
from leopardnet.data.formats.written import WriteResult
from leopardnet.data.reading.csv_cells import local_time
from leopardnet.data.reading.to_manifest import count_note
from leopardnet.export.camtrap_events import event_ids
from leopardnet.export.outgoing import Outgoing
from leopardnet.export.outgoing_clips import SharedClip, clips_of
from leopardnet.score.decide import UNREADABLE, UNSURE

ANY_ANIMAL = "Animalia"  # of an animal whose species nobody can say
SHOWS_IT = 0.5  # a frame belongs to the section that shows an animal where this is as likely as not
FIRST = ("animal", "human", "vehicle", "unknown", "blank")  # what an event is where its clips differ


def write(
    parcel: Outgoing,
    out: Path,
    *,
    created: datetime,
    deployments: pd.DataFrame | None,
    study_area: StudyArea | None,
    coordinate_digits: int,
    gap_minutes: float | None,
    metadata: Mapping[str, Any] | None,
) -> WriteResult:
    """What was written. gap_minutes: None leaves observations of events out."""
    footage = parcel.footage
    if gap_minutes is not None:
        events = event_ids(footage.table, gap_minutes=gap_minutes)
        footage = footage.replace(footage.table.assign(sequence_id=events))
    sayings = PredictionObservations.of_parcel(parcel, with_events=gap_minutes is not None)
    written = write_camtrap_dp(
        footage,
        out,
        deployments=deployments,
        study_area=study_area,
        coordinate_digits=coordinate_digits,
        metadata=metadata,
        created=created,
        sayings=sayings,
    )
    faults = [f"{f.table}, row {f.row}: {f.message} ({f.rule})" for f in lint_camtrap_dp(written.path)]
    more = [f"and {len(faults) - 5} more of this kind"] if len(faults) > 5 else []
    notes = (*parcel.notes, *_unnamed(parcel), *written.notes, *faults[:5], *more)
    reasons = {**parcel.reasons, **written.reasons}
    return WriteResult(written.path, written.n_rows, sum(reasons.values()), reasons, notes)


def _unnamed(parcel: Outgoing) -> list[str]:
    """A note on species whose scientific name nobody stated."""
    animals = [x for x in parcel.labels if x.name != parcel.labels.empty and not person_kind(x.name)]
    bare = parcel.table["decision"].isin([x.name for x in animals if not x.scientific_name])
    said = Counter(parcel.table["decision"][bare])
    return count_note(
        said,
        f"labels without a scientific name, written as {ANY_ANIMAL} with the label in the tags (--bundle may know it)",
    )


@dataclass
class PredictionObservations(Observations):
    """What a model and people say of clips, in place of the labels of a manifest."""

    clips: Mapping[str, SharedClip] = field(default_factory=dict)
    labels: LabelSet | None = None
    with_events: bool = True
    placed: dict[str, list[tuple[str, datetime, datetime]]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of_parcel(cls, parcel: Outgoing, *, with_events: bool) -> PredictionObservations:
        """The sayings about all clips of a parcel."""
        names = {x.name: x.scientific_name for x in parcel.labels if x.scientific_name}
        clips = {c.said["clip_id"]: c for c in clips_of(parcel)}
        return cls(names, clips=clips, labels=parcel.labels, with_events=with_events)

    def of(self, row: Mapping[str, Any], time: datetime) -> list[dict[str, Any]]:
        """The model's word on a clip, and a person's beside it."""
        clip = self.clips[row["clip_id"]]
        start_s, end_s = section_s(clip, self._empty)
        machine = self._of_machine(clip) | _between(time, start_s, end_s)
        whole = _between(time, 0.0, clip.said["duration_s"] or 0.0)
        self._place(row, time, whole["eventEnd"])
        said = [machine] + ([self._of_human(clip.human) | whole] if clip.human else [])
        return [{"observationLevel": "media", **o} for o in said]

    def of_stills(self, row: Mapping[str, Any], paths: Sequence[str], time: datetime) -> list[list[dict[str, Any]]]:
        """The clip's observations on the still that speaks most for it, and nobody's word on the others.

        A person's word is about the burst as a whole, and its tags say so.
        """
        clip = self.clips[row["clip_id"]]
        self._place(row, time, time)
        words = [self._of_machine(clip)]
        if clip.human:
            word = self._of_human(clip.human)
            tags = [word.get("observationTags"), "said_of:burst"]
            words.append(word | {"observationTags": " | ".join(t for t in tags if t)})
        spoken = [{"observationLevel": "media", **w} | _between(time, 0.0, 0.0) for w in words]
        best = min(int(clip.said["best_time_s"] or 0), len(paths) - 1)
        return [spoken if i == best else [self.unnamed(time)] for i in range(len(paths))]

    def events(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """One observation for each thing that is said of an event's clips, in the order of the events.

        It is a person's word only where people spoke of every clip of the event: of the others they said nothing.
        """
        for event, placed in self.placed.items() if self.with_events else ():
            clips = [self.clips[clip_id] for clip_id, _, _ in placed]
            words: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
            for clip in clips:
                word = self._of_human(clip.human) if clip.human else self._of_machine(clip)
                words[word["observationType"], word.get("scientificName", "")].append(word)
            author = {"classificationMethod": "human"} if all(c.human for c in clips) else _machine(clips[0])
            span = {"eventStart": min(a for _, a, _ in placed), "eventEnd": max(b for _, _, b in placed)}
            for (kind, name), said in _that_count(words).items():
                n_people = sum(w.get("classificationMethod") == "human" for w in said)
                tags = f"clips:{len(said)} of {len(clips)}" + (f" | named_by_people:{n_people}" if n_people else "")
                yield (
                    placed[0][0],
                    {
                        **span,
                        **author,
                        "eventID": event,
                        "observationLevel": "event",
                        "observationType": kind,
                        "scientificName": name or None,
                        "observationTags": tags,
                    },
                )

    # --- words ---

    @property
    def _empty(self) -> str | None:
        return self.labels.empty if self.labels else None

    def _place(self, row: Mapping[str, Any], start: datetime, end: datetime) -> None:
        if self.with_events and row["sequence_id"]:
            self.placed[row["sequence_id"]].append((row["clip_id"], start, end))

    def _of_machine(self, clip: SharedClip) -> dict[str, Any]:
        said = clip.said
        if said["decision"] == UNREADABLE:
            return {"observationType": "unclassified", "observationComments": said["reason"]}
        word: dict[str, Any] = {**self._type(said["decision"]), **_machine(clip)}
        if word["observationType"] != "unknown":  # the score of `unsure` is no probability of anything that is said
            word["classificationProbability"] = said["score"]
        tags = [
            word.get("observationTags"),
            f"rule:{said['rule']}",
            f"frames:{said['n_frames']}",
            *self._numbers(clip),
        ]
        word["observationTags"] = " | ".join(t for t in tags if t)
        return word | (self._box(clip) if word["observationType"] in ("animal", "unknown") else {})

    def _numbers(self, clip: SharedClip) -> Iterator[str]:
        said, probs = clip.said, clip.probs or {}
        if said["best_time_s"] is not None and said["kind"] == "video":
            yield f"t_best:{said['best_time_s']:.1f}"
        if self._empty in probs:
            yield f"p_empty:{probs[self._empty]:.3f}"  # type: ignore[index]
        if said["alert"]:
            yield f"look_first:{said['alert']}"
        if said["status"] == "partial":
            yield "status:partial"

    def _of_human(self, human: Mapping[str, Any]) -> dict[str, Any]:
        at = local_time(human["at"]).replace(microsecond=0) if human["at"] else None
        return {
            **self._type(human["label"]),
            "classificationMethod": "human",
            "classifiedBy": human["by"],
            "classificationTimestamp": at,
            "classificationProbability": 1.0,
            "observationComments": human["comment"],
        }

    def _type(self, label: str) -> dict[str, Any]:
        kind = person_kind(label)
        if kind:
            return {"observationType": kind}
        if label in (self._empty, "empty", "blank"):
            return {"observationType": "blank"}
        if label in (UNSURE, "unknown"):
            return {"observationType": "unknown"}
        name = (self.scientific_names or {}).get(label)
        self.names.setdefault(name or ANY_ANIMAL, label.replace("_", " ") if name else "animal")
        word = {"observationType": "animal", "scientificName": name or ANY_ANIMAL}
        return word if name or label == "animal" else word | {"observationTags": f"label:{label}"}

    def _box(self, clip: SharedClip) -> dict[str, Any]:
        """The best box of the frame that speaks most; a still has one frame, of a video `t_best` names it."""
        best = clip.best
        if best is None or not best.animals:
            return {}
        x0, y0, x1, y1 = (min(max(float(v), 0.0), 1.0) for v in best.animals[0]["xyxy"])
        x, y, w, h = xyxy_to_xywh((x0, y0, x1, y1))
        return dict(zip(BOX_COLUMNS, (x, y, w, h), strict=True)) if w > 0 and h > 0 else {}


def section_s(clip: SharedClip, empty: str | None) -> tuple[float, float]:
    """The seconds of a clip that show what is said: the whole clip where it is nothing, or where nothing could be seen.

    From the first to the last frame that shows an animal more likely than not; where no frame does, those that carry the
    decision.
    """
    said = clip.said
    if said["kind"] != "video" or clip.probs is None or said["decision"] in (empty, UNSURE):
        return 0.0, said["duration_s"] or 0.0 if said["kind"] == "video" else 0.0
    times = [f.time_s for f in clip.frames if 1.0 - f.probs.get(empty or "", 0.0) >= SHOWS_IT] or clip.carrying_s
    times = times or [said["best_time_s"] or 0.0]
    return max(min(times), 0.0), max(max(times), 0.0)


def _machine(clip: SharedClip) -> dict[str, str]:
    return {"classificationMethod": "machine", "classifiedBy": f"{_program()} / model {clip.said['bundle_id']}"}


@cache
def _program() -> str:
    return f"leopardnet {version('leopardnet')}"


def _between(time: datetime, start_s: float, end_s: float) -> dict[str, datetime]:
    """The format knows whole seconds: both ends are cut to the second they lie in."""
    return {"eventStart": time + timedelta(seconds=int(start_s)), "eventEnd": time + timedelta(seconds=int(end_s))}


def _that_count(
    words: Mapping[tuple[str, str], list[dict[str, Any]]],
) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """What is said of an event: every species, person and vehicle; else an animal; else unknown; else blank.

    An animal without a species says nothing new beside one that has it.
    """
    named = {
        k: v for k, v in words.items() if k[0] in ("human", "vehicle") or (k[0] == "animal" and k[1] != ANY_ANIMAL)
    }
    if named:
        return named
    return next(
        ({k: v for k, v in words.items() if k[0] == kind} for kind in FIRST if any(k[0] == kind for k in words)), {}
    )
