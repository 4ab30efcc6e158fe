"""Which animals are given a name: a share that keeps the names of known ones and takes those of many strangers.

A model of four labels calls a boar something. What gives many strangers away is how the probability of animals is shared
out: a known animal takes nearly all of it, a stranger is split. So `DecideConfig.among` asks for a share, and this finds
the largest one that costs each known animal no more than so many of its names. What loses its name stays an 'animal', and
keeps its alert.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.errors import ConfigError
from leopardnet.core.labels import EMPTY

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Naming:
    """The share, and what it does: per true label `n` clips, and how many have a name `before` and `after`.

    keep: the share of right names that each known animal keeps at least, on these clips. Of known animals right names are
    counted, of labels that the model does not know (`is_stranger`) all; these had no part in the choice.
    """

    among: float
    keep: float
    counts: pd.DataFrame

    def __repr__(self) -> str:
        parts = [
            f"{'strangers named' if stranger else 'known animals rightly named'}: {int(part['before'].sum())} of {int(part['n'].sum())} before, {int(part['after'].sum())} after"
            for stranger, part in self.counts.groupby("is_stranger")
        ]
        return f"an animal is named where it has at least {self.among:.3f} of the probability of all animals ({'; '.join(parts)})"

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"among": self.among, "keep": self.keep, "counts": self.counts.reset_index().to_dict("records")}


def naming(probs: Floats, truth: pd.Series[str], labels: Sequence[str], *, keep: float, species: float) -> Naming:
    """The largest share that leaves at least `keep` of the rightly named clips of each known animal their name.

    probs: calibrated, float64 [M, C], nan for unreadable clips; truth: the true label of each, missing where unknown; species:
    the least probability of a name, as it is now. A label with few clips keeps them all: of ten, 0.95 lets none go.

    >>> p = np.array([[0.8, 0.1, 0.1], [0.6, 0.3, 0.1], [0.5, 0.4, 0.1]])
    >>> found = naming(p, pd.Series(["leopard", "leopard", "boar"]), ("leopard", "tiger", "empty"), keep=0.5, species=0.5)
    >>> round(found.among, 3), found.counts["after"].to_dict()
    (0.889, {'leopard': 1, 'boar': 0})
    """
    if not 0 < keep <= 1:
        raise ConfigError(
            "this is no share of names to keep", where="keep_names", found=keep, expected="above 0, at most 1"
        )
    animals = np.array([i for i, name in enumerate(labels) if name != EMPTY])
    top, sums = probs[:, animals].max(axis=1), probs[:, animals].sum(axis=1)
    share = np.divide(top, sums, out=np.zeros(len(probs)), where=sums > 0)
    shown = truth.reset_index(drop=True)
    known = [labels[i] for i in animals]
    said = np.array(known)[np.nan_to_num(probs[:, animals]).argmax(axis=1)]
    is_known = shown.isin(known).to_numpy(bool)
    before = (np.nan_to_num(top) >= species) & (~is_known | (shown.fillna("") == said).to_numpy(bool))
    cuts = []
    for label in known:
        own = np.sort(share[before & (said == label) & is_known])
        if len(own):
            cuts.append(own[min(math.floor((1 - keep) * len(own) + 1e-9), len(own) - 1)])
    among = float(min(cuts, default=0.0))
    after = before & (share >= among)
    is_animal = (shown.notna() & (shown != EMPTY).fillna(False) & np.isfinite(sums)).to_numpy(bool)
    table = pd.DataFrame({"label": shown, "before": before, "after": after})[is_animal]
    counts = table.groupby("label", sort=False).agg(
        n=("before", "size"), before=("before", "sum"), after=("after", "sum")
    )
    order = [x for x in known if x in counts.index] + [x for x in counts.index if x not in known]
    counts = counts.loc[order].astype(int)
    return Naming(among, keep, counts.assign(is_stranger=[label not in known for label in counts.index]))
