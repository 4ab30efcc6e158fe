"""A judgement in the terminal: figures per label, and what stands beside the model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leopardnet.cli.console import print_rows, say

if TYPE_CHECKING:
    import pandas as pd

    from leopardnet.evaluation.full_evaluation import EvaluationReport
    from leopardnet.metrics.evaluation import Evaluation


def print_evaluation(evaluation: Evaluation) -> None:
    """Print the figures of an Evaluation to stdout."""
    from leopardnet.metrics.guarantees.loss_guarantee import FEW_SITES

    per_label = evaluation.per_label
    rows = [
        {
            "label": label,
            "clips": int(row["support"]),
            **{m: _with_interval(row, m) for m in ("precision", "recall", "f1", "auroc")},
        }
        for label, row in per_label.iterrows()
    ]
    e = evaluation
    caption = (
        f"{e.n_clips} clips at {e.n_sites} sites; macro-F1 {e.macro_f1}, top-1 {e.top1}, ECE {e.ece}, Brier {e.brier}. "
        + "Called empty by mistake: "
        + ", ".join(f"{n} of {int(per_label.loc[name, 'support'])} {name}" for name, n in e.target_lost.items())
        + ". In brackets: 95 % interval from a bootstrap over sites"
        + (f"; {e.n_sites} of them are too few to trust it." if e.n_sites < FEW_SITES else ".")
    )
    print_rows(rows, title="Per clip", caption=caption)


def print_comparisons(found: EvaluationReport) -> None:
    """Print what stands beside the model: ways to aggregate, baselines, slices, and what could not be had."""
    titles = {"aggregators": "Ways to join the same frames", "baselines": "Baselines to be beaten"}
    tables = found.tables
    named = {title: tables[name] for name, title in titles.items() if name in tables}
    for title, table in (named | {f"By {name}": table for name, table in found.slices.items()}).items():
        print_rows(_compared(table), title=title)
    if "shortcuts" in tables:
        print_rows(_shortcuts(tables["shortcuts"]), title="Does it look at the animal?")
    if "novelty" in tables:
        print_rows(_novelty(tables["novelty"]), title="Species that it was not taught")
    if found.events is not None:
        say(f"events: {found.events.n_clips} judged, macro-F1 {found.events.macro_f1}")
    for recall, removed in found.clips.empty_removal().items():
        say(f"empty clips that go while {recall:.0%} of the animals stay: {removed}")
    for note in found.notes:
        say(f"note: {note}")


def _compared(table: pd.DataFrame) -> list[dict[str, str]]:
    shown = [
        c for c in ("macro_f1", "behind", "top1", "presence_auroc", "removed_at_0.95", "ece") if c in table.columns
    ]
    titles = {
        "behind": "model ahead by",
        "presence_auroc": "animal AUROC",
        "removed_at_0.95": "empties gone at 0.95",
    }
    counts = ["n_clips"] if "n_clips" in table.columns else []
    return [
        {
            str(table.index.name): str(name),
            **{c: str(int(row[c])) for c in counts},
            **{titles.get(c, c): _with_interval(row, c) for c in shown},
        }
        for name, row in table.to_dict("index").items()
    ]


def _shortcuts(table: pd.DataFrame) -> list[dict[str, str]]:
    titles = {"p_animal": "probability of an animal", "p_label": "of the true label", "right": "decision right"}
    return [
        {"clips": str(name), "n": str(int(row["n_clips"])), **{titles[c]: _with_interval(row, c) for c in titles}}
        for name, row in table.to_dict("index").items()
    ]


def _novelty(table: pd.DataFrame) -> list[dict[str, str]]:
    titles = {"auroc": "AUROC against known animals", "caught": "found while 95 % of the known stay"}
    return [
        {"score": str(name), **{titles[c]: _with_interval(row, c) for c in titles}}
        for name, row in table.to_dict("index").items()
    ]


def _with_interval(row: dict[str, float], measure: str) -> str:
    value, low, high = row[measure], row[f"{measure}_low"], row[f"{measure}_high"]
    if value != value:
        return "–"
    return f"{value:.2f}" + ("" if low != low else f" [{low:.2f}, {high:.2f}]")
