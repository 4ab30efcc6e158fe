"""From predictions, labels, deployments and ranges to the records of a season and what is notable among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import pandas as pd

from leopardnet.core.columns import FINDINGS
from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.other_footage import refuse_other_footage
from leopardnet.core.footage.rendered import find_rendered
from leopardnet.core.labels import JOINER, list_names, split_labels
from leopardnet.core.manifest import Manifest
from leopardnet.core.people import clips_with_people
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import conform, write_table
from leopardnet.data.checks.check import SEVERITIES
from leopardnet.data.checks.finding import Finding
from leopardnet.data.human_labels.label_views import labels_by_clip, labels_by_person
from leopardnet.data.human_labels.said_now import list_said
from leopardnet.data.reading.tables.saved_table import read_saved_table
from leopardnet.export.pseudonyms import has_coordinates
from leopardnet.records.clip_places import place_clips
from leopardnet.records.encounters.encounter_settings import EncounterSettings, load_encounter_settings
from leopardnet.records.encounters.season_encounters import SeasonEncounters, find_encounters
from leopardnet.records.first_records import add_firsts
from leopardnet.records.place_findings import check_clips, check_places
from leopardnet.records.ranges.add_ranges import add_ranges
from leopardnet.records.ranges.coarse_places import hide_places
from leopardnet.records.ranges.range_map import RangeMap
from leopardnet.records.record_settings import NotableSettings
from leopardnet.records.record_table import (
    BEYOND,
    CANNOT_TELL,
    CONFIRMED,
    OUTSIDE,
    RECORDS,
    build_records,
    find_targets,
    is_suspected,
)

NAME = "records"


@dataclass(frozen=True, eq=False)
class SeasonRecords:
    """What was found in a season.

    encounters: what the records make up together; findings: FINDINGS; clips: the table of `place_clips`; ranges:
    those that were used; labels: that were looked for.
    """

    encounters: SeasonEncounters
    findings: pd.DataFrame
    clips: pd.DataFrame
    ranges: RangeMap
    labels: tuple[str, ...]

    @property
    def records(self) -> pd.DataFrame:
        """The records, with the columns RECORDS and exact places."""
        return self.encounters.records

    @property
    def notable(self) -> pd.DataFrame:
        """The notable records, confirmed ones first, then those farthest from their range."""
        rows = self.records[self.records["is_notable"]]
        order = rows.assign(_rank=rows["state"].ne(CONFIRMED), _km=-rows["distance_km"].fillna(0.0))
        return order.sort_values(["_rank", "_km", "at_utc", "record_id"], kind="stable").drop(
            columns=["_rank", "_km"]
        )

    @property
    def to_check(self) -> pd.DataFrame:
        """The records that are not notable, and may be for all that is known."""
        return self.records[self.records["unclear"].notna() & ~self.records["is_notable"]]

    def count_states(self) -> pd.DataFrame:
        """Return the number of records, of notable ones and of those to check by label and state."""
        known = self.records.assign(check=self.records.index.isin(self.to_check.index))
        counts = known.groupby(["label", "state"]).agg(
            n=("label", "size"), n_notable=("is_notable", "sum"), n_to_check=("check", "sum")
        )
        return counts.astype(int).reset_index()  # the states are never added up

    def write(self, folder: Path, *, exact_places: bool = False) -> Path:
        """Write records.parquet, records.csv, findings.csv and the tables of encounters, and return the folder.

        Places are rounded to one decimal unless `exact_places`, and always where their owner forbids exact ones.
        """
        folder = Path(folder)
        records = hide_places(self.records, exact_places=exact_places)
        write_table(records, folder / f"{NAME}.csv")
        write_table(records, folder / f"{NAME}.parquet")
        write_table(self.findings, folder / "findings.csv")
        self.encounters.write(folder, exact_places=exact_places)
        return folder


def find_records(
    predictions: Predictions,
    *,
    manifest: Manifest | None = None,
    deployments: pd.DataFrame | None = None,
    ranges: RangeMap | None = None,
    labels: pd.DataFrame | None = None,
    wanted: Sequence[str] | None = None,
    alert_score: float | None = None,
    earlier: pd.DataFrame | None = None,
    settings: NotableSettings | None = None,
    encounter_settings: EncounterSettings | None = None,
    sound_labels: pd.DataFrame | None = None,
    include_people: bool = False,
) -> SeasonRecords:
    """Return the records of the predictions, where they lie to the ranges, which are first, and what is unclear.

    manifest: of the footage, for deployments and time zones; deployments: the table of `read_deployments`; ranges:
    of `read_ranges`; labels: the entries of `labels.sqlite`, whose labels alone confirm; wanted: labels to look
    for, by default the targets. alert_score: outside the range, and where that cannot be told, a label is suspected
    from this probability on. earlier: records of earlier seasons (`read_records`). settings: what is notable;
    encounter_settings: what is linked, and which labels are prey, to be counted beside hints. sound_labels: entries
    of `SoundLabelFile`: they confirm alarm calls, and a clip in which one heard a person is private. Clips that
    show people or vehicles count in what is first, but are left out of the result, with their number in the
    findings, unless `include_people`. No probability is changed.

    Raises ManifestError where a table is of other footage, or the targets are unknown and `wanted` is not given.

    >>> ln.find_records(predictions, manifest=manifest, ranges=ranges).notable  # doctest: +SKIP
    """
    names = find_targets(predictions) if wanted is None else _check_wanted(wanted, predictions, labels)
    ranges = ranges or RangeMap()
    if manifest is not None:
        refuse_other_footage(predictions.table, manifest.table, must_share=True)
    clips = place_clips(predictions, manifest=manifest, deployments=deployments)
    records = build_records(predictions, labels=labels, wanted=names, alert_score=alert_score, clips=clips)
    records = add_ranges(records, ranges)
    if alert_score is not None:
        records = _drop_low_scores_inside(records, predictions)
    unchecked = frozenset(clips.loc[~clips["is_clock_checked"], "clip_id"])
    records = add_firsts(records, earlier=earlier, settings=settings, unchecked=unchecked)
    said = list_said(labels, sound_labels)
    private = frozenset[str]() if include_people else clips_with_people(predictions, manifest, said)
    is_private = records["clip_id"].isin(private)
    shown = records[~is_private].reset_index(drop=True)
    is_left_out = shown["nearest_record_id"].isin(records.loc[is_private, "record_id"])
    shown = shown.assign(nearest_record_id=shown["nearest_record_id"].mask(is_left_out))
    encounter_settings = encounter_settings or load_encounter_settings()
    others = [x for x in encounter_settings.repeated.prey if x not in names]
    prey = build_records(predictions, labels=labels, wanted=others, clips=clips)
    encounters = find_encounters(
        shown,
        deployments=deployments,
        clips=clips,
        sounds=predictions.sounds,
        sound_labels=sound_labels,
        prey=prey[~prey["clip_id"].isin(private)],
        settings=encounter_settings,
    )
    found = [
        *(check_places(deployments, ranges) if deployments is not None and len(deployments) else ()),
        *check_clips(clips[~clips["clip_id"].isin(private)], shown),
        *_check_labels(clips, labels, names, private),
        *_check_comparison(predictions, ranges, names, records, earlier),
        *_note_people(records[is_private]),
        *_note_rendered(records, manifest),
        *_note_unclear(shown),
        *_note_names(shown),
    ]
    return SeasonRecords(encounters, list_as_table(found), clips, ranges, names)


def _check_wanted(wanted: Sequence[str], predictions: Predictions, labels: pd.DataFrame | None) -> tuple[str, ...]:
    """Return each label once. Raises ManifestError for one that nobody ever used: a slip would hide a season."""
    names = tuple(dict.fromkeys(wanted))
    said = () if labels is None else labels_by_person(labels)["labels"].tolist()
    known = [*predictions.labels, *sorted({x for cell in said for x in split_labels(cell)} - {*predictions.labels})]
    for name in names:
        if name not in known:
            near = get_close_matches(name.casefold(), known, n=1)
            raise ManifestError(
                "neither the model nor a person uses this label",
                where="label",
                found=repr(name),
                expected=list_names(known, most=12),
                todo=f"did you mean {near[0]}?" if near else None,
            )
    return names


def read_records(path: Path) -> pd.DataFrame:
    """Read records of another season: the folder that holds them, or their table as .parquet, .csv, .xlsx or .ods.

    Raises ManifestError for a table that holds no records.

    >>> ln.find_records(predictions, earlier=ln.read_records(Path("records-2020")))  # doctest: +SKIP
    """
    path = Path(path)
    file = path / f"{NAME}.parquet" if path.is_dir() else path
    return conform(read_saved_table(file, RECORDS), RECORDS, where=file.name, unique=("record_id",))


def _drop_low_scores_inside(records: pd.DataFrame, predictions: Predictions) -> pd.DataFrame:
    """Return the records without those that only the lower score found, and that do not lie outside the range."""
    table = predictions.table
    usual = [
        records["label"].eq(label) & records["clip_id"].isin(table.loc[is_suspected(table, label), "clip_id"])
        for label in records["label"].unique()
    ]
    is_usual = pd.concat(usual, axis=1).any(axis=1) if usual else pd.Series(False, index=records.index)
    keep = is_usual | records["by"].notna() | records["range_status"].isin([OUTSIDE, BEYOND, CANNOT_TELL])
    return records[keep].reset_index(drop=True)


def _check_labels(
    clips: pd.DataFrame, labels: pd.DataFrame | None, names: tuple[str, ...], private: frozenset[str]
) -> Iterator[Finding]:
    if labels is None or not len(labels):
        yield Finding("info", "no_labels", "no labels of people were given, so nothing is confirmed")
        return
    agreed = labels_by_clip(labels)
    agreed = agreed.assign(path=agreed["path"].mask(agreed["clip_id"].isin(private)))
    strange = agreed.loc[~agreed["clip_id"].isin(clips["clip_id"]) & agreed["labels"].ne(""), "path"]
    if len(strange):
        text = f"labelled clips that predictions and manifest lack, not counted: {len(strange)}"
        first = next(iter(strange.dropna()), None)
        yield Finding("warning", "other_clips", text + (f"; the first is {first}" if first else ""), path=first)
    people = labels_by_person(labels)
    named = people.loc[people["labels"].str.split(" + ", regex=False).map(lambda x: bool(set(x) & set(names)))]
    for path in agreed.loc[agreed["is_disputed"] & agreed["clip_id"].isin(named["clip_id"]), "path"].dropna():
        text = "people disagree whether this clip shows the label, so it counts as suspected; look at it together"
        yield Finding("warning", "disputed", text, path=path)


def _check_comparison(
    predictions: Predictions,
    ranges: RangeMap,
    names: tuple[str, ...],
    records: pd.DataFrame,
    earlier: pd.DataFrame | None,
) -> Iterator[Finding]:
    """Find labels without a range or without history, and ranges of labels that nobody looked for."""
    history = records if earlier is None else pd.concat([records, earlier], ignore_index=True)
    known = {*predictions.labels, *names}
    for label in [x for x in ranges.labels if x not in names]:
        unknown = label not in known
        text = f"the range of {label} was not used: " + (
            f"the model has no such label (it has {list_names(predictions.labels)})"
            if unknown
            else "its records were not asked for; add --label " + label
        )
        yield Finding("warning" if unknown else "info", "unused_range", text)
    for label in names:
        has_range = label in ranges.labels
        mine = history[history["label"] == label]
        if not has_range and len(mine):
            text = f"there is no range of {label}: whether a record lies outside cannot be told"
            yield Finding("info", "no_range", text)
        if len(mine) and not mine["state"].eq(CONFIRMED).any():
            text = f"no record of {label} is confirmed: there is nothing that another one could be first against"
            yield Finding("info", "no_history", text)
    yield from _check_earlier(earlier, names)


def _check_earlier(earlier: pd.DataFrame | None, names: tuple[str, ...]) -> Iterator[Finding]:
    """Find confirmed records of earlier seasons that nothing is compared with, as their label is another one."""
    if earlier is None:
        return
    sure = earlier[earlier["state"].eq(CONFIRMED) & ~earlier["label"].isin(names)]
    for label, n in sure["label"].value_counts(sort=False).items():
        near = get_close_matches(str(label).casefold(), names, n=1)
        text = f"earlier confirmed records of “{label}”, which was not looked for, are compared with nothing: {n}"
        yield Finding("warning", "earlier_label", text + (f"; did you mean {near[0]}?" if near else ""))


def _note_people(hidden: pd.DataFrame) -> Iterator[Finding]:
    if len(hidden):
        n = int((hidden["is_notable"] | hidden["unclear"].notna()).sum())
        text = (
            f"records left out, because of people or vehicles in their clips: {len(hidden)}, of which notable or "
            f"to check: {n}; look at them yourself; --people includes them"
        )
        yield Finding("warning", "people", text)


def _note_rendered(records: pd.DataFrame, manifest: Manifest | None) -> Iterator[Finding]:
    n = 0 if manifest is None else int(records["clip_id"].isin(find_rendered(manifest.table)).sum())
    if n:
        yield Finding("warning", "rendered", f"records of footage that a program drew, which shows no animal: {n}")


def _note_unclear(records: pd.DataFrame) -> Iterator[Finding]:
    """Name every record that may be notable for all that is known, and is not."""
    for row in records[records["unclear"].notna() & ~records["is_notable"]].itertuples():
        text = f"{row.label} to check: {str(row.unclear).replace(JOINER, ', ')}; find out its place and time"
        yield Finding("warning", "to_check", text, path=str(row.path))


def _note_names(records: pd.DataFrame) -> Iterator[Finding]:
    n = int(records["path"].map(has_coordinates).astype(bool).sum())
    if n:
        text = f"paths of records that look like coordinates: {n}; whoever gets the table can read the place there"
        yield Finding("warning", "place_in_path", text)


def list_as_table(found: Iterable[Finding]) -> pd.DataFrame:
    """Return findings as a table with the columns FINDINGS: errors first, then as they were found."""
    rows = sorted(found, key=lambda f: SEVERITIES.index(f.severity))
    values = [(f.severity, f.rule, None if f.i_row is None else f.i_row + 1, f.path, f.message) for f in rows]
    table = pd.DataFrame(values, columns=[c.name for c in FINDINGS]).astype({"row": "Int64"})
    return conform(table, FINDINGS, where="findings")
