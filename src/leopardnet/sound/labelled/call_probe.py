"""A probe of alarm calls: a logistic regression on the sounds that people named, judged at sites it has not heard.

Its numbers are kept as JSON, so a probe can be read, passed on and checked, and opening one runs no code.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.errors import LabelFileError, ManifestError
from leopardnet.core.labels import UNKNOWN
from leopardnet.core.tables import write_json
from leopardnet.data.human_labels.sound_labels import ALARM_CALL
from leopardnet.metrics.bootstrap import PER_SCORE, Estimate, SiteDraws, encode_sites
from leopardnet.metrics.ranking import auroc, average_precision
from leopardnet.sound.labelled.call_features import NAMES, VERSION

KIND, FORMAT = "probe of alarm calls", 1
MIN_SOUNDS, MIN_SITES = 10, 3  # of alarm calls, and of others: fewer cannot be judged
STRENGTH = 0.1  # the inverse of the penalty: some 70 features of standard deviation 1, few labels
N_FOLDS, N_BOOT, SEED = 5, 300, 0
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CallProbe:
    """A fitted probe. mean, scale, weights: float64 [F], of the features; bias: added to their sum.

    counts: of the sounds that it learned from and of their sites; auroc, average_precision: at sites that were left
    out in turn, with a 95 % interval over sites.
    """

    mean: Floats
    scale: Floats
    weights: Floats
    bias: float
    counts: dict[str, int]
    auroc: Estimate
    average_precision: Estimate

    def score(self, features: Floats) -> Floats:
        """Return the probability of an alarm call for features [M, F], float64 [M].

        It is that among sounds as people named them; where alarm calls are rarer, it is too high.
        """
        x = (features - self.mean) / self.scale
        result: Floats = 1.0 / (1.0 + np.exp(-(x @ self.weights + self.bias)))
        return result

    def __str__(self) -> str:
        n = self.counts
        return (
            f"alarm calls {n['alarm_calls']}, other sounds {n['others']}, sites {n['sites']}; at sites left out: "
            f"AUROC {self.auroc}, average precision {self.average_precision}"
        )


def fit_probe(features: Floats, labels: pd.Series[str], sites: pd.Series[str]) -> CallProbe:
    """Fit a probe and judge it.

    features: float64 [M, F] of NAMES; labels, sites: of the same M sounds. Sounds that people could not tell, or
    about which they disagree, have no part. Raises LabelFileError where there are too few to judge a probe: fewer
    than MIN_SOUNDS alarm calls or other sounds, or of fewer than MIN_SITES sites.
    """
    is_named = labels.notna().to_numpy() & ~labels.isin(["", UNKNOWN]).to_numpy()
    x = np.asarray(features, np.float64)[is_named]
    is_alarm = (labels == ALARM_CALL).to_numpy(bool)[is_named]
    codes, _ = encode_sites(sites[is_named].reset_index(drop=True))
    n_alarm, n_all_sites = int(is_alarm.sum()), len(set(codes.tolist()))
    counts = {"alarm_calls": n_alarm, "others": len(x) - n_alarm, "sites": n_all_sites}
    n_sites = min(len(set(codes[is_alarm].tolist())), len(set(codes[~is_alarm].tolist())))
    if min(counts["alarm_calls"], counts["others"]) < MIN_SOUNDS or n_sites < MIN_SITES:
        raise LabelFileError(
            "there are too few named sounds for a probe",
            found=f"{n_alarm} alarm calls and {counts['others']} other sounds, both at {n_sites} sites",
            expected=f"{MIN_SOUNDS} of each, at {MIN_SITES} sites or more",
            todo="name more in the list `Sounds` of `leopardnet review`",
        )
    mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-6)
    held_out = _score_left_out(x, is_alarm, codes)
    draws = SiteDraws.of(codes, n_boot=N_BOOT, seed=SEED)
    drawn = [weights[draws.codes] for weights in draws.weights]
    drawn = [w for w in drawn if w[is_alarm].any() and w[~is_alarm].any()]
    sizes = draws.count_clips(is_alarm)
    figures = [
        draws.estimate_share(
            measure(held_out, is_alarm),
            np.array([measure(held_out, is_alarm, w) for w in drawn]),
            sizes=sizes,
            per_clip=PER_SCORE,
        )
        for measure in (auroc, average_precision)
    ]
    weights, bias = _fit((x - mean) / scale, is_alarm)
    return CallProbe(mean, scale, weights, bias, counts, *figures)


def _score_left_out(x: Floats, is_alarm: NDArray[np.bool_], codes: NDArray[np.int64]) -> Floats:
    """Return the log-odds of each sound by a fit on other sites alone."""
    from sklearn.model_selection import StratifiedGroupKFold

    scores = np.zeros(len(x))
    n_folds = min(N_FOLDS, len(set(codes[is_alarm].tolist())), len(set(codes[~is_alarm].tolist())))
    folds = StratifiedGroupKFold(n_folds, shuffle=True, random_state=SEED)
    for learned, judged in folds.split(x, is_alarm, codes):
        mean, scale = x[learned].mean(axis=0), np.maximum(x[learned].std(axis=0), 1e-6)
        if len(set(is_alarm[learned].tolist())) == 2:
            weights, bias = _fit((x[learned] - mean) / scale, is_alarm[learned])
            scores[judged] = ((x[judged] - mean) / scale) @ weights + bias
    return scores.round(9)


def _fit(x: Floats, is_alarm: NDArray[np.bool_]) -> tuple[Floats, float]:
    from sklearn.linear_model import LogisticRegression

    fitted = LogisticRegression(C=STRENGTH, max_iter=2000).fit(x, is_alarm)
    return fitted.coef_[0].astype(np.float64), float(fitted.intercept_[0])


def write_probe(probe: CallProbe, path: Path) -> Path:
    """Write a probe as JSON and return the path.

    >>> ln.write_probe(probe, Path("calls.json"))  # doctest: +SKIP
    """
    numbers = {name: getattr(probe, name).round(9).tolist() for name in ("mean", "scale", "weights")}
    figures = {name: getattr(probe, name).to_dict() for name in ("auroc", "average_precision")}
    head = {"kind": KIND, "format": FORMAT, "features": VERSION, "names": list(NAMES), "counts": probe.counts}
    write_json({**head, "figures": figures, "bias": round(probe.bias, 9), **numbers}, path)
    return path


def read_probe(path: Path) -> CallProbe:
    """Read a probe. Raises ManifestError where the file is none, is damaged, or is of another version.

    >>> print(ln.read_probe(Path("calls.json")))  # doctest: +SKIP
    """
    path = Path(path)
    try:
        data: Any = json.loads(path.read_text("utf-8"))
        is_probe = data["kind"] == KIND and data["format"] == FORMAT and data["features"] == VERSION
        arrays = [np.array(data[name], np.float64) for name in ("mean", "scale", "weights")]
        is_whole = all(a.shape == (len(NAMES),) and np.isfinite(a).all() for a in arrays) and (arrays[1] > 0).all()
        figures = [Estimate(**_as_figure(data["figures"][name])) for name in ("auroc", "average_precision")]
        counts = {name: int(data["counts"][name]) for name in ("alarm_calls", "others", "sites")}
        if is_probe and is_whole and np.isfinite(data["bias"]):
            mean, scale, weights = arrays
            return CallProbe(mean, scale, weights, float(data["bias"]), counts, figures[0], figures[1])
        found = "numbers that cannot be used" if is_probe else f"{data.get('kind')}, {data.get('features')}"
    except OSError:
        found = "no such file"
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        found = type(error).__name__
    raise ManifestError(
        "this is no probe of alarm calls",
        where=path.name,
        found=found,
        expected=f"a file of `leopardnet sounds train`, {VERSION}",
        todo="train it again",
    )


def _as_figure(value: dict[str, Any]) -> dict[str, Any]:
    return asdict(Estimate(float("nan"))) | {k: None if v is None else float(v) for k, v in value.items()}
