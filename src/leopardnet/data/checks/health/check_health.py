"""The health of all cameras of a table of clips, as findings."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pandas as pd

from leopardnet.core.columns import STRING
from leopardnet.core.footage.light import name_light
from leopardnet.core.labels import EMPTY
from leopardnet.core.manifest import Manifest
from leopardnet.data.checks.finding import Finding
from leopardnet.data.checks.health.camera_unit import OF_UNIT, list_units
from leopardnet.data.checks.health.clock_light import find_wrong_clocks, tell_unchecked
from leopardnet.data.checks.health.moved_camera import find_moves
from leopardnet.data.checks.health.night import find_blind_nights, measure_night_share
from leopardnet.data.checks.health.silence import find_silences
from leopardnet.data.checks.health.storm import find_storms
from leopardnet.data.scan.deployments import match_deployments


def check_health(clips: pd.DataFrame, *, now: datetime) -> Iterator[Finding]:
    """Yield what seems wrong with the cameras: one unit of `list_units` each, in order of their names."""
    units = list(list_units(clips, now))
    shares = [measure_night_share(unit) for unit in units]
    for k, unit in enumerate(units):
        yield from find_silences(unit)
        yield from find_blind_nights(unit, shares[:k] + shares[k + 1 :])
        yield from find_storms(unit)
        yield from find_moves(unit)
        yield from find_wrong_clocks(unit)
    if "latitude" in clips and "light" in clips and clips["light"].notna().any():
        yield from tell_unchecked(units)


def list_camera_clips(
    manifest: Manifest, facts: pd.DataFrame | None, deployments: pd.DataFrame | None
) -> pd.DataFrame:
    """Return the clips of a manifest for `check_health`, one row each: their unit, and what is known of them.

    facts: from `read_file_facts`, for light and pictures. The unit is the deployment, with its site where names of
    deployments are used at several; the site without one.
    """
    t = manifest.table.assign(_frame=manifest.table["kind"].eq("frame"), i_row=range(len(manifest)))
    t = t.sort_values("_frame", kind="stable").drop_duplicates("clip_id")
    of_file = facts.set_index("path").reindex(t["path"]).set_axis(t.index) if facts is not None else None
    clips = t[["clip_id", "i_row", "path", "site", "deployment", "captured_at"]].assign(
        unit=name_units(t), is_empty=_find_empty(manifest, t["clip_id"])
    )
    if of_file is not None:
        clips["light"] = name_light(of_file["chroma"])
        clips["phash"] = of_file["phash"]
        clips["is_dark"] = of_file["phash"].isna().astype("boolean").where(of_file["chroma"].notna())
    return add_deployments(clips, deployments)


def add_deployments(clips: pd.DataFrame, deployments: pd.DataFrame | None) -> pd.DataFrame:
    """Return the clips with the columns OF_UNIT of their deployments, if there is a table of them."""
    if deployments is None:
        return clips
    i = match_deployments(clips, deployments)
    rows = deployments.reset_index(drop=True).reindex(columns=list(OF_UNIT)).reindex(i.where(i >= 0))
    return clips.assign(**{name: rows[name].to_numpy() for name in OF_UNIT})


def name_units(table: pd.DataFrame) -> pd.Series[str]:
    """Return the deployment of each row, else its site; with the site where two sites have one of this name."""
    texts: Any = table[["site", "deployment"]]
    site, deployment = texts["site"].astype(STRING), texts["deployment"].astype(STRING)
    n_sites = site.groupby(deployment).transform("nunique")
    name = deployment.where(~(n_sites > 1) | site.isna(), site + "/" + deployment)
    units: pd.Series[str] = name.fillna(site)
    return units


def _find_empty(manifest: Manifest, clip_ids: pd.Series[str]) -> pd.Series[bool]:
    label = clip_ids.map(manifest.clip_labels())
    return (label == EMPTY).astype("boolean").where(label.notna())
