"""Labelled frames for training: which rows are used, their pixels, and batches that do not depend on workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from leopardnet.core.config import MotionSampling, PreprocessSpec, Sampling
from leopardnet.core.labels import LabelSet
from leopardnet.core.manifest import Manifest
from leopardnet.core.types import Clip, Frames, ManifestError, MediaError
from leopardnet.learn.augment import Augment
from leopardnet.media.motion import kept
from leopardnet.media.preprocess import decode_side_px, to_model_input
from leopardnet.media.sampling import sample_times
from leopardnet.media.video import decode, frame_times, probe

MAX_SHIFT_S = 0.5  # a label further from every frame than this belongs to a moment that is not in the file
Wanted = list[tuple[Clip, pd.DataFrame]]


@dataclass(frozen=True, eq=False)
class LabelledFrames:
    """Pixels of labelled frames and where they come from, row for row.

    pixels: uint8 [N, 3, R, R] (a file-backed array); table: clip_id, path, site, time_s, label, i_label;
    skipped: path, time_s, reason of what could not be read.
    """

    pixels: NDArray[np.uint8]
    table: pd.DataFrame
    skipped: pd.DataFrame

    def __len__(self) -> int:
        return len(self.table)

    @property
    def y(self) -> NDArray[np.int64]:
        """Class indices int64 [N]."""
        return self.table["i_label"].to_numpy(np.int64)

    def __repr__(self) -> str:
        counts = ", ".join(f"{k} {v}" for k, v in self.table["label"].value_counts().items())
        return f"LabelledFrames(uint8{list(self.pixels.shape)}; {counts}; {len(self.skipped)} skipped)"


def wanted_frames(
    manifest: Manifest, labels: LabelSet, *, max_frames_per_clip: int, max_stills_per_sequence: int | None = None
) -> Wanted:
    """For each clip its labelled frames: a table of time_s or frame_number and label; without either, the whole clip.

    Labelled frames of a video replace the label of the whole video. Rows without a label are not used. Raises
    ManifestError for labels that the set lacks, with their counts.
    """
    table = manifest.table[manifest.table["label"].notna()]
    unknown = table.loc[~table["label"].isin(labels.names), "label"].value_counts()
    if len(unknown):
        raise ManifestError(
            "the manifest has labels that the label set lacks",
            found=", ".join(f"{name} ({n} rows)" for name, n in unknown.items()),
            expected="one of " + ", ".join(labels.names),
            todo="choose another label set (labels=…), or map them with `leopardnet import --label-map`",
        )
    if max_stills_per_sequence:
        table = _thinned(table, max_stills_per_sequence)
    clips = {clip.clip_id: clip for clip in Manifest(table, manifest.root).clips()}
    wanted = []
    for clip_id, rows in table.groupby("clip_id", sort=False):
        frames = rows[rows["kind"] == "frame"]
        chosen = frames if len(frames) else rows[:1]
        if len(frames) and (frames["time_s"].isna() & frames["frame_number"].isna()).any():
            raise ManifestError(
                "a labelled frame says neither when nor which", where=str(frames["path"].iloc[0]),
                found="no time_s and no frame_number", expected="one of them in every row of kind frame",
            )  # fmt: skip
        if len(chosen) > max_frames_per_clip:
            chosen = chosen.iloc[np.linspace(0, len(chosen) - 1, max_frames_per_clip).round().astype(int)]
        wanted.append((clips[str(clip_id)], chosen[["time_s", "frame_number", "label"]]))
    return wanted


def _thinned(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """The rows without all but `most` stills of each sequence and label, spread evenly over it."""
    stills = table[(table["kind"] == "still") & table["sequence_id"].notna()]
    groups = stills.groupby(["sequence_id", "label"], sort=False)
    n, i = groups["path"].transform("size"), groups.cumcount()
    superfluous = (i * most) // n == ((i - 1) * most) // n
    return table.drop(index=superfluous.index[superfluous & (n > most)])


def load_frames(
    wanted: Wanted,
    root: Path,
    *,
    labels: LabelSet,
    spec: PreprocessSpec,
    sampling: Sampling,
    max_frames_per_clip: int,
    cache: Path,
    n_workers: int = 2,
    on_progress: Callable[[int, int], None] | None = None,
) -> LabelledFrames:
    """The wanted frames at `spec.size_px`, decoded once into a file at `cache`. See `wanted_frames`.

    What cannot be read is listed in `skipped`; nothing is ever put in its place.
    """
    size = spec.size_px
    side = decode_side_px(spec)

    def load(
        job: tuple[Clip, pd.DataFrame],
    ) -> tuple[Clip, pd.DataFrame | None, NDArray[np.uint8] | None, list[str]]:
        clip, rows = job
        try:
            frames, found, missing = _decoded(clip, root, rows, sampling, max_frames_per_clip, side)
        except MediaError as error:
            return clip, None, None, [error.one_line]
        return clip, found, to_model_input(frames.pixels, spec), missing

    rows: list[pd.DataFrame] = []
    skipped: list[dict[str, object]] = []
    cache.parent.mkdir(parents=True, exist_ok=True)
    n_loaded = 0
    with cache.open("wb") as file, ThreadPoolExecutor(max(1, n_workers)) as pool:
        for i, (clip, found, pixels, reasons) in enumerate(pool.map(load, wanted)):
            skipped += [{"path": clip.path, "reason": reason} for reason in reasons]
            if found is not None and pixels is not None:
                file.write(pixels.tobytes())
                n_loaded += len(pixels)
                rows.append(found.assign(clip_id=clip.clip_id, path=clip.path, site=clip.site))
            if on_progress:
                on_progress(i + 1, len(wanted))
    columns = ["clip_id", "path", "site", "time_s", "label"]
    table = pd.concat(rows, ignore_index=True)[columns] if rows else pd.DataFrame(columns=columns)
    table["i_label"] = [labels.index(name) for name in table["label"]]
    shape = (n_loaded, 3, size, size)
    pixels_on_disk = (
        np.memmap(cache, np.uint8, "r", shape=shape) if n_loaded else np.zeros((0, 3, size, size), np.uint8)
    )
    return LabelledFrames(pixels_on_disk, table, pd.DataFrame(skipped, columns=["path", "reason"]))


def _decoded(
    clip: Clip, root: Path, rows: pd.DataFrame, sampling: Sampling, most: int, side_px: int
) -> tuple[Frames, pd.DataFrame, list[str]]:
    """Frames, their table of time_s and label, row for row, and the labelled moments that have no frame."""
    if rows["time_s"].isna().all() and rows["frame_number"].isna().all():  # a label of the whole clip
        times = sample_times(probe(clip, root), sampling)
        if not isinstance(sampling, MotionSampling):  # which looks at more frames than it keeps
            times = times[_spread(len(times), most)]
        frames = kept(decode(clip, root, times_s=times, short_side_px=side_px), sampling)
        few = _spread(len(frames), most)
        frames = Frames(frames.clip_id, frames.pixels[few], frames.times_s[few], frames.warnings)
        return frames, pd.DataFrame({"time_s": frames.times_s, "label": rows["label"].iloc[0]}), []
    wanted = _labelled_times(clip, root, rows)  # in the order of the rows
    there = np.isfinite(wanted)
    frames = decode(clip, root, times_s=np.unique(wanted[there]), short_side_px=side_px)
    apart = np.abs(wanted[:, None] - frames.times_s[None, :])
    nearest = np.where(there[:, None], apart, np.inf).argmin(axis=1)
    close = there & (apart[np.arange(len(rows)), nearest] <= MAX_SHIFT_S)
    missing = [
        f"no frame within {MAX_SHIFT_S} s of the label '{rows['label'].iloc[i]}'" for i in np.flatnonzero(~close)
    ]
    chosen = (
        pd.DataFrame({"i": nearest[close], "label": rows["label"].to_numpy()[close]})
        .drop_duplicates("i")
        .sort_values("i")
    )
    i = chosen["i"].to_numpy()
    frames = Frames(frames.clip_id, frames.pixels[i], frames.times_s[i], frames.warnings)
    return frames, pd.DataFrame({"time_s": frames.times_s, "label": chosen["label"].to_numpy()}), missing


def _spread(n: int, most: int) -> NDArray[np.int64]:
    """Positions of at most `most` of n things, spread evenly."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).round().astype(np.int64)


def _labelled_times(clip: Clip, root: Path, rows: pd.DataFrame) -> NDArray[np.float64]:
    """The time of each labelled frame, from its seconds or else its number; NaN where no frame has that number."""
    times = rows["time_s"].to_numpy(np.float64).copy()
    numbers = rows["frame_number"].astype("float64").to_numpy()
    by_number = np.isnan(times) & np.isfinite(numbers)
    if by_number.any():
        known = frame_times(clip, root)
        inside = by_number & (np.nan_to_num(numbers) < len(known))
        times[inside] = known[numbers[inside].astype(int)]
    return times


def epoch_order(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order of n items in an epoch: a function of (seed, epoch) alone.

    >>> sorted(epoch_order(4, seed=7, epoch=0).tolist()), bool((epoch_order(9, 7, 1) == epoch_order(9, 7, 1)).all())
    ([0, 1, 2, 3], True)
    """
    return np.random.default_rng(np.random.SeedSequence((seed, epoch))).permutation(n)


def batches(
    frames: LabelledFrames, augment: Augment, *, seed: int, epoch: int, batch_size: int, n_workers: int
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Augmented batches of one epoch: uint8 [B, 3, S, S] and class indices int64 [B].

    Threads prepare the next batches (OpenCV works outside the interpreter's lock); their number changes nothing.
    """
    order, y = epoch_order(len(frames), seed, epoch), frames.y

    def make(indices: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
        pipeline = augment.copy()  # its random state is its own, so threads cannot mix draws
        images = [pipeline(frames.pixels[i].transpose(1, 2, 0), epoch=epoch, index=int(i)) for i in indices]
        return torch.from_numpy(np.stack(images).transpose(0, 3, 1, 2).copy()), torch.from_numpy(y[indices])

    parts = [order[i : i + batch_size] for i in range(0, len(order), batch_size)]
    with ThreadPoolExecutor(max(1, n_workers)) as pool:
        ahead = max(1, n_workers) * 2
        futures = [pool.submit(make, part) for part in parts[:ahead]]
        for i in range(len(parts)):
            yield futures[i].result()
            futures[i] = None  # type: ignore[call-overload]
            if i + ahead < len(parts):
                futures.append(pool.submit(make, parts[i + ahead]))
