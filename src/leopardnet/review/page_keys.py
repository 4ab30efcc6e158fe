"""The keys that a person chose for the review page; the page knows the usual ones."""

from __future__ import annotations

from leopardnet.review.request_error import RequestError

MAX_KEYS, MAX_CHARACTERS = 60, 80


def check_keys(keys: object, before: dict[str, str]) -> dict[str, str]:
    """Return the key of each action that has another one than usual. before: those chosen so far.

    Raises RequestError for what is no mapping of names, and where two actions have one key.

    >>> check_keys({"empty": "0"}, {"undo": "w"})
    {'undo': 'w', 'empty': '0'}
    """
    names = [*keys, *keys.values()] if isinstance(keys, dict) else [None]
    if not all(isinstance(x, str) and 0 < len(x) <= MAX_CHARACTERS for x in names) or len(names) > 2 * MAX_KEYS:
        raise RequestError("keys cannot be read", found=str(keys)[:60], expected="{action: key}")
    chosen = before | keys  # type: ignore[operator]
    twice = sorted({key for key in chosen.values() if list(chosen.values()).count(key) > 1})
    if twice:
        raise RequestError("a key has two meanings", found=repr(twice[0]), expected="another key for each action")
    return dict(chosen)
