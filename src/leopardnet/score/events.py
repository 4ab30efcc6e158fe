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

from collections.abc import Sequence
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
from leopardnet.score.event_names.rank_names import join_as_json, join_names, rank_names, split_cells, take_first

GAP_MINUTES = 30.0  # the convention since O'Brien et al. 2003
Mode = Literal["chained", "fixed"]
CLIPS_OF_AN_EVENT = AggregateConfig(name="presence_topk")  # of up to four clips it takes the strongest alone
EVENT_COLUMNS = "event_id site start end n_clips n_unreadable decision rule score alert alerts seen".split()  # noqa: SIM905
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Texts = NDArray[np.object_]


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
    first = find_first_clips(clips, gap_minutes=gap_minutes, mode=mode)
    return clips["clip_id"].astype(str).take(first).set_axis(clips.index).rename("event_id")


def find_first_clips(clips: pd.DataFrame, *, gap_minutes: float = GAP_MINUTES, mode: Mode = "chained") -> Ints:
    """Return the position of the first clip of each clip's event, int64 [M]; as `event_ids` finds them."""
    order, is_first = _sort_into_events(clips, gap_minutes, mode)
    first = np.zeros(len(clips), np.int64)
    first[order] = order[is_first][np.cumsum(is_first) - 1]
    return first


def _sort_into_events(clips: pd.DataFrame, gap_minutes: float, mode: Mode) -> tuple[Ints, NDArray[np.bool_]]:
    """Return the positions of clips by site, time and id, and which begin an event; what is missing comes last."""
    _check_gap(gap_minutes, mode)
    site, names = pd.factorize(clips["site"], sort=True)
    site = np.where(site < 0, len(names), site)
    at = pd.to_datetime(clips["captured_at"]).to_numpy("datetime64[us]")
    is_known = (site < len(names)) & ~np.isnat(at)
    time: Ints = np.where(np.isnat(at), np.iinfo(np.int64).max, at.astype(np.int64))
    order = np.lexsort((time, site))
    is_like_next = (np.diff(site[order]) == 0) & (np.diff(time[order]) == 0)
    if is_like_next.any():  # only then do ids matter, and texts are slow to sort
        i = np.sort(order[np.append(is_like_next, False) | np.append(False, is_like_next)])
        by_id = np.zeros(len(clips), np.int64)
        by_id[i] = clips["clip_id"].iloc[i].rank(method="first").to_numpy(np.int64)
        order = np.lexsort((by_id, time, site))
    is_first, known = np.ones(len(clips), bool), is_known[order]
    of_known = order[known]
    is_first[known] = _start_flags(site[of_known], time[of_known] / 60e6, gap_minutes, mode)
    return order, is_first


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
    labels, multi = table_labels(predictions), has_several_labels(predictions)
    order, is_first = _sort_into_events(predictions, gap_minutes, mode)
    used = ("clip_id", "site", "captured_at", "decision", "rule", "score", "labels", *(f"p_{x}" for x in labels))
    table = predictions[[c for c in used if c in predictions.columns]].iloc[order].reset_index(drop=True)
    table = table.assign(
        alerts=join_alerts(predictions).iloc[order].to_numpy(object), event=np.cumsum(is_first) - 1
    )
    first, last = np.flatnonzero(is_first), np.flatnonzero(np.append(is_first[1:], True)[: len(table)])
    p = table[[f"p_{x}" for x in labels]].to_numpy(np.float64)
    seen = _rank_named(table, multi=multi)
    said = _decide_events(table, first, seen, multi=multi)
    alerts = _rank_alerts(table, first, labels, p, said["decision"])
    event, n = table["event"].to_numpy(np.int64), len(first)
    joint = _aggregate_events(p, event, labels, config or CLIPS_OF_AN_EVENT, multi=multi)
    return pd.DataFrame(
        {
            "event_id": table["clip_id"].iloc[first].astype(str).to_numpy(object),
            "site": table["site"].iloc[first].to_numpy(object),
            "start": pd.to_datetime(table["captured_at"].iloc[first]).to_numpy(),
            "end": pd.to_datetime(table["captured_at"].iloc[last]).to_numpy(),
            "n_clips": np.bincount(event, minlength=n),
            "n_unreadable": np.bincount(event[~np.isfinite(p).all(axis=1)], minlength=n),
            **said,
            "alert": take_first(alerts, n),
            "alerts": join_names(alerts, n),
            "seen": join_as_json(seen, n),
            **({"labels": _list_named(seen, labels, said["rule"])} if multi else {}),
            **{f"p_{x}": joint[:, i] for i, x in enumerate(labels)},
            "clip_ids": join_as_json(table[["event", "clip_id"]].rename(columns={"clip_id": "name"}), n),
        }
    )


def _aggregate_events(
    p: Floats, event: Ints, labels: Sequence[str], config: AggregateConfig, *, multi: bool
) -> Floats:
    """Return the probabilities of each event, float64 [E, C], nan where no clip could be read.

    p: those of the clips, float64 [M, C]; event: int64 [M], increasing. Events with as many readable clips as each
    other are aggregated together.
    """
    i_empty = list(labels).index(EMPTY) if EMPTY in labels else None
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


def _rank_named(table: pd.DataFrame, *, multi: bool) -> pd.DataFrame:
    """Return the animals that the clips of each event name, and the `score` of each, the highest first."""
    clips = table[table["rule"].eq("species").to_numpy(bool)]
    clips = clips.sort_values("score", ascending=False, kind="stable")
    if not multi:
        return rank_names(
            clips["event"].to_numpy(), clips["decision"].astype(str), clips["score"].to_numpy(np.float64)
        )
    names = split_cells(clips["labels"].fillna(clips["decision"]))
    scores = np.zeros(len(names))
    for name in names.unique():
        is_it = (names == name).to_numpy(bool)
        scores[is_it] = table[f"p_{name}"].loc[names.index[is_it]]
    return rank_names(table["event"].loc[names.index].to_numpy(), names, scores, n_digits=6)


def _rank_alerts(
    table: pd.DataFrame, first: Ints, labels: Sequence[str], p: Floats, decision: Texts
) -> pd.DataFrame:
    """Return the alerts of the clips of each event, those other than its decision first, and then by strength."""
    names = split_cells(table["alerts"])
    event, code = table["event"].loc[names.index].to_numpy(), pd.Index(labels).get_indexer(pd.Index(names))
    strength = np.nan_to_num(np.fmax.reduceat(p, first, axis=0)) if len(first) else p
    is_other = names.to_numpy(object) != decision[event]
    return rank_names(event, names, np.round(strength[event, code], 6) + 2 * is_other)


def _list_named(seen: pd.DataFrame, labels: Sequence[str], rules: Texts) -> Texts:
    """Return the independent labels of each event, in the order of classes, joined; None where there is none."""
    by_class = seen.assign(i=pd.Index(labels).get_indexer(pd.Index(seen["name"]))).sort_values(["event", "i"])
    named = join_names(by_class[by_class["i"] >= 0], len(rules))
    return np.where((rules == "empty"), EMPTY, named)


def _decide_events(table: pd.DataFrame, first: Ints, seen: pd.DataFrame, *, multi: bool) -> dict[str, Any]:
    """Return decision, rule and score of each event, by the rules at the top of this module."""
    event, n = table["event"].to_numpy(np.int64), len(first)
    rule, score = table["rule"].astype(str).to_numpy(object), table["score"].to_numpy(np.float64)
    is_rolled, is_broken = rule == "rolled_up", rule == "none"
    n_seen, n_rolled, n_broken, n_unsure, n_clips = (
        np.bincount(of, minlength=n)
        for of in (seen["event"], event[is_rolled], event[is_broken], event[rule == "abstained"], event)
    )

    def find_highest(of: NDArray[np.bool_]) -> Floats:
        return np.maximum.reduceat(np.where(of, score, -np.inf), first) if n else score

    groups = table[is_rolled].drop_duplicates(["event", "decision"])
    is_one_group = (np.bincount(groups["event"], minlength=n) == 1) & (n_seen == 0)
    group = np.where(is_one_group, take_first(groups, n, "decision"), ANIMAL)
    named = n_seen > 0 if multi else n_seen == 1
    named_score = take_first(seen, n, "score").astype(np.float64)
    lowest = np.minimum.reduceat(score, first) if n else score
    rules: tuple[tuple[str, NDArray[np.bool_], Texts | str, Floats | float], ...] = (
        ("species", named, take_first(seen, n), named_score),
        ("rolled_up", n_seen + n_rolled > 0, group, find_highest(is_rolled | (rule == "species"))),
        ("none", n_broken == n_clips, UNREADABLE, np.nan),
        ("abstained", n_unsure + n_broken > 0, UNSURE, find_highest(~is_broken)),
    )
    holds = [x for _, x, _, _ in rules]
    return {
        "decision": np.select(
            holds, [np.full(n, x, object) if isinstance(x, str) else x for _, _, x, _ in rules], EMPTY
        ),
        "rule": np.select(holds, [np.full(n, x, object) for x, _, _, _ in rules], "empty"),
        "score": np.select(holds, [x for _, _, _, x in rules], lowest),
    }


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
    names = split_cells(clips["clip_id"].map(labels).reset_index(drop=True))
    names = names[~names.isin([EMPTY, ANIMAL, UNSURE, UNREADABLE])]
    known = clips[["clip_id", "site", "captured_at"]].iloc[names.index].assign(label=names.to_numpy(object))
    # Events are found for each animal alone, so that another animal does not end or prolong them.
    known = known.reset_index(drop=True)
    ids = [event_ids(part, gap_minutes=gap_minutes, mode=mode) for _, part in known.groupby("label")]
    known = known.assign(event_id=pd.concat(ids) if ids else pd.Series(dtype=object))
    counted = known.groupby(["site", "label"], dropna=False)["event_id"].nunique()
    return counted.rename("n").reset_index()
