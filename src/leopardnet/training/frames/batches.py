"""Batches of training frames, which depend on seed, epoch and position only, not on workers or processes.

A step uses `batch_size` frames. They go through the network in micro-batches, which are the unit of randomness and
of distribution: each of n processes takes every n-th micro-batch of a step, and the sum of their gradients is that
of a single process.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from leopardnet.core.settings.training import DataConfig, OptimConfig
from leopardnet.training.augment.pipeline import Augmenter
from leopardnet.training.frames.labelled_frames import LabelledFrames, read_batch
from leopardnet.training.frames.shard_order import gather_shards


@dataclass(frozen=True, eq=False)
class MicroBatch:
    """Augmented frames for one forward pass.

    x: uint8 [n, 3, S, S]; y: int64 [n], or of independent labels bool [n, C]; i_step, i_part: the step, and the
    part of it; n_in_step: planned frames of the whole step, the divisor of its loss; is_last: whether this is the
    last part of the step in this process; prepare_s: seconds to make it, in its thread; failed: rows that could not
    be read, and why.
    """

    x: torch.Tensor
    y: torch.Tensor
    i_step: int
    i_part: int
    n_in_step: int
    is_last: bool
    prepare_s: float
    failed: tuple[tuple[int, str], ...] = ()


def draw_epoch_order(
    n: int,
    seed: int,
    epoch: int,
    *,
    weights: NDArray[np.float64] | None = None,
    i_shard: NDArray[np.int32] | None = None,
) -> NDArray[np.int64]:
    """Return the order of n items in an epoch, int64 [n]; with weights, n draws with replacement.

    i_shard: the shard of each item, int32 [n]; see `gather_shards`. The order depends on the arguments only.
    Weights are rounded, so that no draw depends on the last bits of a float.

    >>> sorted(draw_epoch_order(4, seed=7, epoch=0).tolist())
    [0, 1, 2, 3]
    >>> draw_epoch_order(5, 7, 0, weights=np.array([0, 0, 1.0, 0, 0])).tolist()
    [2, 2, 2, 2, 2]
    """
    rng = np.random.default_rng(np.random.SeedSequence((seed, epoch)))
    if weights is None:
        order = rng.permutation(n)
    else:
        shares = (weights / weights.sum()).round(12)
        order = rng.choice(n, n, p=shares / shares.sum())
    return order if i_shard is None else gather_shards(order, i_shard, rng)


def compute_sampling_weights(table: pd.DataFrame, config: DataConfig) -> NDArray[np.float64] | None:
    """Return how often each row should be drawn, float64 [N] with sum 1; None if every row is drawn once.

    With `balance_labels` 1 all labels are drawn equally often, with 0.5 in proportion to the square root of their
    counts; the same for sites. A row without a site has the average weight.

    >>> table = pd.DataFrame({"label": ["empty", "empty", "empty", "leopard"], "site": ["a", "a", "b", "b"]})
    >>> balanced = load_group("data", "standard").model_copy(update={"balance_labels": 1.0})
    >>> compute_sampling_weights(table, balanced).round(3).tolist()
    [0.167, 0.167, 0.167, 0.5]
    """
    if not config.balance_labels and not config.balance_sites:
        return None
    weights = np.ones(len(table))
    for column, balance in (("label", config.balance_labels), ("site", config.balance_sites)):
        counts = table[column].map(table[column].value_counts()).to_numpy(np.float64)
        factor = counts**-balance
        weights *= np.where(np.isfinite(factor), factor, np.nanmean(factor) if np.isfinite(factor).any() else 1.0)
    return np.asarray(weights / weights.sum(), np.float64)


def count_steps(n_rows: int, optim: OptimConfig) -> int:
    """Return the number of steps of an epoch."""
    return min(math.ceil(n_rows / optim.batch_size), optim.steps_per_epoch or 10**9)


def make_micro_batches(
    frames: LabelledFrames,
    rows: NDArray[np.int64],
    augment: Augmenter,
    *,
    optim: OptimConfig,
    data: DataConfig,
    seed: int,
    epoch: int,
    first_step: int = 0,
    rank: int = 0,
    n_ranks: int = 1,
    n_workers: int = 2,
    truth: NDArray[np.int64] | NDArray[np.bool_] | None = None,
) -> Iterator[MicroBatch]:
    """Yield the micro-batches of one process in one epoch, from `first_step` on.

    truth: what each frame of `frames` shows, int64 [N] or bool [N, C]; by default its class.

    Threads prepare the next ones (OpenCV releases the interpreter's lock); their number changes no result.
    A process without a part in a small last step gets an empty micro-batch, so that all processes make the same
    steps.
    """
    weights, shards = compute_sampling_weights(frames.table.iloc[rows], data), frames.shards
    i_shard = shards.i_shard[rows] if shards else None
    order = rows[draw_epoch_order(len(rows), seed, epoch, weights=weights, i_shard=i_shard)]
    size, part_size = optim.batch_size, optim.micro_batch_size
    jobs: list[tuple[int, int, int, int, int, bool]] = []  # step, part, start, stop, frames in the step, last
    for i_step in range(first_step, count_steps(len(rows), optim)):
        start, stop = i_step * size, min((i_step + 1) * size, len(order))
        parts = list(enumerate(range(start, stop, part_size)))[rank::n_ranks] or [(-1, stop)]
        for k, (i_part, at) in enumerate(parts):
            end = min(at + part_size, stop)
            jobs.append((i_step, i_part, at, end, stop - start, k == len(parts) - 1))

    boxes, y = frames.table["box"].to_numpy(object), frames.y if truth is None else truth

    def make(i_step: int, i_part: int, start: int, stop: int, n_in_step: int, is_last: bool) -> MicroBatch:
        began = time.perf_counter()
        chosen = order[start:stop]
        if shards:
            shards.expect(chosen)
        pixels, ok, reasons = read_batch(frames.large, chosen)
        pipeline = augment.copy()  # with a random state of its own, which threads cannot share
        images = [
            pipeline(picture.transpose(1, 2, 0), epoch=epoch, index=int(position), box=_read_box(boxes[i], picture))
            for picture, i, position in zip(pixels, chosen[ok], np.arange(start, stop)[ok], strict=True)
        ]
        none = np.zeros((0, augment.size_px, augment.size_px, 3), np.uint8)
        x = (np.stack(images) if images else none).transpose(0, 3, 1, 2)
        failed = tuple(zip(chosen[~ok].tolist(), reasons, strict=True))
        return MicroBatch(
            torch.from_numpy(np.ascontiguousarray(x)),
            torch.from_numpy(y[chosen[ok]]),
            i_step,
            i_part,
            n_in_step,
            is_last,
            time.perf_counter() - began,
            failed,
        )

    with ThreadPoolExecutor(max(1, n_workers), initializer=cv2.setNumThreads, initargs=(1,)) as pool:
        ahead = max(1, n_workers) * 2
        futures = [pool.submit(make, *job) for job in jobs[:ahead]]
        for i in range(len(jobs)):
            yield futures[i].result()
            futures[i] = None  # type: ignore[call-overload]
            if i + ahead < len(jobs):
                futures.append(pool.submit(make, *jobs[i + ahead]))


def _read_box(text: object, picture: NDArray[np.uint8]) -> list[float] | None:
    """Return the box in pixels of the picture [3, H, W], from JSON in shares of its sides."""
    if not isinstance(text, str):
        return None
    height, width = picture.shape[1:]
    return [share * side for share, side in zip(json.loads(text), (width, height, width, height), strict=True)]
