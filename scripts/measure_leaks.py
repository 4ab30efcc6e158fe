"""Measure whether anything that a model learned from, or was chosen on, still judges it.

    optimism   by how much macro-F1 is too high on simulated clips: of an epoch that was fixed beforehand, of the
               best of 5 or 20 epochs on the clips that chose it (chosen on), and with the choice of other sites
               (judged on); at 3, 6 and 15 sites. Epochs differ a little in truth, and sites react to each in their
               own way. Judged on must not be above 0 by more than twice its standard error
    leaks      how many of a model's own clips thresholds, calibrate and evaluate use, in every way of splitting and
               of hiding them: 0 is wanted. Beside them stand clips of 20 other sites, all of which must be used

Example: python scripts/measure_leaks.py --n-sets 100
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from leopardnet.bundle.learned_from import LearnedFrom
from leopardnet.core.columns import evidence_columns, predictions_columns
from leopardnet.core.labels import Label, LabelSet
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import conform
from leopardnet.evaluation.full_evaluation import evaluate
from leopardnet.evaluation.thresholds import find_thresholds
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.training.fit.clip_scores import compute_scores
from leopardnet.training.fit.cross_choice import cross_choose
from leopardnet.training.rank_epochs import find_best

NAMES = ("leopard", "tiger", "sika_deer", "empty")
LABELS = LabelSet(tuple(map(Label, NAMES)), empty=None)  # no label means empty, so presence has no shift to fit
MIX = np.array([0.12, 0.12, 0.20, 0.56])
CLIPS_PER_SITE, STRENGTH, EPOCH_SD, SITE_SD, CLIP_SD = 40, 2.6, 0.1, 0.6, 0.7


# --- optimism ---


def draw_epochs(rng: np.random.Generator, strengths: np.ndarray, n_sites: int) -> dict[int, pd.DataFrame]:
    """Return the clips of some sites after epochs of these true strengths: the logits are partly their own."""
    site = np.repeat(np.arange(n_sites), CLIPS_PER_SITE)
    n, c = len(site), len(NAMES)
    mix = rng.dirichlet(6 * MIX, n_sites)[site]
    y = (rng.random((n, 1)) > mix.cumsum(axis=1)).sum(axis=1).clip(0, c - 1)
    shared = rng.normal(0, SITE_SD, (n_sites, c))[site] + rng.normal(0, np.sqrt(1 - CLIP_SD**2), (n, c))
    clips = {}
    for epoch, strength in enumerate(strengths.tolist()):
        z = shared + rng.normal(0, SITE_SD, (n_sites, c))[site] + rng.normal(0, CLIP_SD, (n, c))
        z[np.arange(n), y] += strength
        table = pd.DataFrame({"clip_id": [str(i) for i in range(n)], "site": [f"s{s}" for s in site], "i_label": y})
        clips[epoch] = table.assign(logits=list(2 * z))
    return clips


def measure_f1(probs: np.ndarray, y: np.ndarray) -> float:
    """Return macro-F1 as the choice of epochs computes it."""
    scores = np.log(np.maximum(probs, 1e-12))
    return compute_scores(pd.DataFrame({"i_label": y, "logits": list(scores)}))["val_macro_f1"]


def measure_optimism(n_sets: int, n_sites: int, n_epochs: int) -> np.ndarray:
    """Return macro-F1 minus the truth: of a fixed epoch, chosen on, judged on, float64 [n_sets, 3]."""
    grid = np.linspace(STRENGTH - 0.5, STRENGTH + 0.5, 11)
    true = draw_epochs(np.random.default_rng(10**6), grid, 1500)
    truth = [compute_scores(clips)["val_macro_f1"] for clips in true.values()]
    rows = []
    for seed in range(n_sets):
        rng = np.random.default_rng(seed)
        strengths = STRENGTH + rng.normal(0, EPOCH_SD, n_epochs)
        clips = draw_epochs(rng, strengths, n_sites)
        is_at = np.interp(strengths, grid, truth)  # the true macro-F1 of each epoch
        history = [{"epoch": e, **compute_scores(table)} for e, table in clips.items()]
        kept = find_best(history)
        crossed = cross_choose(clips, clips[0]["site"], LABELS)
        judged = measure_f1(crossed[[f"p_{x}" for x in NAMES]].to_numpy(), clips[0]["i_label"].to_numpy())
        at = int(kept["epoch"])
        rows.append([history[0]["val_macro_f1"] - is_at[0], kept["val_macro_f1"] - is_at[at], judged - is_at[at]])
    return np.array(rows)


# --- leaks ---


@dataclass(frozen=True)
class Offer:
    """Clips that are offered to the verbs: which rows taught the model, and how its own clips are disguised."""

    name: str
    split: str | None  # of the model's own sites, s000 to s009; None is an empty column
    by_folds: bool = False
    root: str = "card"
    copies: bool = False  # files of other names
    sites: bool = False  # sites of other names
    has_column: bool = True  # the predictions say what the model learned from
    keeps_split: bool = False  # the manifest still has the column split


OFFERS = (
    Offer("split train", "train"),
    Offer("split val", "val"),
    Offer("no split", None),
    Offer("folds, split train", "train", by_folds=True),
    Offer("folds, split val", "val", by_folds=True),
    Offer("folds, no split", None, by_folds=True),
    Offer("another root", None, root="other"),
    Offer("copies of other names", None, copies=True),
    Offer("sites of other names", None, sites=True),
    Offer("another root, copies, other sites", None, root="other", copies=True, sites=True),
    Offer("old bundle, split train", "train", has_column=False, keeps_split=True),
    Offer("old bundle, split val", "val", has_column=False, keeps_split=True),
    Offer("old bundle, no split beside others", None, has_column=False, keeps_split=True),
)


def make_card(folder: Path, offer: Offer) -> tuple[Manifest, LearnedFrom]:
    """Return the offered manifest, with files, and the record of a model that learned from its first ten sites."""
    rng, n = np.random.default_rng(3), 30 * 20
    site = np.repeat(np.arange(30), 20)
    own = site < 10
    paths = [f"s{s:03d}/{i:05d}.jpg" for i, s in enumerate(site)]
    label = np.array(NAMES)[rng.choice(4, n, p=MIX)]
    rows = pd.DataFrame({"path": paths, "kind": "still", "site": [f"s{s:03d}" for s in site], "label": label})
    taught = rows[own].assign(split=offer.split)
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(rng.bytes(300))
    trained = Manifest.from_rows(taught, folder).table
    is_chosen = (trained["split"] == "val") & (not offer.by_folds)
    learned = LearnedFrom.of(trained[~is_chosen], trained[is_chosen], folder, salt="measured")
    new = [("x/" if offer.root == "other" else "") + (p[:-4] + " (1).jpg" if offer.copies else p) for p in paths]
    for before, after in zip(paths, new, strict=True):
        if before != after:
            (folder / after).parent.mkdir(parents=True, exist_ok=True)
            (folder / before).rename(folder / after)
    named = [f"Camp {s}" for s in site] if offer.sites else [f"S-{s}" for s in site]
    split = np.where(own, offer.split, "test") if offer.keeps_split else None
    return Manifest.from_rows(rows.assign(path=new, site=named, split=split), folder), learned


def predict_card(manifest: Manifest, learned: LearnedFrom | None) -> Predictions:
    """Return predictions that are right more often than not, with the part of each clip as `predict` writes it."""
    rng, table = np.random.default_rng(5), manifest.table
    z = rng.normal(0, 1, (len(table), 4))
    z[np.arange(len(table)), [NAMES.index(x) for x in table["label"]]] += 3
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    facts = table[["clip_id", "path", "kind", "site", "captured_at"]]
    said = {"status": "ok", "decision": np.array(NAMES)[p.argmax(axis=1)], "rule": "species", "n_frames": 1}
    ids = {"bundle_id": "measured", "labels_id": LABELS.id}
    rows = facts.assign(**said, **ids, **{f"p_{x}": p[:, i] for i, x in enumerate(NAMES)})
    if learned is not None:
        rows["in_training"] = rows["clip_id"].map(learned.find_part(table, manifest.root))
    frames = pd.DataFrame(columns=[c.name for c in evidence_columns(NAMES)])
    return Predictions(
        conform(rows, predictions_columns(NAMES), where="measured"),
        conform(frames, evidence_columns(NAMES), where="measured"),
    )


def measure_leaks() -> Iterator[tuple[str, int, int, int, int]]:
    """Yield of each offer its name, and the clips that are used: own and others by thresholds, own and others else.

    `calibrate` takes the same clips as `thresholds`.
    """
    for offer in OFFERS:
        with tempfile.TemporaryDirectory() as folder:
            manifest, learned = make_card(Path(folder), offer)
            predictions = predict_card(manifest, learned if offer.has_column else None)
        clips = LabelledClips.of(predictions, manifest).leave_out_training_sites()
        is_own = manifest.table.index < 200
        n_own = int(np.isin(clips.clip_ids, manifest.table.loc[is_own, "clip_id"]).sum())
        n_bound = find_thresholds(clips, {"leopard": 0.2}).n_clips
        n_judged = evaluate(predictions, manifest, n_boot=0).n_clips
        yield offer.name, n_own, n_bound - n_own, n_judged - (len(clips) - n_own), len(clips) - n_own


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-sets", type=int, default=100, help="sets of sites for each row of the first table")
    n_sets = parser.parse_args().n_sets
    print(f"macro-F1 minus the truth, mean of {n_sets} sets (standard error)")
    print("sites  epochs   fixed epoch       chosen on         judged on")
    for n_sites in (3, 6, 15):
        for n_epochs in (5, 20):
            found = measure_optimism(n_sets, n_sites, n_epochs)
            errors = found.std(axis=0, ddof=1) / np.sqrt(n_sets)
            cells = "   ".join(f"{m:+.3f} ({s:.3f})" for m, s in zip(found.mean(axis=0), errors, strict=True))
            print(f"{n_sites:5}  {n_epochs:6}   {cells}", flush=True)
    print("\nown clips used, of 200; other clips used, of 400      thresholds, calibrate   evaluate")
    for name, *n in measure_leaks():
        print(f"{name:55}{n[0]:>8} / {n[1]:<12}{n[2]:>4} / {n[3]}", flush=True)


if __name__ == "__main__":
    main()
