"""Boxes that others drew, on the frames of a file as they are decoded: upright."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from leopardnet.core.boxes import place_boxes
from leopardnet.core.types import Clip
from leopardnet.media.decode import probe, resolve_path
from leopardnet.media.still import read_stored_size


def place_on_file(
    xyxys: Sequence[Sequence[float]],
    unit: str,
    *,
    clip: Clip,
    root: Path,
    path: str | None = None,
    drawn_px: tuple[int, int] | None = None,
) -> list[list[float]]:
    """Return boxes as fractions of the upright frames of a clip's file; the file is opened only where needed.

    path: of a still of a burst, by default of the clip; drawn_px: width and height of the picture that the boxes
    were drawn on, if known. Raises ManifestError where their place is not certain (see `place_boxes`), MediaError
    where the file is needed and cannot be read.
    """
    stored_px, orientation = drawn_px or (1, 1), 1
    if not xyxys:
        return []
    if clip.kind != "video":
        stored_px, orientation = read_stored_size(resolve_path(root, path or clip.path))
    elif unit == "px" and drawn_px is None:
        info = probe(clip, root)
        stored_px = (info.width_px, info.height_px)
    return place_boxes(xyxys, unit, drawn_px=drawn_px, stored_px=stored_px, orientation=orientation)
