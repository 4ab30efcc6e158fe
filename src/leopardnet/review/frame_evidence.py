"""The classified frames of all clips, in little memory: numbers as arrays, boxes as the text they came in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from leopardnet.core.boxes import parse_boxes
from leopardnet.core.errors import ManifestError
from leopardnet.core.language import cut_probability
from leopardnet.pages.pictures import SAME_FRAME_S
from leopardnet.review.clip_index import ClipIndex


@dataclass(frozen=True, eq=False)
class FrameEvidence:
    """M frames, sorted by clip and time.

    starts: int64 [N + 1], the first frame of each row of the index. times_s: float64 [M]. probs: float32 [M, C].
    cells: of boxes, as the file has them; codes: int64 [M], the cell of each frame, -1 where no detector was run.
    """

    starts: NDArray[np.int64]
    times_s: NDArray[np.float64]
    probs: NDArray[np.float32]
    cells: pa.Array
    codes: NDArray[np.int64]

    @classmethod
    def read(cls, file: Path | None, index: ClipIndex) -> FrameEvidence:
        """Read evidence.parquet; no frames where there is none. Frames of other clips are left out.

        Raises ManifestError for a file that is no table of frames of the same labels.
        """
        n_labels = len(index.labels)
        if file is None:
            starts, none = np.zeros(len(index) + 1, np.int64), np.zeros(0, np.int64)
            return cls(starts, np.zeros(0), np.zeros((0, n_labels), np.float32), pa.array([], pa.string()), none)
        try:  # column by column: all of them at once would take twice the memory
            ids = _read_column(file, "clip_id")
            code_of = np.array([index.row_of.get(x, -1) for x in ids.dictionary.to_pylist()], np.int64)
            codes = code_of[ids.indices.to_numpy(zero_copy_only=False)]
            times = _read_column(file, "time_s").to_numpy(zero_copy_only=False).astype(np.float64)
            order = np.lexsort((times, codes))
            order = order[np.searchsorted(codes[order], 0) :]
            probs = np.empty((len(order), n_labels), np.float32)
            for k, name in enumerate(index.labels):
                probs[:, k] = _read_column(file, f"p_{name}").to_numpy(zero_copy_only=False)[order]
            cells = _read_column(file, "boxes").cast(pa.string())
            has_cell = cells.is_valid().to_numpy(zero_copy_only=False)
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise ManifestError(
                "the table of frames cannot be read",
                where=file.name,
                found=f"{type(error).__name__}: {str(error)[:120]}",
                expected="evidence.parquet, as `leopardnet predict` writes it beside predictions.parquet",
            ) from None
        pa.default_memory_pool().release_unused()  # what the columns took goes back to the system
        starts = np.searchsorted(codes[order], np.arange(len(index) + 1))
        return cls(starts, times[order], probs, cells, np.where(has_cell[order], order, -1))

    def frames(self, row: int) -> range:
        """Return the positions of the frames of a clip."""
        return range(int(self.starts[row]), int(self.starts[row + 1]))

    def show(self, row: int, labels: tuple[str, ...]) -> list[dict[str, Any]]:
        """Return the frames of a clip: time_s, boxes {xyxy, score, label?}, probs by label or None.

        Raises ManifestError where boxes cannot be read.
        """
        shown = []
        for i in self.frames(row):
            code, p = int(self.codes[i]), self.probs[i]
            boxes = read_boxes(self.cells[code].as_py()) if code >= 0 else []
            known = (
                {x: cut_probability(v) for x, v in zip(labels, p, strict=True)} if np.isfinite(p).all() else None
            )
            shown.append({"time_s": round(float(self.times_s[i]), 3), "boxes": boxes, "probs": known})
        return shown

    def best_boxes(self, index: ClipIndex) -> NDArray[np.float64]:
        """Return the best box of each clip in its best frame, or else in the first frame with one, float64 [N, 4].

        Clips without a box have nan. Raises ManifestError where boxes cannot be read.
        """
        found = np.full((len(index), 4), np.nan)
        frames = self._find_cells(pc.not_equal(self.cells, "[]"))
        rows = np.searchsorted(self.starts, frames, side="right") - 1
        is_best = np.abs(self.times_s[frames] - index.numbers("best_time_s")[rows]) <= SAME_FRAME_S
        frames, rows = (x[np.lexsort((frames, ~is_best, rows))] for x in (frames, rows))
        for i, row in zip(*(x[np.flatnonzero(np.diff(rows, prepend=-1))] for x in (frames, rows)), strict=True):
            boxes = read_boxes(self.cells[int(self.codes[i])].as_py())
            if boxes:
                found[row] = boxes[0]["xyxy"]
        return found

    def find_named_boxes(self, index: ClipIndex) -> pd.DataFrame:
        """Return the frames whose boxes have labels of their own, which may name people: clip_id and boxes."""
        escaped = pc.match_substring(self.cells, "\\")  # JSON can write any letter as \\u and a number
        frames = self._find_cells(pc.or_(pc.match_substring(self.cells, "label"), escaped))
        rows = np.searchsorted(self.starts, frames, side="right") - 1
        cells = [self.cells[int(code)].as_py() for code in self.codes[frames]]
        return pd.DataFrame({"clip_id": [index.clip_ids[r] for r in rows], "boxes": cells})

    def _find_cells(self, is_wanted: pa.Array) -> NDArray[np.int64]:
        """Return the frames whose cell is wanted. is_wanted: a truth value for each cell, or null."""
        wanted = np.append(is_wanted.fill_null(False).to_numpy(zero_copy_only=False), False)
        return np.flatnonzero(wanted[self.codes])


def _read_column(file: Path, name: str) -> pa.Array:
    """Return one column of a Parquet file; the ids of clips, each of which stands many times, as a dictionary.

    A column that older versions did not write is empty. Raises KeyError where the file cannot do without it.
    """
    is_there = name in pq.read_schema(file).names
    if not is_there and name not in ("clip_id", "time_s"):
        return pa.nulls(pq.read_metadata(file).num_rows, pa.string() if name == "boxes" else pa.float64())
    table = pq.read_table(file, columns=[name], read_dictionary=["clip_id"])
    return table[name].combine_chunks()


def read_boxes(cell: str | None) -> list[dict[str, Any]]:
    """Return the boxes of a cell, the best first, cut at the edges of the frame; with a label where they have one.

    >>> read_boxes('[{"xyxy": [0.1, 0.2, 0.3, 1.5], "score": 0.5, "label": "animal"}]')
    [{'xyxy': [0.1, 0.2, 0.3, 1.0], 'score': 0.5, 'label': 'animal'}]
    """
    shown = []
    for box in sorted(parse_boxes(cell), key=lambda box: -float(box.get("score", 0.0))):
        x0, y0, x1, y1 = (min(max(round(float(v), 4), 0.0), 1.0) for v in box["xyxy"])
        if x1 > x0 and y1 > y0:
            name = {"label": box["label"]} if "label" in box else {}
            shown.append({"xyxy": [x0, y0, x1, y1], "score": box.get("score")} | name)
    return shown
