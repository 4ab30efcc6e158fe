"""What seems wrong with the cameras, from the times, the light and the decisions of their clips."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from leopardnet.core.footage.light import find_clip_lights
from leopardnet.core.labels import EMPTY, UNREADABLE
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.data.checks.health.check_health import add_deployments, check_health, name_units

DARK_CONTRAST = 4.0  # below, a picture shows nothing, as in fingerprints


@dataclass(frozen=True)
class CameraFault:
    """A finding about a camera: the rule, what was found, and one of its clips."""

    rule: str
    message: str
    path: str


def find_camera_faults(
    predictions: Predictions,
    *,
    manifest: Manifest | None = None,
    deployments: pd.DataFrame | None = None,
    now: datetime | None = None,
) -> list[CameraFault]:
    """Return what seems wrong with the cameras of these predictions, by the rules of `check`.

    manifest: for the deployments of the clips; without it a site is a camera. deployments: the table of
    `read_deployments`, for periods and places. Light and contrast come from the evidence. Whether a camera was
    moved is left to `check`, which reads the pictures.
    """
    table = predictions.table
    rows = table[["clip_id", "path", "site", "captured_at"]].assign(deployment=pd.Series(None, dtype="str"))
    if manifest is not None:
        known = manifest.table.drop_duplicates("clip_id").set_index("clip_id")
        found = known.reindex(rows["clip_id"]).set_axis(rows.index)
        rows = rows.assign(deployment=found["deployment"], site=rows["site"].fillna(found["site"]))
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
    faults = check_health(add_deployments(clips, deployments), now=now or datetime.now())
    return [CameraFault(f.rule, f.message, f.path or "") for f in faults]
