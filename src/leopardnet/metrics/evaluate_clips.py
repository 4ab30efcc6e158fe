"""The evaluation of labelled clips: tables of figures with intervals over sites."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from leopardnet.core.labels import ANIMAL, UNREADABLE, UNSURE
from leopardnet.metrics.bootstrap import Floats, SiteDraws
from leopardnet.metrics.clip_figures import add_rankings, common_figures, label_figures
from leopardnet.metrics.evaluate_presence import evaluate_presence
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.metrics.judges.label_choice import measure_information
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.metrics.measures import count_labels, ratio
from leopardnet.metrics.ranking import rank_clips
from leopardnet.metrics.reliability import brier, reliability
from leopardnet.metrics.review import review_curves


def evaluate_clips(
    clips: LabelledClips, *, targets: Sequence[str] = (), n_boot: int = 1000, seed: int = 7
) -> Evaluation:
    """Return the evaluation of labelled clips.

    The likeliest label of a clip is that of the largest probability, the first one at a tie. An unreadable clip
    counts as wrong for top-1 and recall, and has no part in AUROC, AUPRC, ECE and Brier, which measure
    probabilities; a filter of empty clips never removes it. ECE has 15 bins of equal mass on the top probability,
    Brier is summed over labels, from 0 to 2. A label that does not occur in a draw is left out of the macro F1 of
    that draw.

    Clips of independent labels are evaluated by `evaluate_presence`. Clips of labels that the model was not taught
    (`clips.outside`) have no right answer and no part in any figure; `decisions` shows what they were taken for.
    See `metrics.comparison.novelty`. Raises ManifestError where no clip has a label that the model knows.

    >>> p = pd.DataFrame({"clip_id": ["a", "b"], "site": ["x", "y"], "decision": ["tiger", "empty"],
    ...                   "rule": ["species", "empty"], "p_tiger": [0.9, 0.2], "p_empty": [0.1, 0.8]})
    >>> clips = LabelledClips.from_tables(p, pd.Series({"a": "tiger", "b": "empty"}))
    >>> evaluate_clips(clips, n_boot=0).top1
    Estimate(value=1.0, low=None, high=None)
    """
    clips.require_labels()
    if clips.presence is not None:
        return evaluate_presence(clips, targets=targets, n_boot=n_boot, seed=seed)
    labels, known = clips.labels, clips.select(clips.is_known)
    draws = known.draw_sites(n_boot=n_boot, seed=seed)
    confusions, drawn_confusions = _count_confusions(known, draws)
    confusion, drawn = confusions.sum(axis=0), count_labels(drawn_confusions)
    counts = count_labels(confusion)
    per_label, macro_f1 = label_figures(
        labels,
        count_labels(confusions),
        drawn,
        draws,
        shows=known.y[:, None] == np.arange(len(labels)),
        said=known.likeliest[:, None] == np.arange(len(labels)),
    )
    top1 = draws.estimate_share(
        float(counts[:, 0].sum() / counts[0, 3]),
        ratio(drawn[..., 0].sum(axis=-1), drawn[..., 1].sum(axis=-1)),
        sizes=draws.count_events(np.ones(len(known))),
    )
    add_rankings(per_label, known, draws)
    coverage, review = review_curves(
        np.max([rank_clips(known, x) for x in labels], axis=0), known.likeliest != known.y, draws
    )
    bins, ece = reliability(known, draws)
    return Evaluation(
        top1=top1,
        macro_f1=macro_f1,
        ece=ece,
        brier=brier(known, draws),
        per_label=per_label,
        confusion=_count_table(_count_clips(known), labels, [*labels, UNREADABLE]),
        decisions=_count_decisions(clips),
        reliability=bins,
        prevalence={x: float(n / counts[0, 3]) for x, n in zip(labels, counts[:, 1], strict=True)},
        coverage=coverage,
        review=review,
        label_counts=counts * measure_information(draws.counts),
        label_draws=drawn,
        **common_figures(clips, known, targets, draws),
    )


def _count_confusions(clips: LabelledClips, draws: SiteDraws) -> tuple[Floats, Floats]:
    """Return the confusion of each site, [S, C, C + 1], the last column for unreadable clips, and of each draw."""
    shape = (len(clips.labels), len(clips.labels) + 1)
    per_site = draws.sum_per_site(clips.y * shape[1] + clips.likeliest, shape[0] * shape[1])
    return per_site.reshape(-1, *shape), draws.redraw(per_site).reshape(-1, *shape)


def _count_clips(clips: LabelledClips) -> np.ndarray:
    shape = (len(clips.labels), len(clips.labels) + 1)
    return np.bincount(clips.y * shape[1] + clips.likeliest, minlength=shape[0] * shape[1]).reshape(shape)


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
