"""A queue: the clips in their order, with their groups and their chances of inclusion where there are any."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class QueueRows:
    """rows: int64 [M], of the index, each once. groups: by row, the name of the group that the clip is shown in.

    inclusion: by row, the chance with which a random queue has the clip. hints: by row, a sentence for the person.
    is_ready: False while the queue is still being found, beside the page.
    """

    rows: Rows
    groups: dict[int, str] = field(default_factory=dict)
    inclusion: dict[int, float] = field(default_factory=dict)
    hints: dict[int, str] = field(default_factory=dict)
    is_ready: bool = True

    def __len__(self) -> int:
        return len(self.rows)

    def group_rows(self, row: int) -> list[int]:
        """Return the rows of the clip's group in the order of the queue; none where it is in no group."""
        return self._members.get(self.groups.get(row, ""), [])

    @cached_property
    def _members(self) -> dict[str, list[int]]:
        members: dict[str, list[int]] = {}
        for row in self.rows.tolist():
            if row in self.groups:
                members.setdefault(self.groups[row], []).append(row)
        return members


def draw_numbers(clip_ids: list[str], seed: str) -> NDArray[np.float64]:
    """Return a number from 0 to 1 for each clip: random, but always the same for a clip and a seed.

    >>> draw_numbers(["a", "b"], "s").round(3).tolist() == draw_numbers(["b", "a"], "s").round(3).tolist()[::-1]
    True
    """
    numbers = [hashlib.blake2b(f"{seed}/{c}".encode(), digest_size=8).digest() for c in clip_ids]
    found: NDArray[np.float64] = np.array([int.from_bytes(n, "big") for n in numbers], np.float64) / 2**64
    return found


def draw_per_site(rows: Rows, sites: Rows, numbers: NDArray[np.float64], one_in: int) -> QueueRows:
    """Return the clips with the smallest numbers, one in `one_in` of each site, rounded up, in random order.

    rows, sites, numbers: [M], of the clips to choose from. The chance of a clip is the share of its site that is
    drawn, so a site with fewer clips than `one_in` gives one of n.
    """
    chosen: list[Any] = []
    inclusion: dict[int, float] = {}
    for site in np.unique(sites):
        of_site = np.flatnonzero(sites == site)
        n_drawn = -(-len(of_site) // one_in)
        drawn = of_site[np.argsort(numbers[of_site], kind="stable")[:n_drawn]]
        chosen.extend(drawn)
        inclusion |= {int(r): n_drawn / len(of_site) for r in rows[drawn]}
    positions = np.array(chosen, np.int64)
    return QueueRows(rows[positions[np.argsort(numbers[positions], kind="stable")]], inclusion=inclusion)
