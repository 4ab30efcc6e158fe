"""The clips of many rows at once: a million in seconds, built column by column."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime, tzinfo
from itertools import repeat
from operator import methodcaller
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.processes.pause_gc import pause_gc
from leopardnet.core.types import Clip

_TEXTS = ("site", "deployment", "time_source", "split")


def build_clips(
    rows: pd.DataFrame, labels: Iterable[str | None], parse_time_zone: Callable[[str], tzinfo]
) -> list[Clip]:
    """Return the clip of each row of a manifest. labels: of each. parse_time_zone: may raise for a name.

    A time without a zone is unknown, and a labelled frame stands for its video.
    """
    kinds = rows["kind"].replace("frame", "video")
    with pause_gc():
        paths: list[tuple[str, ...]] = list(zip(rows["path"].to_numpy(object).tolist(), strict=True))
        bursts = rows["paths"].where(kinds.eq("burst")).to_numpy(object)
        for i in np.flatnonzero(pd.notna(bursts)):
            paths[i] = tuple(json.loads(bursts[i]))
        clips = list(map(object.__new__, repeat(Clip, len(rows))))
        _fill(clips, "clip_id", rows["clip_id"].to_numpy(object).tolist())
        _fill(clips, "paths", paths)
        _fill(clips, "kind", list_texts(kinds))
        _fill(clips, "captured_at", _list_times(rows, parse_time_zone))
        _fill(clips, "label", labels)
        for name in _TEXTS:
            _fill(clips, name, list_texts(rows[name]))
    return clips


def list_texts(column: pd.Series[Any]) -> list[str | None]:
    """Return the texts of a column, None where there is none; rows of one text share one object."""
    codes, texts = pd.factorize(column)
    choices = np.array([*texts, None], object)
    return list(choices[codes].tolist())  # the code of no text is -1


def _fill(clips: list[Clip], name: str, values: Iterable[object]) -> None:
    """Set a field of new clips. Through its slot, a million take 0.05 s; `Clip(…)` takes 3 s."""
    deque(map(getattr(Clip, name).__set__, clips, values), maxlen=0)


def _list_times(rows: pd.DataFrame, parse_time_zone: Callable[[str], tzinfo]) -> list[datetime | None]:
    """Return the time of each row with its zone; None where either is unknown."""
    times: NDArray[np.object_] = np.full(len(rows), None, object)
    zones = rows["time_zone"].where(rows["captured_at"].notna() & rows["time_zone"].ne(""))
    codes, names = pd.factorize(zones)
    naive = rows["captured_at"].to_numpy("datetime64[us]")
    for i, name in enumerate(names):
        of_zone = np.flatnonzero(codes == i)
        add_zone = methodcaller("replace", tzinfo=parse_time_zone(str(name)))
        times[of_zone] = list(map(add_zone, naive[of_zone].astype(object).tolist()))
    return list(times.tolist())
