"""Small manifests to split, for the tests of data/splits."""

from pathlib import Path

import pandas as pd

from leopardnet.core.manifest import Manifest


def manifest(rows, **columns):
    return Manifest.from_rows(pd.DataFrame(rows).assign(**columns), Path())


def sites(n_sites, n_rows, labels=("tiger", "empty")):
    """n_rows of each label at each site."""
    rows = [
        {"path": f"s{s}/{label}{i}.jpg", "kind": "still", "site": f"s{s}", "label": label}
        for s in range(n_sites)
        for label in labels
        for i in range(n_rows)
    ]
    return manifest(rows)


def parted(values, parts):
    """The values that stand on more than one side."""
    n = parts.groupby(values).nunique()
    return list(n.index[n > 1])
