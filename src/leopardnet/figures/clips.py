"""Figures of single clips: pictures with boxes, and probabilities over time."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.bundle.bundle import Bundle
from leopardnet.core.errors import ManifestError, MediaError
from leopardnet.core.labels import UNSURE
from leopardnet.core.language import round_probability
from leopardnet.core.manifest import Manifest
from leopardnet.core.people import clips_with_people
from leopardnet.core.predictions import Predictions
from leopardnet.core.types import Clip
from leopardnet.figures.style import GREY, VERMILION, blank, colours, sheet
from leopardnet.infer.attention import find_attention
from leopardnet.media.decode import decode

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PICTURE_PX = 240


def frame_probabilities(predictions: Predictions, clip_id: str) -> Figure:
    """Return the probabilities of each frame of a clip over its time in seconds, one line per label.

    Raises ManifestError where the clip is unknown or has no frame in the evidence.

    >>> ln.figures.frame_probabilities(predictions, predictions.table["clip_id"].iloc[0])  # doctest: +SKIP
    """
    row = predictions.table[predictions.table["clip_id"] == clip_id]
    frames = predictions.evidence[predictions.evidence["clip_id"] == clip_id]
    if row.empty or frames.empty:
        raise ManifestError(
            "this clip has no frames to show",
            where="clip_id",
            found=clip_id,
            expected="a clip of the predictions that could be read, with evidence.parquet beside them",
        )
    figure, axes = blank(7, 3)
    _draw_frames(axes, frames, predictions.labels)
    axes.set(xlabel="time in the clip, s", ylabel="probability, each frame alone")
    axes.set_title(f"{row['path'].iloc[0]}: {row['decision'].iloc[0]}", loc="left", fontsize="medium")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def gallery(
    predictions: Predictions,
    manifest: Manifest,
    clips: pd.DataFrame,
    *,
    n: int = 6,
    people: bool = False,
    human_labels: pd.DataFrame | None = None,
) -> Figure:
    """Return the first n clips of a table, such as the mistakes of an evaluation, one per row.

    On the left is the frame that decided, with its boxes; on the right the probabilities over time, with the time
    of that frame as a dotted line. Boxes are those of a detector in the evidence, where one was run. A clip whose
    file is missing has a grey field, and so has a clip of people or vehicles, unless `people` is set.
    human_labels: what people said, as `list_said` returns it, which tells more of these clips.

    >>> ln.figures.gallery(predictions, manifest, ln.review_order(predictions.table), n=3)  # doctest: +SKIP
    """
    chosen = clips.head(n)
    if chosen.empty:
        return _say_nothing_to_show()
    figure = sheet(9, 2.1 * len(chosen))
    grid = figure.subplots(len(chosen), 2, squeeze=False, width_ratios=(1, 1.5))
    hidden = frozenset() if people else clips_with_people(predictions, manifest, human_labels)
    known = {clip.clip_id: clip for clip in manifest.clips() if clip.clip_id not in hidden}
    for (picture, curve), row in zip(grid, chosen.to_dict("records"), strict=True):
        frames = predictions.evidence[predictions.evidence["clip_id"] == row["clip_id"]]
        time_s = float(row["best_time_s"])
        _draw_picture(picture, known.get(str(row["clip_id"])), manifest, time_s, frames)
        truth = f", truth {row['truth']}" if isinstance(row.get("truth"), str) else ""
        score = "" if pd.isna(row["score"]) else f" {round_probability(row['score']):.2f}"
        if row["decision"] == UNSURE:
            score = f", likeliest {max(predictions.labels, key=lambda x: row[f'p_{x}'])}{score}"
        curve.set_title(
            f"{row['path']}\n{row['decision']}{score} ({row['rule']}){truth}", loc="left", fontsize="small"
        )
        _draw_frames(curve, frames, predictions.labels)
        if np.isfinite(time_s):
            curve.axvline(time_s, color=GREY, linewidth=1, linestyle=":")
        curve.spines[["top", "right"]].set_visible(False)
    grid[-1, 1].set_xlabel("time in the clip, s")
    grid[0, 1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def attention(
    predictions: Predictions,
    manifest: Manifest,
    bundle: Bundle,
    clips: pd.DataFrame,
    *,
    n: int = 4,
    people: bool = False,
    human_labels: pd.DataFrame | None = None,
) -> Figure:
    """Return where the first n clips of a table, such as the mistakes of an evaluation, speak for a label.

    Each row is a frame as the network sees it, red where it speaks for the likeliest label, and where for the true
    one. It is a hint, not a proof, of what the network rests on. Clips without a picture are left out, and so are
    those of people or vehicles, as in `gallery`. Needs torch; raises BackendError as `find_attention` does.

    >>> ln.figures.attention(predictions, manifest, bundle, report.tables["mistakes"])  # doctest: +SKIP
    """
    hidden = frozenset() if people else clips_with_people(predictions, manifest, human_labels)
    found = find_attention(clips.head(n), manifest, bundle, hidden=hidden)
    if not found:
        return _say_nothing_to_show()
    figure = sheet(7, 2.5 * len(found))
    names = dict(zip(clips["clip_id"], clips["path"], strict=True))
    for line, (clip_id, look) in zip(figure.subplots(len(found), 3, squeeze=False), found.items(), strict=True):
        for axes in line:
            axes.set_axis_off()
        line[0].imshow(look.frame)
        line[0].set_title(str(names[clip_id]).split("/")[-1], loc="left", fontsize="small")
        for axes, label, word in zip(line[1:], look.maps, ("likeliest", "true"), strict=False):
            axes.imshow(look.paint(label))
            axes.set_title(f"for {label} ({word})", loc="left", fontsize="small")
    return figure


def _say_nothing_to_show() -> Figure:
    figure = sheet(9, 1.2)
    axes = figure.subplots()  # a notebook shows nothing for a figure without axes
    axes.set_axis_off()
    axes.text(0.5, 0.5, "no clip to show", ha="center", va="center", color=GREY)
    return figure


def _draw_frames(axes: Axes, frames: pd.DataFrame, labels: tuple[str, ...]) -> None:
    ordered = frames.sort_values("time_s")
    for name, colour in colours(labels).items():
        axes.plot(ordered["time_s"], ordered[f"p_{name}"], marker="o", markersize=4, color=colour, label=name)
    axes.set_ylim(-0.02, 1.02)


def _draw_picture(axes: Axes, clip: Clip | None, manifest: Manifest, time_s: float, frames: pd.DataFrame) -> None:
    from matplotlib.patches import Rectangle

    axes.set(xticks=[], yticks=[])
    pixels = _read_frame(clip, manifest, time_s) if clip is not None else None
    if pixels is None:
        axes.set_facecolor("0.9")
        axes.text(0.5, 0.5, "no picture", ha="center", va="center", color=GREY, transform=axes.transAxes)
        return
    axes.imshow(pixels)
    height, width = pixels.shape[:2]
    for x0, y0, x1, y1 in _read_boxes(frames, time_s):
        corner, size = (x0 * width, y0 * height), ((x1 - x0) * width, (y1 - y0) * height)
        axes.add_patch(Rectangle(corner, *size, fill=False, edgecolor=VERMILION, linewidth=1.5))


def _read_frame(clip: Clip, manifest: Manifest, time_s: float) -> NDArray[np.uint8] | None:
    """Return the frame nearest to this time, uint8 [H, W, 3]; None where the clip cannot be read."""
    wanted = np.array([time_s if np.isfinite(time_s) else 0.0])
    try:
        frames = decode(clip, manifest.root, times_s=wanted, short_side_px=PICTURE_PX)
    except MediaError:
        return None
    return np.asarray(frames.pixels[0], np.uint8)


def _read_boxes(frames: pd.DataFrame, time_s: float) -> list[Any]:
    """Return the boxes of the frame at this time, xyxy in fractions."""
    if frames.empty or "boxes" not in frames.columns or not np.isfinite(time_s):
        return []
    text = frames.iloc[int((frames["time_s"] - time_s).abs().to_numpy().argmin())]["boxes"]
    return [box["xyxy"] for box in json.loads(text)] if isinstance(text, str) else []
