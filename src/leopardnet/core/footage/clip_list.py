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

from leopardnet.core.types import Clip

_TEXTS = ("site", "deployment", "time_source", "split")


def build_clips(
    rows: pd.DataFrame, labels: Iterable[str | None], parse_time_zone: Callable[[str], tzinfo]
) -> list[Clip]:
    """Return the clip of each row of a manifest. labels: of each. parse_time_zone: may raise for a name.

    A time without a zone is unknown, and a labelled frame stands for its video.
    """
    kinds, lists = rows["kind"].replace("frame", "video"), list_texts(rows["paths"])
    paths: list[tuple[str | None, ...]] = list(zip(list_texts(rows["path"]), strict=True))
    for i in np.flatnonzero(kinds.eq("burst") & rows["paths"].notna()):
        paths[i] = tuple(json.loads(str(lists[i])))
    clips = list(map(object.__new__, repeat(Clip, len(rows))))
    _fill(clips, "clip_id", list_texts(rows["clip_id"]))
    _fill(clips, "paths", paths)
    _fill(clips, "kind", list_texts(kinds))
    _fill(clips, "captured_at", _list_times(rows, parse_time_zone))
    _fill(clips, "label", labels)
    for name in _TEXTS:
        _fill(clips, name, list_texts(rows[name]))
    return clips


def list_texts(column: pd.Series[Any]) -> list[str | None]:
    """Return the texts of a column, None where there is none."""
    texts = column.to_numpy(object, copy=True)
    texts[column.isna().to_numpy()] = None
    return list(texts.tolist())


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
