"""Outgoing clips as a Camtrap DP package: observations of files and of events, from the model and from people.

A prediction is one observation of level `media`, over the seconds of the clip on which it rests; where a model with
independent labels names several species, one for each, over the seconds that show it, without a box. A human label
is a row of its own, and the row of the prediction stays. An event has one row for each species among its clips,
where a human label takes precedence over a prediction. No row counts animals.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import ANIMAL, EMPTY, UNREADABLE, UNSURE, LabelSet, list_names, split_labels
from leopardnet.core.people import person_kind
from leopardnet.data.formats.camtrap_dp.lint import lint_camtrap_dp
from leopardnet.data.formats.camtrap_dp.places import StudyArea
from leopardnet.data.formats.camtrap_dp.rows import Observation, Observations
from leopardnet.data.formats.camtrap_dp.write import write_camtrap_dp
from leopardnet.data.formats.write_result import WriteResult
from leopardnet.data.human_labels.sound_labels import ALARM_CALL
from leopardnet.data.reading.label_map import JOINER
from leopardnet.data.reading.tables.csv_cells import local_time
from leopardnet.data.reading.to_manifest import list_counts
from leopardnet.export.formats.camtrap_cells import ANY_ANIMAL, join_tags, make_period, select_labels, write_box
from leopardnet.export.formats.camtrap_events import event_ids
from leopardnet.export.outgoing import Outgoing
from leopardnet.export.outgoing_clips import OutgoingClip, read_clips, to_records

SHOWS_ANIMAL = 0.5  # the section of an animal runs over frames with at least this probability of one


def write(
    outgoing: Outgoing,
    out: Path,
    *,
    created: datetime,
    deployments: pd.DataFrame | None,
    study_area: StudyArea | None,
    coordinate_digits: int,
    gap_minutes: float | None,
    metadata: Mapping[str, Any] | None,
) -> WriteResult:
    """Write a package, and add what the lint finds in it to the notes. gap_minutes: None writes no events."""
    footage = outgoing.footage
    if gap_minutes is not None:
        events = event_ids(footage.table, gap_minutes=gap_minutes)
        footage = footage.replace(footage.table.assign(sequence_id=events))
    if deployments is not None and study_area is None:
        _require_deployments(footage.table, deployments)
    written = write_camtrap_dp(
        footage,
        out,
        deployments=deployments,
        study_area=study_area,
        coordinate_digits=coordinate_digits,
        metadata=metadata,
        created=created,
        observations=PredictionObservations.from_outgoing(outgoing, with_events=gap_minutes is not None),
    )
    faults = [f"{f.table}, row {f.row}: {f.message} ({f.rule})" for f in lint_camtrap_dp(written.path)]
    more = [f"and {len(faults) - 5} more faults"] if len(faults) > 5 else []
    notes = (*outgoing.notes, *_note_unnamed(outgoing), *written.notes, *faults[:5], *more)
    reasons = {**outgoing.reasons, **written.reasons}
    return WriteResult(written.path, written.n_rows, sum(reasons.values()), reasons, notes)


def _require_deployments(table: pd.DataFrame, deployments: pd.DataFrame) -> None:
    """Raise ManifestError where no clip names its deployment, or a site that has one: predictions alone do not."""
    sites = sorted(table["site"].dropna().unique())
    of_one = deployments["site"][~deployments["site"].duplicated(keep=False)].dropna()
    if len(table) and table["deployment"].isna().all() and not table["site"].isin(of_one).any():
        raise ManifestError(
            "no clip belongs to a deployment of the table",
            where="deployments",
            found=f"{len(table)} clips that name no deployment"
            + (f", and sites that are not in the table: {list_names(sites)}" if sites else ""),
            expected="the manifest of the footage, which names the deployment of each clip",
            todo="give it with --manifest; if it names none, scan the footage with "
            '--pattern "{site}/{deployment}/*" if folders are named after sites and deployments',
        )


def _note_unnamed(outgoing: Outgoing) -> list[str]:
    """Return a note on species without a scientific name."""
    animals = [x for x in outgoing.labels if x.name != outgoing.labels.empty and not person_kind(x.name)]
    table = outgoing.table
    named = table["labels"].fillna(table["decision"]) if "labels" in table else table["decision"]
    names = Counter(name for cell in named for name in split_labels(cell))
    unnamed = {x.name for x in animals if not x.scientific_name}
    shown = list_counts(Counter({name: n for name, n in names.items() if name in unnamed}))
    note = f"labels without a scientific name, written as {ANY_ANIMAL} with a tag (--bundle may know it): {shown}"
    return [note] if shown else []


@dataclass
class PredictionObservations(Observations):
    """Makes observations from predictions and human labels, in place of the labels of a manifest."""

    clips: Mapping[str, OutgoingClip] = field(default_factory=dict)
    labels: LabelSet | None = None
    with_events: bool = True
    # by event: clip_id, start and end of each clip
    alarms: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)  # confirmed calls by clip_id
    periods: dict[str, list[tuple[str, datetime, datetime]]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def from_outgoing(cls, outgoing: Outgoing, *, with_events: bool) -> PredictionObservations:
        """Take the outgoing clips and their label set."""
        names = {x.name: x.scientific_name for x in outgoing.labels if x.scientific_name}
        clips = {c.prediction["clip_id"]: c for c in read_clips(outgoing)}
        alarms: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in to_records(outgoing.sounds[outgoing.sounds["label"] == ALARM_CALL]):
            alarms[row["clip_id"]].append(row)
        return cls(names, clips=clips, labels=outgoing.labels, with_events=with_events, alarms=alarms)

    def make(self, row: Mapping[str, Any], time: datetime) -> list[Observation]:
        """Return the prediction for a clip, and its human label."""
        clip = self.clips[row["clip_id"]]
        whole = make_period(time, 0.0, clip.prediction["duration_s"] or 0.0)
        self._add_to_event(row, time, whole["eventEnd"])
        made: list[Observation] = [
            {
                "observationLevel": "media",
                **self._from_prediction(clip, name),
                **make_period(time, *section_s(clip, self._empty, name)),
            }
            for name in clip.names
        ]
        if clip.human_label:
            people = self._from_human(clip)
            made += [{"observationLevel": "media", **human, **whole} for human in people]
        return [*made, *(self._from_alarm(call, time) for call in self.alarms.get(row["clip_id"], ()))]

    def make_for_stills(
        self, row: Mapping[str, Any], paths: Sequence[str], time: datetime
    ) -> list[list[Observation]]:
        """Return the observations of the clip for its best still, and unclassified ones for the others.

        A human label is that of the whole burst, and its tags say so.
        """
        clip = self.clips[row["clip_id"]]
        self._add_to_event(row, time, time)
        best = min(int(clip.prediction["best_time_s"] or 0), len(paths) - 1)
        of_clip = [self._from_prediction(clip, name) for name in clip.names]
        if clip.human_label:
            for human in self._from_human(clip, i_still=best):
                human["observationTags"] = join_tags(human.get("observationTags"), "said_of:burst")
                of_clip.append(human)
        moment = make_period(time, 0.0, 0.0)
        made: list[Observation] = [{"observationLevel": "media", **o, **moment} for o in of_clip]
        return [made if i == best else [self.make_unclassified(time)] for i in range(len(paths))]

    def make_events(self) -> Iterator[tuple[str, Observation]]:
        """Yield one observation for each species, or else type, among the clips of an event.

        It counts as human only where people labelled every clip of the event.
        """
        for event, periods in self.periods.items() if self.with_events else ():
            clips = [self.clips[clip_id] for clip_id, _, _ in periods]
            by_label: dict[tuple[str, str], list[Observation]] = defaultdict(list)
            for clip in clips:
                said = [self._from_prediction(clip, name) for name in clip.names]
                seen = self._from_human(clip) if clip.human_label else said
                for o in {(o["observationType"], o.get("scientificName")): o for o in seen}.values():
                    by_label[o["observationType"], o.get("scientificName") or ""].append(o)
            is_human = all(c.human_label for c in clips)
            author: Observation = {"classificationMethod": "human"} if is_human else _name_model(clips[0])
            for (kind, name), found in select_labels(by_label).items():
                n_people = sum(o.get("classificationMethod") == "human" for o in found)
                tags = f"clips:{len(found)} of {len(clips)}" + (
                    f" | named_by_people:{n_people}" if n_people else ""
                )
                yield (
                    periods[0][0],
                    {
                        **author,
                        "eventStart": min(start for _, start, _ in periods),
                        "eventEnd": max(end for _, _, end in periods),
                        "eventID": event,
                        "observationLevel": "event",
                        "observationType": kind,
                        "scientificName": name or None,
                        "observationTags": tags,
                    },
                )

    # --- one clip ---

    @property
    def _empty(self) -> str | None:
        return self.labels.empty if self.labels else None

    def _add_to_event(self, row: Mapping[str, Any], start: datetime, end: datetime) -> None:
        if self.with_events and row["sequence_id"]:
            self.periods[row["sequence_id"]].append((row["clip_id"], start, end))

    def _from_prediction(self, clip: OutgoingClip, name: str) -> Observation:
        """Return the observation of the decision, or of one of several labels that are named."""
        prediction = clip.prediction
        if name == UNREADABLE:
            return {"observationType": "unclassified", "observationComments": prediction["reason"]}
        made: Observation = {**self._classify(name), **_name_model(clip)}
        if made["observationType"] != "unknown":  # the score of `unsure` is not a probability of the decision
            made["classificationProbability"] = clip.score(name) or 0.0
        tags = (f"rule:{prediction['rule']}", f"frames:{prediction['n_frames']}", *self._list_figures(clip))
        made["observationTags"] = join_tags(made.get("observationTags"), *tags)
        best, is_any = clip.best_frame, made["observationType"] in ("animal", "unknown")
        if best and best.animal_boxes and is_any and len(clip.names) == 1:  # `t_best` names the frame of a video
            made.update(write_box(best.animal_boxes[0]))
        return made

    def _list_figures(self, clip: OutgoingClip) -> Iterator[str]:
        prediction, probs = clip.prediction, clip.probs or {}
        if prediction["best_time_s"] is not None and prediction["kind"] == "video":
            yield f"t_best:{prediction['best_time_s']:.1f}"
        if self._empty is not None and self._empty in probs:
            yield f"p_empty:{probs[self._empty]:.3f}"
        yield from (f"look_first:{name}" for name in clip.alerts)
        if prediction["status"] == "partial":
            yield "status:partial"

    def _from_human(self, clip: OutgoingClip, *, i_still: int | None = None) -> list[Observation]:
        """Return one observation for each species that a person named, with the box that was drawn around it."""
        label = clip.human_label or {}
        said: Observation = {
            "classificationMethod": "human",
            "classifiedBy": label["by"],
            "classificationTimestamp": local_time(label["at"]).replace(microsecond=0) if label["at"] else None,
            "classificationProbability": 1.0,
            "observationComments": label["comment"],
        }
        made: list[Observation] = [{**self._classify(name), **said} for name in label["label"].split(JOINER)]
        for name, seen in zip(label["label"].split(JOINER), made, strict=True):
            if found := clip.find_drawn(name, i_still=i_still):
                tag = f"t_box:{found[0]:.1f}" if clip.prediction["kind"] == "video" else None
                tags = join_tags(seen.get("observationTags"), tag) or None
                seen.update({"observationTags": tags, **write_box(found[1])})
        return made

    def _from_alarm(self, call: Mapping[str, Any], time: datetime) -> Observation:
        """Return the observation of an alarm call that people confirmed; which animal called is not known."""
        span = f"{call['start_s']:.1f}-{call['end_s']:.1f}"
        return {
            "observationLevel": "media",
            **self._classify(ANIMAL),
            **make_period(time, call["start_s"], call["end_s"]),
            "behavior": ALARM_CALL,
            "classificationMethod": "human",
            "classifiedBy": call["by"],
            "classificationTimestamp": local_time(call["at"]).replace(microsecond=0),
            "observationTags": f"heard_s:{span}",
        }

    def _classify(self, label: str) -> Observation:
        """Return the type and the scientific name of a label."""
        if kind := person_kind(label):
            return {"observationType": kind}
        if label in (self._empty, EMPTY, "blank"):
            return {"observationType": "blank"}
        if label in (UNSURE, "unknown"):
            return {"observationType": "unknown"}
        name = (self.scientific_names or {}).get(label)
        self.names.setdefault(name or ANY_ANIMAL, label.replace("_", " ") if name else "animal")
        made: Observation = {"observationType": "animal", "scientificName": name or ANY_ANIMAL}
        if not name and label != ANIMAL:
            made["observationTags"] = f"label:{label}"
        return made


def section_s(clip: OutgoingClip, empty: str | None, name: str | None = None) -> tuple[float, float]:
    """Return the first and the last second of the section of a clip on which its decision rests.

    name: one of several species, whose own frames count.

    For an animal, it runs from the first to the last frame that shows one with a probability of SHOWS_ANIMAL or
    more, or else over the frames on which the decision rests. It is the whole clip where the decision is empty or
    unsure, and where nothing could be decoded. A still has no length.
    """
    prediction = clip.prediction
    if prediction["kind"] != "video" or clip.probs is None or prediction["decision"] in (empty, UNSURE):
        return 0.0, prediction["duration_s"] or 0.0 if prediction["kind"] == "video" else 0.0
    several = name is not None and len(clip.names) > 1
    p_shown = [f.probs[name] if name and several else 1.0 - f.probs.get(empty or "", 0.0) for f in clip.frames]
    shown = [f.time_s for f, p in zip(clip.frames, p_shown, strict=True) if p >= SHOWS_ANIMAL]
    times = shown or clip.evidence_times_s or [prediction["best_time_s"] or 0.0]
    return max(min(times), 0.0), max(max(times), 0.0)


def _name_model(clip: OutgoingClip) -> Observation:
    return {
        "classificationMethod": "machine",
        "classifiedBy": f"{_name_program()} / model {clip.prediction['bundle_id']}",
    }


@cache
def _name_program() -> str:
    return f"leopardnet {version('leopardnet')}"
