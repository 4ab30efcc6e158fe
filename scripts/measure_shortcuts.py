"""Measure whether a model sees the animal or what comes with it, on labelled pictures that it has not learned from.

Tables are folders with `images.csv` (path, label, site, sequence_id, and perhaps camera_trap, night_ir, inpainted),
or manifests. Without --bundle, models are trained by folds: each judges the sites that it was trained without. With
--bundle, only clips count that it has not learned from, as always. Printed are

1. figures of all pictures, and with those left out whose inpainting left smears (`inpainted` other than `none`),
   and by light;
2. what happens to probabilities and decisions with the strips of the banner swapped, or cut, and with smears like
   those of inpainting painted over: of a drawn box, and of the name above it;
3. the probability of each animal in empty pictures of scenes where it was seen, and of others.

--errors draws the worst errors by infrared light, beside the places that spoke for the wrong label
(see `infer.attention`).

About six minutes of processor time for 1,300 pictures. Example: python scripts/measure_shortcuts.py real real2
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from leopardnet.bundle.bundle import Bundle, load_bundle
from leopardnet.compose import load_config
from leopardnet.core.footage.light import INFRARED, find_clip_lights
from leopardnet.core.manifest import Manifest
from leopardnet.data.splits.split import split
from leopardnet.evaluation.shortcuts import Pixels, run_shortcut_tests, summarise_shortcuts
from leopardnet.infer.attention import find_attention
from leopardnet.infer.predict_footage import predict
from leopardnet.metrics.comparison.backgrounds import compare_backgrounds
from leopardnet.metrics.conditions.light_figures import evaluate_light
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.judges.clip_truth import clip_sites
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.training.pack.pack import train_bundle
from leopardnet.training.plots import draw_contact_sheet

SETTINGS = ("labels=cats_and_deer", "model=lite0", "preprocess=squash256", "optim=probe", "validation=folds")
BOX = (0.15, 0.5)  # sides of a drawn box, as shares of the picture's
NAME = (0.22, 0.07)  # width and height of the name above it
LINE = 0.004  # width of the drawn line, of the picture's
N_ERRORS = 10
SMEARED = "smeared"


@dataclass(frozen=True, eq=False)
class Judged:
    """What one model says of pictures that it has not learned from, unchanged and changed."""

    bundle: Bundle
    table: pd.DataFrame
    evidence: pd.DataFrame
    changed: pd.DataFrame


def read_tables(paths: Sequence[Path]) -> tuple[Manifest, pd.DataFrame]:
    """Return the rows of all tables as one manifest, and what else `images.csv` says, by clip_id."""
    if len(paths) == 1 and paths[0].is_file():
        manifest = Manifest.read(paths[0])
        return manifest, pd.DataFrame(index=manifest.table["clip_id"].drop_duplicates())
    root = Path(os.path.commonpath([path.resolve().parent for path in paths]))
    parts = []
    for path in paths:
        if not (path / "images.csv").is_file():
            raise SystemExit(f"{path.name}: no table images.csv in this folder")
        rows = pd.read_csv(path / "images.csv")
        if missing := {"path", "label", "site", "sequence_id"} - set(rows):
            raise SystemExit(f"{path.name}/images.csv: no column {', '.join(sorted(missing))}")
        below = path.resolve().relative_to(root).as_posix()
        parts.append(rows.assign(path=below + "/" + rows["path"], kind="still", table=path.name))
    rows = pd.concat(parts, ignore_index=True)
    manifest = Manifest.from_rows(rows[["path", "kind", "label", "site", "sequence_id"]], root)
    facts = rows.set_index("path").reindex(manifest.table["path"])
    facts.index = pd.Index(manifest.table["clip_id"])
    return manifest, facts


def train_by_folds(manifest: Manifest, out: Path, settings: Sequence[str], n: int) -> list[tuple[Bundle, Manifest]]:
    """Return n bundles, each with the part of the manifest whose sites it was trained without."""
    folds = split(manifest, n_folds=n, allow_missing=True).table["split"]
    found = []
    for i in range(n):
        is_out = folds == f"fold{i}"
        rows = manifest.replace(manifest.table[~is_out].assign(split="train"))
        run = train_bundle(rows, load_config("train", tuple(settings)), out=out / f"without_{i}")
        found.append((load_bundle(run.folder / "bundle"), manifest.replace(manifest.table[is_out])))
        print(f"model {i + 1} of {n} is trained on {int((~is_out).sum())} pictures", flush=True)
    return found


def judge(bundle: Bundle, part: Manifest, n_clips: int) -> Judged:
    """Classify a part of the pictures, and some of them again with changes."""
    said = predict(part, bundle)
    ids = LabelledClips.of(said, part).leave_out_training_sites().clip_ids
    kept = part.replace(part.table[part.table["clip_id"].isin(ids)])
    changed = run_shortcut_tests(kept, bundle, n_clips=n_clips, more={SMEARED: smear})
    tables = (t[t["clip_id"].isin(ids)] for t in (said.table, said.evidence))
    return Judged(bundle, *tables, changed)


def smear(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """Return frames uint8 [N, H, W, 3] with what inpainting leaves of a drawn box and of the name above it."""
    height, width = pixels.shape[1:3]
    w, h = (round(side * rng.uniform(*BOX)) for side in (width, height))
    name_h, line = round(height * NAME[1]), max(2, round(width * LINE))
    x, y = int(rng.integers(0, width - w)), int(rng.integers(name_h, max(name_h + 1, height - h)))
    hole = np.zeros((height, width), np.uint8)
    cv2.rectangle(hole, (x, y), (x + w, y + h), 1, line)
    hole[y - name_h : y, x : x + round(width * NAME[0])] = 1
    return np.stack([np.asarray(cv2.inpaint(frame, hole, 3, cv2.INPAINT_TELEA), np.uint8) for frame in pixels])


def print_figures(clips: LabelledClips, facts: pd.DataFrame, lights: pd.Series, target: str) -> None:
    """Print the figures of all pictures, of parts of them, and by light."""
    own = facts.reindex(clips.clip_ids)
    everything = pd.Series(True, own.index)
    parts = {"all": everything}
    if "camera_trap" in own:
        parts["camera traps"] = own["camera_trap"].eq(True)
    if "inpainted" in own:
        parts["without smears"] = own["inpainted"].fillna("none").eq("none")
    if {"camera_trap", "inpainted"} <= set(own):
        parts["camera traps without smears"] = parts["camera traps"] & parts["without smears"]
    rows = {}
    for name, of in parts.items():
        e = evaluate_clips(clips.select(of.to_numpy(bool)), targets=[target])
        recall, precision = (e.label_estimate(target, x).format(2) for x in ("recall", "precision"))
        n = int(e.per_label.loc[target, "support"])
        rows[name] = [e.n_clips, e.macro_f1.format(3), n, recall, precision]
    columns = ["pictures", "macro-F1", f"of {target}", "recall", "precision"]
    print("\n" + pd.DataFrame.from_dict(rows, orient="index", columns=columns).to_string())
    light = evaluate_light(clips, lights)
    print("\n" + pd.DataFrame(light.list_rows()).to_string(index=False), *light.sentences, sep="\n")


def print_changes(rows: pd.DataFrame, manifest: Manifest, names: Sequence[str], target: str) -> None:
    """Print what changes do to animals, and how probable the target becomes in pictures of other labels."""
    i, sites = names.index(target), clip_sites(manifest)
    found = summarise_shortcuts(rows[rows["test"] != SMEARED], sites)
    print("\nPictures of animals\n" + found[["n_clips", "p_animal", "p_label", "right"]].round(3).to_string())
    p = np.stack(rows["probs"].to_list())
    rows = rows.assign(
        p=p[:, i], likeliest=p.argmax(axis=1) == i, kind=np.where(rows["label"] == target, target, "others")
    )
    tests = rows.groupby(["kind", "test"], sort=False).agg(
        n=("p", "size"), p=("p", "mean"), likeliest=("likeliest", "sum")
    )
    print(f"\nMean probability of {target}, and how often it is the likeliest label\n" + tests.round(3).to_string())
    wide = rows[rows["kind"] == "others"].pivot_table(index="clip_id", columns="test", values="p")
    rise = (wide[SMEARED] - wide["as it is"]).dropna()
    print(
        f"smears make {target} more probable by {rise.mean():+.4f} on average, by 0.1 or more in "
        f"{(rise >= 0.1).sum()} of {len(rise)} pictures of others; less by 0.1 or more in {(rise <= -0.1).sum()}"
    )


def draw_errors(judged: Sequence[Judged], manifest: Manifest, lights: pd.Series, path: Path) -> None:
    """Draw the infrared pictures whose true label is least probable, and what spoke for the likeliest label."""
    truth = manifest.clip_labels()
    worst: list[tuple[float, int, str, str, float]] = []
    for i, one in enumerate(judged):
        names = one.bundle.labels.names
        for row in one.table[one.table["status"] != "unreadable"].to_dict("records"):
            p = {x: row[f"p_{x}"] for x in names}
            said = max(p, key=p.__getitem__)
            if lights.get(row["clip_id"]) == INFRARED and said != truth[row["clip_id"]]:
                worst.append((p[truth[row["clip_id"]]], i, row["clip_id"], said, p[said]))
    images, captions = [], []
    for p_true, i, clip_id, said, p_said in sorted(worst)[:N_ERRORS]:
        row = judged[i].table[judged[i].table["clip_id"] == clip_id]
        for look in find_attention(row, manifest, judged[i].bundle).values():
            images += [look.frame, look.paint(said)]
            captions += [f"{truth[clip_id]} {p_true:.2f}", f"said: {said} {p_said:.2f}"]
    if images:
        frames = np.stack(images).transpose(0, 3, 1, 2)
        print("drawn:", draw_contact_sheet(frames, captions, path, columns=4).name)


def main() -> None:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="+", type=Path, help="folders with images.csv, or one manifest")
    parser.add_argument("--bundle", type=Path, help="judge this model instead of training some")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--settings", nargs="*", default=SETTINGS, help="of the training")
    parser.add_argument("--target", default="leopard")
    parser.add_argument("--clips", type=int, default=120, help="with an animal, and as many without, per model")
    parser.add_argument("--errors", type=Path, help="a PNG of the worst errors by infrared light")
    options = parser.parse_args()
    if not (len(options.tables) == 1 or all((path / "images.csv").is_file() for path in options.tables)):
        parser.error("give folders that hold images.csv, or one manifest")
    manifest, facts = read_tables(options.tables)
    if not (manifest.table["label"] == options.target).any():
        parser.error(f"no picture has the label {options.target}")
    with tempfile.TemporaryDirectory() as folder:
        if options.bundle:
            bundle = load_bundle(options.bundle)
            is_known = manifest.table["label"].isin(bundle.labels.names)
            print(f"{(~is_known).sum()} pictures have no label that the model knows, and are left out")
            manifest = manifest.replace(manifest.table[is_known])
            pairs = [(bundle, manifest)]
        else:
            pairs = train_by_folds(manifest, Path(folder), options.settings, options.folds)
        judged = [judge(bundle, part, options.clips) for bundle, part in pairs]
        names = judged[0].bundle.labels.names
        clips = LabelledClips.of(pd.concat([x.table for x in judged], ignore_index=True), manifest)
        lights = find_clip_lights(pd.concat([x.evidence for x in judged], ignore_index=True))
        print_figures(clips, facts, lights, options.target)
        print_changes(pd.concat([x.changed for x in judged], ignore_index=True), manifest, names, options.target)
        places = compare_backgrounds(clips, clips.animals)
        print(
            "\nMean probability in empty pictures of scenes with the animal, and of others\n"
            + places.round(4).to_string()
        )
        if options.errors:
            draw_errors(judged, manifest, lights, options.errors)


if __name__ == "__main__":
    main()
