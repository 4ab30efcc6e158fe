"""What a model does with an animal that it was never taught: scores of strangeness, and how well they tell.

A closed set of labels calls a boar something. The scores below are higher the less a clip looks like anything known; the
judgement asks whether they are higher for clips of left-out species than for clips of known animals. The first ones need
probabilities alone and are always to be had; `energy` and `class_mean` need the evidence of a run (`score.familiarity`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import entr

from leopardnet.core.columns import table_labels
from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import EMPTY
from leopardnet.metrics.bootstrap import SiteDraws, estimate_columns
from leopardnet.metrics.join_truth import join_truth
from leopardnet.metrics.ranking import Ranking, auroc
from leopardnet.score.familiarity import TOP_SHARE, clip_familiarity

Floats = NDArray[np.float64]
OTHER = ("other", "other_animal")
KNOWN_KEPT = 0.95


def strangeness(probs: Floats, labels: Sequence[str], *, familiar: pd.DataFrame | None = None) -> dict[str, Floats]:
    """Scores [M] by name, from calibrated probabilities [M, C] and, where there are any, M rows of `clip_familiarity`.

    - `msp`: 1 minus the largest probability.   - `entropy`: of all labels, in nats.
    - `which_animal`: 1 minus the largest share of one animal among the animals: it is something, but what?
    - `other`, `other_animal`: the probability of a label of that name, where the model has one.
    - `energy`: minus the energy.   - `class_mean`: 1 minus the cosine to the nearest animal's mean.

    >>> scores = strangeness(np.array([[0.7, 0.1, 0.2]]), ("leopard", "tiger", "empty"))
    >>> {name: round(float(s[0]), 3) for name, s in scores.items()}
    {'msp': 0.3, 'entropy': 0.802, 'which_animal': 0.125}
    """
    animals = np.array([i for i, name in enumerate(labels) if name != EMPTY])
    sums = probs[:, animals].sum(axis=1)
    scores = {
        "msp": 1 - probs.max(axis=1),
        "entropy": np.asarray(entr(probs).sum(axis=1), np.float64),
        "which_animal": 1 - np.divide(probs[:, animals].max(axis=1), sums, out=np.ones(len(probs)), where=sums > 0),
    }
    scores |= {name: probs[:, i] for i, name in enumerate(labels) if name in OTHER}
    if familiar is not None:
        cosines = familiar[[f"cos_{labels[i]}" for i in animals]].to_numpy(np.float64)
        scores |= {"energy": -familiar["energy"].to_numpy(np.float64), "class_mean": 1 - cosines.max(axis=1)}
    return {name: score for name, score in scores.items() if np.isfinite(score).all()}


def judge_strangeness(
    scores: Mapping[str, Floats],
    is_strange: NDArray[np.bool_],
    sites: pd.Series[str],
    *,
    n_boot: int = 1000,
    seed: int = 7,
) -> pd.DataFrame:
    """One row per score: `auroc` of strange against known clips with its interval, and `caught` with its interval.

    caught: the share of strange clips above the threshold that keeps 95 % of the known ones.
    """
    draws = SiteDraws.of(sites, n_boot=n_boot, seed=seed)
    rows = {}
    for name, score in scores.items():
        ranking = Ranking.of(-score, ~is_strange, draws.codes)  # the known ones must stay above the threshold
        value, drawn = (
            ranking.figures(np.ones(max(draws.n_sites, 1)), (KNOWN_KEPT,)),
            ranking.draws(draws.weights, (KNOWN_KEPT,)),
        )
        area = draws.share(auroc(score, is_strange), drawn[:, 0])
        caught = draws.share(float(value[2]), drawn[:, 2], n_clips=float(is_strange.sum()))
        columns = estimate_columns("auroc", [area]) | estimate_columns("caught", [caught])
        rows[name] = {key: float(values[0]) for key, values in columns.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("score")


def evaluate_novelty(
    predictions: pd.DataFrame,
    truth: pd.Series[str],
    outside: Sequence[str],
    *,
    evidence: pd.DataFrame | None = None,
    sites: pd.Series[str] | None = None,
    n_boot: int = 1000,
    seed: int = 7,
) -> pd.DataFrame:
    """`judge_strangeness` of a predictions table: clips of the species `outside`, against clips of known animals.

    evidence: the judged frames; without them, or where some have no such numbers, energy and class means have no part.
    Empty clips have no part: telling animals from nothing is another question. Raises ManifestError where no clip of a
    left-out species was predicted.
    """
    labels = table_labels(predictions)
    table = join_truth(predictions, truth, sites, outside=outside)
    probs = table[[f"p_{x}" for x in labels]].to_numpy(np.float64)
    is_strange = table["truth"].isin(list(outside)).to_numpy()
    use = np.isfinite(probs).all(axis=1) & (
        is_strange | (table["truth"].isin(labels) & (table["truth"] != EMPTY)).to_numpy()
    )
    if not (is_strange & use).any():
        raise ManifestError(
            "no clip shows a species that was left out",
            where="manifest, column label",
            found="none of " + ", ".join(outside),
            expected="labelled clips of these species among the predictions",
        )
    familiar = None
    if evidence is not None and len(evidence):
        familiar = clip_familiarity(evidence, labels, top_share=TOP_SHARE).reindex(table.loc[use, "clip_id"])
    scores = strangeness(probs[use], labels, familiar=familiar)
    return judge_strangeness(
        scores, is_strange[use], table["site"][use].reset_index(drop=True), n_boot=n_boot, seed=seed
    )
