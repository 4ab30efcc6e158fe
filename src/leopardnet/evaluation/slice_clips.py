"""Slices of clips: by columns of a manifest, and by what follows from them, from the footage or from a detector."""

from __future__ import annotations

from typing import Any

import pandas as pd

from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.light import find_clip_lights, name_light
from leopardnet.core.manifest import Manifest
from leopardnet.data.checks.file_facts import read_file_facts
from leopardnet.metrics.conditions.box_sizes import find_box_sizes

DERIVED = ("site_known", "daytime", "month", "light", "box_size")


def slice_clips(manifest: Manifest, by: str, *, evidence: pd.DataFrame | None = None) -> pd.Series[str]:
    """Return the slice of each clip, by clip_id: a column of the manifest, or one of

    - `site_known`: 'known' where the site has rows of the split train, else 'new'.
    - `daytime`: 'day' from 6 to 18 o'clock by the camera's clock, else 'night'. `month`: 01 to 12.
    - `light`: 'infrared' or 'colour', see `core.footage.light`; opens the files of clips of which the evidence does
      not say it.
    - `box_size`: the size of the animal in the picture according to a detector, see `slice_by_box_size`; needs the
      evidence of predictions.

    Raises ManifestError for a column that does not exist or is empty, and for box sizes where no detector was run.
    """
    if by == "box_size":
        return slice_by_box_size(manifest, evidence)
    rows = manifest.table.sort_values("kind", key=lambda k: k == "frame", kind="stable")  # the clip's own row first
    rows = rows.drop_duplicates("clip_id").set_index("clip_id")
    if by == "site_known":
        values: pd.Series[Any] = _slice_by_known_site(manifest, rows)
    elif by == "light":
        values = _slice_by_light(manifest, rows, evidence)
    elif by in ("daytime", "month"):
        at = rows["captured_at"]
        daytime = at.dt.hour.between(6, 17).map({True: "day", False: "night"})
        values = (at.dt.strftime("%m") if by == "month" else daytime).astype(object).where(at.notna(), None)
    elif by in rows.columns:
        values = rows[by].astype(object)
    else:
        raise ManifestError(
            "the manifest has no column of this name",
            found=by,
            expected=", ".join([*DERIVED, *map(str, rows.columns)]),
        )
    if not values.notna().any():
        raise ManifestError("this column is empty, so there are no slices", where=f"column {by}")
    return values.rename(by)


def slice_by_box_size(manifest: Manifest, evidence: pd.DataFrame | None) -> pd.Series[str]:
    """Return, by clip_id, the share of the picture that the clip's best box covers, see `find_box_sizes`.

    Boxes of the manifest are not used: they are drawn around animals only, so the slice of a clip would depend on
    its true label. Raises ManifestError where no detector was run on any frame.
    """
    sizes = find_box_sizes(evidence if evidence is not None else pd.DataFrame())
    if sizes.empty:
        raise ManifestError(
            "clips cannot be sliced by the size of boxes",
            where="evidence of the predictions, column boxes",
            found="no frame on which a detector was run",
            expected="predictions made with a detector",
            todo="classify again with --detector embedded (or motion, or a file), or leave box_size out",
        )
    return sizes.reindex(manifest.table["clip_id"].drop_duplicates().to_list()).rename("box_size")


def _slice_by_known_site(manifest: Manifest, rows: pd.DataFrame) -> pd.Series[Any]:
    trained = manifest.table.loc[manifest.table["split"] == "train", "site"].dropna().unique()
    if not len(trained):
        raise ManifestError(
            "it is not known which sites the model was trained on",
            where="manifest, column split",
            found="no row of the split train",
            todo="use the manifest that the model was trained from",
        )
    return _name(rows["site"].isin(trained), "known", "new").where(rows["site"].notna(), None)


def _slice_by_light(manifest: Manifest, rows: pd.DataFrame, evidence: pd.DataFrame | None) -> pd.Series[Any]:
    """Return the light of each clip as the evidence says; where it does not, the clip's file is opened."""
    lights: pd.Series[Any] = find_clip_lights(evidence if evidence is not None else pd.DataFrame())
    lights = lights.reindex(rows.index)
    others = rows.index[lights.isna()]
    if len(others):
        unseen = manifest.replace(manifest.table[manifest.table["clip_id"].isin(others)])
        facts = read_file_facts(unseen, hash_files=False, perceptual=True, probe=False).set_index("path")["chroma"]
        lights = lights.fillna(name_light(rows.loc[others, "path"].map(facts)))
    return lights


def _name(is_first: pd.Series[bool], first: str, second: str) -> pd.Series[Any]:
    return is_first.map({True: first, False: second}).astype(object)
