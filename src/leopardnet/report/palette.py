"""One colour per label, the same in every bar, line and table of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Okabe and Ito's palette, which people with any colour vision can tell apart, in the order of greatest contrast:
# the labels most easily mistaken for each other usually stand side by side.
OKABE_ITO = ("#e69f00", "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")


@dataclass(frozen=True, slots=True)
class LabelStyle:
    """How a label looks: its name, a CSS colour, and whether it means "no animal" or is a target."""

    name: str
    colour: str
    is_empty: bool = False
    is_target: bool = False
    scientific_name: str = ""
    rank: str = ""
    parent: str = ""

    @property
    def role(self) -> str:
        """'target', 'no animal' or nothing."""
        return "target" if self.is_target else "no animal" if self.is_empty else ""


def label_styles(names: Sequence[str], labels: Any) -> tuple[LabelStyle, ...]:
    """The style of each label, in class order.

    labels: what `LabelSet.to_dict` gives, or anything else (then a label called 'empty' means "no animal").

    >>> [s.colour for s in label_styles(("tiger", "empty"), None)]
    ['#e69f00', 'var(--empty)']
    """
    known: Mapping[str, Any] = labels if isinstance(labels, Mapping) else {"empty": "empty"}
    rows = {str(row.get("name")): row for row in known.get("labels", []) if isinstance(row, Mapping)}
    targets = set(known.get("targets") or ())
    styles, n_animals = [], 0
    for name in names:
        row, is_empty = rows.get(name, {}), name == known.get("empty")
        colour = "var(--empty)" if is_empty else OKABE_ITO[n_animals % len(OKABE_ITO)]
        n_animals += not is_empty
        styles.append(
            LabelStyle(
                name,
                colour,
                is_empty,
                name in targets,
                str(row.get("scientific_name", "")),
                str(row.get("rank", "")),
                str(row.get("parent", "")),
            )
        )
    return tuple(styles)


def decision_colours(styles: Sequence[LabelStyle]) -> dict[str, str]:
    """The colour of each thing that can be said about a clip; a parent without an entry looks like 'animal'."""
    return {
        **{s.name: s.colour for s in styles},
        "animal": "var(--animal)",
        "unsure": "var(--unsure)",
        "unreadable": "var(--unreadable)",
    }
