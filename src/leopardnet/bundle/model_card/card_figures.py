"""The figures of a model card, and lists and tables in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from leopardnet.bundle.model_card.chosen_figures import LESS_IS_BETTER, compare_choice
from leopardnet.metrics.bootstrap import FEW_SITES, NOT_DEMONSTRATED, WIDEST
from leopardnet.metrics.conditions.box_sizes import list_size_rows
from leopardnet.metrics.evaluation import Evaluation, read_estimate


def describe_figures(evaluation: Evaluation | None, how: str) -> list[str]:
    """Return the lines of the figures of all labels and of each; how: a sentence on how they were obtained."""
    if evaluation is None:
        return ["None: the model was not evaluated on clips other than those it was trained on."]
    e = evaluation
    intervals = (
        f"Each figure is followed by its 95 % interval, from a bootstrap over {e.places}"
        + ("; that is few, so intervals are wide." if e.n_sites < FEW_SITES else ".")
        + f' Where an interval is wider than {WIDEST:g}, it says "{NOT_DEMONSTRATED}".'
        if e.n_groups > 1
        else f"There are no intervals: {'all clips are of one site' if e.n_sites else 'no site is known'}."
    )
    counts = f"{e.n_clips} clips" + (
        f", {e.n_unreadable} of them unreadable and counted as wrong" if e.n_unreadable else ""
    )
    decisions = e.decisions.loc[:, (e.decisions != 0).any()]
    rows = (
        {"truth": truth, **{str(k): int(v) for k, v in row.items()}}
        for truth, row in decisions.iterrows()
        if row.any()
    )
    each = "combination of labels" if e.is_multi else "label"
    said = [f"{sentence}." for sentence in say_results(e)]
    likeliest = (
        "By a probability of 0.5 or more, whatever is decided; ECE and Brier are those of each label"
        if e.is_multi
        else "By the likeliest label of each clip, whatever is decided"
    )
    judged = str(e.choice)
    return [
        how or "How the figures were obtained is not stated.",
        *([f"{judged[:1].upper()}{judged[1:]}."] if judged else []),
        "",
        f"{counts}. {intervals}",
        "",
        *(f"- {line}" for line in said),
        "",
        "What was said of each label, by decisions:",
        "",
        *list_table(_list_names(e)),
        "",
        f"Decisions for the clips of each {each}:",
        "",
        *list_table(rows),
        "",
        f"{likeliest}: {', '.join(_headline(e))}.",
        "",
        *list_table(_label_row(e, str(name)) for name in e.per_label.index if count_support(e, str(name))),
        "",
        '"Recall at least" is the lower bound that this number of clips, those of one event counted once, supports '
        "with 95 % confidence if they are independent. Those of one site are not, so the true recall may be lower.",
    ]


def say_results(evaluation: Evaluation) -> list[str]:
    """Return what was named, taken away as empty, lost of the targets and left to look at, in sentences.

    A target that no clip shows has no figure.
    """
    e = evaluation
    lost = [
        f"Clips of {x} that were called empty: {n} of {count_support(e, x)}"
        for x, n in e.target_lost.items()
        if count_support(e, x)
    ]
    if not e.archive:
        return lost
    if not e.archive.n_archived:  # then nothing lost is no good news
        lost = ["No clip was called empty, so none was lost that way"]
    return [*e.archive.saved, *lost, *e.archive.limits]


def describe_conditions(evaluation: Evaluation | None) -> list[str]:
    """Return the figures by light, and by size of the animal where a detector was used."""
    if evaluation is None or evaluation.conditions is None:
        return []
    light, sizes = evaluation.conditions.light, list_size_rows(evaluation.conditions.sizes)
    head = "Lost and archived clips were called empty, without an alert."
    by_light = ["", f"By light. {head}", "", *list_table(light.list_rows())] if len(light.counts) else []
    by_size = ["", "By the share of the picture that the animal's box covers, according to the detector:", ""]
    return [
        *by_light,
        "",
        *list_bullets(f"{sentence}." for sentence in light.sentences),
        *([*by_size, *list_table(sizes)] if sizes else []),
    ]


def describe_optimism(evaluation: Evaluation | None, chosen_on: Evaluation | None) -> list[str]:
    """Return the lines on how far the choice of epoch and temperature flatters; see `chosen_figures`."""
    if evaluation is None or chosen_on is None or evaluation is chosen_on:
        return []
    head = (
        "All figures above are *judged on* clips that had no part in the choice of epoch and temperature. Below "
        "is the same with the choice of this model, *chosen on* these clips. *Optimism* is how much better that "
        f"looks. It is above 0 where the choice flatters, also for {' and '.join(LESS_IS_BETTER)}, of which less "
        "is better:"
    )
    return ["", head, "", *list_table(compare_choice(evaluation, chosen_on))]


def _headline(evaluation: Evaluation) -> Iterable[str]:
    """Yield the figures about all labels, in words."""
    words = {"macro-F1": "**Macro-F1 {}**", "ECE": "calibration error {}"}
    for name, estimate in evaluation.headline.items():
        yield words.get(name, name + " {}").format(estimate.format(2))


def _label_row(evaluation: Evaluation, label: str) -> dict[str, Any]:
    support = count_support(evaluation, label)
    floor = float(evaluation.per_label["recall_at_least"][label])
    return {
        "label": label,
        "clips": support,
        **{title: evaluation.label_estimate(label, m).format(2) for m, title in evaluation.measures.items()},
        "recall at least": _figure(floor),
    }


def _list_names(evaluation: Evaluation) -> Iterable[Mapping[str, Any]]:
    """Yield what was said of each label that a clip shows, or that was said of one."""
    for label, row in evaluation.names.to_dict("index").items():
        if row["support"] + row["said"]:
            yield {
                "label": label,
                "clips": int(row["support"]),
                "said": int(row["said"]),
                "right of these": read_estimate(row, "right").format(2),
                "said of its clips": read_estimate(row, "found").format(2),
            }


def count_support(evaluation: Evaluation, label: str) -> int:
    """Return the number of clips of a label; 0 for a label that was not evaluated."""
    return int(evaluation.per_label["support"][label]) if label in evaluation.per_label.index else 0


def list_bullets(lines: Iterable[str]) -> list[str]:
    """Return the lines of a Markdown list."""
    return [f"- {line}" for line in lines]


def list_table(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return the lines of a Markdown table with numbers aligned right."""
    rows = list(rows)
    if not rows:
        return []
    alignment = [" ---: |" if isinstance(make_plain(v), int | float) else " --- |" for v in rows[0].values()]
    lines = ["| " + " | ".join(str(k) for k in rows[0]) + " |", "|" + "".join(alignment)]
    return lines + ["| " + " | ".join(str(v).replace("|", "\\|") for v in row.values()) + " |" for row in rows]


def make_plain(value: Any) -> Any:
    """Return a number of numpy as one of Python, and nan as None."""
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and math.isnan(value) else value


def _figure(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"
