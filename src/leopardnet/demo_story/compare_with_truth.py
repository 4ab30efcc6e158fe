"""What was found in the story beside what was planted, in words that are equal where the two agree."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from math import nan
from typing import Any

import pandas as pd

from leopardnet.core.labels import JOINER, split_labels
from leopardnet.demo_story.tell_story import ANIMAL, Story, is_planted
from leopardnet.records.dossier.sources import DossierSources


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


def compare_with_truth(story: Story) -> list[Finding]:
    """Return what was planted and what was found, in the order in which one would ask."""
    sources, truth = story.sources, story.truth
    own = sources.records[sources.records["label"] == ANIMAL]
    return [
        *_compare_records(own, truth),
        *_compare_encounter(sources, own, truth),
        _compare_flanks(sources, truth),
        *_compare_hints(sources, truth),
        *_compare_sounds(sources, truth),
        *_compare_places(story.places.table, truth),
        Finding("camera that stopped early", truth["died"]["deployment"], _find_stopped(sources)),
        Finding("dossiers", "1", str(len(story.dossiers))),
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


def _compare_encounter(sources: DossierSources, own: pd.DataFrame, truth: dict[str, Any]) -> list[Finding]:
    planted, table = truth["encounter"], _require(sources.encounters)
    ids = own.loc[own["path"].isin(planted["paths"]), "encounter_id"].dropna().unique()
    rows = table[table["encounter_id"].isin(ids)]
    owners = [name for cell in rows["owners"].dropna() for name in split_labels(cell)]
    return [
        _count("clips of that encounter", planted["paths"], own.loc[own["encounter_id"].isin(ids), "path"]),
        Finding("its first clip", str(pd.Timestamp(planted["start"])), _list(rows["start"])),
        Finding("its last clip", str(pd.Timestamp(planted["end"])), _list(rows["end"])),
        Finding("owners who filmed it", JOINER.join(planted["owners"]), JOINER.join(sorted(set(owners)))),
        Finding("least number of animals", str(planted["min_animals"]), _list(rows["min_animals"])),
    ]


def _compare_flanks(sources: DossierSources, truth: dict[str, Any]) -> Finding:
    table = _require(sources.flanks)
    own = table[(table["label"] == ANIMAL) & (table["is_together"] == "yes")]
    pairs = [_pair(*both) for both in zip(own["path_1"], own["path_2"], strict=True)]
    return _count("pairs with both flanks", [_pair(*both) for both in truth["flanks"]], pairs)


def _pair(one: str, other: str) -> str:
    return " and ".join(sorted([one, other]))


def _compare_hints(sources: DossierSources, truth: dict[str, Any]) -> list[Finding]:
    planted, hints = truth["hint"], _require(sources.hints)
    paths = sources.records.set_index("record_id")["path"]
    clips = [str(paths[i]) for cell in hints["record_ids"] for i in json.loads(cell)]
    named = len(set(planted["prey"]) & set(_require(sources.labels)["path"]))
    heard = sum(path.startswith(f"{planted['station']}/") for path in truth["whistles"])
    return [
        Finding("station worth a visit", planted["station"], _list(hints["station"])),
        _count("clips that say so", planted["paths"], clips),
        Finding("clips with an alarm call there", str(heard), _list(hints["n_alarm_calls"])),
        Finding("events of deer there, confirmed", str(named), _list(hints["n_prey"])),
    ]


def _compare_sounds(sources: DossierSources, truth: dict[str, Any]) -> list[Finding]:
    """Compare each planted call with those found: one of them must overlap with it, and none with nothing."""
    paths = sources.predictions.table[["clip_id", "path"]]
    calls = sources.predictions.sounds.query("kind == 'tonal_call'").merge(paths)
    heard = list(zip(calls["path"], calls["start_s"], calls["end_s"], strict=True))
    planted = [(path, span) for path, spans in truth["whistles"].items() for span in spans]
    found = [any(is_planted(*call, {"whistles": {path: [span]}}) for call in heard) for path, span in planted]
    return [
        Finding("whistles of deer, at their seconds", str(len(planted)), str(sum(found))),
        Finding("other noises taken for one", "0", str(sum(not is_planted(*call, truth) for call in heard))),
    ]


def _compare_places(places: pd.DataFrame, truth: dict[str, Any]) -> list[Finding]:
    is_cell = places["kind"] == "cell"
    n_across = int(places.loc[is_cell, "barrier"].notna().sum())
    return [
        _count("cameras to visit", truth["visit"]["cameras"], places.loc[~is_cell, "name"]),
        Finding("places for a new camera on the far side of a barrier", "none", str(n_across or "none")),
    ]


def _find_stopped(sources: DossierSources) -> str:
    findings = _require(sources.findings)
    deployment = sources.manifest.table.set_index("path")["deployment"]
    return _list(deployment.loc[findings.loc[findings["rule"] == "stopped_early", "path"]])


def _require(table: pd.DataFrame | None) -> pd.DataFrame:
    assert table is not None  # the story makes every table
    return table


def _count(what: str, planted: Iterable[str], found: Iterable[str]) -> Finding:
    """Return the finding that compares two sets by their sizes and by what is only in the second."""
    right, mine = set(planted), set(found)
    more = len(mine - right)
    n = len(mine & right)
    return Finding(what, str(len(right)), f"{n} and {more} that were not planted" if more else str(n))


def _list(values: Iterable[Any]) -> str:
    """Return the different values in their order, joined; nothing is an empty text."""
    return "; ".join(dict.fromkeys(str(v) for v in values))
