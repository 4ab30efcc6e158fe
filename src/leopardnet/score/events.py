"""Clips to events: what one site recorded within half an hour, and what is said about it as a whole.

An event is to its clips what a clip is to its frames, with one difference: no clip is outvoted. Four clips called tiger do
not make a tiger of a fifth that is called leopard; the event says that both were seen, and is never empty while one of
its clips is not. The rules, the first that fits decides:

1. `species`   its clips name one animal: that animal.
2. `rolled_up` they name several, or one is rolled up: the parent where they agree on it, else 'animal'. `seen` has the names.
3. `abstained` a clip is unsure, or could not be read while others could: 'unsure'.
4. `empty`     every clip is empty.
5. `none`      no clip could be read: 'unreadable'.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.columns import table_labels
from leopardnet.core.errors import ConfigError
from leopardnet.core.labels import ANIMAL, EMPTY
from leopardnet.core.settings.inference import AggregateConfig
from leopardnet.score.aggregate import aggregate
from leopardnet.score.decide import UNREADABLE, UNSURE

GAP_MINUTES = 30.0  # the habit since O'Brien et al. 2003
Mode = Literal["chained", "fixed"]
_Row = dict[Any, Any]  # a clip by column


def event_ids(clips: pd.DataFrame, *, gap_minutes: float = GAP_MINUTES, mode: Mode = "chained") -> pd.Series[str]:
    """The event of each clip, by the index of `clips`: the clip_id of the event's first clip.

    clips: the columns clip_id, site, captured_at (local time). A clip begins a new event when it was taken `gap_minutes`
    or more after the clip before it (`chained`), or after the first one of the event (`fixed`); a chain of a feeding
    deer is one event in the first way and several in the second. A clip without a site or a time is an event of its own:
    nobody knows what it belongs to.

    >>> at = pd.to_datetime(["2021-07-01 10:00", "2021-07-01 10:20", "2021-07-01 10:40"])
    >>> clips = pd.DataFrame({"clip_id": list("abc"), "site": "s", "captured_at": at})
    >>> event_ids(clips).tolist(), event_ids(clips, mode="fixed").tolist()
    (['a', 'a', 'a'], ['a', 'a', 'c'])
    """
    _check_gap(gap_minutes, mode)
    known = clips["site"].notna() & clips["captured_at"].notna()
    ids = clips["clip_id"].astype(str).copy()
    rows = clips.loc[known].sort_values(["site", "captured_at", "clip_id"], kind="stable")
    minutes = pd.to_datetime(rows["captured_at"]).to_numpy("datetime64[us]").astype(np.int64) / 60e6
    is_first = _begins(pd.factorize(rows["site"])[0], minutes, gap_minutes, mode)
    n_before = np.cumsum(is_first) - 1  # [M]
    if len(rows):
        ids.loc[rows.index] = rows["clip_id"].astype(str).to_numpy()[is_first][n_before]
    return ids.rename("event_id")


def _check_gap(gap_minutes: float, mode: str) -> None:
    if not gap_minutes > 0:
        raise ConfigError(
            "events need an interval", where="gap_minutes", found=gap_minutes, expected="minutes above 0"
        )
    if mode not in ("chained", "fixed"):
        raise ConfigError("no such way to bound events", where="mode", found=mode, expected="chained or fixed")


def _begins(site: NDArray[np.int64], minutes: NDArray[np.float64], gap: float, mode: str) -> NDArray[np.bool_]:
    """Whether each clip begins an event; clips by site and time."""
    gap = gap - 1e-9  # a minute is no binary fraction
    new_site = np.append(True, site[1:] != site[:-1]) if len(site) else np.zeros(0, bool)
    if mode == "chained":
        return new_site | (np.append(np.inf, np.diff(minutes)) >= gap)[: len(site)]
    begins, start = new_site.copy(), -np.inf
    for i, minute in enumerate(minutes.tolist()):
        begins[i] = new_site[i] or minute - start >= gap
        start = minute if begins[i] else start
    return begins


def join_events(
    predictions: pd.DataFrame,
    *,
    gap_minutes: float = GAP_MINUTES,
    mode: Mode = "chained",
    config: AggregateConfig | None = None,
) -> pd.DataFrame:
    """One row per event of a predictions table, in the order of site and time; the rules stand at the top of this file.

    Columns: event_id, site, start, end, n_clips, n_unreadable, decision, rule, score, alert, seen (JSON list of the animals
    that were named), p_<label> (clips joined as frames are; `config`), clip_ids (JSON list). `alert` is the strongest of its
    clips' alerts, one that is not said anyway before one that is.
    """
    labels = table_labels(predictions)
    table = predictions.assign(event_id=event_ids(predictions, gap_minutes=gap_minutes, mode=mode))
    table = table.sort_values(["site", "captured_at", "clip_id"], kind="stable", na_position="last")
    how = config or AggregateConfig.model_validate({})
    # plain rows: an event has few clips, and small tables are slow
    events_of = groupby(table.to_dict("records"), key=lambda clip: clip["event_id"])
    rows = [_event(list(clips), labels, how) for _, clips in events_of]
    columns = [
        "event_id",
        "site",
        "start",
        "end",
        "n_clips",
        "n_unreadable",
        "decision",
        "rule",
        "score",
        "alert",
        "seen",
        *(f"p_{x}" for x in labels),
        "clip_ids",
    ]
    return pd.DataFrame(rows, columns=columns)


def _event(clips: Sequence[_Row], labels: Sequence[str], config: AggregateConfig) -> _Row:
    probs = np.array([[clip[f"p_{x}"] for x in labels] for clip in clips], np.float64)
    readable = np.isfinite(probs).all(axis=1)
    joint = np.full(len(labels), np.nan)
    if readable.any():
        i_empty = list(labels).index(EMPTY) if EMPTY in labels else None
        logits = np.log(np.maximum(probs[readable], 1e-12)).astype(np.float32)
        joint = np.exp(aggregate(logits, config, i_empty=i_empty).astype(np.float64))
    decision, rule, seen, score = _said(clips)
    times = [clip["captured_at"] for clip in clips if not pd.isna(clip["captured_at"])]
    return {
        "event_id": clips[0]["event_id"],
        "site": clips[0]["site"],
        "start": min(times, default=pd.NaT),
        "end": max(times, default=pd.NaT),
        "n_clips": len(clips),
        "n_unreadable": int((~readable).sum()),
        "decision": decision,
        "rule": rule,
        "score": score,
        "alert": _alert(clips, decision),
        "seen": json.dumps(seen),
        **{f"p_{x}": joint[i] for i, x in enumerate(labels)},
        "clip_ids": json.dumps([str(clip["clip_id"]) for clip in clips]),
    }


def _said(clips: Sequence[_Row]) -> tuple[str, str, list[str], float]:
    """Decision, rule, animals named (the surest first) and score of an event."""
    rules: dict[str, list[_Row]] = {}
    for clip in clips:
        rules.setdefault(str(clip["rule"]), []).append(clip)
    named = sorted(rules.get("species", []), key=lambda clip: -_score(clip))
    rolled = rules.get("rolled_up", [])
    seen = list(dict.fromkeys(str(clip["decision"]) for clip in named))
    if len(seen) == 1:
        return seen[0], "species", seen, _score(named[0])
    if seen or rolled:
        groups = {str(clip["decision"]) for clip in rolled}
        group = groups.pop() if len(groups) == 1 and not seen else ANIMAL
        return group, "rolled_up", seen, max(map(_score, [*named, *rolled]))
    readable = [clip for clip in clips if clip["rule"] != "none"]
    if not readable:
        return UNREADABLE, "none", [], float("nan")
    if "abstained" in rules or "none" in rules:
        return UNSURE, "abstained", [], max(map(_score, readable))
    return EMPTY, "empty", [], min(map(_score, readable))


def _score(clip: _Row) -> float:
    return float(clip["score"])


def _alert(clips: Sequence[_Row], decision: str) -> str | None:
    """The strongest alert of the clips; one that the decision does not name already goes first."""
    names = list(dict.fromkeys(str(a) for clip in clips if not pd.isna(a := clip.get("alert"))))
    strength = {
        name: max((p for clip in clips if (p := float(clip[f"p_{name}"])) == p), default=0.0) for name in names
    }
    return max(names, key=lambda name: (name != decision, strength[name]), default=None)


def event_truth(clips: pd.DataFrame, truth: pd.Series[str]) -> pd.Series[str]:
    """The true label of each event, by event_id; missing where there is none, or not one.

    clips: clip_id and event_id; truth: by clip_id. The animal that its labelled clips show; empty where all its clips are
    known to be empty. Events of two animals have no single right answer.

    >>> clips = pd.DataFrame({"clip_id": list("abcd"), "event_id": ["a", "a", "c", "d"]})
    >>> event_truth(clips, pd.Series({"a": "empty", "b": "tiger", "c": "empty"})).fillna("?").to_dict()
    {'a': 'tiger', 'c': 'empty', 'd': '?'}
    """
    known = clips.assign(truth=clips["clip_id"].map(truth))
    animals = known[known["truth"].notna() & (known["truth"] != EMPTY)].groupby("event_id")["truth"]
    result: pd.Series[str] = pd.Series(None, index=pd.unique(known["event_id"]), dtype=object)
    one = animals.nunique() == 1
    result.loc[one.index[one]] = animals.first()[one]
    is_empty = known["truth"].eq(EMPTY).groupby(known["event_id"]).all()
    result.loc[is_empty.index[is_empty]] = EMPTY
    return result.rename("truth")


def independent_records(
    clips: pd.DataFrame, labels: pd.Series[str], *, gap_minutes: float = GAP_MINUTES, mode: Mode = "chained"
) -> pd.DataFrame:
    """How often each animal was recorded at each site, counted once per event of that animal: site, label, n.

    labels: by clip_id, what each clip shows or was said to show; empty and what names no species is not counted. This is the
    number behind a relative abundance index, so compare what the machine gives with what people gave.
    """
    known = clips.assign(label=clips["clip_id"].map(labels))
    known = known[known["label"].notna() & ~known["label"].isin([EMPTY, ANIMAL, UNSURE, UNREADABLE])]
    # an event of one animal is not ended or prolonged by another one
    ids = [event_ids(part, gap_minutes=gap_minutes, mode=mode) for _, part in known.groupby("label")]
    known = known.assign(event_id=pd.concat(ids) if ids else pd.Series(dtype=object))
    counted = known.groupby(["site", "label"], dropna=False)["event_id"].nunique()
    return counted.rename("n").reset_index()
