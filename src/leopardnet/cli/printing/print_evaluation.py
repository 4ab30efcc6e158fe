"""An evaluation in the terminal: figures per label, and the comparisons of the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from leopardnet.cli.console import print_rows, say

if TYPE_CHECKING:
    import pandas as pd

    from leopardnet.evaluation.full_evaluation import EvaluationReport
    from leopardnet.metrics.evaluation import Evaluation


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the figures of an evaluation to stdout."""
    from leopardnet.metrics.bootstrap import FEW_SITES, NOT_DEMONSTRATED

    e, figures = evaluation, evaluation.per_label.to_dict("index")
    rows = [
        {"label": label, "clips": int(row["support"]), **{m: _interval_text(row, m) for m in e.measures}}
        for label, row in figures.items()
    ]
    caption = (
        f"{e.n_clips} clips at {e.n_sites} sites; {', '.join(f'{k} {x}' for k, x in e.headline.items())}. "
        + (
            "A label counts as said from 0.5 on. "
            if e.is_multi
            else "Precision, recall and F1 count the likeliest label, not the decision. "
        )
        + "Called empty by mistake: "
        + ", ".join(f"{n} of {int(figures[name]['support'])} {name}" for name, n in e.target_lost.items())
        + ". Intervals of 95 % from a bootstrap over sites"
        + (f"; {e.n_sites} sites are too few to rely on them." if e.n_sites < FEW_SITES else ".")
    )
    if any("[–]" in str(cell) for row in rows for cell in row.values()):
        caption += f" [–]: {NOT_DEMONSTRATED}, from too few clips or sites."
    if str(e.taught):
        caption += f" {str(e.taught).capitalize()}."
    is_flattering = len(e.taught) and e.taught.are_counted
    title = "Per clip, with clips that the model learned from" if is_flattering else "Per clip"
    print_rows(rows, title=title, caption=caption)


def print_comparisons(found: EvaluationReport) -> None:
    """Print comparisons, slices, shortcut tests and novelty, and notes on what could not be computed."""
    tables = found.tables
    titles = {"aggregators": "Other aggregations of the same frames", "baselines": "Baselines"}
    named = {title: tables[name] for name, title in titles.items() if name in tables}
    for title, table in (named | {f"By {name}": table for name, table in found.slices.items()}).items():
        print_rows(_comparison_rows(table), title=title)
    if "shortcuts" in tables:
        print_rows(_shortcut_rows(tables["shortcuts"]), title="Does the model use the animal?")
    if "novelty" in tables:
        print_rows(_novelty_rows(tables["novelty"]), title="Species that it was not trained on")
    if found.events is not None:
        say(f"events: {found.events.n_clips} evaluated, macro-F1 {found.events.macro_f1}")
    for recall, removed in found.clips.empty_removal().items():
        say(f"empty clips removed while {recall:.0%} of the animals are kept: {removed}")
    for note in found.notes:
        say(f"note: {note}")


def _comparison_rows(table: pd.DataFrame) -> list[dict[str, str]]:
    shown = [
        c
        for c in ("macro_f1", "behind", "top1", "subset", "presence_auroc", "removed_at_0.95", "ece")
        if c in table.columns
    ]
    titles = {
        "behind": "model better by",
        "subset": "all labels right",
        "presence_auroc": "animal AUROC",
        "removed_at_0.95": "empties removed at 0.95",
    }
    counts = ["n_clips"] if "n_clips" in table.columns else []
    return [
        {
            str(table.index.name): str(name),
            **{c: str(int(row[c])) for c in counts},
            **{titles.get(c, c): _interval_text(row, c) for c in shown},
        }
        for name, row in table.to_dict("index").items()
    ]


def _shortcut_rows(table: pd.DataFrame) -> list[dict[str, str]]:
    titles = {"p_animal": "probability of an animal", "p_label": "of the true label", "right": "decision right"}
    return [
        {"clips": str(name), "n": str(int(row["n_clips"])), **{titles[c]: _interval_text(row, c) for c in titles}}
        for name, row in table.to_dict("index").items()
    ]


def _novelty_rows(table: pd.DataFrame) -> list[dict[str, str]]:
    titles = {"auroc": "AUROC against known animals", "caught": "found while 95 % of the known are kept"}
    return [
        {"score": str(name), **{titles[c]: _interval_text(row, c) for c in titles}}
        for name, row in table.to_dict("index").items()
    ]


def _interval_text(row: Mapping[Any, float], measure: str) -> str:
    from leopardnet.metrics.bootstrap import Estimate

    value, low, high = row[measure], row[f"{measure}_low"], row[f"{measure}_high"]
    if value != value:
        return "–"
    if not Estimate(value, low, high).is_demonstrated:
        return f"{value:.2f} [–]"
    return f"{value:.2f}" + ("" if low != low else f" [{low:.2f}, {high:.2f}]")
