"""An evaluation in the terminal: first a page on what may be archived, then, if asked for, comparisons."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import fill
from typing import TYPE_CHECKING, Any

from leopardnet.cli.console import out, print_rows, say
from leopardnet.core.labels import ANIMAL
from leopardnet.core.language import translate_message

if TYPE_CHECKING:
    import pandas as pd

    from leopardnet.evaluation.full_evaluation import EvaluationReport
    from leopardnet.metrics.conditions.light_figures import LightFigures
    from leopardnet.metrics.evaluation import Evaluation
    from leopardnet.metrics.guarantees.archive import Archive

WIDTH = 100
MAX_LABELS = 12  # more do not fit a screen; the file has all
SHORT_LABELS = 4  # of the short page, which has 25 lines


def print_evaluation(evaluation: Evaluation, *, full: bool = False) -> None:
    """Print one page to stdout: may clips be archived unseen, what was said, and the likeliest label.

    The label to ask for first is always on it. full: up to a dozen labels, all figures about all of them, and those
    by light.
    """
    most = MAX_LABELS if full else SHORT_LABELS
    e = evaluation
    places = f"{e.n_clips} labelled clips from {e.n_sites} {_sites(e.n_sites)}"
    counted = [places if e.n_sites else f"{e.n_clips} labelled clips from no known site"]
    counted += [f"{e.n_without_site} of no known site"] if e.n_sites and e.n_without_site else []
    counted += [f"{e.n_unreadable} unreadable"] if e.n_unreadable else []
    counted += [f"copies of other clips, counted once: {e.n_copies}"] if e.n_copies else []
    _print_lines(*counted, joint="; ", end=".")
    for said in filter(None, map(str, (e.choice, e.taught))):
        shown = translate_message(said)
        _print_lines(f"{shown[:1].upper()}{shown[1:]}", end=".")
    if e.archive:
        _print_losses(e.archive, most)
        for sentence in e.archive.sentences:
            _print_lines(sentence, end=".")
    _print_labels(e, most, full=full)
    if e.conditions and full:
        _print_light(e.conditions.light)
    elif e.conditions:
        _print_lines(*e.conditions.light.sentences, joint=". ", end=".")


def _print_losses(archive: Archive, most: int) -> None:
    """Print what is lost if clips called empty are archived unseen, the bounds at both levels, and where to ask."""
    from leopardnet.metrics.guarantees.levels import LEVELS

    if not archive.n_archived:
        _print_lines("May clips be archived unseen? None was called empty, so none would be.")
    elif archive.losses:
        *targets, every = archive.losses
        ordered = sorted(targets, key=lambda loss: (loss.label != archive.asked, -loss.n_lost))
        n_shown = len(ordered) if len(ordered) < most else most - 2
        shown, hidden = ordered[:n_shown], ordered[n_shown:]
        marks = dict(zip(reversed(LEVELS), ("at most (1)", "at most (2)"), strict=True))
        rows = [
            {
                "shows": "any animal" if loss.label == ANIMAL else loss.label,
                "lost": loss.n_lost,
                "of clips": loss.n_clips,
                **({"in events": loss.n_events} if archive.has_events else {}),
                "at sites": loss.n_sites,
                **{marks[x]: loss.bound(x) for x in marks},
            }
            for loss in [*shown, every]
        ]
        _print_lines("May the clips called empty, without an alert, be archived unseen?")
        print_rows(rows, spaced=False)
        _print_lines(
            "At most, at new sites, with 95 % confidence, unless these clips set the thresholds: (1) of all clips, "
            "holds if no site is unlike those labelled; (2) mean over sites, holds whatever sites do."
        )
        if hidden:
            n_lost = sum(loss.n_lost for loss in hidden)
            _print_lines(f"More labels in metrics.json: {len(hidden)}; clips of these lost: {n_lost}.")
    _print_lines(f"For a promise of your own: leopardnet thresholds … {archive.question}")


def _print_labels(e: Evaluation, most: int, *, full: bool) -> None:
    from leopardnet.metrics.bootstrap import FEW_SITES, NOT_DEMONSTRATED

    if full:
        out.print()
    per_label = e.per_label[e.names["support"] + e.names["said"] > 0]
    n_rows = len(per_label) if len(per_label) <= most else most if full else most - 1
    said, figures = e.names.to_dict("index"), per_label.head(n_rows).to_dict("index")
    rows = [
        {
            "label": label,
            "clips": int(row["support"]),
            "said": int(said[label]["said"]),
            "of these right": _interval_text(said[label], "right"),
            "of clips said": _interval_text(said[label], "found"),
            "likeliest: F1": _interval_text(row, "f1"),
            "AUROC": _interval_text(row, "auroc"),
        }
        for label, row in figures.items()
    ]
    likeliest = "a probability of 0.5 or more" if e.is_multi else "the likeliest label"
    named = list(e.headline.items())[: None if full else 1]
    headline = ", ".join(f"{k} {x.format(2)}" for k, x in named)
    caption = [f"[95 % interval over sites]. By {likeliest}, whatever is said: {headline}."]
    if e.n_groups < 2:
        one, none = "No intervals: all clips are of one site.", "No intervals: no site is known."
        caption.append(one if e.n_sites else none)
    elif e.n_sites < FEW_SITES:
        caption.append(f"Sites: {e.n_sites}, too few to rely on intervals.")
    if any("[–]" in str(cell) for row in rows for cell in row.values()):
        caption.append(f"[–]: {translate_message(NOT_DEMONSTRATED)}.")
    is_flattering = len(e.taught) and e.taught.are_counted
    print_rows(rows, title="With clips that the model learned from" if is_flattering else "", spaced=False)
    _print_lines(*caption)
    if len(per_label) > len(rows):
        _print_lines(f"More labels in names.csv and per_label.csv: {len(per_label) - len(rows)}.")


def _print_light(light: LightFigures) -> None:
    """Print infrared beside colour: what was named and lost, macro-F1 over the same labels, and the gap."""
    rows = light.list_rows(most=MAX_LABELS)
    if rows:
        out.print()
        print_rows(rows, spaced=False)
    for sentence in light.sentences:
        _print_lines(sentence, end=".")


def _sites(n: int) -> str:
    return "site" if n == 1 else "sites"


def _print_lines(*sentences: str, joint: str = " ", end: str = "") -> None:
    text = joint.join(map(translate_message, sentences)) + end
    out.print(fill(text, WIDTH, break_long_words=False), markup=False, highlight=False, soft_wrap=True)


def print_comparisons(found: EvaluationReport, *, full: bool) -> None:
    """Print slices, shortcut tests and novelty, which are asked for one by one, and notes.

    full: print the comparisons of the model and the tables of events and of empty clips, too.
    """
    tables = found.tables
    if full:
        titles = {"aggregators": "Other aggregations of the same frames", "baselines": "Baselines"}
        for name in [x for x in titles if x in tables]:
            print_rows(_comparison_rows(tables[name]), title=titles[name])
        if "events_by_length" in tables:
            print_rows(_length_rows(tables["events_by_length"]), title="Events by number of clips")
        if found.events is not None:
            say(f"events: {found.events.n_clips} evaluated, macro-F1 {found.events.macro_f1}")
        if "backgrounds" in tables:
            print_rows(_background_rows(tables["backgrounds"]), title="Probability of an animal in empty clips")
        for recall, removed in found.clips.empty_removal().items():
            say(f"empty clips removed while {recall:.0%} of the animals are kept: {removed}")
    for name, table in found.slices.items():
        print_rows(_comparison_rows(table), title=f"Clips by {name}")
    if "shortcuts" in tables:
        print_rows(_shortcut_rows(tables["shortcuts"]), title="Does the model use the animal?")
    if "novelty" in tables:
        print_rows(_novelty_rows(tables["novelty"]), title="Species that it was not trained on")
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


def _length_rows(table: pd.DataFrame) -> list[dict[str, str]]:
    return [
        {
            "clips": str(name),
            "events": str(int(row["n_events"])),
            "names": str(int(row["n_names"])),
            "names right": _interval_text(row, "right"),
            "empty events": str(int(row["n_empty"])),
            "of these, said to hold an animal": _interval_text(row, "false"),
        }
        for name, row in table.to_dict("index").items()
    ]


def _background_rows(table: pd.DataFrame) -> list[dict[str, str]]:
    return [
        {
            "of": str(name),
            "at its sites": f"{_interval_text(row, 'here')} (clips: {row['n_here']:.0f})",
            "elsewhere": f"{_interval_text(row, 'elsewhere')} (clips: {row['n_elsewhere']:.0f})",
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
