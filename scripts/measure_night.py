"""Compare pictures taken by infrared light with pictures made to look so: simulated from colour, and rendered.

The table gives, for every statistic, the median of real infrared pictures and of each imitation, and how far an
imitation is away: the Wasserstein distance in standard deviations of the real pictures. Cameras count equally,
whatever they filmed. `itself` is the mean distance of halves of the real cameras, the least that can be asked for.
Colour pictures beside them show how far there was to go. Rows with banners, 8 % above and below, are left out;
banners of rendered footage are looked at on the sheet.

    light      mean, spread, black (under 10) and clipped (over 249), in shares of 1; 99th percentile
    fall-off   corners against the centre, and the upper third against the lower third, in stops
    spectrum   share of the power in each octave from 2 cycles per picture on, as a power of ten
    detail     ruggedness (Laplacian against spread) at 256 px and in full
    noise      deviation in flat dark blocks, and how alike neighbouring pixels of it are; JPEG: steps at the
               borders of 8 x 8 blocks; streaks: gradients across against gradients down, in stops
    glints     small spots far brighter than their surroundings (eyes, insects, wet leaves), log2(1 + number)

Tables have the columns path, night_ir, camera_trap, site and sequence_id; paths are relative to the table.

Example: python scripts/measure_night.py --table ../shared/real/images.csv --table ../shared/real2/images.csv

The same with pictures side by side: add --sheet night.png
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from scipy.stats import wasserstein_distance

from leopardnet.demo_job import FOOTAGE
from leopardnet.synth import plan_site, render_clip
from leopardnet.training.augment.camera_effects import simulate_infrared

SIDE_PX = 256  # the input of the model
CUT = 0.08  # of the height, above and below: banners
N_HALVES = 20
SHEET_ROWS, SHEET_COLUMNS, CELL_PX = 2, 8, (192, 144)
FOOTAGE_SEED = 1  # not that of the demo
JPEG = (cv2.IMWRITE_JPEG_QUALITY, 82)

Sample = tuple[str, np.ndarray]  # camera, and a picture uint8 [H, W, 3] RGB


def main() -> None:
    """Measure all sets of pictures, print the table, and draw the sheet if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", type=Path, action="append", required=True, help="pictures; may be repeated")
    parser.add_argument("--sheet", type=Path, help="PNG with examples of every set (default: none)")
    parser.add_argument("--n-sites", type=int, default=30, help="rendered sites (default %(default)s)")
    parser.add_argument("--every", type=int, default=1, help="look at every nth picture only (default %(default)s)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    pictures = pd.concat([list_pictures(path) for path in options.table], ignore_index=True)[:: options.every]
    night = pictures["night"].to_numpy()
    sets: dict[str, Callable[[], Iterator[Sample]]] = {
        "real": lambda: read_pictures(pictures[night]),
        "colour": lambda: read_pictures(pictures[~night]),
        "simulated": lambda: simulate_pictures(pictures[~night]),
        "rendered": lambda: render_nights(options.n_sites),
    }
    measured = {}
    for name, samples in sets.items():
        began = time.perf_counter()
        table = measured[name] = measure_set(samples())
        n_cameras, took_s = table["camera"].nunique(), time.perf_counter() - began
        print(f"{name}: {len(table)} pictures, {n_cameras} cameras, {took_s:.0f} s")
    print(compare_sets(measured).to_string(float_format=lambda v: f"{v:.2f}"))
    if options.sheet:
        draw_sheet([samples() for samples in sets.values()], options.sheet)


# Pictures ---------------------------------------------------------------------------------------------------------


def list_pictures(table: Path) -> pd.DataFrame:
    """Return the camera-trap pictures of a table: file, camera (of its own if unknown), and whether by infrared."""
    if not table.is_file():
        raise SystemExit(f"{table.name}: no such table")
    rows = pd.read_csv(table, dtype=str)
    if missing := {"path", "night_ir", "camera_trap", "site", "sequence_id"} - set(rows):
        raise SystemExit(f"{table.name}: no column {', '.join(sorted(missing))}")
    rows = rows[rows["camera_trap"] == "True"]
    camera = rows["site"].fillna(rows["sequence_id"]).fillna(rows["path"])
    files = [table.parent / path for path in rows["path"]]
    if gone := [path for path, file in zip(rows["path"], files, strict=True) if not file.is_file()]:
        raise SystemExit(f"{table.name}: {len(gone)} of {len(files)} pictures are not beside the table: {gone[0]}")
    return pd.DataFrame({"file": files, "camera": camera, "night": rows["night_ir"] == "True"})


def read_pictures(rows: pd.DataFrame) -> Iterator[Sample]:
    """Yield camera and picture."""
    for file, camera in zip(rows["file"], rows["camera"], strict=True):
        picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if picture is None:
            raise SystemExit(f"{file.name}: not a picture that can be read")
        yield camera, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def simulate_pictures(rows: pd.DataFrame) -> Iterator[Sample]:
    """Yield camera and picture in an infrared look."""
    for i, (camera, picture) in enumerate(read_pictures(rows)):
        yield camera, simulate_infrared(picture, np.random.default_rng(i))


def render_nights(n_sites: int) -> Iterator[Sample]:
    """Yield site and one frame of each night clip of footage like that of the demo, stored like its stills."""
    spec = replace(FOOTAGE, seed=FOOTAGE_SEED, n_sites=n_sites, duration_s=(0.1, 0.1))
    for i_site in range(n_sites):
        for i_clip, plan in enumerate(plan_site(spec, i_site)):
            if plan.night:
                frame = render_clip(spec, i_site, i_clip).pixels[0]
                yield plan.site, cv2.imdecode(cv2.imencode(".jpg", frame, JPEG)[1], cv2.IMREAD_COLOR)


# Statistics -------------------------------------------------------------------------------------------------------


def measure_set(samples: Iterable[Sample]) -> pd.DataFrame:
    """Return the statistics of every picture, and its camera."""
    return pd.DataFrame([{"camera": camera} | measure_picture(picture) for camera, picture in samples])


def measure_picture(picture: np.ndarray) -> dict[str, float]:
    """Return all statistics of a picture, uint8 [H, W, 3]."""
    cut = round(CUT * len(picture))
    full = cv2.cvtColor(picture[cut : len(picture) - cut], cv2.COLOR_RGB2GRAY)
    small = cv2.resize(full, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    return measure_light(small) | measure_spectrum(small) | measure_noise(full) | {"glints": count_glints(small)}


def measure_light(grey: np.ndarray) -> dict[str, float]:
    """Return brightness and fall-off of a square picture, uint8 [S, S]."""
    y, x = np.mgrid[-1 : 1 : SIDE_PX * 1j, -1 : 1 : SIDE_PX * 1j]
    radius = np.hypot(y, x)
    third = SIDE_PX // 3
    return {
        "mean": float(grey.mean()) / 255,
        "spread": float(grey.std()) / 255,
        "black": float((grey < 10).mean()),
        "clipped": float((grey > 249).mean()),
        "99th percentile": float(np.percentile(grey, 99)) / 255,
        "corners, stops": _stops(grey[radius > 1.1], grey[radius < 0.5]),
        "far, stops": _stops(grey[:third], grey[-third:]),
    }


def measure_spectrum(grey: np.ndarray) -> dict[str, float]:
    """Return the shares of octaves in the power of a square picture, and its ruggedness."""
    window = np.hanning(SIDE_PX)
    power = np.abs(np.fft.rfft2((grey - grey.mean()) * window * window[:, None])) ** 2
    cycles = np.hypot(np.fft.fftfreq(SIDE_PX, 1 / SIDE_PX)[:, None], np.fft.rfftfreq(SIDE_PX, 1 / SIDE_PX))
    octave = np.floor(np.log2(np.maximum(cycles, 0.5))).astype(int)
    total = power[(octave >= 1) & (octave <= 6)].sum() + 1e-9
    shares = {f"{2**k} to {2 ** (k + 1)} cycles": np.log10(power[octave == k].sum() / total) for k in range(1, 7)}
    return shares | {"rugged at 256 px": rate_ruggedness(grey)}


def measure_noise(grey: np.ndarray) -> dict[str, float]:
    """Return detail, noise, block borders and streaks of a picture in full size, uint8 [H, W]."""
    height, width = (n - n % 8 for n in grey.shape)
    values = grey[:height, :width].astype(np.float32)
    blocks = values.reshape(height // 8, 8, width // 8, 8).swapaxes(1, 2).reshape(-1, 8, 8)
    level = blocks.mean(axis=(1, 2))
    dark = blocks[(level > 2) & (level <= max(np.median(level), 8))]
    ramp = np.linspace(-1, 1, 8, dtype=np.float32)
    rest = dark - dark.mean(axis=(1, 2), keepdims=True)
    for axis in (ramp[None, :, None], ramp[None, None, :]):  # slopes are not noise
        rest = rest - (rest * axis).sum(axis=(1, 2), keepdims=True) / (axis**2 * np.ones((1, 8, 8))).sum() * axis
    deviation = rest.std(axis=(1, 2))
    flat = rest[deviation <= np.percentile(deviation, 20)] if len(rest) else np.zeros((1, 8, 8), np.float32)
    alike = (flat[:, :, 1:] * flat[:, :, :-1]).mean() / ((flat**2).mean() + 1e-3)
    across, down = np.abs(np.diff(values, axis=1)), np.abs(np.diff(values, axis=0))
    steps = across.mean(axis=0)
    borders = steps[7::8].mean() / (np.delete(steps, np.s_[7::8]).mean() + 1e-3)
    return {
        "rugged in full": rate_ruggedness(grey),
        "noise": float(flat.std()),
        "noise alike": float(alike),
        "JPEG": float(borders),
        "streaks, stops": _stops(across, down),
    }


def rate_ruggedness(grey: np.ndarray) -> float:
    """Return the deviation of the Laplacian against that of the picture, as a power of ten."""
    return float(np.log10((cv2.Laplacian(grey, cv2.CV_32F).std() + 0.1) / (grey.std() + 0.1)))


def count_glints(grey: np.ndarray) -> float:
    """Return log2(1 + number of small bright spots), up to 7 px wide and 80 of 255 brighter than around them."""
    above = cv2.morphologyEx(grey, cv2.MORPH_TOPHAT, np.ones((9, 9), np.uint8))
    n, _, stats, _ = cv2.connectedComponentsWithStats((above > 80).astype(np.uint8))
    small = (stats[1:, 2:4] <= 7).all(axis=1) & (stats[1:, 2:4].min(axis=1) >= 2)
    return float(np.log2(1 + small.sum())) if n > 1 else 0.0


def _stops(part: np.ndarray, other: np.ndarray) -> float:
    return float(np.log2((part.mean() + 2) / (other.mean() + 2)))


# Comparison -------------------------------------------------------------------------------------------------------


def compare_sets(measured: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the medians of every set, and distances from the first: one row per statistic, and their mean."""
    real = measured["real"]
    names = [name for name in real.columns if name != "camera"]
    rows = {}
    for name in names:
        row = {kind: float(np.median(table.groupby("camera")[name].mean())) for kind, table in measured.items()}
        scale = float(real[name].std())
        row["itself"] = float(np.mean([find_distance(*halves, name) for halves in split_cameras(real)])) / scale
        row |= {
            f"{kind} off": find_distance(real, table, name) / scale for kind, table in list(measured.items())[1:]
        }
        rows[name] = row
    table = pd.DataFrame(rows).T
    off = [column for column in table if column == "itself" or column.endswith("off")]
    table.loc["mean of distances", off] = table[off].mean()
    return table


def find_distance(a: pd.DataFrame, b: pd.DataFrame, name: str) -> float:
    """Return the Wasserstein distance between two sets in one statistic; cameras count equally."""
    weights = [1.0 / t.groupby("camera")["camera"].transform("size") for t in (a, b)]
    return float(wasserstein_distance(a[name], b[name], *weights))


def split_cameras(table: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """Yield random halves of the cameras."""
    cameras = table["camera"].unique()
    for seed in range(N_HALVES):
        half = np.random.default_rng(seed).permutation(cameras)[: len(cameras) // 2]
        inside = table["camera"].isin(half)
        yield table[inside], table[~inside]


def draw_sheet(sets: list[Iterator[Sample]], out: Path) -> None:
    """Write two rows of pictures of each set, of as many cameras as there are."""
    rows = []
    for samples in sets:
        first = {camera: cv2.resize(p, CELL_PX, interpolation=cv2.INTER_AREA) for camera, p in samples}
        n = SHEET_ROWS * SHEET_COLUMNS
        chosen = np.linspace(0, len(first) - 1, n).round().astype(int)
        cells = [list(first.values())[i] for i in chosen]
        rows += [np.hstack(cells[i : i + SHEET_COLUMNS]) for i in range(0, n, SHEET_COLUMNS)]
        rows.append(np.full((6, rows[0].shape[1], 3), 255, np.uint8))
    cv2.imwrite(str(out), cv2.cvtColor(np.vstack(rows[:-1]), cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()
