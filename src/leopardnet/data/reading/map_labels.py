"""Names of a source as the labels of its rows, by a label map or else as ids made of the names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import EMPTY
from leopardnet.data.reading.label_ids import LabelIds, make_label_ids
from leopardnet.data.reading.label_map import JOINER, MAX_NAMES, LabelMap, OnUnknown


def map_labels(
    names: Sequence[tuple[str, ...]], label_map: LabelMap | None, *, on_unknown: OnUnknown = "refuse", where: str
) -> tuple[list[str | None], tuple[str, ...]]:
    """Return the label of each row, and notes on rows without one.

    names: the names of each row in the source. A row has a label if its names agree on one; a row with several
    labels, or with ignored names only, has none. Without a map, a single name is the label. Raises ManifestError
    with every name that is not in the map, unless `on_unknown` is 'other'.

    >>> m = LabelMap("m", {"tiger": ("tigris",), "empty": ()})
    >>> map_labels([("Tigris",), ("tiger", "empty"), ()], m, where="x.csv")[0]
    ['tiger', None, None]
    """
    counts = Counter(names)
    if label_map is not None and on_unknown == "refuse":
        _refuse_unknown(counts, label_map, where)
    made = make_label_ids(dict.fromkeys(n for g in counts for n in g), where=where) if label_map is None else None
    labels_of = {g: _labels_of(g, label_map, made) for g in counts}
    labels = [next(iter(found)) if len(found := labels_of[g]) == 1 else None for g in names]
    return labels, (*_label_notes(counts, labels_of, label_map), *(made.notes if made else ()))


def join_several(names: Sequence[tuple[str, ...]], label_map: LabelMap | None, *, where: str) -> list[str | None]:
    """Return all labels of each row that has several, joined in alphabetical order, and None for the others.

    names, label_map: as in `map_labels`, which leaves such rows without a label. A row that is both empty and not
    has none here either.

    >>> join_several([("tiger", "deer"), ("tiger",), ("tiger", "empty")], None, where="x.csv")
    ['deer + tiger', None, None]
    """
    if all(len(group) < 2 for group in names):
        return [None] * len(names)
    made = make_label_ids(dict.fromkeys(n for g in names for n in g), where=where) if label_map is None else None
    labels_of = {g: _labels_of(g, label_map, made) for g in set(names)}
    is_several = {g: len(found) > 1 and EMPTY not in found for g, found in labels_of.items()}
    return [JOINER.join(sorted(labels_of[g])) if is_several[g] else None for g in names]


def _labels_of(names: tuple[str, ...], label_map: LabelMap | None, made: LabelIds | None) -> set[str]:
    if made is not None:
        return {made.ids[n] for n in names}
    assert label_map is not None, "names are mapped, or made into ids"
    labels = {label_map.label(n) if label_map.knows(n) else "other" for n in names}
    return {x for x in labels if x is not None}


def _refuse_unknown(counts: Counter[tuple[str, ...]], label_map: LabelMap, where: str) -> None:
    unknown = _count_unknown(counts, label_map)
    if unknown:
        raise ManifestError(
            f"{len(unknown)} name{'s are' if len(unknown) > 1 else ' is'} not in the label map",
            where=where,
            found=_list_names(unknown),
            expected=f"the names of label map {label_map.name}",
            todo="add them to the map, under a label or under ignore, or give --on-unknown other",
        )


def _label_notes(
    counts: Counter[tuple[str, ...]], labels_of: Mapping[tuple[str, ...], set[str]], label_map: LabelMap | None
) -> list[str]:
    notes = []
    several = Counter({JOINER.join(g): n for g, n in counts.items() if len(labels_of[g]) > 1})
    if several:
        n_rows, names = several.total(), _list_names(several)
        notes.append(f"rows with several species, left without a label: {n_rows} ({names})")
    if label_map is None:
        return notes
    ignored = Counter({JOINER.join(g): n for g, n in counts.items() if g and not labels_of[g]})
    if ignored:
        n_rows, names = ignored.total(), _list_names(ignored)
        notes.append(f"rows with ignored names only, left without a label: {n_rows} ({names})")
    unknown = _count_unknown(counts, label_map)
    if unknown:
        notes.append(f"names that are not in the label map became other: {_list_names(unknown)}")
    return notes


def _count_unknown(counts: Counter[tuple[str, ...]], label_map: LabelMap) -> Counter[str]:
    unknown: Counter[str] = Counter()
    for group, n in counts.items():
        unknown.update({name: n for name in group if not label_map.knows(name)})
    return unknown


def _list_names(counts: Counter[str]) -> str:
    most = ", ".join(f"{name} {n}" for name, n in counts.most_common(MAX_NAMES))
    return most + (f" and {len(counts) - MAX_NAMES} more" if len(counts) > MAX_NAMES else "")
