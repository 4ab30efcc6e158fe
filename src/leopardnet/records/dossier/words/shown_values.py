"""Times, places and numbers of a dossier in the form of the reader's language."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from itertools import groupby

import pandas as pd

from leopardnet.core.language import format_day, format_number, format_probability, translate
from leopardnet.records.dossier.shown_places import Place
from leopardnet.records.ranges.coarse_places import COARSE_DIGITS


def show_time(moment: pd.Timestamp | None) -> str:
    """Return a day and minute in the form of the language."""
    return "?" if moment is None else f"{format_day(moment.date())} {moment:%H:%M}"


def show_share(value: float) -> str:
    """Return a probability with two decimals."""
    return format_probability(value)


def show_shares(values: Iterable[float]) -> str:
    """Return the least and the largest of some probabilities, once where they look the same."""
    known = [v for v in values if not math.isnan(v)]
    return "–".join(dict.fromkeys(map(format_probability, (min(known), max(known))))) if known else "?"


def show_span(values: Iterable[float]) -> str:
    """Return the least and the largest of some numbers, once where they are one; one decimal, or none if whole."""
    known = [v for v in values if not math.isnan(v)]
    if not known:
        return "?"
    ends = (min(known), max(known))
    return "–".join(dict.fromkeys(format_number(v, 0 if v == round(v) else 1) for v in ends))


def join_refs(refs: Sequence[str]) -> str:
    """Return the signs of rows, those that follow each other as their first and last.

    >>> join_refs(["r1", "r2", "r3", "r5", "s1", "s2"])
    'r1–r3, r5, s1, s2'
    """
    split = [re.fullmatch(r"(\D*)(\d*)", ref) for ref in refs]
    keys = [
        (m[1], int(m[2] or 0) - i) if m else (ref, 0) for i, (m, ref) in enumerate(zip(split, refs, strict=True))
    ]
    parts = list[str]()
    for _, run in groupby(zip(keys, refs, strict=True), key=lambda pair: pair[0]):
        mine = [ref for _, ref in run]
        parts += [f"{mine[0]}–{mine[-1]}"] if len(mine) > 2 else mine
    return ", ".join(parts)


def show_place(place: Place) -> str:
    """Return coordinates with their uncertainty, in words."""
    n = COARSE_DIGITS if place.is_coarse else 5
    north, east = format_number(abs(place.latitude), n), format_number(abs(place.longitude), n)
    latitude = translate("{n}° N", n=north) if place.latitude >= 0 else translate("{n}° S", n=north)
    longitude = translate("{n}° E", n=east) if place.longitude >= 0 else translate("{n}° W", n=east)
    at = f"{latitude}, {longitude}"
    if place.is_coarse:
        km = format_number(math.ceil(place.radius_m / 1000))
        return translate("within {km} km of {place} (the exact place is left out).", km=km, place=at)
    return translate("{place}, to {m} m.", m=format_number(place.radius_m), place=at)


def show_days(moments: Sequence[pd.Timestamp]) -> str:
    """Return the first and the last day, once where they are one; '' for none."""
    if not moments:
        return ""
    first, last = format_day(min(moments).date()), format_day(max(moments).date())
    return first if first == last else f"{first} – {last}"
