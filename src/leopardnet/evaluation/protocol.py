"""Predictions against the labels of a manifest: one evaluation of clips, and the whole protocol; tables in a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from leopardnet.bundle.bundle import Bundle
from leopardnet.core.errors import ConfigError, LeopardnetError
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.evaluation.clip_groups import slice_of
from leopardnet.evaluation.motion_baseline import add_motion, motion_energy
from leopardnet.metrics.comparison.baselines import MOTION, baseline_tables
from leopardnet.metrics.comparison.compare import aggregator_tables, compare
from leopardnet.metrics.comparison.novelty import evaluate_novelty
from leopardnet.metrics.comparison.review_order import mistakes
from leopardnet.metrics.comparison.slices import evaluate_slices
from leopardnet.metrics.evaluate_clips import animals_of, evaluate_clips
from leopardnet.metrics.evaluation import Evaluation, plain
from leopardnet.score.events import GAP_MINUTES, Mode, event_ids, event_truth, independent_records, join_events


def evaluate(
    predictions: Predictions | pd.DataFrame,
    manifest: Manifest,
    *,
    outside: Sequence[str] = (),
    n_boot: int = 1000,
    seed: int = 7,
) -> Evaluation:
    """How right the predictions are, per clip, against the labels of the manifest.

    Intervals come from a bootstrap over sites. Clips without a label are counted, not judged; unreadable clips count
    as wrong. outside: species that the model was not taught. See `metrics.evaluate_clips.evaluate_clips`, and `evaluate_all` for all
    there is to know.
    """
    table = predictions.table if isinstance(predictions, Predictions) else predictions
    return evaluate_clips(
        table,
        manifest.clip_labels(),
        sites=sites_of(manifest),
        targets=animals_of(table),
        outside=outside,
        n_boot=n_boot,
        seed=seed,
    )


def sites_of(manifest: Manifest) -> pd.Series[str]:
    """The site of each clip, by clip_id."""
    return manifest.table.drop_duplicates("clip_id").set_index("clip_id")["site"]


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """All there is to know of a model's answers; see docs/evaluate.md for what each part is for.

    clips: the evaluation of clips; events: that of events, or None where clips have no site or time. aggregators: ways of
    joining the same frames; baselines: what must be beaten, `behind` the model by so much macro F1. slices: by column.
    novelty: scores of strangeness, where species were left out. shortcuts: does the model look at the animal? records: per site and animal, independent records as people
    and as the model count them. mistakes: every clip given a wrong name, the worst first. notes: what could not be had, and
    why.
    """

    clips: Evaluation
    events: Evaluation | None
    event_table: pd.DataFrame
    aggregators: pd.DataFrame
    baselines: pd.DataFrame
    slices: dict[str, pd.DataFrame]
    novelty: pd.DataFrame
    shortcuts: pd.DataFrame
    records: pd.DataFrame
    mistakes: pd.DataFrame
    notes: tuple[str, ...]

    def __repr__(self) -> str:
        of_events = f"\nevents: macro F1 {self.events.macro_f1}" if self.events is not None else ""
        return "\n".join([repr(self.clips) + of_events, *(f"note: {note}" for note in self.notes)])

    def to_metrics_json(self) -> dict[str, Any]:
        """What `Evaluation.to_metrics_json` gives for clips, with events and comparisons beside it."""
        tables = {"aggregators": self.aggregators, "baselines": self.baselines}
        tables |= {"novelty": self.novelty, "shortcuts": self.shortcuts}
        return {
            **self.clips.to_metrics_json(),
            "events": self.events.to_metrics_json() if self.events is not None else None,
            **{name: _rows(table) for name, table in tables.items()},
            "slices": {name: _rows(table) for name, table in self.slices.items()},
            "notes": list(self.notes),
        }


def _rows(table: pd.DataFrame) -> dict[str, Any]:
    return {str(name): plain(row) for name, row in table.to_dict("index").items()}


def evaluate_all(
    predictions: Predictions,
    manifest: Manifest,
    *,
    by: Sequence[str] = (),
    outside: Sequence[str] = (),
    bundle: Bundle | None = None,
    n_shortcuts: int = 0,
    footage: bool = False,
    gap_minutes: float = GAP_MINUTES,
    mode: Mode = "chained",
    n_boot: int = 1000,
    seed: int = 7,
    on_progress: Callable[..., None] | None = None,
) -> EvaluationReport:
    """Everything that a sceptic asks of predictions with labels.

    by: slices, see `evaluation.clip_groups.slice_of`. outside: species that the model was not taught. bundle: the model, to
    take its temperature out of the frames; n_shortcuts: so many clips with an animal, and as many without, are judged by it
    again with something changed (`evaluation.shortcuts`), which opens their footage. footage: open the clips again, for whatever motion has to say (the aggregators
    weighed by it, and the motion baseline). gap_minutes, mode: what ends an event. on_progress(what, n_done, n_total).
    """
    table, truth, sites = predictions.table, manifest.clip_labels(), sites_of(manifest)
    animals, notes = animals_of(table), list[str]()
    judge: dict[str, Any] = {"targets": animals, "outside": outside, "n_boot": n_boot, "seed": seed}
    tell = on_progress or (lambda *_: None)
    n_steps = 4 + len(by)
    if n_shortcuts and bundle is None:
        raise ConfigError("looking for shortcuts needs the model", where="bundle", todo="name its folder, too")
    # first: what cannot be used is refused before minutes of work
    parts = {column: slice_of(manifest, column, evidence=predictions.evidence) for column in by}
    novelty = pd.DataFrame()
    if outside:
        novelty = evaluate_novelty(
            table, truth, outside, evidence=predictions.evidence, sites=sites, n_boot=n_boot, seed=seed
        )

    tell("judging clips", 0, n_steps)
    clips = evaluate(predictions, manifest, outside=outside, n_boot=n_boot, seed=seed)
    placed = _placed(table, manifest, sites)
    tell("judging events", 1, n_steps)
    of_events, event_table, records = _events(placed, truth, gap_minutes, mode, judge, notes)
    tell("comparing aggregators", 2, n_steps)
    frames = predictions.evidence
    if footage and len(frames):
        frames = add_motion(frames, manifest, on_progress=on_progress)
    aggregators = pd.DataFrame()
    if len(frames):
        ways = aggregator_tables(placed, frames, truth, calibration=bundle.spec.calibration if bundle else None)
        aggregators = compare(ways, truth, against=placed, **judge)
    else:
        notes.append("no evidence.parquet beside the predictions: aggregators and single frames are not compared")
    tell("comparing baselines", 3, n_steps)
    motion = motion_energy(frames) if "motion" in frames.columns and frames["motion"].notna().any() else None
    if motion is None:
        why = "in no clip could two judged frames be compared" if footage else "the footage was not opened"
        notes.append(f"{why}: no motion baseline, and no frames weighed by motion")
    ways = baseline_tables(placed, frames, truth, motion=motion)
    baselines = compare(ways, truth, against=placed, presence_only=(MOTION,), **judge)
    slices = {}
    for i, (column, values) in enumerate(parts.items()):
        tell(f"judging by {column}", 4 + i, n_steps)
        slices[column] = evaluate_slices(placed, truth, values, sites=sites, **judge)
    shortcuts = pd.DataFrame()
    if bundle is not None and n_shortcuts:
        judged = manifest.replace(manifest.table[manifest.table["clip_id"].isin(table["clip_id"])])
        shortcuts = _shortcuts(judged, bundle, sites, n_shortcuts, (n_boot, seed), notes, on_progress)
    tell("judged", n_steps, n_steps)
    return EvaluationReport(
        clips,
        of_events,
        event_table,
        aggregators,
        baselines,
        slices,
        novelty,
        shortcuts,
        records,
        mistakes(table, truth),
        tuple(notes),
    )


def _placed(table: pd.DataFrame, manifest: Manifest, sites: pd.Series[str]) -> pd.DataFrame:
    """The predictions with site and time of the manifest, which may know more than the predictions did."""
    at = manifest.table.drop_duplicates("clip_id").set_index("clip_id")["captured_at"]
    known = table["clip_id"].map(at)
    return table.assign(
        site=table["clip_id"].map(sites), captured_at=known.where(known.notna(), table["captured_at"])
    )


def _shortcuts(
    manifest: Manifest,
    bundle: Bundle,
    sites: pd.Series[str],
    most: int,
    draws: tuple[int, int],
    notes: list[str],
    on_progress: Callable[..., None] | None,
) -> pd.DataFrame:
    from leopardnet.evaluation.shortcuts import shortcut_summary, shortcut_table

    rows = shortcut_table(manifest, bundle, most=most, on_progress=on_progress)
    if not (rows["test"] == "masked").any():
        notes.append("the manifest has no boxes of animals: no animal was masked")
    if not (rows["test"] == "banner").any():
        notes.append("no clip comes from another site: no banner was swapped")
    return shortcut_summary(rows, sites, n_boot=draws[0], seed=draws[1])


def _events(
    placed: pd.DataFrame,
    truth: pd.Series[str],
    gap_minutes: float,
    mode: Mode,
    judge: dict[str, Any],
    notes: list[str],
) -> tuple[Evaluation | None, pd.DataFrame, pd.DataFrame]:
    known = placed["site"].notna() & placed["captured_at"].notna()
    table = join_events(placed, gap_minutes=gap_minutes, mode=mode)
    if not known.any():
        notes.append("no clip has both a site and a time: events and records are not judged")
        return None, table, pd.DataFrame()
    if not known.all():
        notes.append(f"{int((~known).sum())} clips without site or time count as events of their own")
    ids = event_ids(placed, gap_minutes=gap_minutes, mode=mode)
    true = event_truth(placed.assign(event_id=ids), truth)
    bounds = {"gap_minutes": gap_minutes, "mode": mode}
    said = placed.set_index("clip_id")["decision"]
    judged = placed[placed["clip_id"].isin(truth.dropna().index)]
    counts = [
        independent_records(judged, labels, **bounds).set_index(["site", "label"])["n"] for labels in (truth, said)
    ]
    records = (
        pd.concat(dict(zip(("true", "said"), counts, strict=True)), axis=1).fillna(0).astype(int).reset_index()
    )
    try:
        found = evaluate_clips(table.rename(columns={"event_id": "clip_id"}), true, **judge)
    except LeopardnetError as error:
        notes.append(f"events are not judged: {error.one_line}")
        return None, table, records
    others = (
        "; the others show two animals or a species that was left out, or have clips without a label"
        if found.n_clips < len(table)
        else ""
    )
    notes.append(f"{len(table)} events, {found.n_clips} of them judged{others}")
    return found, table, records
