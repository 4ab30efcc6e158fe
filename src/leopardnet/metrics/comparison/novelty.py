"""Animals that the model was never taught: novelty scores, and how well they detect such animals.

A closed set of labels calls a boar something. Each score is higher the less a clip looks like anything known; the
evaluation asks whether it is higher for clips of species that were left out than for clips of known animals. The
first scores need probabilities alone; `energy` and `class_mean` need the evidence of a run (`score.familiarity`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import entr

from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import ANIMAL, EMPTY
from leopardnet.metrics.bootstrap import PER_SCORE, Floats, SiteDraws, estimate_row
from leopardnet.metrics.labelled_clips import Bools, LabelledClips
from leopardnet.metrics.ranking import Ranking, auroc
from leopardnet.score.familiarity import TOP_SHARE, clip_familiarity

OTHER = ("other", "other_animal")
KNOWN_RECALL = 0.95


def novelty_scores(
    probs: Floats, labels: Sequence[str], *, familiar: pd.DataFrame | None = None
) -> dict[str, Floats]:
    """Return scores [M] by name, from calibrated probabilities [M, C] and M rows of `clip_familiarity`.

    - `msp`: all but the largest probability.   - `entropy`: of all labels, in nats.
    - `which_animal`: the share of all animals but the likeliest among the animals: an animal, but which?
    - `other`, `other_animal`: the probability of a label of that name, where the model has one.
    - `energy`: minus the energy.   - `class_mean`: 1 minus the cosine to the nearest animal's mean.

    A score that some clips lack is left out.

    >>> scores = novelty_scores(np.array([[0.7, 0.1, 0.2]]), ("leopard", "tiger", "empty"))
    >>> {name: round(float(s[0]), 3) for name, s in scores.items()}
    {'msp': 0.3, 'entropy': 0.802, 'which_animal': 0.125}
    """
    animals = np.array([i for i, name in enumerate(labels) if name != EMPTY])
    sums = probs[:, animals].sum(axis=1)
    rest, rest_of_animals = (np.sort(p, axis=1)[:, :-1].sum(axis=1) for p in (probs, probs[:, animals]))
    scores = {
        "msp": rest,  # 1 - max is 0 for all clips whose largest probability rounds to 1
        "entropy": np.asarray(entr(probs).sum(axis=1), np.float64),
        "which_animal": np.divide(rest_of_animals, sums, out=np.zeros(len(probs)), where=sums > 0),
    }
    scores |= {name: probs[:, i] for i, name in enumerate(labels) if name in OTHER}
    if familiar is not None:
        cosines = familiar[[f"cos_{labels[i]}" for i in animals]].to_numpy(np.float64)
        scores |= {"energy": -familiar["energy"].to_numpy(np.float64), "class_mean": 1 - cosines.max(axis=1)}
    return {name: score for name, score in scores.items() if np.isfinite(score).all()}


def evaluate_novelty_scores(scores: Mapping[str, Floats], is_novel: Bools, draws: SiteDraws) -> pd.DataFrame:
    """Return one row per score, with intervals: `auroc` of novel against known clips, and `caught`.

    caught: the share of novel clips above the threshold that keeps 95 % of the known ones.
    """
    rows = {}
    for name, score in scores.items():
        ranking = Ranking.of(
            -score, ~is_novel, draws.codes, draws.counts
        )  # known clips must stay above the threshold
        value = ranking.measure(np.ones(max(draws.n_sites, 1)), (KNOWN_RECALL,))
        drawn = ranking.measure_draws(draws.weights, (KNOWN_RECALL,))
        novel = draws.count_events(is_novel)
        estimates = {
            "auroc": draws.estimate_share(
                auroc(score, is_novel, draws.counts), drawn[:, 0], sizes=novel, per_clip=PER_SCORE
            ),
            "caught": draws.estimate_share(float(value[2]), drawn[:, 2], sizes=novel),
        }
        rows[name] = estimate_row(estimates)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("score")


def evaluate_novelty(
    clips: LabelledClips, *, evidence: pd.DataFrame | None = None, n_boot: int = 1000, seed: int = 7
) -> pd.DataFrame:
    """Return `evaluate_novelty_scores` for clips of labels that the model was not taught, against known animals.

    evidence: the frames; without them, or where some lack the numbers, `energy` and `class_mean` are left out.
    Empty clips have no part: separating animals from nothing is another question. Raises ManifestError where no
    readable clip shows a label that was left out.
    """
    require_novel_clips(clips)
    chosen = clips.select(clips.is_readable & clips.shows(ANIMAL))
    familiar = None
    if evidence is not None and len(evidence):
        familiar = clip_familiarity(evidence, clips.labels, top_share=TOP_SHARE).reindex(chosen.clip_ids)
    scores = novelty_scores(chosen.probs, clips.labels, familiar=familiar)
    return evaluate_novelty_scores(scores, chosen.is_outside, chosen.draw_sites(n_boot=n_boot, seed=seed))


def require_novel_clips(clips: LabelledClips) -> None:
    """Raise ManifestError where no readable clip shows a label that the model was not taught."""
    if not (clips.is_outside & clips.is_readable).any():
        raise ManifestError(
            "no clip shows a species that was left out",
            where="manifest, column label",
            found="none of " + ", ".join(clips.outside),
            expected="labelled clips of these species among the predictions",
        )
