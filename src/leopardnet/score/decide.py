"""From calibrated probabilities to the decision on a clip, by the first rule that applies.

1. `none`      no frame could be decoded: 'unreadable'.
2. `species`   the likeliest animal reaches `species`, and `among` as a share of all animals: its label.
3. `empty`     empty reaches `empty`, and no target reaches `alert`: the empty label.
4. `rolled_up` the animals of one parent, or else all animals, together reach `animal`: that parent, or 'animal'.
5. `abstained` otherwise: 'unsure'.

So a clip in which a target reaches `alert` is never empty. Thresholds are compared in float32, the precision of the
probabilities, so that a probability of 0.7 reaches a threshold of 0.7.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leopardnet.core.labels import ANIMAL, LabelSet
from leopardnet.core.settings.inference import DecideConfig
from leopardnet.core.types import Decision, Rule

UNSURE, UNREADABLE = "unsure", "unreadable"

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
    i_animals = [i for i in range(len(labels)) if i != labels.i_empty]

    i_top = max(i_animals, key=lambda i: _score(float(p[i])))
    if reaches(p[i_top], thresholds.species) and reaches(p[i_top], thresholds.among * p[i_animals].sum()):
        return Decision(labels.names[i_top], _score(p[i_top]), "species")

    if labels.empty is not None and find_alert(probs, labels, thresholds) is None:
        p_empty = p[labels.index(labels.empty)]
        if reaches(p_empty, thresholds.empty):
            return Decision(labels.empty, _score(p_empty), "empty")

    for group, members in _groups(labels, i_animals).items():
        p_group = p[members].sum()
        if reaches(p_group, thresholds.animal):
            return Decision(group, _score(p_group), "rolled_up")

    return Decision(UNSURE, _score(p.max()), "abstained")


def find_alert(probs: NDArray[np.float32] | None, labels: LabelSet, thresholds: DecideConfig) -> str | None:
    """Return the likeliest target that reaches its alert threshold (a person should check the clip), or None.

    >>> from leopardnet.core.labels import Label
    >>> amur = LabelSet((Label("leopard"), Label("empty")), targets=("leopard",))
    >>> find_alert(np.array([0.12, 0.88], np.float32), amur, DecideConfig(alert=0.1))
    'leopard'
    """
    if probs is None or not labels.targets:
        return None
    p = _check_probs(probs, labels)
    suspects = [name for name in labels.targets if reaches(p[labels.index(name)], thresholds.alert_threshold(name))]
    return max(suspects, key=lambda name: _score(p[labels.index(name)]), default=None)


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
