"""Features of labelled frames, cached on disk, so that another probe of the same footage is fast."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from platformdirs import user_cache_path

from leopardnet.core.errors import BundleError
from leopardnet.core.tables import atomic_path
from leopardnet.network.classifier import Classifier, extract_features
from leopardnet.training.augment.camera_effects import simulate_infrared
from leopardnet.training.frames.labelled_frames import LabelledFrames, read_batch

MOST_SETS = 8  # kept in the cache; the least recently used ones are deleted
BATCH = 32
LOOK_VERSION = 1  # of `simulate_infrared`: raise it when its pictures change


@dataclass(frozen=True, eq=False)
class Features:
    """Features of frames, float32 [N, F], row for row with `table`; NaN where a frame cannot be read.

    copies: float32 [K, N, F], those of K copies of each frame in an infrared look. `skipped`: what could not be
    read. There are no mirrored images: they did not improve probes.
    """

    table: pd.DataFrame
    values: NDArray[np.float32]
    copies: NDArray[np.float32]
    skipped: pd.DataFrame

    def select_readable(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of the rows that have features. Raises BundleError if none has."""
        readable = np.asarray(rows[np.isfinite(self.values[rows]).all(axis=1)], np.int64)
        if len(rows) and not len(readable):
            raise BundleError(
                "the network gives no features that are finite numbers",
                where="model.weights",
                found=f"{len(rows)} frames without features",
                expected="weights of a trained network, and frames that can be read",
                todo="check where the weights came from",
            )
        return readable


def feature_folder(hash_footage: str, model: Classifier, *, n_copies: int, seed: int) -> Path:
    """Return the folder in the user's cache for the features of this footage and its copies under these weights."""
    digest = hashlib.sha256(f"{hash_footage} {model.pooling} {n_copies} {seed} {LOOK_VERSION}".encode())
    for name, tensor in sorted(model.backbone_state().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return user_cache_path("leopardnet") / "features" / digest.hexdigest()[:20]


def read_features(folder: Path) -> Features | None:
    """Return the features in a folder, or None if there are none or they are incomplete."""
    try:
        table, skipped = (pd.read_parquet(folder / f"{name}.parquet") for name in ("table", "skipped"))
        values, copies = (np.load(folder / f"{name}.npy", allow_pickle=False) for name in ("features", "copies"))
    except (OSError, ValueError):
        return None
    if copies.shape[1:] != values.shape or len(table) != len(values):
        return None
    if "colour" not in table.columns:  # which older versions did not note
        return None
    folder.touch()
    return Features(table, values, copies, skipped)


def write_features(features: Features, folder: Path) -> None:
    """Write features to a folder. Errors are ignored: a missing cache only costs time."""
    try:
        for name, values in (("features", features.values), ("copies", features.copies)):
            with atomic_path(folder / f"{name}.npy") as part, part.open("wb") as file:
                np.save(file, values, allow_pickle=False)
        for name in ("table", "skipped"):
            with atomic_path(folder / f"{name}.parquet") as part:
                getattr(features, name).to_parquet(part, index=False)
        by_age = sorted(folder.parent.iterdir(), key=lambda path: path.stat().st_mtime)
        for old in by_age[:-MOST_SETS]:
            shutil.rmtree(old, ignore_errors=True)
    except OSError:
        pass


def compute_features(
    model: Classifier,
    frames: LabelledFrames,
    *,
    rows: NDArray[np.int64],
    on_progress: Callable[[int, int], None],
    n_copies: int = 0,
    seed: int = 0,
) -> Features:
    """Compute the features of these rows of the frames and of copies in an infrared look; those of others are NaN.

    A copy depends on the seed, its number and the row only (see `simulate_infrared`).
    """
    values = np.full((1 + n_copies, len(frames), model.n_features), np.nan, np.float32)
    for start in range(0, len(rows), BATCH):
        chosen = rows[start : start + BATCH]
        pixels, ok, _ = read_batch(frames.exact, chosen)
        if ok.any():
            for i in range(1 + n_copies):
                views = pixels if i == 0 else _copy_in_infrared(pixels, chosen[ok], (seed, i))
                values[i, chosen[ok]] = extract_features(model, views)
        on_progress(min(start + BATCH, len(rows)), len(rows))
    return Features(frames.table, values[0], values[1:], frames.skipped)


def _copy_in_infrared(
    pixels: NDArray[np.uint8], rows: NDArray[np.int64], key: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return the pictures uint8 [N, 3, S, S] of these rows in an infrared look."""
    copies = [
        simulate_infrared(np.ascontiguousarray(picture.transpose(1, 2, 0)), np.random.default_rng([*key, row]))
        for picture, row in zip(pixels, rows.tolist(), strict=True)
    ]
    return np.stack(copies).transpose(0, 3, 1, 2)
