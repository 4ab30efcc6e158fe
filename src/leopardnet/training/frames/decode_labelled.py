"""The frames of a clip that its labels refer to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.errors import MediaError
from leopardnet.core.settings.inference import MotionSampling, Sampling
from leopardnet.core.types import Clip, Frames
from leopardnet.media.decode import decode, probe, read_frame_times
from leopardnet.media.motion_scores import select_frames
from leopardnet.media.sampling import sample_times

MAX_SHIFT_S = 0.5  # a label further from every frame than this has no frame in the file


def decode_rows(
    clip: Clip, root: Path, rows: pd.DataFrame, sampling: Sampling, most: int, side_px: int
) -> tuple[Frames, pd.DataFrame, list[str]]:
    """Return the labelled frames of one clip, a row for each with its true time, and messages about missing frames.

    A row without a time is a label of the whole clip and gives at most `most` sampled frames.
    """
    if _is_whole(rows):
        times = sample_times(probe(clip, root), sampling)
        if not isinstance(sampling, MotionSampling):  # it decodes more frames than it keeps
            times = times[_spread_evenly(len(times), most)]
        frames = select_frames(decode(clip, root, times_s=times, short_side_px=side_px), sampling)
        frames, damaged = leave_out_damaged(frames.take(_spread_evenly(len(frames), most)), clip)
        return frames, _repeat(rows, frames.times_s), damaged
    wanted = _find_times(clip, root, rows)  # in the order of the rows
    there = np.isfinite(wanted)
    frames = decode(clip, root, times_s=np.unique(wanted[there]), short_side_px=side_px)
    apart = np.abs(wanted[:, None] - frames.times_s[None, :]).round(6)  # microseconds: of equal ones the earlier
    nearest = np.where(there[:, None], apart, np.inf).argmin(axis=1)
    close = there & (apart[np.arange(len(rows)), nearest] <= MAX_SHIFT_S)
    missing = [
        f"no frame within {MAX_SHIFT_S} s of the label at {_name_place(rows.iloc[i])}"
        for i in np.flatnonzero(~close)
    ]
    chosen = rows[close].assign(_i=nearest[close]).drop_duplicates("_i").sort_values("_i")
    at = chosen.pop("_i").to_numpy()
    frames = frames.take(at)
    chosen = chosen.assign(time_s=frames.times_s)
    whole, damaged = leave_out_damaged(frames, clip)
    return whole, chosen[np.isin(frames.times_s, whole.times_s)], [*missing, *damaged]


def leave_out_damaged(frames: Frames, clip: Clip) -> tuple[Frames, list[str]]:
    """Return the frames that are whole, and what is wrong with the others: half a picture teaches a wrong one.

    Raises MediaError where none is whole.
    """
    damaged = [i for i, damage in enumerate(frames.damage) if damage]
    if not damaged:
        return frames, []
    if len(damaged) == len(frames):
        raise MediaError(frames.damage[0])
    of = "still {:.0f}: {}" if clip.kind == "burst" else "{:.2f} s: {}"
    reasons = [of.format(frames.times_s[i], frames.damage[i]) for i in damaged]
    return frames.take(np.setdiff1d(np.arange(len(frames)), damaged)), reasons


def plan_rows(clip: Clip, root: Path, rows: pd.DataFrame, sampling: Sampling, most: int) -> pd.DataFrame:
    """Return the rows of one clip with the times of frames according to its header, without decoding.

    Motion sampling needs decoded frames to choose from; here it is replaced by an even choice of its candidates.
    """
    if _is_whole(rows):
        times = sample_times(probe(clip, root), sampling)
        return _repeat(rows, times[_spread_evenly(len(times), most)])
    times = _find_times(clip, root, rows)
    return rows.assign(time_s=times)[np.isfinite(times)]


def _name_place(row: pd.Series[Any]) -> str:
    return f"frame {row['frame_number']}" if pd.isna(row["time_s"]) else f"{row['time_s']:.2f} s"


def _is_whole(rows: pd.DataFrame) -> bool:
    return bool(rows["time_s"].isna().all() and rows["frame_number"].isna().all())


def _repeat(rows: pd.DataFrame, times_s: NDArray[np.float64]) -> pd.DataFrame:
    return rows.iloc[[0] * len(times_s)].assign(time_s=times_s)


def _spread_evenly(n: int, most: int) -> NDArray[np.int64]:
    """Return the indices of at most `most` of n items, spread evenly."""
    return np.arange(n) if n <= most else np.linspace(0, n - 1, most).round().astype(np.int64)


def _find_times(clip: Clip, root: Path, rows: pd.DataFrame) -> NDArray[np.float64]:
    """Return the time of each labelled frame, from its time_s or else its number; NaN if there is no such frame."""
    times = rows["time_s"].to_numpy(np.float64).copy()
    numbers = rows["frame_number"].astype("float64").to_numpy()
    by_number = np.isnan(times) & np.isfinite(numbers)
    if by_number.any():
        known = read_frame_times(clip, root)
        inside = by_number & (np.nan_to_num(numbers) < len(known))
        times[inside] = known[numbers[inside].astype(int)]
    return times
