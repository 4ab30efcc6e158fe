"""Measure how stills, bursts, short and long videos are calibrated: by one temperature, by several, or by a shift.

Clips of 1, 3, 16 and 64 frames are drawn from the worlds of `measure_presence.py`, half of them empty. An animal
shows in a number of frames that is geometric with a mean of a third of the clip, and at least in one. Calibrations
are fitted to clips and judged on as many others, for the default rule and the one before:

    one         one temperature
    by kind     one for stills, bursts and videos each
    by number   one for each number of frames
    shift       one temperature, and presence shifted by kind and number of frames (`score.presence_shift`)

For each number of frames: the calibration error (ten bins of equal size), and the share of empty clips that are
called empty, at 0.8, and of clips with an animal that are. In the last column the share of all empty clips that go
while 95 % of all clips with an animal stay, under one threshold for clips of any length.

Example: python scripts/measure_clip_lengths.py
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.settings.inference import DecideConfig
from leopardnet.score.calibrate import Calibration, apply_calibration, fit_temperature
from leopardnet.score.presence_shift import ClipLengths, shift_presence
from leopardnet.score.safe_fit import fit_safely
from measure_presence import RULES, WORLDS, Rule, World, share_gone

Floats = NDArray[np.float64]
KINDS = {1: "still", 3: "burst", 16: "video", 64: "video"}
N_SITES = 40
SEED = 5
Clips = tuple[Floats, NDArray[np.int64], ClipLengths]


def main() -> None:
    """Print one table for each world and rule."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n-clips", type=int, default=1500, help="per length, empty and not (default %(default)s)")
    options = parser.parse_args()
    for name in ("reproduced", "unsure", "sure", "lifelike"):
        for text, rule in RULES.items():
            if text.startswith("presence"):
                rng = np.random.default_rng(SEED)
                train, test = (draw(WORLDS[name], rule, rng, options.n_clips) for _ in range(2))
                print(f"\n{name}, {text}: calibration error, empty and not empty clips called empty")
                print(" " * 12 + "".join(f"{f'{n} frames':>20s}" for n in KINDS) + "     gone")
                for how, calibrate in WAYS.items():
                    show(how, calibrate(train, test), test)


def draw(world: World, rule: Rule, rng: np.random.Generator, n_clips: int) -> Clips:
    """Return clip logits (animal, empty) float64 [M, 2], classes int64 [M] and lengths."""
    odds, y, n_frames = [], [], []
    for n in KINDS:
        n_shown = np.clip(rng.geometric(1 / (1 + n / 3), n_clips), 1, n)
        odds.append(rule(world.draw(rng, n_clips, n, 0)))
        odds += [rule(world.draw(rng, int((n_shown == m).sum()), n, int(m))) for m in np.unique(n_shown)]
        y += [np.repeat([1, 0], n_clips)]
        n_frames += [np.full(2 * n_clips, n)]
    lengths = np.concatenate(n_frames)
    kinds = np.array([KINDS[n] for n in lengths.tolist()], object)
    z = np.concatenate(odds)
    return np.column_stack([z, np.zeros_like(z)]), np.concatenate(y), ClipLengths(kinds, lengths, 1)


def fit_one(train: Clips, test: Clips) -> Floats:
    """Return the probabilities of the test clips, float64 [M, 2], under one temperature."""
    return np.asarray(apply_calibration(test[0], fit_temperature(train[0], train[1])), np.float64)


def fit_each(key: Callable[[ClipLengths], NDArray[np.generic]]) -> Callable[[Clips, Clips], Floats]:
    """Return the way that fits a temperature for each value of a key."""

    def calibrate(train: Clips, test: Clips) -> Floats:
        probs = np.full(test[0].shape, np.nan)
        for value in set(key(test[2]).tolist()):
            here, there = key(train[2]) == value, key(test[2]) == value
            fitted = fit_temperature(train[0][here], train[1][here])
            probs[there] = apply_calibration(test[0][there], fitted)
        return np.asarray(probs, np.float64)

    return calibrate


def fit_shifted(train: Clips, test: Clips) -> Floats:
    """Return the probabilities under one temperature and a shift of presence, as a bundle would have them."""
    sites = [f"s{i % N_SITES}" for i in range(len(train[1]))]
    fitted = fit_safely(train[0], train[1], sites=sites, before=Calibration(), lengths=train[2])
    return np.asarray(apply_calibration(shift_presence(test[0], fitted.shift, test[2]), fitted), np.float64)


WAYS: dict[str, Callable[[Clips, Clips], Floats]] = {
    "one": fit_one,
    "by kind": fit_each(lambda lengths: lengths.kinds),
    "by number": fit_each(lambda lengths: lengths.n_frames),
    "shift": fit_shifted,
}


def show(how: str, probs: Floats, test: Clips) -> None:
    """Print one line."""
    y, lengths = test[1], test[2]
    cells = []
    for n in KINDS:
        here = lengths.n_frames == n
        p, is_animal = probs[here, 0], y[here] == 0
        bins = np.array_split(np.argsort(p, kind="stable"), 10)
        error = sum(abs(float(p[b].mean() - is_animal[b].mean())) for b in bins) / len(bins)
        called = probs[here, 1] >= DecideConfig().empty
        cells.append(f"{error:8.3f} {called[~is_animal].mean():.3f} {called[is_animal].mean():.3f}")
    odds = np.log(probs[:, 0]) - np.log(probs[:, 1])
    print(f"  {how:10s}" + "".join(cells) + f"{share_gone(odds[y == 1], odds[y == 0]):9.3f}")


if __name__ == "__main__":
    main()
