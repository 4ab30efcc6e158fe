"""Numbers and days as people of a language write them."""

from __future__ import annotations

import math
import re
from datetime import date
from functools import lru_cache

from leopardnet.core.language.choice import ENGLISH, current_language

# With groups of three digits or without, and with decimals or without; no part of a day, a version or a list.
NUMBER = re.compile(r"(?<![\w.,/])(\d{1,3}(?:,\d{3})+|\d+)(\.\d+)?(?![.,]?\w)")
INTERVAL = re.compile(r"(-?\d[\d.]*) to (-?\d[\d.]*)")
UNIT = re.compile(r"\b(?:s|min|h|m|km|px|Hz|kHz|[kMG]B)\b")
NOT_NUMBERS = re.compile(r"[A-Za-z_=/\\'\"`«:]")
DAY_FORMS = {"en": "y-MM-dd", "ru": "dd.MM.y"}


def format_number(value: float, n_decimals: int = 0) -> str:
    """Return a number, rounded, in the form of the current language.

    >>> format_number(12345), format_number(0.5, 2)
    ('12,345', '0.50')
    """
    group, decimal = _symbols(current_language())
    return f"{value:,.{n_decimals}f}".translate({ord(","): group, ord("."): decimal})


def round_probability(p: float) -> float:
    """Return a probability as it is shown everywhere: its six decimals in the tables, rounded half up to two.

    >>> round_probability(0.414502), round_probability(0.425), round_probability(0.994999)
    (0.41, 0.43, 0.99)
    """
    return (_count_millionths(p) + 5000) // 10_000 / 100


def cut_probability(p: float) -> float:
    """Return a probability with three decimals for a page; the others are cut, so two decimals stay those of it.

    >>> cut_probability(0.414502), round_probability(cut_probability(0.414502))
    (0.414, 0.41)
    """
    return _count_millionths(p) // 1000 / 1000


def format_probability(p: float) -> str:
    """Return a probability with two decimals in the form of the current language, '–' for nan.

    >>> format_probability(0.604501)
    '0.60'
    """
    return "–" if math.isnan(p) else format_number(round_probability(p), 2)


def _count_millionths(p: float) -> int:
    return round(float(p) * 1_000_000)


def localise_decimals(text: str) -> str:
    """Return a text that holds numbers alone, such as those of an axis, with the decimal sign of the language."""
    return text.replace(".", _symbols(current_language())[1])


def localise_numbers(text: str) -> str:
    """Return a value that was written in English with the signs of the language, where it is of numbers and units.

    Names, paths, options, versions and days keep their points.

    >>> localise_numbers("0.85 (0.70–0.92)")
    '0.85 (0.70–0.92)'
    """
    if current_language() == ENGLISH:
        return text
    text = INTERVAL.sub(r"\1–\2", text)
    if NOT_NUMBERS.search(UNIT.sub("", text)):
        return text
    group, decimal = _symbols(current_language())
    return NUMBER.sub(lambda found: found[1].replace(",", group) + (found[2] or "").replace(".", decimal), text)


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
