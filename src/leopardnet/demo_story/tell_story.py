"""The story as one short program: a rendered season with one new thing in it, from the cards to the dossier.

Everything that the program says of this season can be held to what was planted: see `compare_with_truth`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.bundle.bundle import Bundle
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import write_table
from leopardnet.data.human_labels.label_file import FILE as LABELS
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile
from leopardnet.data.human_labels.sound_labels import ALARM_CALL, SoundEntry, SoundLabelFile
from leopardnet.data.scan.deployments import read_deployments
from leopardnet.data.scan.scan import scan
from leopardnet.infer.predict_footage import predict
from leopardnet.records.dossier.sources import DossierSources
from leopardnet.records.dossier.write_dossier import write_dossiers
from leopardnet.records.find_records import find_records
from leopardnet.records.ranges.read_ranges import read_ranges
from leopardnet.records.record_settings import load_notable
from leopardnet.records.record_table import is_suspected
from leopardnet.records.season_findings import list_season_findings
from leopardnet.records.survey.rank_places import RankedPlaces, rank_places
from leopardnet.records.survey.survey_settings import load_survey_settings
from leopardnet.report.summarise import describe_bundle
from leopardnet.synth.plan import FootageSpec
from leopardnet.synth.story.render_story import FOOTAGE, TRUTH, render_story
from leopardnet.synth.story.season import DEPLOYMENTS, RANGE, SPEC

REVIEWER = "script"
ANIMAL = "leopard"
RECORDS, RESULTS = "records", "results"
PLACES, FINDINGS = "places.csv", "findings.csv"
Classify = Callable[[Manifest, Path], Predictions]


@dataclass(frozen=True, eq=False)
class Story:
    """What was found in the season, and the truth about it.

    sources: the tables of the season, places exact; places: where to look next; dossiers: the pages that were
    written; truth: as `truth.json` holds it.
    """

    sources: DossierSources
    places: RankedPlaces
    dossiers: list[Path]
    truth: dict[str, Any]


def tell_story(
    out: Path,
    bundle: Bundle | None,
    *,
    classify: Classify | None = None,
    spec: FootageSpec = SPEC,
    n_workers: int = 2,
    language: str = "en",
    on_progress: Callable[..., None] = lambda stage, n_done, n_total: None,
) -> Story:
    """Render the season, classify it, answer as a reviewer would, and find its records and where to look next.

    Everything is written to the folder `out`. bundle: the model; it is None only where `classify` stands in its
    place, which makes predictions from a manifest and the folder of results. language: of the dossier.
    on_progress(stage, n_done, n_total) is called as the work goes on.
    """
    # 1. The cards of eight cameras, the table of their owners, and the range that is known.
    render_story(out, spec=spec, n_workers=n_workers, on_progress=_name_stage(on_progress, "rendering a season"))
    truth = json.loads((out / TRUTH).read_text(encoding="utf-8"))

    # 2. Scan with the deployments, which puts the wrong clock right; classify what is seen, search what is heard.
    deployments = read_deployments(out / DEPLOYMENTS)
    manifest = scan(out / FOOTAGE, pattern="{site}/{deployment}/*", deployments=deployments)
    manifest.write(out / "manifest.parquet")
    if classify is None:
        on_clip = _name_stage(on_progress, "classifying the season")
        classify = partial(_classify, bundle=bundle, on_progress=on_clip)
    predictions = classify(manifest, out / RESULTS)

    # 3. A person looks at what the model suspects. Until then, nothing is confirmed.
    review_by_script(predictions, truth, out / RESULTS / LABELS)

    # 4. The records, what they make up together, and the dossier on what is new.
    sources = find_season(predictions, manifest, deployments, out, bundle)
    on_page = _name_stage(on_progress, "writing the dossier")
    dossiers = write_dossiers(out / RECORDS, sources, language=language, on_progress=on_page)

    # 5. Where to look next.
    new = sources.records[sources.records["is_notable"]]
    barriers = [(b.name, b.line) for b in read_ranges(out / RANGE).barriers]
    places = rank_places(
        new, deployments, load_survey_settings(), label=ANIMAL, barriers=barriers, clips=manifest.table
    )
    write_table(places.without_coordinates(), out / RECORDS / PLACES)
    return Story(sources, places, [d.path for d in dossiers], truth)


def find_season(
    predictions: Predictions, manifest: Manifest, deployments: pd.DataFrame, out: Path, bundle: Bundle | None
) -> DossierSources:
    """Return everything that is known of the season, from what the model and the person said.

    out: the folder with `range.geojson` and the labels; the tables of records, with coarse places, and of findings
    on records and cameras are written there.
    """
    with LabelFile(out / RESULTS / LABELS, read_only=True) as file:
        said = file.entries()
    ranges = read_ranges(out / RANGE)
    with SoundLabelFile(out / RESULTS / LABELS, read_only=True) as heard:
        sound_labels = heard.entries()
    known: dict[str, Any] = {
        "manifest": manifest,
        "deployments": deployments,
        "labels": said,
        "sound_labels": sound_labels,
    }
    season = find_records(predictions, ranges=ranges, **known)
    season.write(out / RECORDS)
    findings = list_season_findings(season, predictions, manifest, deployments)
    write_table(findings, out / RECORDS / FINDINGS)
    return DossierSources(
        records=season.records,
        predictions=predictions,
        encounters=season.encounters.encounters,
        hints=season.encounters.hints,
        flanks=season.encounters.flanks,
        sounds=predictions.sounds,
        findings=findings,
        ranges=ranges,
        model=describe_bundle(bundle) if bundle is not None else {},
        area_km=load_notable().area_km,
        **known,
    )


def review_by_script(predictions: Predictions, truth: dict[str, Any], file: Path) -> None:
    """Say what a person would of each sound that may be a call, its clip, and each clip that a model suspects.

    The answers come from the truth and are kept in `file` as the review page keeps them.
    """
    table = predictions.table
    calls = predictions.sounds.query("kind == 'tonal_call'").merge(table[["clip_id", "path"]])
    clips = [
        LabelEntry(
            key=f"story:{row.clip_id}",
            clip_id=str(row.clip_id),
            path=str(row.path),
            labels=[truth["labels"][row.path]],
            by=REVIEWER,
            queue="all",
            bundle_id=str(row.bundle_id),
        )
        for row in table[is_suspected(table, ANIMAL) | table["clip_id"].isin(calls["clip_id"])].itertuples()
    ]
    spans = zip(calls["start_s"].to_numpy(float).tolist(), calls["end_s"].to_numpy(float).tolist(), strict=True)
    sounds = [
        SoundEntry(
            key=f"story:{clip_id}:{start_s}",
            by=REVIEWER,
            clip_id=str(clip_id),
            start_s=start_s,
            end_s=end_s,
            label=ALARM_CALL if is_planted(str(path), start_s, end_s, truth) else "other",
        )
        for clip_id, path, (start_s, end_s) in zip(calls["clip_id"], calls["path"], spans, strict=True)
    ]
    with LabelFile(file) as labels:
        labels.add(*clips)
    with SoundLabelFile(file) as heard:
        heard.add(*sounds)


def _classify(
    manifest: Manifest, results: Path, *, bundle: Bundle | None, on_progress: Callable[[int, int], None]
) -> Predictions:
    assert bundle is not None  # or `classify` would have been given
    return predict(manifest, bundle, out=results, on_progress=on_progress)


def is_planted(path: str, start_s: float, end_s: float, truth: dict[str, Any]) -> bool:
    """Return whether a found call overlaps with one of the planted whistles of its clip."""
    return any(start_s < end and start < end_s for start, end in truth["whistles"].get(path, []))


def _name_stage(on_progress: Callable[..., None], stage: str) -> Callable[[int, int], None]:
    return lambda n_done, n_total: on_progress(stage, n_done, n_total)
