"""How right the answers are: one function from a predictions table and true labels to tables with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.tables import labels_of
from leopardnet.score.bootstrap import Estimate, Floats, SiteDraws, auroc, auroc_draws, estimate
from leopardnet.score.decide import ANIMAL, UNREADABLE, UNSURE
from leopardnet.score.joining import joined

N_BINS = 15
MEASURES = ("precision", "recall", "f1", "auroc")


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The answers of a model beside the truth; every figure carries a 95 % interval from drawing sites again.

    n_clips: clips with a prediction and a true label, the unreadable ones included; the clips without a label and the
    labels without a prediction are counted, not judged. n_sites: groups drawn from.

    top1, macro_f1 (over the labels that occur in the truth), ece, brier: `Estimate`.
    per_label: index label; `support`, `recall_at_least`, and for precision, recall, f1, auroc the columns x, x_low,
    x_high. `recall_at_least` is the one-sided 95 % Clopper-Pearson bound: 20 of 20 found shows 0.861, not 1. It takes
    clips as independent, so it is the kindest bound; a label that does not occur has nan.
    confusion: true label × likeliest label, and 'unreadable'. decisions: true label × what was said. Rows of both
    sum to the support. reliability: per bin of the top probability `n`, `confidence`, `accuracy`.
    prevalence: share of each label. target_lost: clips of each target that were said to be empty.
    """

    n_clips: int
    n_unreadable: int
    n_without_label: int
    n_without_prediction: int
    n_sites: int
    top1: Estimate
    macro_f1: Estimate
    ece: Estimate
    brier: Estimate
    per_label: pd.DataFrame
    confusion: pd.DataFrame
    decisions: pd.DataFrame
    reliability: pd.DataFrame
    prevalence: dict[str, float]
    target_lost: dict[str, int]

    def __repr__(self) -> str:
        per_label = self.per_label[["support", "recall_at_least", *MEASURES]].to_string(
            float_format="{:.3f}".format
        )
        return "\n".join(
            [
                f"Evaluation of {self.n_clips} clips from {self.n_sites} sites "
                f"({self.n_unreadable} unreadable, {self.n_without_label} more without a label)",
                f"macro F1 {self.macro_f1}  top-1 {self.top1}  ECE {self.ece}  Brier {self.brier}",
                *(f"{name} clips called empty: {n}" for name, n in self.target_lost.items()),
                per_label,
                "what was said (rows: truth)",
                self.decisions.to_string(),
            ]
        )

    def to_metrics_json(self) -> dict[str, Any]:
        """Plain values for metrics.json: counts as numbers, figures as {value, low, high}, nan as None."""
        return {
            "n_clips": self.n_clips,
            "n_unreadable": self.n_unreadable,
            "n_without_label": self.n_without_label,
            "n_without_prediction": self.n_without_prediction,
            "n_sites": self.n_sites,
            **{x: getattr(self, x).to_dict() for x in ("top1", "macro_f1", "ece", "brier")},
            "per_label": {str(name): self._label_json(str(name)) for name in self.per_label.index},
            "prevalence": self.prevalence,
            "target_lost": self.target_lost,
            "confusion": {str(k): {str(c): int(n) for c, n in row.items()} for k, row in self.confusion.iterrows()},
            "decisions": {str(k): {str(c): int(n) for c, n in row.items()} for k, row in self.decisions.iterrows()},
        }

    def label_estimate(self, label: str, measure: str) -> Estimate:
        """One figure of `per_label` as an Estimate; `measure` is precision, recall, f1 or auroc."""
        value, low, high = (float(self.per_label[c].to_dict()[label]) for c in _columns(measure))
        return Estimate(value, None if np.isnan(low) else low, None if np.isnan(high) else high)

    def _label_json(self, label: str) -> dict[str, Any]:
        row = self.per_label[["support", "recall_at_least"]].to_dict("index")[label]
        floor = float(row["recall_at_least"])
        return {
            "support": int(row["support"]),
            "recall_at_least": None if np.isnan(floor) else floor,
            **{x: self.label_estimate(label, x).to_dict() for x in MEASURES},
        }


def evaluate_clips(
    predictions: pd.DataFrame,
    truth: pd.Series[str],
    *,
    sites: pd.Series[str] | None = None,
    targets: Sequence[str] = (),
    n_boot: int = 1000,
    seed: int = 7,
) -> Evaluation:
    """The evaluation of a predictions table against true labels.

    truth, sites: indexed by `clip_id`; without `sites`, the predictions' own column `site` counts. The likeliest label
    of a clip is the largest `p_<label>`, the first one at a tie. An unreadable clip was not found: it counts as wrong
    for top-1 and recall, and has no part in AUROC, ECE and Brier, which judge probabilities. ECE has 15 bins of equal
    mass on the top probability (Nixon et al. 2019), with the bins of the whole sample kept in every draw; Brier is
    summed over labels, from 0 to 2. A label that a draw does not hold is left out of the macro F1 of that draw.

    Raises ManifestError for a clip that stands twice, a true label that the model does not know, and where no clip
    has both a prediction and a label.

    >>> p = pd.DataFrame({"clip_id": ["a", "b"], "site": ["x", "y"], "decision": ["tiger", "empty"],
    ...                   "rule": ["species", "empty"], "p_tiger": [0.9, 0.2], "p_empty": [0.1, 0.8]})
    >>> evaluate_clips(p, pd.Series({"a": "tiger", "b": "empty"}), n_boot=0).top1
    Estimate(value=1.0, low=None, high=None)
    """
    labels = labels_of(predictions)
    table = joined(predictions, truth, sites)
    judged = table[table["truth"].notna()].reset_index(drop=True)
    probs = judged[[f"p_{x}" for x in labels]].to_numpy(np.float64)  # [M, C]
    readable = np.isfinite(probs).all(axis=1)
    y = pd.Index(labels).get_indexer(pd.Index(judged["truth"])).astype(np.int64)
    said = np.where(readable, np.argmax(np.where(np.isnan(probs), -1, probs), axis=1), len(labels)).astype(np.int64)
    draws = SiteDraws.of(judged["site"], n_boot=n_boot, seed=seed)

    confusion = draws.per_site(y * (len(labels) + 1) + said, len(labels) * (len(labels) + 1))
    per_label, macro_f1, top1 = _label_tables(labels, confusion, draws)
    _add_auroc(per_label, probs, y, readable, draws)
    reliability, ece = _reliability(probs, y, readable, draws)
    n_of = np.bincount(y, minlength=len(labels))
    return Evaluation(
        n_clips=len(judged),
        n_unreadable=int((~readable).sum()),
        n_without_label=len(table) - len(judged),
        n_without_prediction=int((~truth.dropna().index.isin(table["clip_id"])).sum()),
        n_sites=draws.n_sites,
        top1=top1,
        macro_f1=macro_f1,
        ece=ece,
        brier=_brier(probs, y, readable, draws),
        per_label=per_label,
        confusion=_counts(confusion.sum(axis=0).reshape(len(labels), -1), labels, [*labels, UNREADABLE]),
        decisions=_decisions(judged, labels),
        reliability=reliability,
        prevalence={x: float(n / len(y)) for x, n in zip(labels, n_of, strict=True)},
        target_lost={x: int(((judged["truth"] == x) & (judged["rule"] == "empty")).sum()) for x in targets},
    )


def _columns(measure: str) -> tuple[str, str, str]:
    return measure, f"{measure}_low", f"{measure}_high"


def _ratio(a: Floats, b: Floats) -> Floats:
    """a / b, nan where b is 0."""
    out: Floats = np.full(np.broadcast(a, b).shape, np.nan)
    np.divide(a, b, out=out, where=b > 0)
    return out


def _label_measures(confusion: Floats) -> dict[str, Floats]:
    """Precision, recall and F1 per label, [..., C], and top-1 [...], from confusions [..., C, C+1]."""
    n_labels = confusion.shape[-2]
    right = np.diagonal(confusion, axis1=-2, axis2=-1)  # [..., C]
    support, n_said = confusion.sum(axis=-1), confusion[..., :n_labels].sum(axis=-2)
    f1 = np.where(support > 0, _ratio(2 * right, support + n_said), np.nan)
    return {
        "precision": _ratio(right, n_said),
        "recall": _ratio(right, support),
        "f1": f1,
        "macro_f1": _ratio(np.nansum(f1, axis=-1), (support > 0).sum(axis=-1)),
        "top1": _ratio(right.sum(axis=-1), support.sum(axis=-1)),
    }


def _label_tables(
    labels: Sequence[str], per_site: Floats, draws: SiteDraws
) -> tuple[pd.DataFrame, Estimate, Estimate]:
    from scipy.stats import beta

    shape = (len(labels), len(labels) + 1)
    total = per_site.sum(axis=0).reshape(shape)
    value = _label_measures(total)
    drawn = _label_measures(draws.redraw(per_site).reshape(-1, *shape))
    support, right = total.sum(axis=1), np.diagonal(total)
    floor = np.where(right > 0, beta.ppf(0.05, np.maximum(right, 1), support - right + 1), 0.0)
    columns: dict[str, Any] = {
        "support": support.astype(np.int64),
        "recall_at_least": np.where(support > 0, floor, np.nan),
    }
    for measure in MEASURES[:3]:
        rows = [estimate(v, drawn[measure][:, i]) for i, v in enumerate(value[measure])]
        columns |= _estimate_columns(measure, rows)
    table = pd.DataFrame(columns, index=pd.Index(labels, name="label"))
    macro_f1, top1 = (estimate(float(value[x]), drawn[x]) for x in ("macro_f1", "top1"))
    return table, macro_f1, top1


def _estimate_columns(measure: str, rows: Sequence[Estimate]) -> dict[str, Floats]:
    values = [[r.value, r.low, r.high] for r in rows]
    return dict(zip(_columns(measure), np.array(values, np.float64).reshape(-1, 3).T, strict=True))


def _add_auroc(
    per_label: pd.DataFrame, probs: Floats, y: NDArray[np.int64], readable: NDArray[np.bool_], draws: SiteDraws
) -> None:
    rows = []
    for i in range(len(per_label)):
        score, is_positive = probs[readable, i], y[readable] == i
        rows.append(
            estimate(
                auroc(score, is_positive), auroc_draws(score, is_positive, draws.codes[readable], draws.weights)
            )
        )
    for name, column in _estimate_columns("auroc", rows).items():
        per_label[name] = column


def _reliability(
    probs: Floats, y: NDArray[np.int64], readable: NDArray[np.bool_], draws: SiteDraws
) -> tuple[pd.DataFrame, Estimate]:
    """The bins of the top probability, and the expected calibration error."""
    top = np.where(readable, probs.max(axis=1), 0.0)
    edges = np.quantile(top[readable], np.linspace(0, 1, N_BINS + 1)[1:-1]) if readable.any() else np.empty(0)
    # equal values share a bin, so the order of the rows has no say
    bins = np.searchsorted(np.unique(edges), top, side="right").astype(np.int64)
    right = (probs.argmax(axis=1) == y) & readable
    sums = [
        draws.per_site(bins, N_BINS, np.where(readable, v, 0.0))
        for v in (np.ones(len(y)), top, right.astype(float))
    ]
    n, confidence, hits = (x.sum(axis=0) for x in sums)
    value = _ratio(np.abs(confidence - hits).sum(keepdims=True), n.sum(keepdims=True))[0]
    n_d, confidence_d, hits_d = (draws.redraw(x) for x in sums)  # [n_boot, N_BINS]
    drawn = _ratio(np.abs(confidence_d - hits_d).sum(axis=1), n_d.sum(axis=1))
    table = pd.DataFrame(
        {"n": n.astype(np.int64), "confidence": _ratio(confidence, n), "accuracy": _ratio(hits, n)}
    )
    return table[table["n"] > 0].reset_index(drop=True), estimate(float(value), drawn)


def _brier(probs: Floats, y: NDArray[np.int64], readable: NDArray[np.bool_], draws: SiteDraws) -> Estimate:
    one_hot = np.eye(probs.shape[1])[y]
    error = np.where(readable, ((probs - one_hot) ** 2).sum(axis=1), 0.0)
    cells = np.zeros(len(y), np.int64)
    total = draws.per_site(cells, 1, error)
    n = draws.per_site(cells, 1, readable.astype(np.float64))
    drawn = _ratio(draws.redraw(total)[:, 0], draws.redraw(n)[:, 0])
    return estimate(float(_ratio(total.sum(axis=0), n.sum(axis=0))[0]), drawn)


def _decisions(judged: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    said = judged["decision"].astype(str)
    known = [*labels, ANIMAL, UNSURE, UNREADABLE]
    groups = sorted(set(said) - set(known))  # parents other than 'animal'
    columns = [*labels, *groups, ANIMAL, UNSURE, UNREADABLE]
    table = pd.crosstab(judged["truth"], said)
    return _counts(table.reindex(index=list(labels), columns=columns, fill_value=0).to_numpy(), labels, columns)


def _counts(values: NDArray[Any], index: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(values.astype(np.int64), index=pd.Index(index, name="truth"), columns=list(columns))
