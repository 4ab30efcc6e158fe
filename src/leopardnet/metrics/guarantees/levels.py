"""Two levels of promise, and how far labelled clips support each.

`any_sites`   "holds whatever sites do": free of any assumption about how sites differ; see `site_losses`.
`like_sites`  "holds if no site is unlike those labelled": rests on a model of how alike clips of a site are; see
              `clip_losses`.

The two bound different shares (`MEANINGS`): the mean over sites, and the share of all clips, which differ where
busy sites lose more or less than others. Therefore neither bound implies the other, either may be the larger, and
with few clips per site the first may be demonstrated where the second is not. The smaller of both bounds neither
share.

The first is the stronger one, and usually needs more sites. From K sites without a miss nobody can exclude that a
share x of all sites fails altogether, unless (1 − x)^K is at most 1 − confidence: 14 sites for 20 %, 29 for 10 %,
59 for 5 %, 299 for 1 %, at 95 %. No method can do better.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.errors import ConfigError

Level = Literal["any_sites", "like_sites"]
LEVELS: dict[Level, str] = {
    "any_sites": "holds whatever sites do",
    "like_sites": "holds if no site is unlike those labelled",
}
"""The levels in words, the strongest first."""
MEANINGS: dict[Level, str] = {"any_sites": "the mean over sites", "like_sites": "the share of all clips"}
"""What each level bounds; the mean over sites counts every site alike."""


@dataclass(frozen=True, slots=True)
class Support:
    """How far labelled clips support a guarantee at one level.

    threshold: a clip of a lower score may stay unseen; None where the clips do not support the guarantee. n_missed:
    positives below the threshold (0 without one). miss_at_most: the upper bound of what is missed, 1 where
    nothing is known. n_sites_needed: how many sites with positives the guarantee needs where none is missed; for
    `like_sites`, sites with as many positives, as alike, as these. is_saturated: it is refused because some
    positives have no score above 0, so that no threshold keeps them.
    """

    level: Level
    threshold: float | None
    n_missed: int
    miss_at_most: float
    n_sites_needed: int
    is_saturated: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {**asdict(self), "says": LEVELS[self.level]}


def choose_threshold(ranked: NDArray[np.float64], n_within: int) -> tuple[float | None, int, bool]:
    """Return the highest threshold of the `n_within` lowest scores, how many are below it, and if it is saturated.

    ranked: float64 [n], the scores of positives, lowest first; missing so many as the i-th has below it is within
    the guarantee for i < n_within. Of equal scores none is below the threshold. A threshold of 0 would keep
    nothing: a probability that is rounded to 0 cannot be told from others of its kind.

    >>> choose_threshold(np.array([0.1, 0.2, 0.2, 0.3]), 3), choose_threshold(np.array([0.0, 0.2]), 1)
    ((0.2, 1, False), (None, 0, True))
    """
    i = max(n_within - 1, 0)
    k = int((ranked < ranked[i]).sum()) if len(ranked) else 0
    if not n_within:
        return None, 0, False
    if not ranked[k] > 0:
        return None, 0, True
    return float(ranked[k]), k, False


def sites_needed(max_miss: float, *, confidence: float = 0.95) -> int:
    """Return how many sites with positives a guarantee needs whatever sites do, where no positive is missed.

    That is the smallest K with (1 − max_miss)^K ≤ 1 − confidence. Raises ConfigError for shares that are not
    between 0 and 1.

    >>> sites_needed(0.01), sites_needed(0.05), sites_needed(0.01, confidence=0.99)
    (299, 59, 459)
    """
    for name, value in (("max_miss", max_miss), ("confidence", confidence)):
        if not 0 < value < 1:
            raise ConfigError(
                "a guarantee needs a share", where=name, found=value, expected="a number between 0 and 1"
            )
    return math.ceil(math.log(1 - confidence) / math.log(1 - max_miss) - 1e-9)
