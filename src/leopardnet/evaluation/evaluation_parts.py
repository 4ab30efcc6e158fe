"""What a part of the full evaluation is, what it works with, and what it returns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import pandas as pd

from leopardnet.bundle.bundle import Bundle
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.evaluation.motion_baseline import add_motion, motion_energy
from leopardnet.evaluation.slice_clips import slice_clips
from leopardnet.metrics.conditions.conditions import evaluate_conditions
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.evaluation import Evaluation, plain_row
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.score.events import Mode


@dataclass(frozen=True, eq=False)
class EvaluationInputs:
    """Predictions, labels and options of a full evaluation, and values that several parts need, computed once.

    clips: those that judge the model, beside their labels; predictions and labels of others are absent.
    """

    clips: LabelledClips
    predictions: Predictions
    manifest: Manifest
    by: tuple[str, ...]
    outside: tuple[str, ...]
    bundle: Bundle | None
    n_shortcuts: int
    footage: bool
    gap_minutes: float
    mode: Mode
    n_boot: int
    seed: int
    on_progress: Callable[..., None]

    @cached_property
    def evaluation(self) -> Evaluation:
        """The evaluation of the clips, with infrared beside colour."""
        conditions = evaluate_conditions(
            self.clips,
            self.predictions.evidence,
            lights=self.slices.get("light"),
            n_boot=self.n_boot,
            seed=self.seed,
        )
        return replace(self.evaluate(self.clips), conditions=conditions)

    @cached_property
    def frames(self) -> pd.DataFrame:
        """The evidence of the predictions, with the column `motion` if the footage is to be opened."""
        frames = self.predictions.evidence
        if self.footage and len(frames):
            return add_motion(frames, self.manifest, on_progress=self.on_progress)
        return frames

    @cached_property
    def motion(self) -> pd.Series[float] | None:
        """The motion of each clip, by clip_id; None where it was not measured."""
        is_measured = "motion" in self.frames.columns and self.frames["motion"].notna().any()
        return motion_energy(self.frames) if is_measured else None

    @cached_property
    def slices(self) -> dict[str, pd.Series[str]]:
        """The slice of each clip, by clip_id, for each column of `by`."""
        return {name: slice_clips(self.manifest, name, evidence=self.predictions.evidence) for name in self.by}

    def evaluate(self, clips: LabelledClips) -> Evaluation:
        """Return the evaluation of clips with these options; every animal is a target."""
        return evaluate_clips(clips, targets=clips.animals, n_boot=self.n_boot, seed=self.seed)


@dataclass(frozen=True, eq=False)
class PartResult:
    """What a part found.

    tables: by file name without suffix; a named index is written as the first columns. metrics: entries of
    metrics.json. evaluation: that of clips or events, for parts that make one. notes: what could not be done, and
    why.
    """

    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Evaluation | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def from_table(cls, name: str, table: pd.DataFrame | None, *, notes: tuple[str, ...] = ()) -> PartResult:
        """Return a result of one table, also an entry of metrics.json; without a table the entry is empty."""
        tables = {} if table is None else {name: table}
        return cls(tables, {name: {} if table is None else rows_by_name(table)}, notes=notes)


def _check_nothing(inputs: EvaluationInputs) -> None:
    pass


@dataclass(frozen=True)
class Part:
    """One part of the full evaluation.

    evaluate: computes it. check: raises an error if the options or the data cannot be used, before any part begins
    its work. files: patterns of the files that another evaluation may lack; they are deleted before this one is
    written. is_comparison: compares the model with other ways, which a short evaluation leaves out.
    """

    name: str
    evaluate: Callable[[EvaluationInputs], PartResult]
    check: Callable[[EvaluationInputs], None] = _check_nothing
    files: tuple[str, ...] = ()
    is_comparison: bool = False


def rows_by_name(table: pd.DataFrame) -> dict[str, Any]:
    """Return the rows of a table for JSON, by index."""
    return {str(name): plain_row(row) for name, row in table.to_dict("index").items()}
