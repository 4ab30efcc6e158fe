"""Clips that look alike: clusters of them, and their centres, which are labelled first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from leopardnet.hunt.feature_store import ClipFeatures
from leopardnet.score.ties import order_descending

N_CENTRES = 100
MOST_FITTED = 5000  # clips that the clusters are found from; all are then counted


class Centre(NamedTuple):
    """The clip nearest to the centre of a cluster, and how many clips the cluster has."""

    clip_id: str
    n_clips: int


def cluster_centres(features: ClipFeatures, *, n: int = N_CENTRES, seed: int = 0) -> list[Centre]:
    """Return the most central clip of each of `n` clusters, the largest first; all clips if there are fewer.

    A hundred of them, labelled, teach a model about as much as labels of everything: they show what there is.
    """
    return [Centre(clips[0], len(clips)) for clips in find_clusters(features, n=n, seed=seed)]


def find_clusters(features: ClipFeatures, *, n: int = N_CENTRES, seed: int = 0) -> list[list[str]]:
    """Return the clips of each of `n` clusters, the largest first, the most central clip first in each.

    Where there are no more clips than clusters, each clip is a cluster.
    """
    from sklearn.cluster import MiniBatchKMeans

    x = features.mean_directions()
    if len(x) <= n:
        return [[clip_id] for clip_id in features.clip_ids]
    few = np.random.default_rng(seed).permutation(len(x))[:MOST_FITTED]
    centres = MiniBatchKMeans(n, random_state=seed, batch_size=1024, n_init=1).fit(x[np.sort(few)]).cluster_centers_
    # The nearest centre c of x, which has length 1, is the one with the largest x·c - |c|²/2.
    nearness = (x @ centres.T - (centres**2).sum(axis=1) / 2).round(5)
    cluster = nearness.argmax(axis=1)
    found = []
    for i in np.unique(cluster):
        members = np.flatnonzero(cluster == i)
        found.append([features.clip_ids[k] for k in members[order_descending(nearness[members, i])]])
    return sorted(found, key=lambda clips: (-len(clips), clips[0]))
