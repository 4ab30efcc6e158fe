"""Several sets of predictions for the same clips, side by side: aggregators of the same frames, and baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from leopardnet.metrics.bootstrap import Estimate, estimate, estimate_row, interval_columns
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.metrics.labelled_clips import LabelledClips

FIRST_COLUMNS = (
    "n_clips",
    "n_sites",
    "n_right",
    "macro_f1",
    "behind",
    "top1",
    "subset",
    "presence_auroc",
    "removed_at_0.95",
    "removed_at_0.99",
    "ece",
)


def compare(
    variants: Mapping[str, LabelledClips],
    *,
    model: Evaluation | None = None,
    targets: Sequence[str] = (),
    presence_only: Sequence[str] = (),
    n_boot: int = 1000,
    seed: int = 7,
) -> pd.DataFrame:
    """Return one row per variant with `headline_figures` and their intervals; the index is called `way`.

    variants: the same clips with other probabilities. model: the evaluation of the model, made with the same
    `n_boot` and `seed`; then `behind` is the macro F1 of the model minus that of the row. Both use the same draws
    of sites, so this interval is narrower than the two suggest: above 0, the model is better. presence_only: names
    of variants that only distinguish animals from empty clips.
    """
    rows: dict[str, dict[str, float]] = {}
    for name, clips in variants.items():
        found = evaluate_clips(clips, targets=targets, n_boot=n_boot, seed=seed)
        estimates = headline_figures(found, targets, presence_only=name in presence_only)
        if model is not None and name not in presence_only:
            estimates["behind"] = _difference(model, found)
        rows[name] = estimate_row(estimates)
    return order_columns(pd.DataFrame.from_dict(rows, orient="index").rename_axis("way"))


def headline_figures(
    found: Evaluation, targets: Sequence[str], *, presence_only: bool = False
) -> dict[str, Estimate]:
    """Return the figures that variants and slices are compared by.

    These are macro_f1, top1 (of independent labels subset), presence_auroc, the share of empty clips removed at a
    recall of animals of 0.95 and 0.99, ece, and recall and auprc of the targets; with `presence_only`, those that
    need no species.
    """
    presence = {"presence_auroc": found.presence_auroc}
    presence |= {f"removed_at_{recall:g}": x for recall, x in found.empty_removal().items()}
    if presence_only:
        return presence
    of_targets = {f"{m}_{name}": found.label_estimate(name, m) for name in targets for m in ("recall", "auprc")}
    right = {"subset": found.subset} if found.is_multi else {"top1": found.top1}
    return {"macro_f1": found.macro_f1, **right, **presence, "ece": found.ece, **of_targets}


def order_columns(table: pd.DataFrame) -> pd.DataFrame:
    """Return the same table with the most important figures first."""
    first = [c for name in FIRST_COLUMNS for c in interval_columns(name) if c in table.columns]
    return table[[*first, *[c for c in table.columns if c not in first]]]


def _difference(model: Evaluation, other: Evaluation) -> Estimate:
    """Return by how much the macro F1 of the model is higher; without an interval where the draws do not match."""
    a, b = model.macro_f1_draws, other.macro_f1_draws
    value = model.macro_f1.value - other.macro_f1.value
    return estimate(value, a - b, model.n_groups) if a.shape == b.shape else Estimate(value)
