"""Measure which rules for joining the frames of a clip see a short visit, in simulated worlds whose truth is known.

Frames have log-odds of an animal: those of empty frames are normal around -6, those of frames that show an animal
around 5.5, and one empty frame in a hundred is spurious (a moving branch), around 3.2. What a camera does to a
whole clip (darkness, fog) shifts all its frames together. These numbers were fitted to sixteen figures of an
independent simulation, which they give again within 0.03. The worlds differ in one thing each:

    reproduced    as above
    unsure, sure  all log-odds times 0.5 and 1.6: a network that hesitates, one that exaggerates
    independent   nothing shifts the frames of a clip together
    clustered     the same number of spurious frames, all in 5 % of the clips
    lifelike      spurious frames look exactly like animals

Each figure is the share of empty clips that go while 95 % of the clips with an animal stay. `bound` is the most
that any rule can reach (Neyman-Pearson: the likelihood ratio under full knowledge of the world and of the number of
frames that show the animal); `bound, 1-4` does not know that number.

All of it takes about four minutes. Example: python scripts/measure_presence.py
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, log_expit, logsumexp

from leopardnet.core.settings.inference import AggregateConfig
from leopardnet.score.aggregate import RANK_DECAY, aggregate

Floats = NDArray[np.float64]
SEED = 3
CELLS = ((16, 1), (16, 2), (64, 2), (64, 4), (16, 16), (64, 64))  # frames, those that show the animal
TARGETS = (0.85, 0.97, 0.85, 0.95)
RECALL = 0.95


@dataclass(frozen=True)
class World:
    """Means and standard deviations of log-odds; share: of the clips that have spurious frames at all."""

    scale: float = 1.0
    clip_sd: float = 1.25
    empty: tuple[float, float] = (-6.0, 1.4)
    shown: tuple[float, float] = (5.5, 2.2)
    spurious: tuple[float, float] = (3.2, 1.3)
    rate: float = 0.01
    share: float = 1.0

    def draw(self, rng: np.random.Generator, n_clips: int, n_frames: int, n_shown: int) -> Floats:
        """Return the log-odds of frames, float64 [n_clips, n_frames], the largest first."""
        z = rng.normal(*self.empty, (n_clips, n_frames))
        has = rng.random((n_clips, 1)) < self.share
        is_spurious = has & (rng.random((n_clips, n_frames)) < self.rate / self.share)
        z = np.where(is_spurious, rng.normal(*self.spurious, z.shape), z)
        z[:, :n_shown] = rng.normal(*self.shown, (n_clips, n_shown))
        z = self.scale * (z + self.clip_sd * rng.normal(size=(n_clips, 1)))
        return -np.sort(-z, axis=1)

    def likelihood_ratio(self, z: Floats, numbers: tuple[int, ...]) -> Floats:
        """Return the log-likelihood ratio, float64 [n_clips], of an animal in one of these numbers of frames.

        The shift of the clip is integrated out by Gauss-Hermite quadrature. Given the shift, the ratio for m of N
        frames is the m-th elementary symmetric polynomial of the ratios of the frames over the number of choices.
        """
        n = z.shape[1]
        nodes, weights = np.polynomial.hermite_e.hermegauss(31 if self.clip_sd else 1)
        choices = [float(gammaln(n + 1) - gammaln(m + 1) - gammaln(n - m + 1)) for m in numbers]
        empty, shown = [], []
        for x, weight in zip(nodes, weights / weights.sum(), strict=True):
            own = z / self.scale - self.clip_sd * x
            for rate, p in ((self.rate / self.share, self.share), (0.0, 1 - self.share)):
                if not p:
                    continue
                calm = np.log1p(-rate) + _log_normal(own, *self.empty)
                spurious = np.log(rate) + _log_normal(own, *self.spurious) if rate else np.full_like(calm, -np.inf)
                log_empty = np.logaddexp(calm, spurious)
                sums = _symmetric_sums(_log_normal(own, *self.shown) - log_empty, max(numbers))
                base = np.log(weight * p) + log_empty.sum(axis=1)
                empty.append(base)
                shown.append(base + logsumexp([sums[m] - c for m, c in zip(numbers, choices, strict=True)], axis=0))
        return np.asarray(logsumexp(shown, axis=0) - logsumexp(empty, axis=0), np.float64)


PLAIN = World()
WORLDS = {
    "reproduced": PLAIN,
    "unsure": replace(PLAIN, scale=0.5),
    "sure": replace(PLAIN, scale=1.6),
    "independent": replace(PLAIN, clip_sd=0.0),
    "clustered": replace(PLAIN, share=0.05),
    "lifelike": replace(PLAIN, spurious=PLAIN.shown),
}


def _log_normal(x: Floats, mean: float, sd: float) -> Floats:
    """Return the log-density up to a constant that is the same for all."""
    return np.asarray(-0.5 * ((x - mean) / sd) ** 2 - np.log(sd), np.float64)


def _symmetric_sums(log_ratios: Floats, most: int) -> list[Floats]:
    """Return the logs of the elementary symmetric polynomials 0 to `most` of each row, each float64 [n_clips]."""
    sums = np.full((len(log_ratios), most + 1), -np.inf)
    sums[:, 0] = 0.0
    for column in log_ratios.T:
        sums[:, 1:] = np.logaddexp(sums[:, 1:], sums[:, :-1] + column[:, None])
    return list(sums.T)


# Rules: from log-odds of frames, the largest first, to those of the clip ------------------------------------------


def mean_probability(z: Floats, weights: Floats | None = None) -> Floats:
    """Return the log-odds of the weighted mean probability of each row."""
    w = np.full(z.shape[1], 1.0) if weights is None else weights
    return np.asarray(logsumexp(log_expit(z), axis=1, b=w) - logsumexp(log_expit(-z), axis=1, b=w))


def decay(z: Floats, *, by: float, temperature: float = 1.0) -> Floats:
    """Mean probability in which each frame counts `by` times as much as the one before; at a temperature."""
    return temperature * mean_probability(z / temperature, by ** np.arange(z.shape[1], dtype=np.float64))


def log_mean_exp(z: Floats, *, temperature: float, k: int = 10**6) -> Floats:
    """Soft maximum of the k largest."""
    top = z[:, :k] / temperature
    return np.asarray(temperature * (logsumexp(top, axis=1) - np.log(top.shape[1])))


def some_frames(z: Floats, *, share: float, cap: float = np.inf) -> Floats:
    """Likelihood ratio of a clip in which each frame shows the animal with this probability, independently."""
    return np.asarray(np.logaddexp(np.log1p(-share), np.log(share) + np.minimum(z, cap)).sum(axis=1))


def shares_mixed(z: Floats, *, cap: float = np.inf) -> Floats:
    """The same for six shares alike."""
    parts = [some_frames(z, share=s, cap=cap) for s in (0.03, 0.06, 0.12, 0.25, 0.5, 0.9)]
    return np.asarray(logsumexp(parts, axis=0))


def best_window(z: Floats, *, price: float) -> Floats:
    """The best of "at least m frames show it", from the m-th largest log-odds less a price that falls with m."""
    m = np.arange(1, 5)
    return np.asarray((z[:, : len(m)] - price / m).max(axis=1))


def mean_log_odds(z: Floats, *, k: int, least: float = -np.inf) -> Floats:
    """Mean of the k largest, none taken as less than `least`."""
    return np.asarray(np.maximum(z[:, :k], least).mean(axis=1))


def probability_of(z: Floats, *, k: int, temperature: float = 1.0) -> Floats:
    """Mean probability of the k largest, at a temperature."""
    return temperature * mean_probability(z[:, :k] / temperature)


def quarter(z: Floats) -> Floats:
    """Return the quarter of the frames with the largest log-odds."""
    return z[:, : max(1, -(-z.shape[1] // 4))]


Rule = Callable[[Floats], Floats]
RULES: dict[str, Rule] = {
    "presence_topk (mean log-odds of a quarter)": lambda z: quarter(z).mean(axis=1),
    "mean probability of a quarter": lambda z: mean_probability(quarter(z)),
    "maximum": lambda z: z[:, 0],
    **{f"mean log-odds of {k}": partial(mean_log_odds, k=k) for k in (2, 3)},
    **{f"mean log-odds of {k}, at least -2": partial(mean_log_odds, k=k, least=-2.0) for k in (2, 3)},
    **{f"mean probability of {k}": partial(probability_of, k=k) for k in (2, 3, 4)},
    **{f"mean probability of {k}, temperature 2": partial(probability_of, k=k, temperature=2.0) for k in (2, 3)},
    **{f"log-mean-exp, temperature {t}": partial(log_mean_exp, temperature=t) for t in (1.0, 2.0, 5.0)},
    **{f"log-mean-exp of {k}, temperature 4": partial(log_mean_exp, temperature=4.0, k=k) for k in (2, 3)},
    "half maximum, half mean log-odds of 2": lambda z: (z[:, 0] + z[:, :2].mean(axis=1)) / 2,
    **{f"best window, price {c}": partial(best_window, price=c) for c in (2.0, 4.0)},
    **{f"some frames, share {s}": partial(some_frames, share=s) for s in (0.05, 0.1, 0.25)},
    "some frames, share 0.1, capped at 2": partial(some_frames, share=0.1, cap=2.0),
    "shares mixed": shares_mixed,
    "shares mixed, capped at 4": partial(shares_mixed, cap=4.0),
    "weights 0.5, 0.3, 0.2": lambda z: mean_probability(z[:, :3], np.array([0.5, 0.3, 0.2])),
    "weights 1/rank²": lambda z: mean_probability(z, 1.0 / np.arange(1, z.shape[1] + 1) ** 2),
    **{f"decay {d}": partial(decay, by=d) for d in (0.1, 0.2, 0.4, 0.5, 0.6, 0.8)},
    "decay 0.5, temperature 2": partial(decay, by=0.5, temperature=2.0),
    "presence_ranked (decay 1/3)": partial(decay, by=RANK_DECAY),
}


def main() -> None:
    """Print one table for each world."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-clips", type=int, default=6000, help="of each kind in a cell (default %(default)s)")
    parser.add_argument("--n-bound", type=int, default=2000, help="the same for the bounds (default %(default)s)")
    parser.add_argument("--world", choices=WORLDS, action="append", help="only this one; may be repeated")
    parser.add_argument("--rule", action="append", help="only rules that contain this text; may be repeated")
    options = parser.parse_args()
    check_rules()
    print(
        f"{len(RULES)} rules; targets {TARGETS}; {options.n_clips} empty clips and as many with an animal per cell"
    )
    for name in options.world or WORLDS:
        show(name, *measure(WORLDS[name], options.n_clips, options.n_bound, options.rule or [""]))


def check_rules() -> None:
    """Stop if the two rules of the product that are simulated here are not those of `score.aggregate`."""
    z = PLAIN.draw(np.random.default_rng(0), 20, 16, 2)
    for name in ("presence_topk", "presence_ranked"):
        rule = next(rule for text, rule in RULES.items() if text.startswith(name))
        frames = [np.stack([row, np.zeros_like(row)], axis=1).astype(np.float32) for row in z]
        clips = np.array([aggregate(x, AggregateConfig.model_validate({"name": name}), i_empty=1) for x in frames])
        np.testing.assert_allclose(clips[:, 0] - clips[:, 1], rule(z), atol=1e-4)


def measure(
    world: World, n_clips: int, n_bound: int, parts: list[str]
) -> tuple[dict[str, list[float]], list[float]]:
    """Return the figures of each rule in all cells, and the share of empty clips in which a frame is above 0."""
    found: dict[str, list[float]] = {}
    above = []
    for i, (n_frames, n_shown) in enumerate(CELLS):
        rng = np.random.default_rng([SEED, i])
        empty, shown = (world.draw(rng, n_clips, n_frames, m) for m in (0, n_shown))
        above.append(float((empty[:, 0] > 0).mean()))
        for name, rule in RULES.items():
            if any(part in name for part in parts):
                found.setdefault(name, []).append(share_gone(rule(empty), rule(shown)))
        if n_bound and n_shown <= 4:
            for name, numbers in (("bound", (n_shown,)), ("bound, 1-4", (1, 2, 3, 4))):
                ratios = (world.likelihood_ratio(z[:n_bound], numbers) for z in (empty, shown))
                found.setdefault(name, []).append(share_gone(*ratios))
    return found, above


def share_gone(empty: Floats, shown: Floats) -> float:
    """Return the share of empty clips below the score that 95 % of the clips with an animal reach."""
    return float((empty < np.quantile(shown, 1 - RECALL)).mean())


def show(world: str, found: dict[str, list[float]], above: list[float]) -> None:
    """Print the figures of one world; `least` is the smallest distance from a target."""
    print(f"\n{world}: empty clips with a frame above 0: " + ", ".join(f"{x:.2f}" for x in above[1:3]))
    print(f"  {'':44s}" + "".join(f"{f'{m} of {n}':>9s}" for n, m in CELLS) + "    least")
    for name, figures in found.items():
        least = min(x - target for x, target in zip(figures, TARGETS, strict=False))
        print(
            f"  {name:44s}"
            + "".join(f"{x:9.3f}" for x in figures)
            + " " * 9 * (6 - len(figures))
            + f"{least:+9.3f}"
        )


if __name__ == "__main__":
    main()
