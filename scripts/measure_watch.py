"""Measure how often the watch on a promise is quiet over unshifted seasons, and how soon it sees a planted shift.

Without options, features of clips are simulated: log-odds of animals and leopards as in the worlds of
`measure_promises.py`, energy, likeness, brightness, colour and sharpness with site effects that make up 40 % of
their variance, colour and brightness with a share of night clips that differs by site, and three camera
models. A season has 20 new sites of 30 clips, which come card by card or all sites side by side; it is looked at
after every clip. Shifts are stated in standard deviations of what sites differ by:

    camera     sharpness at every new site
    snow       brightness at every new site, and half as much less likeness; or from the 300th clip on; or at the
               sites of the promise, filmed again
    new place  less likeness at every new site, half as much less energy, and sites differ 1.3 times as much

With `--bundle FOLDER`, a network looks at rendered stills: sites by summer and autumn, and the same kind of sites
with snow, by infrared light alone, and through another camera (darker, tinted, blurred, JPEG of quality 30). With
`--pictures FOLDER --pictures OTHER` it looks at pictures of two sources, tables `images.csv` with path and site:
the sites of one are held against those of the other.

Example: python scripts/measure_watch.py --mode quick
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd

from leopardnet.metrics.guarantees.season_watch import Watch, make_reference, watch_season
from leopardnet.metrics.guarantees.site_numbers import measure_clips
from measure_promises import GAP, WORLDS, World

SEED = 7
N_SITES, PER_SITE, ONSET = 20, 30, 300
BETWEEN = 0.4  # the part of the variance of a feature that sites make up
FEATURES = ("energy", "likeness", "brightness", "colour", "sharpness")
SHIFTS = {
    "camera": {"sharpness": 1.0},
    "snow": {"brightness": 1.0, "likeness": -0.5},
    "snow in mid-season": {"brightness": 1.0, "likeness": -0.5},
    "new place": {"likeness": -1.0, "energy": -0.5},
    "snow at the same sites": {"brightness": 1.0, "likeness": -0.5},
}
MODES = {
    "quick": {"n_quiet": 20, "n_shifted": 10, "n_reference": (8, 30), "sizes": (3.0,)},
    "full": {"n_quiet": 120, "n_shifted": 30, "n_reference": (8, 15, 30, 60), "sizes": (1.5, 3.0, 6.0)},
}


def draw_sites(rng: np.random.Generator, world: World, n: int) -> dict[str, np.ndarray]:
    """Return what n sites are like: effects on features, float64 [n, F], and so on."""
    _, shift, hidden = world.draw_sites(rng, n)
    return {
        "effects": np.sqrt(BETWEEN) * rng.normal(size=(n, len(FEATURES))),
        "shift": shift,
        "hidden": hidden,
        "night": rng.beta(2, 3, n),
        "animals": rng.beta(2, 3, n),
        "camera": rng.choice(3, n, p=[0.6, 0.3, 0.1]),
    }


def draw_clips(
    rng: np.random.Generator, world: World, sites: dict[str, np.ndarray], site: np.ndarray
) -> pd.DataFrame:
    """Return features of clips at these sites, int [M], in their order."""
    n = len(site)
    is_animal = rng.random(n) < sites["animals"][site]
    seen = sites["shift"][site] + np.sqrt(1 - world.rho) * rng.normal(size=n)
    is_hidden = rng.random(n) < sites["hidden"][site]
    z = np.where(is_animal & ~is_hidden, seen, rng.normal(-GAP, 1, n))
    x = sites["effects"][site] + np.sqrt(1 - BETWEEN) * rng.normal(size=(n, len(FEATURES)))
    table = pd.DataFrame(x, columns=list(FEATURES)).assign(animal=z)
    table["leopard"] = np.where(rng.random(n) < 0.2, z, z - GAP)
    night = rng.random(n) < sites["night"][site]
    table["brightness"] -= night
    table["colour"] -= 2.0 * night
    table["sharpness"] += np.array([0.0, 0.7, -0.7])[sites["camera"][site]]
    return table.assign(pixels=np.array([21.0, 20.0, 22.0])[sites["camera"][site]])


def simulate_season(
    world: World, n_reference: int, seed: int, *, shift: str = "", size: float = 0.0, side_by_side: bool = False,
    again: bool = False,
) -> Watch:  # fmt: skip
    """Return the watch of one season with its own promise. again: the sites of the promise, filmed again."""
    rng = np.random.default_rng([SEED, n_reference, seed])
    known = draw_sites(rng, world, n_reference)
    counts = np.maximum(rng.negative_binomial(2, 2 / (2 + 20), n_reference), 1)  # 20 clips a site, gamma weights
    labelled = np.repeat(np.arange(n_reference), counts)
    reference = make_reference(draw_clips(rng, world, known, labelled), _name(labelled))
    new = known if again or "same sites" in shift else draw_sites(rng, world, N_SITES)
    if shift == "new place":
        new["effects"] = 1.3 * new["effects"]
    n_new = len(new["shift"])
    site = np.tile(np.arange(n_new), PER_SITE) if side_by_side else np.repeat(np.arange(n_new), PER_SITE)
    clips = draw_clips(rng, world, new, site)
    is_shifted = np.arange(len(site)) >= (ONSET if shift == "snow in mid-season" else 0)
    for feature, share in SHIFTS.get(shift, {}).items():
        clips[feature] += share * size * np.sqrt(BETWEEN) * is_shifted
    return watch_season(reference, clips, _name(site))


def _name(site: np.ndarray) -> pd.Series[str]:
    return pd.Series([f"s{i:03d}" for i in site], dtype=object)


def show_quiet(mode: dict) -> None:
    """Print the share of unshifted seasons that stayed quiet, by world and number of sites behind the promise."""
    print(f"share of unshifted seasons that are quiet ({mode['n_quiet']} seasons of {N_SITES * PER_SITE} clips)")
    print(f"{'world':30s}" + "".join(f"{f'{k} sites':>10s}" for k in mode["n_reference"]))
    cases = [(name, {}) for name in WORLDS]
    cases += [("normal .2", {"side_by_side": True}), ("normal .2", {"again": True})]
    for name, options in cases:
        cells = []
        for k in mode["n_reference"]:
            found = [simulate_season(WORLDS[name], k, i, **options) for i in range(mode["n_quiet"])]
            cells.append(np.mean([w.alarm is None for w in found]))
        title = f"{name} {', '.join(options).replace('_', ' ')}"
        print(f"{title:30s}" + "".join(f"{x:10.3f}" for x in cells), flush=True)


def show_shifts(mode: dict) -> None:
    """Print the share of shifted seasons with an alarm within 200 clips, and the median number of clips."""
    print(f"\nalarm within 200 clips of the shift / median clips ({mode['n_shifted']} seasons, world normal .2)")
    print(f"{'shift':40s}" + "".join(f"{f'{k} sites':>14s}" for k in mode["n_reference"]))
    for shift, size, side in product(SHIFTS, mode["sizes"], (False, True)):
        cells = []
        for k in mode["n_reference"]:
            found = [
                simulate_season(WORLDS["normal .2"], k, i, shift=shift, size=size, side_by_side=side)
                for i in range(mode["n_shifted"])
            ]
            cells.append(_say_delay(found, ONSET if "mid" in shift else 0))
        order = "side by side" if side else "card by card"
        print(f"{f'{shift} {size:g}, {order}':40s}" + "".join(f"{x:>14s}" for x in cells), flush=True)


def _say_delay(found: list[Watch], onset: int) -> str:
    """Return the share within 200 clips and the median; alarms before the onset are false and count as none."""
    delays = np.array([w.alarm.n_clips - onset if w.alarm else np.inf for w in found], float)
    delays[delays <= 0] = np.inf
    middle = np.median(delays)
    return f"{np.mean(delays <= 200):.2f} / {'never' if np.isinf(middle) else f'{middle:.0f}'}"


# --- answers of a network ---


class Network:
    """A bundle that answers for pictures one by one, without files."""

    def __init__(self, folder: Path) -> None:
        from leopardnet.bundle.bundle import load_bundle
        from leopardnet.core.settings.inference import RuntimeConfig

        self.bundle = load_bundle(folder)
        self.network = self.bundle.runtime(RuntimeConfig(backend="onnxruntime"))
        self.rows: list[dict[str, object]] = []

    def look(self, rgb: np.ndarray, **facts: object) -> None:
        """Keep what the network says of one picture, uint8 RGB [H, W, 3]."""
        from leopardnet.core.columns import LOOKS
        from leopardnet.media.preprocess import measure_pictures, to_model_input
        from leopardnet.score.calibrate import apply_calibration
        from leopardnet.score.familiarity import familiarity

        spec, names = self.bundle.spec, self.bundle.labels.names
        x = to_model_input(rgb[None], spec.preprocess)
        answers = self.network.answers(x)
        probs = apply_calibration(answers.logits, spec.calibration)[0]
        energy, *cosines = familiarity(answers.logits, answers.cosines)[0]
        self.rows.append(
            {
                **facts,
                "clip_id": str(len(self.rows)),
                "energy": energy,
                **{f"p_{x}": p for x, p in zip(names, probs, strict=True)},
                **{f"cos_{x}": c for x, c in zip(names, cosines, strict=True)},
                **{c.name: v for c, v in zip(LOOKS, measure_pictures(x)[0], strict=True)},
            }
        )

    def features(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return features of all pictures, and their facts."""
        table = pd.DataFrame(self.rows)
        probs = table[["clip_id", *(c for c in table if str(c).startswith("p_"))]]
        return measure_clips(probs, table, labels=self.bundle.labels.targets[:1]), table


def render_kinds(network: Network, n_base: int, n_shifted: int, n_clips: int) -> None:
    """Let the network look at rendered stills; sites 3k have summer and autumn, sites 3k + 2 snow in winter."""
    from leopardnet.synth import FootageSpec
    from leopardnet.synth.footage import render_clip
    from leopardnet.synth.plan import plan_site

    size = {"clips_per_site": 0, "stills_per_site": 4 * n_clips, "width_px": 320, "height_px": 180}
    spec = FootageSpec(seed=2026, n_sites=3000, **size)
    infrared = FootageSpec(seed=2026, n_sites=3000, night_share=1.0, **size)

    def render(spec: FootageSpec, i_site: int, *, season: str = "") -> Iterator[np.ndarray]:
        plans = enumerate(plan_site(spec, i_site))
        for i in [i for i, plan in plans if season in ("", plan.season)][:n_clips]:
            yield render_clip(spec, i_site, i).pixels[0]

    for k in range(n_base):
        for rgb in render(spec, 3 * k):
            network.look(rgb, kind="unshifted", site=f"{3 * k}")
            network.look(_film_otherwise(rgb), kind="another camera", site=f"{3 * k}")
    for k in range(n_shifted):
        for rgb in render(infrared, 1500 + 3 * k):
            network.look(rgb, kind="infrared alone", site=f"{1500 + 3 * k}")
        for rgb in render(spec, 1502 + 3 * k, season="winter"):
            network.look(rgb, kind="snow", site=f"{1502 + 3 * k}")


def _film_otherwise(rgb: np.ndarray) -> np.ndarray:
    """Return the picture as another camera would take it."""
    import cv2

    tinted = (rgb / 255.0) ** 1.3 * np.array([1.0, 0.93, 0.85])
    soft = cv2.GaussianBlur((255 * tinted).clip(0, 255).astype(np.uint8), (0, 0), 0.8)
    return cv2.imdecode(cv2.imencode(".jpg", soft, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)


def show_rendered(network: Network, *, n_draws: int, n_reference: tuple[int, ...]) -> None:
    """Print, for each kind of rendered footage, the share of alarms and the median clips until then.

    In each draw the sites of the promise are drawn from the unshifted ones, and at most 12 others are new.
    """
    features, facts = network.features()
    print(
        f"\nrendered stills, bundle {network.bundle.id}, {n_draws} draws of sites: alarm / median clips until then"
    )
    print(f"{'new sites':30s}" + "".join(f"{f'{k} sites':>14s}" for k in n_reference))
    base = facts.loc[facts["kind"] == "unshifted", "site"].unique()
    for kind in facts["kind"].unique():
        cells = []
        for k in n_reference:
            found = []
            for i in range(n_draws):
                rng = np.random.default_rng([SEED, k, i])
                drawn = rng.permutation(base)
                known = facts.index[(facts["kind"] == "unshifted") & facts["site"].isin(drawn[:k])]
                others = facts.loc[facts["kind"] == kind, "site"].unique()
                order = [s for s in rng.permutation(others) if s not in drawn[:k]][:12]
                new = np.concatenate([facts.index[(facts["kind"] == kind) & (facts["site"] == s)] for s in order])
                reference = make_reference(features.loc[known], facts["site"].loc[known])
                found.append(watch_season(reference, features.loc[new], facts["site"].loc[new]))
            share = np.mean([w.alarm is not None for w in found])
            cells.append(f"{share:.2f} / {_say_delay(found, 0).split(' / ')[1]}")
        print(f"{kind:30s}" + "".join(f"{x:>14s}" for x in cells), flush=True)


def show_pictures(network: Network, folders: list[Path]) -> None:
    """Print what the watch says of the sites of each folder, held against those of the other."""
    import cv2

    for folder in folders:
        rows = pd.read_csv(folder / "images.csv", keep_default_na=False)
        for row in rows[(rows["site"] != "") & (rows["camera_trap"].astype(str) == "True")].itertuples():
            rgb = cv2.cvtColor(cv2.imread(str(folder / row.path)), cv2.COLOR_BGR2RGB)
            network.look(rgb, kind=folder.name, site=row.site)
    features, facts = network.features()
    for old, new in ((folders[0].name, folders[1].name), (folders[1].name, folders[0].name)):
        a, b = (facts.index[facts["kind"] == x] for x in (old, new))
        reference = make_reference(features.loc[a], facts["site"].loc[a])
        print(f"{new} held against {old}: {watch_season(reference, features.loc[b], facts['site'].loc[b])}")


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", choices=list(MODES), default="quick")
    parser.add_argument("--bundle", type=Path, help="A network that looks at rendered stills, or at --pictures.")
    parser.add_argument("--pictures", type=Path, action="append", default=[], help="Two folders with images.csv.")
    options = parser.parse_args()
    start, full = time.perf_counter(), options.mode == "full"
    if options.bundle is None:
        show_quiet(MODES[options.mode])
        show_shifts(MODES[options.mode])
    elif options.pictures:
        show_pictures(Network(options.bundle), options.pictures)
    else:
        network = Network(options.bundle)
        render_kinds(network, *((40, 12, 8) if full else (14, 3, 8)))
        show_rendered(network, n_draws=100 if full else 5, n_reference=(8, 15, 25) if full else (8,))
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
