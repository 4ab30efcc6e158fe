"""The evaluation of labelled clips: tables of figures with intervals over sites."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from leopardnet.core.labels import ANIMAL
from leopardnet.metrics.bootstrap import (
    Estimate,
    Floats,
    SiteDraws,
    count_effective_sites,
    count_independent,
    estimate_columns,
    estimate_row,
    estimate_share,
    interval_columns,
)
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.metrics.labelled_clips import Bools, LabelledClips
from leopardnet.metrics.measures import label_measures, lower_bound, ratio
from leopardnet.metrics.ranking import Ranking, auroc, average_precision
from leopardnet.metrics.reliability import brier, reliability
from leopardnet.metrics.review import review_curves
from leopardnet.score.decide import UNREADABLE, UNSURE

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


def evaluate_clips(
    clips: LabelledClips, *, targets: Sequence[str] = (), n_boot: int = 1000, seed: int = 7
) -> Evaluation:
    """Return the evaluation of labelled clips.

    The likeliest label of a clip is that of the largest probability, the first one at a tie. An unreadable clip
    counts as wrong for top-1 and recall, and has no part in AUROC, AUPRC, ECE and Brier, which measure
    probabilities; a filter of empty clips never removes it. ECE has 15 bins of equal mass on the top probability,
    Brier is summed over labels, from 0 to 2. A label that does not occur in a draw is left out of the macro F1 of
    that draw.

    Clips of labels that the model was not taught (`clips.outside`) have no right answer and no part in any figure;
    `decisions` shows what they were taken for. See `metrics.comparison.novelty`. Raises ManifestError where no clip
    has a label that the model knows.

    >>> p = pd.DataFrame({"clip_id": ["a", "b"], "site": ["x", "y"], "decision": ["tiger", "empty"],
    ...                   "rule": ["species", "empty"], "p_tiger": [0.9, 0.2], "p_empty": [0.1, 0.8]})
    >>> clips = LabelledClips.from_tables(p, pd.Series({"a": "tiger", "b": "empty"}))
    >>> evaluate_clips(clips, n_boot=0).top1
    Estimate(value=1.0, low=None, high=None)
    """
    clips.require_labels()
    labels, known = clips.labels, clips.select(clips.is_known)
    readable, n_of = known.is_readable, np.bincount(known.y, minlength=len(labels))
    draws = known.draw_sites(n_boot=n_boot, seed=seed)
    n_columns = len(labels) + 1  # the last one is for unreadable clips
    confusion = draws.sum_per_site(known.y * n_columns + known.likeliest, len(labels) * n_columns)
    per_label, macro_f1, top1, drawn = _label_figures(labels, confusion, draws)
    _add_rankings(per_label, known, draws)
    empties, presence = _empty_filter(known, draws)
    coverage, review = review_curves(
        np.where(readable, known.probs.max(axis=1), np.nan), known.likeliest != known.y, draws
    )
    answered, answered_right = _answer_shares(known, draws)
    bins, ece = reliability(known, draws)
    is_empty = known.rules == "empty"
    return Evaluation(
        n_clips=len(known),
        n_unreadable=int((~readable).sum()),
        n_without_label=int((clips.y < 0).sum()),
        n_without_prediction=clips.n_without_prediction,
        n_sites=draws.n_sites,
        top1=top1,
        macro_f1=macro_f1,
        ece=ece,
        brier=brier(known, draws),
        per_label=per_label,
        confusion=_count_table(confusion.sum(axis=0).reshape(len(labels), -1), labels, [*labels, UNREADABLE]),
        decisions=_count_decisions(clips),
        reliability=bins,
        prevalence={x: float(n / len(known)) for x, n in zip(labels, n_of, strict=True)},
        target_lost={x: int((known.shows(x) & is_empty).sum()) for x in targets},
        presence_auroc=presence,
        answered=answered,
        answered_right=answered_right,
        targets=_target_figures(known, targets, draws),
        empties=empties,
        coverage=coverage,
        review=review,
        confusion_draws=drawn,
    )


def _label_figures(
    labels: Sequence[str], per_site: Floats, draws: SiteDraws
) -> tuple[pd.DataFrame, Estimate, Estimate, Floats]:
    """Return the figures per label, macro F1, top-1, and the confusion of each draw, float64 [n_boot, C, C + 1]."""
    shape = (len(labels), len(labels) + 1)
    by_site = per_site.reshape(-1, *shape)
    total = by_site.sum(axis=0)
    value = label_measures(total)
    redrawn = draws.redraw(per_site).reshape(-1, *shape)
    drawn = label_measures(redrawn)
    shown, named = by_site.sum(axis=2), by_site[:, :, : len(labels)].sum(axis=1)  # [S, C]
    support = shown.sum(axis=0)
    # Shares of so many clips. A measure that may be negative needs `draws.estimate` instead.
    clips_of = {"precision": named, "recall": shown, "f1": (shown + named) / 2}
    at_least = lower_bound(np.diagonal(total), support)
    columns = {"support": support.astype(np.int64), "recall_at_least": at_least}
    for measure, n in clips_of.items():
        rows = [draws.estimate_share(v, drawn[measure][:, i], sizes=n[:, i]) for i, v in enumerate(value[measure])]
        columns |= estimate_columns(measure, rows)
    table = pd.DataFrame(columns, index=pd.Index(labels, name="label"))
    macro_f1 = _estimate_macro(float(value["macro_f1"]), drawn["macro_f1"], drawn["f1"], shown)
    top1 = draws.estimate_share(float(value["top1"]), drawn["top1"], sizes=by_site.sum(axis=(1, 2)))
    return table, macro_f1, top1, redrawn


def _estimate_macro(value: float, drawn: Floats, drawn_f1: Floats, shown: Floats) -> Estimate:
    """Return macro F1 with its interval; drawn_f1: [n_boot, C]; shown: clips of each label per site, [S, C].

    It is a mean of labels, of which a rare one is known from few sites: t has the degrees of freedom of
    Satterthwaite (1946). Where nothing is wrong no draw is wrong; then the clips of the rarest label give the
    interval.
    """
    held = shown[:, shown.sum(axis=0) > 0]
    rarest = held[:, held.sum(axis=0).argmin()]
    if value == 1:
        return estimate_share(value, drawn, int(np.count_nonzero(rarest)), n_clips=count_independent(rarest))
    n_sites = np.array([count_effective_sites(x) for x in shown.T])
    spread = np.array([np.var(x[np.isfinite(x)]) if np.isfinite(x).any() else 0.0 for x in drawn_f1.T])
    freedom = spread.sum() ** 2 / max((spread**2 / np.maximum(n_sites - 1, 1)).sum(), np.finfo(float).tiny)
    return estimate_share(value, drawn, min(1 + float(freedom), len(shown)))


def _add_rankings(per_label: pd.DataFrame, clips: LabelledClips, draws: SiteDraws) -> None:
    """Add the columns of AUROC and AUPRC, which rank the readable clips."""
    readable = clips.is_readable
    rows: dict[str, list[Estimate]] = {"auroc": [], "auprc": []}
    for i in range(len(per_label)):
        score, is_positive = clips.probs[readable, i], clips.y[readable] == i
        drawn = Ranking.of(score, is_positive, draws.codes[readable]).measure_draws(draws.weights)  # [n_boot, 2]
        rows["auroc"].append(
            _estimate_ranking(draws, auroc(score, is_positive), drawn[:, 0], is_positive, readable)
        )
        area = average_precision(score, is_positive)
        rows["auprc"].append(_estimate_ranking(draws, area, drawn[:, 1], is_positive, readable))
    for name, found in rows.items():
        for column, values in estimate_columns(name, found).items():
            per_label[column] = values


def _estimate_ranking(
    draws: SiteDraws, value: float, drawn: Floats, is_positive: Bools, readable: Bools
) -> Estimate:
    """Return a figure of a ranking of readable clips; is_positive: bool, one per readable clip.

    What is known of a rare label is known from the sites that hold it.
    """
    holds = np.zeros(len(readable), bool)
    holds[readable] = is_positive
    return draws.estimate_ranking(value, drawn, draws.count_clips(holds))


def _empty_filter(clips: LabelledClips, draws: SiteDraws) -> tuple[pd.DataFrame, Estimate]:
    """Return the empty clips that a filter on `p_empty` removes at each recall of animals, and AUROC of animals."""
    if clips.i_empty is None:
        return pd.DataFrame(columns=["recall", *interval_columns("removed")]), Estimate(float("nan"))
    readable, is_animal = clips.is_readable, clips.y != clips.i_empty
    # An unreadable clip is never removed.
    score = np.where(readable, 1 - clips.probs[:, clips.i_empty], 2.0)
    ranking = Ranking.of(score, is_animal, draws.codes)
    value = ranking.measure(np.ones(max(draws.n_sites, 1)), RECALLS)
    drawn = ranking.measure_draws(draws.weights, RECALLS)
    empty = draws.count_clips(~is_animal)
    rows = [draws.estimate_share(value[2 + k], drawn[:, 2 + k], sizes=empty) for k in range(len(RECALLS))]
    table = pd.DataFrame({"recall": RECALLS, **estimate_columns("removed", rows)})
    read = Ranking.of(score[readable], is_animal[readable], draws.codes[readable])
    area = auroc(score[readable], is_animal[readable])
    presence = _estimate_ranking(
        draws, area, read.measure_draws(draws.weights)[:, 0], is_animal[readable], readable
    )
    return table, presence


def _answer_shares(clips: LabelledClips, draws: SiteDraws) -> tuple[Estimate, Estimate]:
    """Return the share of clips whose decision is a label, and the share of these whose decision is right."""
    has_label = (clips.rules == "species") | (clips.rules == "empty")
    is_right = has_label & (clips.decisions == clips.truth)
    total, drawn = draws.sum_columns(np.ones(len(clips)), has_label, is_right)  # [3], [n_boot, 3]
    first, second = (
        draws.estimate_share(
            float(ratio(total[[a]], total[[b]])[0]), ratio(drawn[:, a], drawn[:, b]), sizes=draws.count_clips(of)
        )
        for a, b, of in ((1, 0, np.ones(len(clips))), (2, 1, has_label))
    )
    return first, second


def _target_figures(clips: LabelledClips, targets: Sequence[str], draws: SiteDraws) -> pd.DataFrame:
    """Return for each target what a person finds who reviews the clips shown for it, and how many these are.

    shown: clips whose decision or alert is the target; found: those of them that show it; lost: clips of it that
    were called empty. `looks` is shown / found.
    """
    rows = []
    for name in targets:
        is_it = clips.shows(name)
        is_shown = (clips.decisions == name) | (clips.alerts == name)
        total, drawn = draws.sum_columns(is_it, is_shown, is_it & is_shown, is_it & (clips.rules == "empty"))
        n, n_shown, n_found, n_lost = total
        found, looks = ratio(total[[2, 1]], total[[0, 2]])
        estimates = {
            "found": draws.estimate_share(
                float(found), ratio(drawn[:, 2], drawn[:, 0]), sizes=draws.count_clips(is_it)
            ),
            "looks": draws.estimate(float(looks), ratio(drawn[:, 1], drawn[:, 2])),
        }
        counts = {"support": int(n), "shown": int(n_shown), "lost": int(n_lost)}
        at_least = float(lower_bound(n_found, n))
        rows.append({"target": name, **counts, "found_at_least": at_least, **estimate_row(estimates)})
    figures = [c for name in ("found", "looks") for c in interval_columns(name)]
    columns = ["target", "support", "shown", "lost", "found_at_least", *figures]
    return pd.DataFrame(rows, columns=columns).set_index("target")


def _count_decisions(clips: LabelledClips) -> pd.DataFrame:
    """Return the clips per true label and decision, those of labels that the model was not taught included."""
    rows, last = [*clips.labels, *clips.outside], [ANIMAL, UNSURE, UNREADABLE]
    codes, names = pd.factorize(clips.decisions[clips.y >= 0].astype(str))
    counts = np.bincount(clips.y[clips.y >= 0] * len(names) + codes, minlength=len(rows) * len(names))
    table = pd.DataFrame(counts.reshape(len(rows), -1), rows, names)
    groups = sorted(set(names) - {*clips.labels, *last})  # parents other than 'animal'
    columns = [*clips.labels, *groups, *last]
    return _count_table(table.reindex(columns=columns, fill_value=0).to_numpy(), rows, columns)


def _count_table(values: Floats | np.ndarray, index: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(values.astype(np.int64), index=pd.Index(index, name="truth"), columns=list(columns))
