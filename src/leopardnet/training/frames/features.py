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

from leopardnet.core.tables import atomic_path
from leopardnet.network.classifier import Classifier, extract_features
from leopardnet.training.frames.labelled_frames import LabelledFrames, read_batch

MOST_SETS = 8  # kept in the cache; the least recently used ones are deleted
BATCH = 32


@dataclass(frozen=True, eq=False)
class Features:
    """Features of frames, float32 [N, F], row for row with `table`; NaN where a frame cannot be read.

    `skipped`: what could not be read. There are no mirrored images: they did not improve probes.
    """

    table: pd.DataFrame
    values: NDArray[np.float32]
    skipped: pd.DataFrame

    def select_readable(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return those of the rows that have features."""
        return np.asarray(rows[np.isfinite(self.values[rows, 0])], np.int64)


def feature_folder(hash_footage: str, model: Classifier) -> Path:
    """Return the folder in the user's cache for the features of this footage under these weights."""
    digest = hashlib.sha256(f"{hash_footage} {model.pooling}".encode())
    for name, tensor in sorted(model.backbone_state().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return user_cache_path("leopardnet") / "features" / digest.hexdigest()[:20]


def read_features(folder: Path) -> Features | None:
    """Return the features in a folder, or None if there are none or they are incomplete."""
    try:
        table, skipped = (pd.read_parquet(folder / f"{name}.parquet") for name in ("table", "skipped"))
        values = np.load(folder / "features.npy", allow_pickle=False)
    except (OSError, ValueError):
        return None
    if len(table) != len(values) or "colour" not in table.columns:  # which older versions did not note
        return None
    folder.touch()
    return Features(table, values, skipped)


def write_features(features: Features, folder: Path) -> None:
    """Write features to a folder. Errors are ignored: a missing cache only costs time."""
    try:
        with atomic_path(folder / "features.npy") as part, part.open("wb") as file:
            np.save(file, features.values, allow_pickle=False)
        for name in ("table", "skipped"):
            with atomic_path(folder / f"{name}.parquet") as part:
                getattr(features, name).to_parquet(part, index=False)
        by_age = sorted(folder.parent.iterdir(), key=lambda path: path.stat().st_mtime)
        for old in by_age[:-MOST_SETS]:
            shutil.rmtree(old, ignore_errors=True)
    except OSError:
        pass


def compute_features(
    model: Classifier, frames: LabelledFrames, *, rows: NDArray[np.int64], on_progress: Callable[[int, int], None]
) -> Features:
    """Compute the features of these rows of the frames; those of the others are NaN."""
    values = np.full((len(frames), model.n_features), np.nan, np.float32)
    for start in range(0, len(rows), BATCH):
        chosen = rows[start : start + BATCH]
        pixels, ok, _ = read_batch(frames.exact, chosen)
        if ok.any():
            values[chosen[ok]] = extract_features(model, pixels)
        on_progress(min(start + BATCH, len(rows)), len(rows))
    return Features(frames.table, values, frames.skipped)
