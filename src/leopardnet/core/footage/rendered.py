"""Rendered footage says what it is: a mark in the header of each file, which a scan keeps in the manifest."""

from __future__ import annotations

import pandas as pd

MARK = "leopardnet: rendered, shows no animal"
SOURCE = "scan, rendered"  # of a file with the mark, in the column `source` of a manifest


def find_rendered(manifest: pd.DataFrame) -> frozenset[str]:
    """Return the `clip_id` of every clip that a program drew, as the scan of its files found.

    >>> sorted(find_rendered(pd.DataFrame({"clip_id": ["a", "b"], "source": ["scan", "scan, rendered"]})))
    ['b']
    """
    return frozenset(manifest.loc[manifest["source"].eq(SOURCE).fillna(False).astype(bool), "clip_id"])
