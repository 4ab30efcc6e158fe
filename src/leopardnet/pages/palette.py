"""One colour per label, the same in every bar, line and table of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leopardnet.core.labels import ANIMAL, EMPTY, UNREADABLE, UNSURE

# The palette of Okabe and Ito, which people with any colour vision can tell apart. The order gives neighbours the
# greatest contrast, because the labels most easily mistaken for each other usually stand side by side.
OKABE_ITO = ("#e69f00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")


@dataclass(frozen=True, slots=True)
class LabelStyle:
    """The name of a label, its CSS colour, its role, and its place in the taxonomy where that is known."""

    name: str
    colour: str
    is_empty: bool = False
    is_target: bool = False
    scientific_name: str = ""
    rank: str = ""
    parent: str = ""


def label_styles(names: Sequence[str], labels: object) -> tuple[LabelStyle, ...]:
    """Return the style of each label, in class order.

    labels: a mapping as `LabelSet.to_dict` returns it. For anything else, a label called 'empty' means "no animal".

    >>> [s.colour for s in label_styles(("tiger", "empty"), None)]
    ['#e69f00', 'var(--empty)']
    """
    known: Mapping[str, Any] = labels if isinstance(labels, Mapping) else {"empty": EMPTY}
    rows = {str(row.get("name")): row for row in known.get("labels", []) if isinstance(row, Mapping)}
    targets = set(known.get("targets") or ())
    styles, n_animals = [], 0
    for name in names:
        is_empty = name == known.get("empty")
        colour = "var(--empty)" if is_empty else OKABE_ITO[n_animals % len(OKABE_ITO)]
        n_animals += not is_empty
        taxon = {key: str(rows.get(name, {}).get(key, "")) for key in ("scientific_name", "rank", "parent")}
        styles.append(LabelStyle(name, colour, is_empty, name in targets, **taxon))
    return tuple(styles)


def decision_colours(styles: Sequence[LabelStyle]) -> dict[str, str]:
    """Return the CSS colour of each decision. A group of animals without an entry has the colour of 'animal'."""
    others = {ANIMAL: "var(--animal)", UNSURE: "var(--unsure)", UNREADABLE: "var(--unreadable)"}
    return {**{s.name: s.colour for s in styles}, **others}
