"""The order in which clips are worth a look: what resembles a target, and after the first labels what they teach.

Before a clip of the target is labelled, clips are ranked by the ImageNet classes that resemble it. From then on a
linear probe on the features of the labelled clips ranks the others, with the ImageNet score beside it at half its
weight: a probe of few labels forgets what it has not seen. `scripts/measure_hunt.py` measures both. Results of
other programs only move clips up and down; they never leave one out. The order decides nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from leopardnet.bundle.head.linear_probe import fit_head
from leopardnet.core.labels import UNKNOWN, split_labels
from leopardnet.hunt.clusters import cluster_centres
from leopardnet.hunt.feature_store import FeatureStore
from leopardnet.hunt.lookalikes import load_lookalikes
from leopardnet.score.ties import order_descending

REFIT_EVERY = 20  # labels
AUDIT_EVERY = 10  # places: one in ten is a clip of the random sample
PRIOR_WEIGHT = 0.5  # of the ImageNet score beside the probe
RESULTS_WEIGHT = 0.5  # of the results of another program
PROBE_C = 0.02
UNSEEN = "not looked at yet"
Floats = NDArray[np.float64]


class Place(NamedTuple):
    """A clip that is worth a look, and why, in a few words."""

    clip_id: str
    reason: str


class Hunt:
    """The clips of a store, ranked for some targets. It keeps the features in memory between two orders.

    >>> ln.Hunt(ln.FeatureStore("season"), targets=["leopard"])  # doctest: +SKIP
    """

    def __init__(
        self,
        store: FeatureStore,
        *,
        targets: Sequence[str],
        seed: int = 0,
        clip_ids: Collection[str] | None = None,
        results: Mapping[str, Mapping[str, float]] | None = None,
    ) -> None:
        """Read the features of the footage.

        clip_ids: of the footage; features of other clips are left aside. results: for each target, the scores that
        another program gave to clips; see `hunt.other_results`.
        """
        self.features = store.read(clip_ids)
        self.targets, self.seed = tuple(dict.fromkeys(targets)), seed
        known = load_lookalikes()
        self._looks_like = {x: known[x].looks_like for x in self.targets if x in known}
        self._priors = {x: _scale(store.read_imagenet(list(known[x].classes), clip_ids)) for x in self._looks_like}
        self._results = {x: self._read_scores(scores) for x, scores in (results or {}).items() if scores}
        self._centres: list[Place] | None = None

    def order(self, labels: Mapping[str, str], *, audit: Sequence[str] = ()) -> list[Place]:
        """Return all clips without a label, the most promising first.

        labels: what people said of clips, several labels joined by ` + `; a clip in it, whatever it says, is not
        shown again. audit: clips of the random sample in their order; every tenth place is one of them, and they
        stand nowhere else. With several targets each has every other place. A target that nobody has found yet, and
        that resembles no class of ImageNet, is looked for at the centres of clusters.
        """
        sample = set(audit)
        orders = [self._order_for(target, labels) for target in self.targets] or [self._list_centres()]
        merged = chain.from_iterable(zip_longest(*orders))
        seen = set(labels) | sample
        ranked = []
        for place in merged:
            if place is not None and place.clip_id not in seen:
                seen.add(place.clip_id)
                ranked.append(place)
        drawn = [Place(clip_id, "one of ten, at random") for clip_id in audit if clip_id not in labels]
        return list(_mix(ranked, drawn))

    def _order_for(self, target: str, labels: Mapping[str, str]) -> list[Place]:
        taught, y = self._find_labelled(labels, target)
        prior, other = self._priors.get(target), self._results.get(target)
        if y.any() and not y.all():
            parts = [_scale(self._probe(taught, y)), *([] if prior is None else [PRIOR_WEIGHT * prior])]
            reason = f"like the clips of {target} that you found"
        elif prior is not None:
            parts, reason = [prior], f"looks like: {self._looks_like[target]}"
        elif other is None:
            return self._list_centres()
        else:
            parts, reason = [], f"another program suspects {target}"
        score = np.sum([*parts, *([] if other is None else [RESULTS_WEIGHT * other])], axis=0)
        return [Place(self.features.clip_ids[i], reason) for i in order_descending(score)]

    def _find_labelled(self, labels: Mapping[str, str], target: str) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the positions of clips that say something about a target, and whether they show it."""
        said = [(i, split_labels(labels[c])) for i, c in enumerate(self.features.clip_ids) if c in labels]
        said = [(i, names) for i, names in said if names and names != (UNKNOWN,)]
        return np.array([i for i, _ in said], np.int64), np.array([target in names for _, names in said], bool)

    def _probe(self, clips: NDArray[np.int64], y: NDArray[np.bool_]) -> Floats:
        """Return the log-odds of each clip, float64 [M], by a probe on the frames of labelled clips."""
        frames, of = self.features.take_frames(clips)
        # Both answers weigh the same, and so do the clips of one answer, however many frames they have.
        weights = 1.0 / np.bincount(of)[of]
        for answer in (True, False):
            is_it = y[of] == answer
            weights[is_it] *= len(of) / 2 / weights[is_it].sum()
        weight, bias = fit_head(frames, y[of].astype(np.int64), weights, n_labels=2, c=PROBE_C)
        return self.features.score(weight[1] - weight[0], float(bias[1] - bias[0]))

    def _list_centres(self) -> list[Place]:
        """Return the centres of clusters, the largest first, and then all other clips."""
        if self._centres is None:
            centres = cluster_centres(self.features, seed=self.seed)
            alike = "stands for {} clips that look alike"
            places = [Place(c.clip_id, alike.format(c.n_clips) if c.n_clips > 1 else UNSEEN) for c in centres]
            shown = {place.clip_id for place in places}
            others = [Place(c, UNSEEN) for c in self.features.clip_ids if c not in shown]
            self._centres = [*places, *others]
        return self._centres

    def _read_scores(self, scores: Mapping[str, float]) -> Floats:
        """Return another program's scores in the order of the features; a clip that it lacks has the median."""
        known = float(np.median(list(scores.values())))
        return _scale(np.array([scores.get(clip_id, known) for clip_id in self.features.clip_ids], np.float64))


def _scale(scores: Floats) -> Floats:
    """Return scores with mean 0 and standard deviation 1, so that several can be added."""
    return (scores - scores.mean()) / max(float(scores.std()), 1e-9) if len(scores) else scores


def _mix(ranked: Sequence[Place], drawn: Sequence[Place]) -> Iterator[Place]:
    """Yield both, every tenth place from `drawn`, as long as there are any of each."""
    sample = iter(drawn)
    for i, place in enumerate(ranked):
        if i % (AUDIT_EVERY - 1) == AUDIT_EVERY - 2 and (chosen := next(sample, None)) is not None:
            yield chosen
        yield place
    yield from sample
