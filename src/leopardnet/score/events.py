"""Events: clips of one site within half an hour, with one decision.

An event aggregates clips as a clip aggregates frames, except that clips are not outvoted. If four clips are tiger
and one is leopard, both were seen; and an event is empty only if all its clips are. The first rule that applies
decides:

1. `species`   the clips name one animal: that animal.
2. `rolled_up` they name several, or a clip is rolled up: the parent if all share it, else 'animal'. `seen` has the
  names.
3. `abstained` a clip is unsure, or some clips but not all are unreadable: 'unsure'.
4. `empty`     every clip is empty.
5. `none`      every clip is unreadable: 'unreadable'.

Where the labels are independent, a table of predictions has the column `labels`. Then several animals are no
contradiction: the event is of all of them, its decision is the likeliest, and its own column `labels` has all.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from leopardnet.core.columns import has_several_labels, join_alerts, table_labels
from leopardnet.core.errors import ConfigError
from leopardnet.core.labels import ANIMAL, EMPTY, JOINER, UNREADABLE, UNSURE, split_labels
from leopardnet.core.settings.inference import AggregateConfig
from leopardnet.score.aggregate import aggregate

ROWS_AT_ONCE = 50_000
GAP_MINUTES = 30.0  # the convention since O'Brien et al. 2003
Mode = Literal["chained", "fixed"]
CLIPS_OF_AN_EVENT = AggregateConfig(name="presence_topk")  # of up to four clips it takes the strongest alone
EVENT_COLUMNS = "event_id site start end n_clips n_unreadable decision rule score alert alerts seen".split()  # noqa: SIM905
_Row = dict[Any, Any]  # a clip by column


def event_ids(clips: pd.DataFrame, *, gap_minutes: float = GAP_MINUTES, mode: Mode = "chained") -> pd.Series[str]:
    """Return the event of each clip, by the index of `clips`: the clip_id of the event's first clip.

    clips: the columns clip_id, site, captured_at (local time). A clip begins a new event if it was taken
    `gap_minutes` or more after the previous clip (`chained`), or after the first clip of the event (`fixed`). A
    deer that feeds for hours is one event if chained, and several if fixed. A clip without site or time is an event
    of its own. Raises ConfigError for another mode, or a gap that is not above 0.

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
    is_first = _start_flags(pd.factorize(rows["site"])[0], minutes, gap_minutes, mode)
    n_before = np.cumsum(is_first) - 1  # [M]
    if len(rows):
        ids.loc[rows.index] = rows["clip_id"].astype(str).to_numpy()[is_first][n_before]
    return ids.rename("event_id")


def _check_gap(gap_minutes: float, mode: str) -> None:
    if not gap_minutes > 0:
        raise ConfigError("invalid gap of events", where="gap_minutes", found=gap_minutes, expected="above 0")
    if mode not in ("chained", "fixed"):
        raise ConfigError("unknown mode of events", where="mode", found=mode, expected="chained or fixed")


def _start_flags(site: NDArray[np.int64], minutes: NDArray[np.float64], gap: float, mode: str) -> NDArray[np.bool_]:
    """Return whether each clip begins an event; clips are sorted by site and time."""
    gap = gap - 1e-9  # minutes are not exact as floats
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
    """Return one row per event of a predictions table, by site and time, with the rules at the top of this module.

    Columns: EVENT_COLUMNS, `labels` for independent labels, p_<label> (clips aggregated like frames, by `config`),
    clip_ids (JSON list). `seen` is a JSON list of the named animals. `alerts` are those of any clip: first those
    that the event is not, each group by strength; `alert` is the first of them.

    >>> ln.join_events(predictions.table, gap_minutes=30.0)  # doctest: +SKIP
    """
    labels = table_labels(predictions)
    ids = event_ids(predictions, gap_minutes=gap_minutes, mode=mode)
    table = predictions.assign(event_id=ids, alerts=join_alerts(predictions))
    table = table.sort_values(["site", "captured_at", "clip_id"], kind="stable", na_position="last")
    how, multi = config or CLIPS_OF_AN_EVENT, has_several_labels(predictions)
    columns = [*EVENT_COLUMNS, *(["labels"] if multi else []), *(f"p_{x}" for x in labels), "clip_ids"]
    probs = _aggregate_events(table, labels, how, multi=multi)
    # Plain rows are faster than small tables, since an event has few clips.
    events_of = groupby(_iterate_rows(table, labels), key=lambda clip: clip["event_id"])
    found: dict[str, list[Any]] = {name: [] for name in columns}
    for p, (_, clips) in zip(probs, events_of, strict=True):
        for name, value in _event(list(clips), labels, p, multi=multi).items():
            found[name].append(value)
    return pd.DataFrame(found, dtype=None if len(probs) else object)


def _iterate_rows(table: pd.DataFrame, labels: Sequence[str]) -> Iterator[_Row]:
    """Yield what events are made of, clip by clip, so that a million clips are never all there as rows."""
    used = ("event_id", "clip_id", "site", "captured_at", "decision", "rule", "score", "alerts", "labels")
    columns = [*(c for c in used if c in table.columns), *(f"p_{x}" for x in labels)]
    for first in range(0, len(table), ROWS_AT_ONCE):
        yield from table[columns].iloc[first : first + ROWS_AT_ONCE].to_dict("records")


def _aggregate_events(
    table: pd.DataFrame, labels: Sequence[str], config: AggregateConfig, *, multi: bool
) -> NDArray[np.float64]:
    """Return the probabilities of each event, float64 [E, C], nan where no clip could be read; rows in their order.

    Events with as many readable clips as each other are aggregated together.
    """
    i_empty = list(labels).index(EMPTY) if EMPTY in labels else None
    event = np.cumsum(table["event_id"].ne(table["event_id"].shift()).to_numpy()) - 1
    p = table[[f"p_{x}" for x in labels]].to_numpy(np.float64)
    joint = np.full((int(event.max(initial=-1)) + 1, len(labels)), np.nan)
    readable = np.isfinite(p).all(axis=1)
    p, event = p[readable], event[readable]
    logits = logit(np.clip(p, 1e-12, 1 - 2.0**-24)) if multi else np.log(np.maximum(p, 1e-12))
    n_clips = np.bincount(event, minlength=len(joint))
    for n in np.unique(n_clips[n_clips > 0]).tolist():
        is_it = n_clips == n
        clips = logits[is_it[event]].astype(np.float32).reshape(-1, n, len(labels))
        found = aggregate(clips, config, i_empty=i_empty, multi=multi).astype(np.float64)
        joint[is_it] = expit(found) if multi else np.exp(found)
    return joint


def _event(clips: Sequence[_Row], labels: Sequence[str], joint: NDArray[np.float64], *, multi: bool) -> _Row:
    """Return the row of an event. joint: its probabilities, float64 [C]."""
    n_unreadable = sum(any(not math.isfinite(clip[f"p_{x}"]) for x in labels) for clip in clips)
    decision, rule, seen, score = _decide_event(clips, multi=multi)
    alerts = _list_alerts(clips, decision)
    named = [x for x in labels if x in seen] if seen else [EMPTY] if rule == "empty" else []
    times = [clip["captured_at"] for clip in clips if not pd.isna(clip["captured_at"])]
    return {
        "event_id": clips[0]["event_id"],
        "site": clips[0]["site"],
        "start": min(times, default=pd.NaT),
        "end": max(times, default=pd.NaT),
        "n_clips": len(clips),
        "n_unreadable": n_unreadable,
        "decision": decision,
        "rule": rule,
        "score": score,
        "alert": alerts[0] if alerts else None,
        "alerts": JOINER.join(alerts) or None,
        "seen": json.dumps(seen),
        **({"labels": JOINER.join(named) or None} if multi else {}),
        **{f"p_{x}": p for x, p in zip(labels, joint.tolist(), strict=True)},
        "clip_ids": json.dumps([str(clip["clip_id"]) for clip in clips]),
    }


def _decide_event(clips: Sequence[_Row], *, multi: bool = False) -> tuple[str, str, list[str], float]:
    """Return decision, rule, named animals (highest score first) and score of an event."""
    rules: dict[str, list[_Row]] = {}
    for clip in clips:
        rules.setdefault(str(clip["rule"]), []).append(clip)
    named = sorted(rules.get("species", []), key=lambda clip: -_score(clip))
    rolled = rules.get("rolled_up", [])
    if multi and named:
        scores: dict[str, float] = {}
        for clip in named:
            for name in split_labels(clip["labels"]):
                scores[name] = max(scores.get(name, 0.0), float(clip[f"p_{name}"]))
        ranked = sorted(scores, key=lambda name: -round(scores[name], 6))
        return ranked[0], "species", ranked, scores[ranked[0]]
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


def _list_alerts(clips: Sequence[_Row], decision: str) -> list[str]:
    """Return the alerts of the clips, those other than the decision first, and then by strength."""
    names = list(dict.fromkeys(name for clip in clips for name in split_labels(clip["alerts"])))
    strength = {
        name: max((p for clip in clips if (p := float(clip[f"p_{name}"])) == p), default=0.0) for name in names
    }
    return sorted(names, key=lambda name: (name == decision, -round(strength[name], 6)))


def event_truth(clips: pd.DataFrame, truth: pd.Series[str], *, multi: bool = False) -> pd.Series[str]:
    """Return the true label of each event, by event_id; missing if it is unknown or not unique.

    clips: clip_id and event_id; truth: by clip_id. The label is the one animal of the labelled clips, or EMPTY if
    all clips are labelled empty. Events with two animals have no single true label. multi: labels are independent,
    and several of one clip joined; an event has those of all its clips, and is unknown if one of them is.

    >>> clips = pd.DataFrame({"clip_id": list("abcd"), "event_id": ["a", "a", "c", "d"]})
    >>> event_truth(clips, pd.Series({"a": "empty", "b": "tiger", "c": "empty"})).fillna("?").to_dict()
    {'a': 'tiger', 'c': 'empty', 'd': '?'}
    """
    known = clips.assign(truth=clips["clip_id"].map(truth))
    if multi:
        return known.groupby("event_id", sort=False)["truth"].agg(_join_truths).rename("truth")
    animals = known[known["truth"].notna() & (known["truth"] != EMPTY)].groupby("event_id")["truth"]
    result: pd.Series[str] = pd.Series(None, index=pd.unique(known["event_id"]), dtype=object)
    one = animals.nunique() == 1
    result.loc[one.index[one]] = animals.first()[one]
    is_empty = known["truth"].eq(EMPTY).groupby(known["event_id"]).all()
    result.loc[is_empty.index[is_empty]] = EMPTY
    return result.rename("truth")


def _join_truths(cells: pd.Series[str]) -> str | None:
    if cells.isna().any():
        return None
    names = {name for cell in cells for name in split_labels(cell)}
    return JOINER.join(sorted(names - {EMPTY})) or EMPTY


def independent_records(
    clips: pd.DataFrame, labels: pd.Series[str], *, gap_minutes: float = GAP_MINUTES, mode: Mode = "chained"
) -> pd.DataFrame:
    """Count the events of each animal at each site: columns site, label, n.

    labels: true labels or decisions by clip_id, several of one clip joined; those that name no species are not
    counted. Relative abundance indices are based on this count, so it is worth comparing between decisions and true
    labels.
    """
    known = clips.assign(label=clips["clip_id"].map(labels).map(split_labels))
    known = known.explode("label", ignore_index=True)
    known = known[known["label"].notna() & ~known["label"].isin([EMPTY, ANIMAL, UNSURE, UNREADABLE])]
    # Events are found for each animal alone, so that another animal does not end or prolong them.
    ids = [event_ids(part, gap_minutes=gap_minutes, mode=mode) for _, part in known.groupby("label")]
    known = known.assign(event_id=pd.concat(ids) if ids else pd.Series(dtype=object))
    counted = known.groupby(["site", "label"], dropna=False)["event_id"].nunique()
    return counted.rename("n").reset_index()
