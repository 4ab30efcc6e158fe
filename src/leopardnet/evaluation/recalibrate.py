"""A temperature from labelled clips of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logit

from leopardnet.bundle.bundle import Bundle
from leopardnet.bundle.learned_from import mark_learned
from leopardnet.core.columns import HELD_OUT
from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.metrics.bootstrap import Estimate, Floats
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.judges.label_choice import UNKNOWN_CHOICE, LabelChoice
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.score.calibrate import Calibration, apply_calibration, undo_calibration
from leopardnet.score.presence_shift import ClipLengths, shift_presence
from leopardnet.score.safe_fit import cross_calibrate, fit_safely


@dataclass(frozen=True, eq=False)
class Recalibration:
    """A new temperature, and the calibration error before and after, each on clips that had no part in fitting it.

    clips: the clips that set it, with their probabilities under the new temperature; see `find_thresholds`.
    """

    calibration: Calibration
    before: Estimate
    after: Estimate
    clips: LabelledClips

    def __repr__(self) -> str:
        c = self.calibration
        fitted = f"temperature {c.temperature:.3f} from {c.basis}"
        if c.biases:
            fitted = f"temperature {c.temperature:.3f} and a bias for each of {len(c.biases)} labels from {c.basis}"
        shift = c.shift.describe() if c.shift else ""
        errors = f"ECE {self.before} before, {self.after} after, each site with the temperature of the others"
        return "; ".join(filter(None, (fitted, shift, errors, self.caveat)))

    @property
    def caveat(self) -> str:
        """That the calibration error did not become smaller, and what chose the calibration; '' if it did."""
        if self.after.value < self.before.value:
            return ""
        if self.after == self.before:
            return "nothing got better, because the probabilities stay as they were"
        return (
            "the ECE did not get better: what is chosen makes the labels likeliest (log loss), not the ECE smallest"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "calibration": self.calibration.to_dict(),
            "ece_before": self.before.to_dict(),
            "ece_after": self.after.to_dict(),
            "left_out": self.clips.taught.to_dict(),
            "labels_chosen": self.clips.choice.to_dict(),
        }


def recalibrate(
    predictions: Predictions,
    manifest: Manifest,
    bundle: Bundle,
    *,
    outside: Sequence[str] = (),
    choice: LabelChoice = UNKNOWN_CHOICE,
) -> Recalibration:
    """Return a temperature for the bundle, fitted on labelled clips of sites that the model was not trained on.

    outside: labels that the model was not taught; such clips have no part in the fit. choice: how the labels were
    chosen, as `read_judging_labels` says it; in the fit each clip counts as one, in the errors by its chance.

    Raises BundleError where another model made the predictions, and ManifestError where no clip is left and for the
    held-out scores of a training run, to which the temperature of the bundle was fitted already.

    >>> ln.recalibrate(predictions, manifest, bundle).calibration.temperature  # doctest: +SKIP
    1.32
    """
    predictions.require_model(bundle.id)
    if (predictions.table["in_training"] == HELD_OUT).any():
        raise ManifestError(
            "the temperature of this bundle was fitted to these clips already",
            where="predictions, column in_training",
            found="held-out scores of a training run",
            expected="predictions of clips of other sites",
            todo="find thresholds on them with `leopardnet thresholds`; to calibrate, label clips of other sites",
        )
    predictions = mark_learned(predictions, manifest, bundle)
    clips = LabelledClips.of(predictions, manifest, outside=outside, choice=choice).leave_out_training_sites()
    use = clips.is_readable & clips.is_known
    multi, old = clips.presence is not None, bundle.spec.calibration
    lengths = None
    if clips.i_empty is not None and not multi:
        lengths = ClipLengths.of_table(predictions.table, clips.clip_ids.tolist(), clips.i_empty)
    z = undo_calibration(clips.probs, old, multi=multi)  # [M, C]
    logits = shift_presence(z, old.shift, lengths, undo=True)
    truth = clips.y if clips.presence is None else clips.presence[:, : len(clips.labels)]
    sites, y = clips.sites[use].tolist(), truth[use]
    of_these = lengths.select(use) if lengths else None
    fitted = fit_safely(logits[use], y, sites=sites, before=old, lengths=of_these)
    shifted = shift_presence(logits, fitted.shift, lengths)
    unbiased, is_kept = clips.probs[use], fitted.temperature == old.temperature
    if not is_kept or (fitted.biases, fitted.shift) != (old.biases, old.shift):  # otherwise nothing gets better
        kept, is_new = (fitted.temperature if is_kept else None), fitted.shift != old.shift
        z, refit = (logits, of_these) if is_new and fitted.shift else (shifted, None)
        unbiased = cross_calibrate(z[use], y, sites, temperature=kept, lengths=refit).astype(np.float64)
    before, after = (
        evaluate_clips(clips.select(use).replace_probs(p), n_boot=1000).ece for p in (clips.probs[use], unbiased)
    )
    probs = _change_calibration(clips.probs, old, fitted, lengths, multi=multi)
    return Recalibration(fitted, before, after, clips.replace_probs(probs))


def _change_calibration(
    probs: Floats, old: Calibration, new: Calibration, lengths: ClipLengths | None, *, multi: bool
) -> Floats:
    """Return probabilities [M, C] under another calibration, nan where they are.

    Those that were rounded to 0, or of independent labels (multi) to 1, stay so: nobody knows what they were.
    """
    with np.errstate(divide="ignore"):
        logits = logit(probs) - np.array(old.biases or (0.0,)) if multi else np.log(probs)
    z = shift_presence(logits * old.temperature, old.shift, lengths, undo=True)
    return apply_calibration(shift_presence(z, new.shift, lengths), new, multi=multi).astype(np.float64)
