"""The labelled frames of one clip: decoded, at both sizes, with the crops of a detector."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.errors import MediaError
from leopardnet.core.settings.detection import NO_DETECTOR, DetectorConfig
from leopardnet.core.settings.inference import PreprocessSpec, Sampling
from leopardnet.core.types import Clip, Frames
from leopardnet.detect.crops import crops_to_input, find_crops
from leopardnet.detect.detector import Detector, open_detector
from leopardnet.media.preprocess import box_to_input, decode_side_px, to_model_input
from leopardnet.training.frames.decode_labelled import decode_rows
from leopardnet.training.frames.frame_looks import note_boxes, note_colour
from leopardnet.training.frames.upright_box import turn_upright

LARGE = 1.125  # training frames are stored this much larger than the input, so that crops stay sharp


@dataclass(frozen=True)
class Reading:
    """All settings that determine the pixels of frames. twins: of the footage, see `match_detector`."""

    spec: PreprocessSpec
    sampling: Sampling
    max_frames_per_clip: int
    detector: DetectorConfig = NO_DETECTOR
    twins: frozenset[str] = frozenset()

    @property
    def large(self) -> PreprocessSpec:
        """The same preprocessing at the larger size."""
        return self.spec.model_copy(update={"size_px": round(self.spec.size_px * LARGE)})


@dataclass(frozen=True, eq=False)
class ClipFrames:
    """The frames of one clip: a row for each (None: no frames), their pixels at both sizes, and what is missing."""

    table: pd.DataFrame | None
    exact: NDArray[np.uint8]
    large: NDArray[np.uint8]
    missing: list[str]


def read_clip(clip: Clip, rows: pd.DataFrame, root: Path, reading: Reading) -> ClipFrames:
    """Return the wanted frames of a clip, `rows` of `select_frames`; what cannot be read is in `missing`."""
    side = decode_side_px(reading.spec)
    try:
        frames, table, missing = decode_rows(clip, root, rows, reading.sampling, reading.max_frames_per_clip, side)
    except MediaError as error:
        nothing = np.zeros((0, 3, 1, 1), np.uint8)
        return ClipFrames(None, nothing, nothing, [error.one_line])
    height, width = frames.pixels.shape[1:3]
    placed = [turn_upright(text, clip, root) if isinstance(text, str) else None for text in table["box"]]
    boxes: list[str | None] = [
        None if box is None else json.dumps(box_to_input(box, width=width, height=height, spec=reading.spec))
        for box in placed
    ]
    exact, large = (to_model_input(frames.pixels, spec) for spec in (reading.spec, reading.large))
    table = note_colour(table.assign(box=np.array(boxes, object), view="frame"), exact)
    read = ClipFrames(table, exact, large, missing)
    detector = open_detector(reading.detector, root, twins=reading.twins)
    return read if detector is None else _add_crops(read, clip, root, frames, detector, reading)


def _add_crops(
    read: ClipFrames, clip: Clip, root: Path, frames: Frames, detector: Detector, reading: Reading
) -> ClipFrames:
    """Return the same with a row and a picture added for the crop of every frame with a box, as in inference."""
    assert read.table is not None
    closer = find_crops(clip, root, frames, detector, reading.detector, reading.spec)
    crops, table = closer.crops, note_boxes(read.table, closer.boxes)
    rows = table.iloc[[crop.i_frame for crop in crops]]
    rows = rows.assign(view="crop", box=[json.dumps(crop.box) for crop in crops])
    exact, large = (
        np.concatenate([whole, crops_to_input(crops, spec.size_px)])
        for whole, spec in ((read.exact, reading.spec), (read.large, reading.large))
    )
    return ClipFrames(pd.concat([table, rows]), exact, large, [*read.missing, *closer.warnings])
