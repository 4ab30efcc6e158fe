"""The result of an evaluation: its figures, its tables, and how it is printed and written as JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from leopardnet.core.interactive.html_summary import summarise_as_html
from leopardnet.metrics.bootstrap import Estimate, Floats, estimate_share, interval_columns
from leopardnet.metrics.conditions.conditions import Conditions
from leopardnet.metrics.guarantees.archive import Archive
from leopardnet.metrics.judges.label_choice import UNKNOWN_CHOICE, LabelChoice
from leopardnet.metrics.judges.taught_clips import NONE_TAUGHT, TaughtClips
from leopardnet.metrics.measures import count_measures, precision_at, precision_at_bounds

# The measures per label that the terminal, the report and the card show, with their headings.
MEASURES = {"precision": "precision", "recall": "recall", "f1": "F1", "auroc": "AUROC"}
MULTI_MEASURES = MEASURES | {"auprc": "average precision", "ece": "ECE", "brier": "Brier"}  # of independent labels
FIGURES = (*MEASURES, "auprc")
HEADLINE_RECALLS = (0.95, 0.99)
RARE = 0.01  # precision is also stated for a label that is this share of the clips
NOTHING = Estimate(float("nan"))
TABLES = ("names", "per_label", "confusion", "decisions", "reliability", "targets", "empties", "coverage", "review")
LABEL_TABLES = (
    "names",
    "per_label",
    "confusion",
    "wrong_names",
    "decisions",
    "targets",
)  # their index is written as the column `label`


def _no_table() -> pd.DataFrame:
    return pd.DataFrame()


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How often predictions are right; every figure has a 95 % interval from a bootstrap over sites.

    n_clips: clips with a prediction and a true label that the model knows, the unreadable ones included. Clips
    without a label and labels without a prediction are only counted, copies of other clips too. n_sites: the known
    sites of these clips; n_without_site: those of no known site, which are one more group to draw. taught: labelled
    clips that the model learned from, which were left out, or are counted where that was asked for.

    archive: what is lost and saved if the clips called empty are archived unseen; None where clips that the model
    learned from are counted. names: what is said per label, see `metrics.guarantees.archive.name_figures`.

    top1, macro_f1 (over the labels that occur), ece, brier, presence_auroc (any animal against empty): `Estimate`.
    answered, answered_right: the share of clips whose decision is a label, and the share of these that are right.

    per_label: index label; `support`, `recall_at_least`, and for precision, recall, f1, auroc, auprc the columns x,
    x_low, x_high. `recall_at_least` is the one-sided 95 % Clopper-Pearson bound: 20 of 20 found gives 0.861, not 1.
    The clips of an event (`n_events`) count as one observation, events as independent, so it is the most favourable
    bound; a label that does not occur has nan.
    confusion: true label × likeliest label, and 'unreadable'. decisions: true label × decision. The rows of both
    add up to the support. reliability: per bin of the top probability `n`, `confidence`, `accuracy`. targets: for
    each target, the clips shown for it, the share of its clips found, and the clips to look at per find. empties:
    the share of empty clips that a filter on p_empty removes, at animal recalls from 0.8 to 1. coverage: risk
    (share of errors) among the surest clips. review: errors left when the least sure are reviewed. prevalence:
    share of each label. target_lost: clips of each target that were called empty. label_counts, label_draws: counts
    of each label as of `measures.count_labels`, float64 [C, 4], and of each draw, [n_boot, C, 4]; where clips stand
    for unlike numbers, those of as many equal clips as say the same. choice: how the labelled clips were chosen.

    conditions: figures by light and by size of the animal; None where nothing is known of the frames.

    is_multi: labels are independent, and a clip may show several (see `evaluate_presence`). Then `subset`, the
    share of clips of which all labels are right, takes the place of `top1`, and `wrong_names` that of `confusion`:
    of the clips that show the label of a row, how many were said to show that of a column, and do not. per_label
    also has the columns of ece and brier, and `decisions` has combinations of labels.

    >>> ln.evaluate(predictions, manifest).macro_f1  # doctest: +SKIP
    0.81 [0.72, 0.88]
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
    presence_auroc: Estimate = NOTHING
    answered: Estimate = NOTHING
    answered_right: Estimate = NOTHING
    targets: pd.DataFrame = field(default_factory=_no_table)
    empties: pd.DataFrame = field(default_factory=_no_table)
    coverage: pd.DataFrame = field(default_factory=_no_table)
    review: pd.DataFrame = field(default_factory=_no_table)
    label_counts: Floats = field(default_factory=lambda: np.zeros((0, 4)), repr=False)
    label_draws: Floats = field(default_factory=lambda: np.zeros((0, 0, 4)), repr=False)
    is_multi: bool = False
    subset: Estimate = NOTHING
    wrong_names: pd.DataFrame = field(default_factory=_no_table)
    n_copies: int = 0
    n_without_site: int = 0
    archive: Archive | None = None
    names: pd.DataFrame = field(default_factory=_no_table)
    taught: TaughtClips = NONE_TAUGHT
    conditions: Conditions | None = None
    choice: LabelChoice = UNKNOWN_CHOICE

    def keep_judged(self, truth: pd.Series[str]) -> pd.Series[str]:
        """Return the labels, by clip_id, of the clips that judge: without those that the model learned from."""
        return truth[~truth.index.isin(self.taught.ids)]

    def __repr__(self) -> str:
        per_label = self.per_label[["support", "recall_at_least", *self.figures]].to_string(
            float_format="{:.3f}".format
        )
        filtered = "; ".join(
            f"{removed} at animal recall {recall:g}" for recall, removed in self.empty_removal().items()
        )
        return "\n".join(
            [
                f"Evaluation of {self.n_clips} clips from {self.places} ({self.n_unreadable} unreadable, "
                f"{self.n_without_label} more without a label, {self.n_copies} copies left out)",
                *filter(None, [str(self.choice), str(self.taught)]),
                *([*map(str, self.archive.losses), *self.archive.sentences] if self.archive else []),
                "  ".join(f"{name} {x}" for name, x in self.headline.items()).replace("macro-F1", "macro F1"),
                f"answered {self.answered}, of these right {self.answered_right}",
                *([f"empty clips removed: {filtered}"] if filtered else []),
                per_label,
                *(self.conditions.light.sentences if self.conditions else []),
                "decisions (rows: true labels)",
                self.decisions.to_string(),
            ]
        )

    def _repr_html_(self) -> str:
        removed = [f"{share} at animal recall {recall:g}" for recall, share in self.empty_removal().items()]
        support = self.per_label["support"].astype(int)
        lost = [f"{name} {n} of {support[name]}" for name, n in self.target_lost.items() if support[name]]
        facts = {
            "how the clips were chosen": str(self.choice),
            "left out": str(self.taught),
            "animals called empty": ", ".join(lost),
            "empty clips removed": "; ".join(removed),
            "decided": f"{self.answered}, of these right {self.answered_right}",
            **{f"likeliest label, {name}": str(x) for name, x in self.headline.items()},
        }
        occurs = self.names["support"] + self.names["said"] > 0 if len(self.names) else ()
        said = self.names[occurs] if len(self.names) else self.per_label[["support", *self.figures]]
        return summarise_as_html(f"Evaluation of {self.n_clips} clips from {self.places}", facts, said)

    @property
    def places(self) -> str:
        """The sites of the clips, in words."""
        return describe_places(self.n_sites, self.n_without_site)

    @property
    def headline(self) -> dict[str, Estimate]:
        """The figures about all labels together, by name."""
        one = {"all labels right": self.subset} if self.is_multi else {"top-1": self.top1}
        return {"macro-F1": self.macro_f1, **one, "ECE": self.ece, "Brier": self.brier}

    @property
    def n_groups(self) -> int:
        """The number of sites that intervals draw from; clips without a site are one of them."""
        return self.n_sites + bool(self.n_without_site)

    @property
    def measures(self) -> dict[str, str]:
        """The measures per label that people are shown, with their headings."""
        return MULTI_MEASURES if self.is_multi else MEASURES

    @property
    def figures(self) -> tuple[str, ...]:
        """The names of all measures per label."""
        return tuple(MULTI_MEASURES) if self.is_multi else FIGURES

    @property
    def n_right(self) -> int:
        """The number of clips whose likeliest label is right, or of independent labels all."""
        return (
            round(self.subset.value * self.n_clips) if self.is_multi else int(np.trace(self.confusion.to_numpy()))
        )

    @property
    def macro_f1_draws(self) -> Floats:
        """The macro F1 of each draw, float64 [n_boot]."""
        return count_measures(self.label_draws)["macro_f1"]

    def label_estimate(self, label: str, measure: str) -> Estimate:
        """Return one figure of `per_label` as an Estimate; `measure` is one of `figures`."""
        return read_estimate(self.per_label.loc[label].to_dict(), measure)

    def empty_removal(self) -> dict[float, Estimate]:
        """Return the share of empty clips removed at an animal recall of 0.95 and 0.99; `empties` has more."""
        rows = [row for row in self.empties.to_dict("records") if row["recall"] in HEADLINE_RECALLS]
        return {float(row["recall"]): read_estimate(row, "removed") for row in rows}

    def precision_by_prevalence(self, label: str, prevalence: float) -> Estimate:
        """Return the precision of a label if it were this share of all clips; recall and false rate stay."""
        i, counts = list(self.per_label.index).index(label), self.label_counts
        value = precision_at(counts, prevalence)[i]
        drawn = precision_at(self.label_draws, prevalence)[:, i]
        found = estimate_share(float(value), drawn, self.n_groups)
        if found.low is None or found.high is None:
            return found
        low, high = precision_at_bounds(counts[i], prevalence)
        return Estimate(found.value, min(found.low, low), max(found.high, high))

    def to_tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables to write, by file name without suffix."""
        names = [self._mistaken if name == "confusion" else name for name in TABLES]
        tables: dict[str, pd.DataFrame] = {name: getattr(self, name) for name in names}
        tables |= {x: tables[x].rename_axis("label").reset_index() for x in LABEL_TABLES if x in tables}
        return tables | (self.conditions.to_tables() if self.conditions else {})

    @property
    def _mistaken(self) -> str:
        """The name of the table that says which labels are taken for which."""
        return "wrong_names" if self.is_multi else "confusion"

    def to_metrics_json(self) -> dict[str, Any]:
        """Return plain values for metrics.json: counts as numbers, figures as {value, low, high}, nan as None."""
        first = "subset" if self.is_multi else "top1"
        single = (first, "macro_f1", "ece", "brier", "presence_auroc", "answered", "answered_right")
        return {
            "archive": self.archive.to_dict() if self.archive else None,
            "names": {str(k): plain_row(row) for k, row in self.names.to_dict("index").items()},
            **(self.conditions.to_dict() if self.conditions else {}),
            "n_clips": self.n_clips,
            "n_copies": self.n_copies,
            "n_unreadable": self.n_unreadable,
            "n_without_label": self.n_without_label,
            "n_without_prediction": self.n_without_prediction,
            "n_sites": self.n_sites,
            "n_without_site": self.n_without_site,
            "learned_from": self.taught.to_dict(),
            "labels_chosen": self.choice.to_dict(),
            **{x: getattr(self, x).to_dict() for x in single},
            "empties_removed": {f"{recall:g}": x.to_dict() for recall, x in self.empty_removal().items()},
            "per_label": {str(name): self._label_json(str(name)) for name in self.per_label.index},
            "prevalence": self.prevalence,
            "target_lost": self.target_lost,
            "targets": {str(k): plain_row(row) for k, row in self.targets.to_dict("index").items()},
            self._mistaken: _counts_json(getattr(self, self._mistaken)),
            "decisions": _counts_json(self.decisions),
            "coverage": [plain_row(row) for row in self.coverage.to_dict("records")],
            "review": [plain_row(row) for row in self.review.to_dict("records")],
        }

    def _label_json(self, label: str) -> dict[str, Any]:
        row = self.per_label[["support", "n_events", "recall_at_least"]].to_dict("index")[label]
        return {
            **plain_row(row),
            **{x: self.label_estimate(label, x).to_dict() for x in self.figures},
            "precision_at_rarity": {"prevalence": RARE, **self.precision_by_prevalence(label, RARE).to_dict()},
        }


def describe_places(n_sites: int, n_without_site: int) -> str:
    """Return the sites of clips in words.

    >>> describe_places(2, 0), describe_places(1, 5), describe_places(0, 5)
    ('2 sites', '1 site and 5 clips of no known site', 'no known site')
    """
    if not n_sites:
        return "no known site"
    sites = "1 site" if n_sites == 1 else f"{n_sites} sites"
    if not n_without_site:
        return sites
    others = "1 clip" if n_without_site == 1 else f"{n_without_site} clips"
    return f"{sites} and {others} of no known site"


def plain_row(row: dict[Any, Any]) -> dict[str, Any]:
    """Return a row of a table for JSON: plain numbers, None for nan.

    >>> plain_row({"n": np.int64(3), "share": float("nan")})
    {'n': 3, 'share': None}
    """
    values = {str(k): v.item() if isinstance(v, np.generic) else v for k, v in row.items()}
    return {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in values.items()}


def _counts_json(table: pd.DataFrame) -> dict[str, dict[str, int]]:
    return {str(k): {str(c): int(n) for c, n in row.items()} for k, row in table.iterrows()}


def read_estimate(row: dict[Any, Any], name: str) -> Estimate:
    """Return a figure from the three columns of a row of a table; ends that are nan are None."""
    value, low, high = (float(row[c]) for c in interval_columns(name))
    return Estimate(value, None if np.isnan(low) else low, None if np.isnan(high) else high)
