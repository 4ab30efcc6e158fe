"""All clips of a review as arrays, prepared once, so that a page of any of 100,000 clips takes milliseconds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.columns import has_several_labels, join_alerts, table_labels
from leopardnet.core.labels import split_labels
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.review.request_error import RequestError
from leopardnet.score.events import event_ids

Rows = NDArray[np.int64]
NO_SITE = "(no site)"
_OF_CLIPS = ["clip_id", "path", "kind", "site", "captured_at"]


@dataclass(frozen=True, eq=False)
class ClipIndex:
    """N clips, sorted by site, time and path.

    table: N rows with clip_id, path, kind, site, captured_at; in a review of results, also the columns of a
    predictions table, empty for clips that were not classified. labels: the C labels of the model, () without one.
    """

    table: pd.DataFrame
    labels: tuple[str, ...]

    @classmethod
    def build(cls, manifest: Manifest, predictions: Predictions | None = None) -> ClipIndex:
        """Return the index of all clips of the results and of the manifest, each once."""
        rows = manifest.table.assign(_frame=manifest.table["kind"].eq("frame"))
        rows = rows.sort_values("_frame", kind="stable").drop_duplicates("clip_id")[_OF_CLIPS]
        rows = rows.assign(kind=rows["kind"].replace({"frame": "video"}))
        labels: tuple[str, ...] = ()
        if predictions is not None:
            known, labels = predictions.table, table_labels(predictions.table)
            ids, facts = known["clip_id"], rows.set_index("clip_id")
            at = facts.index.get_indexer(pd.Index(ids))
            sites, times = (facts[x].reindex(ids).set_axis(known.index) for x in ("site", "captured_at"))
            known = known.assign(
                site=known["site"].where(known["site"].notna(), sites),
                captured_at=known["captured_at"].where(known["captured_at"].notna(), times),
                alerts=join_alerts(known),
            )
            new = rows[~np.isin(np.arange(len(rows)), at)]
            rows = pd.concat([known, new], ignore_index=True) if len(new) else known
        return cls(rows.sort_values(["site", "captured_at", "path"], kind="stable", ignore_index=True), labels)

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def clip_ids(self) -> list[str]:
        """The clip_id of each row."""
        return list(self.table["clip_id"].to_numpy(object))

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The row of each clip_id."""
        return {clip_id: row for row, clip_id in enumerate(self.clip_ids)}

    def find(self, clip_id: object) -> int:
        """Return the row of a clip. Raises RequestError where there is no such clip."""
        row = self.row_of.get(clip_id) if isinstance(clip_id, str) else None
        if row is None:
            raise RequestError(
                "there is no such clip", status=404, found=repr(clip_id)[:60], todo="load the page again"
            )
        return row

    def texts(self, column: str) -> list[str | None]:
        """Return a column of texts, None where a value is missing or there is no such column."""
        if column not in self._texts:
            known: dict[str, str] = {}  # equal texts are one object: a hundred thousand names are a few
            cells = self.table[column].to_numpy(object) if column in self.table else [None] * len(self)
            self._texts[column] = [known.setdefault(x, x) if isinstance(x, str) else None for x in cells]
        return self._texts[column]

    @cached_property
    def _texts(self) -> dict[str, list[str | None]]:
        return {}

    def numbers(self, column: str) -> NDArray[np.float64]:
        """Return a column of numbers, float64 [N], nan where a value is missing or there is no such column."""
        if column not in self._numbers:
            found = self.table[column].astype("float64") if column in self.table else np.full(len(self), np.nan)
            self._numbers[column] = np.asarray(found, np.float64)
        return self._numbers[column]

    @cached_property
    def _numbers(self) -> dict[str, NDArray[np.float64]]:
        return {}

    @cached_property
    def probs(self) -> NDArray[np.float32]:
        """The probabilities of the clips, float32 [N, C], nan where there are none."""
        return self.table[[f"p_{x}" for x in self.labels]].to_numpy(np.float32)

    @cached_property
    def multi(self) -> bool:
        """Whether the labels of the model are independent."""
        return has_several_labels(self.table)

    @cached_property
    def is_classified(self) -> NDArray[np.bool_]:
        """Which clips have a row of the model, bool [N]."""
        return np.array([x is not None for x in self.texts("decision")], bool)

    @cached_property
    def alerts(self) -> list[tuple[str, ...]]:
        """The targets that each clip should be checked for."""
        return [split_labels(x) for x in self.texts("alerts")]

    @cached_property
    def captured(self) -> list[str | None]:
        """The local time of each clip in ISO form, to the second."""
        times = pd.to_datetime(self.table["captured_at"])
        texts = np.datetime_as_string(times.to_numpy("datetime64[s]")).tolist()
        return [None if x == "NaT" else x for x in texts]

    @cached_property
    def days(self) -> NDArray[np.int64]:
        """The day of each clip since 1970, int64 [N], -1 without a time."""
        times = pd.to_datetime(self.table["captured_at"])
        days = times.to_numpy("datetime64[D]").astype(np.int64)
        return np.where(times.isna(), -1, days)

    @cached_property
    def sites(self) -> tuple[str, ...]:
        """All sites in alphabetical order; clips without one are of '(no site)', the last."""
        named = sorted({x for x in self.texts("site") if x is not None})
        return (*named, *([NO_SITE] if None in self.texts("site") else []))

    @cached_property
    def site_codes(self) -> Rows:
        """The position of each clip's site in `sites`, int64 [N]."""
        code = {name: i for i, name in enumerate(self.sites)}
        return np.array([code[x or NO_SITE] for x in self.texts("site")], np.int64)

    @cached_property
    def _events(self) -> tuple[Rows, Rows, Rows]:
        """Return the event of each row, the rows sorted by event, and where each event begins there."""
        codes = pd.factorize(event_ids(self.table))[0].astype(np.int64)
        order = np.argsort(codes, kind="stable")
        return codes, order, np.searchsorted(codes[order], np.arange(codes.max(initial=-1) + 2))

    def event_rows(self, row: int) -> Rows:
        """Return the rows of the event that a clip belongs to, the clip included, in the order of time."""
        codes, order, starts = self._events
        found: Rows = order[starts[codes[row]] : starts[codes[row] + 1]]
        return found

    def event_id(self, row: int) -> str:
        """Return the clip_id of the first clip of the event."""
        return self.clip_ids[int(self.event_rows(row)[0])]

    def evidence_seconds(self, row: int) -> list[float]:
        """Return the times of the frames that carry the decision, the strongest first."""
        cell = self.texts("evidence_times_s")[row]
        try:
            times = json.loads(cell) if cell else []
            return [round(float(t), 3) for t in times]
        except (ValueError, TypeError):
            return []

    def prepare(self) -> None:
        """Compute what every page needs, so that the first one is as fast as the others."""
        for name in ("row_of", "probs", "is_classified", "alerts", "captured", "days", "site_codes", "_events"):
            getattr(self, name)
        for column in ("path", "kind", "status", "reason", "decision", "rule", "evidence_times_s"):
            self.texts(column)
        for column in ("score", "best_time_s", "duration_s"):
            self.numbers(column)


@dataclass(frozen=True, slots=True)
class ClipFilter:
    """Which clips of a queue are shown; an empty value means all.

    site: '(no site)' for clips without one. first, last: ISO days, both included. label: that people gave.
    """

    site: str = ""
    decision: str = ""
    first: str = ""
    last: str = ""
    label: str = ""
    is_starred: bool = False

    def keep(self, index: ClipIndex, rows: Rows) -> Rows:
        """Return those of the rows that fit by site, date and decision. Raises RequestError for a wrong day."""
        if self.site:
            codes = [i for i, name in enumerate(index.sites) if name == self.site]
            rows = rows[np.isin(index.site_codes[rows], codes)]
        for text, is_last in ((self.first, False), (self.last, True)):
            if text:
                day, days = _read_day(text), index.days[rows]
                rows = rows[(days >= 0) & ((days <= day) if is_last else (days >= day))]
        if self.decision:
            decisions = index.texts("decision")
            rows = rows[np.array([decisions[r] == self.decision for r in rows], bool)]
        return rows


def _read_day(text: str) -> int:
    try:
        return int(np.datetime64(text, "D").astype(np.int64))
    except ValueError:
        raise RequestError("this is no day", found=text[:40], expected="such as 2025-06-30") from None


def list_rows(index: ClipIndex, clip_ids: Sequence[Any]) -> Rows:
    """Return the rows of those clips that are in the index, in their order."""
    return np.array([index.row_of[c] for c in clip_ids if c in index.row_of], np.int64)
