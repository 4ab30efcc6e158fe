"""From calibrated probabilities to what is said about a clip: numbered rules, the first that fits decides.

1. `none`      nothing could be decoded: 'unreadable'.
2. `species`   the likeliest animal reaches `species`, and `among` as a share of all animals: its label.
3. `empty`     empty reaches `empty`, and no target reaches `alert`: the empty label.
4. `rolled_up` the animals of one parent, else all animals, together reach `animal`: that parent, or 'animal'.
5. `abstained` anything else: 'unsure'.

A clip in which a target reaches `alert` therefore never ends as empty. Thresholds are compared in float32, the precision
of the probabilities, so that a probability of 0.7 reaches a threshold of 0.7.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.labels import ANIMAL, LabelSet
from leopardnet.core.settings.inference import DecideConfig
from leopardnet.core.types import Decision, Rule

UNSURE, UNREADABLE = "unsure", "unreadable"

RULES: dict[Rule, str] = {
    "none": "nothing could be decoded",
    "species": "the likeliest animal is likely enough to be named",
    "empty": "empty is likely enough, and no target species is suspected",
    "rolled_up": "an animal is likely enough, but which one is not",
    "abstained": "nothing is likely enough to be said",
}
"""Each rule in words, in the order in which they are tried."""


def decide(probs: NDArray[np.float32] | None, labels: LabelSet, thresholds: DecideConfig) -> Decision:
    """What is said about a clip, its score and the rule that said so; the rules stand at the top of this file.

    probs: float32 [C], calibrated, or None for a clip of which nothing could be decoded (score nan). The score is the
    probability of what is said: of the label, or the sum over the animals rolled up; of 'unsure', the top probability.
    Equal probabilities go to the label that stands first. Raises ValueError for a wrong shape or for nan.

    >>> from leopardnet.core.labels import Label
    >>> amur = LabelSet((Label("leopard"), Label("tiger"), Label("empty")), targets=("leopard",))
    >>> decide(np.array([0.4, 0.3, 0.3], np.float32), amur, DecideConfig())
    Decision(label='animal', score=0.7, rule='rolled_up')
    """
    if probs is None:
        return Decision(UNREADABLE, float("nan"), "none")
    p = _checked(probs, labels)
    i_animals = [i for i in range(len(labels)) if i != labels.i_empty]

    i_top = max(i_animals, key=lambda i: p[i])
    if _reaches(p[i_top], thresholds.species) and _reaches(p[i_top], thresholds.among * p[i_animals].sum()):
        return Decision(labels.names[i_top], _score(p[i_top]), "species")

    if labels.empty is not None and find_alert(probs, labels, thresholds) is None:
        p_empty = p[labels.index(labels.empty)]
        if _reaches(p_empty, thresholds.empty):
            return Decision(labels.empty, _score(p_empty), "empty")

    for group, members in _groups(labels, i_animals).items():
        p_group = p[members].sum()
        if _reaches(p_group, thresholds.animal):
            return Decision(group, _score(p_group), "rolled_up")

    return Decision(UNSURE, _score(p.max()), "abstained")


def find_alert(probs: NDArray[np.float32] | None, labels: LabelSet, thresholds: DecideConfig) -> str | None:
    """The likeliest target that reaches its alert threshold: a person should look at this clip first; None without one.

    >>> from leopardnet.core.labels import Label
    >>> amur = LabelSet((Label("leopard"), Label("empty")), targets=("leopard",))
    >>> alert(np.array([0.12, 0.88], np.float32), amur, DecideConfig(alert=0.1))
    'leopard'
    """
    if probs is None or not labels.targets:
        return None
    p = _checked(probs, labels)
    suspects = [name for name in labels.targets if _reaches(p[labels.index(name)], thresholds.alert_of(name))]
    return max(suspects, key=lambda name: p[labels.index(name)], default=None)


def _checked(probs: NDArray[np.float32], labels: LabelSet) -> NDArray[np.float64]:
    p = np.asarray(probs, np.float64)
    if p.shape != (len(labels),) or not np.isfinite(p).all():
        raise ValueError(f"decide wants {len(labels)} finite probabilities; got {list(p.shape)}: {p}")
    return p


def _reaches(p: float, threshold: float) -> bool:
    return bool(np.float32(p) >= np.float32(threshold))


def _score(p: float) -> float:
    """A sum of probabilities may come out at 1.0000001; a score never does."""
    return round(min(float(p), 1.0), 6)


def _groups(labels: LabelSet, i_animals: list[int]) -> dict[str, list[int]]:
    """The class indices under each parent in label order; 'animal', which holds every animal, comes last."""
    groups: dict[str, list[int]] = {}
    for i in i_animals:
        parent = labels.labels[i].parent
        if parent and parent != ANIMAL:
            groups.setdefault(parent, []).append(i)
    return {**groups, ANIMAL: i_animals}
