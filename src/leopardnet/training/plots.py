"""Pictures of a run: a contact sheet of training frames, and curves over the epochs. Needs no torch."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from leopardnet.bundle.run_history import history_points
from leopardnet.core.tables import atomic_path
from leopardnet.training.rank_epochs import find_best

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_BYTES = 1_500_000
MAX_TILE_PX, MIN_TILE_PX = 192, 64
CAPTION_PX, GAP_PX = 18, 4
PAPER, INK = (255, 255, 255), (40, 40, 40)
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "0.7"

Row = Mapping[str, Any]


# --- frames ---


def draw_contact_sheet(images: NDArray[np.uint8], captions: Sequence[str], path: Path, *, columns: int = 8) -> Path:
    """Write one PNG of frames uint8 [N, 3, S, S] in rows, each above its caption, and return `path`.

    Tiles are as large as a file of 1.5 MB allows. Raises ValueError unless there is one caption per frame.
    """
    if len(captions) != len(images):
        raise ValueError(f"{len(images)} frames and {len(captions)} captions")
    tile_px = min(MAX_TILE_PX, max(MIN_TILE_PX, images.shape[-1]))
    while True:
        data = _encode_png(_arrange_tiles(images, captions, tile_px, columns))
        if len(data) <= MAX_BYTES or tile_px <= MIN_TILE_PX:
            break
        tile_px = max(MIN_TILE_PX, int(tile_px * 0.9))
    with atomic_path(path) as part:
        part.write_bytes(data)
    return path


def _arrange_tiles(images: NDArray[np.uint8], captions: Sequence[str], tile_px: int, columns: int) -> Image.Image:
    columns = max(1, min(columns, len(images)))
    rows = max(1, math.ceil(len(images) / columns))
    step_x, step_y = tile_px + GAP_PX, tile_px + CAPTION_PX + GAP_PX
    sheet = Image.new("RGB", (columns * step_x + GAP_PX, rows * step_y + GAP_PX), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=12)
    for i, (frame, caption) in enumerate(zip(images, captions, strict=True)):
        x, y = GAP_PX + i % columns * step_x, GAP_PX + i // columns * step_y
        tile = Image.fromarray(np.ascontiguousarray(frame.transpose(1, 2, 0)))  # HWC
        sheet.paste(tile.resize((tile_px, tile_px), Image.Resampling.BOX), (x, y))
        draw.text((x + 1, y + tile_px + 2), _shorten(caption, font, tile_px), fill=INK, font=font)
    return sheet


def _shorten(text: str, font: ImageFont.ImageFont | ImageFont.FreeTypeFont, width_px: int) -> str:
    """Return the text, or as much of it as fits, with an ellipsis."""
    if font.getlength(text) <= width_px:
        return text
    while text and font.getlength(text + "…") > width_px:
        text = text[:-1]
    return text + "…"


def _encode_png(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG", optimize=True)
    return data.getvalue()


# --- figures over epochs ---

PANELS = {
    "val_macro_f1": "Macro-F1 on clips not trained on (higher is better)",
    "val_nll": "NLL on clips not trained on (lower is better)",
    "train_loss": "Training loss",
    "lr": "Learning rate of the head",
}


def save_curves(history: Sequence[Row], path: Path, *, kept: int | None = None) -> Path:
    """Write a PNG of loss, macro-F1, NLL and learning rate over epochs, and return `path`. See `draw_curve`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # without pyplot, which looks for a window system
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, key in zip(figure.subplots(2, 2).flat, PANELS, strict=True):
        draw_curve(axes, history, key, kept=kept)
    data = io.BytesIO()
    figure.savefig(data, format="png", metadata={"Software": None})
    with atomic_path(path) as part:
        part.write_bytes(data.getvalue())
    return path


def draw_curve(axes: Axes, history: Sequence[Row], key: str, *, kept: int | None = None) -> None:
    """Draw one figure of a training run over its epochs; epoch 0 is the linear probe.

    key: one of `PANELS`. history: rows with epoch, train_loss, val_macro_f1, val_nll and lr, each of which may be
    missing, None or NaN. Rows with a `fold` are drawn as thin lines. The thick line is that of the rows without a
    fold, or else the mean of the folds. kept: the epoch whose weights are kept, by default the best one.
    """
    folds = sorted({row["fold"] for row in history if row.get("fold") is not None}, key=str)
    main = [row for row in history if row.get("fold") is None] or _average_folds(history)
    if kept is None and main:
        kept = int(find_best(main)["epoch"])
    for fold in folds:
        label = "one fold" if fold == folds[0] else None
        _draw_line(axes, [r for r in history if r.get("fold") == fold], key, color=GREY, linewidth=1.0, label=label)
    _draw_line(axes, main, key, color=BLUE, linewidth=2.0, marker="o", markersize=4, label="all folds")
    _format_axes(axes, main, key)
    if kept is not None and key.startswith("val_"):
        _mark_kept(axes, main, key, kept)
    if folds and key == "val_macro_f1":
        axes.legend(loc="lower right", frameon=False, fontsize="small")


def _average_folds(history: Sequence[Row]) -> list[dict[str, float]]:
    """Return one row for each epoch that any fold reached, with the means of the figures that are numbers."""
    rows = []
    for epoch in sorted({int(row["epoch"]) for row in history}):
        of_epoch = [row for row in history if row["epoch"] == epoch]
        values = {key: [y for _, y in history_points(of_epoch, key)] for key in PANELS}
        rows.append({"epoch": float(epoch), **{key: sum(v) / len(v) for key, v in values.items() if v}})
    return rows


def _draw_line(axes: Axes, rows: Sequence[Row], key: str, **style: Any) -> None:
    points = history_points(rows, key)
    if len(points) == 1:
        style["marker"] = "o"  # a line of one point would be invisible
    axes.plot([x for x, _ in points], [y for _, y in points], **style)


def _format_axes(axes: Axes, main: Sequence[Row], key: str) -> None:
    axes.set_title(PANELS[key], loc="left", fontsize="medium")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="0.92")
    last = max((int(row["epoch"]) for row in main), default=0)
    axes.set_xlim(-0.4, last + 0.4)
    axes.set_xticks(range(0, last + 1, max(1, math.ceil(last / 10))))
    axes.set_xlabel("epoch (0: linear probe)")
    if key == "lr":
        axes.ticklabel_format(axis="y", style="sci", scilimits=(-2, 2))
    if key == "val_macro_f1":
        axes.set_ylim(0, 1.02)
    if not history_points(main, key):
        axes.text(0.5, 0.5, "nothing was measured", transform=axes.transAxes, ha="center", color="0.5")
        axes.set_yticks([])


def _mark_kept(axes: Axes, main: Sequence[Row], key: str, kept: int) -> None:
    """Mark the kept epoch with a ring, a dotted line and its figure."""
    for _, value in history_points([row for row in main if row["epoch"] == kept], key):
        axes.vlines(kept, 0, 1, transform=axes.get_xaxis_transform(), color=ORANGE, linewidth=1.0, linestyle=":")
        axes.plot([kept], [value], "o", markersize=11, fillstyle="none", color=ORANGE)
        on_left = kept > max(int(row["epoch"]) for row in main) / 2
        axes.annotate(
            f"kept: {value:.3f}",
            (kept, value),
            xytext=(-9 if on_left else 9, -14),
            textcoords="offset points",
            ha="right" if on_left else "left",
            color=ORANGE,
            fontsize="small",
        )
