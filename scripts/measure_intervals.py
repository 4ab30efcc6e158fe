"""Measure whether intervals and temperatures hold, on simulated predictions where the truth is known.

Predictions are simulated, not footage. Sites differ in their animals, in how well the model does (each label has a
shift of its logit per site) and in their number of clips; clips of a site share all that. The true figures are
those of 8,000 further sites. The results say nothing about how good a model is; they say whether figures about a
model can be trusted.

    coverage   how often the 95 % interval of each figure contains the true value: 92 to 99 % is wanted.
               `--cells WORLD …` does this for few and many sites
    ECE        the calibration error at sites that had no part in fitting the temperature: under 0.03 is wanted

`measure_promises.py` does the same for promises.

Example: python scripts/measure_intervals.py --n-sets 20
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from leopardnet.core.labels import ANIMAL
from leopardnet.metrics.bootstrap import WIDEST, Estimate, interval_columns
from leopardnet.metrics.clip_figures import add_rankings, label_figures
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.evaluation import FIGURES, Evaluation
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.metrics.measures import count_labels
from leopardnet.metrics.ranking import Ranking, rank_clips
from leopardnet.metrics.reliability import reliability
from leopardnet.score.calibrate import fit_temperature

LABELS = ("leopard", "tiger", "sika_deer", "empty")
MIX = np.array([0.12, 0.12, 0.20, 0.56])
N_TRUE_SITES = 8000


@dataclass(frozen=True)
class World:
    """How sites differ. site_sd: of logit shifts; sharpness: calibrated at 1.9, overconfident above."""

    n_sites: int = 30
    clips_per_site: float = 40.0
    site_sd: float = 0.6
    strength: float = 2.6
    sharpness: float = 3.0
    leopards: float = 0.12  # share of clips; few of them stand at few sites
    size_shape: float = 4.0  # the smaller, the more sites differ in their number of clips

    def draw(self, seed: int, n_sites: int | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Logits float64 [M, C], true classes int64 [M], sites int64 [M]."""
        rng, n = np.random.default_rng(seed), n_sites or self.n_sites
        p = self.size_shape / (self.size_shape + self.clips_per_site)
        sizes = rng.negative_binomial(self.size_shape, p, n).clip(1)  # some sites have many clips
        site = np.repeat(np.arange(n), sizes)
        mix = rng.dirichlet(6 * np.append(self.leopards, (1 - self.leopards) * MIX[1:] / MIX[1:].sum()), n)[site]
        y = (rng.random((len(site), 1)) > mix.cumsum(axis=1)).sum(axis=1).clip(0, len(LABELS) - 1)
        shift = rng.normal(0, self.site_sd, (n, len(LABELS)))[site]
        z = rng.normal(0, 1, (len(site), len(LABELS))) + shift
        z[np.arange(len(y)), y] += self.strength
        return self.sharpness * z, y, site


def main() -> None:
    """Measure and print coverage and calibration."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-sets", type=int, default=20)
    parser.add_argument("--n-boot", type=int, default=1000)
    parser.add_argument("--cells", nargs="*", choices=CELL_WORLDS, help="only the tables by number of sites")
    options = parser.parse_args()
    if options.cells is not None:
        for name in options.cells or CELL_WORLDS:
            show_cells(name, options.n_sets, options.n_boot)
        return
    for world in (
        World(n_sites=15),
        World(n_sites=30),
        World(n_sites=80),
        World(
            n_sites=20, clips_per_site=16, site_sd=0.2
        ),  # few clips at similar sites: figures near 1 and shares of 0
        World(n_sites=30, sharpness=1.9),  # an ECE of almost 0
    ):
        show_coverage(world, options.n_sets, options.n_boot)
    show_calibration(World(), options.n_sets)


CELL_FIGURES = (
    "recall of leopard",
    "precision of leopard",
    "macro F1",
    "auroc of leopard",
    "ECE",
    "empties removed at 0.95",
)
CELL_WORLDS = {
    "common": World(),
    "rare": World(leopards=0.02),
    "alike": World(site_sd=0.2, clips_per_site=16),
    "uneven": World(size_shape=1.2),
    "unlike, rare": World(site_sd=1.0, leopards=0.02),
}


def show_cells(name: str, n_sets: int, n_boot: int, n_sites: Sequence[int] = (3, 5, 8, 15, 30, 50)) -> None:
    """Print coverage of six figures by number of sites in a world; "shown" leaves out what is not demonstrated."""
    print(f"{name}: coverage, mean width | share shown, coverage of these; {n_sets} sets, {n_boot} draws")
    print("sites   " + "".join(f"{x:29s}" for x in CELL_FIGURES))
    world = CELL_WORLDS[name]
    true = cell_figures(*world.draw(10**6, N_TRUE_SITES), n_boot=0)
    for n in n_sites:
        sets = [cell_figures(*world.draw(seed, n), n_boot=n_boot) for seed in range(n_sets)]
        cells = [_cell([f[x] for f in sets], true[x].value) for x in CELL_FIGURES]
        print(f"{n:5d}   " + "".join(f"{x:29s}" for x in cells), flush=True)


def cell_figures(logits: np.ndarray, y: np.ndarray, site: np.ndarray, *, n_boot: int) -> dict[str, Estimate]:
    """Return the six figures alone, which is several times faster than the whole evaluation."""
    clips = label_clips(logits, y, site)
    draws = clips.draw_sites(n_boot=n_boot, seed=7)
    confusions = draws.sum_per_site(clips.y * (len(LABELS) + 1) + clips.likeliest, len(LABELS) * (len(LABELS) + 1))
    per_site = count_labels(confusions.reshape(-1, len(LABELS), len(LABELS) + 1))  # [S, C, 4]
    drawn = draws.redraw(per_site.reshape(len(per_site), -1)).reshape(-1, *per_site.shape[1:])
    shows, said = (x[:, None] == np.arange(len(LABELS)) for x in (clips.y, clips.likeliest))
    per_label, macro_f1 = label_figures(LABELS, per_site, drawn, draws, shows=shows, said=said)
    leopard = per_label.head(1).copy()
    add_rankings(leopard, clips, draws)
    row = leopard.iloc[0].to_dict()
    found = {f"{x} of leopard": read_estimate(row, x) for x in ("recall", "precision", "auroc")}
    is_animal = clips.shows(ANIMAL)
    ranking = Ranking.of(rank_clips(clips, ANIMAL), is_animal, draws.codes)
    weights = np.vstack([np.ones(draws.n_sites), draws.weights])
    removed = ranking.measure_draws(weights, (0.95,))[:, 2]
    found["empties removed at 0.95"] = draws.estimate_share(
        removed[0], removed[1:], sizes=draws.count_clips(~is_animal)
    )
    return found | {"macro F1": macro_f1, "ECE": reliability(clips, draws)[1]}


def read_estimate(row: dict[str, float], name: str) -> Estimate:
    """Return one figure of a row of a table, which has nan where there is no interval."""
    value, *ends = (float(row[x]) for x in interval_columns(name))
    return Estimate(value, *(None if np.isnan(x) else x for x in ends))


def _cell(estimates: Sequence[Estimate], true: float) -> str:
    ends = np.array([(x.low, x.high) for x in estimates if x.low is not None], np.float64)
    if len(ends) < 20:
        return "no interval"
    held = (ends[:, 0] <= true) & (true <= ends[:, 1])
    width = ends[:, 1] - ends[:, 0]
    is_shown = width <= WIDEST
    of_shown = f"{held[is_shown].mean():.3f}" if is_shown.sum() >= 20 else "few"
    return f"{held.mean():.3f} {width.mean():.3f} | {is_shown.sum() / len(estimates):.2f} {of_shown}"


def show_coverage(world: World, n_sets: int, n_boot: int) -> None:
    """Print how often each interval contains the true value."""
    start = time.perf_counter()
    true = {name: x.value for name, x in figures(evaluate(*world.draw(10**6, N_TRUE_SITES), n_boot=0)).items()}
    held: dict[str, list[bool]] = {name: [] for name in true}
    for seed in range(n_sets):
        for name, x in figures(evaluate(*world.draw(seed), n_boot=n_boot)).items():
            if x.low is not None and x.high is not None:
                held[name].append(x.low <= true[name] <= x.high)
    shares = {name: float(np.mean(h)) for name, h in held.items() if h}
    everything = np.concatenate([h for h in held.values() if h])
    took_s = time.perf_counter() - start
    print(
        f"\ncoverage: {n_sets} sets of {world.n_sites} sites with {world.clips_per_site:.0f} clips each, "
        f"site_sd {world.site_sd:g}, sharpness {world.sharpness:g}, {n_boot} draws ({took_s:.0f} s)"
    )
    print(f"  all {len(shares)} figures together: {everything.mean():.3f}")
    for name, share in sorted(shares.items(), key=lambda item: item[1]):
        print(f"  {share:.2f}  {name} (true {true[name]:.3f})")


def evaluate(logits: np.ndarray, y: np.ndarray, site: np.ndarray, *, n_boot: int) -> Evaluation:
    """Return the evaluation of simulated clips."""
    return evaluate_clips(label_clips(logits, y, site), targets=LABELS[:2], n_boot=n_boot)


def label_clips(logits: np.ndarray, y: np.ndarray, site: np.ndarray) -> LabelledClips:
    """Return simulated clips with the probabilities of their logits."""
    z = logits - logits.max(axis=1, keepdims=True)
    probs = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    return LabelledClips.from_arrays(LABELS, probs, y, site)


def figures(e: Evaluation) -> dict[str, Estimate]:
    """Return the figures of an evaluation by name."""
    found = {
        "top-1": e.top1,
        "macro F1": e.macro_f1,
        "Brier": e.brier,
        "ECE": e.ece,
        "animal AUROC": e.presence_auroc,
    }
    found |= {f"empties removed at {recall:g}": x for recall, x in e.empty_removal().items()}
    found |= {f"{m} of {label}": e.label_estimate(label, m) for label in LABELS for m in FIGURES}
    found |= {f"precision of {label} at 1 %": e.precision_by_prevalence(label, 0.01) for label in LABELS[:2]}
    for table, share, name in ((e.review, "reviewed", "errors_left"), (e.coverage, "coverage", "risk")):
        found[f"{name} at 0.5"] = read_estimate(table[table[share] == 0.5].iloc[0].to_dict(), name)
    return found


def show_calibration(world: World, n_sets: int) -> None:
    """Print the calibration error at new sites, before and after fitting a temperature."""
    unseen = world.draw(10**6, 2000)
    before = evaluate(*unseen, n_boot=0).ece.value
    after = []
    for seed in range(n_sets):
        logits, y, site = world.draw(seed)
        temperature = fit_temperature(logits, y, sites=site.tolist()).temperature
        after.append(evaluate(unseen[0] / temperature, *unseen[1:], n_boot=0).ece.value)
    print(f"\nECE at 2000 new sites: {before:.4f} before; after a temperature from {world.n_sites} sites:")
    share = np.mean(np.array(after) < 0.03)
    print(f"  mean {np.mean(after):.4f}, largest {np.max(after):.4f}; under 0.03 in {share:.0%} of {n_sets} sets")


if __name__ == "__main__":
    main()
