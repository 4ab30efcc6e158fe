"""A report from predictions, the footage and labels of a manifest, a bundle, and the history of a run."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.bundle.bundle import Bundle
from leopardnet.bundle.promise_watch import watch_facts, watch_promise
from leopardnet.bundle.promises import describe_promise, read_promises
from leopardnet.core.errors import LeopardnetError
from leopardnet.core.footage.other_footage import refuse_other_footage
from leopardnet.core.footage.rendered import find_rendered
from leopardnet.core.labels import UNREADABLE, list_names
from leopardnet.core.language import translate
from leopardnet.core.manifest import Manifest
from leopardnet.core.people import clips_with_people
from leopardnet.core.predictions import Predictions
from leopardnet.core.types import Clip
from leopardnet.data.checks.health.classified_cameras import find_camera_faults
from leopardnet.data.human_labels.said_now import list_said
from leopardnet.data.scan.list_files import list_footage
from leopardnet.media.thumbnail import make_thumbnail
from leopardnet.metrics.comparison.review_order import review_order
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.metrics.judges.clip_truth import clip_sites, true_labels
from leopardnet.report.attention_pictures import AttentionPicture, draw_attention
from leopardnet.report.overview import Beside
from leopardnet.report.page import write_report
from leopardnet.report.paging.paging_settings import PagingSettings, load_paging
from leopardnet.report.sections import choose_mistakes
from leopardnet.report.sound_pictures import draw_sounds, find_audible
from leopardnet.report.sound_section import list_sounds

N_LARGE = 400  # the first clips to review get pictures large enough to name the animal; the others get previews
LARGE, SMALL = {"short_side_px": 270, "quality": 78}, {"short_side_px": 72, "quality": 70}  # about 20 and 2 kB
MAX_PAGE_BYTES = 58_000_000  # a browser still opens a page of this size at once
MIN_PICTURE_BYTES = 10_000_000  # the first clips to review have pictures however large the page is
ROW_BYTES, VALUE_BYTES = 600, 4  # upper bounds for a row of the table and for a value of a frame
N_AT_ONCE = 32
MOST_NAMED = 5


def summarise(
    predictions: Predictions,
    out: Path,
    *,
    manifest: Manifest | None = None,
    deployments: pd.DataFrame | None = None,
    evaluation: Evaluation | None = None,
    bundle: Bundle | None = None,
    history: Sequence[dict[str, Any]] | None = None,
    notices: Sequence[str] = (),
    results: Path | None = None,
    said: pd.DataFrame | None = None,
    said_of_sounds: pd.DataFrame | None = None,
    title: str | None = None,
    n_pictures: int | None = None,
    people: bool = False,
    human_labels: pd.DataFrame | None = None,
    attention: bool = False,
    paging: PagingSettings | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write an HTML report, one file or a page with a folder beside it, and return its path.

    manifest: adds pictures, and the labels and the sites that the results lack. deployments: the table of
    `read_deployments`, for the faults of cameras. results: the folder of the predictions, for `watch_promise`.
    said: what people said, as `labels_by_clip` returns it, for the first page. said_of_sounds: entries of
    `SoundLabelFile`. paging: of `load_paging`, see `write_report`. n_pictures: the most pictures, of the first
    clips to review; see `limit_pictures`. people: show those of people and vehicles, too, though their sound is
    never played; they are left out otherwise, as `clips_with_people` says; human_labels: what every person said,
    for it, as `list_said` returns it. attention: show where the frames of the worst mistakes speak for a label,
    which needs manifest, evaluation, bundle and torch, see `find_attention`. Raises ManifestError for a manifest of
    other footage with the same file names, BundleError for another bundle.

    >>> ln.summarise(predictions, Path("report.html"), manifest=manifest)  # doctest: +SKIP
    """
    if bundle is not None:
        predictions.require_model(bundle.id)
    table, paging = predictions.table, paging or load_paging()
    with_people = _find_people(predictions, manifest, (human_labels, said, list_said(None, said_of_sounds)))
    private, audible = frozenset[str]() if people else with_people, find_audible(table, with_people)
    pictures, truth, hidden, absent, looked_at = None, None, frozenset[str](), list[str](), {}
    if manifest is not None:
        refuse_other_footage(table, manifest.table, must_share=True)
        truth, hidden, table = true_labels(manifest, table), private, _add_sites(table, manifest)
        limits = limit_pictures(predictions, n_pictures, paging)
        pictures = make_thumbnails(table, manifest, hidden=hidden, on_progress=on_progress, **limits)
        absent = _note_absent(table, manifest, {*pictures, *hidden})
        if attention and bundle and evaluation:
            looked_at = _look_at_mistakes(table, truth, evaluation, manifest, bundle, hidden)
    season = describe_season(Predictions(table, predictions.evidence), bundle, results) if bundle else {}
    return write_report(
        Path(out),
        table,
        evidence=predictions.evidence,
        evaluation=evaluation,
        truth=truth,
        thumbnails=pictures,
        attention=looked_at,
        heard=None if manifest is None else draw_sounds(predictions, manifest, audible, hidden=hidden),
        sounds=list_sounds(predictions, said_of_sounds, manifest=manifest, hidden=private, audible=audible),
        hidden=hidden,
        cameras=find_camera_faults(predictions, manifest=manifest, deployments=deployments, pictures=pictures),
        beside=Beside(said, *_count_left_out(table, manifest), n_labelled=_count_labelled(table, truth)),
        bundle=describe_bundle(bundle) | season if bundle else None,
        manifest_summary=None if manifest is None or truth is None else count_labels(manifest, truth),
        history=history,
        notices=[*_note_rendered(manifest, table), *notices, *absent, *_note_alarm(season)],
        title=title,
        paging=paging,
    )


def limit_pictures(predictions: Predictions, n_pictures: int | None, paging: PagingSettings) -> dict[str, Any]:
    """Return the limits of `make_thumbnails`: what fits into a report in one file, or else a number of pictures.

    n_pictures: what the user wants, None for as many as there may be.
    """
    if len(predictions) <= paging.clips_in_one_file:
        return {"n_pictures": n_pictures, "max_bytes": picture_budget(predictions)}
    return {"n_pictures": paging.pictures if n_pictures is None else n_pictures, "max_bytes": None}


def _find_people(
    predictions: Predictions, manifest: Manifest | None, words: Sequence[pd.DataFrame | None]
) -> frozenset[str]:
    known = [x.astype(object) for x in words if x is not None]
    return clips_with_people(predictions, manifest, pd.concat(known))


def _add_sites(table: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    sites = table["clip_id"].map(clip_sites(manifest))
    return table.assign(site=table["site"].astype(object).where(table["site"].notna(), sites))


def _look_at_mistakes(
    table: pd.DataFrame,
    truth: pd.Series[str],
    evaluation: Evaluation,
    manifest: Manifest,
    bundle: Bundle,
    hidden: Collection[str],
) -> dict[str, AttentionPicture]:
    worst = choose_mistakes(table, evaluation.keep_judged(truth))
    return draw_attention(worst, manifest, bundle, hidden=hidden)


def _note_alarm(season: Mapping[str, Any]) -> list[str]:
    return [season["watch"]["says"]] if season and season["watch"]["alarm"] else []


def _note_rendered(manifest: Manifest | None, table: pd.DataFrame) -> list[str]:
    """Return a notice where a program drew some of these clips."""
    n = 0 if manifest is None else int(table["clip_id"].isin(find_rendered(manifest.table)).sum())
    if not n:
        return []
    return [
        translate(
            "A program drew {n} of {n_clips} clips. Their figures show that the software works; they say nothing "
            "about how well it classifies real animals.",
            n=n,
            n_clips=len(table),
        )
    ]


def _count_labelled(table: pd.DataFrame, truth: pd.Series[str] | None) -> int:
    return 0 if truth is None else int(table["clip_id"].isin(truth.dropna().index).sum())


def _count_left_out(table: pd.DataFrame, manifest: Manifest | None) -> tuple[int, int | None]:
    """Return how many clips of the manifest have no result, and how many files of its folder are not in it.

    Clips that are there to teach a model need no result. The second is None where there is no manifest, or no
    folder that can be listed.
    """
    if manifest is None:
        return 0, None
    is_taught = manifest.table["split"].isin(["train", "val"])
    to_classify = pd.Index(manifest.table.loc[~is_taught, "clip_id"].unique())
    n_without_result = int((~to_classify.isin(table["clip_id"])).sum())
    try:
        listed = list_footage(manifest.root, skip_outside_links=True).sizes
    except LeopardnetError:
        return n_without_result, None
    stills = manifest.table["paths"].dropna().map(json.loads).explode()
    return n_without_result, len(set(listed) - {*manifest.table["path"], *stills})


def make_thumbnails(
    table: pd.DataFrame,
    manifest: Manifest,
    *,
    hidden: Collection[str] = (),
    n_pictures: int | None = None,
    max_bytes: int | None = MIN_PICTURE_BYTES,
    on_progress: Callable[[int, int], None] | None = None,
) -> dict[str, bytes]:
    """Return JPEG bytes by clip_id, in the order of `review_order`: the first 400 clips large, the others small.

    Clips that the manifest lacks are looked for under its root. Pictures end at `max_bytes` or at
    `n_pictures`; None is no limit. Clips in `hidden` and unreadable clips are not opened.
    """
    known = [*_find_absent(table, manifest), *manifest.clips()]
    clips = {clip.clip_id: clip for clip in known if clip.clip_id not in hidden}
    ordered = review_order(table[table["status"] != UNREADABLE])[["clip_id", "best_time_s"]]
    chosen = ordered[ordered["clip_id"].isin(list(clips))].iloc[:n_pictures]

    def load(job: tuple[int, str, float]) -> tuple[str, bytes | None]:
        i, clip_id, time_s = job
        return clip_id, make_thumbnail(
            clips[clip_id], manifest.root, time_s=time_s, **(LARGE if i < N_LARGE else SMALL)
        )

    jobs = [(i, str(c), float(t)) for i, (c, t) in enumerate(chosen.fillna(0.0).itertuples(index=False))]
    pictures: dict[str, bytes] = {}
    left = math.inf if max_bytes is None else max_bytes
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as threads:  # decoders release the interpreter lock
        for first in range(0, len(jobs), N_AT_ONCE):
            for clip_id, jpeg in threads.map(load, jobs[first : first + N_AT_ONCE]):
                left -= len(jpeg or b"")
                if jpeg and left >= 0:
                    pictures[clip_id] = jpeg
            if on_progress:
                on_progress(min(first + N_AT_ONCE, len(jobs)) if left > 0 else len(jobs), len(jobs))
            if left <= 0:
                break
    return pictures


def _find_absent(table: pd.DataFrame, manifest: Manifest) -> list[Clip]:
    """Return the videos and stills that the manifest lacks, where it is of the same footage as the table."""
    is_absent = ~table["clip_id"].isin(manifest.table["clip_id"])
    if is_absent.all():
        return []
    rows = table.loc[is_absent & (table["kind"] != "burst"), ["clip_id", "path", "kind"]]
    return [Clip(clip_id, (path,), kind) for clip_id, path, kind in rows.itertuples(index=False)]


def _note_absent(table: pd.DataFrame, manifest: Manifest, shown: Collection[str]) -> list[str]:
    """Return a notice on the clips that the manifest lacks, and on those of them without a picture."""
    absent = table[~table["clip_id"].isin(manifest.table["clip_id"])]
    if absent.empty:
        return []
    unseen = absent[~absent["clip_id"].isin(list(shown)) & (absent["status"] != UNREADABLE)]
    named, unnamed = (list_names(rows["path"].tolist(), most=MOST_NAMED) for rows in (absent, unseen))
    first = translate(
        "{n} of {n_clips} clips are not in the manifest, which gives the labels: {named}.",
        **{"n": len(absent), "n_clips": len(table), "named": named},
    )
    second = translate("Clips that are not in the manifest and have no picture here: {named}.", named=unnamed)
    return [first, second] if unnamed else [first]


def picture_budget(predictions: Predictions) -> int:
    """Return how many bytes of JPEG fit into the page beside the rows and the frames of all clips."""
    n_values = len(predictions.evidence) * (len(predictions.labels) + 2)  # the labels, the time, the best box
    left = MAX_PAGE_BYTES - ROW_BYTES * len(predictions) - VALUE_BYTES * n_values
    return max(left * 3 // 4, MIN_PICTURE_BYTES)  # base64 makes four characters of three bytes


def count_labels(manifest: Manifest, truth: pd.Series[str]) -> pd.DataFrame | None:
    """Count clips by label and split; None where there are no labels or no split. truth: labels by clip_id."""
    if not (len(truth) and manifest.table["split"].notna().any()):
        return None
    clips = pd.DataFrame({"label": truth})
    clips["split"] = manifest.table.drop_duplicates("clip_id").set_index("clip_id")["split"]
    return pd.crosstab(clips["label"], clips["split"])


def describe_season(predictions: Predictions, bundle: Bundle, results: Path | None = None) -> dict[str, Any]:
    """Say whether the promise of a bundle applies to what it classified; nothing where it promises nothing."""
    watch = watch_promise(predictions, bundle, results=results)
    return {} if watch is None else {"watch": watch_facts(watch)}


def describe_bundle(bundle: Bundle) -> dict[str, Any]:
    """Describe a bundle in plain values, as `write_report` takes them."""
    spec = bundle.spec
    return {
        "bundle_id": bundle.id,
        "name": spec.name,
        "labels": bundle.labels.to_dict(),
        "backbone": spec.model.backbone,
        "trained_on": spec.model.trained_on,
        "licences": {"backbone weights": spec.model.licence},
        "preprocess": spec.preprocess.model_dump(),
        "sampling": spec.sampling.model_dump(),
        "aggregation": spec.aggregate.model_dump(),
        "calibration": spec.calibration.to_dict(),
        "is_calibrated": spec.calibration.is_calibrated,
        "thresholds": spec.decide.model_dump(),
        "promises": [describe_promise(p) for p in read_promises(spec)],
        "hashes": bundle.hashes,
        "versions": spec.provenance.get("environment", {}),
    }
