"""What is reviewed: the results of a model, a manifest, a folder of footage, or a workspace of before."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from leopardnet.bundle.bundle import Bundle
from leopardnet.core.columns import table_labels
from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.other_footage import refuse_other_footage
from leopardnet.core.footage.rendered import find_rendered
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import read_table
from leopardnet.data.checks.match_files import refuse_other_root
from leopardnet.data.human_labels.label_file import FILE as LABELS
from leopardnet.data.human_labels.label_file import find_given_labels
from leopardnet.data.reading.tables.people_table import read_people_table
from leopardnet.data.reading.tables.saved_manifest import TABLE_SUFFIXES, read_manifest
from leopardnet.data.scan.scan import scan_report
from leopardnet.detect.footage_boxes import TABLE as EVIDENCE
from leopardnet.hunt.feature_store import KIND as FEATURES
from leopardnet.review.workspace.same_card import MANIFEST, keep_manifest, refuse_other_card
from leopardnet.review.workspace.workspace import FILE as WORKSPACE
from leopardnet.review.workspace.workspace import Workspace

PREDICTIONS = "predictions.parquet"


@dataclass(frozen=True, eq=False)
class ReviewSource:
    """The clips of a review, and where it is kept.

    predictions: of the clips that a model classified, None without a model; its table of frames is not read.
    evidence: the file with the frames, if there is one. labels: the file of what people say. bundle: the model, if
    it was given. notices: what a person should know before, in whole sentences.
    """

    manifest: Manifest
    predictions: Predictions | None
    evidence: Path | None
    workspace: Workspace
    labels: Path
    bundle: Bundle | None = None
    notices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Parts:
    manifest: Manifest
    predictions: Predictions | None = None
    evidence: Path | None = None
    manifest_folder: Path | None = None
    outside_links: tuple[str, ...] = ()


def open_review(
    source: Path,
    *,
    manifest: Path | None = None,
    root: Path | None = None,
    out: Path | None = None,
    labels: Path | None = None,
    bundle: Bundle | None = None,
    read_only: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> ReviewSource:
    """Open what a person names for a review.

    source: a folder with predictions.parquet, a table of predictions, a manifest, a workspace, or a folder of
    footage, which is scanned, and in which nothing is written. manifest, root: of the footage of results; they are
    remembered in the workspace. out: the workspace of a folder of footage, by default `review-<its name>` in the
    current folder. labels: another file of labels; by default that of the workspace, or that beside the manifest of
    results, if people labelled the footage before. read_only: nothing is written.

    Raises ManifestError for a source that is missing, results without footage, and tables of another card;
    BundleError for results of another model than `bundle`.
    """
    source = Path(source)
    kind = name_kind(source)
    place = _choose_workspace(source, kind, out)
    if not read_only:
        place.mkdir(parents=True, exist_ok=True)
    workspace = Workspace(place, read_only=read_only)
    if kind == "results":
        parts = _open_results(source, workspace, manifest, root)
    elif kind == "footage":
        parts = _scan_footage(source, workspace, on_progress)
    else:
        file = source / MANIFEST if kind == "workspace" else source
        if kind == "workspace" and not file.is_file():
            raise ManifestError(
                "this workspace has lost its manifest",
                where=f"{source.name}/{MANIFEST}",
                todo="give the folder of footage as before, and this folder with --out",
            )
        boxes = source / EVIDENCE  # of the frames that a hunt looked at
        is_hunt = kind == "workspace" and boxes.is_file()
        parts = _Parts(_read_moved(file, root), evidence=boxes if is_hunt else None)
    if bundle is not None and parts.predictions is not None:
        parts.predictions.require_model(bundle.id)
    if not len(parts.manifest):
        raise ManifestError("there is nothing to review", where=source.name, found="no clip")
    return ReviewSource(
        parts.manifest,
        parts.predictions,
        parts.evidence,
        workspace,
        Path(labels) if labels else _find_labels(workspace, parts.manifest_folder),
        bundle,
        tuple(_list_notices(parts)),
    )


def name_kind(source: Path) -> str:
    """Return what a path names: results, manifest, workspace or footage. Raises ManifestError for anything else."""
    if source.is_dir():
        own, held_out, of_run = (source / x for x in (PREDICTIONS, f"held_out/{PREDICTIONS}", "bundle/SHA256SUMS"))
        if own.is_file() or held_out.is_file() or of_run.is_file():
            return "results"
        marks = (WORKSPACE, LABELS, FEATURES.file)
        return "workspace" if any((source / name).is_file() for name in marks) else "footage"
    if source.is_file() and source.suffix.lower() in TABLE_SUFFIXES:
        columns = (read_table if source.suffix.lower() == ".parquet" else read_people_table)(source).columns
        return "results" if "decision" in columns and any(c.startswith("p_") for c in columns) else "manifest"
    raise ManifestError(
        "there is nothing to review here",
        where=source,
        expected="a folder with predictions.parquet, a manifest (.parquet, .csv or .xlsx), or a folder of footage",
        todo="check the path",
    )


def _choose_workspace(source: Path, kind: str, out: Path | None) -> Path:
    if out is not None:
        place = Path(out)
        if kind == "footage" and place.resolve().is_relative_to(source.resolve()):
            raise ManifestError(
                "nothing is written into a folder of footage", where="--out", todo="choose a folder outside of it"
            )
        return place
    if kind == "footage":
        return Path(f"review-{source.resolve().name or 'footage'}")
    return source if source.is_dir() else source.parent


def _read_moved(file: Path, root: Path | None) -> Manifest:
    rows = read_manifest(file, root=root)
    if root is not None:
        refuse_other_root(rows.table, root)
    return rows


def _scan_footage(folder: Path, workspace: Workspace, on_progress: Callable[[int, int], None] | None) -> _Parts:
    report = scan_report(folder, skip_outside_links=True, on_progress=on_progress)
    rows = guess_sites(report.manifest)
    refuse_other_card(rows, workspace)
    if not workspace.read_only:
        keep_manifest(rows, workspace)
    return _Parts(rows, outside_links=report.outside_links)


def guess_sites(rows: Manifest) -> Manifest:
    """Return footage of which no site is known with its outermost folders as sites: the best guess for a card."""
    if rows.table["site"].notna().any():
        return rows
    first = rows.table["path"].str.partition("/")
    return rows.replace(rows.table.assign(site=first[0].where(first[1] == "/")))


def _open_results(source: Path, workspace: Workspace, manifest: Path | None, root: Path | None) -> _Parts:
    predictions = Predictions.read(source, with_evidence=False)
    table = predictions.table
    kept = workspace.read("footage") or {}
    if manifest is None and root is None:
        manifest, root = (
            workspace.folder / kept[name] if kept.get(name) else None for name in ("manifest", "root")
        )
    if manifest is not None:
        rows = _read_moved(manifest, root)
        refuse_other_footage(table, rows.table, must_share=True)
    elif root is not None:
        if not root.is_dir():
            raise ManifestError(
                "there is no such folder of footage", where=root.name, todo="give the folder with --root"
            )
        refuse_other_root(table, root, name="the predictions")
        rows = Manifest.from_rows(table[["clip_id", "path", "kind", "site", "captured_at"]], root)
    else:
        raise ManifestError(
            "these results do not say where their footage is",
            where=source.name,
            todo="give --manifest with the manifest that was classified, or --root with the folder of the footage; "
            "it is remembered",
        )
    workspace.keep("footage", {"manifest": _relative(manifest, workspace), "root": _relative(root, workspace)})
    folder = source if source.is_dir() else source.parent
    files = [f for f in (folder / "held_out", folder) if (f / PREDICTIONS).is_file() or f == folder]
    evidence = files[0] / EVIDENCE
    beside = None if manifest is None else manifest.parent
    return _Parts(rows, predictions, evidence if evidence.is_file() else None, beside)


def _find_labels(workspace: Workspace, manifest_folder: Path | None) -> Path:
    """Return the file of labels: that beside the manifest of results, where people labelled this footage before.

    Then the seed of the random samples and the digits of labels are taken over as well: over all rounds, the audit
    is one sample, and a key means the same.
    """
    own = workspace.folder / LABELS
    found = find_given_labels(workspace.folder, manifest_folder)
    if found is None or manifest_folder is None or found == own:
        return own
    if (manifest_folder / WORKSPACE).is_file():
        first_round = Workspace(manifest_folder, read_only=True)
        kept = {name: first_round.read(name) for name in ("seed", "digits")}
        first_round.close()
        for name, value in kept.items():
            if value is not None and workspace.read(name) is None:
                workspace.keep(name, value)
    return found


def _relative(path: Path | None, workspace: Workspace) -> str | None:
    """Return a path relative to the workspace; None on another drive, where it has to be given again."""
    if path is None:
        return None
    try:
        return Path(os.path.relpath(path.resolve(), workspace.folder.resolve())).as_posix()
    except ValueError:
        return None


def _list_notices(parts: _Parts) -> list[str]:
    notices = [*parts.manifest.notes]
    if parts.outside_links:
        n, first = len(parts.outside_links), parts.outside_links[0]
        notices.append(f"{n:,} links lead out of the folder and were left out, such as {first}.")
    drawn = find_rendered(parts.manifest.table)
    if drawn:
        notices.append(f"A program drew {len(drawn):,} of these clips: they show no animal.")
    if parts.predictions is None:
        return notices
    table = parts.predictions.table
    classified, clips = (set(t["clip_id"].to_numpy(object)) for t in (table, parts.manifest.table))
    gone = len(classified - clips)
    if gone:
        notices.append(f"{gone:,} classified clips are not in the manifest: they have a row and no picture.")
    new = len(clips - classified)
    if new:
        notices.append(f"{new:,} clips of the manifest were not classified: no queue of the model has them.")
    models = sorted(table["bundle_id"].unique())
    if len(models) > 1:
        notices.append(f"These results were made by {len(models)} models ({', '.join(models)}).")
    return notices


def count_foreign_labels(entries: pd.DataFrame, known: Collection[str], source: ReviewSource) -> list[str]:
    """Return notices on labels that were given elsewhere: to clips that are not here, or beside another model.

    entries: of the file of labels; known: the clips of the review. Raises ManifestError where no label is
    of a clip of this footage.
    """
    if entries.empty:
        return []
    is_here = entries["clip_id"].map(known.__contains__).astype(bool)
    if not is_here.any():
        raise ManifestError(
            "these labels are of other footage",
            where=source.labels.name,
            found=f"labels of {entries['clip_id'].nunique()} clips such as {entries['path'].iloc[0]}, none is here",
            todo="give the labels of this footage with --labels, or another place for new ones",
        )
    notices = []
    if not is_here.all():
        n = entries.loc[~is_here, "clip_id"].nunique()
        notices.append(f"{n:,} labelled clips are not here any more; their labels stay in {source.labels.name}.")
    if source.predictions is not None:
        models = set(source.predictions.table["bundle_id"].unique())
        other = entries["bundle_id"].dropna()
        n = int((~other.isin(models)).sum())
        if n:
            notices.append(
                f"{n:,} labels were given beside the answers of another model; they count like all others."
            )
    return notices


def source_labels(source: ReviewSource) -> tuple[str, ...]:
    """Return the labels of the model in class order, or else those of the manifest in alphabetical order."""
    if source.predictions is not None:
        return table_labels(source.predictions.table)
    return tuple(sorted(source.manifest.clip_labels().unique()))
