"""The records: one row per clip and label that a model suspects or a person confirmed, with place and time.

A record is `confirmed` if people say so in `labels.sqlite`, and `suspected` if only a model does. The two are never
counted together, and nothing here changes a probability.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from leopardnet.core.columns import FLOAT, STRING, TIME, Column, join_alerts
from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import split_labels
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.data.human_labels.label_views import labels_by_clip, labels_by_person
from leopardnet.data.human_labels.open_answers import leaves_open
from leopardnet.export.outgoing import find_label_set
from leopardnet.records.clip_places import place_clips

CONFIRMED, SUSPECTED, REFUTED = STATES = ("confirmed", "suspected", "refuted")
INSIDE, OUTSIDE, BEYOND = "inside", "outside", "beyond_barrier"
CANNOT_TELL, NO_RANGE, NO_PLACE = "cannot_tell", "no_range", "no_place"
RANGE_STATUSES = (INSIDE, OUTSIDE, BEYOND, CANNOT_TELL, NO_RANGE, NO_PLACE)
BOOLEAN = "boolean"  # True, False, or empty where it cannot be told


def _is_one_of(values: Sequence[str]) -> dict[str, Any]:
    return {"check": lambda s: s.isin(list(values)), "rule": "one of " + ", ".join(values)}


RECORDS = (
    Column("record_id", STRING, False, "hash of clip_id and label"),
    Column("clip_id", STRING, False, "hash of the path; joins every table"),
    Column("path", STRING, False, "POSIX path relative to the root"),
    Column("label", STRING, False, "the animal"),
    Column(
        "state", STRING, False, "confirmed (by a person), suspected (by a model), refuted", **_is_one_of(STATES)
    ),
    Column("by", STRING, True, "who confirmed or refuted it, joined by ', '"),
    Column("score", FLOAT, True, "the model's probability of the label; empty if it has none"),
    Column("site", STRING, True, "the place"),
    Column(
        "station", STRING, True, "cameras of one station stand opposite each other; the site where none is named"
    ),
    Column("deployment", STRING, True, "one camera at one site for one period"),
    Column("owner", STRING, True, "who owns the camera"),
    Column("captured_at", TIME, True, "local time of the camera, after clock correction"),
    Column("time_zone", STRING, True, "zone of captured_at; empty if unknown"),
    Column("at_utc", TIME, True, "the same moment in UTC; empty if the zone is unknown"),
    Column("clock_uncertainty_s", FLOAT, True, "by how much the time may be wrong; empty if unknown"),
    Column("time_source", STRING, True, "source of the time"),
    Column("latitude", FLOAT, True, "degrees north, WGS84", lambda s: s.between(-90, 90), "between -90 and 90"),
    Column("longitude", FLOAT, True, "degrees east, WGS84", lambda s: s.between(-180, 180), "between -180 and 180"),
    Column("coordinate_uncertainty_m", FLOAT, True, "by how much the place may be wrong; empty if unknown"),
    Column("exact_place", STRING, True, "'no': the owner forbids exact places everywhere"),
    Column("range_status", STRING, False, "where it lies to the range of the label", **_is_one_of(RANGE_STATUSES)),
    Column("distance_km", FLOAT, True, "to the range; 0 inside"),
    Column("distance_error_km", FLOAT, True, "by how much the distance may be wrong"),
    Column("barriers", STRING, True, "barriers between the record and the range, joined by ' + '"),
    Column("nearest_record_km", FLOAT, True, "to the nearest earlier confirmed record of the label"),
    Column("nearest_record_id", STRING, True, "that record"),
    Column(
        "first_at_site", BOOLEAN, True, "no earlier confirmed record of the label at the site; empty: cannot tell"
    ),
    Column("first_in_area", BOOLEAN, True, "none within the radius of the settings; empty: cannot tell"),
    Column("first_in_years", FLOAT, True, "years since the last confirmed one in the area; empty if there is none"),
    Column("is_notable", "bool", False, "whether one of the rules of the settings applies"),
    Column("rules", STRING, True, "the rules that made it notable, joined by ' + '"),
    Column("encounter_id", STRING, True, "the encounter across cameras that it belongs to"),
    Column("event_id", STRING, True, "the event at its site: the clip_id of the event's first clip"),
    Column("unclear", STRING, True, "the rules for which it should be checked, joined by ' + '"),
)
_DEFAULTS: dict[str, Any] = {"range_status": NO_RANGE, "is_notable": False}


def record_id(clip_id: str, label: str) -> str:
    """Return twelve hex digits for a clip and a label.

    >>> record_id("8c843192c37ae731", "leopard")
    '986275901f2f'
    """
    return hashlib.sha256(f"{clip_id}\n{label}".encode()).hexdigest()[:12]


def build_records(
    predictions: Predictions,
    *,
    manifest: Manifest | None = None,
    deployments: pd.DataFrame | None = None,
    labels: pd.DataFrame | None = None,
    wanted: Sequence[str] | None = None,
    alert_score: float | None = None,
    clips: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the records, with the columns RECORDS; those of ranges, firsts and encounters are still empty.

    labels: the entries of `labels.sqlite` (`LabelFile.entries`). wanted: labels to look for; by default the targets
    of the label set of the predictions. A clip is suspected if its decision or its alerts name the label, or if the
    label's probability reaches `alert_score`. Of clips that people disagree about, or cannot name, the model's
    word stands as a suspicion, and so does a label that one of the disagreeing people gave. clips: the table of
    `place_clips`, if it is at hand.

    Raises ManifestError if the targets are unknown and `wanted` is not given.
    """
    names = find_targets(predictions) if wanted is None else tuple(dict.fromkeys(wanted))
    if clips is None:
        clips = place_clips(predictions, manifest=manifest, deployments=deployments)
    said = None if labels is None or not len(labels) else _People.of(labels)
    rows = [_list_label(clips, predictions, said, name, alert_score) for name in names]
    columns = [c.name for c in RECORDS]
    if not rows:
        return fill_records(clips.iloc[:0].assign(record_id="", label="", state=""))[columns]
    table = pd.concat(rows, ignore_index=True)
    table["record_id"] = [record_id(c, x) for c, x in zip(table["clip_id"], table["label"], strict=True)]
    return fill_records(table)[columns]


def fill_records(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with every column of RECORDS, those it lacks empty, each with its dtype."""
    n = len(table)
    for column in RECORDS:
        if column.name not in table:
            value = _DEFAULTS.get(column.name, np.nan if column.dtype == FLOAT else None)
            table = table.assign(**{column.name: pd.Series([value] * n, index=table.index, dtype=column.dtype)})
    return table.astype({c.name: c.dtype for c in RECORDS})


def find_targets(predictions: Predictions) -> tuple[str, ...]:
    """Return the target labels of the predictions: of their label set if it ships, else those that alerts name."""
    found = find_label_set(predictions).targets
    cells = join_alerts(predictions.table).dropna().unique()
    found = found or tuple(sorted({name for cell in cells for name in split_labels(cell)}))
    if not found:
        raise ManifestError(
            "the target labels of these predictions are not known",
            where="predictions",
            found="labels " + ", ".join(predictions.labels),
            todo="name the animals with --label, such as --label leopard",
        )
    return found


def is_suspected(table: pd.DataFrame, label: str) -> pd.Series[bool]:
    """Return for each row of a predictions table whether its decision or its alerts name the label."""
    found = _names(table["decision"], label) | _names(join_alerts(table), label)
    return found | _names(table["labels"], label) if "labels" in table else found


def _list_label(
    clips: pd.DataFrame, predictions: Predictions, people: _People | None, label: str, alert_score: float | None
) -> pd.DataFrame:
    """Return the rows of one label: its clips with state, by and score."""
    table = predictions.table
    score = table.get(f"p_{label}", pd.Series(np.nan, index=table.index))
    suspected = is_suspected(table, label)
    if alert_score is not None:
        suspected = suspected | (score >= alert_score)
    states = pd.Series(None, index=pd.Index(clips["clip_id"]), dtype=object)
    states[table.loc[suspected, "clip_id"]] = SUSPECTED
    by = pd.Series(None, index=states.index, dtype=object)
    if people is not None:
        said = people.together[people.together.index.isin(states.index)]
        named = _names(said["labels"], label)
        is_open = said["labels"].map(lambda cell: leaves_open(cell, predictions.labels)).astype(bool)
        states[said.index[named]] = CONFIRMED
        others = said.index[~is_open & ~named]
        states[others.intersection(states.index[states.notna()])] = REFUTED
        states[states.index.isin(people.find_disputed(label)) & states.isna()] = SUSPECTED
        is_said = states.isin([CONFIRMED, REFUTED]).to_numpy()
        by[is_said] = said["by"].reindex(states.index[is_said])
    keep = states.notna().to_numpy()
    scores = pd.Series(score.to_numpy(np.float64), index=table["clip_id"]).reindex(states.index[keep])
    values = {"state": states.to_numpy()[keep], "by": by.to_numpy()[keep], "score": scores.to_numpy()}
    return clips[keep].assign(label=label, **values)


@dataclass(frozen=True, eq=False)
class _People:
    """What people said of clips: each alone, and together by clip_id."""

    alone: pd.DataFrame
    together: pd.DataFrame

    @classmethod
    def of(cls, entries: pd.DataFrame) -> _People:
        return cls(labels_by_person(entries), labels_by_clip(entries).set_index("clip_id"))

    def find_disputed(self, label: str) -> set[str]:
        """Return the disputed clips that one of the disagreeing people gave the label."""
        disputed = self.together.index[self.together["is_disputed"]]
        given = self.alone["clip_id"].isin(disputed) & _names(self.alone["labels"], label)
        return set(self.alone.loc[given, "clip_id"])


def _names(cells: pd.Series[Any], label: str) -> pd.Series[bool]:
    """Return whether each cell of joined labels names the label."""
    return cells.isin([x for x in cells.dropna().unique() if label in split_labels(x)])
