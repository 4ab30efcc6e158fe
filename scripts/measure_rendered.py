"""Do intervals, promises and temperatures hold for real predictions? Measured on rendered footage, so that the truth is known.

One model is trained on rendered sites; then sets of other sites are rendered, each from a seed of its own, and classified as
`predict` classifies anything. What is true of a set are the same figures over all clips of the other sets: it has no part in
its own truth. Nothing here says how good a model is; it says whether figures about a model can be believed.

    coverage   how often the 95 % interval of each figure holds the truth: 90 to 99 % is wanted
    promise    how often the share of positives lost in the other sets is at most what was promised: 95 % or more is wanted
    ECE        the calibration error in the other sets, under a temperature from one set: under 0.03 is wanted

Footage, model and predictions stay in --out, so the same command goes on where it was stopped, and measures
again in two minutes. All of it takes 35 minutes of one core.
`measure_intervals.py` measures the same on simulated predictions, where there can be as many sites as one likes.

Example: nice python scripts/measure_rendered.py --n-sets 20
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from leopardnet.bundle.bundle import Bundle, load_bundle
from leopardnet.compose import load_config
from leopardnet.core.columns import table_labels
from leopardnet.core.labels import ANIMAL, EMPTY
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.tables import atomic_path
from leopardnet.data.scan.scan import scan
from leopardnet.data.splits.split import split
from leopardnet.demo_job import add_labels
from leopardnet.infer.predict_footage import predict
from leopardnet.metrics.evaluate_clips import animals_of, evaluate_clips
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.metrics.guarantees.loss_guarantee import promise
from leopardnet.score.calibrate import Calibration, apply_calibration, fit_temperature, undo_calibration
from leopardnet.synth import FootageSpec, render_footage
from measure_intervals import figures

# Small and short, so that thousands of clips can be rendered; animals are large enough to be told apart at this size.
FOOTAGE = FootageSpec(
    n_sites=20,
    clips_per_site=16,
    stills_per_site=0,
    width_px=320,
    height_px=180,
    fps=5.0,
    duration_s=(2.0, 3.0),
    width_fraction=(0.2, 0.85),
)
TRAINING = replace(FOOTAGE, seed=1000, n_sites=24, clips_per_site=12)  # sets have the seeds from 1 on
RECIPE = ("experiment=demo", "optim=probe")
LOSSES = (0.05, 0.10, 0.20)  # 80 positives in a set support 5 % at best


def main() -> None:
    """Measure all three, print them, write them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/rendered"), help="folder (default %(default)s)")
    parser.add_argument("--n-sets", type=int, default=20)
    parser.add_argument("--n-sites", type=int, default=FOOTAGE.n_sites, help="of a set (default %(default)s)")
    parser.add_argument("--clips-per-site", type=int, default=FOOTAGE.clips_per_site)
    parser.add_argument("--n-boot", type=int, default=1000)
    parser.add_argument(
        "--input-px",
        type=int,
        default=128,
        help="side of the model's input; a larger one errs less (default %(default)s)",
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that render and classify")
    options = parser.parse_args()
    if options.n_sets < 2:
        parser.error("--n-sets: the truth of a set comes from the others, so it takes two")
    cv2.setNumThreads(1)
    work = Work(
        options.out,
        replace(FOOTAGE, n_sites=options.n_sites, clips_per_site=options.clips_per_site),
        options.input_px,
        options.workers,
    )
    work.settle()
    bundle = work.model()
    clips = work.classified(options.n_sets, bundle)
    measured = {
        "settings": work.settings()
        | {"input_px": options.input_px, "n_sets": options.n_sets, "n_boot": options.n_boot},
        "coverage": coverage(clips, n_boot=options.n_boot),
        "promises": promises(clips),
        "ece": calibration_errors(clips, bundle.spec.calibration),
    }
    show_coverage(measured["coverage"])
    show_promises(measured["promises"])
    show_calibration(measured["ece"])
    with atomic_path(work.run / "measured.json") as part:
        tables = {k: v.to_dict("records") if isinstance(v, pd.DataFrame) else v for k, v in measured.items()}
        part.write_text(json.dumps(_plain(tables), indent=1), "utf-8")


# Footage, model, predictions -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Work:
    """The folder that keeps what takes long, and how its sets are rendered."""

    out: Path
    spec: FootageSpec
    input_px: int
    n_workers: int

    @property
    def run(self) -> Path:
        """The folder of the model and its predictions; models share the footage."""
        return self.out / f"model{self.input_px}"

    def settings(self) -> dict[str, Any]:
        """What all that lies in the folder depends on."""
        return {"footage": asdict(self.spec), "training": asdict(TRAINING), "recipe": RECIPE}

    def settle(self) -> None:
        """Refuse a folder of other settings: half its sets would be of another kind."""
        file, settings = self.out / "settings.json", json.dumps(self.settings(), indent=1)
        if file.exists() and file.read_text("utf-8") != settings:
            sys.exit(f"{self.out.name} holds footage of other settings; name another folder with --out")
        self.out.mkdir(parents=True, exist_ok=True)
        file.write_text(settings, "utf-8")

    def footage(self, spec: FootageSpec) -> Manifest:
        """The labelled manifest of a set, rendered where it is not there yet."""
        folder = self.out / "footage" / f"seed{spec.seed:04d}"
        if not (folder / "frames.csv").exists():  # the last thing that is written
            render_footage(folder, spec, n_workers=self.n_workers, on_progress=_tell(f"rendering seed {spec.seed}"))
        return add_labels(scan(folder, pattern="{site}/{deployment}/*"), folder)

    def model(self) -> Bundle:
        """A probe on the sites of the training seed, trained where it is not there yet."""
        if not (self.run / "bundle").exists():
            import torch

            from leopardnet.training.pack.pack import train_bundle

            torch.set_num_threads(self.n_workers)
            recipe = (*RECIPE, f"preprocess.size_px={self.input_px}")
            manifest = split(self.footage(TRAINING), by="site", fractions=(0.7, 0.3, 0.0), seed=7)
            train_bundle(manifest, load_config("train", recipe), out=self.run, on_progress=_tell())
        return load_bundle(self.run / "bundle")

    def classified(self, n_sets: int, bundle: Bundle) -> pd.DataFrame:
        """The predictions of all sets below each other, with `set` and `truth`; ids and sites tell sets apart."""
        tables = []
        runtime = RuntimeConfig(workers=self.n_workers if self.n_workers > 1 else 0, threads=1)
        start = time.perf_counter()
        for seed in range(1, n_sets + 1):
            manifest = self.footage(replace(self.spec, seed=seed))
            out = self.run / "results" / f"seed{seed:04d}"
            table = predict(
                manifest, bundle, out=out, runtime=runtime, on_progress=_tell(f"classifying set {seed}")
            ).table
            own = {x: f"{seed}/" + table[x].astype(str) for x in ("clip_id", "site")}
            truth = table["clip_id"].map(manifest.clip_labels()).astype(str)
            tables.append(table.assign(**own, truth=truth, set=seed))
        clips = pd.concat(tables, ignore_index=True)
        assert np.isfinite(clips["p_empty"].to_numpy(np.float64)).all(), "a rendered clip cannot be read"
        print(f"\nfootage and predictions: {time.perf_counter() - start:.0f} s", file=sys.stderr)
        return clips


def judged(clips: pd.DataFrame, *, n_boot: int) -> Evaluation:
    """The evaluation of some of the clips, as `leopardnet evaluate` gives it."""
    truth = clips.set_index("clip_id")["truth"]
    return evaluate_clips(clips, truth, targets=animals_of(clips), n_boot=n_boot)


def one_and_others(clips: pd.DataFrame) -> Iterator[tuple[int, pd.DataFrame, pd.DataFrame]]:
    """Each set, and all clips that are not of it."""
    for number in sorted(clips["set"].unique()):
        is_it = clips["set"] == number
        yield int(number), clips[is_it], clips[~is_it]


# What is measured ------------------------------------------------------------------------------------------------


def coverage(clips: pd.DataFrame, *, n_boot: int) -> pd.DataFrame:
    """One row per set and figure: `value`, `low`, `high`, and `true` in the other sets."""
    rows = []
    for number, one, others in one_and_others(clips):
        true = figures(judged(others, n_boot=0))
        for name, x in figures(judged(one, n_boot=n_boot)).items():
            rows.append({"set": number, "figure": name, "true": true[name].value, **asdict(x)})
    table = pd.DataFrame(rows)
    return table[table["low"].notna()].astype({"low": float, "high": float}).reset_index(drop=True)


def promises(clips: pd.DataFrame) -> pd.DataFrame:
    """One row per label, loss, way of counting and set; `lost`: the share of positives of the other sets, nan if refused."""
    rows = []
    for label in (*animals_of(clips), ANIMAL):
        score = (1 - clips[f"p_{EMPTY}"] if label == ANIMAL else clips[f"p_{label}"]).astype(float)
        is_it = clips["truth"] != EMPTY if label == ANIMAL else clips["truth"] == label
        for number, one, others in one_and_others(clips):
            here, elsewhere = score[one.index].to_numpy(), score[others.index[is_it[others.index]]].to_numpy()
            for max_miss, clustered in product(LOSSES, (True, False)):
                p = promise(
                    label,
                    here,
                    is_it[one.index].to_numpy(bool),
                    one["site"],
                    max_miss=max_miss,
                    clustered=clustered,
                )
                rows.append(
                    {
                        "label": label,
                        "max_miss": max_miss,
                        "clustered": clustered,
                        "set": number,
                        "is_refused": not p.is_kept,
                        "lost": float("nan") if p.threshold is None else float((elsewhere < p.threshold).mean()),
                        "n_positives": p.n_positives,
                        "design_effect": p.design_effect,
                    }
                )
    return pd.DataFrame(rows)


def calibration_errors(clips: pd.DataFrame, shipped: Calibration) -> pd.DataFrame:
    """One row per set: the temperature it gives, and the ECE of the other sets without one, as shipped and under it."""
    labels = table_labels(clips)
    names = [f"p_{x}" for x in labels]
    logits = undo_calibration(clips[names].to_numpy(np.float64), shipped)  # [M, C]
    y = pd.Index(labels).get_indexer(pd.Index(clips["truth"])).astype(np.int64)
    rows = []
    for number, one, others in one_and_others(clips):
        fitted = fit_temperature(logits[one.index], y[one.index], sites=one["site"].tolist())
        row: dict[str, Any] = {"set": number, "temperature": fitted.temperature, "reason": fitted.reason}
        for name, calibration in (("without", Calibration()), ("shipped", shipped), ("after", fitted)):
            probs = apply_calibration(logits[others.index], calibration)
            row[name] = judged(others.assign(**dict(zip(names, probs.T, strict=True))), n_boot=0).ece.value
        rows.append(row)
    return pd.DataFrame(rows)


# How it is shown -------------------------------------------------------------------------------------------------


def show_coverage(table: pd.DataFrame) -> None:
    """Print how often the intervals held, together and each; and on which side the truth lay where they did not."""
    held = table.assign(under=table["true"] < table["low"], over=table["true"] > table["high"])
    held["held"] = ~held["under"] & ~held["over"]
    per_set = held.groupby("set")["held"].mean()
    spread = float(per_set.std() / np.sqrt(len(per_set)))  # figures of one set miss together: sets are what counts
    print(f"\ncoverage: {len(per_set)} sets")
    print(
        f"  all {held['figure'].nunique()} figures together: {held['held'].mean():.3f}, standard error {spread:.3f}; "
        f"the worst set {per_set.min():.2f}"
    )
    rows = held.groupby("figure").agg({"held": "mean", "under": "sum", "over": "sum", "true": "mean"})
    for name, row in rows.sort_values("held", kind="stable").iterrows():
        print(
            f"  {row['held']:.2f}  {name} (true {row['true']:.3f}; under {row['under']:.0f}, over {row['over']:.0f})"
        )


def show_promises(table: pd.DataFrame) -> None:
    """Print how often promises were kept; one that is refused loses nothing."""
    n_sets = table["set"].nunique()
    print(
        f"\npromise: kept in so many of {n_sets} sets (refused in so many of these); mean loss where it was given"
    )
    print(f"  {'':22s}{'over sites':>26s}{'ignoring sites':>26s}   positives, design effect")
    for (label, max_miss), rows in table.groupby(["label", "max_miss"], sort=False):
        cells = []
        for clustered in (True, False):
            r = rows[rows["clustered"] == clustered]
            kept = int((r["is_refused"] | (r["lost"] <= max_miss)).sum())
            loss = f"{r['lost'].mean():.4f}" if r["lost"].notna().any() else "-"
            cells.append(f"{kept:3d} ({r['is_refused'].sum():2d})  {loss}")
        effect = rows.loc[rows["clustered"], "design_effect"].mean()
        print(
            f"  {label:10s} at most {max_miss:4.2f}"
            + "".join(f"{x:>26s}" for x in cells)
            + f"   {rows['n_positives'].mean():.0f}, {effect:.2f}"
        )


def show_calibration(table: pd.DataFrame) -> None:
    """Print the calibration error in the other sets, before and after."""
    print(
        f"\nECE in the other sets: {table['without'].mean():.4f} without a temperature, {table['shipped'].mean():.4f} as shipped"
    )
    after = table["after"]
    print(
        f"  after a temperature from one set ({table['temperature'].min():.2f} to {table['temperature'].max():.2f}): "
        f"mean {after.mean():.4f}, largest {after.max():.4f}; under 0.03 in {(after < 0.03).mean():.0%}"
    )


def _tell(what: str = "") -> Any:
    def tell(*progress: object) -> None:
        print("\r" + " ".join(map(str, (what, *progress))), end="\033[K", file=sys.stderr, flush=True)

    return tell


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and np.isnan(value) else value


if __name__ == "__main__":
    main()
