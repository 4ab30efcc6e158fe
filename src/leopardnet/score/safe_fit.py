"""Calibrations that make a model no surer than the number of sites can show, and are judged at other sites."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from leopardnet.score.calibrate import Calibration, apply_calibration, count_sites, fit_independent, fit_temperature
from leopardnet.score.presence_shift import ClipLengths, PresenceShift, fit_shift, shift_presence

MIN_SITES_TO_SHARPEN = 10


def cross_calibrate(
    clip_logits: NDArray[np.float64],
    y: NDArray[np.int64] | NDArray[np.bool_],
    sites: Sequence[str | None],
    *,
    n_folds: int = 5,
    temperature: float | None = None,
    lengths: ClipLengths | None = None,
) -> NDArray[np.float32]:
    """Return probabilities float32 [M, C] of each clip with a temperature fitted without its site.

    Calibration figures on the clips to which the temperature was fitted would be too good; these are not. Clips
    without a site form one site. With fewer than two sites the temperature is 1. y: as in `fit_temperature`, or
    bool [M, C] for independent labels, for which the temperature may be given. lengths: fit a shift of presence
    without its site, too.
    """
    from sklearn.model_selection import GroupKFold

    multi = np.ndim(y) == 2
    logits, truth = np.asarray(clip_logits, np.float64), y
    fit = partial(fit_independent, temperature=temperature) if multi else fit_temperature
    groups = np.array([str(s) if s is not None and s == s else "" for s in sites])
    n_sites = len(np.unique(groups))
    probs = apply_calibration(logits, Calibration(1.0), multi=multi)
    if n_sites < 2:
        return probs
    for others, here in GroupKFold(min(n_folds, n_sites)).split(logits, groups=groups):
        near, far = logits[here], logits[others]
        if lengths is not None:
            shift = fit_shift(far, truth[others].astype(np.int64), lengths.select(others), groups[others].tolist())
            near, far = (
                shift_presence(z, shift, lengths.select(rows)) for z, rows in ((near, here), (far, others))
            )
        probs[here] = apply_calibration(near, fit(far, truth[others]), multi=multi)
    return probs


def refuse_sharpening(fitted: Calibration, before: Calibration) -> Calibration:
    """Return `fitted`, or the temperature of `before` if `fitted` is lower (sharper) and based on too few sites.

    A few easy sites would make a model overconfident, and a leopard might be called empty. Too little confidence
    only costs a person's time.
    """
    if fitted.temperature >= before.temperature or fitted.n_sites >= MIN_SITES_TO_SHARPEN:
        return fitted
    reason = (
        f"kept: the fit of {fitted.temperature:.2f} would make the model surer, which needs clips of at least "
        f"{MIN_SITES_TO_SHARPEN} sites"
    )
    return replace(fitted, temperature=before.temperature, reason="; ".join(filter(None, (fitted.reason, reason))))


def fit_safely(
    clip_logits: NDArray[np.float64],
    y: NDArray[np.int64] | NDArray[np.bool_],
    *,
    sites: Sequence[str | None],
    before: Calibration,
    lengths: ClipLengths | None = None,
) -> Calibration:
    """Return the calibration of one label per clip (y: int [M]) or of independent labels (bool [M, C]).

    clip_logits: not shifted. The temperature is not lowered below that of `before` on too few sites; see
    `refuse_sharpening`. lengths: of clips with one label; with them presence is shifted by kind and number of
    frames, where there are sites enough to sharpen and clips of other sites become likelier by it. On fewer sites
    the shift of `before` stays.
    """
    if np.ndim(y) == 1:
        truth = y.astype(np.int64)
        shift = before.shift
        if lengths is not None and count_sites(sites) >= MIN_SITES_TO_SHARPEN:
            shift = _fit_useful_shift(clip_logits, truth, lengths, sites)
        fitted = fit_temperature(shift_presence(clip_logits, shift, lengths), truth, sites=sites)
        return refuse_sharpening(replace(fitted, shift=shift), before)
    shows = y.astype(bool)
    fitted = fit_independent(clip_logits, shows, sites=sites)
    if not fitted.biases:  # nothing could be fitted
        return replace(fitted, temperature=before.temperature, biases=before.biases)
    kept = refuse_sharpening(fitted, before)
    if kept.temperature == fitted.temperature:
        return kept
    return replace(kept, biases=fit_independent(clip_logits, shows, temperature=kept.temperature).biases)


def _fit_useful_shift(
    clip_logits: NDArray[np.float64], y: NDArray[np.int64], lengths: ClipLengths, sites: Sequence[str | None]
) -> PresenceShift | None:
    """Return the shift of presence, or None where it makes clips of sites without a part in it no likelier."""
    shift = fit_shift(clip_logits, y, lengths, sites)
    if shift is None:
        return None
    plain, shifted = (cross_calibrate(clip_logits, y, sites, lengths=x) for x in (None, lengths))
    rows = np.arange(len(y))
    gain = np.log(np.maximum(shifted[rows, y], 1e-12)) - np.log(np.maximum(plain[rows, y], 1e-12))
    return shift if gain.sum() > 0 else None
