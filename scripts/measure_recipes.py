"""Compare recipes of the linear probe on labelled pictures, judged by folds that chose nothing.

Tables are folders with `images.csv` (path, label, site, sequence_id, and perhaps camera_trap and source_repo). A
recipe is a name and settings of `leopardnet train`. Each is fitted to the pictures of some groups and judged on
those of the others, several times with other folds:

  site     no site (else sequence) is on both sides: other cameras of programmes that it learned from
  source   no source is on both sides: cameras, animals and places of other programmes, the harder question
  first    learned from the first table, judged on the others: one figure, no folds

Printed are means over the seeds and their standard deviation. What is chosen from this table is flattered by it:
take a recipe only if it wins by more than the spread, and say how many were compared. `C chosen inside` chooses its
C by folds of its own training part, so its figures show what such a choice is worth.

Features are kept in the user's cache. Example: python scripts/measure_recipes.py real real2 --seeds 2
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from accelerate import Accelerator
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from leopardnet.bundle.head.linear_probe import compute_probe_weights, fit_probe
from leopardnet.compose import load_config
from leopardnet.core.labels import LabelSet
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.training import TrainConfig
from leopardnet.data.splits.groups import find_groups
from leopardnet.network.classifier import build_classifier
from leopardnet.training.fit.clip_scores import compute_clip_logits
from leopardnet.training.folds import find_look_alikes
from leopardnet.training.frames.features import Features, compute_features
from leopardnet.training.frames.labelled_frames import load_frames
from leopardnet.training.train_val import TrainVal, open_cache, select_train_val
from measure_shortcuts import read_tables

BASE = ("experiment=real_dev", "experiment.tracker=none")
NO_COPIES, LARGE_C, CROPS = "optim.probe_infrared_copies=0", "optim.probe_c=0.003", "detector=embedded"
RECIPES: dict[str, tuple[str, ...]] = {
    "lite0, plain": ("model=lite0", NO_COPIES, LARGE_C),
    "lite0, copies": ("model=lite0", LARGE_C),
    "lite0, small C": ("model=lite0", NO_COPIES),
    "lite0, both": ("model=lite0",),
    "lite2, plain": (NO_COPIES, LARGE_C),
    "lite2, both": (),
    "lite0, crops": ("model=lite0", CROPS),
    "lite2, crops": (CROPS,),
    "C chosen inside": ("model=lite0",),
}
CHOICES = (0.0001, 0.0004, 0.002, 0.01)
INSIDE = "C chosen inside"
N_FOLDS = {"site": 5, "source": 4}


@dataclass(frozen=True, eq=False)
class Prepared:
    """The features of one recipe, its settings, and what is known of each frame."""

    config: TrainConfig
    labels: LabelSet
    table: pd.DataFrame
    features: Features
    groups: dict[str, NDArray[np.int64]]
    chooses: bool

    @property
    def y(self) -> NDArray[np.int64]:
        """Class indices int64 [N]."""
        return self.table["i_label"].to_numpy(np.int64)


def prepare(name: str, more: Sequence[str], manifest: Manifest, facts: pd.DataFrame) -> Prepared:
    """Return the features of a recipe, from the cache if they are there."""
    config = load_config("train", (*BASE, *more))
    labels = config.labels.label_set()
    wanted = select_train_val(manifest, config, labels, by_folds=True)
    data = TrainVal(wanted, manifest.root, config, labels, by_folds=True)
    model = build_classifier(config.model, len(labels), size_px=config.preprocess.size_px)
    cache = open_cache(None, Path(), config)
    frames = load_frames(wanted, manifest.root, labels=labels, reading=data.reading, cache=cache, n_workers=2)
    table = frames.table.assign(alike=find_look_alikes(frames))
    features = compute_features(
        model,
        frames,
        rows=np.arange(len(frames)),
        on_progress=lambda *_: None,
        n_copies=config.optim.probe_infrared_copies,
        seed=config.seed,
        cache=cache,
    )
    source = facts["source_repo"] if "source_repo" in facts else facts["table"]
    groups = {
        "site": find_groups(table, by="site", keep_together=table.get("alike")),
        "source": np.unique(table["clip_id"].map(source).astype(str), return_inverse=True)[1],
    }
    return Prepared(config, labels, table, features, groups, chooses=name == INSIDE)


def judge(
    of: Prepared, train: NDArray[np.int64], test: NDArray[np.int64], *, c: float | None = None
) -> pd.DataFrame:
    """Return one row per clip of `test`: clip_id, i_label, i_said, by a probe fitted to `train`."""
    if c is None:
        c = _choose_c(of, train) if of.chooses else of.config.optim.probe_c
    weight, bias = _fit(of, train, c)
    logits = (of.features.values[test] @ weight.T + bias).astype(np.float32)
    clips = compute_clip_logits(of.table.iloc[test], logits, of.config.aggregate, of.labels)
    return clips.assign(i_said=[int(np.argmax(z)) for z in clips["logits"]])


def _fit(of: Prepared, rows: NDArray[np.int64], c: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    views = np.concatenate([of.features.values[None, rows], of.features.copies[:, rows]])
    weights = compute_probe_weights(of.table.iloc[rows])
    one_group = np.zeros(len(rows), np.int64)  # how sure the head is does not change which label is likeliest
    return fit_probe(views, of.y[rows], weights, one_group, n_labels=len(of.labels), c=c, seed=0)


def _choose_c(of: Prepared, rows: NDArray[np.int64]) -> float:
    """Return the C with the best macro-F1 in folds by site of these rows alone."""
    parts = list(draw_folds(of.groups["site"][rows], of.y[rows], 4, 0))
    scores = [macro_f1(pd.concat([judge(of, rows[a], rows[b], c=c) for a, b in parts])) for c in CHOICES]
    return CHOICES[int(np.argmax(scores))]


def draw_folds(
    groups: NDArray[np.int64], y: NDArray[np.int64], n_folds: int, seed: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the rows of each training part and of its test part. The groups are dealt at random, by the seed:
    `assign_groups` of the product deals as evenly as it can, so with a dozen sources every seed gives one deal.

    Every label of the test part occurs in the training part.
    """
    rng, codes = np.random.default_rng(seed), np.unique(groups, return_inverse=True)[1]
    sizes = np.bincount(codes)
    if len(sizes) < n_folds:
        raise SystemExit(f"{len(sizes)} groups are too few for {n_folds} folds")
    for _ in range(1000):
        fold, n_rows = np.zeros(len(sizes), np.int64), rng.uniform(0, sizes.mean(), n_folds)
        for group in rng.permutation(len(sizes)):
            fold[group] = int(np.argmin(n_rows))
            n_rows[fold[group]] += sizes[group]
        of_row = fold[codes]
        if all(set(y[of_row == i]) <= set(y[of_row != i]) for i in range(n_folds)):
            break
    else:
        raise SystemExit("a label occurs in too few groups to be learned in one part and judged in another")
    for i in range(n_folds):
        yield np.flatnonzero(of_row != i), np.flatnonzero(of_row == i)


def macro_f1(clips: pd.DataFrame) -> float:
    """Return the macro-F1 over the labels that occur."""
    return float(f1_score(clips["i_label"], clips["i_said"], labels=clips["i_label"].unique(), average="macro"))


def summarise(clips: pd.DataFrame, facts: pd.DataFrame, i_target: int) -> dict[str, float]:
    """Return the figures of one set of answers, one per clip."""
    own = facts.reindex(clips["clip_id"])
    trap = own.get("camera_trap", pd.Series(True, own.index)).eq(True).to_numpy()
    dark = own.get("night_ir", pd.Series(False, own.index)).eq(True).to_numpy()
    found = {"all": macro_f1(clips), "camera trap": macro_f1(clips[trap])}
    shared = set(clips["i_label"][trap & dark]) & set(clips["i_label"][trap & ~dark])
    both = clips["i_label"].isin(shared).to_numpy() & trap
    for name, part in (("infrared", dark), ("colour", ~dark)):
        if shared:
            found[name] = macro_f1(clips[both & part])
    target = clips[trap & (clips["i_label"] == i_target).to_numpy()]
    found["target found"] = float((target["i_said"] == i_target).mean())
    return found


def measure(of: Prepared, facts: pd.DataFrame, seeds: Sequence[int]) -> pd.DataFrame:
    """Return one row per kind of folds and seed with its figures."""
    i_target = of.labels.names.index(of.labels.targets[0])
    rows: list[dict[str, Any]] = []
    for kind, n_folds in N_FOLDS.items():
        for seed in seeds:
            answers = [judge(of, *part) for part in draw_folds(of.groups[kind], of.y, n_folds, seed)]
            rows.append({"folds": kind, "seed": seed, **summarise(pd.concat(answers), facts, i_target)})
    names = of.table["clip_id"].map(facts["table"]).to_numpy()
    first = names == facts["table"].iloc[0]
    if not first.all():
        answers = [judge(of, np.flatnonzero(first), np.flatnonzero(~first))]
        rows.append({"folds": "first", "seed": 0, **summarise(pd.concat(answers), facts, i_target)})
    return pd.DataFrame(rows)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+", type=Path)
    parser.add_argument("--recipes", nargs="+", choices=list(RECIPES), default=list(RECIPES))
    parser.add_argument("--more", nargs="+", default=[], metavar="key=value", help="settings for every recipe")
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    Accelerator(cpu=True)
    manifest, facts = read_tables(args.tables)
    facts = facts[~facts.index.duplicated()]
    for name in args.recipes:
        of = prepare(name, [*RECIPES[name], *args.more], manifest, facts)
        found = measure(of, facts, range(args.seeds))
        for kind, part in found.groupby("folds", sort=False):
            values = part.drop(columns=["folds", "seed"])
            spread = values.std().fillna(0.0)
            cells = (f"{k} {values[k].mean():.3f} ± {spread[k]:.3f}" for k in values)
            print(f"{name:16s} {kind:7s}", "   ".join(cells), flush=True)
    print(
        f"\n{len(args.recipes)} recipes, {args.seeds} seeds, {len(facts)} pictures; ± standard deviation over seeds"
    )


if __name__ == "__main__":
    main()
