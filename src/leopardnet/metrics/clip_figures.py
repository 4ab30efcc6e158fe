"""Figures of labelled clips that models of one label and of independent labels share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
import pandas as pd

from leopardnet.core.labels import ANIMAL
from leopardnet.metrics.bootstrap import (
    PER_SCORE,
    Estimate,
    Floats,
    SiteDraws,
    count_known,
    estimate_columns,
    estimate_row,
    interval_columns,
)
from leopardnet.metrics.guarantees.archive import Archive, find_archive, name_figures
from leopardnet.metrics.judges.label_choice import LabelChoice
from leopardnet.metrics.judges.taught_clips import TaughtClips
from leopardnet.metrics.labelled_clips import Bools, LabelledClips
from leopardnet.metrics.measures import (
    CORRELATION,
    correlate_wrong,
    count_independent,
    count_measures,
    lower_bound,
    ratio,
)
from leopardnet.metrics.ranking import Ranking, auroc, average_precision, rank_clips

RECALLS = (
    0.8,
    0.85,
    0.9,
    0.92,
    0.94,
    0.95,
    0.96,
    0.97,
    0.98,
    0.99,
    1.0,
)  # of animals, when empty clips are removed


class CommonFigures(TypedDict):
    """The fields of an `Evaluation` that mean the same whether labels exclude each other or not."""

    n_clips: int
    n_unreadable: int
    n_without_label: int
    n_without_prediction: int
    n_copies: int
    n_sites: int
    n_without_site: int
    archive: Archive | None
    names: pd.DataFrame
    taught: TaughtClips
    choice: LabelChoice
    target_lost: dict[str, int]
    presence_auroc: Estimate
    answered: Estimate
    answered_right: Estimate
    targets: pd.DataFrame
    empties: pd.DataFrame


def common_figures(
    clips: LabelledClips, known: LabelledClips, targets: Sequence[str], draws: SiteDraws
) -> CommonFigures:
    """Return the figures that need no confusion of labels. known: the clips with a label; draws: of their sites."""
    empties, presence = empty_filter(known, draws)
    answered, answered_right = answer_shares(known, draws)
    return CommonFigures(
        n_clips=len(known),
        n_unreadable=int((~known.is_readable).sum()),
        n_without_label=int((clips.y < 0).sum()),
        n_without_prediction=clips.n_without_prediction,
        n_copies=clips.n_copies,
        n_sites=count_known(known.sites),
        n_without_site=sum(site is None for site in known.sites),
        # Clips that taught the model, or that a score put first, say nothing about what is lost elsewhere.
        archive=None
        if (clips.taught.are_counted and clips.taught) or clips.choice.basis == "chosen"
        else find_archive(clips, known, targets, draws),
        names=name_figures(known, draws),
        taught=clips.taught,
        choice=clips.choice,
        target_lost={x: int((known.shows(x) & (known.rules == "empty")).sum()) for x in targets},
        presence_auroc=presence,
        answered=answered,
        answered_right=answered_right,
        targets=target_figures(known, targets, draws),
        empties=empties,
    )


def label_figures(
    labels: Sequence[str], per_site: Floats, drawn: Floats, draws: SiteDraws, *, shows: Bools, said: Bools
) -> tuple[pd.DataFrame, Estimate]:
    """Return the figures per label, and macro F1, from counts as of `count_labels`.

    per_site: those of each site, [S, C, 4]; drawn: those of each draw, [n_boot, C, 4]. shows, said: bool [M, C], of
    the clips that the counts are of.
    """
    counts = per_site.sum(axis=0)
    value, of_draws = count_measures(counts), count_measures(drawn)
    support = counts[:, 1]
    shown, named = (np.stack([draws.count_events(x) for x in of.T], axis=1) for of in (shows, said))  # [S, C]
    # Shares of so many events. A measure that may be negative needs `draws.estimate` instead.
    events_of = {"precision": named, "recall": shown, "f1": (shown + named) / 2}
    n = shown.sum(axis=0)
    columns = {
        "support": shows.sum(axis=0),
        "n_events": np.array([draws.n_events(x) for x in shows.T]),
        "recall_at_least": lower_bound(value["recall"] * n, n),
    }
    for measure, n in events_of.items():
        rows = []
        for i, v in enumerate(value[measure]):
            correlation = correlate_wrong(v) if measure == "precision" else CORRELATION
            rows.append(draws.estimate_share(v, of_draws[measure][:, i], sizes=n[:, i], correlation=correlation))
        columns |= estimate_columns(measure, rows)
    table = pd.DataFrame(columns, index=pd.Index(labels, name="label"))
    # Macro F1 is a mean of labels, of which the rarest is known least, and all mistakes may be of that one.
    known = [count_independent(x) for x in shown.T[support > 0]]
    n_clips = len(known) * min(known, default=0.0)
    n_sites = int(np.count_nonzero(shown.any(axis=1)))
    macro, drawn_macro = float(value["macro_f1"]), of_draws["macro_f1"]
    return table, draws.estimate_fraction(macro, drawn_macro, n_sites=n_sites, n_clips=n_clips)


def count_said(said: Bools, shows: Bools, draws: SiteDraws) -> tuple[Floats, Floats]:
    """Return counts as of `count_labels`, of each site, [S, C, 4], and of each draw, [n_boot, C, 4].

    said, shows: bool [M, C], the labels that are said of each clip, and those that it shows.
    """
    columns = [x[:, i] for i in range(shows.shape[1]) for x in (said & shows, shows, said, np.ones_like(said))]
    per_site = np.stack([draws.count_clips(x) for x in columns], axis=1)
    shape = (-1, shows.shape[1], 4)
    return per_site.reshape(shape), draws.redraw(per_site).reshape(shape)


def add_rankings(per_label: pd.DataFrame, clips: LabelledClips, draws: SiteDraws) -> None:
    """Add the columns of AUROC and AUPRC, which rank the readable clips.

    What is known of a rare label is known from the sites that hold it.
    """
    readable = clips.is_readable
    rows: dict[str, list[Estimate]] = {"auroc": [], "auprc": []}
    for i in range(len(per_label)):
        label = clips.labels[i]
        score, is_positive = rank_clips(clips, label)[readable], clips.shows(label)[readable]
        counts = None if draws.counts is None else draws.counts[readable]
        ranking = Ranking.of(score, is_positive, draws.codes[readable], counts)
        drawn = ranking.measure_draws(draws.weights)  # [n_boot, 2]
        area, shows = auroc(score, is_positive, counts), clips.shows(label)
        rows["auroc"].append(_estimate_auroc(draws, area, drawn[:, 0], shows & readable, ~shows & readable))
        sizes = draws.count_events(shows & readable)
        area = average_precision(score, is_positive, counts)
        rows["auprc"].append(
            draws.estimate_share(area, drawn[:, 1], sizes=sizes, correlation=correlate_wrong(area))
        )
    for name, found in rows.items():
        for column, values in estimate_columns(name, found).items():
            per_label[column] = values


def _estimate_auroc(draws: SiteDraws, value: float, drawn: Floats, positives: Bools, negatives: Bools) -> Estimate:
    """Return an AUROC, known from the fewer of its clips, each ranked among the others; positives: bool [M]."""
    few, others = sorted((positives, negatives), key=np.count_nonzero)
    per_clip = min(PER_SCORE, int(np.count_nonzero(others)))
    return draws.estimate_share(value, drawn, sizes=draws.count_events(few), per_clip=per_clip)


def empty_filter(clips: LabelledClips, draws: SiteDraws) -> tuple[pd.DataFrame, Estimate]:
    """Return the empty clips that a filter on `p_empty` removes at each recall of animals, and AUROC of animals."""
    if clips.i_empty is None:
        return pd.DataFrame(columns=["recall", *interval_columns("removed")]), Estimate(float("nan"))
    readable, is_animal = clips.is_readable, clips.shows(ANIMAL)
    # An unreadable clip is never removed.
    score = np.where(readable, rank_clips(clips, ANIMAL), np.inf)
    ranking = Ranking.of(score, is_animal, draws.codes, draws.counts)
    value = ranking.measure(np.ones(max(draws.n_sites, 1)), RECALLS)
    drawn = ranking.measure_draws(draws.weights, RECALLS)
    empty = draws.count_events(~is_animal)
    rows = [draws.estimate_share(value[2 + k], drawn[:, 2 + k], sizes=empty) for k in range(len(RECALLS))]
    table = pd.DataFrame({"recall": RECALLS, **estimate_columns("removed", rows)})
    counts = None if draws.counts is None else draws.counts[readable]
    area, areas = auroc(score[readable], is_animal[readable], counts), drawn[:, 0]
    if not readable.all():
        read = Ranking.of(score[readable], is_animal[readable], draws.codes[readable], counts)
        areas = read.measure_draws(draws.weights)[:, 0]
    return table, _estimate_auroc(draws, area, areas, is_animal & readable, ~is_animal & readable)


def answer_shares(clips: LabelledClips, draws: SiteDraws) -> tuple[Estimate, Estimate]:
    """Return the share of clips whose decision is a label, and the share of these whose decision is right."""
    has_label = (clips.rules == "species") | (clips.rules == "empty")
    is_right = has_label & (clips.decisions == clips.truth if clips.named is None else clips.matches(clips.named))
    total, drawn = draws.sum_columns(np.ones(len(clips)), has_label, is_right)  # [3], [n_boot, 3]
    first, second = (
        draws.estimate_share(
            float(ratio(total[[a]], total[[b]])[0]), ratio(drawn[:, a], drawn[:, b]), sizes=draws.count_events(of)
        )
        for a, b, of in ((1, 0, np.ones(len(clips))), (2, 1, has_label))
    )
    return first, second


def target_figures(clips: LabelledClips, targets: Sequence[str], draws: SiteDraws) -> pd.DataFrame:
    """Return for each target what a person finds who reviews the clips shown for it, and how many these are.

    shown: clips whose decision or an alert is the target; found: those of them that show it; lost: clips of it that
    were called empty. `looks` is shown / found.
    """
    rows = []
    for name in targets:
        is_it = clips.shows(name)
        is_shown = clips.names(name) | clips.alerts[:, clips.labels.index(name)]
        total, drawn = draws.sum_columns(is_it, is_shown, is_it & is_shown, is_it & (clips.rules == "empty"))
        n, n_shown, n_lost = (int(x.sum()) for x in (is_it, is_shown, is_it & (clips.rules == "empty")))
        found, looks = ratio(total[[2, 1]], total[[0, 2]])
        events = draws.count_events(is_it)
        estimates = {
            "found": draws.estimate_share(float(found), ratio(drawn[:, 2], drawn[:, 0]), sizes=events),
            "looks": draws.estimate(float(looks), ratio(drawn[:, 1], drawn[:, 2])),
        }
        counts = {"support": n, "shown": n_shown, "lost": n_lost}
        at_least = float(lower_bound(found * events.sum(), events.sum()))
        rows.append({"target": name, **counts, "found_at_least": at_least, **estimate_row(estimates)})
    figures = [c for name in ("found", "looks") for c in interval_columns(name)]
    columns = ["target", "support", "shown", "lost", "found_at_least", *figures]
    return pd.DataFrame(rows, columns=columns).set_index("target")
