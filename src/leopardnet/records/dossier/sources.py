"""The tables that a dossier is made from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.core.people import clips_with_people
from leopardnet.core.predictions import Predictions
from leopardnet.data.human_labels.said_now import list_said
from leopardnet.records.ranges.range_map import RangeMap
from leopardnet.records.record_table import REFUTED, fill_records

VOICE = "voice"
_NEEDED = ("record_id", "clip_id", "path", "label", "state", "is_notable")


@dataclass(frozen=True, kw_only=True)
class DossierSources:
    """What is known of a season; a table of None was not made, and a dossier says so where it matters.

    records: a table of records; encounters, hints, flanks: the tables made from it. predictions and manifest: of
    the same footage. deployments: with the columns of `data.scan.deployments.DEPLOYMENTS`. labels: the entries of
    `labels.sqlite`. sounds: a table of sounds, sound_labels: what people said of them. ranges: and barriers.
    findings: of `check`, for clips. model: plain values that describe a bundle and the settings of the run.

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

    def find_people(self) -> frozenset[str]:
        """Return the clips that show people or vehicles, or in which a person speaks, whoever says so."""
        known = self.predictions
        if self.sounds is not None:
            known = Predictions(known.table, known.evidence, self.sounds)
        return clips_with_people(known, self.manifest, list_said(self.labels, self.sound_labels))


def choose_dossiers(records: pd.DataFrame, also: Collection[str] = ()) -> list[str]:
    """Return the record that names each dossier: the first of each encounter, or lone record, that is notable.

    The order is that of time. also: record_id of records that get one, notable or not. Refuted records have none
    of their own. Raises ManifestError where `also` names a record that is not there, or is refuted.

    >>> choose_dossiers(pd.DataFrame({"record_id": ["a", "b", "c"], "state": ["suspected", "confirmed", "refuted"],
    ...     "is_notable": True, "encounter_id": ["e", "e", None], "captured_at": pd.Timestamp("2021-12-30")}))
    ['a']
    """
    known = order_records(records[records["state"] != REFUTED])
    known = known.assign(group=group_records(known))
    if unknown := set(also) - set(known["record_id"]):
        raise ManifestError(
            "there is no such record",
            where="records",
            found=", ".join(sorted(unknown)),
            expected="a record_id of records.csv that is confirmed or suspected",
        )
    wanted = known["is_notable"].astype(bool) | known["record_id"].isin(list(also))
    notable = known["group"].isin(known.loc[wanted, "group"])
    return [str(i) for i in known[notable].drop_duplicates("group")["record_id"]]


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
