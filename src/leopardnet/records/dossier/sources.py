"""The tables that a dossier is made from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.rendered import find_rendered
from leopardnet.core.labels import split_labels
from leopardnet.core.manifest import Manifest
from leopardnet.core.people import clips_with_people
from leopardnet.core.predictions import Predictions
from leopardnet.data.human_labels.said_now import list_said
from leopardnet.records.ranges.range_map import RangeMap
from leopardnet.records.record_table import CONFIRMED, REFUTED, fill_records

VOICE = "voice"
_NEEDED = ("record_id", "clip_id", "path", "label", "state", "is_notable")


@dataclass(frozen=True, kw_only=True)
class DossierSources:
    """What is known of a season; a table of None was not made, and a dossier says so where it matters.

    records: a table of records; encounters, hints, flanks: the tables made from it. predictions and manifest: of
    the same footage. deployments: with the columns of `data.scan.deployments.DEPLOYMENTS`. labels: the entries of
    `labels.sqlite`. sounds: a table of sounds, sound_labels: what people said of them. ranges: and barriers.
    findings: of `check`. model: plain values that describe a bundle. alert_score: the one given, if any.
    area_km: the radius of "the area" in which a record was the first.

    Raises ManifestError where `records` is no table of records.

    >>> ln.DossierSources(records=found.records, predictions=predictions, manifest=manifest)  # doctest: +SKIP
    """

    records: pd.DataFrame
    predictions: Predictions
    manifest: Manifest
    deployments: pd.DataFrame | None = None
    encounters: pd.DataFrame | None = None
    hints: pd.DataFrame | None = None
    flanks: pd.DataFrame | None = None
    labels: pd.DataFrame | None = None
    sounds: pd.DataFrame | None = None
    sound_labels: pd.DataFrame | None = None
    findings: pd.DataFrame | None = None
    ranges: RangeMap = field(default_factory=RangeMap)
    model: Mapping[str, Any] = field(default_factory=dict)
    alert_score: float | None = None
    area_km: float | None = None

    def __post_init__(self) -> None:
        missing = [name for name in _NEEDED if name not in self.records.columns]
        if missing:
            raise ManifestError(
                "this table holds no records",
                where="records",
                found="no column " + ", ".join(missing),
                expected=", ".join(_NEEDED),
                todo="make it with `leopardnet records`",
            )
        object.__setattr__(self, "records", fill_records(self.records))

    def are_rendered(self, clip_ids: Collection[str]) -> bool:
        """Return whether a program drew any of these clips, as the manifest says."""
        return not find_rendered(self.manifest.table).isdisjoint(clip_ids)

    def find_people(self) -> frozenset[str]:
        """Return the clips that show people or vehicles, or in which a person speaks, whoever says so."""
        known = self.predictions
        if self.sounds is not None:
            known = Predictions(known.table, known.evidence, self.sounds)
        return clips_with_people(known, self.manifest, list_said(self.labels, self.sound_labels))


def choose_dossiers(sources: DossierSources, also: Collection[str] = ()) -> tuple[list[str], list[str]]:
    """Return the first record of each notable encounter, or lone record, in two lists.

    First those that a person confirmed or that the model's decision names; then the weaker suspicions. Both are in
    the order of time. also: record_id of records that are in the first list, notable or not. Refuted records are in
    neither. Raises ManifestError where `also` names a record that is not there, or is refuted.

    >>> choose_dossiers(sources)  # doctest: +SKIP
    (['986275901f2f'], ['5d2f3b1c9a77'])
    """
    known = order_records(sources.records[sources.records["state"] != REFUTED])
    if unknown := set(also) - set(known["record_id"]):
        raise ManifestError(
            "there is no such record",
            where="records",
            found=", ".join(sorted(unknown)),
            expected="a record_id of records.csv that is confirmed or suspected",
        )
    table = sources.predictions.table
    decided = dict(zip(table["clip_id"], table["decision"].fillna(""), strict=True))
    said = [decided.get(c, "") for c in known["clip_id"]]
    named = [x in split_labels(d) for x, d in zip(known["label"], said, strict=True)]
    is_asked = known["record_id"].isin(list(also))
    known = known.assign(
        group=group_records(known),
        is_strong=known["state"].eq(CONFIRMED) | pd.Series(named, known.index, dtype=bool) | is_asked,
        is_notable=known["is_notable"].astype(bool) | is_asked,
    )
    by = known.groupby("group", sort=False)
    groups = by.agg(
        record_id=("record_id", "first"), is_notable=("is_notable", "any"), is_strong=("is_strong", "any")
    )
    notable = groups[groups["is_notable"].astype(bool)]
    strong = notable["is_strong"].astype(bool)
    return notable.loc[strong, "record_id"].tolist(), notable.loc[~strong, "record_id"].tolist()


def find_rows(records: pd.DataFrame, record_id: str) -> pd.DataFrame:
    """Return the rows of the encounter that a record is part of, in the order of time; the record alone if none.

    Raises ManifestError where there is no such record.
    """
    if record_id not in set(records["record_id"]):
        raise ManifestError("there is no such record", where="records", found=record_id)
    ordered = order_records(records)
    groups = group_records(ordered)
    rows: pd.DataFrame = ordered[groups == groups[ordered["record_id"] == record_id].iloc[0]]
    return rows


def order_records(records: pd.DataFrame) -> pd.DataFrame:
    """Return the records in the order of time, those without a time last."""
    keys = [name for name in ("at_utc", "captured_at", "record_id") if name in records.columns]
    return records.sort_values(keys, kind="stable", na_position="last")


def group_records(records: pd.DataFrame) -> pd.Series[Any]:
    """Return the encounter of each record, or the record itself where it is part of none."""
    own = records["record_id"].astype(object)
    if "encounter_id" not in records.columns:
        return own
    encounters = records["encounter_id"].astype(object)
    return encounters.where(encounters.notna() & (encounters != ""), own)
