"""What may leave the machine: predictions beside what is known of their clips, without people, places and paths."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import yaml

from leopardnet.core.errors import ConfigError
from leopardnet.core.labels import Label, LabelSet
from leopardnet.core.manifest import Manifest, parse_time_zone
from leopardnet.core.people import clips_with_people
from leopardnet.core.predictions import Predictions
from leopardnet.core.settings.config_folder import configs_dir
from leopardnet.export.corrections import human_words
from leopardnet.export.pseudonyms import Pseudonyms, looks_like_a_place

PEOPLE = "clips that show people or vehicles; include_people=True (--people) takes them in"
KNOWN = ("clip_id", "paths", "deployment", "sequence_id", "time_zone", "time_source", "width_px", "height_px")
NO_TEXT = "a path that is no valid text"
# A path that begins at the root of a system, with a drive or with a host: it may name a person.
_ABSOLUTE = re.compile(
    r"(?:(?<![\w.…])[A-Za-z]:[\\/]|\\\\|(?<![\w./…])/(?=[^\s/'\"])|file://|(?<![\w/])~[\w.-]*/)[^'\"\n;]*"
)


@dataclass(frozen=True, eq=False)
class Outgoing:
    """Everything that the writers of formats need.

    predictions: tables of the clips that leave; footage: one row for each of them, in the same order, with site, deployment,
    time and zone, and without labels; human: what people said, by clip_id; reasons: clips that stay here, counted by
    reason.
    """

    predictions: Predictions
    footage: Manifest
    human: pd.DataFrame
    labels: LabelSet
    reasons: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def table(self) -> pd.DataFrame:
        """The predictions, one row per clip."""
        return self.predictions.table


def select_outgoing(
    predictions: Predictions,
    *,
    manifest: Manifest | None = None,
    corrections: pd.DataFrame | None = None,
    labels: LabelSet | None = None,
    time_zone: str | None = None,
    include_people: bool = False,
    credit: bool = False,
    pseudonyms: Pseudonyms | None = None,
) -> Outgoing:
    """The parcel of these predictions.

    manifest: of the footage, for deployment, zone, bursts and human labels; without it, only what the predictions say is
    known. time_zone: of times whose zone nobody stated. credit: keep the names of the people who corrected.
    """
    table, notes = predictions.table, list[str]()
    labels = labels or label_set_of(predictions)
    if set(labels.names) != set(predictions.labels):
        raise ConfigError(
            "these labels are not those of the predictions",
            where="labels",
            found=", ".join(labels.names),
            expected=", ".join(predictions.labels),
            todo="give the bundle that made the predictions",
        )
    is_text = table["path"].map(_is_text).astype(bool)
    human = human_words(manifest, corrections)
    others = human[~human["clip_id"].isin(table["clip_id"])]
    if corrections is not None and len(lost := others[others["clip_id"].isin(corrections["clip_id"])]):
        notes.append(f"corrections of clips that have no prediction, not written: {len(lost)}")
    hidden = table["clip_id"].isin(clips_with_people(predictions, manifest, human)) & (not include_people)
    reasons = {NO_TEXT: int((~is_text).sum()), PEOPLE: int((hidden & is_text).sum())}
    if n := int((hidden & table["alert"].notna()).sum()):
        notes.append(
            f"clips left out because of people in which a target label is suspected: {n}; look at them yourself"
        )
    keep = table[is_text & ~hidden].reset_index(drop=True)
    if manifest is not None and (n := int((~keep["clip_id"].isin(manifest.table["clip_id"])).sum())):
        notes.append(f"clips that the manifest lacks, of which no deployment and no zone is known: {n}")
    is_burst = keep["kind"] == "burst"
    if manifest is None and is_burst.any():
        notes.append(f"bursts of which only the first still is known without a manifest: {int(is_burst.sum())}")
    keep = keep.assign(reason=keep["reason"].map(without_places, na_action="ignore").astype("str"))
    frames = predictions.evidence
    evidence = frames[frames["clip_id"].isin(keep["clip_id"])].reset_index(drop=True)
    human = human[human["clip_id"].isin(keep["clip_id"])].reset_index(drop=True)
    parcel = Outgoing(
        Predictions(keep, evidence),
        _footage(keep, manifest, time_zone),
        human if credit else human.assign(by=pd.Series([None] * len(human), dtype="str")),
        labels,
        {k: n for k, n in reasons.items() if n},
        tuple(notes),
    )
    return _under_pseudonyms(parcel, pseudonyms) if pseudonyms else _warned(parcel)


def label_set_of(predictions: Predictions) -> LabelSet:
    """The label set of the predictions: the shipped one with their `labels_id`, else their names alone."""
    wanted = set(predictions.table["labels_id"].dropna())
    for path in sorted((configs_dir() / "labels").glob("*.yaml")):
        data = yaml.safe_load(path.read_text("utf-8"))
        rows = tuple(Label(**row) for row in data["labels"])
        if len(rows) >= 2 and wanted == {(found := LabelSet(rows, data["empty"], tuple(data["targets"]))).id}:
            return found
    names = predictions.labels
    return LabelSet(tuple(Label(n) for n in names), empty="empty" if "empty" in names else None)


def without_places(text: str) -> str:
    """The text without paths that begin at the root of a system: these name users, hosts and drives.

    >>> without_places("cannot open '/home/anna/x.avi'; found: C:\\\\Users\\\\anna\\\\x.avi")
    "cannot open '…'; found: …"
    >>> without_places("12 of 30 frames/s, see site/1.avi")
    '12 of 30 frames/s, see site/1.avi'
    """
    return _ABSOLUTE.sub("…", text)


def _is_text(path: str) -> bool:
    return not re.search("[\ud800-\udfff]", path)


def _footage(table: pd.DataFrame, manifest: Manifest | None, time_zone: str | None) -> Manifest:
    """One row per prediction, in their order: the manifest's own, else what the prediction says."""
    said = table[["clip_id", "path", "kind", "site", "captured_at"]]
    rows = said
    if manifest is not None:
        t = manifest.table.assign(_part=manifest.table["kind"].eq("frame")).sort_values("_part", kind="stable")
        first = t.drop_duplicates("clip_id")
        rows = said.merge(first[list(KNOWN)], on="clip_id", how="left", validate="one_to_one")
        own = said[["clip_id"]].merge(first[["clip_id", "site", "captured_at"]], on="clip_id", how="left")
        rows = rows.assign(**{c: own[c].fillna(rows[c]) for c in ("site", "captured_at")})
    if time_zone is not None:
        parse_time_zone(time_zone)  # a wrong name is an error before anything is written
        zones = rows["time_zone"] if "time_zone" in rows else pd.Series([None] * len(rows), dtype="str")
        rows = rows.assign(time_zone=zones.fillna(time_zone).where(rows["captured_at"].notna()).astype("str"))
    stills = rows["paths"] if "paths" in rows else pd.Series([None] * len(rows), dtype="str")
    alone = rows["path"].map(lambda path: json.dumps([path], ensure_ascii=False))
    rows = rows.assign(paths=stills.fillna(alone).where(rows["kind"] == "burst").astype("str"))
    footage = Manifest.from_rows(rows, manifest.root if manifest is not None else Path())
    assert footage.table["clip_id"].tolist() == table["clip_id"].tolist(), "one row per prediction, in their order"
    return footage


def _under_pseudonyms(parcel: Outgoing, pseudonyms: Pseudonyms) -> Outgoing:
    footage = pseudonyms.manifest(parcel.footage)
    ids = dict(zip(parcel.footage.table["clip_id"], footage.table["clip_id"], strict=True))
    columns = {c: footage.table[c] for c in ("clip_id", "path", "site")}
    # a reason may quote the name of a folder,
    reasons = parcel.table["reason"].where(parcel.table["reason"].isna(), "see the original table")
    table = parcel.table.assign(**columns, reason=reasons)
    evidence = parcel.predictions.evidence
    renamed = Predictions(table, evidence.assign(clip_id=evidence["clip_id"].map(ids).astype("str")))
    nothing = pd.Series([None] * len(parcel.human), dtype="str")  # nor may a comment
    human = parcel.human.assign(clip_id=parcel.human["clip_id"].map(ids).astype("str"), comment=nothing)
    note = "folders, sites and deployments are pseudonyms; the key file turns them back, so keep it, and keep it to yourself"
    return replace(parcel, predictions=renamed, footage=footage, human=human, notes=(*parcel.notes, note))


def _warned(parcel: Outgoing) -> Outgoing:
    n = int(parcel.table["path"].map(looks_like_a_place).astype(bool).sum())
    note = f"paths that look like coordinates: {n}; give a key file for pseudonyms (--pseudonyms) to hide them"
    return replace(parcel, notes=(*parcel.notes, note)) if n else parcel
