"""Columns of checked values from a list of JSON objects, with the place of every fault."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from leopardnet.core.errors import ManifestError

NOTHING = type(None)


class Entries:
    """The objects of one list in a file, such as its `images`.

    A column is read from all objects at once, and its types are checked together. Files hold millions of objects,
    and one check for each takes three times as long.

    >>> Entries([{"id": 1, "w": 2.0}, {"id": "a"}], "x.json, images").numbers("w")
    [2, None]
    """

    def __init__(self, items: list[Any], where: str) -> None:
        self.items, self.where = items, where
        if set(map(type, items)) - {dict}:
            i = next(i for i, x in enumerate(items) if type(x) is not dict)
            raise self.error("an entry is not an object", i, "", items[i], 'an object such as {"id": 1}')

    def __len__(self) -> int:
        return len(self.items)

    def place(self, i: int, key: str = "") -> str:
        """Return the place of a value, for messages."""
        return f"{self.where}[{i}]" + (f".{key}" if key else "")

    def error(self, what: str, i: int, key: str, found: Any, expected: str) -> ManifestError:
        """Return the error about one value."""
        return ManifestError(what, where=self.place(i, key), found=repr(found)[:120], expected=expected)

    def raw(self, key: str) -> list[Any]:
        """Return the unchecked values of a key, None where it is absent."""
        return [x.get(key) for x in self.items]

    def ids(self, key: str) -> list[str]:
        """Return ids as text. Raises ManifestError where one is neither text nor a whole number."""
        values = self.raw(key)
        types = set(map(type, values))
        if types - {str, int}:
            i = next(i for i, v in enumerate(values) if type(v) not in (str, int))
            raise self.error("an entry has no usable id", i, key, self.items[i], "text or a whole number")
        return values if types == {str} else [str(v) for v in values]

    def texts(self, key: str) -> list[str | None]:
        """Return texts, and whole numbers as text; None where absent or empty. Raises ManifestError for others."""
        values = self.raw(key)
        types = set(map(type, values))
        if types - {str, int, NOTHING}:
            raise self._type_error(values, key, lambda v: type(v) in (str, int, NOTHING), "text or a whole number")
        return (
            [v or None for v in values]
            if int not in types
            else [None if v in (None, "") else str(v) for v in values]
        )

    def numbers(self, key: str, *, whole: bool = True) -> list[Any]:
        """Return numbers of 0 or more, None where absent; with `whole`, as int. Raises ManifestError for others."""
        values = self.raw(key)
        types = set(map(type, values))
        if types == {NOTHING}:
            return values
        if types - {int, float, NOTHING} or not all(v is None or 0 <= v < 2**53 for v in values):
            raise self._type_error(values, key, _is_number, "a number, 0 or more")
        if not whole or float not in types:
            return values
        if not all(v is None or v == int(v) for v in values):
            raise self._type_error(values, key, lambda v: v is None or v == int(v), "a whole number")
        return [None if v is None else int(v) for v in values]

    def _type_error(
        self, values: Iterable[Any], key: str, is_right: Callable[[Any], bool], expected: str
    ) -> ManifestError:
        i, value = next((i, v) for i, v in enumerate(values) if not is_right(v))
        return self.error("a value has the wrong type", i, key, value, expected)


def _is_number(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and 0 <= value < 2**53)
