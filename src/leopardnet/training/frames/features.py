"""Features of labelled frames: computed once for all parts of a run, and kept for the runs that follow."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.errors import BundleError
from leopardnet.network.classifier import Classifier, extract_features
from leopardnet.training.augment.camera_effects import simulate_infrared
from leopardnet.training.frames.frame_cache import FrameCache
from leopardnet.training.frames.labelled_frames import ClipPart, LabelledFrames, read_batch

BATCH = 32
LOOK_VERSION = 1  # of `simulate_infrared`: raise it when its pictures change

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Features:
    """Features of some frames, float32 [M, F]; NaN where a frame cannot be read.

    rows: int64 [M], which frames, in ascending order. copies: float32 [K, M, F], those of K copies of each frame in
    an infrared look. n_reused: of the M, those that were not computed now. There are no mirrored images: they did
    not improve probes.
    """

    rows: Rows
    values: NDArray[np.float32]
    copies: NDArray[np.float32]
    n_reused: int = 0

    def covers(self, rows: Rows) -> bool:
        """Return whether all these frames are among those of the features."""
        return bool(np.isin(rows, self.rows).all())

    def find(self, rows: Rows) -> Rows:
        """Return where these frames are in `values`, int64."""
        return np.asarray(np.searchsorted(self.rows, rows), np.int64)

    def select_readable(self, rows: Rows) -> Rows:
        """Return those of the frames that have features. Raises BundleError if none has."""
        readable = np.asarray(rows[np.isfinite(self.values[self.find(rows)]).all(axis=1)], np.int64)
        if len(rows) and not len(readable):
            raise BundleError(
                "the network gives no features that are finite numbers",
                where="model.weights",
                found=f"{len(rows)} frames without features",
                expected="weights of a trained network, and frames that can be read",
                todo="check where the weights came from",
            )
        return readable


def hash_backbone(model: Classifier) -> str:
    """Return a hash of all below the head of a network, which determines features."""
    digest = hashlib.sha256(model.pooling.encode())
    for name, tensor in sorted(model.backbone_state().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def compute_features(
    model: Classifier,
    frames: LabelledFrames,
    *,
    rows: Rows,
    on_progress: Callable[[int, int], None],
    n_copies: int = 0,
    seed: int = 0,
    cache: FrameCache | None = None,
) -> Features:
    """Return the features of these rows of the frames, each once, and of copies in an infrared look.

    A copy depends on the seed, its number and the row only (see `simulate_infrared`). cache: where features of
    whole clips are looked for first, and kept. `on_progress(n_done, n_all)` is called as frames are computed.
    """
    rows = np.unique(rows)
    store = _FeatureStore(cache, frames.parts, hash_backbone(model) if cache else "", n_copies, seed)
    values = np.full((1 + n_copies, len(rows), model.n_features), np.nan, np.float32)
    known = store.read(rows, values)
    todo = np.flatnonzero(~known)
    for start in range(0, len(todo), BATCH):
        at = todo[start : start + BATCH]
        pixels, ok, _ = read_batch(frames.exact, rows[at])
        if ok.any():
            for i in range(1 + n_copies):
                views = pixels if i == 0 else _copy_in_infrared(pixels, rows[at][ok], (seed, i))
                values[i, at[ok]] = extract_features(model, views)
        on_progress(min(start + BATCH, len(todo)), len(todo))
        store.write(rows, values, upto=int(at[-1]) + 1)
    return Features(rows, values[0], values[1:], int(known.sum()))


class _FeatureStore:
    """The features of the clips of a run in the cache; those of copies also depend on the first row of the clip."""

    def __init__(
        self, cache: FrameCache | None, parts: tuple[ClipPart, ...], backbone: str, n_copies: int, seed: int
    ) -> None:
        self._cache, self._parts = cache, parts if cache else ()
        self._words, self._n_copies = (backbone, seed, n_copies, LOOK_VERSION), n_copies
        self._pending: list[ClipPart] = []

    def read(self, rows: Rows, values: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Fill in what is known of clips that are whole among the rows; return which rows that are, bool [M]."""
        known = np.zeros(len(rows), bool)
        for part in self._parts:
            at, stop = np.searchsorted(rows, [part.start, part.stop])
            if stop - at != part.stop - part.start:
                continue
            found = self._read(part, values[:, at:stop].shape)
            if found is None:
                self._pending.append(part)
            else:
                values[:, at:stop], known[at:stop] = found, True
        return known

    def write(self, rows: Rows, values: NDArray[np.float32], *, upto: int) -> None:
        """Keep the clips whose rows, below position `upto`, are all computed."""
        while self._pending and self._pending[0].stop <= rows[upto - 1] + 1:
            part = self._pending.pop(0)
            at, stop = np.searchsorted(rows, [part.start, part.stop])
            if self._cache is not None and np.isfinite(values[:, at:stop]).all():
                self._cache.write_features(self._name(part), {"values": values[:, at:stop]})

    def _read(self, part: ClipPart, shape: tuple[int, ...]) -> NDArray[np.float32] | None:
        found = self._cache.read_features(self._name(part)).get("values") if self._cache else None
        return found if found is not None and found.shape == shape and found.dtype == np.float32 else None

    def _name(self, part: ClipPart) -> str:
        first = part.start if self._n_copies else 0
        return hashlib.sha256(f"{part.key} {self._words} {first}".encode()).hexdigest()[:32]


def _copy_in_infrared(pixels: NDArray[np.uint8], rows: Rows, key: tuple[int, int]) -> NDArray[np.uint8]:
    """Return the pictures uint8 [N, 3, S, S] of these rows in an infrared look."""
    copies = [
        simulate_infrared(np.ascontiguousarray(picture.transpose(1, 2, 0)), np.random.default_rng([*key, row]))
        for picture, row in zip(pixels, rows.tolist(), strict=True)
    ]
    return np.stack(copies).transpose(0, 3, 1, 2)
