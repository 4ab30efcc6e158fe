"""Where the frames of the worst mistakes speak for the label that was likeliest, and for the true one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.bundle.bundle import Bundle
from leopardnet.core.manifest import Manifest
from leopardnet.infer.attention import find_attention
from leopardnet.media.thumbnail import encode_jpeg
from leopardnet.pages.pictures import Picture, embed_picture

SIDE_PX, GAP_PX = 180, 4  # of a frame, and between two


@dataclass(frozen=True, slots=True)
class AttentionPicture:
    """A frame, once for each label, side by side, red where it speaks for the label."""

    picture: Picture
    labels: tuple[str, ...]


def draw_attention(
    clips: pd.DataFrame, manifest: Manifest, bundle: Bundle, *, hidden: Collection[str] = ()
) -> dict[str, AttentionPicture]:
    """Return the picture of each clip by clip_id; see `find_attention` for the clips, and for errors."""
    gap = np.full((SIDE_PX, GAP_PX, 3), 255, np.uint8)
    drawn = {}
    for clip_id, found in find_attention(clips, manifest, bundle, hidden=hidden).items():
        parts = list[NDArray[np.uint8]]()
        for label in found.maps:
            small = cv2.resize(found.paint(label), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
            parts += [gap, np.asarray(small, np.uint8)]
        drawn[clip_id] = AttentionPicture(embed_picture(encode_jpeg(np.hstack(parts[1:]))), tuple(found.maps))
    return drawn
