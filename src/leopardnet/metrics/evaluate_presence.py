"""The evaluation of independent labels: for each one whether clips show it, and whether all of a clip is right.

Nothing here takes labels for exclusive. A label is said where its probability is a half or more, whatever the
thresholds of the model are; the decisions follow these. There is no single likeliest label, so there is no top-1
and no confusion matrix: `subset` counts the clips of which all labels are right, `wrong_names` which labels were
said of clips that do not show them, and `decisions` compares whole combinations.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from leopardnet.core.labels import ANIMAL, JOINER, UNREADABLE, UNSURE, join_presence
from leopardnet.metrics.bootstrap import Estimate, Floats, SiteDraws, estimate_columns
from leopardnet.metrics.clip_figures import add_rankings, common_figures, count_said, label_figures
from leopardnet.metrics.evaluation import NOTHING, Evaluation
from leopardnet.metrics.judges.label_choice import measure_information
from leopardnet.metrics.labelled_clips import Bools, LabelledClips, Texts
from leopardnet.metrics.measures import ratio
from leopardnet.metrics.reliability import Calibrated, bin_probabilities
from leopardnet.metrics.review import review_curves


def evaluate_presence(clips: LabelledClips, *, targets: Sequence[str], n_boot: int, seed: int) -> Evaluation:
    """Return the evaluation of clips with independent labels.

    As in `evaluate_clips`, an unreadable clip shows what it shows and is said to show nothing, and has no part in
    figures about probabilities. ECE and Brier of a label compare its probability with whether a clip shows it;
    those of the whole are the means over labels, Brier from 0 to 1. The confidence of a clip is that in its least
    certain label. The score of 'empty' is `score.decide.p_nothing`.

    >>> p = pd.DataFrame({"clip_id": ["a", "b"], "site": ["x", "y"], "decision": ["tiger", "empty"],
    ...                   "rule": ["species", "empty"], "labels": ["tiger + deer", "empty"], "p_tiger": [0.9, 0.2],
    ...                   "p_deer": [0.7, 0.1], "p_empty": [0.1, 0.8]})
    >>> clips = LabelledClips.from_tables(p, pd.Series({"a": "deer + tiger", "b": "empty"}))
    >>> evaluate_presence(clips, targets=(), n_boot=0, seed=7).subset
    Estimate(value=1.0, low=None, high=None)
    """
    labels, known = clips.labels, clips.select(clips.is_known)
    assert known.presence is not None, "clips of one label have another evaluation"
    readable, said, draws = known.is_readable, known.said, known.draw_sites(n_boot=n_boot, seed=seed)
    shows = known.presence[:, : len(labels)]
    per_site, drawn = count_said(said, shows, draws)
    counts = per_site.sum(axis=0)
    per_label, macro_f1 = label_figures(labels, per_site, drawn, draws, shows=shows, said=said)
    add_rankings(per_label, known, draws)
    probs = np.stack([known.score(x) for x in labels], axis=1)  # [M, C]
    bins, _ = bin_probabilities(probs, shows, readable, draws)
    ece, brier = _add_probability_errors(per_label, probs, shows, readable, draws)
    is_right = known.matches(said)
    sure = np.where(readable, np.maximum(probs, 1 - probs).min(axis=1), np.nan)
    coverage, review = review_curves(sure, ~is_right, draws)
    return Evaluation(
        top1=NOTHING,
        macro_f1=macro_f1,
        ece=ece,
        brier=brier,
        per_label=per_label,
        confusion=pd.DataFrame(),
        decisions=_count_combinations(clips),
        reliability=bins,
        prevalence={x: float(n / counts[0, 3]) for x, n in zip(labels, counts[:, 1], strict=True)},
        coverage=coverage,
        review=review,
        label_counts=counts * measure_information(draws.counts),
        label_draws=drawn,
        is_multi=True,
        subset=draws.estimate_mean(is_right.astype(np.float64)),
        wrong_names=_count_wrong_names(labels, said, shows),
        **common_figures(clips, known, targets, draws),
    )


def _add_probability_errors(
    per_label: pd.DataFrame, probs: Floats, shows: Bools, readable: Bools, draws: SiteDraws
) -> tuple[Estimate, Estimate]:
    """Add the columns of ECE and Brier of each label, and return their means."""
    errors, squares, n_labels = [], [], shows.shape[1]
    for i in range(n_labels):
        errors.append(bin_probabilities(probs[:, [i]], shows[:, [i]], readable, draws)[1])
        squares.append(np.where(readable, (probs[:, i] - shows[:, i]) ** 2, 0.0))
    total, drawn = draws.sum_columns(*squares, readable)
    brier, brier_drawn = total[:-1] / max(total[-1], 1), ratio(drawn[:, :-1], drawn[:, -1:])  # [C], [n_boot, C]
    found = {
        "ece": [error.estimate(draws) for error in errors],
        "brier": [draws.estimate(float(v), brier_drawn[:, i]) for i, v in enumerate(brier)],
    }
    for name, rows in found.items():
        for column, values in estimate_columns(name, rows).items():
            per_label[column] = values
    mean = Calibrated(
        float(np.mean([e.value for e in errors])),
        np.mean([e.drawn for e in errors], axis=0),
        float(np.mean([e.least for e in errors])),
        errors[0].sizes,
    )
    return mean.estimate(draws), draws.estimate(float(brier.mean()), brier_drawn.mean(axis=1))


def _count_wrong_names(labels: Sequence[str], said: Bools, shows: Bools) -> pd.DataFrame:
    """Return for the clips that show the label of a row, of how many the label of a column was wrongly said."""
    counts = shows.astype(np.int64).T @ (said & ~shows).astype(np.int64)
    return pd.DataFrame(counts, index=pd.Index(labels, name="truth"), columns=list(labels))


def _count_combinations(clips: LabelledClips) -> pd.DataFrame:
    """Return the clips per true combination of labels and decision; each clip counts once."""
    assert clips.named is not None, "clips of one label have another evaluation"
    names, truth = (*clips.labels, *clips.outside), clips.truth
    named = join_presence(clips.named, clips.labels)
    decisions: Texts = np.where(pd.notna(named), named, clips.decisions)
    order = {name: i for i, name in enumerate([*names, ANIMAL, UNSURE, UNREADABLE])}

    def place(text: str) -> tuple[int, list[int]]:
        parts = text.split(JOINER)
        return len(parts), [order.get(x, len(names)) for x in parts]

    labelled = clips.y >= 0
    table = pd.crosstab(truth[labelled].astype(str), decisions[labelled].astype(str))
    table = table.loc[sorted(table.index, key=place), sorted(table.columns, key=lambda x: (x in order, place(x)))]
    return pd.DataFrame(table.to_numpy(np.int64), pd.Index(table.index, name="truth"), list(table.columns))
