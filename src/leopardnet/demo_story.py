"""The story as one short program: a rendered season with one new thing in it, from the cards to the dossier.

What it finds is compared with what was planted, so that everybody can see what the program says of footage that it
has never seen, and that it says no more than that.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.data.human_labels.label_file import FILE as LABELS
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile
from leopardnet.data.human_labels.sound_labels import ALARM_CALL, SoundEntry, SoundLabelFile
from leopardnet.data.scan.scan import scan
from leopardnet.records.record_table import is_suspected
from leopardnet.synth.plan import FootageSpec
from leopardnet.synth.story.render_story import FOOTAGE, TRUTH, render_story
from leopardnet.synth.story.season import DEPLOYMENTS, RANGE, SPEC

REVIEWER = "reviewer"
ANIMAL = "leopard"
Classify = Callable[[Manifest, Path], Predictions]


def review_by_script(predictions: Predictions, sounds: pd.DataFrame, truth: dict[str, Any], file: Path) -> int:
    """Answer for every clip that a model suspects, and every sound that may be a call, what a person would.

    The answers come from the truth and are kept in `file` as the review page keeps them. Returns the number of clips.
    """
    table = predictions.table
    suspects = table[is_suspected(table, ANIMAL)]
    clips = [
        LabelEntry(
            key=f"story:{row.clip_id}",
            clip_id=str(row.clip_id),
            path=str(row.path),
            labels=[truth["labels"][row.path]],
            by=REVIEWER,
            queue="suspected",
            bundle_id=str(row.bundle_id),
        )
        for row in suspects.itertuples()
    ]
    paths = table.set_index("clip_id")["path"]
    calls = [
        SoundEntry(
            key=f"story:{row.clip_id}:{row.start_s}",
            by=REVIEWER,
            clip_id=str(row.clip_id),
            start_s=float(row.start_s),
            end_s=float(row.end_s),
            label=ALARM_CALL if _is_planted(row, truth["whistles"].get(paths[row.clip_id], ())) else "other",
        )
        for row in sounds[sounds["kind"] == "tonal_call"].itertuples()
    ]
    with LabelFile(file) as labels, SoundLabelFile(file) as heard:
        labels.add(*clips)
        heard.add(*calls)
    return len(clips)


def _is_planted(call: Any, spans: Sequence[Sequence[float]]) -> bool:
    """Return whether a found call overlaps with one of the planted ones."""
    return any(call.start_s < end_s and start_s < call.end_s for start_s, end_s in spans)


@dataclass(frozen=True)
class Finding:
    """One thing that was planted in the story, and what was found in its place, both in words."""

    what: str
    planted: str
    found: str

    @property
    def is_right(self) -> bool:
        """Whether the two agree."""
        return self.planted == self.found


@dataclass(frozen=True, eq=False)
class FoundTables:
    """What the program says of the story: the tables that `leopardnet records` writes, those of sounds and places."""

    records: pd.DataFrame
    encounters: pd.DataFrame
    flanks: pd.DataFrame
    hints: pd.DataFrame
    sounds: pd.DataFrame
    places: pd.DataFrame


def compare_with_truth(found: FoundTables, truth: dict[str, Any]) -> list[Finding]:
    """Return what was planted and what was found, in the order in which one would ask."""
    paths = found.records.set_index("record_id")["path"].to_dict()
    own = found.records[found.records["label"] == ANIMAL]
    return [
        *_compare_records(own, truth),
        *_compare_encounter(found, own, truth),
        _compare_flanks(found.flanks, truth),
        *_compare_hints(found.hints, paths, truth),
        *_compare_sounds(found, truth),
        *_compare_places(found.places, truth),
    ]


def _compare_records(own: pd.DataFrame, truth: dict[str, Any]) -> list[Finding]:
    shown = {path for path, label in truth["labels"].items() if label == ANIMAL}
    new = own[own["is_notable"] & (own["state"] != "refuted")].sort_values("captured_at")
    planted, sites = truth["record"], truth["encounter"]["sites"]
    first = new.iloc[0] if len(new) else pd.Series({"site": None, "captured_at": None})
    far = dict(zip(new["site"], new["distance_km"], strict=True))
    by_site = [", ".join(f"{s} {km.get(s, nan):.2f}" for s in sites) for km in (planted["distance_km"], far)]
    return [
        _count("clips confirmed as leopard", shown, own.loc[own["state"] == "confirmed", "path"]),
        _count("of these, new beyond the range", truth["encounter"]["paths"], new["path"]),
        Finding(
            "the first of them",
            f"{planted['site']}, {pd.Timestamp(planted['captured_at'])}",
            f"{first['site']}, {first['captured_at']}",
        ),
        Finding("where they lie", planted["range_status"], _list(new["range_status"])),
        Finding("barriers crossed", JOINER.join(planted["barriers"]), _list(new["barriers"])),
        Finding("km to the range", *by_site),
    ]


def _compare_encounter(found: FoundTables, own: pd.DataFrame, truth: dict[str, Any]) -> list[Finding]:
    planted = truth["encounter"]
    ids = own.loc[own["path"].isin(planted["paths"]), "encounter_id"].dropna().unique()
    rows = found.encounters[found.encounters["encounter_id"].isin(ids)]
    span = [pd.Timestamp(planted[end]) for end in ("start", "end")]
    return [
        _count("clips of that encounter", planted["paths"], own.loc[own["encounter_id"].isin(ids), "path"]),
        Finding("its time", " to ".join(map(str, span)), _list(rows["start"].astype(str) + " to " + rows["end"].astype(str))),
        Finding("its owners", JOINER.join(planted["owners"]), JOINER.join(sorted(split_labels(_list(rows["owners"]))))),
        Finding("at least so many animals", str(planted["min_animals"]), _list(rows["min_animals"].astype(str))),
    ]


def _compare_flanks(flanks: pd.DataFrame, truth: dict[str, Any]) -> Finding:
    own = flanks[flanks["label"] == ANIMAL]
    pairs = [" and ".join(sorted(pair)) for pair in zip(own["path_1"], own["path_2"], strict=True)]
    return _count("pairs of both flanks", [" and ".join(sorted(pair)) for pair in truth["flanks"]], pairs)


def _compare_hints(hints: pd.DataFrame, paths: dict[str, str], truth: dict[str, Any]) -> list[Finding]:
    planted = truth["hint"]
    clips = [paths[i] for cell in hints["record_ids"] for i in json.loads(cell)]
    return [
        Finding("worth a visit", planted["station"], _list(hints["station"])),
        _count("clips that say so", planted["paths"], clips),
    ]


def _compare_sounds(found: FoundTables, truth: dict[str, Any]) -> list[Finding]:
    calls = found.sounds[found.sounds["kind"] == "tonal_call"]
    spans = [(path, *span) for path, planted in truth["whistles"].items() for span in planted]
    right = [[_overlaps(call, path, span) for path, *span in spans] for call in calls.itertuples()]
    n_found = sum(any(row[i] for row in right) for i in range(len(spans)))
    return [
        Finding("whistles of deer, at their seconds", str(len(spans)), str(n_found)),
        Finding("other noises taken for one", "0", str(sum(not any(row) for row in right))),
    ]


def _overlaps(call: Any, path: str, span: Sequence[float]) -> bool:
    return bool(call.path == path and call.start_s < span[1] and span[0] < call.end_s)


def _count(what: str, planted: Iterable[str], found: Iterable[str]) -> Finding:
    """Return the finding that compares two sets by their sizes and by what is only in the second."""
    right, mine = set(planted), set(found)
    more = len(mine - right)
    text = f"{len(mine & right)}" + (f" and {more} that were not planted" if more else "")
    return Finding(what, str(len(right)), text)


def _list(values: Iterable[Any]) -> str:
    """Return the different values in their order, joined; nothing is an empty text."""
    return "; ".join(dict.fromkeys(str(v) for v in values))
