"""The manifest: a checked table of footage and labels, and the folder that its paths are relative to."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta, timezone, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import is_float_dtype

from leopardnet.core.columns import MANIFEST, STRING
from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.clip_list import build_clips, list_texts
from leopardnet.core.footage.id_sets import is_among
from leopardnet.core.interactive.html_summary import count_values, summarise_as_html
from leopardnet.core.labels import EMPTY, JOINER, split_labels
from leopardnet.core.tables import clip_id, conform, read_table, write_table
from leopardnet.core.types import Clip

TEXTS = [c.name for c in MANIFEST if c.dtype == STRING]
KEY = ("clip_id", "time_s", "frame_number")


@dataclass(frozen=True, eq=False)
class Manifest:
    """Rows of footage under one root folder.

    `table` has the columns of `core.columns.MANIFEST`; a row is a video, a still, a burst, or a labelled frame of a
    video (kind `frame`, with `time_s` or `frame_number`). On disk, the column `root` holds the root as a path
    relative to the folder of the manifest, so that both can move together. `notes` say how its file was read.

    >>> rows = pd.DataFrame({"path": ["a/1.jpg"], "kind": ["still"]})
    >>> len(Manifest.from_rows(rows, Path(".")))
    1
    """

    table: pd.DataFrame
    root: Path
    notes: tuple[str, ...] = ()

    @classmethod
    def from_rows(cls, table: pd.DataFrame, root: Path, *, where: str = "manifest") -> Manifest:
        """Return a manifest of these rows. `clip_id` is derived from `path` if absent.

        Raises ManifestError for a table that does not conform; `where` names it in the error.

        >>> rows = pd.DataFrame({"path": ["a/1.jpg"], "kind": ["still"], "label": ["tiger"]})
        >>> Manifest.from_rows(rows, Path("."))
        Manifest(1 row, 1 clip; labels tiger 1; no sites; no split)
        """
        if "path" in table.columns and "clip_id" not in table.columns:
            table = table.assign(clip_id=_clip_ids(table["path"]))
        for name in table.columns[[is_float_dtype(x) for x in table.dtypes]].intersection(TEXTS):
            table = table.assign(**{name: table[name].map(_to_text, na_action="ignore")})
        return cls(conform(table, MANIFEST, where=where, unique=KEY), Path(root))

    @classmethod
    def read(
        cls, path: Path, *, root: Path | None = None, read: Callable[[Path], pd.DataFrame] = read_table
    ) -> Manifest:
        """Read a manifest from a CSV or Parquet file as `write` made it. `root` overrides the root that it names.

        `read_manifest` of `data.reading.tables.saved_manifest` reads what people keep; it gives its own `read`.

        Raises ManifestError for a table that is not a manifest, or that names an absolute root or several.

        >>> Manifest.read(Path("season.parquet")).where(split="test")  # doctest: +SKIP
        """
        path = Path(path)
        table = read(path)
        if "path" not in table.columns:
            raise ManifestError(
                "this table is not a manifest",
                where=path.name,
                found="columns " + ", ".join(map(str, table.columns)),
                expected="at least the columns path and kind",
                todo="make one with `leopardnet scan` or `leopardnet import`",
            )
        named = list(table.pop("root").dropna().unique()) if "root" in table.columns else []
        if len(named) > 1:
            raise ManifestError(
                "the manifest names more than one root",
                where=path.name,
                found=named,
                expected="one",
                todo="give the folder with --root",
            )
        if root is None and named and (Path(named[0]).is_absolute() or ":" in named[0]):
            raise ManifestError(
                "the root in a manifest must be relative to it",
                where=f"{path.name}, column root",
                found=named[0],
                expected="a path such as ../cards",
                todo="give the folder with --root",
            )
        if root is None:
            root = path.parent / named[0] if named else path.parent
        return cls.from_rows(table, root, where=path.name)

    def write(self, path: Path) -> Path:
        """Write the manifest as CSV or Parquet, atomically, and return `path`.

        Raises ManifestError if the path is on another drive than the footage.
        """
        path = Path(path)
        try:
            relative = Path(os.path.relpath(self.root.resolve(), path.parent.resolve())).as_posix()
        except ValueError:  # on another drive there is no relative path
            raise ManifestError(
                "a manifest must be on the same drive as its footage",
                where=path,
                found=self.root,
                todo="write the manifest beside the footage",
            ) from None
        return write_table(self.table.assign(root=relative), path)

    def __len__(self) -> int:
        return len(self.table)

    def __repr__(self) -> str:
        t, n_clips = self.table, self.table["clip_id"].nunique()

        def counts(column: str, none: str) -> str:
            found = t[column].value_counts()
            return " ".join([column + "s", ", ".join(f"{k} {v}" for k, v in found.items())]) if len(found) else none

        sites = f"{t['site'].nunique()} sites" if t["site"].notna().any() else "no sites"
        size = f"{len(t)} row{'s' * (len(t) != 1)}, {n_clips} clip{'s' * (n_clips != 1)}"
        return f"Manifest({size}; {counts('label', 'no labels')}; {sites}; {counts('split', 'no split')})"

    def _repr_html_(self) -> str:
        t = self.table
        days = t["captured_at"].dropna()
        facts = {
            "kinds": count_values(t["kind"]),
            "sites": t["site"].nunique(),
            "dates": f"{days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}" if len(days) else "not known",
            "splits": count_values(t["split"]) or "no split",
        }
        by_label = t.assign(label=t["label"].fillna("(no label)")).groupby("label")
        labels = by_label.agg(rows=("path", "size"), clips=("clip_id", "nunique"), sites=("site", "nunique"))
        title = f"Manifest of {len(t)} rows, {t['clip_id'].nunique()} clips"
        return summarise_as_html(title, facts, labels.sort_values("clips", ascending=False, kind="stable"))

    def where(self, **values: Any) -> Manifest:
        """Return the rows whose columns have these values; a list means any of its values.

        >>> rows = pd.DataFrame({"path": ["a.jpg", "b.jpg"], "kind": "still", "split": ["train", "test"]})
        >>> m = Manifest.from_rows(rows, Path("."))
        >>> m.where(split="test").table["path"].tolist()
        ['b.jpg']
        """
        keep = pd.Series(True, index=self.table.index)
        for column, value in values.items():
            if column not in self.table.columns:
                raise ManifestError(
                    "the manifest has no such column", found=column, expected=", ".join(self.table.columns)
                )
            keep &= self.table[column].isin(value if isinstance(value, (list, tuple, set)) else [value])
        return self.replace(self.table[keep])

    def replace(self, table: pd.DataFrame) -> Manifest:
        """Return a manifest of another table under the same root. Raises ManifestError if it does not conform."""
        return Manifest.from_rows(table, self.root)

    def clips(self) -> list[Clip]:
        """Return one Clip per `clip_id`, in order of first appearance; labelled frames stand for their video."""
        codes, clip_ids = pd.factorize(self.table["clip_id"])
        whole_first = np.argsort(self._is_frame, kind="stable")
        rows = np.zeros(len(clip_ids), np.int64)
        rows[codes[whole_first[::-1]]] = whole_first[::-1]  # of several rows of a clip, the first is written last
        labels = np.full(len(clip_ids), None, object)
        i_row = self._label_rows(codes)
        labels[codes[i_row]] = list_texts(self.table["label"].iloc[i_row])
        return build_clips(self.table.iloc[rows], labels, parse_time_zone)

    def page_clips(self, *, n_clips: int = 5000) -> ClipPages:
        """Return the clips of `clips`, of which only a few thousand are in memory at a time.

        >>> rows = pd.DataFrame({"path": ["b.jpg", "a.jpg"], "kind": "still"})
        >>> pages = Manifest.from_rows(rows, Path(".")).page_clips(n_clips=1)
        >>> len(pages), [clip.path for clip in pages]
        (2, ['b.jpg', 'a.jpg'])
        """
        return ClipPages(self, n_clips)

    def clip_at(self, i_row: int) -> Clip:
        """Return the clip that the row at this position stands for, without its label."""
        return build_clips(self.table.iloc[[i_row]], [None], parse_time_zone)[0]

    def clip_labels(self) -> pd.Series[str]:
        """Return the label of each clip that has one, by clip_id: its own, else the one its labelled frames share.

        If the labelled frames show one species or nothing, the clip is of that species. If they show two species,
        the clip has no label, because a clip-level score could only be half right.
        """
        rows = self.table.iloc[self._label_rows(pd.factorize(self.table["clip_id"])[0])]
        return rows.set_index("clip_id")["label"].rename_axis(None)

    @property
    def _is_frame(self) -> NDArray[np.bool_]:
        return self.table["kind"].eq("frame").to_numpy()

    def _label_rows(self, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return, for each clip that has a label, the first row with that label; codes: of the clip of each row.

        Clips that have a label of their own come first, and of these and of the others those with an animal.
        """
        labels, names = pd.factorize(self.table["label"])
        is_labelled, is_frame, n_clips = labels >= 0, self._is_frame, int(codes.max(initial=-1)) + 1
        has_own = np.bincount(codes[is_labelled & ~is_frame], minlength=n_clips) > 0
        is_empty = labels == names.get_indexer(pd.Index([EMPTY]))[0]
        counts = is_labelled & (~is_frame | ~has_own[codes])
        has_animal = np.bincount(codes[counts & ~is_empty], minlength=n_clips) > 0
        counts &= ~is_empty | ~has_animal[codes]
        rows = np.flatnonzero(counts)
        first = np.zeros(n_clips, np.int64)
        first[codes[rows[::-1]]] = rows[::-1]
        is_mixed = np.bincount(codes[rows[labels[rows] != labels[first[codes[rows]]]]], minlength=n_clips) > 0
        rows = rows[(first[codes[rows]] == rows) & ~is_mixed[codes[rows]]]
        order = np.lexsort((rows, is_empty[rows], is_frame[rows]))
        return np.asarray(rows[order], np.int64)

    def clip_label_sets(self) -> pd.Series[str]:
        """Return all labels of each clip that has any, joined, by clip_id: its own, else those of its frames.

        >>> rows = pd.DataFrame({"path": ["a.jpg", "b.jpg"], "kind": "still", "label": ["tiger", None],
        ...                      "labels": [None, "deer + tiger"]})
        >>> Manifest.from_rows(rows, Path(".")).clip_label_sets().tolist()
        ['tiger', 'deer + tiger']
        """
        t = self.table.assign(label=self.table["label"].fillna(self.table["labels"]))
        t = t[t["label"].notna()]
        is_frame = t["kind"] == "frame"
        rows = t[~is_frame | ~is_among(t["clip_id"], t.loc[~is_frame, "clip_id"])]
        cells = rows["label"].map({cell: _join_rows([cell]) for cell in rows["label"].unique()})
        is_several = rows["clip_id"].duplicated(keep=False)
        several = rows["label"][is_several].groupby(rows["clip_id"][is_several], sort=False).agg(_join_rows)
        sets = cells.set_axis(rows["clip_id"])[~rows["clip_id"].duplicated().to_numpy()]
        sets[several.index] = several
        return sets.astype("str").rename("labels")


class ClipPages(Collection[Clip]):
    """The clips of a manifest, made anew a page at a time whenever one goes through them."""

    def __init__(self, manifest: Manifest, n_clips: int) -> None:
        self._manifest, self._n_clips = manifest, n_clips
        self._places, ids = pd.factorize(manifest.table["clip_id"])  # of each row's clip, int64 [rows]
        self._n = len(ids)

    def __len__(self) -> int:
        return self._n

    def __iter__(self) -> Iterator[Clip]:
        for start in range(0, self._n, self._n_clips):
            is_here = (self._places >= start) & (self._places < start + self._n_clips)
            yield from Manifest(self._manifest.table[is_here], self._manifest.root).clips()

    def __contains__(self, clip: object) -> bool:
        return any(clip == other for other in self)


def _to_text(number: float) -> str:
    """Return a number as people write it: a column of whole numbers with a gap has 7.0 in place of 7."""
    return str(int(number)) if float(number).is_integer() else str(number)


def _clip_ids(paths: pd.Series[str]) -> list[Any]:
    return [clip_id(p) if isinstance(p, str) else None for p in paths]


def _join_rows(cells: Iterable[str]) -> str:
    """Return the labels of several rows of a clip, in alphabetical order, without EMPTY where there is another."""
    names = {name for cell in cells for name in split_labels(cell)}
    return JOINER.join(sorted(names - {EMPTY})) or EMPTY


@lru_cache(maxsize=256)
def parse_time_zone(name: str) -> tzinfo:
    """Return the zone for an IANA name, or for a fixed offset (cameras that ignore daylight saving time).

    Raises ManifestError for any other name.

    >>> from datetime import datetime
    >>> datetime(2021, 12, 30, 22, tzinfo=parse_time_zone("Asia/Vladivostok")).isoformat()
    '2021-12-30T22:00:00+10:00'
    >>> datetime(2021, 12, 30, 22, tzinfo=parse_time_zone("+10:00")).utcoffset()
    datetime.timedelta(seconds=36000)
    """
    sign = {"+": 1, "-": -1}.get(name[:1])
    if sign:
        digits = name[1:].replace(":", "")
        if digits.isdigit() and len(digits) == 4 and int(digits[:2]) <= 14 and int(digits[2:]) < 60:
            return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))
    else:
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            pass
    raise ManifestError(
        "unknown time zone",
        where="column time_zone",
        found=repr(name),
        expected="an IANA name such as Asia/Vladivostok, or an offset such as +10:00",
    )
