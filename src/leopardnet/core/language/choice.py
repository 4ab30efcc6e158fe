"""The language of this thread or request, and how it follows from what people ask for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

ENGLISH = "en"
LANGUAGES = (ENGLISH, "ru")
WINDOWS_NAMES = {"english": ENGLISH, "russian": "ru"}  # as in Russian_Russia.1251
_language: ContextVar[str] = ContextVar("language", default=ENGLISH)


def current_language() -> str:
    """Return the language of this thread or request, one of `LANGUAGES`; English where none was set."""
    return _language.get()


def set_language(language: str) -> None:
    """Set the language of this thread or request. A language that is not in `LANGUAGES` is English."""
    _language.set(language if language in LANGUAGES else ENGLISH)


@contextmanager
def use_language(language: str) -> Iterator[None]:
    """Set the language inside a `with` block.

    >>> with use_language("ru"):
    ...     current_language()
    'ru'
    """
    before = _language.set(language if language in LANGUAGES else ENGLISH)
    try:
        yield
    finally:
        _language.reset(before)


def language_of(option: str | None = None, accept_language: str = "", system: str = "") -> str:
    """Return the language that was asked for, of `LANGUAGES`; English where none of those is known.

    option: the value of --language, which alone decides where it is given. accept_language: the header of a
    browser, whose languages are tried in the order of their q. system: the locale of the system, as LANG or
    LANGUAGE hold it.

    >>> language_of("ru"), language_of(None, "de,ru-RU;q=0.8,en;q=0.9"), language_of(None, "", "ru_RU.UTF-8")
    ('ru', 'en', 'ru')
    """
    if option:
        return find_language(option) or ENGLISH
    asked = [*_order_header(accept_language), *system.split(":")]
    return next(filter(None, map(find_language, asked)), ENGLISH)


def find_language(name: str) -> str | None:
    """Return the language in the name of a locale, None where it is not in `LANGUAGES`.

    >>> find_language("ru_RU.UTF-8"), find_language("Russian_Russia.1251"), find_language("C"), find_language("ruq")
    ('ru', 'ru', None, None)
    """
    first = name.strip().lower().replace("-", "_").split("_")[0].split(".")[0]
    first = WINDOWS_NAMES.get(first, first)
    return first if first in LANGUAGES else None


def _order_header(accept_language: str) -> list[str]:
    """Return the languages of a header, the most wanted first, without those of q=0 or a q that is no number."""
    wanted = []
    for part in accept_language.split(","):
        name, _, rest = part.partition(";")
        try:
            q = float(rest.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        if q > 0:
            wanted.append((-q, name))
    return [name for _, name in sorted(wanted, key=lambda entry: entry[0])]
