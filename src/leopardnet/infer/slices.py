"""What clips can be divided by: columns of a manifest, and what follows from them or from the footage."""

from __future__ import annotations

import pandas as pd

from leopardnet.core.manifest import Manifest
from leopardnet.core.types import ManifestError
from leopardnet.data.file_facts import MONOCHROME_CHROMA, file_facts

MADE = ("site_known", "daytime", "month", "light")


def slice_of(manifest: Manifest, by: str) -> pd.Series[str]:
    """The slice of each clip, by clip_id: a column of the manifest, or one of

    - `site_known`: 'known' where the site has rows of the split train, else 'new'.
    - `daytime`: 'day' from 6 to 18 o'clock by the camera's clock, else 'night'. `month`: 01 to 12.
    - `light`: 'infrared' where a look at the first frame shows no colour, else 'colour'; opens every file.

    Raises ManifestError for a column that does not exist or is empty.
    """
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


def _site_known(manifest: Manifest, rows: pd.DataFrame) -> pd.Series[object]:
    trained = manifest.table.loc[manifest.table["split"] == "train", "site"].dropna().unique()
    if not len(trained):
        raise ManifestError(
            "nobody knows which sites the model has seen", where="manifest, column split", found="no row of the split train",
            todo="use the manifest that the model was trained from",
        )  # fmt: skip
    return (
        rows["site"]
        .isin(trained)
        .map({True: "known", False: "new"})
        .astype(object)
        .where(rows["site"].notna(), None)
    )


def _light(manifest: Manifest, rows: pd.DataFrame) -> pd.Series[object]:
    facts = file_facts(manifest, hash_files=False, perceptual=True, probe=False).set_index("path")["chroma"]
    chroma = rows["path"].map(facts)
    return (
        (chroma < MONOCHROME_CHROMA)
        .map({True: "infrared", False: "colour"})
        .astype(object)
        .where(chroma.notna(), None)
    )
