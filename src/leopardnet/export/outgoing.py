"""Selection of what may leave the machine: clips with what is known of them, without people, places and paths."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd
import yaml

from leopardnet.core.columns import has_several_labels
from leopardnet.core.errors import ConfigError
from leopardnet.core.footage.other_footage import refuse_other_footage
from leopardnet.core.labels import Label, LabelSet
from leopardnet.core.manifest import Manifest, parse_time_zone
from leopardnet.core.people import clips_with_people
from leopardnet.core.predictions import Predictions
from leopardnet.core.settings.config_folder import configs_dir
from leopardnet.data.human_labels.said_now import COLUMNS
from leopardnet.data.human_labels.sound_labels import TODAY_COLUMNS
from leopardnet.data.scan.deployments import find_time_zones
from leopardnet.export.corrections import Corrections, collect_human_labels
from leopardnet.export.pseudonyms import Pseudonyms, has_coordinates

PEOPLE = "clips that show people or vehicles; include_people=True (--people) includes them"
KNOWN = ("clip_id", "paths", "deployment", "sequence_id", "time_zone", "time_source", "width_px", "height_px")
NO_TEXT = "a path that is not valid text"
# An absolute path, with or without a drive or a host. It may name a person.
_ABSOLUTE = re.compile(
    r"(?:(?<![\w.…])[A-Za-z]:[\\/]|\\\\|(?<![\w./…])/(?=[^\s/'\"])|file://|(?<![\w/])~[\w.-]*/)[^'\"\n;]*"
)


@dataclass(frozen=True, eq=False)
class Outgoing:
    """The clips to export, with everything that the writers of formats need.

    predictions: tables of these clips; footage: one row per clip, in the same order, with site, deployment, time
    and zone, and without labels; human_labels: labels that people gave, with the columns CORRECTIONS; reasons:
    clips left out, counted by reason; sounds: what people say of sounds, as `settle_sounds` returns it; root: the
    folder of the footage, where it is known and no secret.
    """

    predictions: Predictions
    footage: Manifest
    human_labels: pd.DataFrame
    labels: LabelSet
    reasons: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    sounds: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(TODAY_COLUMNS)))
    root: Path | None = None

    @property
    def table(self) -> pd.DataFrame:
        """The predictions, one row per clip."""
        return self.predictions.table


def select_outgoing(
    predictions: Predictions,
    *,
    manifest: Manifest | None = None,
    corrections: Corrections | pd.DataFrame | None = None,
    labels: LabelSet | None = None,
    time_zone: str | None = None,
    deployments: pd.DataFrame | None = None,
    include_people: bool = False,
    credit: bool = False,
    pseudonyms: Pseudonyms | None = None,
) -> Outgoing:
    """Return the clips that may leave, joined with what is known of them.

    manifest: of the footage, for deployment, zone, bursts and human labels; without it, only what the predictions
    hold is known. deployments: a table of `read_deployments`, whose zones are those of times without one.
    time_zone: for the other times. credit: keep the names of the people who corrected.

    Raises ConfigError where `labels` are not those of the predictions, ManifestError where manifest or corrections
    are of other footage with the same file names.
    """
    table, notes = predictions.table, list[str]()
    labels = labels or find_label_set(predictions)
    if set(labels.names) != set(predictions.labels):
        raise ConfigError(
            "these labels are not those of the predictions",
            where="labels",
            found=", ".join(labels.names),
            expected=", ".join(predictions.labels),
            todo="give the bundle that made the predictions",
        )
    if manifest is not None:
        refuse_other_footage(table, manifest.table, must_share=True)
    if isinstance(corrections, Corrections):
        refuse_other_footage(table, corrections.footage, names=("predictions", "corrections"))
    is_text = table["path"].map(_is_text).astype(bool)
    human = collect_human_labels(manifest, corrections, labels)
    if corrections is not None:
        notes += _note_lost(corrections, table)
    people = find_people_said(predictions, manifest, human, corrections)
    hidden = table["clip_id"].isin(people) & (not include_people)
    reasons = {NO_TEXT: int((~is_text).sum()), PEOPLE: int((hidden & is_text).sum())}
    if n := int((hidden & table["alert"].notna()).sum()):
        notes.append(
            f"clips left out because of people in which a target label is suspected: {n}; check them yourself"
        )
    keep = table[is_text & ~hidden].reset_index(drop=True)
    if manifest is not None and (n := int((~keep["clip_id"].isin(manifest.table["clip_id"])).sum())):
        notes.append(f"clips that the manifest lacks, without deployment and zone: {n}")
    is_burst = keep["kind"] == "burst"
    if manifest is None and is_burst.any():
        notes.append(f"bursts reduced to their first still, because there is no manifest: {int(is_burst.sum())}")
    keep = keep.assign(reason=keep["reason"].map(hide_absolute_paths, na_action="ignore").astype("str"))
    frames = predictions.evidence
    evidence = frames[frames["clip_id"].isin(keep["clip_id"])].reset_index(drop=True)
    human = human[human["clip_id"].isin(keep["clip_id"])].reset_index(drop=True)
    outgoing = Outgoing(
        Predictions(keep, evidence),
        _join_footage(keep, manifest, time_zone, deployments),
        human if credit else human.assign(by=pd.Series([None] * len(human), dtype="str")),
        labels,
        {k: n for k, n in reasons.items() if n},
        tuple(notes),
        root=None if manifest is None else manifest.root,
    )
    if isinstance(corrections, Corrections):
        sounds = corrections.sounds[corrections.sounds["clip_id"].isin(keep["clip_id"])]
        outgoing = replace(outgoing, sounds=sounds if credit else sounds.assign(by=None))
    return _apply_pseudonyms(outgoing, pseudonyms) if pseudonyms else _warn_of_coordinates(outgoing)


def find_people_said(
    predictions: Predictions,
    manifest: Manifest | None,
    human: pd.DataFrame,
    corrections: Corrections | pd.DataFrame | None,
) -> frozenset[str]:
    """Return the clips with people, also those of which one person alone says so. human: labels of people."""
    said = [human[list(COLUMNS)], *([corrections.said] if isinstance(corrections, Corrections) else [])]
    return clips_with_people(predictions, manifest, pd.concat([x.astype(object) for x in said]))


def _note_lost(corrections: Corrections | pd.DataFrame, table: pd.DataFrame) -> list[str]:
    """Return the notes on reading corrections, and one on those of clips without a prediction."""
    given = corrections if isinstance(corrections, Corrections) else Corrections(corrections, ())
    ids = given.table.loc[~given.table["clip_id"].isin(table["clip_id"]), "clip_id"].unique()
    if not len(ids):
        return [*given.notes]
    names = ", ".join(hide_absolute_paths(given.paths.get(i, i)) for i in ids[:3])
    like = f" (a clip's path is like {table['path'].iloc[0]})" if len(table) and given.paths else ""
    return [*given.notes, f"corrections that fit no clip, not written, such as {names}{like}: {len(ids)}"]


def find_label_set(predictions: Predictions) -> LabelSet:
    """Return the label set of the predictions: the shipped one with their `labels_id`, or else only names."""
    wanted = set(predictions.table["labels_id"].dropna())
    for path in sorted((configs_dir() / "labels").glob("*.yaml")):
        data = yaml.safe_load(path.read_text("utf-8"))
        rows = tuple(Label(**row) for row in data["labels"])
        for multi in (False, True) if len(rows) >= 2 else ():
            if wanted == {(found := LabelSet(rows, data["empty"], tuple(data["targets"]), multi)).id}:
                return found
    names, empty = predictions.labels, "empty" if "empty" in predictions.labels else None
    return LabelSet(tuple(Label(n) for n in names), empty=empty, multi=has_several_labels(predictions.table))


def hide_absolute_paths(text: str) -> str:
    """Return the text with every absolute path replaced by `…`: these name users, hosts and drives.

    >>> hide_absolute_paths("cannot open '/home/anna/x.avi'; found: C:\\\\Users\\\\anna\\\\x.avi")
    "cannot open '…'; found: …"
    >>> hide_absolute_paths("12 of 30 frames/s, see site/1.avi")
    '12 of 30 frames/s, see site/1.avi'
    """
    return _ABSOLUTE.sub("…", text)


def _is_text(path: str) -> bool:
    return not re.search("[\ud800-\udfff]", path)


def _join_footage(
    table: pd.DataFrame, manifest: Manifest | None, time_zone: str | None, deployments: pd.DataFrame | None
) -> Manifest:
    """Return one row per prediction, in their order: cells of the manifest first, then those of the prediction."""
    known = table[["clip_id", "path", "kind", "site", "captured_at"]]
    rows = known
    if manifest is not None:
        t = manifest.table.assign(_part=manifest.table["kind"].eq("frame")).sort_values("_part", kind="stable")
        first = t.drop_duplicates("clip_id")
        rows = known.merge(first[list(KNOWN)], on="clip_id", how="left", validate="one_to_one")
        own = known[["clip_id"]].merge(first[["clip_id", "site", "captured_at"]], on="clip_id", how="left")
        rows = rows.assign(**{c: own[c].fillna(rows[c]) for c in ("site", "captured_at")})
        if deployments is not None:
            zones = rows["time_zone"].fillna(find_time_zones(rows, deployments))
            rows = rows.assign(time_zone=zones.where(rows["captured_at"].notna()).astype("str"))
    if time_zone is not None:
        parse_time_zone(time_zone)  # raises for an unknown zone before anything is written
        zones = rows["time_zone"] if "time_zone" in rows else pd.Series([None] * len(rows), dtype="str")
        rows = rows.assign(time_zone=zones.fillna(time_zone).where(rows["captured_at"].notna()).astype("str"))
    stills = rows["paths"] if "paths" in rows else pd.Series([None] * len(rows), dtype="str")
    alone = rows["path"].map(lambda path: json.dumps([path], ensure_ascii=False))
    rows = rows.assign(paths=stills.fillna(alone).where(rows["kind"] == "burst").astype("str"))
    footage = Manifest.from_rows(rows, manifest.root if manifest is not None else Path())
    assert footage.table["clip_id"].tolist() == table["clip_id"].tolist(), "one row per prediction, in their order"
    return footage


def _apply_pseudonyms(outgoing: Outgoing, pseudonyms: Pseudonyms) -> Outgoing:
    footage = pseudonyms.replace_manifest(outgoing.footage)
    ids = dict(zip(outgoing.footage.table["clip_id"], footage.table["clip_id"], strict=True))
    columns = {c: footage.table[c] for c in ("clip_id", "path", "site")}
    # A reason may quote the name of a folder, and so may a comment.
    reasons = outgoing.table["reason"].where(outgoing.table["reason"].isna(), "see the original table")
    table = outgoing.table.assign(**columns, reason=reasons)
    evidence = outgoing.predictions.evidence
    renamed = Predictions(table, evidence.assign(clip_id=evidence["clip_id"].map(ids).astype("str")))
    nothing = pd.Series([None] * len(outgoing.human_labels), dtype="str")
    human = outgoing.human_labels.assign(
        clip_id=outgoing.human_labels["clip_id"].map(ids).astype("str"), comment=nothing
    )
    sounds = outgoing.sounds.assign(clip_id=outgoing.sounds["clip_id"].map(ids))
    note = "folders, sites and deployments are pseudonyms; only the key file turns them back: keep it private"
    return replace(
        outgoing,
        predictions=renamed,
        footage=footage,
        human_labels=human,
        notes=(*outgoing.notes, note),
        sounds=sounds,
        root=None,
    )


def _warn_of_coordinates(outgoing: Outgoing) -> Outgoing:
    n = int(outgoing.table["path"].map(has_coordinates).astype(bool).sum())
    note = f"paths that look like coordinates: {n}; give a key file for pseudonyms (--pseudonyms) to hide them"
    return replace(outgoing, notes=(*outgoing.notes, note)) if n else outgoing
