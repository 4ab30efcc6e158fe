"""Calibration of a clip's probabilities by one temperature, and for independent labels also a bias for each.

Temperature scaling (Guo et al. 2017, On Calibration of Modern Neural Networks) is fitted on clips, after
aggregation, on sites that the model was not trained on. It changes the confidence of the model, never the order of
its classes. Independent labels (`LabelSet.multi`) are log-odds; an aggregation of frames shifts each of them by
another amount, depending on how rare the label is, which a temperature cannot mend. So each has a bias too, drawn
towards 0 by a prior (normal, standard deviation 1), so that a label with few clips keeps almost none. Clips of
other kinds and lengths have another shift of presence, before the temperature (`score.presence_shift`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.errors import BundleError
from leopardnet.score.log_sums import expit, log_expit, log_softmax, softmax
from leopardnet.score.presence_shift import PresenceShift

MIN_CLIPS = 20
T_MIN, T_MAX = 0.25, 20.0
MIN_SITES = 5  # after fewer, an overconfident model is still too sure in a quarter to half of all cases


@dataclass(frozen=True, slots=True)
class Calibration:
    """A temperature and the data it was fitted on. Raises BundleError if it is not above 0.

    reason: why the temperature is 1 or at a bound; empty for an ordinary fit. biases: of independent labels, in
    log-odds, added after the temperature; none means 0 for all. shift: of presence by kind and number of frames,
    which `shift_presence` applies before.

    >>> Calibration.from_dict(Calibration(1.5, 120, 8, "").to_dict())
    Calibration(temperature=1.5, n_clips=120, n_sites=8, reason='')
    """

    temperature: float = 1.0
    n_clips: int = 0
    n_sites: int = 0
    reason: str = "not calibrated"
    biases: tuple[float, ...] = field(default=(), repr=False)
    shift: PresenceShift | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not (np.isfinite(self.temperature) and self.temperature > 0):
            raise BundleError(
                "the calibration has no valid temperature",
                where="calibration.temperature",
                found=self.temperature,
                expected="a number above 0",
                todo="run `leopardnet calibrate` again",
            )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; `from_dict` reads them back."""
        plain = asdict(self)
        biases, _ = [*plain.pop("biases")], plain.pop("shift")
        shift = {"shift": self.shift.to_dict()} if self.shift else {}
        return plain | ({"biases": biases} if biases else {}) | shift

    @property
    def is_calibrated(self) -> bool:
        """Whether the temperature was fitted, on clips of enough sites as far as these are known.

        >>> Calibration().is_calibrated, Calibration(1.5, 120, 8, "").is_calibrated
        (False, True)
        """
        return self.n_clips > 0 and not 0 < self.n_sites < MIN_SITES

    @property
    def basis(self) -> str:
        """What the temperature rests on, in words.

        >>> Calibration(1.5, 120, 8, "").basis, Calibration(1.5, 60, 3, "").basis
        ('120 clips of 8 sites', '60 clips of 3 sites (not calibrated: at least 5 sites are needed)')
        """
        few = f"not calibrated: at least {MIN_SITES} sites are needed" if 0 < self.n_sites < MIN_SITES else ""
        why = "; ".join(filter(None, (few, self.reason.rstrip("."))))
        return f"{self.n_clips} clips of {self.n_sites} sites" + (f" ({why})" if why else "")

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Calibration:
        """Return the calibration that `to_dict` described. Raises BundleError for missing or wrong values."""
        try:
            biases = tuple(map(float, data.get("biases", ())))
            counts = int(data["n_clips"]), int(data["n_sites"])
            shift = PresenceShift.from_dict(data["shift"]) if data.get("shift") else None
            return cls(float(data["temperature"]), *counts, str(data["reason"]), biases, shift)
        except (KeyError, TypeError, ValueError) as error:
            raise BundleError(
                "the calibration cannot be read",
                where="calibration",
                found=f"{type(error).__name__}: {error}",
                expected="temperature, n_clips, n_sites, reason",
            ) from None


def fit_temperature(
    clip_logits: NDArray[np.float64], y: NDArray[np.int64], *, sites: Sequence[str | None] | None = None
) -> Calibration:
    """Fit the temperature between 0.25 and 20 with the least negative log-likelihood of the true labels.

    clip_logits: float64 [M, C], from `aggregate` (or `undo_calibration`); y: int [M], true class indices; sites:
    the site of each clip, only counted. Nothing is fitted (temperature 1, with the reason) to fewer than 20 clips
    or to clips of one label, which say nothing about confidence. If nearly every clip is right, the likelihood
    grows as the temperature falls, down to the bound; `reason` says so.

    Raises ValueError for shapes that do not fit, for unknown classes, and for logits that are not finite: leave out
    unreadable clips.

    >>> fit_temperature(np.zeros((3, 2)), np.array([0, 1, 0])).reason
    'only 3 clips; at least 20 are needed'
    """
    from scipy.optimize import minimize_scalar

    logits, truth = _check_inputs(clip_logits, y)
    n_sites = count_sites(sites)
    reason = _reason_not_to_fit(truth)
    if reason:
        return Calibration(1.0, len(truth), n_sites, reason)

    rows = np.arange(len(truth))

    def nll(log_t: float) -> float:
        return float(-log_softmax(logits / np.exp(log_t), axis=1)[rows, truth].mean())

    found = minimize_scalar(nll, bounds=(np.log(T_MIN), np.log(T_MAX)), method="bounded", options={"xatol": 1e-5})
    # The bounded search never reaches the bounds. 1 comes first, so that it is kept if the data are indifferent.
    best = min((0.0, np.log(T_MIN), np.log(T_MAX), float(found.x)), key=lambda log_t: round(nll(log_t), 9))
    return Calibration(float(np.exp(best)), len(truth), n_sites, _bound_reason(best, logits, truth))


def fit_independent(
    clip_logits: NDArray[np.float64],
    shows: NDArray[np.bool_],
    *,
    sites: Sequence[str | None] | None = None,
    temperature: float | None = None,
) -> Calibration:
    """Fit the temperature (unless it is given) and a bias for each of C independent labels.

    clip_logits: log-odds float64 [M, C], from `aggregate`; shows: bool [M, C], the labels of each clip; sites: as
    in `fit_temperature`, which also says when nothing is fitted. The sum of the negative log-likelihoods of all
    labels and of half the squared biases is the least possible. Raises ValueError for shapes that do not fit and
    for logits that are not finite.

    >>> often = np.repeat([[True, False], [False, True]], [30, 10], axis=0)  # the network gives 0.5 to everything
    >>> [round(b, 2) for b in fit_independent(np.zeros((40, 2)), often).biases]  # log-odds 1.1, drawn towards 0
    [0.97, -0.97]
    """
    from scipy.optimize import minimize_scalar

    z, truth = np.asarray(clip_logits, np.float64), np.asarray(shows, bool)
    if z.ndim != 2 or z.shape != truth.shape or not np.isfinite(z).all():
        raise ValueError(f"expected finite clip_logits and shows [M, C]; got {list(z.shape)}, {list(truth.shape)}")
    n_sites = count_sites(sites)
    if reason := _reason_not_to_fit(np.unique(truth, axis=0, return_inverse=True)[1].reshape(-1)):
        return Calibration(1.0, len(truth), n_sites, reason)

    def loss(log_t: float) -> float:
        scaled = z / np.exp(log_t)
        biases = _fit_biases(scaled, truth)
        return float(-log_expit(np.where(truth, 1, -1) * (scaled + biases)).sum() + (biases**2).sum() / 2)

    best = 0.0 if temperature is None else float(np.log(temperature))
    if temperature is None:
        found = minimize_scalar(
            loss, bounds=(np.log(T_MIN), np.log(T_MAX)), method="bounded", options={"xatol": 1e-5}
        )
        choices = (0.0, np.log(T_MIN), np.log(T_MAX), float(found.x))
        best = min(choices, key=lambda log_t: round(loss(log_t) / len(z), 9))
    biases = _fit_biases(z / np.exp(best), truth)
    is_at_bound = [text for at, text in ((T_MIN, "lower"), (T_MAX, "upper")) if np.isclose(best, np.log(at))]
    reason = f"at the {is_at_bound[0]} bound" if is_at_bound and temperature is None else ""
    return Calibration(float(np.exp(best)), len(truth), n_sites, reason, tuple(biases.tolist()))


def _fit_biases(z: NDArray[np.float64], truth: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the bias of each label with the highest posterior, float64 [C], by Newton's method."""
    biases = np.zeros(z.shape[1])
    for _ in range(50):
        p = expit(z + biases)
        step = ((p - truth).sum(axis=0) + biases) / ((p * (1 - p)).sum(axis=0) + 1)
        step = np.clip(step, -1, 1)  # far from the solution Newton's step is too long
        biases -= step
        if np.abs(step).max() < 1e-9:
            break
    return biases.round(9)


def apply_calibration(
    clip_logits: NDArray[np.floating[Any]], calibration: Calibration, *, multi: bool = False
) -> NDArray[np.float32]:
    """Return calibrated probabilities, float32, of the same shape as the logits ([C] or [M, C]).

    multi: the logits are log-odds of independent labels, and the probabilities do not add up to 1.

    >>> apply_calibration(np.log([0.8, 0.2]), Calibration(2.0)).round(3)
    array([0.667, 0.333], dtype=float32)
    """
    logits = np.asarray(clip_logits, np.float64)
    if multi:
        return np.asarray(expit(logits / calibration.temperature + _biases(calibration)), np.float32)
    return np.asarray(softmax(logits / calibration.temperature, axis=-1), np.float32)


def undo_calibration(
    probs: NDArray[np.floating[Any]], calibration: Calibration, *, multi: bool = False
) -> NDArray[np.float64]:
    """Return the clip logits, float64, up to a constant, from which `apply_calibration` made these probabilities.

    With them, a predictions table is enough to fit a new temperature. A probability below 1e-12 counts as 1e-12.
    multi: the log-odds of independent labels; a probability of 1 counts as the largest float32 below it.

    >>> undo_calibration(np.array([0.8, 0.2]), Calibration(1.0)).round(3).tolist()
    [-0.223, -1.609]
    """
    if multi:
        from scipy.special import logit

        p = np.clip(np.asarray(probs, np.float64), 1e-12, 1 - 2.0**-24)
        return np.asarray((logit(p) - _biases(calibration)) * calibration.temperature, np.float64)
    return np.asarray(np.log(np.maximum(probs, 1e-12)) * calibration.temperature, np.float64)


def _biases(calibration: Calibration) -> NDArray[np.float64]:
    return np.array(calibration.biases or (0.0,))


def count_sites(sites: Sequence[str | None] | None) -> int:
    """Return the number of different known sites; 0 without any."""
    return len({s for s in sites if s is not None and s == s}) if sites is not None else 0


def _check_inputs(
    clip_logits: NDArray[np.float64], y: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    logits, truth = np.asarray(clip_logits, np.float64), np.asarray(y)
    if logits.ndim != 2 or truth.shape != logits.shape[:1]:
        raise ValueError(f"expected clip_logits [M, C] and y [M]; got {list(logits.shape)} and {list(truth.shape)}")
    if not np.isfinite(logits).all():
        n_bad = int((~np.isfinite(logits)).any(axis=1).sum())
        raise ValueError(f"{n_bad} of {len(logits)} clips have logits that are not finite; leave them out")
    if len(truth) and (truth.min() < 0 or truth.max() >= logits.shape[1]):
        raise ValueError(f"y has classes {truth.min()} to {truth.max()}; the logits have {logits.shape[1]}")
    return logits, truth.astype(np.int64)


def _reason_not_to_fit(truth: NDArray[np.int64]) -> str:
    if len(truth) < MIN_CLIPS:
        return f"only {len(truth)} clips; at least {MIN_CLIPS} are needed"
    if len(np.unique(truth)) < 2:
        return "all clips have the same label"
    return ""


def _bound_reason(log_t: float, logits: NDArray[np.float64], truth: NDArray[np.int64]) -> str:
    if np.isclose(log_t, np.log(T_MIN)):
        n_right = int((logits.argmax(axis=1) == truth).sum())
        return f"the fit is at its lower bound ({n_right} of {len(truth)} clips are right)"
    if np.isclose(log_t, np.log(T_MAX)):
        return "at the upper bound: the model's confidence says nothing about these clips"
    return ""
