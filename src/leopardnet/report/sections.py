"""What stands in each section of a report, as plain values for the template."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from leopardnet.core.columns import table_labels
from leopardnet.report.palette import LabelStyle
from leopardnet.report.table_rows import number, text, verdicts

MAX_CARDS = 12
MAX_UNSURE = 6
MAX_MISTAKES = 6
MAX_UNREADABLE = 50
MAX_SITES = 200
SURE = 0.95


def summary(predictions: pd.DataFrame, styles: Sequence[LabelStyle]) -> dict[str, Any]:
    """Counts of the whole run: clips, kinds, sites, statuses, decisions in display order, alerts, first and last day."""
    days = predictions["captured_at"].dropna()
    return {
        "n_clips": len(predictions),
        "kinds": _counts(predictions["kind"], ("video", "still", "burst")),
        "n_sites": int(predictions["site"].nunique()),
        "n_no_site": int(predictions["site"].isna().sum()),
        "statuses": _counts(predictions["status"], ("ok", "partial", "unreadable")),
        "decisions": _counts(predictions["decision"], _decision_order(predictions, styles)),
        "alerts": _counts(predictions["alert"].dropna(), [s.name for s in styles]),
        "n_alerts": int(predictions["alert"].notna().sum()),
        "first_day": f"{days.min():%Y-%m-%d}" if len(days) else "",
        "last_day": f"{days.max():%Y-%m-%d}" if len(days) else "",
    }


def first_looks(
    predictions: pd.DataFrame, styles: Sequence[LabelStyle], *, hidden: Collection[str] = ()
) -> dict[str, Any]:
    """The clips that a person should see first: suspected targets, the least certain, the unreadable.

    Suspected targets come by falling probability of the target, the least certain by rising top probability (above
    0.95 nothing counts as uncertain). Each list is cut; the counts beside them are whole. hidden: clips that are not
    shown for uncertainty alone; a suspected target has its card all the same, without its picture.
    """
    order = by_interest(predictions)
    ordered = predictions.loc[order]
    is_alert = ordered["alert"].notna()
    unsure = ordered.index[~is_alert & (top_probability(ordered) < SURE) & ~ordered["clip_id"].isin(list(hidden))]
    broken = predictions[predictions["status"] == "unreadable"]
    return {
        "alerts": cards(predictions, ordered.index[is_alert][:MAX_CARDS], styles),
        "n_alerts": int(predictions["alert"].notna().sum()),
        "unsure": cards(predictions, unsure[:MAX_UNSURE], styles),
        "n_unsure": len(unsure),
        "unreadable": [
            {"path": text(row["path"]), "site": text(row["site"]), "reason": text(row["reason"])}
            for _, row in broken.head(MAX_UNREADABLE).iterrows()
        ],
        "n_unreadable": len(broken),
    }


def by_interest(predictions: pd.DataFrame) -> pd.Index[Any]:
    """The index of the readable clips: suspected targets by falling suspicion, then the rest, the least certain first."""
    readable = predictions[predictions["status"] != "unreadable"]
    suspicion = pd.Series(0.0, index=readable.index)
    for name, clips in readable.groupby("alert"):
        suspicion[clips.index] = clips[f"p_{name}"]
    keys = pd.DataFrame({"calm": readable["alert"].isna(), "trust": -suspicion, "top": top_probability(readable)})
    return keys.sort_values(["calm", "trust", "top"], kind="stable").index


def top_probability(predictions: pd.DataFrame) -> pd.Series[float]:
    """The largest probability of each clip; nan where nothing could be seen."""
    return predictions[[f"p_{name}" for name in table_labels(predictions)]].astype(float).max(axis=1)


def mistakes(
    predictions: pd.DataFrame, truth: pd.Series[str] | None, styles: Sequence[LabelStyle]
) -> list[dict[str, Any]]:
    """Cards of the worst wrong answers: animals that were called empty, then wrong labels, each by falling score."""
    if truth is None:
        return []
    true = predictions["clip_id"].map(truth)
    is_wrong = pd.Series(verdicts(predictions["decision"], true, styles), index=predictions.index) == "wrong"
    empty = {s.name for s in styles if s.is_empty}
    wrong = predictions[is_wrong]
    order = wrong.assign(not_lost=~wrong["decision"].isin(empty)).sort_values(
        ["not_lost", "score"], ascending=[True, False], kind="stable"
    )
    found = cards(predictions, order.index[:MAX_MISTAKES], styles)
    return [{**card, "truth": str(true[i])} for card, i in zip(found, order.index, strict=False)]


def by_site(predictions: pd.DataFrame, styles: Sequence[LabelStyle]) -> dict[str, Any]:
    """Clips, decisions, alerts and unreadable clips of each site, the largest site first; cut at 200 sites."""
    order = _decision_order(predictions, styles)
    sites = predictions["site"].astype(object).where(predictions["site"].notna(), "(no site)")
    rows: list[dict[str, Any]] = []
    for site, clips in predictions.groupby(sites, sort=True):
        rows.append(
            {
                "site": str(site),
                "n": len(clips),
                "decisions": _counts(clips["decision"], order),
                "n_alerts": int(clips["alert"].notna().sum()),
                "n_unreadable": int((clips["status"] == "unreadable").sum()),
            }
        )
    rows.sort(key=lambda row: -row["n"])
    return {"rows": rows[:MAX_SITES], "n_sites": len(rows)}


def count_table(table: pd.DataFrame, *, skip_empty_rows: bool = False) -> dict[str, Any]:
    """A table of counts with the share of each cell in its row, for colouring."""
    numbers = table.fillna(0)
    rows = []
    for name, row in numbers.iterrows():
        total = float(row.sum())
        if skip_empty_rows and not total:
            continue
        cells = [
            {"n": int(n), "share": float(n) / total if total else 0.0, "column": str(c)} for c, n in row.items()
        ]
        rows.append({"name": str(name), "cells": cells, "n": int(total)})
    return {"columns": [str(c) for c in table.columns], "rows": rows}


def facts(value: Any, *, prefix: str = "") -> list[tuple[str, str]]:
    """Any nest of mappings and lists as rows of name and text, in order.

    >>> facts({"size_px": 256, "crop": {"top": 0.0, "bottom": 0.06}, "tags": ["a", "b"]})
    [('size_px', '256'), ('crop.top', '0.0'), ('crop.bottom', '0.06'), ('tags', 'a, b')]
    """
    if isinstance(value, Mapping):
        return [
            row
            for key, inner in value.items()
            for row in facts(inner, prefix=f"{prefix}.{key}" if prefix else str(key))
        ]
    if isinstance(value, (list, tuple)):
        if any(isinstance(x, Mapping) for x in value):
            return [row for i, x in enumerate(value, 1) for row in facts(x, prefix=f"{prefix} {i}".strip())]
        return [(prefix, ", ".join(text(x) for x in value))]
    return [(prefix, text(value))]


def _counts(values: pd.Series[Any], order: Sequence[str]) -> dict[str, int]:
    """How often each value occurs, in this order, the values that occur not at all left out."""
    n = values.value_counts()
    return {name: int(n[name]) for name in [*order, *sorted(set(n.index) - set(order))] if name in n.index}


def _decision_order(predictions: pd.DataFrame, styles: Sequence[LabelStyle]) -> list[str]:
    """Animals, groups of animals, unsure, empty, unreadable: what needs eyes stands before what does not."""
    animals, empty = [s.name for s in styles if not s.is_empty], [s.name for s in styles if s.is_empty]
    last = ["animal", "unsure", *empty, "unreadable"]
    groups = sorted(set(predictions["decision"]) - {*animals, *last})
    return [*animals, *groups, *last]


def cards(predictions: pd.DataFrame, index: pd.Index[Any], styles: Sequence[LabelStyle]) -> list[dict[str, Any]]:
    """What a card shows of each of these clips."""
    shown = []
    for _, row in predictions.loc[list(index)].iterrows():
        alert = text(row["alert"])
        shown.append(
            {
                **{
                    name: text(row[name])
                    for name in ("clip_id", "path", "kind", "site", "decision", "status", "reason")
                },
                "alert": alert,
                "truth": "",
                "alert_p": number(row[f"p_{alert}"]) if alert else None,
                "score": number(row["score"]),
                "best_s": number(row["best_time_s"]),
                "probs": [(s, float(row[f"p_{s.name}"])) for s in styles if row[f"p_{s.name}"] >= 0.005],
            }
        )
    return shown
