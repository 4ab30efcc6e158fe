"""The first page of a report: what was looked at, found and not looked at, how far to trust it, what to do next.

Suspected and confirmed never share a figure: the model suspects, and only people, by their labels, confirm.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from leopardnet.core.labels import ANIMAL, UNREADABLE, say_blindness
from leopardnet.core.language import format_day, format_number, translate, translate_label, translate_plural
from leopardnet.metrics.bootstrap import WIDEST
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.metrics.guarantees.archive import ArchivedLoss
from leopardnet.metrics.guarantees.levels import Level
from leopardnet.pages.palette import LabelStyle
from leopardnet.report.evaluation_section import explain_no_figures
from leopardnet.report.target_counts import TargetCounts, count_targets, list_judged

MAX_REASONS = 3
MAX_TARGETS = 6  # the first page has room for so many; the table of clips has all


@dataclass(frozen=True)
class Step:
    """One thing to do next: why, the command that does it, if any, and the section of the page that shows it."""

    text: str
    command: str = ""
    section: str = ""


@dataclass(frozen=True)
class Beside:
    """What is known beside the table of predictions.

    said: what people said, as `labels_by_clip` returns it; None if nobody was asked. n_without_result: clips of the
    manifest that have no prediction. n_not_scanned: files of footage in its folder that neither it nor the table of
    predictions lists; None where that is not known. n_labelled: clips of the table that have a label. n_hidden:
    clips whose pictures are left out. n_faults: of cameras.
    """

    said: pd.DataFrame | None = None
    n_without_result: int = 0
    n_not_scanned: int | None = None
    n_labelled: int = 0
    n_hidden: int = 0
    n_faults: int = 0


@dataclass(frozen=True)
class Overview:
    """The first page in the current language; targets: counts of each target; has_people: somebody gave labels."""

    looked_at: list[str]
    targets: list[TargetCounts]
    has_people: bool
    found: list[str]
    not_looked_at: list[str]
    trust: list[str]
    steps: list[Step]


def make_overview(
    predictions: pd.DataFrame,
    styles: Sequence[LabelStyle],
    *,
    evaluation: Evaluation | None = None,
    description: Mapping[str, Any] | None = None,
    beside: Beside | None = None,
) -> Overview:
    """Make the first page of a predictions table. description: of a bundle, as `write_report` takes it."""
    beside, facts = beside or Beside(), description or {}
    targets = count_targets(predictions, [s.name for s in styles if s.is_target], beside.said)
    return Overview(
        looked_at=_describe_footage(predictions),
        targets=targets[:MAX_TARGETS],
        has_people=beside.said is not None,
        found=_describe_found(targets, styles, facts, beside.said),
        not_looked_at=_describe_gaps(predictions, beside),
        trust=_describe_trust(evaluation, facts, [t.name for t in targets], beside.n_labelled),
        steps=_plan_steps(predictions, targets, evaluation, facts, beside),
    )


def _describe_footage(predictions: pd.DataFrame) -> list[str]:
    """Return the clips, the dates, the sites and the hours of footage."""
    kinds = predictions["kind"].value_counts()
    counts = {
        "video": translate_plural("{n} video", "{n} videos", int(kinds.get("video", 0))),
        "still": translate_plural("{n} still", "{n} stills", int(kinds.get("still", 0))),
        "burst": translate_plural("{n} burst", "{n} bursts", int(kinds.get("burst", 0))),
    }
    lines = [", ".join(words for kind, words in counts.items() if kind in kinds.index)]
    lines += _describe_hours(predictions)
    days = predictions["captured_at"].dropna()
    if len(days):
        span = _span(days.min().date(), days.max().date())
        n_dated, n = len(days), len(predictions)
        lines.append(
            span
            if n_dated == n
            else translate("{span} (clips with a date: {n})", span=span, n=format_number(n_dated))
        )
    elif len(predictions):
        lines.append(translate("No clip has a date."))
    n_sites, n_no_site = int(predictions["site"].nunique()), int(predictions["site"].isna().sum())
    if n_sites:
        lines.append(translate_plural("{n} site", "{n} sites", n_sites))
    if n_no_site:
        lines.append(translate_plural("{n} clip without a site", "{n} clips without a site", n_no_site))
    return [line for line in lines if line]


def _span(first: date, last: date) -> str:
    return (
        format_day(first)
        if first == last
        else translate("{first} to {last}", first=format_day(first), last=format_day(last))
    )


def _describe_hours(predictions: pd.DataFrame) -> list[str]:
    """Return how long the videos are together, and of how many nobody knows the length."""
    lengths = predictions.loc[predictions["kind"] == "video", "duration_s"]
    n_unknown, total_s = int(lengths.isna().sum()), float(lengths.sum())
    if not len(lengths) or n_unknown == len(lengths):
        return []
    hours = format_number(total_s / 3600, 1)
    length = (
        translate("{hours} hours of video", hours=hours)
        if total_s >= 360
        else translate("{minutes} minutes of video", minutes=format_number(total_s / 60, 1))
    )
    if not n_unknown:
        return [length]
    return [translate("{length}, without {n} of unknown length", length=length, n=format_number(n_unknown))]


def _describe_found(
    targets: Sequence[TargetCounts],
    styles: Sequence[LabelStyle],
    facts: Mapping[str, Any],
    said: pd.DataFrame | None,
) -> list[str]:
    """Return what the counts of targets do not say by themselves."""
    lines = []
    if facts.get("labels") and not any(s.is_target for s in styles):
        lines.append(translate("The model has no target, so it can suspect none."))
        lines += filter(None, [say_blindness([s.name for s in styles])])
    elif not targets:
        lines.append(translate("No clip is suspected to show a target."))
    if n_undecided := sum(t.n_undecided for t in targets):
        lines.append(
            translate_plural(
                "{n} suspicion is undecided: people disagree or could not tell",
                "{n} suspicions are undecided: people disagree or could not tell",
                n_undecided,
            )
        )
    if said is None:
        lines.append(translate("Nothing is confirmed: no labels of people were given (--labels)."))
    if len(targets) > MAX_TARGETS:
        lines.append(translate("{n} more targets are in the table of clips.", n=len(targets) - MAX_TARGETS))
    return lines


def _describe_gaps(predictions: pd.DataFrame, beside: Beside) -> list[str]:
    """Return what was not looked at, in whole or in part, and why."""
    is_unreadable = predictions["status"] == UNREADABLE
    n_unreadable, n_partial = int(is_unreadable.sum()), int((predictions["status"] == "partial").sum())
    lines = []
    if n_unreadable:
        lines.append(translate_plural("{n} clip is unreadable", "{n} clips are unreadable", n_unreadable))
    if n_partial:
        lines.append(translate_plural("{n} clip was read in part", "{n} clips were read in part", n_partial))
    if beside.n_without_result:
        n = beside.n_without_result
        lines.append(
            translate_plural(
                "{n} clip of the manifest has no result", "{n} clips of the manifest have no result", n
            )
        )
    if beside.n_not_scanned:
        lines.append(
            translate_plural(
                "{n} file in the folder of the footage is neither in the manifest nor classified",
                "{n} files in the folder of the footage are neither in the manifest nor classified",
                beside.n_not_scanned,
            )
        )
    if not lines and len(predictions):
        lines.append(translate("Every clip of this run was read whole."))
    if beside.n_not_scanned is None:
        lines.append(translate("Whether the folder holds files that were never scanned is not known here."))
    if beside.n_hidden:
        lines.append(
            translate_plural(
                "{n} clip of people or vehicles was classified; its picture is left out here",
                "{n} clips of people or vehicles were classified; their pictures are left out here",
                beside.n_hidden,
            )
        )
    return lines


def list_reasons(predictions: pd.DataFrame) -> list[tuple[str, int]]:
    """Return the commonest reasons why clips are unreadable, in English, each with its number of clips."""
    reasons = predictions.loc[predictions["status"] == UNREADABLE, "reason"].dropna().value_counts(sort=False)
    ordered = sorted(reasons.items(), key=lambda pair: (-pair[1], str(pair[0])))
    return [(str(reason), int(n)) for reason, n in ordered[:MAX_REASONS]]


def _describe_trust(
    evaluation: Evaluation | None, facts: Mapping[str, Any], targets: Sequence[str], n_labelled: int
) -> list[str]:
    """Return the promise of the model or its absence, then what labels say, by which labels."""
    promises, watch = facts.get("promises"), facts.get("watch")
    lines = []
    if promises is None:
        lines.append(translate("Whether the model promises anything is not known here (--bundle)."))
    elif not promises:
        lines.append(translate("The model promises nothing: archive no clip unseen."))
    else:
        lines += [str(watch["says"])] if watch else []
        lines += [] if watch and watch["alarm"] else [str(p) for p in promises]
    if not facts.get("is_calibrated", True):
        lines.append(translate("The probabilities are not calibrated: they order clips, but are no chances."))
    if evaluation is None:
        lines.append(explain_no_figures(n_labelled))
        return lines
    e = evaluation
    lines.append(f"{e.choice}." if str(e.choice) else translate("How the labelled clips were chosen is not known."))
    losses = [x for x in (e.archive.losses if e.archive else ()) if x.label in (*targets[:MAX_TARGETS], ANIMAL)]
    lines += map(_describe_loss, losses)
    lines += [str(e.taught)] if str(e.taught) else []
    return lines


def _describe_loss(loss: ArchivedLoss) -> str:
    """Return how many labelled clips of a label would be lost, and what that says of other sites."""
    name = translate("any animal") if loss.label == ANIMAL else translate_label(loss.label)
    lost = {"name": name, "n": format_number(loss.n_lost), "total": format_number(loss.n_clips)}
    said = translate("{name}: {n} of {total} labelled clips were called empty, without an alert", **lost)
    level: Level = "any_sites"
    if loss.at_most[level] > WIDEST:
        return translate("{said}; too few to say anything of other sites.", said=said)
    return translate("{said}; on average over other sites at most {bound}.", said=said, bound=loss.bound(level))


def _plan_steps(
    predictions: pd.DataFrame,
    targets: Sequence[TargetCounts],
    evaluation: Evaluation | None,
    facts: Mapping[str, Any],
    beside: Beside,
) -> list[Step]:
    """Return what to do next, the most urgent first."""
    steps = []
    watch = facts.get("watch") or {}
    if watch.get("alarm"):
        text = translate("Archive nothing unseen: the promise no longer applies.")
        steps.append(Step(text, "leopardnet thresholds", "reading"))
    is_judged = predictions["clip_id"].isin(list_judged(beside.said))
    n_open = int((predictions["alert"].notna() & ~is_judged).sum())
    if n_open:
        steps.append(
            Step(
                translate_plural(
                    "Look at {n} suspected clip and say what it shows",
                    "Look at {n} suspected clips and say what they show",
                    n_open,
                ),
                "leopardnet review",
                "first",
            )
        )
    n_unreadable = int((predictions["status"] == UNREADABLE).sum())
    if n_unreadable:
        steps.append(
            Step(
                translate_plural(
                    "Copy {n} unreadable file again and classify it",
                    "Copy {n} unreadable files again and classify them",
                    n_unreadable,
                ),
                "leopardnet predict --retry-failed",
                "first",
            )
        )
    if beside.n_without_result or beside.n_not_scanned:
        steps.append(Step(translate("Classify what has no result yet"), "leopardnet scan, leopardnet predict"))
    if beside.n_faults:
        steps.append(
            Step(
                translate_plural(
                    "See to {n} finding about cameras", "See to {n} findings about cameras", beside.n_faults
                ),
                section="cameras",
            )
        )
    if evaluation is None or not evaluation.choice.is_sample:
        text = translate("Label the random audit: only it tells how often these answers are right")
        steps.append(Step(text, "leopardnet review"))
    elif not facts.get("promises"):
        text = translate("Ask which thresholds lose at most as many targets as you can bear")
        steps.append(Step(text, "leopardnet thresholds"))
    if any(t.n_confirmed for t in targets):
        steps.append(Step(translate("Hand on what was confirmed"), "leopardnet export --corrections"))
    return steps
