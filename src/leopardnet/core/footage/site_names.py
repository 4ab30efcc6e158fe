"""Names of sites as people write them, made alike: 'Site 01', 'site-1' and 'SITE1' are one place."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import pandas as pd

LEADING_ZEROS = re.compile(r"(?<!\d)(?<!\d[.,])0+(?=\d)")  # not those of a decimal fraction
WHOLE_NUMBER = re.compile(r"([+-]?\d+)\.0+")  # tables of numbers with a gap write 7 as 7.0
GRID = re.compile(r"[nsewoxy]\s*[+-]?\d+([.,]\d+)?[\s,;/_]+[nsewoxy]\s*[+-]?\d+([.,]\d+)?")  # such as E10 N-5
MINUS = "\u2212"


@lru_cache(maxsize=100_000)
def normalise_site(name: str) -> str:
    """Return a name without case, spaces, punctuation and leading zeros; two numbers stay apart.

    Signs stay: a plus before a digit, a minus before a digit where it is no hyphen after a word, and both at the
    end. A whole number is one with or without zeros after its point. A name of punctuation alone is returned as it
    is.

    >>> [normalise_site(x) for x in ("Site 01", "site-1", "2-1", "21", "7.0", "Nord+")]
    ['site1', 'site1', '2-1', '21', '7', 'nord+']
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    text = WHOLE_NUMBER.sub(r"\1", text) if WHOLE_NUMBER.fullmatch(text.strip()) else text
    text = LEADING_ZEROS.sub("", text.replace(MINUS, "-").strip())
    is_grid = GRID.fullmatch(text) is not None
    kept = "".join(
        c if _is_of_word(c) else " " if not _is_sign(text, i, is_grid=is_grid) else MINUS if c == "-" else c
        for i, c in enumerate(text)
    )
    return re.sub(r"(?<=\d)\s+(?=\d)", "-", kept).replace(" ", "") or name


def find_clip_values(rows: pd.DataFrame, column: str) -> pd.Series[str]:
    """Return the value of each clip of a manifest's rows that has one, by clip_id; labelled frames count last."""
    named = rows[rows[column].notna()]
    is_frame = named["kind"] == "frame"
    named = pd.concat([named[~is_frame], named[is_frame]])
    return named.drop_duplicates("clip_id").set_index("clip_id")[column]


def has_other_site(table: pd.DataFrame, rows: pd.DataFrame) -> pd.Series[bool]:
    """Return whether a manifest's rows name a site for each clip of a table that has none, or another, there.

    table: has `clip_id`, and `site` or none.
    """
    theirs = table["clip_id"].map(find_clip_values(rows, "site")).astype(object)
    ours = (table["site"] if "site" in table.columns else theirs.where(theirs.isna())).astype(object)
    alike = [x.map(normalise_site, na_action="ignore") for x in (ours, theirs)]
    return theirs.notna() & (alike[0] != alike[1])


def _is_of_word(c: str) -> bool:
    return unicodedata.category(c)[0] in "LMN"  # letters, their marks, numbers


def _is_sign(text: str, i: int, *, is_grid: bool) -> bool:
    """Return whether a plus or minus at this position tells one place from another."""
    if text[i] not in "+-":
        return False
    if not text[i:].strip("+-"):
        return True
    before = text[i - 1] if i else " "
    is_hyphen = text[i] == "-" and (before == "-" or (_is_of_word(before) and not is_grid))
    return text[i + 1].isdecimal() and not is_hyphen
