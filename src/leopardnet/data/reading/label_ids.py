"""Ids of labels, made of the names that people use: a label has an id, and the source keeps its own name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import EMPTY, is_label_id
from leopardnet.data.reading.label_map import MAX_NAMES, LabelMap, load_label_map, name_key

OTHER = "other"  # a label of the map that joins many species
_SAME = re.compile(r"[\s_.,'’()-]")  # signs that do not make another animal; a question mark does


@dataclass(frozen=True)
class LabelIds:
    """The label of each name, and notes on the names that became another text."""

    ids: Mapping[str, str]
    notes: tuple[str, ...] = ()


def make_label_id(name: str) -> str:
    """Return a name as small letters of its own script, digits and underscores; '' where it has none of these.

    Accents of Latin letters are left out.

    >>> make_label_id("Roe-deer"), make_label_id("Renard / Fuchs"), make_label_id("Косуля сибирская")
    ('roe_deer', 'renard_fuchs', 'косуля_сибирская')
    >>> make_label_id("Bär (?)"), make_label_id("AmurTiger"), make_label_id("???")
    ('bar', 'amur_tiger', '')
    """
    letters, keeps_marks = [], False
    name = "".join(f" {c}" if c.isupper() and before.islower() else c for before, c in pairwise(f" {name}"))
    for c in unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", name).casefold()):
        if unicodedata.category(c).startswith("M"):
            letters.append(c if keeps_marks else "")
        else:
            letters.append(c if c.isalnum() else " ")
            keeps_marks = c.isalnum() and not c.isascii()
    return unicodedata.normalize("NFC", "_".join("".join(letters).split()))


def make_label_ids(names: Iterable[str], *, where: str) -> LabelIds:
    """Return an id for each name. Spellings of one name share it, and every name for nothing becomes `empty`.

    A name in another script for a label of the Amur set becomes that: nobody who writes «тигр» means another animal
    than tiger. Latin names stay apart, as `panthera_tigris` from `tiger`: a label map joins them.

    Raises ManifestError for a name without letters and digits, and for two names that differ in other signs only,
    such as `lynx` and `lynx?`.

    >>> made = make_label_ids(["Roe deer", "roe_deer", "Blank", "тигр"], where="x.csv")
    >>> made.ids
    {'Blank': 'empty', 'Roe deer': 'roe_deer', 'roe_deer': 'roe_deer', 'тигр': 'tiger'}
    >>> made.notes
    ('names that became labels: Blank → empty, Roe deer → roe_deer, тигр → tiger',)
    """
    amur = load_label_map("amur")
    spellings: dict[str, list[str]] = {}
    for name in sorted(set(names)):
        spellings.setdefault(name_key(name), []).append(name)
    ids: dict[str, str] = {}
    for same in spellings.values():
        known = amur.label(same[0]) if amur.knows(same[0]) else None
        if known == EMPTY or (known not in (None, OTHER) and not same[0].isascii()):
            ids.update(dict.fromkeys(same, str(known)))
        elif all(map(is_label_id, same)):  # labels of a manifest come back as they were
            ids.update((n, n) for n in same)
        else:
            ids.update(dict.fromkeys(same, _choose_id(same, where)))
    ids = {name: ids[name] for name in sorted(ids)}
    return LabelIds(ids, note_ids(ids))


def group_spellings(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the names that look like one label, such as in another case or script; each group in order.

    A question mark makes another animal.

    >>> group_spellings(["leopard", "Leopard ", "леопард", "roe_deer", "roedeer", "tiger", "tiger?"])
    [('Leopard ', 'leopard', 'леопард'), ('roe_deer', 'roedeer')]
    """
    amur = load_label_map("amur")
    groups: dict[tuple[str, str], list[str]] = {}
    for name in sorted(set(names)):
        known = amur.label(name) if amur.knows(name) else None
        is_one = known == EMPTY or (known not in (None, OTHER) and not name.isascii())
        groups.setdefault((name_key(str(known) if is_one else name), _find_signs(name)), []).append(name)
    return [tuple(same) for same in groups.values() if len(same) > 1]


def _choose_id(same: Sequence[str], where: str) -> str:
    """Return the id of the spelling that separates the most words."""
    signs = {_find_signs(n) for n in same}
    if len(signs) > 1:
        raise ManifestError(
            "two names would become one label",
            where=where,
            found=" and ".join(repr(n) for n in {_find_signs(n): n for n in same}.values()),
            expected="names that differ in more than signs",
            todo="rename one of them, or give a label map that says what each means (--label-map)",
        )
    made = [n if is_label_id(n) else make_label_id(n) for n in same]
    if not all(map(is_label_id, made)):
        raise ManifestError(
            "this name cannot be a label",
            where=where,
            found=repr(same[0]),
            expected="a name with letters or digits, such as Roe deer",
            todo="rename it, or give a label map that says what it means (--label-map)",
        )
    return max(made, key=lambda i: (i.count("_"), i))


def _find_signs(name: str) -> str:
    text = _SAME.sub("", unicodedata.normalize("NFKD", name))
    return "".join(c for c in text if not c.isalnum() and not unicodedata.category(c).startswith("M"))


def note_ids(ids: Mapping[str, str]) -> tuple[str, ...]:
    """Return one note on the names whose labels differ from them; none where all are labels already."""
    changed = [f"{name} → {made}" for name, made in ids.items() if name != made]
    more = f" and {len(changed) - MAX_NAMES} more" if len(changed) > MAX_NAMES else ""
    return (f"names that became labels: {', '.join(changed[:MAX_NAMES])}{more}",) if changed else ()


def make_label_map(names: Sequence[str], *, known: str = "amur", joined: str = "other") -> LabelMap:
    """Make a label map in which each name becomes a class of its own, such as the names of a user's folders.

    A name with a label in the map `known` takes that label: `blank` is empty, and `Panthera pardus` is leopard.
    Other names, and those with the label `joined`, become ids. Raises ManifestError as `make_label_ids` does.

    >>> make_label_map(["Blank", "Roe deer"]).labels
    {'empty': ('Blank',), 'roe_deer': ('Roe deer',)}
    """
    amur = load_label_map(known)
    labels = {name: amur.label(name) if amur.knows(name) else None for name in names}
    made = make_label_ids((n for n, x in labels.items() if x in (None, joined)), where="the folders' names").ids
    found: dict[str, tuple[str, ...]] = {}
    for name, label in labels.items():
        label = made.get(name) or str(label)
        found[label] = (*found.get(label, ()), name)
    return LabelMap("the folders' names", found)
