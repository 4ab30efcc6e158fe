"""The model card: what a model is, what it was made from, how it did, and what it must not be used for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

if TYPE_CHECKING:
    from leopardnet.infer.bundle import BundleSpec

LIMITS = """\
- The figures below come from validation clips of the data it was trained with. They are not accuracy at your sites:
  evaluate on labelled clips of your own cameras before you rely on it.
- Animals that are not among its labels will still be given one of them, or `unsure`.
- "empty" is a probability, not a fact. Do not delete footage because of it.
"""


def model_card(spec: BundleSpec, data: pd.DataFrame) -> str:
    """The card as Markdown. `data`: label, split, n_frames, n_clips, n_sites."""
    labels = ", ".join(
        x.name + (f" (*{x.scientific_name}*)" if x.scientific_name else "") for x in spec.labels.labels
    )
    history = spec.provenance.get("history") or [{}]
    best = max(history, key=lambda row: (row.get("val_macro_f1") or 0.0, -(row.get("val_nll") or 0.0)))
    calibration = spec.calibration
    p = spec.preprocess
    lines = [
        f"# {spec.name}", "",
        "A species classifier for camera-trap footage, made with leopardnet.", "",
        "## What it says", "",
        f"Labels: {labels}.", "",
        f"Labels that are never dropped silently: {', '.join(spec.labels.targets) or 'none'}.", "",
        "## What it must not be used for", "", LIMITS,
        "## Data", "", _markdown_table(data.to_dict("records")), "",
        "## Figures", "",
        f"Macro-F1 {_figure(best.get('val_macro_f1'))} over {best.get('n_val_clips', 0):.0f} validation clips "
        f"(epoch {best.get('epoch', 0)}; epoch 0 is the linear probe). This epoch was chosen on the same clips, so the "
        "figure flatters.", "",
        f"Calibration: temperature {calibration.temperature:.3f}, fitted on {calibration.n_clips} clips of "
        f"{calibration.n_sites} sites" + (f" ({calibration.reason})." if calibration.reason else "."), "",
        "## How it works", "",
        f"- Backbone: {spec.model.backbone}, weights trained on {spec.model.trained_on or 'not stated'}.",
        f"- Frames: {spec.sampling.model_dump()}.",
        f"- Input: {p.size_px} px, {p.resize}; top {p.crop_top:.0%} and bottom {p.crop_bottom:.0%} of the height cut away.",
        f"- From frames to the clip: {spec.aggregate.name}.",
        f"- Thresholds: {spec.decide.model_dump()}.", "",
        "## Licences", "",
        f"- Backbone weights: {spec.model.licence or 'not stated'}.",
        "- Training data: stated by whoever trained this model; nothing is known here.", "",
    ]  # fmt: skip
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return "not known" if value is None else f"{value:.3f}"


def _markdown_table(rows: list[dict[Any, Any]]) -> str:
    if not rows:
        return "not stated"
    head = [str(k) for k in rows[0]]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    lines += ["| " + " | ".join(str(v) for v in row.values()) + " |" for row in rows]
    return "\n".join(lines)
