"""Names of sites as people write them, made alike: 'Site 01', 'site-1' and 'SITE1' are one place."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

NUMBER = re.compile(r"\d+")


@lru_cache(maxsize=100_000)
def normalise_site(name: str) -> str:
    """Return a name without case, spaces, punctuation and leading zeros; two numbers stay apart.

    A name of punctuation alone is returned as it is.

    >>> [normalise_site(x) for x in ("Site 01", "site-1", "2-1", "21")]
    ['site1', 'site1', '2-1', '21']
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    kept = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in text)  # letters, their marks, numbers
    plain = NUMBER.sub(lambda found: found.group().lstrip("0") or "0", kept)
    return re.sub(r"(?<=\d)\s+(?=\d)", "-", plain).replace(" ", "") or name
