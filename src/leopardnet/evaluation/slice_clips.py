"""Slices of clips: by columns of a manifest, and by what follows from them, from the footage or from a detector."""

from __future__ import annotations

import bisect
from typing import Any

import pandas as pd

from leopardnet.core.boxes import parse_boxes
from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import ANIMAL
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.detection import DetectorConfig
from leopardnet.data.checks.file_facts import MONOCHROME_CHROMA, read_file_facts

DERIVED = ("site_known", "daytime", "month", "light", "box_size")
MIN_SCORE: float = DetectorConfig.model_fields["min_score"].default  # of a box that is cropped for the model
NO_BOX = "no box"
BANDS = ("under 1 %", "1 to 5 %", "5 to 20 %", "20 % or more")  # of the area of the picture
_LIMITS = (0.01, 0.05, 0.2)


def slice_clips(manifest: Manifest, by: str, *, evidence: pd.DataFrame | None = None) -> pd.Series[str]:
    """Return the slice of each clip, by clip_id: a column of the manifest, or one of

    - `site_known`: 'known' where the site has rows of the split train, else 'new'.
    - `daytime`: 'day' from 6 to 18 o'clock by the camera's clock, else 'night'. `month`: 01 to 12.
    - `light`: 'infrared' where the first frame has no colour, else 'colour'; opens every file.
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
        values = _slice_by_light(manifest, rows)
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
    """Return, by clip_id, the share of the picture that the clip's best box covers.

    The values are those of `BANDS`, or 'no box'; missing where no detector was run. The best box is that of an
    animal with the highest score in any frame, at least `MIN_SCORE`. It is not that of the frame behind the
    decision: a clip called empty is decided by its emptiest frame, so all lost animals would be 'no box'. Boxes of
    the manifest are not used: they are drawn around animals only, so the slice of a clip would depend on its true
    label. Raises ManifestError where no detector was run on any frame.
    """
    checked = evidence[evidence["boxes"].notna()] if evidence is not None else pd.DataFrame()
    if checked.empty:
        raise ManifestError(
            "clips cannot be sliced by the size of boxes",
            where="evidence of the predictions, column boxes",
            found="no frame on which a detector was run",
            expected="predictions made with a detector",
            todo="classify again with --detector embedded (or motion, or a file), or leave box_size out",
        )
    best: dict[str, tuple[float, str]] = {}
    for clip_id, cell in zip(checked["clip_id"], checked["boxes"], strict=True):
        best[clip_id] = max(best.get(clip_id, (0.0, NO_BOX)), _find_best(cell), key=lambda found: found[0])
    bands = pd.Series({clip_id: band for clip_id, (_, band) in best.items()})
    ids = manifest.table["clip_id"].drop_duplicates()
    ordered = pd.CategoricalDtype([NO_BOX, *BANDS], ordered=True)
    sizes: pd.Series[Any] = pd.Series(ids.map(bands).to_numpy(), ids.to_numpy(), name="box_size", dtype=ordered)
    return sizes


def _find_best(cell: str) -> tuple[float, str]:
    """Return the highest score of an animal in a cell of boxes, and its band of size; 0 and 'no box' if none."""
    animals = [
        b for b in parse_boxes(cell) if b.get("label", ANIMAL) == ANIMAL and b.get("score", 1.0) >= MIN_SCORE
    ]
    if not animals:
        return 0.0, NO_BOX
    box = max(animals, key=lambda b: float(b.get("score", 1.0)))
    x0, y0, x1, y1 = box["xyxy"]
    return float(box.get("score", 1.0)), BANDS[bisect.bisect_right(_LIMITS, (x1 - x0) * (y1 - y0))]


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


def _slice_by_light(manifest: Manifest, rows: pd.DataFrame) -> pd.Series[Any]:
    facts = read_file_facts(manifest, hash_files=False, perceptual=True, probe=False).set_index("path")["chroma"]
    chroma = rows["path"].map(facts)
    return _name(chroma < MONOCHROME_CHROMA, "infrared", "colour").where(chroma.notna(), None)


def _name(is_first: pd.Series[bool], first: str, second: str) -> pd.Series[Any]:
    return is_first.map({True: first, False: second}).astype(object)
