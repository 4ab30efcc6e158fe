"""Numbers and days as people of a language write them."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from leopardnet.core.language.choice import current_language

DAY_FORMS = {"en": "y-MM-dd", "ru": "dd.MM.y"}


def format_number(value: float, n_decimals: int = 0) -> str:
    """Return a number, rounded, in the form of the current language.

    >>> format_number(12345), format_number(0.5, 2)
    ('12,345', '0.50')
    """
    group, decimal = _symbols(current_language())
    return f"{value:,.{n_decimals}f}".translate({ord(","): group, ord("."): decimal})


def localise_decimals(text: str) -> str:
    """Return a text that holds numbers alone, such as those of an axis, with the decimal sign of the language."""
    return text.replace(".", _symbols(current_language())[1])


def format_day(day: date) -> str:
    """Return a day in the form of the current language.

    >>> format_day(date(2026, 3, 5))
    '2026-03-05'
    """
    from babel.dates import format_date

    return format_date(day, DAY_FORMS[current_language()], locale=current_language())


@lru_cache
def _symbols(language: str) -> tuple[str, str]:
    """Return the sign between groups of digits and the one before decimals."""
    from babel.numbers import get_decimal_symbol, get_group_symbol

    return get_group_symbol(language), get_decimal_symbol(language)
