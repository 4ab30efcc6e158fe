"""Epochs over shards: a random order that comes from few shards at a time, which the system reads ahead."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from leopardnet.training.frames.shard_set import ShardSet

AT_ONCE = 16  # shards that are mixed; their bytes should fit into the memory in which the system keeps files


class ShardOrder:
    """In which shard each frame lies, int32 [N], and which shards were asked for lately. Thread-safe."""

    def __init__(self, shards: ShardSet, i_shard: NDArray[np.int32]) -> None:
        self.i_shard, self._shards = i_shard, shards
        self._lock, self._near = threading.Lock(), OrderedDict[int, None]()

    def expect(self, rows: NDArray[np.int64]) -> None:
        """Ask the system to read the shards of these frames ahead, where it can (Linux)."""
        for i in np.unique(self.i_shard[rows]).tolist():
            with self._lock:
                is_near = i in self._near
                self._near[i] = None
                self._near.move_to_end(i)
                if len(self._near) > 2 * AT_ONCE:
                    self._near.popitem(last=False)
            if not is_near and hasattr(os, "posix_fadvise"):
                path = self._shards.folder / self._shards.record.shards[i].name
                with path.open("rb") as file:
                    os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_WILLNEED)


def gather_shards(
    order: NDArray[np.int64], i_shard: NDArray[np.int32], rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return the same draws, int64 [n], so that one stretch after the other comes from few shards.

    order: frames in the order of an epoch; i_shard: the shard of each frame, int32 [N]. Shards are put into groups
    of `AT_ONCE` at random, and the frames of a group stay in the order in which they were drawn. A set of one group
    is left as it is.

    >>> gather_shards(np.array([2, 0, 1]), np.array([0, 0, 1], np.int32), np.random.default_rng(0)).tolist()
    [2, 0, 1]
    """
    names = np.unique(i_shard)
    group = rng.permutation(len(names)) // AT_ONCE
    return order[np.argsort(group[np.searchsorted(names, i_shard[order])], kind="stable")]
