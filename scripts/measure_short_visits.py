"""Measure which rules for joining frames see a short visit on rendered clips, with a trained bundle.

Every clip is rendered twice from the same seed, with an animal and without: nothing but the animal differs. Only 1,
2 or 4 frames from the middle of the visit are put into the twin without the animal. So an animal shows in 1 to 4 of
16 or 64 frames of one place, weather and camera. Rendered footage says nothing about real animals, and a few dozen
clips are no ground to choose a rule by a point or two.

For each rule: the share of empty clips that go while 95 % of those with an animal stay, and the AUROC of presence.
All sites are new to the bundle (--seed). Logits are kept in --out, so the same command continues.

Example: python scripts/measure_short_visits.py --bundle runs/demo/run/bundle --n-frames 16
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from leopardnet.bundle.bundle import Bundle, load_bundle
from leopardnet.core.labels import EMPTY
from leopardnet.core.settings.inference import AggregateConfig, RuntimeConfig
from leopardnet.media.preprocess import to_model_input
from leopardnet.metrics.ranking import auroc
from leopardnet.score.aggregate import aggregate
from leopardnet.synth import FootageSpec, render_clip
from measure_presence import share_gone

FPS = 5.0
FOOTAGE = FootageSpec(width_px=320, height_px=180, stills_per_site=0, fps=FPS, width_fraction=(0.1, 0.4))
SHOWN = (1, 2, 4)
Logits = NDArray[np.float32]


def main() -> None:
    """Render, classify and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bundle", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/short_visits"))
    parser.add_argument("--seed", type=int, default=4000)
    parser.add_argument("--n-frames", type=int, default=16)
    parser.add_argument("--n-sites", type=int, default=12)
    parser.add_argument("--clips-per-site", type=int, default=6)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    bundle = load_bundle(options.bundle)
    spec = replace(
        FOOTAGE,
        seed=options.seed,
        n_sites=options.n_sites,
        clips_per_site=options.clips_per_site,
        duration_s=(options.n_frames / FPS,) * 2,
        labels=tuple(x for x in FOOTAGE.labels if x in bundle.labels.names and x != EMPTY),
    )
    pairs = classify_pairs(spec, bundle, options.out / f"{bundle.id}_{options.n_frames}frames_seed{options.seed}")
    print(f"{len(pairs)} clips with an animal and their twins of {options.n_frames} frames; {bundle!r}")
    print(
        f"  {'':20s}" + "".join(f"{f'{m} of {options.n_frames}':>16s}" for m in SHOWN) + "   (empties gone, AUROC)"
    )
    for name in get_args(AggregateConfig.model_fields["name"].annotation):
        cells = [measure(pairs, m, AggregateConfig.model_validate({"name": name}), bundle) for m in SHOWN]
        print(f"  {name:20s}" + "".join(f"{gone:10.3f} {area:.3f}" for gone, area in cells))


def classify_pairs(spec: FootageSpec, bundle: Bundle, out: Path) -> list[tuple[Logits, Logits]]:
    """Return the logits of frames from the middle of each visit, and of all frames of its empty twin."""
    runtime, pairs = bundle.runtime(RuntimeConfig(threads=1)), []
    out.mkdir(parents=True, exist_ok=True)
    for i_site in range(spec.n_sites):
        for i_clip in range(spec.clips_per_site):
            file = out / f"{i_site}_{i_clip}.npz"
            if not file.exists():
                clip = render_clip(spec, i_site, i_clip)
                visit = np.flatnonzero(np.array(clip.labels) != EMPTY)
                if len(visit) < max(SHOWN):
                    continue  # hidden by a tree, or too far away
                start = (len(visit) - max(SHOWN)) // 2
                shown = clip.pixels[visit[start : start + max(SHOWN)]]
                twin = render_clip(replace(spec, labels=(EMPTY,)), i_site, i_clip).pixels
                x = to_model_input(np.concatenate([shown, twin]), bundle.spec.preprocess)
                np.savez(file, logits=runtime.answers(x).logits)
            logits = np.load(file)["logits"]
            pairs.append((logits[: max(SHOWN)], logits[max(SHOWN) :]))
    return pairs


def measure(
    pairs: list[tuple[Logits, Logits]], n_shown: int, config: AggregateConfig, bundle: Bundle
) -> tuple[float, float]:
    """Return the share of empty clips that go at 95 % recall, and the AUROC of presence."""
    i_empty, multi = bundle.labels.i_empty, bundle.labels.multi

    def odds(frames: Logits) -> float:
        clip = aggregate(frames, config, i_empty=i_empty, multi=multi).astype(np.float64)
        return float(np.logaddexp.reduce(np.delete(clip, i_empty)) - clip[i_empty])

    empty = np.array([odds(twin) for _, twin in pairs])
    shown = np.array([odds(np.concatenate([own[:n_shown], twin[n_shown:]])) for own, twin in pairs])
    is_animal = np.repeat([False, True], len(pairs))
    return share_gone(empty, shown), auroc(np.concatenate([empty, shown]), is_animal)


if __name__ == "__main__":
    main()
