"""Parts with the wanted shares of every label, which depend on the data and the seed alone."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.manifest import Manifest
from leopardnet.data.splits import stratify
from leopardnet.data.splits.split import count_by_split, split
from manifests_to_split import manifest, parted, sites


@pytest.mark.parametrize("n_sites", [3, 12, 30, 60])
def test_the_seed_decides(n_sites):
    m = sites(n_sites, 2)
    splits = [split(m, seed=seed).table["split"].tolist() for seed in range(7, 13)]
    assert splits[0] == split(m, seed=7).table["split"].tolist()
    assert len({tuple(s) for s in splits}) > 3


def test_the_seed_decides_folds_too():
    m = sites(30, 2)
    assert len({tuple(split(m, n_folds=4, seed=seed).table["split"]) for seed in range(7, 13)}) > 3


# Counts of labels that differ only in their order have equal deviations, but not in floating point.
UNEVEN = [
    {"tiger": a, "deer": b, "empty": c} for a, b, c in [(3, 1, 2), (1, 2, 3), (2, 3, 1), (5, 1, 1), (1, 5, 1)] * 10
]


def uneven_sites(order=slice(None)):
    rows = [
        {"path": f"s{s}/{label}{i}.jpg", "kind": "still", "site": f"s{s}", "label": label}
        for s, counts in enumerate(UNEVEN)
        for label, n in counts.items()
        for i in range(n)
    ]
    return manifest(rows[order])


@pytest.mark.parametrize("options", [{}, {"n_folds": 5}], ids=["parts", "folds"])
def test_the_last_bit_of_a_number_decides_nothing(options, monkeypatch):
    plain = split(uneven_sites(), **options).table["split"].tolist()
    noise = np.random.default_rng(1)
    weights = stratify._weights
    monkeypatch.setattr(
        stratify, "_weights", lambda units: (w := weights(units)) * (1 + 1e-14 * noise.standard_normal(w.shape))
    )
    sqrt = np.sqrt
    monkeypatch.setattr(np, "sqrt", lambda x: (r := sqrt(x)) * (1 + 1e-14 * noise.standard_normal(np.shape(r))))
    assert split(uneven_sites(), **options).table["split"].tolist() == plain


@pytest.mark.parametrize(
    ("options", "digest"), [({}, "e6a41142e978"), ({"n_folds": 5}, "e14b1eccb056")], ids=["parts", "folds"]
)
def test_a_split_is_the_same_on_every_processor(options, digest):
    table = split(uneven_sites(), seed=7, **options).table
    by_site = table.groupby("site")["split"].first()
    assert hashlib.sha256(" ".join(by_site).encode()).hexdigest()[:12] == digest


@pytest.mark.parametrize("fractions", [(0.7, 0.15, 0.15), (0.5, 0.25, 0.25), (0.8, 0.0, 0.2), (0.9, 0.05, 0.05)])
def test_shares_are_met_for_every_label(fractions):
    rng = np.random.default_rng(3)
    rows = [
        {
            "path": f"s{s}/{i}.jpg",
            "site": f"s{s}",
            "label": str(rng.choice(["empty", "deer", "tiger"], p=[0.7, 0.25, 0.05])),
        }
        for s in range(100)
        for i in range(int(rng.integers(5, 60)))
    ]
    table = count_by_split(split(manifest(rows, kind="still"), fractions=fractions))
    for part, wanted in zip(("train", "val", "test"), fractions, strict=True):
        if wanted == 0:
            assert part not in table.columns
            continue
        share = table[part] / table["all"]
        assert (share - wanted).abs().max() < 0.02, table


def test_a_rare_label_reaches_every_part():
    m = sites(40, 20, labels=("empty",))
    t = m.table.copy()
    rare = t.drop_duplicates("site").index[[0, 11, 29]]
    t.loc[rare, "label"] = "leopard"
    for seed in range(5):
        table = count_by_split(split(m.replace(t), seed=seed))
        assert table.loc["leopard", ["train", "val", "test"]].tolist() == [1, 1, 1]


def test_folds_are_even():
    table = count_by_split(split(sites(50, 4), n_folds=5))
    assert list(table.columns) == ["fold0", "fold1", "fold2", "fold3", "fold4", "all"]
    assert table.loc["tiger"].tolist() == [40, 40, 40, 40, 40, 200]


def test_many_small_groups_are_pooled_without_being_cut(monkeypatch):
    monkeypatch.setattr(stratify, "MAX_UNITS", 300)
    n = 4000
    rows = pd.DataFrame(
        {"path": [f"{i}.jpg" for i in range(n)], "kind": "still", "sequence_id": [f"q{i // 2}" for i in range(n)]}
    )
    rows["label"] = np.where(np.arange(n) % 100 == 0, "leopard", "empty")
    t = split(Manifest.from_rows(rows, Path()))
    assert parted(t.table["sequence_id"], t.table["split"]) == []
    table = count_by_split(t)
    assert (table["train"] / table["all"]).between(0.66, 0.74).all()
    assert (table[["val", "test"]].div(table["all"], axis=0)).to_numpy().min() > 0.1
