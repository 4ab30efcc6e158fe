"""Answers of people that leave open which animal a clip shows, so that they refute no suspicion."""

from __future__ import annotations

from collections.abc import Collection

from leopardnet.core.labels import ANIMAL, UNKNOWN, UNSURE, split_labels

OPEN = frozenset({UNKNOWN, ANIMAL, UNSURE, "unidentified", "unverified"})
GROUPS = frozenset({"other", "cat", "big cat", "felid"})
"""Words for several animals. Where such a word is a label of the model, it stands for none of the other labels."""


def leaves_open(cell: str, labels: Collection[str]) -> bool:
    """Return whether what people said of a clip leaves open which animal it is. labels: those of the model.

    cell: labels, joined; '' where people disagree.

    >>> leaves_open("other", ["leopard", "empty"]), leaves_open("other", ["leopard", "other", "empty"])
    (True, False)
    """
    names = [name.casefold().replace("_", " ") for name in split_labels(cell)]
    return not names or any(name in OPEN or (name in GROUPS and name not in labels) for name in names)
