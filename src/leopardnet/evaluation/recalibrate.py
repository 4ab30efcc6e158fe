"""A temperature from one's own clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.bundle.bundle import Bundle
from leopardnet.core.columns import table_labels
from leopardnet.core.errors import BundleError, ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.evaluation.protocol import sites_of
from leopardnet.metrics.bootstrap import Estimate
from leopardnet.metrics.comparison.compare import answers
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.join_truth import join_truth
from leopardnet.score.calibrate import (
    Calibration,
    apply_calibration,
    cross_calibrate,
    fit_temperature,
    refuse_sharpening,
    undo_calibration,
)


@dataclass(frozen=True, eq=False)
class CalibrationClips:
    """Labelled clips with a site the model was not trained on. `table` has `truth` and `site`; `n_left_out` were trained on."""

    table: pd.DataFrame
    n_left_out: int

    @classmethod
    def of(cls, predictions: Predictions, manifest: Manifest, *, outside: Sequence[str] = ()) -> CalibrationClips:
        """The clips of these predictions that may set temperature and thresholds.

        outside: labels of the manifest that the model was not taught. Raises ManifestError where none is left.
        """
        table = join_truth(predictions.table, manifest.clip_labels(), sites_of(manifest), outside=outside)
        rows = manifest.table
        trained = set(rows.loc[rows["split"] == "train", "site"].dropna())
        ids = set(rows.loc[rows["split"] == "train", "clip_id"])
        known = table["site"].isin(trained) | table["clip_id"].isin(ids)
        if known.all():
            raise ManifestError(
                "every clip comes from a site that the model was trained on",
                where="manifest, column split",
                todo="predict clips of other sites: these would make the model look surer than it is",
            )
        return cls(table[~known].reset_index(drop=True), int((known & table["truth"].notna()).sum()))

    @property
    def probs(self) -> NDArray[np.float64]:
        """float64 [M, C], nan for unreadable clips."""
        return self.table[[f"p_{x}" for x in table_labels(self.table)]].to_numpy(np.float64)

    @property
    def y(self) -> NDArray[np.int64]:
        """int64 [M], the true class; -1 without a label."""
        return pd.Index(table_labels(self.table)).get_indexer(pd.Index(self.table["truth"])).astype(np.int64)

    def with_probs(self, probs: NDArray[np.float64]) -> CalibrationClips:
        """The same clips under other probabilities."""
        names = [f"p_{x}" for x in table_labels(self.table)]
        return replace(self, table=self.table.assign(**{name: probs[:, i] for i, name in enumerate(names)}))


@dataclass(frozen=True, eq=False)
class Recalibration:
    """A new temperature, and the calibration error before it and after it, both on clips that did not set it."""

    calibration: Calibration
    before: Estimate
    after: Estimate
    clips: CalibrationClips

    def __repr__(self) -> str:
        c = self.calibration
        return (
            f"temperature {c.temperature:.3f} from {c.n_clips} clips of {c.n_sites} sites{' (' + c.reason + ')' if c.reason else ''}; "
            f"ECE {self.before} before, {self.after} after, each site under a temperature of the others"
        )


def recalibrate(
    predictions: Predictions, manifest: Manifest, bundle: Bundle, *, outside: Sequence[str] = ()
) -> Recalibration:
    """A temperature for the bundle from clips of one's own, and the clips as they look under it.

    outside: labels that the model was not taught; such clips have no part in the fit. Raises BundleError where another
    model made the predictions.
    """
    require_same_model(predictions, bundle)
    clips = CalibrationClips.of(predictions, manifest, outside=outside)
    use = np.isfinite(clips.probs).all(axis=1) & (clips.y >= 0)
    logits = undo_calibration(clips.probs, bundle.spec.calibration)  # [M, C]
    sites = clips.table["site"].tolist()
    chosen = [s for s, used in zip(sites, use, strict=True) if used]
    fitted = refuse_sharpening(fit_temperature(logits[use], clips.y[use], sites=chosen), bundle.spec.calibration)
    honest = clips.probs.copy()
    if fitted.temperature != bundle.spec.calibration.temperature:  # else nothing changes, and nothing gets better
        honest[use] = cross_calibrate(logits[use], clips.y[use], chosen)
    truth = clips.table.set_index("clip_id")["truth"].dropna()
    before, after = (
        evaluate_clips(answers(clips.table[use], p[use]), truth, n_boot=1000).ece for p in (clips.probs, honest)
    )
    renewed = np.where(np.isfinite(logits), apply_calibration(logits, fitted), np.nan)
    return Recalibration(fitted, before, after, clips.with_probs(renewed))


def require_same_model(predictions: Predictions, bundle: Bundle) -> None:
    """Raise BundleError where another model made the predictions."""
    made_by = sorted(predictions.table["bundle_id"].astype(str).unique())
    if made_by != [bundle.id]:
        raise BundleError(
            "these predictions were made by another model",
            where="predictions, column bundle_id",
            found=", ".join(made_by) or "no row",
            expected=bundle.id,
            todo="predict the clips with this bundle; scores of two models do not compare",
        )
