"""The part of the full evaluation about events: clips that one site recorded shortly after each other."""

from __future__ import annotations

import pandas as pd

from leopardnet.core.columns import has_several_labels
from leopardnet.core.errors import LeopardnetError
from leopardnet.core.footage.id_sets import is_among
from leopardnet.evaluation.evaluation_parts import EvaluationInputs, PartResult, rows_by_name
from leopardnet.metrics.comparison.event_lengths import measure_lengths
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.metrics.judges.clip_truth import true_labels
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.score.clip_units import add_times
from leopardnet.score.events import event_ids, event_truth, independent_records, join_events


def evaluate_events(inputs: EvaluationInputs) -> PartResult:
    """Return the events, their evaluation, how far names hold by length of event, and independent records.

    Records are counted per site and animal, by labels and by decisions.

    There is no evaluation where no event has one true label, nor by an audit: it labels single clips of an event.
    By an audit there are no records either, and where no clip has both a site and a time, no table of events.
    """
    predictions = inputs.predictions.table
    clips, truth = add_times(predictions, inputs.manifest), true_labels(inputs.manifest, predictions)
    table = join_events(clips, gap_minutes=inputs.gap_minutes, mode=inputs.mode)
    has_place, found, lengths = clips["site"].notna() & clips["captured_at"].notna(), None, pd.DataFrame()
    tables = {"events": table} if has_place.any() else {}
    notes = []
    if inputs.clips.choice.is_sample:
        notes.append("an audit labels single clips: events and records are not evaluated")
    elif not has_place.any():
        notes.append("no clip has both a site and a time: events and records are not evaluated")
    else:
        if not has_place.all():
            notes.append(f"{int((~has_place).sum())} clips without site or time count as events of their own")
        tables["records"] = _count_records(clips, truth, inputs)
        placed = table[table["site"].notna() & table["start"].notna()]
        lengths = measure_lengths(placed, truth, n_boot=inputs.n_boot, seed=inputs.seed)
        found, note = _evaluate(clips, table, truth, inputs)
        notes.append(note)
    metrics = {"events": found.to_metrics_json() if found is not None else None}
    metrics |= {"events_by_length": rows_by_name(lengths)}
    return PartResult(
        tables | ({"events_by_length": lengths} if len(lengths) else {}), metrics, found, tuple(notes)
    )


def _count_records(clips: pd.DataFrame, truth: pd.Series[str], inputs: EvaluationInputs) -> pd.DataFrame:
    """Return site, label, and the numbers of independent records `true` and `said`, over the labelled clips."""
    labelled = clips[is_among(clips["clip_id"], truth.dropna().index)]
    counts, said = {}, clips.set_index("clip_id")
    named = said["labels"].fillna(said["decision"]) if has_several_labels(clips) else said["decision"]
    for name, labels in (("true", truth), ("said", named)):
        records = independent_records(labelled, labels, gap_minutes=inputs.gap_minutes, mode=inputs.mode)
        counts[name] = records.set_index(["site", "label"])["n"]
    return pd.concat(counts, axis=1).fillna(0).astype(int).reset_index()


def _evaluate(
    clips: pd.DataFrame, table: pd.DataFrame, truth: pd.Series[str], inputs: EvaluationInputs
) -> tuple[Evaluation | None, str]:
    """Return the evaluation of events, None where there is none, and a note about it."""
    ids = event_ids(clips, gap_minutes=inputs.gap_minutes, mode=inputs.mode)
    true = event_truth(clips.assign(event_id=ids), truth, multi=has_several_labels(clips))
    if not true.notna().any():
        return None, "events are not evaluated: of none is it known that it shows one animal, or nothing"
    try:
        renamed = table.rename(columns={"event_id": "clip_id"})
        found = inputs.evaluate(LabelledClips.from_tables(renamed, true, outside=inputs.outside))
    except LeopardnetError as error:
        return None, f"events are not evaluated: {error.one_line}"
    others = "the others show two animals or a species that was left out, or have clips without a label"
    n_events = f"{len(table)} events, {found.n_clips} of them evaluated"
    return found, f"{n_events}; {others}" if found.n_clips < len(table) else n_events
