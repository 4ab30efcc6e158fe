"""The content of the sections of a report, as plain values for the templates."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import pandas as pd

from leopardnet.core.columns import has_several_labels, join_alerts
from leopardnet.core.labels import ANIMAL, UNREADABLE, UNSURE, say_blindness, split_labels
from leopardnet.core.language import cut_probability, translate
from leopardnet.metrics.comparison.review_order import mistakes, review_order, top_probability
from leopardnet.pages.palette import LabelStyle
from leopardnet.pages.table_rows import VISIBLE, number, text
from leopardnet.report.same_spots import Spots, keep_first_looks

MAX_CARDS = 12
MAX_UNSURE = 6
MAX_MISTAKES = 6
MAX_UNREADABLE = 50
MAX_SITES = 200
SURE = 0.95


@dataclass(frozen=True)
class Summary:
    """Counts over all clips, in display order. The days are None where no time is known.

    alerts: the clips by suspected target; n_alerts: those with any. n_dated: the clips of which the time is known.
    blind: why the model can suspect nothing, '' where it can.
    """

    n_clips: int
    kinds: dict[str, int]
    n_sites: int
    n_no_site: int
    statuses: dict[str, int]
    decisions: dict[str, int]
    alerts: dict[str, int]
    n_alerts: int
    first_day: date | None
    last_day: date | None
    n_dated: int = 0
    blind: str = ""


@dataclass(frozen=True)
class Card:
    """The values on a card.

    alerts: the suspected targets with their probabilities; probs: the probabilities that are large enough to draw;
    is_multi: the labels are independent, so their probabilities do not share one bar. likeliest: the label that the
    score of a clip without a decision belongs to, '' for other clips. n_same: the clips of its
    camera with a box at the same spot, itself included; 0 where that is nothing special.
    """

    clip_id: str
    path: str
    kind: str
    site: str
    decision: str
    status: str
    alerts: list[tuple[str, float]]
    score: float | None
    best_s: float | None
    probs: list[tuple[LabelStyle, float]]
    truth: str = ""
    is_multi: bool = False
    n_same: int = 0
    likeliest: str = ""


@dataclass(frozen=True)
class UnreadableClip:
    """A clip that could not be read, and the reason."""

    path: str
    site: str
    reason: str


@dataclass(frozen=True)
class Review:
    """The clips to review first. Each list is cut; the counts beside them are not.

    n_judged: suspected clips that people have judged already; they are not among the others.
    """

    alerts: list[Card]
    n_alerts: int
    n_judged: int
    unsure: list[Card]
    n_unsure: int
    unreadable: list[UnreadableClip]
    n_unreadable: int


@dataclass(frozen=True)
class SiteRow:
    """Counts of one site."""

    site: str
    n: int
    decisions: dict[str, int]
    n_alerts: int
    n_unreadable: int


@dataclass(frozen=True)
class SiteTable:
    """The largest sites, and the number of all sites."""

    rows: list[SiteRow]
    n_sites: int


@dataclass(frozen=True)
class CountCell:
    """A count and its share of the row, 0 to 1."""

    column: str
    n: int
    share: float


@dataclass(frozen=True)
class CountRow:
    """A row of counts and their sum."""

    name: str
    cells: list[CountCell]
    n: int


@dataclass(frozen=True)
class CountTable:
    """A table of counts."""

    columns: list[str]
    rows: list[CountRow]


def summarise_run(predictions: pd.DataFrame, styles: Sequence[LabelStyle]) -> Summary:
    """Count clips, kinds, sites, statuses, decisions and alerts of the whole run."""
    days = predictions["captured_at"].dropna()
    return Summary(
        n_clips=len(predictions),
        kinds=_count(predictions["kind"], ("video", "still", "burst")),
        n_sites=int(predictions["site"].nunique()),
        n_no_site=int(predictions["site"].isna().sum()),
        statuses=_count(predictions["status"], ("ok", "partial", UNREADABLE)),
        decisions=_count(predictions["decision"], _decision_order(predictions, styles)),
        alerts=_count(join_alerts(predictions).map(split_labels).explode().dropna(), [s.name for s in styles]),
        n_alerts=int(predictions["alert"].notna().sum()),
        first_day=days.min().date() if len(days) else None,
        last_day=days.max().date() if len(days) else None,
        n_dated=len(days),
        blind="" if any(s.is_target for s in styles) else say_blindness([s.name for s in styles]),
    )


def choose_review(
    predictions: pd.DataFrame,
    styles: Sequence[LabelStyle],
    *,
    hidden: Collection[str] = (),
    judged: Collection[str] = (),
    spots: Spots | None = None,
) -> Review:
    """Choose the clips that a person should review first: suspected targets, the least certain, the unreadable.

    The order is that of `review_order`. A clip with a top probability of 0.95 or more is not uncertain. hidden:
    clip_id of clips that are not shown for uncertainty alone; a suspected target has its card anyway, without its
    picture. judged: clip_id of clips that people have judged, which need no other look. spots: of
    `group_same_spots`: of clips with a box at one spot, only the first has a card, with the number of the others.
    """
    spots = spots or {}
    is_unreadable = predictions["status"] == UNREADABLE
    is_judged, is_suspected = predictions["clip_id"].isin(list(judged)), predictions["alert"].notna()
    ordered, unreadable = review_order(predictions[~is_unreadable & ~is_judged]), predictions[is_unreadable]
    is_alert = ordered["alert"].notna()
    is_unsure = ~is_alert & (top_probability(ordered) < SURE) & ~ordered["clip_id"].isin(list(hidden))
    return Review(
        alerts=make_cards(keep_first_looks(ordered[is_alert], spots).head(MAX_CARDS), styles, spots),
        n_alerts=int((is_suspected & ~is_judged).sum()),
        n_judged=int((is_suspected & is_judged).sum()),
        unsure=make_cards(keep_first_looks(ordered[is_unsure], spots).head(MAX_UNSURE), styles, spots),
        n_unsure=int(is_unsure.sum()),
        unreadable=[
            UnreadableClip(text(row["path"]), text(row["site"]), text(row["reason"]))
            for _, row in unreadable.head(MAX_UNREADABLE).iterrows()
        ],
        n_unreadable=len(unreadable),
    )


def choose_mistakes(predictions: pd.DataFrame, truth: pd.Series[str]) -> pd.DataFrame:
    """Return the worst wrong decisions that the page shows, in the order of `mistakes`."""
    return mistakes(predictions, truth).head(MAX_MISTAKES)


def make_mistake_cards(
    predictions: pd.DataFrame, truth: pd.Series[str] | None, styles: Sequence[LabelStyle]
) -> list[Card]:
    """Make cards of the worst wrong decisions, in the order of `mistakes`; none without `truth`."""
    if truth is None:
        return []
    worst = choose_mistakes(predictions, truth)
    return [
        replace(card, truth=str(label))
        for card, label in zip(make_cards(worst, styles), worst["truth"], strict=True)
    ]


def make_cards(clips: pd.DataFrame, styles: Sequence[LabelStyle], spots: Spots | None = None) -> list[Card]:
    """Make a card of each of these clips, rows of a predictions table. spots: of `group_same_spots`."""
    made, is_multi = [], has_several_labels(clips)
    for (_, row), alerts in zip(clips.iterrows(), join_alerts(clips).map(split_labels), strict=True):
        made.append(
            Card(
                **{name: text(row[name]) for name in ("clip_id", "path", "kind", "site", "decision", "status")},
                alerts=[(name, float(row[f"p_{name}"])) for name in alerts],
                score=None if pd.isna(row["score"]) else float(row["score"]),
                likeliest=_name_likeliest(row, styles) if row["decision"] == UNSURE else "",
                best_s=number(row["best_time_s"]),
                probs=[(s, float(row[f"p_{s.name}"])) for s in styles if is_multi or row[f"p_{s.name}"] >= VISIBLE],
                is_multi=is_multi,
                n_same=len((spots or {}).get(row["clip_id"], ())),
            )
        )
    return made


def _name_likeliest(row: pd.Series[Any], styles: Sequence[LabelStyle]) -> str:
    """Return the label of the highest probability, of equal ones the first, as the table of clips on the page."""
    return max(styles, key=lambda style: cut_probability(row[f"p_{style.name}"])).name


def count_by_site(
    predictions: pd.DataFrame, styles: Sequence[LabelStyle], *, judged: Collection[str] = ()
) -> SiteTable:
    """Count clips, decisions, alerts and unreadable clips by site, the largest site first; at most 200 sites.

    judged: clip_id of clips that people have judged, whose alerts are not counted.
    """
    is_open = predictions["alert"].notna() & ~predictions["clip_id"].isin(list(judged))
    order = _decision_order(predictions, styles)
    sites = predictions["site"].astype(object).where(predictions["site"].notna(), translate("(no site)"))
    rows = [
        SiteRow(
            site=str(site),
            n=len(clips),
            decisions=_count(clips["decision"], order),
            n_alerts=int(is_open[clips.index].sum()),
            n_unreadable=int((clips["status"] == UNREADABLE).sum()),
        )
        for site, clips in predictions.groupby(sites, sort=True)
    ]
    rows.sort(key=lambda row: -row.n)
    return SiteTable(rows[:MAX_SITES], len(rows))


def count_table(table: pd.DataFrame, *, skip_empty_rows: bool = False) -> CountTable:
    """Return a table of counts with the share of each cell in its row, for colouring."""
    rows = []
    for name, row in table.fillna(0).iterrows():
        total = float(row.sum())
        if skip_empty_rows and not total:
            continue
        cells = [CountCell(str(c), int(n), float(n) / total if total else 0.0) for c, n in row.items()]
        rows.append(CountRow(str(name), cells, int(total)))
    return CountTable([str(c) for c in table.columns], rows)


def _count(values: pd.Series[Any], order: Sequence[str]) -> dict[str, int]:
    """Count each value that occurs: those of `order` in this order, then all others by name."""
    n = values.value_counts()
    return {name: int(n[name]) for name in [*order, *sorted(set(n.index) - set(order))] if name in n.index}


def _decision_order(predictions: pd.DataFrame, styles: Sequence[LabelStyle]) -> list[str]:
    """Return the decisions in display order: animals, groups of animals, unsure, empty, unreadable."""
    animals, empty = [s.name for s in styles if not s.is_empty], [s.name for s in styles if s.is_empty]
    last = [ANIMAL, UNSURE, *empty, UNREADABLE]
    groups = sorted(set(predictions["decision"]) - {*animals, *last})
    return [*animals, *groups, *last]
