"""How many looks a rare animal takes, and how many labels a model: `leopardnet start` on labelled pictures.

    python scripts/measure_hunt.py ../shared/real ../shared/real2 --model lite2

A folder holds images.csv (path, label, site, sequence_id, camera_trap) and the pictures. Two tables:

1. Looks until 1, 4 and 7 of 8 leopards are found among all other camera-trap pictures, the median of 30 draws: in
   random order, by the ImageNet score alone, and as `hunt_order` ranks them anew after every 20 labels.
2. Macro-F1 at sites without a part in training, from labels of cluster centres and of random pictures, against all
   labels: the mean of 3 seeds of 3 folds.

These are pictures of many sources, not the footage of a project: the figures compare orders, and promise nothing.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.bundle.head.linear_probe import compute_probe_weights, fit_head
from leopardnet.core.tables import clip_id
from leopardnet.data.scan.scan import scan
from leopardnet.data.splits.groups import find_groups
from leopardnet.data.splits.stratify import assign_groups
from leopardnet.hunt.clusters import cluster_centres
from leopardnet.hunt.embed import embed
from leopardnet.hunt.feature_store import ClipFeatures, FeatureStore
from leopardnet.hunt.hunt_order import REFIT_EVERY, Hunt
from leopardnet.hunt.setup import load_setup

Ints = NDArray[np.int64]
TARGET, N_RARE, FOUND = "leopard", 8, (1, 4, 7)
N_LABELS = (30, 60, 100, 150, 200)
PROBE_C = 0.0004  # of `configs/optim/probe.yaml`, as for a model made in review


def read_pictures(folder: Path) -> pd.DataFrame:
    """Return the pictures of a folder with their clip_id, site and sequence."""
    table = pd.read_csv(folder / "images.csv", dtype=str)
    table["clip_id"] = [clip_id(f"{folder.name}/{path}") for path in table["path"]]
    return table


def link_folders(folders: list[Path], place: Path) -> Path:
    """Make a folder that holds the pictures of all of them, without copying any."""
    for folder in folders:
        for picture in (folder / "images").rglob("*.*"):
            link = place / folder.name / picture.relative_to(folder)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.hardlink_to(picture) if _is_same_disk(picture, place) else link.write_bytes(picture.read_bytes())
    return place


def _is_same_disk(one: Path, other: Path) -> bool:
    return one.stat().st_dev == other.stat().st_dev


def count_looks(order: list[str], rare: set[str]) -> list[int]:
    """Return after how many looks 1, 4 and 7 of the rare clips are found."""
    places = np.flatnonzero([c in rare for c in order]) + 1
    return [int(places[k - 1]) for k in FOUND]


def look(hunt: Hunt, labels: dict[str, str], *, refit: bool) -> list[str]:
    """Return the clips in the order in which a person sees them, as far as the seventh rare one."""
    seen: dict[str, str] = {}
    first = [place.clip_id for place in hunt.order({})]
    while sum(x == TARGET for x in seen.values()) < FOUND[-1]:
        order = [place.clip_id for place in hunt.order(seen)] if refit else [c for c in first if c not in seen]
        seen |= {c: labels[c] for c in order[:REFIT_EVERY]}
    return list(seen)


def measure_looks(store: FeatureStore, table: pd.DataFrame, n_draws: int) -> pd.DataFrame:
    """Return the median looks of each order."""
    trap = table[table["camera_trap"] == "True"]
    is_rare = trap["label"] == TARGET
    leopards, others = (trap.loc[chosen, "clip_id"].to_numpy(object) for chosen in (is_rare, ~is_rare))
    labels, looks = dict(zip(table["clip_id"], table["label"], strict=True)), []
    for seed in range(n_draws):
        rng = np.random.default_rng(seed)
        rare = set(rng.choice(leopards, N_RARE, replace=False))
        pool = [*rare, *others]
        hunt = Hunt(store, targets=[TARGET], clip_ids=pool, seed=seed)
        looks.append(["random order", *count_looks(rng.permutation(sorted(pool)).tolist(), rare)])
        for name, refit in (("ImageNet score", False), ("score, then refit", True)):
            looks.append([name, *count_looks(look(hunt, labels, refit=refit), rare)])
    found = pd.DataFrame(looks, columns=["order", *(f"{k} of {N_RARE}" for k in FOUND)])
    medians = found.groupby("order", sort=False).median()
    share = (medians.iloc[:, -1] / medians.iloc[0, -1]).map("{:.0%}".format)
    return medians.assign(**{"share of random": share, "pictures": len(pool)})


def measure_labels(store: FeatureStore, table: pd.DataFrame, n_seeds: int) -> pd.DataFrame:
    """Return the mean macro-F1 at unseen sites for each number of labels and each way of choosing them."""
    features = store.read(table["clip_id"])
    rows = table.set_index("clip_id").loc[list(features.clip_ids)].reset_index()
    rows["deployment"] = None
    codes = np.unique(find_groups(rows, by="site"), return_inverse=True)[1]
    y = np.unique(rows["label"], return_inverse=True)[1]
    found = []
    for seed in range(n_seeds):
        fold = assign_groups(codes, y, shares=np.full(3, 1 / 3), folds=True, seed=seed)[codes]
        for i in range(3):
            train, test = np.flatnonzero(fold != i), np.flatnonzero(fold == i)
            part = _select(features, train)
            everything = _score(features, y, train, test)
            found.append(["all", len(train), everything])
            for n in N_LABELS:
                ids = {c.clip_id for c in cluster_centres(part, n=n, seed=seed)}
                centres = np.array([k for k in train if features.clip_ids[k] in ids])
                chance = np.random.default_rng([seed, i, n]).permutation(train)[:n]
                found += [["cluster centres", n, _score(features, y, centres, test)]]
                found += [["random", n, _score(features, y, chance, test)]]
    result = pd.DataFrame(found, columns=["chosen", "labels", "macro_f1"])
    result.loc[result["chosen"] == "all", "labels"] = 0
    return result.groupby(["chosen", "labels"])["macro_f1"].agg(["mean", "std"]).round(3)


def _select(features: ClipFeatures, clips: Ints) -> ClipFeatures:
    values = features.values[features.first[clips]]  # a picture is a clip of one frame
    return ClipFeatures(tuple(features.clip_ids[k] for k in clips), np.arange(len(clips)), values)


def _score(features: ClipFeatures, y: Ints, train: Ints, test: Ints) -> float:
    from sklearn.metrics import f1_score

    x = features.values[features.first].astype(np.float32)
    weights = compute_probe_weights(pd.DataFrame({"label": y[train]}))
    weight, bias = fit_head(x[train], y[train], weights, n_labels=int(y.max()) + 1, c=PROBE_C)
    return float(f1_score(y[test], (x[test] @ weight.T + bias).argmax(axis=1), average="macro"))


def main() -> None:
    """Measure and print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", help="folders with images.csv and pictures")
    parser.add_argument("--model", default=None, help="lite0 or lite2")
    parser.add_argument("--draws", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    folders = [folder for folder in options.folders if (folder / "images.csv").is_file()]
    if not folders:
        raise SystemExit("none of these folders holds images.csv")
    table = pd.concat(map(read_pictures, folders), ignore_index=True)
    with tempfile.TemporaryDirectory() as place:
        manifest = scan(link_folders(folders, Path(place) / "pictures"))
        store = embed(manifest, Path(place) / "features", setup=load_setup(options.model))
        print(f"{len(table)} pictures, {store.setup.model.name}\n")
        print(measure_looks(store, table, options.draws).to_string(), "\n")
        print(measure_labels(store, table, options.seeds).to_string())


if __name__ == "__main__":
    main()
