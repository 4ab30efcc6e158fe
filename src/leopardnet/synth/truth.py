"""A rendered clip with its true labels, and its rows in `clips.csv` and `frames.csv`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.labels import EMPTY
from leopardnet.synth.plan import ClipPlan, FootageSpec

Row = dict[str, object]

CLIP_COLUMNS = (
    "path",
    "kind",
    "site",
    "deployment",
    "label",
    "night",
    "n_frames",
    "fps",
    "duration_s",
    "width_px",
    "height_px",
    "captured_at",
    "disturbance",
    "occluded",
    "animal_width_fraction",
    "alarm_call",
)
FRAME_COLUMNS = ("path", "site", "deployment", "frame_number", "time_s", "label", "x0", "y0", "x1", "y1", "visible")


@dataclass(frozen=True, slots=True, eq=False)
class RenderedClip:
    """A clip before encoding.

    pixels: uint8 [N, H, W, 3] RGB; times_s: float64 [N]; labels: N labels; boxes: float32 [N, 4] xyxy in px of the
    visible part, nan if there is none; visible: float32 [N], the share of the whole animal that is visible;
    sound: float32 [M] at 16 kHz, empty for a still.
    """

    plan: ClipPlan
    camera: str
    pixels: NDArray[np.uint8]
    times_s: NDArray[np.float64]
    labels: tuple[str, ...]
    boxes: NDArray[np.float32]
    visible: NDArray[np.float32]
    sound: NDArray[np.float32]

    @property
    def label(self) -> str:
        """The species if any frame shows it, otherwise `empty`."""
        return next((label for label in self.labels if label != EMPTY), EMPTY)


def clip_row(spec: FootageSpec, clip: RenderedClip) -> Row:
    """Return the row of `clips.csv`; width fraction and label come from the frames that show the animal."""
    plan = clip.plan
    widths = (clip.boxes[:, 2] - clip.boxes[:, 0]) / spec.width_px
    still = plan.kind == "still"
    return {
        "path": plan.path,
        "kind": plan.kind,
        "site": plan.site,
        "deployment": plan.deployment,
        "label": clip.label,
        "night": plan.night,
        "n_frames": plan.n_frames,
        "fps": None if still else float(spec.rate),
        "duration_s": 0.0 if still else float(plan.n_frames / spec.rate),
        "width_px": spec.width_px,
        "height_px": spec.height_px,
        "captured_at": plan.captured_at.isoformat(),
        "disturbance": plan.disturbance,
        "occluded": plan.occluded,
        "animal_width_fraction": round(float(np.nanmax(widths)), 4) if clip.label != EMPTY else 0.0,
        "alarm_call": plan.alarm_call,
    }


def frame_rows(clip: RenderedClip) -> list[Row]:
    """Return the rows of `frames.csv`, one for each frame."""
    plan, rows = clip.plan, []
    for i, (time_s, label) in enumerate(zip(clip.times_s.tolist(), clip.labels, strict=True)):
        box = [None] * 4 if label == EMPTY else [int(v) for v in clip.boxes[i]]
        visible = round(float(clip.visible[i]), 4)
        values = (plan.path, plan.site, plan.deployment, i, time_s, label, *box, visible)
        rows.append(dict(zip(FRAME_COLUMNS, values, strict=True)))
    return rows
