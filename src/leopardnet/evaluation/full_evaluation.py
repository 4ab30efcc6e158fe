"""Predictions against labels of a manifest: the evaluation of clips, and the full evaluation in parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from leopardnet.bundle.bundle import Bundle
from leopardnet.bundle.learned_from import mark_learned
from leopardnet.core.footage.id_sets import is_among
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.evaluation import comparison_parts as comparison
from leopardnet.evaluation.evaluation_parts import EvaluationInputs, Part, PartResult
from leopardnet.evaluation.event_part import evaluate_events
from leopardnet.metrics.conditions.conditions import evaluate_conditions
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.metrics.judges.label_choice import UNKNOWN_CHOICE, LabelChoice
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.score.events import GAP_MINUTES, Mode


def evaluate(
    predictions: Predictions | pd.DataFrame,
    manifest: Manifest,
    *,
    outside: Sequence[str] = (),
    include_training: bool = False,
    choice: LabelChoice = UNKNOWN_CHOICE,
    n_boot: int = 1000,
    seed: int = 7,
) -> Evaluation:
    """Return how often the predictions are right, per clip, against the labels of the manifest.

    Intervals come from a bootstrap over sites. Clips without a label are only counted; unreadable clips count as
    wrong. outside: species that the model was not taught. Clips that the model learned from are left out, unless
    `include_training`; raises ManifestError where no other is left. choice: how the labels were chosen, as
    `read_judging_labels` says it. n_boot, seed: of the draws of sites. Infrared stands beside colour where
    the evidence says which light it was. `Evaluation` explains the figures; `evaluate_all` compares.

    >>> ln.evaluate(ln.Predictions.read(Path("results")), manifest)  # doctest: +SKIP
    """
    clips = LabelledClips.of(predictions, manifest, outside=outside, choice=choice)
    clips = clips.leave_out_training_sites(keep=include_training)
    found = evaluate_clips(clips, targets=clips.animals, n_boot=n_boot, seed=seed)
    if not isinstance(predictions, Predictions):
        return found
    conditions = evaluate_conditions(clips, predictions.evidence, n_boot=n_boot, seed=seed)
    return replace(found, conditions=conditions)


def evaluate_clip_part(inputs: EvaluationInputs) -> PartResult:
    """Return the evaluation of clips."""
    found = inputs.evaluation
    return PartResult(found.to_tables(), found.to_metrics_json(), found)


PARTS = (
    Part("clips", evaluate_clip_part, files=("light.csv", "sizes.csv")),
    Part("events", evaluate_events, files=("events.csv", "records.csv", "events_by_length.csv")),
    Part("aggregators", comparison.evaluate_aggregators, files=("aggregators.csv",), is_comparison=True),
    Part("baselines", comparison.evaluate_baselines, files=("baselines.csv",), is_comparison=True),
    Part("novelty", comparison.evaluate_novelty_part, comparison.check_novelty, files=("novelty.csv",)),
    Part(
        "shortcuts",
        comparison.evaluate_shortcuts,
        comparison.check_shortcuts,
        files=("shortcuts.csv", "backgrounds.csv"),
    ),
    Part("slices", comparison.evaluate_all_slices, comparison.check_slices, files=("by_*.csv",)),
    Part("mistakes", comparison.evaluate_mistakes, files=("mistakes.csv",)),
)
"""The parts of the full evaluation, in the order in which they are computed, noted and written to metrics.json."""


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """The results of the full evaluation, by name of the part in `PARTS`; docs/evaluate.md explains each table."""

    parts: Mapping[str, PartResult]

    @property
    def clips(self) -> Evaluation:
        """The evaluation of clips."""
        found = self.parts["clips"].evaluation
        assert found is not None, "this part always has one"
        return found

    @property
    def events(self) -> Evaluation | None:
        """The evaluation of events; None where clips have no site or time, or events no label."""
        return self.parts["events"].evaluation

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """All tables, by file name without suffix; parts that could not be computed have none."""
        return {name: table for part in self.parts.values() for name, table in part.tables.items()}

    @property
    def slices(self) -> dict[str, pd.DataFrame]:
        """The tables of slices, by the column that divides the clips."""
        return {name.removeprefix("by_"): table for name, table in self.parts["slices"].tables.items()}

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be done, and why."""
        return tuple(note for part in self.parts.values() for note in part.notes)

    def __repr__(self) -> str:
        of_events = f"\nevents: macro F1 {self.events.macro_f1}" if self.events is not None else ""
        return "\n".join([repr(self.clips) + of_events, *(f"note: {note}" for note in self.notes)])

    def to_tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables to write, by file name without suffix."""
        return {name: table.reset_index() if table.index.name else table for name, table in self.tables.items()}

    def to_metrics_json(self) -> dict[str, Any]:
        """Return plain values for metrics.json: `Evaluation.to_metrics_json` of clips, and the other parts."""
        metrics = {name: value for part in self.parts.values() for name, value in part.metrics.items()}
        return {**metrics, "notes": list(self.notes)}


def evaluate_all(
    predictions: Predictions,
    manifest: Manifest,
    *,
    by: Sequence[str] = (),
    outside: Sequence[str] = (),
    bundle: Bundle | None = None,
    n_shortcuts: int = 0,
    include_training: bool = False,
    choice: LabelChoice = UNKNOWN_CHOICE,
    footage: bool = False,
    full: bool = True,
    gap_minutes: float = GAP_MINUTES,
    mode: Mode = "chained",
    n_boot: int = 1000,
    seed: int = 7,
    on_progress: Callable[..., None] | None = None,
) -> EvaluationReport:
    """Return the evaluation of predictions with labels in all of `PARTS`.

    by: slices: columns of the manifest, or site_known, daytime, month, light, box_size. outside: species that the
    model was not taught. bundle:
    the model, whose temperature is undone before frames are aggregated again. n_shortcuts: so many clips with an
    animal, and as many without, are classified again with something changed (`evaluation.shortcuts`), which opens
    their footage. choice: how the labels were chosen, as `read_judging_labels` says it.
    include_training: count the clips that the model learned from, and their sites, too; the figures are then named
    so. footage: open the clips again to measure motion, for aggregators weighed by it and the motion
    baseline. full: False leaves out the comparisons with other aggregations and with baselines. gap_minutes, mode:
    what ends an event, as in `join_events`. on_progress(what, n_done, n_total).

    Raises ManifestError and ConfigError for labels, columns and options that cannot be used, and BundleError for
    the bundle of another model, before the long work begins.

    >>> print(ln.evaluate_all(predictions, manifest, by=["site", "daytime"], bundle=bundle))  # doctest: +SKIP
    """
    if bundle is not None:
        predictions.require_model(bundle.id)
        predictions = mark_learned(predictions, manifest, bundle)
    clips = LabelledClips.of(predictions, manifest, outside=outside, choice=choice)
    clips = clips.leave_out_training_sites(keep=include_training)
    if clips.taught and not include_training:
        predictions, manifest = _keep_judges(predictions, manifest, clips)
    inputs = EvaluationInputs(
        clips,
        predictions,
        manifest,
        tuple(by),
        tuple(outside),
        bundle,
        n_shortcuts,
        footage,
        gap_minutes,
        mode,
        n_boot,
        seed,
        on_progress or (lambda *_: None),
    )
    parts = [part for part in PARTS if full or not part.is_comparison]
    for part in parts:
        part.check(inputs)
    results = {}
    for i, part in enumerate(parts):
        inputs.on_progress(f"evaluating {part.name}", i, len(parts))
        results[part.name] = part.evaluate(inputs)
    inputs.on_progress("evaluated", len(parts), len(parts))
    return EvaluationReport(results)


def _keep_judges(
    predictions: Predictions, manifest: Manifest, clips: LabelledClips
) -> tuple[Predictions, Manifest]:
    """Return the predictions of these clips, and the manifest without the labels of other clips of the model."""
    table, evidence = (t[is_among(t["clip_id"], clips.clip_ids)] for t in (predictions.table, predictions.evidence))
    is_out = is_among(manifest.table["clip_id"], set(predictions.table["clip_id"]) - set(clips.clip_ids))
    rows = manifest.table
    rows = rows.assign(label=rows["label"].mask(is_out), labels=rows["labels"].mask(is_out))
    return Predictions(table, evidence), manifest.replace(rows)
