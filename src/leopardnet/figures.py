"""Figures from tables, for notebooks: each is a matplotlib Figure that nothing has drawn anywhere yet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from leopardnet.core.types import ManifestError
from leopardnet.infer.results import Predictions
from leopardnet.report.palette import label_styles
from leopardnet.score.metrics import Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GREY = "0.55"


def learning_curve(history: Sequence[Mapping[str, float]]) -> Figure:
    """Macro-F1 on validation clips, epoch by epoch; epoch 0 is the linear probe, and a ring marks what was kept.

    history: `Run.history`, or `summary.read_history` of a run folder.

    >>> learning_curve([{"epoch": 0, "val_macro_f1": 0.5, "val_nll": 1.0}]).axes[0].get_ylabel()
    'macro-F1 on validation clips'
    """
    figure, axes = _blank(6, 3)
    epochs = [int(row["epoch"]) for row in history]
    scores = [row["val_macro_f1"] for row in history]
    axes.plot(epochs, scores, marker="o", color="#0072b2")
    if history:
        best = max(history, key=lambda row: (row["val_macro_f1"], -row["val_nll"]))
        axes.plot(best["epoch"], best["val_macro_f1"], "o", markersize=14, fillstyle="none", color="#d55e00")
    axes.set(xlabel="epoch (0: linear probe)", ylabel="macro-F1 on validation clips", ylim=(0, 1), xticks=epochs)
    return figure


def over_time(predictions: Predictions, clip_id: str) -> Figure:
    """The probabilities of each judged frame of a clip over its time in seconds, one line per label.

    Raises ManifestError where the clip is unknown, or has no judged frame.
    """
    row = predictions.table[predictions.table["clip_id"] == clip_id]
    frames = predictions.evidence[predictions.evidence["clip_id"] == clip_id].sort_values("time_s")
    if row.empty or frames.empty:
        raise ManifestError(
            "this clip has no frames to show", where="clip_id", found=clip_id,
            expected="a clip of the predictions that could be read, with evidence.parquet beside them",
        )  # fmt: skip
    figure, axes = _blank(7, 3)
    for style in label_styles(predictions.labels, None):
        colour = GREY if style.is_empty else style.colour
        axes.plot(frames["time_s"], frames[f"p_{style.name}"], marker="o", color=colour, label=style.name)
    axes.set(xlabel="time in the clip, s", ylabel="probability, each frame alone", ylim=(-0.02, 1.02))
    axes.set_title(f"{row['path'].iloc[0]}: {row['decision'].iloc[0]}", loc="left", fontsize="medium")
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return figure


def confusion_map(evaluation: Evaluation) -> Figure:
    """True labels (rows) against likeliest labels (columns): shares of each row as shade, clips as numbers.

    A label without a clip has an empty row.
    """
    counts = evaluation.confusion.to_numpy(np.float64)  # [C, C + 1]
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure, axes = _blank(1.6 + 0.9 * counts.shape[1], 1.4 + 0.6 * counts.shape[0])
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (i, k), n in np.ndenumerate(counts):
        axes.text(k, i, f"{int(n)}", ha="center", va="center", color="white" if shares[i, k] > 0.6 else "black")
    columns: list[Any] = list(evaluation.confusion.columns)
    axes.set_xticks(range(len(columns)), columns, rotation=30, ha="right")
    axes.set_yticks(range(len(counts)), list(evaluation.confusion.index))
    axes.set(xlabel="likeliest label", ylabel="true label")
    return figure


def _blank(width_in: float, height_in: float) -> tuple[Figure, Axes]:
    # without pyplot: nothing is kept open, and no window system is looked for
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), layout="constrained")
    return figure, figure.add_subplot()
