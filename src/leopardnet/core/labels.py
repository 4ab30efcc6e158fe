"""The label set: the classes of a model, their order and their meaning."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leopardnet.core.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

EMPTY = "empty"  # the label of a clip without an animal in every manifest
ANIMAL = "animal"  # an animal of any species: a class of detectors, and a possible decision
UNSURE, UNREADABLE = "unsure", "unreadable"  # decisions that name no label
UNKNOWN = "unknown"  # what a person says of a clip of which nobody can tell
LEOPARD = "leopard"  # what the program was made for; a model may lack it
JOINER = " + "  # between the species of a clip that shows several


def split_labels(cell: object) -> tuple[str, ...]:
    """Return the labels in a cell, each once; none for a cell that is missing.

    >>> split_labels("leopard + sika_deer"), split_labels(None)
    (('leopard', 'sika_deer'), ())
    """
    return tuple(dict.fromkeys(filter(None, cell.split(JOINER)))) if isinstance(cell, str) else ()


def say_blindness(names: Sequence[str]) -> str:
    """Return the sentence that a model with these labels cannot find a leopard; '' for one that can.

    >>> say_blindness(["tiger", "empty"]), say_blindness(["leopard", "empty"])
    ('this model has no label leopard', '')
    """
    return "" if LEOPARD in names else "this model has no label leopard"


def list_names(names: Sequence[str], *, most: int = 5) -> str:
    """Return names of labels for a sentence, and how many there are beyond the first ones.

    >>> list_names(("leopard", "tiger", "empty"), most=2)
    'leopard, tiger … and 1 more'
    """
    n_more = len(names) - most
    return ", ".join(names[:most]) + (f" … and {n_more} more" if n_more > 0 else "")


def is_label_id(name: str) -> bool:
    """Return whether a name can be a label: small letters of any script, digits and underscores.

    Labels name columns, files and folders, so they hold no spaces, slashes, signs or capitals.

    >>> is_label_id("roe_deer"), is_label_id("рысь"), is_label_id("Roe deer"), is_label_id("")
    (True, True, False, False)
    """
    is_word = all(c == "_" or c.isalnum() or unicodedata.category(c).startswith("M") for c in name)
    return bool(name) and is_word and name == name.casefold() == unicodedata.normalize("NFC", name)


@dataclass(frozen=True, slots=True)
class Label:
    """One class: its name in tables, and its place in the taxonomy if it has one.

    `parent` is the group that a decision may fall back to when the species is uncertain.
    """

    name: str
    scientific_name: str = ""
    rank: str = ""
    parent: str = ANIMAL


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Ordered labels; the position of a label is its index on the class axis of every array.

    `empty` is the label that means "no animal" (None if there is none); `targets` are the labels that must never be
    lost silently. `multi`: a clip may show several species, and each label has a probability of its own, which says
    nothing of the others. Otherwise a clip has one label, and probabilities add up to 1. Raises ConfigError for
    fewer than two labels, a repeated name, or a role with an unknown label.

    >>> amur = LabelSet((Label("leopard"), Label("empty")), empty="empty", targets=("leopard",))
    >>> amur.names, amur.index("empty"), len(amur)
    (('leopard', 'empty'), 1, 2)
    """

    labels: tuple[Label, ...]
    empty: str | None = EMPTY
    targets: tuple[str, ...] = ()
    multi: bool = False

    def __post_init__(self) -> None:
        names = self.names
        if len(names) < 2:
            raise ConfigError("a label set needs at least two labels", where="labels", found=list(names))
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ConfigError("a label is repeated in the label set", where="labels", found=twice)
        for role, value in [("empty", self.empty), *(("targets", t) for t in self.targets)]:
            if value is not None and value not in names:
                raise ConfigError(
                    f"labels.{role} names a label that is not in the set",
                    where=f"labels.{role}",
                    found=value,
                    expected="one of " + ", ".join(names),
                )

    def __len__(self) -> int:
        return len(self.labels)

    def __iter__(self) -> Iterator[Label]:
        return iter(self.labels)

    @property
    def names(self) -> tuple[str, ...]:
        """The label names, in class order."""
        return tuple(label.name for label in self.labels)

    @property
    def i_empty(self) -> int | None:
        """The class index of the empty label; None if there is none."""
        return None if self.empty is None else self.names.index(self.empty)

    @property
    def id(self) -> str:
        """Twelve hex digits that change when a label, its order or its meaning changes.

        >>> a = LabelSet((Label("tiger"), Label("empty")))
        >>> b = LabelSet((Label("empty"), Label("tiger")))
        >>> a.id == LabelSet((Label("tiger"), Label("empty"))).id, a.id == b.id
        (True, False)
        """
        text = json.dumps(self.to_dict(), sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def index(self, name: str) -> int:
        """Return the class index of `name`. Raises ConfigError for a label that is not in the set."""
        if name not in self.names:
            raise ConfigError(
                "the label set has no such label",
                found=name,
                expected="one of " + ", ".join(self.names),
                todo="correct the label, map it with --label-map, or add it to the labels config",
            )
        return self.names.index(name)

    def presence(self, cells: Iterable[object]) -> NDArray[np.bool_]:
        """Return which labels each cell names, bool [N, C]; names that are not in the set are left out.

        >>> amur = LabelSet((Label("tiger"), Label("deer"), Label("empty")))
        >>> amur.presence(["deer + tiger", "empty", None]).astype(int).tolist()
        [[1, 1, 0], [0, 0, 1], [0, 0, 0]]
        """
        return find_presence(cells, self.names)

    def number(self, cells: Sequence[str]) -> list[int]:
        """Return the class index of each label; combinations of independent labels have the numbers from C on.

        Raises ConfigError for a label that is not in the set.

        >>> LabelSet((Label("tiger"), Label("empty")), multi=True).number(["empty", "deer + tiger"])
        [1, 2]
        """
        several = sorted(c for c in set(cells) if JOINER in c) if self.multi else []
        numbers = {name: i for i, name in enumerate((*self.names, *several))}
        return [numbers[cell] if cell in numbers else self.index(cell) for cell in cells]

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `from_dict` reads them back."""
        rows = [
            {"name": x.name, "scientific_name": x.scientific_name, "rank": x.rank, "parent": x.parent}
            for x in self.labels
        ]
        plain = {"labels": rows, "empty": self.empty, "targets": list(self.targets)}
        return plain | ({"multi": True} if self.multi else {})  # the ids of other label sets stay as they were

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> LabelSet:
        """Return the label set that `to_dict` described."""
        labels = tuple(Label(**row) for row in data["labels"])
        return cls(labels, data["empty"], tuple(data["targets"]), bool(data.get("multi", False)))


def find_presence(cells: Iterable[object], names: tuple[str, ...]) -> NDArray[np.bool_]:
    """Return which of the C names each cell holds, bool [N, C]."""
    import numpy as np  # the command line reads this module before it knows whether it needs arrays

    rows = [[name in found for name in names] for found in map(split_labels, cells)]
    return np.array(rows, bool).reshape(-1, len(names))


def join_presence(presence: NDArray[np.bool_], names: Sequence[str]) -> NDArray[np.object_]:
    """Return the names that each row of bool [N, C] holds, joined, object [N]; None where it holds none.

    >>> import numpy as np
    >>> join_presence(np.array([[True, True], [False, False]]), ["tiger", "deer"]).tolist()
    ['tiger + deer', None]
    """
    import numpy as np

    joined = np.full(len(presence), None, object)
    for i, row in enumerate(presence):
        joined[i] = JOINER.join(x for x, is_there in zip(names, row, strict=True) if is_there) or None
    return joined
