"""The labels that a page offers, those where neither a model nor a manifest names any, and other names for them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from leopardnet.core.labels import EMPTY, UNKNOWN
from leopardnet.core.language import translate_label
from leopardnet.core.people import person_kind
from leopardnet.core.settings.known_labels import read_label_set
from leopardnet.data.reading.label_map import LabelMap, load_label_map
from leopardnet.pages.palette import label_styles
from leopardnet.review.review_source import ReviewSource, source_labels

PERSON = "human"  # may be given to any clip, whatever the model knows: such clips are private from then on


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


def offer_labels(source: ReviewSource, targets: Sequence[str]) -> list[str]:
    """Return the labels that the page offers before anybody adds one."""
    names = source_labels(source) or tuple(dict.fromkeys((*targets, *read_starting_labels())))
    animals = [x for x in names if x not in (EMPTY, UNKNOWN)]
    return [*animals, EMPTY, *([] if any(map(person_kind, animals)) else [PERSON])]


def describe_labels(source: ReviewSource, targets: Sequence[str], spoken: Sequence[str]) -> list[dict[str, Any]]:
    """Return the labels of the page with their titles, colours and keys. spoken: all that people gave so far."""
    bundle, fixed = source.bundle, offer_labels(source, targets)
    # What people add comes last, in the order in which they did, so that no key changes its meaning.
    ordered = [*fixed, *(x for x in spoken if x not in (*fixed, UNKNOWN))]
    known = bundle.labels.to_dict() if bundle else {"empty": EMPTY, "targets": list(targets)}
    styles = label_styles(ordered, known)
    digits = source.workspace.choose_digits([x.name for x in styles if not x.is_empty])
    return [
        {
            "name": style.name,
            "title": translate_label(style.name),
            "colour": style.colour,
            "key": digits.get(style.name),
            "is_target": style.is_target,
            "is_empty": style.is_empty,
        }
        for style in styles
    ]


@cache
def _read_names() -> LabelMap:
    return load_label_map("amur")
