"""A head fitted to labelled clips, and what such heads say of clips of sites that taught them nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.bundle.head.linear_probe import N_FOLDS, compute_probe_weights, fit_probe
from leopardnet.core.settings.inference import AggregateConfig, DecideConfig
from leopardnet.data.splits.stratify import assign_groups
from leopardnet.hunt.feature_store import ClipFeatures
from leopardnet.hunt.taught_labels import TaughtLabels
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.score.aggregate import aggregate
from leopardnet.score.calibrate import Calibration, apply_calibration
from leopardnet.score.decide import decide_table

MIN_SITES, MIN_AUDIT = 5, 30  # fewer say nothing of other sites, and nothing of other clips
Head = tuple[NDArray[np.float64], NDArray[np.float64]]
Ints = NDArray[np.int64]


def fit_labels(taught: TaughtLabels, features: ClipFeatures, rows: Ints, *, c: float) -> Head:
    """Return weight [C, F] and bias [C] of a head that is fitted to the frames of these clips.

    rows: positions in `taught`. All labels weigh the same, and so do the clips of one label, however many frames
    they have. c: see `fit_head`.
    """
    frames, of = features.take_frames(taught.at[rows])
    table = pd.DataFrame({"label": taught.cells[rows]})
    weights = compute_probe_weights(table, multi=taught.labels.multi)[of] / np.bincount(of)[of]
    presence = taught.presence
    return fit_probe(
        frames[None],
        taught.y[rows][of],
        weights * len(of) / weights.sum(),
        taught.groups[rows][of],
        n_labels=len(taught.labels.labels),
        c=c,
        seed=0,
        shows=None if presence is None else presence[rows][of],
    )


@dataclass(frozen=True, eq=False)
class Judgement:
    """How heads of the same kind did on clips of sites that they had not seen; None where there are too few.

    how: in words, which clips these are.
    """

    evaluation: Evaluation | None
    how: str


def judge_labels(
    taught: TaughtLabels, features: ClipFeatures, *, c: float, aggregate_by: AggregateConfig
) -> Judgement:
    """Return the figures of heads that are fitted to the clips of other sites.

    Clips of the random sample alone judge where there are enough; otherwise all labelled clips do, which is said:
    people chose them, so the figures are not those of the footage.
    """
    n_sites = len({x for x in taught.sites if x is not None})
    n_audit = int(taught.is_audit.sum())
    if n_sites < MIN_SITES:
        return Judgement(
            None, f"No figures: they need labelled clips of at least {MIN_SITES} sites, and there are {n_sites}."
        )
    fold = _deal_folds(taught)
    probs = np.full((len(taught.y), len(taught.labels.labels)), np.nan, np.float32)
    for i in np.unique(fold):
        others, here = np.flatnonzero((fold != i) & ~taught.is_audit), np.flatnonzero(fold == i)
        if len(np.unique(taught.y[others])) > 1:
            head = fit_labels(taught, features, others, c=c)
            probs[here] = predict_clips(taught, features, here, head, aggregate_by)
    is_judged = np.isfinite(probs).all(axis=1)
    is_random = n_audit >= MIN_AUDIT
    use = np.flatnonzero(is_judged & (taught.is_audit | ~np.bool_(is_random)))
    if not len(use):
        return Judgement(None, "No figures: the labels are all of one site, or nearly.")
    facts = pd.DataFrame({"clip_id": taught.clip_ids[use], "site": taught.sites[use], "kind": taught.kinds[use]})
    table = decide_table(facts, probs[use], taught.labels.label_set(), DecideConfig(decides=False))
    truth = pd.Series(taught.cells[use], index=taught.clip_ids[use])
    clips = LabelledClips.from_tables(table, truth)
    which = (
        f"{len(use)} clips of a random sample, labelled without knowing what a model says"
        if is_random
        else f"{len(use)} clips that people chose to label or that were shown to them by score. They are no random "
        "sample, so the figures are not those of the footage"
    )
    how = (
        f"Cross-validation over sites: each clip was classified by a head that had seen none of its site. {which}."
    )
    return Judgement(evaluate_clips(clips, targets=taught.labels.targets), how)


def predict_clips(
    taught: TaughtLabels, features: ClipFeatures, rows: Ints, head: Head, aggregate_by: AggregateConfig
) -> NDArray[np.float32]:
    """Return the probabilities, float32 [n, C], that a head gives to these clips."""
    frames, of = features.take_frames(taught.at[rows])
    logits = (frames @ head[0].T + head[1]).astype(np.float32)
    labels = taught.labels.label_set()
    clip_logits = [
        aggregate(logits[of == i], aggregate_by, i_empty=labels.i_empty, multi=labels.multi)
        for i in range(len(rows))
    ]
    return apply_calibration(np.stack(clip_logits), Calibration(), multi=labels.multi)


def _deal_folds(taught: TaughtLabels) -> Ints:
    """Return the fold of each clip, int64 [M]; clips of one group are in one fold."""
    codes = np.unique(taught.groups, return_inverse=True)[1]
    n_folds = min(N_FOLDS, int(codes.max()) + 1)
    y = np.unique(taught.y, return_inverse=True)[1]
    return assign_groups(codes, y, shares=np.full(n_folds, 1 / n_folds), folds=True, seed=0)[codes]
