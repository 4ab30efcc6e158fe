"""Parts of the full evaluation: aggregators, baselines, novelty, shortcuts, slices, mistakes."""

from __future__ import annotations

from leopardnet.core.errors import ConfigError
from leopardnet.evaluation.evaluation_parts import EvaluationInputs, PartResult, rows_by_name
from leopardnet.metrics.comparison.aggregators import apply_aggregators
from leopardnet.metrics.comparison.backgrounds import compare_backgrounds
from leopardnet.metrics.comparison.baselines import MOTION, apply_baselines
from leopardnet.metrics.comparison.compare import compare
from leopardnet.metrics.comparison.novelty import evaluate_novelty, require_novel_clips
from leopardnet.metrics.comparison.review_order import mistakes
from leopardnet.metrics.comparison.slices import evaluate_slices
from leopardnet.metrics.judges.clip_truth import clip_sites, true_labels


def evaluate_aggregators(inputs: EvaluationInputs) -> PartResult:
    """Return the comparison of ways to aggregate the same frames."""
    if not len(inputs.frames):
        note = "no evidence.parquet beside the predictions: aggregators and single frames are not compared"
        return PartResult.from_table("aggregators", None, notes=(note,))
    calibration = inputs.bundle.spec.calibration if inputs.bundle else None
    variants = apply_aggregators(inputs.clips, inputs.frames, calibration=calibration)
    targets = inputs.clips.animals
    table = compare(variants, model=inputs.evaluation, targets=targets, n_boot=inputs.n_boot, seed=inputs.seed)
    return PartResult.from_table("aggregators", table)


def evaluate_baselines(inputs: EvaluationInputs) -> PartResult:
    """Return the comparison with baselines that the model must beat."""
    notes = []
    if inputs.motion is None:
        why = "in no clip could two frames be compared" if inputs.footage else "the footage was not opened"
        notes.append(f"{why}: no motion baseline, and no frames weighed by motion")
    table = compare(
        apply_baselines(inputs.clips, inputs.frames, motion=inputs.motion),
        model=inputs.evaluation,
        targets=inputs.clips.animals,
        presence_only=(MOTION,),
        n_boot=inputs.n_boot,
        seed=inputs.seed,
    )
    return PartResult.from_table("baselines", table, notes=tuple(notes))


def check_novelty(inputs: EvaluationInputs) -> None:
    """Raise ManifestError where labels are left out and no clip shows one of them."""
    if inputs.outside:
        require_novel_clips(inputs.clips)


def evaluate_novelty_part(inputs: EvaluationInputs) -> PartResult:
    """Return how well novelty scores separate species that the model was not taught, where there are any."""
    if not inputs.outside:
        return PartResult.from_table("novelty", None)
    if inputs.clips.presence is not None:
        note = "novelty is not evaluated: its scores compare labels that exclude each other"
        return PartResult.from_table("novelty", None, notes=(note,))
    evidence = inputs.predictions.evidence
    table = evaluate_novelty(inputs.clips, evidence=evidence, n_boot=inputs.n_boot, seed=inputs.seed)
    return PartResult.from_table("novelty", table)


def check_shortcuts(inputs: EvaluationInputs) -> None:
    """Raise ConfigError where shortcuts are asked for without a bundle."""
    if inputs.n_shortcuts and inputs.bundle is None:
        raise ConfigError("testing for shortcuts needs the model", where="bundle", todo="name its folder, too")


def evaluate_shortcuts(inputs: EvaluationInputs) -> PartResult:
    """Return what the model says of the places of its targets alone, and, where asked for, of changed clips.

    Only the latter opens the footage.
    """
    places = compare_backgrounds(inputs.clips, inputs.clips.animals, n_boot=inputs.n_boot, seed=inputs.seed)
    found = _test_shortcuts(inputs)
    if places.empty:
        return found
    tables = {"backgrounds": places, **found.tables}
    return PartResult(tables, {"backgrounds": rows_by_name(places), **found.metrics}, notes=found.notes)


def _test_shortcuts(inputs: EvaluationInputs) -> PartResult:
    if inputs.bundle is None or not inputs.n_shortcuts:
        return PartResult.from_table("shortcuts", None)
    from leopardnet.evaluation.shortcuts import run_shortcut_tests, summarise_shortcuts

    manifest, n = inputs.manifest, inputs.n_shortcuts
    chosen = manifest.replace(manifest.table[manifest.table["clip_id"].isin(inputs.clips.clip_ids)])
    rows = run_shortcut_tests(chosen, inputs.bundle, n_clips=n, on_progress=inputs.on_progress)
    notes = ["clips of several species are not tested for shortcuts"] if inputs.clips.presence is not None else []
    if not (rows["test"] == "masked").any():
        notes.append("the manifest has no boxes of animals: no animal was masked")
    if not (rows["test"] == "banner").any():
        notes.append("no clip comes from another site: no banner was swapped")
    table = summarise_shortcuts(rows, clip_sites(manifest), n_boot=inputs.n_boot, seed=inputs.seed)
    return PartResult.from_table("shortcuts", table if len(table) else None, notes=tuple(notes))


def check_slices(inputs: EvaluationInputs) -> None:
    """Raise ManifestError where clips cannot be sliced by one of the columns."""
    _ = inputs.slices


def evaluate_all_slices(inputs: EvaluationInputs) -> PartResult:
    """Return a table for each column to slice by, called `by_<column>`."""
    targets, tables = inputs.clips.animals, {}
    for i, (column, values) in enumerate(inputs.slices.items()):
        inputs.on_progress(f"evaluating by {column}", i, len(inputs.slices))
        tables[column] = evaluate_slices(
            inputs.clips, values, targets=targets, n_boot=inputs.n_boot, seed=inputs.seed
        )
    by_name = {f"by_{column}": table for column, table in tables.items()}
    return PartResult(by_name, {"slices": {column: rows_by_name(table) for column, table in tables.items()}})


def evaluate_mistakes(inputs: EvaluationInputs) -> PartResult:
    """Return every clip with a wrong decision, the worst first."""
    predictions = inputs.predictions.table
    table = mistakes(predictions, true_labels(inputs.manifest, predictions))
    return PartResult({"mistakes": table})
