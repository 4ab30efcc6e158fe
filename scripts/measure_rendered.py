"""Measure whether intervals, guarantees and temperatures hold for predictions of a model, on rendered footage.

One model is trained on rendered sites; then sets of other sites are rendered, each from a seed of its own, and
classified like any footage. The true figures of a set are those of all clips of the other sets, so a set has no
part in its own truth. The results say nothing about how good a model is; they say whether figures about a model can
be trusted.

    coverage    how often the 95 % interval of each figure contains the true value: 90 to 99 % is wanted
    guarantee   how often the share of positives lost in the other sets is within it: 95 % or more is wanted
    ECE         the calibration error in the other sets, under a temperature from one set: under 0.03 is wanted

Footage, model and predictions stay in --out, so the same command continues where it was stopped, and measures again
in two minutes. All of it takes 35 minutes of one core. `measure_intervals.py` measures the same on simulated
predictions, which can have any number of sites.

Example: nice python scripts/measure_rendered.py --n-sets 20

Example of a few minutes: nice python scripts/measure_rendered.py --n-sets 6 --n-sites 10 --clips-per-site 8
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from leopardnet.bundle.bundle import Bundle, load_bundle
from leopardnet.compose import load_config
from leopardnet.core.labels import ANIMAL
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.core.tables import write_json
from leopardnet.data.scan.scan import scan
from leopardnet.data.splits.split import split
from leopardnet.demo_job import add_labels
from leopardnet.infer.predict_footage import predict
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.metrics.guarantees.levels import LEVELS
from leopardnet.metrics.guarantees.loss_guarantee import find_loss_threshold
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.score.calibrate import Calibration, apply_calibration, fit_temperature, undo_calibration
from leopardnet.synth import FootageSpec, render_footage
from measure_intervals import figures

# Small and short, so that thousands of clips can be rendered; animals are large enough for this size.
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
    """Measure coverage, guarantees and calibration, print them, and write them as JSON."""
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
        help="side of the model's input; a larger one makes fewer errors (default %(default)s)",
    )
    parser.add_argument("--workers", type=int, default=1, help="processes that render and classify")
    options = parser.parse_args()
    if options.n_sets < 2:
        parser.error("--n-sets: at least 2, because the true figures of a set come from the others")
    cv2.setNumThreads(1)
    work = Work(
        options.out,
        replace(FOOTAGE, n_sites=options.n_sites, clips_per_site=options.clips_per_site),
        options.input_px,
        options.workers,
    )
    work.check_settings()
    bundle = work.train_model()
    clips = work.classify(options.n_sets, bundle)
    measured = {
        "settings": work.settings()
        | {"input_px": options.input_px, "n_sets": options.n_sets, "n_boot": options.n_boot},
        "coverage": measure_coverage(clips, n_boot=options.n_boot),
        "promises": measure_guarantees(clips),
        "ece": measure_calibration(clips, bundle.spec.calibration),
    }
    show_coverage(measured["coverage"])
    show_guarantees(measured["promises"])
    show_calibration(measured["ece"])
    tables = {k: v.to_dict("records") if isinstance(v, pd.DataFrame) else v for k, v in measured.items()}
    write_json(_plain(tables), work.run / "measured.json")


# Footage, model, predictions -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Work:
    """The folder that keeps footage, model and predictions, and how its sets are rendered."""

    out: Path
    spec: FootageSpec
    input_px: int
    n_workers: int

    @property
    def run(self) -> Path:
        """The folder of the model and its predictions; models share the footage."""
        return self.out / f"model{self.input_px}"

    def settings(self) -> dict[str, Any]:
        """The settings that everything in the folder depends on."""
        return {"footage": asdict(self.spec), "training": asdict(TRAINING), "recipe": RECIPE}

    def check_settings(self) -> None:
        """Exit if the folder was made with other settings: half its sets would be of another kind."""
        file, settings = self.out / "settings.json", json.dumps(self.settings(), indent=1)
        if file.exists() and file.read_text("utf-8") != settings:
            sys.exit(f"{self.out.name} holds footage of other settings; name another folder with --out")
        self.out.mkdir(parents=True, exist_ok=True)
        file.write_text(settings, "utf-8")

    def render(self, spec: FootageSpec) -> Manifest:
        """Return the labelled manifest of a set; render it first if it is not there yet."""
        folder = self.out / "footage" / f"seed{spec.seed:04d}"
        if not (folder / "frames.csv").exists():  # the file that is written last
            render_footage(folder, spec, n_workers=self.n_workers, on_progress=_tell(f"rendering seed {spec.seed}"))
        return add_labels(scan(folder, pattern="{site}/{deployment}/*"), folder)

    def train_model(self) -> Bundle:
        """Return a probe on the sites of the training seed; train it first if it is not there yet."""
        if not (self.run / "bundle").exists():
            import torch

            from leopardnet.training.pack.pack import train_bundle

            torch.set_num_threads(self.n_workers)
            recipe = (*RECIPE, f"preprocess.size_px={self.input_px}")
            manifest = split(self.render(TRAINING), by="site", fractions=(0.7, 0.3, 0.0), seed=7)
            train_bundle(manifest, load_config("train", recipe), out=self.run, on_progress=_tell())
        return load_bundle(self.run / "bundle")

    def classify(self, n_sets: int, bundle: Bundle) -> pd.DataFrame:
        """Return the predictions of all sets in one table, with `set` and `truth`; ids and sites are unique."""
        tables = []
        runtime = RuntimeConfig(workers=self.n_workers if self.n_workers > 1 else 0, threads=1)
        start = time.perf_counter()
        for seed in range(1, n_sets + 1):
            manifest = self.render(replace(self.spec, seed=seed))
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


def evaluate(clips: pd.DataFrame, *, n_boot: int) -> Evaluation:
    """Return the evaluation of some of the clips, as `leopardnet evaluate` makes it."""
    labelled = label_clips(clips)
    return evaluate_clips(labelled, targets=labelled.animals, n_boot=n_boot)


def label_clips(clips: pd.DataFrame) -> LabelledClips:
    """Return the clips of a table with the column `truth`."""
    return LabelledClips.from_tables(clips, clips.set_index("clip_id")["truth"])


def iterate_sets(clips: pd.DataFrame) -> Iterator[tuple[int, pd.DataFrame, pd.DataFrame]]:
    """Yield each set: its number, its clips, and the clips of all other sets."""
    for number in sorted(clips["set"].unique()):
        is_it = clips["set"] == number
        yield int(number), clips[is_it], clips[~is_it]


# What is measured ------------------------------------------------------------------------------------------------


def measure_coverage(clips: pd.DataFrame, *, n_boot: int) -> pd.DataFrame:
    """Return one row per set and figure: `value`, `low`, `high`, and `true` in the other sets."""
    rows = []
    for number, one, others in iterate_sets(clips):
        true = figures(evaluate(others, n_boot=0))
        for name, x in figures(evaluate(one, n_boot=n_boot)).items():
            rows.append({"set": number, "figure": name, "true": true[name].value, **asdict(x)})
    table = pd.DataFrame(rows)
    return table[table["low"].notna()].astype({"low": float, "high": float}).reset_index(drop=True)


def measure_guarantees(clips: pd.DataFrame) -> pd.DataFrame:
    """Return one row per label, loss, level and set; `lost`: the share lost in the other sets, nan if refused."""
    rows, labelled = [], label_clips(clips)
    for label in (*labelled.animals, ANIMAL):
        score, is_it = labelled.score(label), labelled.shows(label)
        for number, one, others in iterate_sets(clips):
            here, elsewhere = one.index, score[others.index[is_it[others.index]]]
            for max_miss in LOSSES:
                p = find_loss_threshold(
                    label,
                    score[here],
                    is_it[here],
                    labelled.site_codes[here],
                    event_codes=None if labelled.event_codes is None else labelled.event_codes[here],
                    max_miss=max_miss,
                )
                for s in p.supports:
                    rows.append(
                        {
                            "label": label,
                            "max_miss": max_miss,
                            "level": s.level,
                            "set": number,
                            "is_refused": s.threshold is None,
                            "lost": np.nan if s.threshold is None else float((elsewhere < s.threshold).mean()),
                            "n_positives": p.n_positives,
                            "n_sites": p.n_sites,
                        }
                    )
    return pd.DataFrame(rows)


def measure_calibration(clips: pd.DataFrame, shipped: Calibration) -> pd.DataFrame:
    """Return one row per set: its temperature, and the ECE of the other sets without, as shipped and under it."""
    labelled = label_clips(clips)
    names, y = [f"p_{x}" for x in labelled.labels], labelled.y
    logits = undo_calibration(labelled.probs, shipped)  # [M, C]
    rows = []
    for number, one, others in iterate_sets(clips):
        fitted = fit_temperature(logits[one.index], y[one.index], sites=one["site"].tolist())
        row: dict[str, Any] = {"set": number, "temperature": fitted.temperature, "reason": fitted.reason}
        for name, calibration in (("without", Calibration()), ("shipped", shipped), ("after", fitted)):
            probs = apply_calibration(logits[others.index], calibration)
            row[name] = evaluate(others.assign(**dict(zip(names, probs.T, strict=True))), n_boot=0).ece.value
        rows.append(row)
    return pd.DataFrame(rows)


# How it is shown -------------------------------------------------------------------------------------------------


def show_coverage(table: pd.DataFrame) -> None:
    """Print how often the intervals contained the true value, and on which side they missed it."""
    held = table.assign(under=table["true"] < table["low"], over=table["true"] > table["high"])
    held["held"] = ~held["under"] & ~held["over"]
    per_set = held.groupby("set")["held"].mean()
    spread = float(per_set.std() / np.sqrt(len(per_set)))  # figures of one set are not independent, sets are
    print(f"\ncoverage: {len(per_set)} sets")
    print(
        f"  all {held['figure'].nunique()} figures together: {held['held'].mean():.3f}, "
        f"standard error {spread:.3f}; the worst set {per_set.min():.2f}"
    )
    rows = held.groupby("figure").agg({"held": "mean", "under": "sum", "over": "sum", "true": "mean"})
    for name, row in rows.sort_values("held", kind="stable").iterrows():
        sides = f"under {row['under']:.0f}, over {row['over']:.0f}"
        print(f"  {row['held']:.2f}  {name} (true {row['true']:.3f}; {sides})")


def show_guarantees(table: pd.DataFrame) -> None:
    """Print how often guarantees held; one that is refused loses nothing."""
    n_sets = table["set"].nunique()
    print(f"\nguarantee: sets of {n_sets} in which it held (in which it was refused); mean loss where it was given")
    print(f"  {'':22s}" + "".join(f"{level:>26s}" for level in LEVELS) + "   positives, sites")
    for (label, max_miss), rows in table.groupby(["label", "max_miss"], sort=False):
        cells = []
        for level in LEVELS:
            r = rows[rows["level"] == level]
            kept = int((r["is_refused"] | (r["lost"] <= max_miss)).sum())
            loss = f"{r['lost'].mean():.4f}" if r["lost"].notna().any() else "-"
            cells.append(f"{kept:3d} ({r['is_refused'].sum():2d})  {loss}")
        print(
            f"  {label:10s} at most {max_miss:4.2f}"
            + "".join(f"{x:>26s}" for x in cells)
            + f"   {rows['n_positives'].mean():.0f}, {rows['n_sites'].mean():.0f}"
        )


def show_calibration(table: pd.DataFrame) -> None:
    """Print the calibration error in the other sets, before and after fitting a temperature."""
    without, shipped, after, fitted = (table[x] for x in ("without", "shipped", "after", "temperature"))
    print(f"\nECE in the other sets: {without.mean():.4f} without a temperature, {shipped.mean():.4f} as shipped")
    print(
        f"  after a temperature from one set ({fitted.min():.2f} to {fitted.max():.2f}): "
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
