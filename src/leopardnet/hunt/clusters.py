"""Clips that look alike: the centres of clusters, which are labelled first, and the neighbours of a clip."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from leopardnet.core.errors import ManifestError
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
    from sklearn.cluster import MiniBatchKMeans

    x = features.mean_directions()
    if len(x) <= n:
        return [Centre(clip_id, 1) for clip_id in features.clip_ids]
    few = np.random.default_rng(seed).permutation(len(x))[:MOST_FITTED]
    centres = MiniBatchKMeans(n, random_state=seed, batch_size=1024, n_init=1).fit(x[np.sort(few)]).cluster_centers_
    # The nearest centre c of x, which has length 1, is the one with the largest x·c - |c|²/2.
    nearness = (x @ centres.T - (centres**2).sum(axis=1) / 2).round(5)
    cluster = nearness.argmax(axis=1)
    found = []
    for i in np.unique(cluster):
        members = np.flatnonzero(cluster == i)
        found.append(Centre(features.clip_ids[members[nearness[members, i].argmax()]], len(members)))
    return sorted(found, key=lambda centre: (-centre.n_clips, centre.clip_id))


def find_lookalikes(features: ClipFeatures, clip_id: str, *, n: int = 10) -> list[tuple[str, float]]:
    """Return the `n` clips most like one, and the cosine between them, the most alike first.

    Raises ManifestError for a clip without features.
    """
    if clip_id not in features.clip_ids:
        raise ManifestError("this clip has no features", found=clip_id, todo="it may be unreadable, or new")
    i, x = features.clip_ids.index(clip_id), features.mean_directions()
    cosines = x @ x[i]
    order = [int(k) for k in order_descending(cosines) if k != i][:n]
    return [(features.clip_ids[k], float(cosines[k])) for k in order]
