"""How right the answers are: one function from a predictions table and true labels to tables with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.columns import table_labels
from leopardnet.core.labels import ANIMAL, EMPTY
from leopardnet.metrics.bootstrap import Estimate, Floats, SiteDraws, estimate_columns
from leopardnet.metrics.evaluation import FIGURES, MEASURES, Evaluation
from leopardnet.metrics.join_truth import join_truth
from leopardnet.metrics.measures import at_least, label_measures, ratio
from leopardnet.metrics.ranking import Ranking, auroc, average_precision
from leopardnet.metrics.reliability import brier, reliability
from leopardnet.metrics.review import coverage_and_review
from leopardnet.score.decide import UNREADABLE, UNSURE

__all__ = ["EMPTY", "FIGURES", "MEASURES", "RECALLS", "Evaluation", "evaluate_clips"]

RECALLS = (0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99, 1.0)  # of animals, while empty clips go


def evaluate_clips(
    predictions: pd.DataFrame,
    truth: pd.Series[str],
    *,
    sites: pd.Series[str] | None = None,
    targets: Sequence[str] = (),
    outside: Sequence[str] = (),
    n_boot: int = 1000,
    seed: int = 7,
) -> Evaluation:
    """The evaluation of a predictions table against true labels.

    truth, sites: indexed by `clip_id`; without `sites`, the predictions' own column `site` counts. The likeliest label
    of a clip is the largest `p_<label>`, the first one at a tie. An unreadable clip was not found: it counts as wrong
    for top-1 and recall, and has no part in AUROC, AUPRC, ECE and Brier, which judge probabilities; a filter of empty
    clips never removes it. ECE has 15 bins of equal mass on the top probability, Brier is summed over labels, from 0 to
    2. A label that a draw does not hold is left out of the macro F1 of that draw.

    outside: true labels that the model does not know, such as a species that was left out on purpose. Their clips have
    no right answer and no part in any figure; `decisions` says what becomes of them. See `metrics.comparison.novelty`.

    Raises ManifestError for a clip that stands twice, a true label that the model does not know, and where no clip
    has both a prediction and a label.

    >>> p = pd.DataFrame({"clip_id": ["a", "b"], "site": ["x", "y"], "decision": ["tiger", "empty"],
    ...                   "rule": ["species", "empty"], "p_tiger": [0.9, 0.2], "p_empty": [0.1, 0.8]})
    >>> evaluate_clips(p, pd.Series({"a": "tiger", "b": "empty"}), n_boot=0).top1
    Estimate(value=1.0, low=None, high=None)
    """
    labels = table_labels(predictions)
    table = join_truth(predictions, truth, sites, outside=outside)
    strange = table[table["truth"].isin(list(outside))]
    judged = table[table["truth"].notna() & ~table.index.isin(strange.index)].reset_index(drop=True)
    probs = judged[[f"p_{x}" for x in labels]].to_numpy(np.float64)  # [M, C]
    readable = np.isfinite(probs).all(axis=1)
    y = pd.Index(labels).get_indexer(pd.Index(judged["truth"])).astype(np.int64)
    said = np.where(readable, np.argmax(np.where(np.isnan(probs), -1, probs), axis=1), len(labels)).astype(np.int64)
    draws = SiteDraws.of(judged["site"], n_boot=n_boot, seed=seed)

    confusion = draws.per_site(y * (len(labels) + 1) + said, len(labels) * (len(labels) + 1))
    per_label, macro_f1, top1, drawn = _label_tables(labels, confusion, draws)
    _add_rankings(per_label, probs, y, readable, draws)
    empties, presence = _empties(labels, probs, y, readable, draws)
    coverage, review = coverage_and_review(np.where(readable, probs.max(axis=1), np.nan), said != y, draws)
    answered, answered_right = _answered(judged, draws)
    bins, ece = reliability(probs, y, readable, draws)
    n_of = np.bincount(y, minlength=len(labels))
    return Evaluation(
        n_clips=len(judged),
        n_unreadable=int((~readable).sum()),
        n_without_label=int(table["truth"].isna().sum()),
        n_without_prediction=int((~truth.dropna().index.isin(table["clip_id"])).sum()),
        n_sites=draws.n_sites,
        top1=top1,
        macro_f1=macro_f1,
        ece=ece,
        brier=brier(probs, y, readable, draws),
        per_label=per_label,
        confusion=_counts(confusion.sum(axis=0).reshape(len(labels), -1), labels, [*labels, UNREADABLE]),
        decisions=_decisions(pd.concat([judged, strange]), labels, outside),
        reliability=bins,
        prevalence={x: float(n / len(y)) for x, n in zip(labels, n_of, strict=True)},
        target_lost={x: int(((judged["truth"] == x) & (judged["rule"] == "empty")).sum()) for x in targets},
        presence_auroc=presence,
        answered=answered,
        answered_right=answered_right,
        targets=_targets(judged, targets, draws),
        empties=empties,
        coverage=coverage,
        review=review,
        confusion_draws=drawn,
    )


def _label_tables(
    labels: Sequence[str], per_site: Floats, draws: SiteDraws
) -> tuple[pd.DataFrame, Estimate, Estimate, Floats]:
    shape = (len(labels), len(labels) + 1)
    total = per_site.sum(axis=0).reshape(shape)
    value = label_measures(total)
    redrawn = draws.redraw(per_site).reshape(-1, *shape)
    drawn = label_measures(redrawn)
    support, right = total.sum(axis=1), np.diagonal(total)
    n_said = total[:, : len(labels)].sum(axis=0)
    shares_of = {"precision": n_said, "recall": support, "f1": (support + n_said) / 2}
    columns = {"support": support.astype(np.int64), "recall_at_least": at_least(right, support)}
    for measure, n in shares_of.items():
        rows = [draws.share(v, drawn[measure][:, i], n_clips=n[i]) for i, v in enumerate(value[measure])]
        columns |= estimate_columns(measure, rows)
    table = pd.DataFrame(columns, index=pd.Index(labels, name="label"))
    # where nothing is wrong no draw is: then only the rarest label's clips say what is left open
    rarest = float(support[support > 0].min()) if value["macro_f1"] == 1 else None
    macro_f1 = draws.share(float(value["macro_f1"]), drawn["macro_f1"], n_clips=rarest)
    top1 = draws.share(float(value["top1"]), drawn["top1"], n_clips=total.sum())
    return table, macro_f1, top1, redrawn


def _add_rankings(
    per_label: pd.DataFrame, probs: Floats, y: NDArray[np.int64], readable: NDArray[np.bool_], draws: SiteDraws
) -> None:
    rows: dict[str, list[Estimate]] = {"auroc": [], "auprc": []}
    for i in range(len(per_label)):
        score, is_positive = probs[readable, i], y[readable] == i
        drawn = Ranking.of(score, is_positive, draws.codes[readable]).draws(draws.weights)  # [n_boot, 2]
        rows["auroc"].append(_ranked(draws, auroc(score, is_positive), drawn[:, 0], is_positive))
        rows["auprc"].append(_ranked(draws, average_precision(score, is_positive), drawn[:, 1], is_positive))
    for name, found in rows.items():
        for column, values in estimate_columns(name, found).items():
            per_label[column] = values


def _ranked(draws: SiteDraws, value: float, drawn: Floats, is_positive: NDArray[np.bool_]) -> Estimate:
    """A figure of a ranking. In a faultless one no draw has a fault: only the number of clips says what is left open."""
    return draws.share(value, drawn, n_clips=float(is_positive.sum()) if value == 1 else None)


def _empties(
    labels: Sequence[str], probs: Floats, y: NDArray[np.int64], readable: NDArray[np.bool_], draws: SiteDraws
) -> tuple[pd.DataFrame, Estimate]:
    """The share of empty clips that a filter on `p_empty` removes at each animal recall; and AUROC of any animal."""
    if EMPTY not in labels:
        return pd.DataFrame(columns=["recall", "removed", "removed_low", "removed_high"]), Estimate(float("nan"))
    i_empty = list(labels).index(EMPTY)
    is_animal = y != i_empty
    score = np.where(readable, 1 - probs[:, i_empty], 2.0)  # what cannot be read is looked at, whatever it holds
    ranking = Ranking.of(score, is_animal, draws.codes)
    value = ranking.figures(np.ones(max(draws.n_sites, 1)), RECALLS)
    drawn = ranking.draws(draws.weights, RECALLS)
    n_empty = float((~is_animal).sum())
    rows = [draws.share(value[2 + k], drawn[:, 2 + k], n_clips=n_empty) for k in range(len(RECALLS))]
    table = pd.DataFrame({"recall": RECALLS, **estimate_columns("removed", rows)})
    seen = Ranking.of(score[readable], is_animal[readable], draws.codes[readable])
    found = auroc(score[readable], is_animal[readable])
    presence = _ranked(draws, found, seen.draws(draws.weights)[:, 0], is_animal[readable])
    return table, presence


def _answered(judged: pd.DataFrame, draws: SiteDraws) -> tuple[Estimate, Estimate]:
    """The share of clips that were given a label at all, and how many of these were given the right one."""
    named = judged["rule"].isin(["species", "empty"]).to_numpy()
    right = named & (judged["decision"] == judged["truth"]).to_numpy()
    one_cell = np.zeros(len(judged), np.int64)
    per_site = np.hstack(
        [draws.per_site(one_cell, 1, x.astype(float)) for x in (np.ones(len(judged)), named, right)]
    )
    total, drawn = per_site.sum(axis=0), draws.redraw(per_site)  # [3], [n_boot, 3]
    pairs = ((1, 0), (2, 1))
    first, second = (
        draws.share(float(ratio(total[[a]], total[[b]])[0]), ratio(drawn[:, a], drawn[:, b]), n_clips=total[b])
        for a, b in pairs
    )
    return first, second


def _targets(judged: pd.DataFrame, targets: Sequence[str], draws: SiteDraws) -> pd.DataFrame:
    """For each target, what a person who looks at the clips shown for it finds, and what it costs.

    shown: clips in which the target is said or suspected (`alert`); found: those of them that hold it; lost: clips of it
    that were called empty. `looks` is shown / found.
    """
    alert = judged["alert"] if "alert" in judged.columns else pd.Series(None, index=judged.index, dtype=object)
    one_cell = np.zeros(len(judged), np.int64)
    rows = []
    for name in targets:
        is_it = (judged["truth"] == name).to_numpy()
        shown = ((judged["decision"] == name) | (alert == name)).to_numpy()
        lost = is_it & (judged["rule"] == "empty").to_numpy()
        kinds = (is_it, shown, is_it & shown, lost)
        per_site = np.hstack([draws.per_site(one_cell, 1, x.astype(float)) for x in kinds])
        n, n_shown, n_found, n_lost = per_site.sum(axis=0)
        drawn = draws.redraw(per_site)
        found = draws.share(float(ratio(n_found[None], n[None])[0]), ratio(drawn[:, 2], drawn[:, 0]), n_clips=n)
        looks = draws.estimate(float(ratio(n_shown[None], n_found[None])[0]), ratio(drawn[:, 1], drawn[:, 2]))
        rows.append(
            {
                "target": name,
                "support": int(n),
                "shown": int(n_shown),
                "lost": int(n_lost),
                "found_at_least": float(at_least(n_found, n)),
                **{
                    k: float(v[0])
                    for k, v in (estimate_columns("found", [found]) | estimate_columns("looks", [looks])).items()
                },
            }
        )
    columns = (
        "support",
        "shown",
        "lost",
        "found_at_least",
        *(f"{x}{y}" for x in ("found", "looks") for y in ("", "_low", "_high")),
    )
    return pd.DataFrame(rows, columns=["target", *columns]).set_index("target")


def _decisions(judged: pd.DataFrame, labels: Sequence[str], outside: Sequence[str]) -> pd.DataFrame:
    said = judged["decision"].astype(str)
    known = [*labels, ANIMAL, UNSURE, UNREADABLE]
    groups = sorted(set(said) - set(known))  # parents other than 'animal'
    columns, rows = [*labels, *groups, ANIMAL, UNSURE, UNREADABLE], [*labels, *outside]
    table = pd.crosstab(judged["truth"], said)
    return _counts(table.reindex(index=rows, columns=columns, fill_value=0).to_numpy(), rows, columns)


def _counts(values: NDArray[np.generic], index: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(values.astype(np.int64), index=pd.Index(index, name="truth"), columns=list(columns))


def animals_of(table: pd.DataFrame) -> list[str]:
    """The labels but 'empty': none of them should end as empty unseen."""
    return [name for name in table_labels(table) if name != EMPTY]
