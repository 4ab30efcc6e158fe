"""Which animals are named: a share that keeps the names of known animals and removes those of many unknown ones.

A model of four labels calls a boar something. Many unknown animals are given away by how the probability of animals
is divided: a known animal gets nearly all of it, an unknown one shares it among labels. `DecideConfig.among` asks
for a share, and this finds the largest one that costs each known animal no more than a given part of its names. A
clip that loses its name stays an 'animal' and keeps its alert.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from leopardnet.core.errors import ConfigError
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.score.decide import reaches


@dataclass(frozen=True, eq=False)
class NamingThreshold:
    """The share, and its effect: per true label `n` clips, and how many are named `before` and `after`.

    keep: the share of correct names that each known animal keeps at least, on these clips. For known animals only
    correct names are counted, for labels that the model does not know (`is_stranger`) all of them; the latter had
    no part in the choice.
    """

    among: float
    keep: float
    counts: pd.DataFrame

    def __repr__(self) -> str:
        titles = {True: "strangers named", False: "known animals correctly named"}
        parts = [
            f"{titles[bool(stranger)]}: {row['before']} of {row['n']} before, {row['after']} after"
            for stranger, row in self.counts.groupby("is_stranger").sum().iterrows()
        ]
        effect = "; ".join(parts)
        return (
            f"an animal is named if it has at least {self.among:.3f} of the probability of all animals ({effect})"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"among": self.among, "keep": self.keep, "counts": self.counts.reset_index().to_dict("records")}


def find_naming_threshold(clips: LabelledClips, *, keep: float, species: float) -> NamingThreshold:
    """Return the largest share at which each known animal keeps at least `keep` of its correct names.

    species: the lowest probability at which a label is named, as it is now. A label with few clips keeps them all:
    of ten, 0.95 lets none go. Raises ConfigError for a `keep` that is not above 0 and at most 1.

    >>> p, y = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1]]), np.zeros(2, np.int64)
    >>> clips = LabelledClips.from_arrays(("leopard", "tiger", "empty"), p, y, y)
    >>> found = find_naming_threshold(clips, keep=0.5, species=0.5)
    >>> round(found.among, 3), found.counts["after"].to_dict()
    (0.889, {'leopard': 1})
    """
    if not 0 < keep <= 1:
        raise ConfigError(
            "this is not a share of names to keep", where="keep_names", found=keep, expected="above 0, at most 1"
        )
    animals = np.array([i for i, name in enumerate(clips.labels) if name in clips.animals])
    probs = clips.probs[:, animals]
    first = np.nan_to_num(probs).round(6).argmax(axis=1)  # of equal animals the first, as in `decide`
    top, sums = probs[np.arange(len(probs)), first], probs.sum(axis=1)
    share = np.divide(top, sums, out=np.zeros(len(clips)), where=sums > 0)
    likeliest = animals[first]  # int64 [M]
    is_known = np.isin(clips.y, animals)
    before = reaches(top, species) & (~is_known | (clips.y == likeliest))
    cuts = []
    for i in animals:
        own = np.sort(share[before & (likeliest == i) & is_known])
        if len(own):
            cuts.append(own[min(math.floor((1 - keep) * len(own) + 1e-9), len(own) - 1)])
    among = float(min(cuts, default=0.0))
    after = before & reaches(top, among * sums)  # as `decide` compares, so that no clip is counted otherwise
    is_animal = (clips.y >= 0) & (clips.y != clips.i_empty) & np.isfinite(sums)
    table = pd.DataFrame({"label": clips.truth, "before": before, "after": after})[is_animal]
    counts = table.groupby("label", sort=False).agg(
        n=("before", "size"), before=("before", "sum"), after=("after", "sum")
    )
    order = [x for x in clips.animals if x in counts.index] + [x for x in counts.index if x not in clips.animals]
    counts = counts.loc[order].astype(int)
    is_stranger = [label not in clips.animals for label in counts.index]
    return NamingThreshold(among, keep, counts.assign(is_stranger=is_stranger))
