"""By which light footage was taken: the one rule that tells infrared from colour."""

from __future__ import annotations

from typing import Any

import pandas as pd

INFRARED, COLOUR = "infrared", "colour"
LIGHTS = (INFRARED, COLOUR)
MOST_INFRARED = 5.0  # a banner, a faint tint or a codec gives infrared pictures this much colour; see docs/LOG.md


def name_light(colour: pd.Series[Any]) -> pd.Series[Any]:
    """Return 'infrared' or 'colour' for each mean distance of the largest from the smallest of R, G, B (0 to 255).

    Missing where the distance is missing. A picture without colours counts as infrared, whatever made it so.

    >>> name_light(pd.Series([0.4, 21.0, float("nan")])).tolist()
    ['infrared', 'colour', None]
    """
    named = (colour < MOST_INFRARED).map({True: INFRARED, False: COLOUR}).astype(object)
    return named.where(colour.notna(), None)


def find_clip_lights(frames: pd.DataFrame) -> pd.Series[Any]:
    """Return the light of each clip by clip_id, from the median of `colour` over its frames.

    frames: rows of an evidence table, or any with `clip_id` and perhaps `colour`. A clip has no entry if no frame
    says it. A clip in which the camera changes to infrared light is what most of its frames are.
    """
    if "colour" not in frames.columns:
        return pd.Series(dtype=object)
    known = frames[frames["colour"].notna()]
    return name_light(known.groupby("clip_id")["colour"].median())
