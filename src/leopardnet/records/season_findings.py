"""Everything that is wrong or not known of a season: its records, its files, its cameras."""

from __future__ import annotations

import pandas as pd

from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.data.checks.check import check
from leopardnet.data.checks.health.classified_cameras import find_camera_faults
from leopardnet.records.find_records import SeasonRecords, list_as_table


def list_season_findings(
    season: SeasonRecords, predictions: Predictions, manifest: Manifest, deployments: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return the findings on records, then those of `check` without opening a file, then those on cameras.

    The light of the classified frames tells what times alone do not, such as a clock against the sun.

    >>> list_season_findings(season, predictions, manifest)["rule"].tolist()  # doctest: +SKIP
    ['no_coordinates', 'stopped_early']
    """
    checked = check(manifest, deployments=deployments, hash_files=False, perceptual=False, probe=False)
    faults = list_as_table(find_camera_faults(predictions, manifest=manifest, deployments=deployments))
    found = pd.concat([season.findings, checked, faults], ignore_index=True)
    return found.drop_duplicates(["rule", "message"]).reset_index(drop=True)
