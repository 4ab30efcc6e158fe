"""Pictures of a run for people: the frames that the network saw, and how the figures went."""

from __future__ import annotations

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from leopardnet.core.tables import atomic_path

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
    """`path`, after writing there one PNG of frames uint8 [N, 3, S, S] in rows, each above its caption.

    Tiles are as large as 1.5 MB allow. Raises ValueError where there is not one caption for each frame.
    """
    if len(captions) != len(images):
        raise ValueError(f"{len(images)} frames and {len(captions)} captions")
    tile_px = min(MAX_TILE_PX, max(MIN_TILE_PX, images.shape[-1]))
    while True:
        data = _png(_sheet(images, captions, tile_px, columns))
        if len(data) <= MAX_BYTES or tile_px <= MIN_TILE_PX:
            break
        tile_px = max(MIN_TILE_PX, int(tile_px * 0.9))
    with atomic_path(path) as part:
        part.write_bytes(data)
    return path


def _sheet(images: NDArray[np.uint8], captions: Sequence[str], tile_px: int, columns: int) -> Image.Image:
    columns = max(1, min(columns, len(images)))
    rows = max(1, math.ceil(len(images) / columns))
    step_x, step_y = tile_px + GAP_PX, tile_px + CAPTION_PX + GAP_PX
    sheet = Image.new("RGB", (columns * step_x + GAP_PX, rows * step_y + GAP_PX), PAPER)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=12)
    for i, (frame, caption) in enumerate(zip(images, captions, strict=True)):
        x, y = GAP_PX + i % columns * step_x, GAP_PX + i // columns * step_y
        tile = Image.fromarray(np.ascontiguousarray(frame.transpose(1, 2, 0)))  # HWC
        sheet.paste(tile.resize((tile_px, tile_px), Image.Resampling.BOX), (x, y))
        draw.text((x + 1, y + tile_px + 2), _shortened(caption, font, tile_px), fill=INK, font=font)
    return sheet


def _shortened(text: str, font: Any, width_px: int) -> str:
    """The text, its end cut off with an ellipsis where it would not fit."""
    if font.getlength(text) <= width_px:
        return text
    while text and font.getlength(text + "…") > width_px:
        text = text[:-1]
    return text + "…"


def _png(image: Image.Image) -> bytes:
    data = io.BytesIO()
    image.save(data, "PNG", optimize=True)
    return data.getvalue()


# --- figures over epochs ---


def save_curves(history: Sequence[Row], path: Path, *, kept: int | None = None) -> Path:
    """`path`, after writing there a PNG of loss, macro-F1, NLL and learning rate over epochs; epoch 0 is the probe.

    history: rows with epoch, train_loss, val_macro_f1, val_nll and lr, each of which may be missing, None or NaN. Rows
    that name a `fold` are thin lines; the thick one is of the rows that name none, or else the mean of the folds.
    kept: the epoch whose weights are kept, by default the one with the best macro-F1, at a tie the lower NLL.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # without pyplot: no window system is looked for
    from matplotlib.figure import Figure

    folds = sorted({row["fold"] for row in history if row.get("fold") is not None}, key=str)
    main = [row for row in history if row.get("fold") is None] or _mean_of_folds(history)
    if kept is None and main:
        kept = int(max(main, key=lambda r: (_value(r, "val_macro_f1", -1.0), -_value(r, "val_nll", 1e9)))["epoch"])
    figure = Figure(figsize=(10, 6), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (key, title) in zip(figure.subplots(2, 2).flat, PANELS.items(), strict=True):
        for fold in folds:
            label = "one fold" if fold == folds[0] else None
            _line(axes, [r for r in history if r.get("fold") == fold], key, color=GREY, linewidth=1.0, label=label)
        _line(axes, main, key, color=BLUE, linewidth=2.0, marker="o", markersize=4, label="all folds")
        _dress(axes, main, key, title, kept)
        if folds and key == "val_macro_f1":
            axes.legend(loc="lower right", frameon=False, fontsize="small")
    data = io.BytesIO()
    figure.savefig(data, format="png", metadata={"Software": None})
    with atomic_path(path) as part:
        part.write_bytes(data.getvalue())
    return path


PANELS = {
    "val_macro_f1": "Macro-F1 on clips not trained on (higher is better)",
    "val_nll": "NLL on clips not trained on (lower is better)",
    "train_loss": "Training loss",
    "lr": "Learning rate of the head",
}


def _value(row: Row, key: str, default: float = math.nan) -> float:
    value = row.get(key)
    return default if value is None or math.isnan(value) else float(value)


def _mean_of_folds(history: Sequence[Row]) -> list[dict[str, float]]:
    """One row for each epoch that any fold reached: the mean of what is a number."""
    rows = []
    for epoch in sorted({int(row["epoch"]) for row in history}):
        there = [row for row in history if row["epoch"] == epoch]
        mean = {"epoch": float(epoch)}
        for key in PANELS:
            values = [v for row in there if not math.isnan(v := _value(row, key))]
            if values:
                mean[key] = sum(values) / len(values)
        rows.append(mean)
    return rows


def _line(axes: Axes, rows: Sequence[Row], key: str, **style: Any) -> None:
    points = [(int(row["epoch"]), value) for row in rows if not math.isnan(value := _value(row, key))]
    if len(points) == 1:
        style["marker"] = "o"  # a line of one point would not be seen
    axes.plot([x for x, _ in points], [y for _, y in points], **style)


def _dress(axes: Axes, main: Sequence[Row], key: str, title: str, kept: int | None) -> None:
    axes.set_title(title, loc="left", fontsize="medium")
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
    if not any(not math.isnan(_value(row, key)) for row in main):
        axes.text(0.5, 0.5, "nothing was measured", transform=axes.transAxes, ha="center", color="0.5")
        axes.set_yticks([])
    for row in main:
        value = _value(row, key)
        if row["epoch"] == kept and key.startswith("val_") and not math.isnan(value):
            axes.axvline(kept, color=ORANGE, linewidth=1.0, linestyle=":")
            axes.plot([kept], [value], "o", markersize=11, fillstyle="none", color=ORANGE)
            side = -1 if kept > last / 2 else 1
            axes.annotate(
                f"kept: {value:.3f}",
                (kept, value),
                xytext=(9 * side, -14),
                textcoords="offset points",
                ha="left" if side > 0 else "right",
                color=ORANGE,
                fontsize="small",
            )
