"""What seems wrong with the cameras, from the times, the light and the decisions of their clips."""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from leopardnet.core.footage.light import find_clip_lights
from leopardnet.core.labels import EMPTY, UNREADABLE
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.data.checks.finding import Finding
from leopardnet.data.checks.fingerprints import fingerprint
from leopardnet.data.checks.health.check_health import add_deployments, check_health, name_units

DARK_CONTRAST = 4.0  # below, a picture shows nothing, as in fingerprints
MAX_PICTURES = 400  # of a camera, spread over its time, that tell whether it was moved
_HASHED_PX = (128, 128)  # of a picture, at least, from which its fingerprint is taken


def find_camera_faults(
    predictions: Predictions,
    *,
    manifest: Manifest | None = None,
    deployments: pd.DataFrame | None = None,
    pictures: Mapping[str, bytes] | None = None,
    now: datetime | None = None,
) -> list[Finding]:
    """Return what seems wrong with the cameras of these predictions, by the rules of `check`.

    manifest: for the deployments of the clips; without it a site is a camera. deployments: the table of
    `read_deployments`, for periods and places. Light and contrast come from the evidence. pictures: JPEG bytes of
    clips by clip_id, which tell whether a camera was moved; without them this is left to `check`, which reads the
    files.

    >>> find_camera_faults(predictions, manifest=manifest)  # doctest: +SKIP
    [Finding(severity='warning', rule='stopped_early', message='d1: the last clip is 40 days before …', …)]
    """
    table = predictions.table
    rows = table[["clip_id", "path", "site", "captured_at"]].assign(deployment=pd.Series(None, dtype="str"))
    if manifest is not None:
        known = manifest.table.drop_duplicates("clip_id").set_index("clip_id")
        found = known.reindex(rows["clip_id"]).set_axis(rows.index)
        known_here = {c: rows[c].where(rows[c].notna(), found[c]) for c in ("site", "captured_at")}
        rows = rows.assign(deployment=found["deployment"], **known_here)
    evidence = predictions.evidence
    light = rows["clip_id"].map(find_clip_lights(evidence))
    contrast = rows["clip_id"].map(evidence.groupby("clip_id")["contrast"].median())
    clips = rows.assign(
        unit=name_units(rows),
        light=light.astype(object),
        is_dark=(contrast < DARK_CONTRAST).astype("boolean").where(contrast.notna()),
        is_empty=(table["decision"] == EMPTY).astype("boolean").where(table["status"] != UNREADABLE),
    )
    if clips["unit"].isna().all():
        return []
    clips = clips.assign(phash=_hash_pictures(clips, pictures or {}))
    return list(check_health(add_deployments(clips, deployments), now=now or datetime.now()))


def _hash_pictures(clips: pd.DataFrame, pictures: Mapping[str, bytes]) -> pd.Series[Any]:
    """Return the perceptual hash of the picture of each clip, missing where none is needed or there."""
    hashes = dict[Any, int]()
    shown = clips[clips["clip_id"].isin(list(pictures)) & clips["captured_at"].notna()]
    for _, rows in shown.sort_values("captured_at", kind="stable").groupby("unit"):
        chosen = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), MAX_PICTURES)).round().astype(int))
        for i, clip_id in rows["clip_id"].iloc[chosen].items():
            if (found := _hash(pictures[str(clip_id)])) is not None:
                hashes[i] = found
    return pd.Series(hashes, dtype="UInt64").reindex(clips.index)


def _hash(jpeg: bytes) -> int | None:
    try:
        with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
            image.draft("RGB", _HASHED_PX)
            return fingerprint(np.asarray(image.convert("RGB"))).phash
    except Exception:  # a damaged picture may raise anything, and the page must not fail for it
        return None
