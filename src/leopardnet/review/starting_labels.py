"""The labels that a page offers where neither a model nor a manifest names any, and other names for them."""

from __future__ import annotations

from functools import cache

from leopardnet.core.people import person_kind
from leopardnet.core.settings.known_labels import read_label_set
from leopardnet.data.reading.label_map import LabelMap, load_label_map


def read_starting_labels() -> tuple[str, ...]:
    """Return the labels of the shipped label set of the Amur region; a person may type any other.

    >>> read_starting_labels()
    ('leopard', 'tiger', 'sika_deer', 'empty')
    """
    return tuple(label.name for label in read_label_set("amur"))


def find_usual_label(name: str) -> str:
    """Return human, vehicle or a label of the Amur region for another name of it; any other name stays as it is.

    >>> find_usual_label("человек"), find_usual_label("амурский_тигр"), find_usual_label("рысь")
    ('human', 'tiger', 'рысь')
    """
    usual = _read_names()
    return person_kind(name) or (usual.label(name) if usual.knows(name) else None) or name


@cache
def _read_names() -> LabelMap:
    return load_label_map("amur")
