"""The clips of a report in the order of its rows, read as data for its page a part at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.data.scan.list_files import sort_naturally
from leopardnet.pages.palette import LabelStyle
from leopardnet.pages.table_rows import clip_data


@dataclass(frozen=True, eq=False)
class ClipRows:
    """The clips of a report in the order of its rows, with what the page shows of them.

    predictions: its index is the place of a clip in the predictions. evidence: an evidence table, or None. truth:
    labels by clip_id. thumbnails: JPEG bytes by clip_id. hidden: clip_id of clips whose picture is left out.
    """

    predictions: pd.DataFrame
    styles: Sequence[LabelStyle]
    evidence: pd.DataFrame | None = None
    truth: pd.Series[str] | None = None
    thumbnails: Mapping[str, bytes] = field(default_factory=dict)
    hidden: Collection[str] = ()

    def __len__(self) -> int:
        return len(self.predictions)

    def read(self, first: int, last: int) -> dict[str, Any]:
        """Return the rows from `first` to before `last`, as `clip_data` returns them, counted from `first`.

        `place` is that of the file in the natural order of all files, as `scan` lists them.
        """
        rows = clip_data(
            self.predictions.iloc[first:last],
            self.styles,
            evidence=self._read_frames(first, last),
            truth=self.truth,
            thumbnails=self.thumbnails,
            hidden=self.hidden,
        )
        return rows | {"place": self._places[first:last].tolist()}

    @cached_property
    def key(self) -> str:
        """A name for these data, 32 hex digits: the same for the same data, and for no others."""
        found = sha256()
        for table in (self.predictions, self.evidence):
            if table is not None:
                found.update(pd.util.hash_pandas_object(table).to_numpy().tobytes())
        shown = {clip_id: len(jpeg) for clip_id, jpeg in self.thumbnails.items()}
        words = None if self.truth is None else self.truth.to_dict()
        found.update(repr((shown, sorted(self.hidden), words)).encode("utf-8", "surrogatepass"))
        return found.hexdigest()[:32]

    @cached_property
    def n_hidden(self) -> int:
        """How many clips have their picture left out."""
        return self._count(self.hidden)

    @cached_property
    def n_pictures(self) -> int:
        """How many clips have a picture."""
        return self._count(self.thumbnails)

    @cached_property
    def has_truth(self) -> bool:
        """Whether a clip has a label."""
        truth = pd.Series(dtype=object) if self.truth is None else self.truth
        return bool(truth[truth.index.isin(self.predictions["clip_id"])].notna().any())

    def _count(self, clip_ids: Collection[str]) -> int:
        return int(self.predictions["clip_id"].isin(list(clip_ids)).sum())

    def _read_frames(self, first: int, last: int) -> pd.DataFrame | None:
        if self.evidence is None:
            return None
        order, starts = self._frames
        return self.evidence.iloc[order[starts[first] : starts[last]]]

    @cached_property
    def _frames(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Frames in the order of their clips, and where those of each clip begin: int64 [frames], [clips + 1]."""
        assert self.evidence is not None
        rows = pd.Index(self.predictions["clip_id"]).get_indexer(pd.Index(self.evidence["clip_id"]))
        order = np.argsort(rows, kind="stable")
        starts = np.searchsorted(rows[order], np.arange(len(self) + 1))
        return order.astype(np.int64), starts.astype(np.int64)

    @cached_property
    def _places(self) -> NDArray[np.int64]:
        """The place of each file among all, int64 [clips]."""
        paths = self.predictions["path"].tolist()
        places = {path: i for i, path in enumerate(sort_naturally(paths))}
        return np.array([places[path] for path in paths], np.int64)
