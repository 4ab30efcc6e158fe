"""What a manifest says of each clip: its true label and its site."""

from __future__ import annotations

import pandas as pd

from leopardnet.core.columns import has_several_labels
from leopardnet.core.footage.site_names import find_clip_values
from leopardnet.core.manifest import Manifest


def true_labels(manifest: Manifest, predictions: pd.DataFrame) -> pd.Series[str]:
    """Return the true label of each clip by clip_id, or all of them, joined, where the labels are independent."""
    return manifest.clip_label_sets() if has_several_labels(predictions) else manifest.clip_labels()


def clip_sites(manifest: Manifest) -> pd.Series[str]:
    """Return the site of each clip of a manifest, by clip_id."""
    return find_clip_values(manifest.table, "site")
