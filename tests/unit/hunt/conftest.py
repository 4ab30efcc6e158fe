"""What the tests of this room share: features that were never filmed, and footage of a few frames."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import clip_id

LEOPARD, TIGER = 288, 292  # classes of ImageNet


@pytest.fixture(scope="session")
def forest(write_store, tmp_path_factory):
    """60 stills of 6 sites: leopards, deer and empty ones, each kind with a direction of its own."""
    rng = np.random.default_rng(7)
    kinds = ["leopard", "deer", "empty"]
    paths = [f"s{site}/{kind}{i}.jpg" for site in range(6) for i, kind in enumerate(kinds * 4) if i < 10]
    labels = [next(k for k in kinds if k in path) for path in paths]
    clips = {}
    for path, label in zip(paths, labels, strict=True):
        vector = rng.normal(0, 0.3, 8)
        vector[kinds.index(label)] += 3.0
        clips[path] = ([vector], {LEOPARD: 5.0} if label == "leopard" else {})
    table = pd.DataFrame({"path": paths, "kind": "still", "site": [path[:2] for path in paths]})
    manifest = Manifest.from_rows(table, tmp_path_factory.mktemp("forest"))
    said = pd.DataFrame(
        {
            "clip_id": [clip_id(path) for path in paths],
            "labels": labels,
            "is_disputed": False,
            "inclusion": np.where(np.arange(len(paths)) % 10 == 9, 0.1, np.nan),
        }
    )
    return write_store(clips), manifest, said
