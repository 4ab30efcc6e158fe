"""The manifest: a checked table of footage and labels, and the folder that its paths are relative to."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta, timezone, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from leopardnet.core.columns import MANIFEST
from leopardnet.core.errors import ManifestError
from leopardnet.core.tables import clip_id, conform, read_table, write_table
from leopardnet.core.types import Clip

_CLIP_COLUMNS = ("kind", "path", "paths", "site", "deployment", "captured_at", "time_zone", "time_source", "split")
KEY = ("clip_id", "time_s", "frame_number")


@dataclass(frozen=True, eq=False)
class Manifest:
    """Rows of footage under one root.

    `table` has the columns of `core.tables.MANIFEST`; a row is a video, a still, a burst, or a labelled frame of a
    video (kind `frame`, with `time_s` or `frame_number`). On disk the root stands in the column `root`, as a path
    relative to the manifest's own folder, so that both can move together.
    """

    table: pd.DataFrame
    root: Path

    @classmethod
    def from_rows(cls, table: pd.DataFrame, root: Path, *, where: str = "manifest") -> Manifest:
        """A checked manifest. `clip_id` is filled from `path` where it is absent.

        >>> rows = pd.DataFrame({"path": ["a/1.jpg"], "kind": ["still"], "label": ["tiger"]})
        >>> Manifest.from_rows(rows, Path("."))
        Manifest(1 row, 1 clip; labels tiger 1; no sites; no split)
        """
        if "path" in table.columns and "clip_id" not in table.columns:
            table = table.assign(clip_id=_clip_ids(table["path"]))
        return cls(conform(table, MANIFEST, where=where, unique=KEY), Path(root))

    @classmethod
    def read(cls, path: Path, *, root: Path | None = None) -> Manifest:
        """The manifest in a CSV or Parquet file. `root` overrides the folder that the file remembers."""
        path = Path(path)
        table = read_table(path)
        if "path" not in table.columns:
            raise ManifestError(
                "this table is not a manifest",
                where=path.name,
                found="columns " + ", ".join(map(str, table.columns)),
                expected="at least the columns path and kind",
                todo="make one with `leopardnet scan` or `leopardnet import`",
            )
        remembered = list(table.pop("root").dropna().unique()) if "root" in table.columns else []
        if len(remembered) > 1:
            raise ManifestError(
                "the manifest names more than one root",
                where=path.name,
                found=remembered,
                expected="one",
                todo="give the folder with --root",
            )
        if root is None and remembered and (Path(remembered[0]).is_absolute() or ":" in remembered[0]):
            raise ManifestError(
                "the root in a manifest must be relative to it",
                where=f"{path.name}, column root",
                found=remembered[0],
                expected="a path such as ../cards",
                todo="give the folder with --root",
            )
        if root is None:
            root = path.parent / remembered[0] if remembered else path.parent
        return cls.from_rows(table, root, where=path.name)

    def write(self, path: Path) -> Path:
        """`path`, after writing the manifest there as CSV or Parquet, whole or not at all."""
        path = Path(path)
        try:
            relative = Path(os.path.relpath(self.root.resolve(), path.parent.resolve())).as_posix()
        except ValueError:  # another drive
            raise ManifestError(
                "a manifest must lie on the same drive as its footage",
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

    def where(self, **values: Any) -> Manifest:
        """The rows whose columns have these values (a list means any of them).

        >>> m = Manifest.from_rows(pd.DataFrame({"path": ["a.jpg", "b.jpg"], "kind": "still", "split": ["train", "test"]}), Path("."))
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
        """The same root with another table, checked again."""
        return Manifest.from_rows(table, self.root)

    def clips(self) -> list[Clip]:
        """One Clip per `clip_id`, in order of first appearance; labelled frames count for their video."""
        t = self.table
        labels = self.clip_labels().to_dict()
        whole_first = (
            t[["clip_id", *_CLIP_COLUMNS]].assign(_frame=t["kind"].eq("frame")).sort_values("_frame", kind="stable")
        )
        first = whole_first.drop_duplicates("clip_id").set_index("clip_id").loc[t["clip_id"].unique()]
        return [_clip(str(cid), row, labels.get(cid)) for cid, row in zip(first.index, _dicts(first), strict=True)]

    def clip_labels(self) -> pd.Series[str]:
        """The label of each clip that has one: the clip's own, else what its labelled frames agree on.

        Where labelled frames show one species and otherwise nothing, the clip is that species; where they show two
        species, the clip has no label, because a clip-level score could only be half right.
        """
        t = self.table[self.table["label"].notna()]
        is_frame = t["kind"] == "frame"
        whole = _agreed(t[~is_frame])
        of_frames = _agreed(t[is_frame & ~t["clip_id"].isin(t.loc[~is_frame, "clip_id"])])
        labels: pd.Series[str] = pd.concat([whole, of_frames]).rename("label")
        return labels


def _clip_ids(paths: pd.Series[str]) -> list[Any]:
    return [clip_id(p) if isinstance(p, str) else None for p in paths]


def _agreed(rows: pd.DataFrame) -> pd.Series[str]:
    """By clip: the one label besides 'empty', or 'empty' where there is nothing else; clips of two labels are absent."""
    animals = rows[rows["label"] != "empty"].groupby("clip_id", sort=False)["label"]
    one: pd.Series[str] = animals.first()[animals.nunique() == 1]
    nothing = rows.loc[~rows["clip_id"].isin(animals.first().index), "clip_id"].unique()
    return pd.concat([one, pd.Series("empty", index=nothing, dtype="str")])


def _dicts(table: pd.DataFrame) -> list[dict[str, Any]]:
    return table.to_dict("records")  # type: ignore[return-value]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _clip(cid: str, row: dict[str, Any], label: str | None) -> Clip:
    paths: Sequence[str] = (
        json.loads(row["paths"]) if row["kind"] == "burst" and _text(row["paths"]) else [row["path"]]
    )
    zone, naive = _text(row["time_zone"]), row["captured_at"]
    captured = None
    if zone and pd.notna(naive):
        captured = naive.to_pydatetime().replace(tzinfo=parse_time_zone(zone))
    kind: Any = "video" if row["kind"] == "frame" else row["kind"]
    return Clip(
        cid,
        tuple(paths),
        kind,
        site=_text(row["site"]),
        deployment=_text(row["deployment"]),
        captured_at=captured,
        time_source=_text(row["time_source"]),
        label=label,
        split=_text(row["split"]),
    )


@lru_cache(maxsize=256)
def parse_time_zone(name: str) -> tzinfo:
    """The zone of an IANA name, or of a fixed offset for cameras that ignore summer time.

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
        "this time zone is not known",
        where="column time_zone",
        found=repr(name),
        expected="an IANA name such as Asia/Vladivostok, or an offset such as +10:00",
    )
