"""The keys of the review page: the default ones, and those that a person chooses."""

from __future__ import annotations

from leopardnet.review.request_error import RequestError

DEFAULT_KEYS = {
    "accept": "Enter",
    "empty": "x",
    "unknown": "u",
    "event": "e",
    "majority": "m",
    "star": "f",
    "note": "n",
    "undo": "z",
    "next": "j",
    "previous": "k",
    "play": " ",
    "slow": "s",
    "enhance": "v",
    "grid": "g",
    "history": "h",
    "person": "p",
    "help": "?",
}
"""By action the name of a key, as browsers give it. Digits and arrows are fixed."""


def check_keys(keys: object, before: dict[str, str]) -> dict[str, str]:
    """Return the keys that differ from the default. before: all keys so far.

    Raises RequestError for an action that there is not, and where a key would have two.

    >>> check_keys({"empty": "0"}, DEFAULT_KEYS)
    {'empty': '0'}
    """
    known = ", ".join(DEFAULT_KEYS)
    if not isinstance(keys, dict) or not all(isinstance(k, str) and 0 < len(k) <= 20 for k in keys.values()):
        raise RequestError("keys cannot be read", found=str(keys)[:60], expected="{action: key}")
    unknown = sorted(map(str, set(keys) - set(DEFAULT_KEYS)))
    if unknown:
        raise RequestError("there is no such action", found=unknown[0][:40], expected=known)
    chosen = before | {action: key.lower() if len(key) == 1 else key for action, key in keys.items()}
    twice = sorted({key for key in chosen.values() if list(chosen.values()).count(key) > 1})
    if twice or any(key.isdigit() and len(key) == 1 and key != "0" for key in chosen.values()):
        raise RequestError(
            "a key has two meanings",
            found=repr(twice[0]) if twice else "a digit",
            expected="another key for each action; 1 to 9 are labels",
        )
    return {action: key for action, key in chosen.items() if DEFAULT_KEYS[action] != key}
