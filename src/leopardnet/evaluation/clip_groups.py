"""What clips can be divided by: columns of a manifest, and what follows from them, from the footage or from a detector."""

from __future__ import annotations

import bisect

import pandas as pd

from leopardnet.core.boxes import parse_boxes
from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import ANIMAL
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.detection import DetectorConfig
from leopardnet.data.checks.file_facts import MONOCHROME_CHROMA, read_file_facts

MADE = ("site_known", "daytime", "month", "light", "box_size")
MIN_SCORE: float = DetectorConfig.model_fields["min_score"].default  # of a box that a model looks into
NO_BOX = "no box"
BANDS = ("under 1 %", "1 to 5 %", "5 to 20 %", "20 % or more")  # of the picture's area
_BORDERS = (0.01, 0.05, 0.2)


def slice_of(manifest: Manifest, by: str, *, evidence: pd.DataFrame | None = None) -> pd.Series[str]:
    """The slice of each clip, by clip_id: a column of the manifest, or one of

    - `site_known`: 'known' where the site has rows of the split train, else 'new'.
    - `daytime`: 'day' from 6 to 18 o'clock by the camera's clock, else 'night'. `month`: 01 to 12.
    - `light`: 'infrared' where a look at the first frame shows no colour, else 'colour'; opens every file.
    - `box_size`: how large the animal is in the picture, as a detector saw it (see `box_sizes`); needs the evidence of
      predictions.

    Raises ManifestError for a column that does not exist or is empty, and for boxes where no detector looked.
    """
    if by == "box_size":
        return box_sizes(manifest, evidence)
    rows = manifest.table.sort_values("kind", key=lambda k: k == "frame", kind="stable")  # the clip's own row first
    rows = rows.drop_duplicates("clip_id").set_index("clip_id")
    if by == "site_known":
        values = _site_known(manifest, rows)
    elif by == "light":
        values = _light(manifest, rows)
    elif by in ("daytime", "month"):
        at = rows["captured_at"]
        named = (
            at.dt.strftime("%m") if by == "month" else at.dt.hour.between(6, 17).map({True: "day", False: "night"})
        )
        values = named.astype(object).where(at.notna(), None)
    elif by in rows.columns:
        values = rows[by].astype(object)
    else:
        raise ManifestError(
            "the manifest has no such column to divide by",
            found=by,
            expected=", ".join([*MADE, *map(str, rows.columns)]),
        )
    if not values.notna().any():
        raise ManifestError("this column is empty, so it divides nothing", where=f"column {by}")
    return values.rename(by)


def box_sizes(manifest: Manifest, evidence: pd.DataFrame | None) -> pd.Series[str]:
    """By clip_id, the share of the picture that the clip's best box covers, in `BANDS`, or 'no box'; nothing where no
    detector looked.

    The best box is the surest one of an animal in any frame, at least `MIN_SCORE`; not that of the frame which carries the
    answer, because a clip called empty is carried by its emptiest frame, and all lost animals would be 'no box'. Boxes of
    the manifest are not used: they are drawn around animals only, so that a clip would be in a slice for its true label.
    Raises ManifestError where no frame has been looked at.
    """
    looked = evidence[evidence["boxes"].notna()] if evidence is not None else pd.DataFrame()
    if looked.empty:
        raise ManifestError(
            "clips cannot be divided by the size of boxes",
            where="evidence of the predictions, column boxes",
            found="no frame that a detector looked at",
            expected="predictions made with a detector",
            todo="classify again with --detector embedded (or motion, or a file), or leave box_size out",
        )
    best: dict[str, tuple[float, str]] = {}
    for clip_id, cell in zip(looked["clip_id"], looked["boxes"], strict=True):
        best[clip_id] = max(best.get(clip_id, (0.0, NO_BOX)), _best_of(cell), key=lambda found: found[0])
    bands = pd.Series({clip_id: band for clip_id, (_, band) in best.items()})
    ids = manifest.table["clip_id"].drop_duplicates()
    ordered = pd.CategoricalDtype([NO_BOX, *BANDS], ordered=True)
    return pd.Series(ids.map(bands).to_numpy(), ids.to_numpy(), name="box_size").astype(ordered)


def _best_of(cell: str) -> tuple[float, str]:
    """The score of the surest animal in a cell of boxes, and the band of its size; 0 and 'no box' where there is none."""
    animals = [
        b for b in parse_boxes(cell) if b.get("label", ANIMAL) == ANIMAL and b.get("score", 1.0) >= MIN_SCORE
    ]
    if not animals:
        return 0.0, NO_BOX
    box = max(animals, key=lambda b: float(b.get("score", 1.0)))
    x0, y0, x1, y1 = box["xyxy"]
    return float(box.get("score", 1.0)), BANDS[bisect.bisect_right(_BORDERS, (x1 - x0) * (y1 - y0))]


def _site_known(manifest: Manifest, rows: pd.DataFrame) -> pd.Series[object]:
    trained = manifest.table.loc[manifest.table["split"] == "train", "site"].dropna().unique()
    if not len(trained):
        raise ManifestError(
            "nobody knows which sites the model has seen",
            where="manifest, column split",
            found="no row of the split train",
            todo="use the manifest that the model was trained from",
        )
    return (
        rows["site"]
        .isin(trained)
        .map({True: "known", False: "new"})
        .astype(object)
        .where(rows["site"].notna(), None)
    )


def _light(manifest: Manifest, rows: pd.DataFrame) -> pd.Series[object]:
    facts = read_file_facts(manifest, hash_files=False, perceptual=True, probe=False).set_index("path")["chroma"]
    chroma = rows["path"].map(facts)
    return (
        (chroma < MONOCHROME_CHROMA)
        .map({True: "infrared", False: "colour"})
        .astype(object)
        .where(chroma.notna(), None)
    )
