"""The lists of a COCO file as columns of checked values, and its annotations, with the place of every fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from leopardnet.core.boxes import check_four_numbers, format_boxes, xywh_to_xyxy
from leopardnet.core.errors import ManifestError
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.to_manifest import refuse_twice

NOTHING = type(None)


class Entries:
    """The objects of one list in a file, such as its `images`. What is no object is left out.

    A column is read from all objects at once, and its types are checked together. Files hold millions of objects,
    and one check for each takes three times as long. A wrong value becomes None and goes to `problems`.

    >>> Entries([{"id": 1, "w": 2.0}, {"id": "a"}], "x.json", "images", Problems()).numbers("w")
    [2, None]
    """

    def __init__(self, items: list[Any], file: str, key: str, problems: Problems) -> None:
        self.items, self.file, self.key, self.problems = items, file, key, problems
        self.numbers_in_file: Sequence[int] = range(len(items))
        if set(map(type, items)) - {dict}:
            what, expected = "an entry is not an object", 'an object such as {"id": 1}'
            faults = {i: self.error(what, i, "", x, expected) for i, x in enumerate(items) if type(x) is not dict}
            self.leave_out(faults)

    def leave_out(self, faults: Mapping[int, ManifestError]) -> None:
        """Leave out the entries at these positions, and note why. Raises ManifestError where these are all."""
        if faults and len(faults) == len(self):
            raise next(iter(faults.values()))
        for i, error in faults.items():
            self.note(error, i, outcome="left out")
        kept = [i for i in range(len(self)) if i not in faults]
        self.items = [self.items[i] for i in kept]
        self.numbers_in_file = [self.numbers_in_file[i] for i in kept]

    def __len__(self) -> int:
        return len(self.items)

    def place(self, i: int, key: str = "") -> str:
        """Return the place of a value, for messages."""
        return f"{self.file}, {self.key}[{self.numbers_in_file[i]}]" + (f".{key}" if key else "")

    def note(self, error: ManifestError, i: int, *, outcome: str) -> None:
        """Add a problem of the entry at position `i`."""
        self.problems.add(error, self.file, f"{self.key}[{self.numbers_in_file[i]}]", outcome=outcome)

    def error(self, what: str, i: int, key: str, found: Any, expected: str) -> ManifestError:
        """Return the error about one value."""
        return ManifestError(what, where=self.place(i, key), found=repr(found)[:120], expected=expected)

    def raw(self, key: str) -> list[Any]:
        """Return the unchecked values of a key, None where it is absent."""
        return [x.get(key) for x in self.items]

    def ids(self, key: str, *, outcome: str = "") -> list[str]:
        """Return ids as text. One that is neither text nor a whole number is refused, or '' with an `outcome`.

        Raises ManifestError for the first that is refused.
        """
        values = self.raw(key)
        types = set(map(type, values))
        if types - {str, int}:
            values = [make_whole(v) for v in values]  # 1.0 is how some programs write the number 1
            for i, v in enumerate(values):
                if type(v) not in (str, int):
                    error = self.error("an entry has no usable id", i, key, self.items[i], "text or a whole number")
                    if not outcome:
                        raise error
                    self.note(error, i, outcome=outcome)
                    values[i] = ""
        return values if types == {str} else [str(v) for v in values]

    def texts(self, key: str) -> list[str | None]:
        """Return texts, and whole numbers as text; None where absent or empty."""
        values = self.raw(key)
        types = set(map(type, values))
        if types - {str, int, NOTHING}:
            values = [make_whole(v) for v in values]
            values = self._blank(values, key, lambda v: type(v) in (str, int, NOTHING), "text or a whole number")
        if not types - {str, NOTHING}:
            return [v or None for v in values]
        return [None if v in (None, "") else str(v) for v in values]

    def numbers(self, key: str, *, whole: bool = True) -> list[Any]:
        """Return numbers of 0 or more, None where absent; with `whole`, as int."""
        values = self.raw(key)
        types = set(map(type, values))
        if types == {NOTHING}:
            return values
        if types - {int, float, NOTHING} or not all(v is None or 0 <= v < 2**53 for v in values):
            values = self._blank(values, key, _is_number, "a number, 0 or more")
        if not whole or float not in types:
            return values
        if not all(v is None or v == int(v) for v in values):
            values = self._blank(values, key, lambda v: v is None or v == int(v), "a whole number")
        return [None if v is None else int(v) for v in values]

    def _blank(self, values: list[Any], key: str, is_right: Callable[[Any], bool], expected: str) -> list[Any]:
        """Return the values with None for each wrong one."""
        wrong = [i for i, v in enumerate(values) if not is_right(v)]
        for i in wrong:
            error = self.error("a value has the wrong type", i, key, values[i], expected)
            self.note(error, i, outcome=f"kept without its {key}")
            values[i] = None
        return values


def make_whole(value: Any) -> Any:
    """Return 1.0 as 1, and any other value as it is."""
    return int(value) if type(value) is float and value.is_integer() else value


def _is_number(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and 0 <= value < 2**53)


class Labels:
    """The names and boxes of each of `n` pictures, by its position. Ids in `unclear` name none of them."""

    def __init__(self, n: int, ids: dict[str, int], unclear: set[str], categories: dict[str, str]) -> None:
        self.n, self.ids, self.unclear, self.categories = n, ids, unclear, categories
        self.names: dict[int, list[str]] = {}
        self.boxes: dict[int, list[dict[str, Any]]] = {}
        self.units: dict[int, str] = {}
        self.unsure: set[int] = set()  # pictures that show something whose name is unknown
        self.n_sequence_level = 0

    def add(self, annotations: Entries) -> None:
        """Add all annotations that name a picture and a category of the file."""
        try:
            refuse_twice(annotations.ids("id"), annotations.place, what="an annotation id")
        except ManifestError as error:
            annotations.problems.add(error, annotations.file, annotations.key, outcome="all of them are used")
        self.n_sequence_level += sum(v is True for v in annotations.raw("sequence_level_annotation"))
        at = self._find_references(annotations, "image_id", self.ids, "picture")
        names = self._find_references(annotations, "category_id", self.categories, "category")
        for i, name in zip(at, names, strict=True):
            if i is not None and name is not None:
                self.names.setdefault(i, []).append(name)
            elif i is not None:
                self.unsure.add(i)
        for j, (px, relative) in enumerate(
            zip(annotations.raw("bbox"), annotations.raw("bbox_relative"), strict=True)
        ):
            if (px or relative) and at[j] is not None and names[j] is not None:
                try:
                    self._add_box(annotations, j, at[j], names[j])
                except ManifestError as error:
                    annotations.note(error, j, outcome="kept without the box")

    def _find_references(self, annotations: Entries, key: str, known: Mapping[str, Any], what: str) -> list[Any]:
        """Return what each annotation refers to; None where the file does not declare it."""
        values = annotations.raw(key)
        types = set(map(type, values))
        if types - {str, int}:
            values = [make_whole(x) for x in values]
            found = [known.get(str(x)) if type(x) in (str, int) else None for x in values]
        else:
            found = [known.get(x) for x in (values if types == {str} else map(str, values))]
        if None in found:
            text = f"an annotation names a {what} that the file does not declare"
            outcome = "the annotation is left out" + ", and its picture has no label" * (what == "category")
            for j in (j for j, x in enumerate(found) if x is None):
                if known is self.ids and str(make_whole(values[j])) in self.unclear:
                    continue  # the picture is a problem already
                error = annotations.error(text, j, key, values[j], "a declared id")
                annotations.note(error, j, outcome=outcome)
        return found

    def _add_box(self, annotations: Entries, j: int, i: int, name: str) -> None:
        entry = annotations.items[j]
        given = [k for k in ("bbox", "bbox_relative") if entry.get(k)]
        unit = "px" if given[0] == "bbox" else "fraction"
        if len(given) == 2 or self.units.get(i, unit) != unit:
            raise annotations.error(
                "a picture has boxes in pixels and in fractions", j, "", entry, "bbox or bbox_relative"
            )
        xyxy = xywh_to_xyxy(check_four_numbers(entry[given[0]], where=lambda: annotations.place(j, given[0])))
        self.units[i] = unit
        self.boxes.setdefault(i, []).append({"xyxy": xyxy, "label": name})

    def groups(self) -> list[tuple[str, ...]]:
        """Return the names of each picture, each once."""
        return [tuple(dict.fromkeys(self.names[i])) if i in self.names else () for i in range(self.n)]

    def box_columns(self) -> dict[str, list[str | None]]:
        """Return the columns boxes and box_unit."""
        n = range(self.n)
        return {
            "boxes": [format_boxes(self.boxes[i]) if i in self.boxes else None for i in n],
            "box_unit": [self.units.get(i) for i in n],
        }
