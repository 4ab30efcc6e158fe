"""From calibrated probabilities to the decision on a clip, by the first rule that applies.

1. `none`      no frame could be decoded: 'unreadable'.
2. `species`   the likeliest animal reaches `species`, and `among` as a share of all animals: its label.
3. `empty`     empty reaches `empty`, no target reaches `alert`, and all animals together do not reach
               `never_empty`: the empty label.
4. `rolled_up` the animals of one parent, or else all animals, together reach `animal`: that parent, or 'animal'.
5. `abstained` otherwise: 'unsure'.

Where the settings do not decide (`decides`), as in a model without a promise that was made in review, every clip
that could be decoded is 'unsure'; alerts are given all the same. A clip in which a target reaches `alert` is never
empty. `never_empty` is for thresholds so near to 0 that the
probability of empty rounds to 1: those of the animals still differ there (1e-9 against 1e-20). Where labels are
independent (`LabelSet.multi`), rule 2 names every animal that reaches `species` and the decision is the likeliest
of them; `among` does not apply; and rule 3 also asks that no animal contradicts the empty label (see `p_nothing`).
Thresholds are compared in float32, the precision of the probabilities, so that a probability of 0.7 reaches a
threshold of 0.7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leopardnet.core.labels import ANIMAL, JOINER, UNREADABLE, UNSURE, LabelSet
from leopardnet.core.settings.inference import DecideConfig
from leopardnet.core.types import Decision, Rule

if TYPE_CHECKING:
    import pandas as pd

RULES: dict[Rule, str] = {
    "none": "no frame could be decoded",
    "species": "the likeliest animal is likely enough to be named",
    "empty": "empty is likely enough, and no target species is suspected",
    "rolled_up": "an animal is likely enough, but which one is not",
    "abstained": "no rule above applies",
}
"""Each rule in words, in the order in which they are tried."""


def decide(probs: NDArray[np.float32] | None, labels: LabelSet, thresholds: DecideConfig) -> Decision:
    """Return the decision on a clip by the rules at the top of this module.

    probs: float32 [C], calibrated, or None for a clip that could not be decoded (score nan). The score is the
    probability of the label, or of all animals rolled up; for 'unsure' it is the highest probability. Of labels
    with equal probabilities, to six decimals, the first is taken. Raises ValueError for a wrong shape or for nan.

    >>> from leopardnet.core.labels import Label
    >>> amur = LabelSet((Label("leopard"), Label("tiger"), Label("empty")), targets=("leopard",))
    >>> decide(np.array([0.4, 0.3, 0.3], np.float32), amur, DecideConfig())
    Decision(label='animal', score=0.7, rule='rolled_up')
    """
    if probs is None:
        return Decision(UNREADABLE, float("nan"), "none")
    p = _check_probs(probs, labels)
    if not thresholds.decides:
        return Decision(UNSURE, _score(p.max()), "abstained")
    i_animals = [i for i in range(len(labels)) if i != labels.i_empty]

    i_top = max(i_animals, key=lambda i: _score(float(p[i])))
    is_enough = labels.multi or reaches(p[i_top], thresholds.among * p[i_animals].sum())
    if reaches(p[i_top], thresholds.species) and is_enough:
        return Decision(labels.names[i_top], _score(p[i_top]), "species")

    if labels.empty is not None and not find_alerts(probs, labels, thresholds):
        i_empty = labels.index(labels.empty)
        is_something = reaches(p_something(p, i_empty, multi=labels.multi), thresholds.never_empty)
        p_empty = float(p_nothing(p, i_empty) if labels.multi else p[i_empty])
        if reaches(p_empty, thresholds.empty) and not is_something:
            return Decision(labels.empty, _score(p_empty), "empty")

    for group, members in _groups(labels, i_animals).items():
        p_group = p_of_any(p, members, labels, group=group) if labels.multi else p[members].sum()
        if reaches(p_group, thresholds.animal):
            return Decision(group, _score(p_group), "rolled_up")

    return Decision(UNSURE, _score(p.max()), "abstained")


def name_all(probs: NDArray[np.float32] | None, labels: LabelSet, thresholds: DecideConfig) -> tuple[str, ...]:
    """Return all labels that are named in a clip, in the order of the label set; none where nothing is named.

    With independent labels these are the animals that reach `species`; else at most the one that is decided.

    >>> from leopardnet.core.labels import Label
    >>> both = LabelSet((Label("leopard"), Label("deer"), Label("empty")), multi=True)
    >>> name_all(np.array([0.6, 0.9, 0.02], np.float32), both, DecideConfig())
    ('leopard', 'deer')
    """
    decision = decide(probs, labels, thresholds)
    if decision.rule not in ("species", "empty"):
        return ()
    if decision.rule == "empty" or not labels.multi or probs is None:
        return (decision.label,)
    named = reaches(probs, thresholds.species)
    return tuple(x for i, x in enumerate(labels.names) if named[i] and x != labels.empty)


def decide_table(
    facts: pd.DataFrame, probs: NDArray[np.float32], labels: LabelSet, thresholds: DecideConfig
) -> pd.DataFrame:
    """Return the columns of a predictions table that follow from probabilities, float32 [M, C], beside `facts`."""
    import pandas as pd

    decisions = [decide(p, labels, thresholds) for p in probs]
    if labels.multi:
        named = [JOINER.join(name_all(p, labels, thresholds)) or None for p in probs]
        facts = facts.assign(labels=pd.Series(named, facts.index, dtype=object))
    alerts = [find_alerts(p, labels, thresholds) for p in probs]
    return facts.assign(
        decision=[d.label for d in decisions],
        rule=[d.rule for d in decisions],
        score=[d.score for d in decisions],
        alert=pd.Series([names[0] if names else None for names in alerts], facts.index, dtype=object),
        alerts=pd.Series([JOINER.join(names) or None for names in alerts], facts.index, dtype=object),
        **{f"p_{name}": probs[:, i].astype(np.float64) for i, name in enumerate(labels.names)},
    )


def p_nothing(probs: NDArray[np.floating[Any]], i_empty: int) -> NDArray[np.float64]:
    """Return the probability that independent labels show no animal, float64 [...], from theirs, float [..., C].

    It is that of the empty label, which is learnt directly ("there is something" is a surer statement than which),
    but never above the absence of any single animal.

    >>> p_nothing(np.array([[0.1, 0.9], [0.4, 0.9]]), 1).round(3).tolist()
    [0.9, 0.6]
    """
    p = np.asarray(probs, np.float64)
    most = np.delete(p, i_empty, axis=-1).max(axis=-1)
    return np.asarray(np.minimum(p[..., i_empty], 1 - most))


def p_something(probs: NDArray[np.floating[Any]], i_empty: int, *, multi: bool) -> NDArray[np.float64]:
    """Return the probability of any animal, float64 [...], from those of the labels, float [..., C].

    It is the sum of the animals, which has many digits left where the probability of empty rounds to 1. Of
    independent labels (multi) it is 1 - `p_nothing`.

    >>> p_something(np.array([1e-9, 2e-9, 1.0]), 2, multi=False).round(12).item()
    3e-09
    """
    p = np.asarray(probs, np.float64)
    animals = np.delete(p, i_empty, axis=-1)
    found = np.maximum(animals.max(axis=-1), 1 - p[..., i_empty]) if multi else animals.sum(axis=-1)
    return np.asarray(found, np.float64)


def p_of_any(probs: NDArray[np.float64], members: list[int], labels: LabelSet, *, group: str = "") -> float:
    """Return the probability that a clip shows one of some independent labels, whose probabilities are [C].

    It is that of the likeliest, which holds however the labels depend on each other: their sum may exceed 1, and
    1 - product takes for two animals what may be one that is either. Any animal is what is not empty.
    """
    if group == ANIMAL and labels.i_empty is not None:
        return float(1 - p_nothing(probs, labels.i_empty))
    return float(probs[members].max())


def find_alerts(probs: NDArray[np.float32] | None, labels: LabelSet, thresholds: DecideConfig) -> tuple[str, ...]:
    """Return every target that reaches its alert threshold (a person should check the clip), likeliest first.

    >>> from leopardnet.core.labels import Label
    >>> amur = LabelSet((Label("leopard"), Label("empty")), targets=("leopard",))
    >>> find_alerts(np.array([0.12, 0.88], np.float32), amur, DecideConfig(alert=0.1))
    ('leopard',)
    """
    if probs is None or not labels.targets:
        return ()
    p = _check_probs(probs, labels)
    suspects = [name for name in labels.targets if reaches(p[labels.index(name)], thresholds.alert_threshold(name))]
    return tuple(sorted(suspects, key=lambda name: -_score(p[labels.index(name)])))


def reaches(probs: ArrayLike, threshold: ArrayLike) -> NDArray[np.bool_]:
    """Return where probabilities reach a threshold, in float32; nan reaches none.

    >>> bool(reaches(float(np.float32(0.7)), 0.7))
    True
    """
    return np.asarray(np.asarray(probs, np.float32) >= np.asarray(threshold, np.float32))


def _check_probs(probs: NDArray[np.float32], labels: LabelSet) -> NDArray[np.float64]:
    p = np.asarray(probs, np.float64)
    if p.shape != (len(labels),) or not np.isfinite(p).all():
        raise ValueError(f"expected {len(labels)} finite probabilities; got {list(p.shape)}: {p}")
    return p


def _score(p: float) -> float:
    """Round to six decimals, and to 1 where a sum of probabilities is above."""
    return round(min(float(p), 1.0), 6)


def _groups(labels: LabelSet, i_animals: list[int]) -> dict[str, list[int]]:
    """Return the class indices of each parent in label order; ANIMAL, with every animal, comes last."""
    groups: dict[str, list[int]] = {}
    for i in i_animals:
        parent = labels.labels[i].parent
        if parent and parent != ANIMAL:
            groups.setdefault(parent, []).append(i)
    return {**groups, ANIMAL: i_animals}
