"""The page of a report, from tables and a bundle's description; where clips are many, with files beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup

from leopardnet.bundle.run_history import history_points
from leopardnet.core.columns import evidence_columns, has_several_labels, predictions_columns, table_labels
from leopardnet.core.language import script_texts, translate, translate_message
from leopardnet.core.tables import atomic_path, conform
from leopardnet.data.checks.finding import Finding
from leopardnet.metrics.comparison.review_order import review_order
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.metrics.table_checks import refuse_unknown_alerts
from leopardnet.pages.environment import environment, join_scripts, read_style
from leopardnet.pages.palette import LabelStyle, decision_colours, label_styles
from leopardnet.pages.pictures import Picture, embed_picture
from leopardnet.pages.say_taught import say_taught
from leopardnet.pages.svg import line_chart
from leopardnet.pages.table_rows import flatten_facts, script_json
from leopardnet.report.attention_pictures import AttentionPicture
from leopardnet.report.evaluation_section import make_evaluation_section
from leopardnet.report.overview import Beside, list_reasons, make_overview
from leopardnet.report.paging.clip_files import Boxes, place_clips, replace_clip_files
from leopardnet.report.paging.clip_rows import ClipRows
from leopardnet.report.paging.paging_settings import PagingSettings, load_paging
from leopardnet.report.same_spots import group_same_spots
from leopardnet.report.sections import Review, choose_review, count_by_site, count_table, summarise_run
from leopardnet.report.sound_pictures import SoundPicture, choose_played
from leopardnet.report.sound_section import SoundList
from leopardnet.report.target_counts import list_judged
from leopardnet.score.decide import RULES

SCRIPTS = (
    *("shared/language", "shared/elements", "shared/chart", "shared/picture"),
    *("report/data", "report/files", "report/evidence", "report/table"),
)


def write_report(
    out: Path,
    predictions: pd.DataFrame,
    *,
    evidence: pd.DataFrame | None = None,
    evaluation: Evaluation | None = None,
    truth: pd.Series[str] | None = None,
    thumbnails: Mapping[str, bytes] | None = None,
    attention: Mapping[str, AttentionPicture] | None = None,
    heard: Mapping[str, SoundPicture] | None = None,
    sounds: SoundList | None = None,
    hidden: Collection[str] = (),
    cameras: Sequence[Finding] = (),
    beside: Beside | None = None,
    bundle: Mapping[str, Any] | None = None,
    manifest_summary: pd.DataFrame | None = None,
    history: Sequence[Mapping[str, Any]] | None = None,
    notices: Sequence[str] = (),
    title: str | None = None,
    paging: PagingSettings | None = None,
) -> Path:
    """Write the report and return its path: `out`, or `out/report.html` where `out` does not end in .html or .htm.

    An argument of None leaves its section out. predictions: a predictions table; where it has more clips than
    `paging` (of `load_paging`) allows in one file, rows are in the order of review, and all but the first are in a
    folder, see `find_clip_folder`. evidence: an evidence table, for the probabilities over time and the boxes.
    truth: labels by `clip_id`. thumbnails: JPEG bytes by `clip_id`, of the frame at `best_time_s`. heard: sounds
    by `clip_id`, for the cards. attention: pictures of `draw_attention` by clip_id. sounds: the list of them.
    hidden: clip_id of clips whose picture and sound are left out. cameras: findings of `find_camera_faults`.
    beside: what else is known, for the first page; its n_hidden and n_faults are counted here. bundle: plain
    values as of `describe_bundle`, and watch (`watch_facts`); others are shown too. manifest_summary: counts,
    label by split. history: rows with epoch, loss, val_macro_f1. notices: shown on top. Raises ManifestError where
    `predictions` or `evidence` is not such a table.
    """
    out = Path(out) if Path(out).suffix.lower() in (".html", ".htm") else Path(out) / "report.html"
    labels = table_labels(predictions)
    predictions = _check_predictions(predictions, labels)
    evidence = None if evidence is None else conform(evidence, evidence_columns(labels), where="evidence")
    description = dict(bundle or {})
    styles = label_styles(labels, description.get("labels"))
    shown = {clip_id: jpeg for clip_id, jpeg in (thumbnails or {}).items() if clip_id not in hidden}
    paging = paging or load_paging()
    rows = predictions if paging.is_one_file(len(predictions)) else review_order(predictions)
    clips = ClipRows(rows, styles, evidence, truth, shown, hidden)
    beside = replace(beside or Beside(), n_hidden=clips.n_hidden, n_faults=len(cameras))
    sections = {
        "title": translate("Camera-trap report") if title is None else title,
        "notices": list(notices),
        "overview": make_overview(
            predictions, styles, evaluation=evaluation, description=description, beside=beside
        ),
        "cameras": list(cameras),
        "attention": attention or {},
        "evaluation": make_evaluation_section(evaluation, predictions, truth, styles),
        "curves": _history_charts(history or ()),
        "data_counts": None if manifest_summary is None else count_table(manifest_summary),
        **_describe_promise(description),
    }
    with replace_clip_files(out) as folder, atomic_path(out) as part:
        data, boxes = place_clips(clips, out, folder, paging=paging)
        shown_clips = _describe_clips(predictions, styles, hidden, list_judged(beside.said), boxes)
        page = _fill_template(
            **sections,
            **shown_clips,
            **_describe_sounds(heard or {}, sounds, hidden, shown_clips["review"]),
            **_describe_data(data, clips),
            picture_of=_picture_finder(boxes, shown),
        )
        part.write_bytes(page.encode("utf-8", "replace"))  # an invalid character in a title must not stop it
    return out


def _check_predictions(predictions: pd.DataFrame, labels: Sequence[str]) -> pd.DataFrame:
    """Return the table as it should be, with all names of a clip that has several as its decision."""
    multi = has_several_labels(predictions)
    columns = predictions_columns(labels, multi=multi)
    table = conform(predictions, columns, where="predictions", unique=("clip_id",))
    refuse_unknown_alerts(table, labels)
    return table.assign(decision=table["labels"].fillna(table["decision"])) if multi else table


def _describe_clips(
    predictions: pd.DataFrame,
    styles: Sequence[LabelStyle],
    hidden: Collection[str],
    judged: Collection[str],
    boxes: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what the template shows of the table of clips alone."""
    spots = group_same_spots(predictions, boxes)
    return {
        "multi": has_several_labels(predictions),
        "hidden": frozenset(hidden),
        "styles": styles,
        "colours": decision_colours(styles),
        "summary": summarise_run(predictions, styles),
        "reasons": list_reasons(predictions),
        "review": choose_review(predictions, styles, hidden=hidden, judged=judged, spots=spots),
        "sites": count_by_site(predictions, styles, judged=judged),
        "made_by": _sources(predictions),
    }


def _describe_sounds(
    heard: Mapping[str, SoundPicture], sounds: SoundList | None, hidden: Collection[str], review: Review
) -> dict[str, Any]:
    """Return the sounds of the cards, the clips that can be played there, and the list of sounds, None if empty."""
    shown = {clip_id: sound for clip_id, sound in heard.items() if clip_id not in hidden}
    return {
        "heard": shown,
        "played": choose_played([card.clip_id for card in (*review.alerts, *review.unsure)], shown),
        "sounds": sounds if sounds and (sounds.confirmed or sounds.others) else None,
    }


def _describe_data(data: Mapping[str, Any], clips: ClipRows) -> dict[str, Any]:
    """Return the data of the scripts, and what the template says of them."""
    evidence = clips.evidence
    facts = {
        "multi": has_several_labels(clips.predictions),
        "labels": [{"name": s.name, "colour": s.colour} for s in clips.styles],
        "colours": decision_colours(clips.styles),
        "rules": {str(k): translate_message(v) for k, v in RULES.items()},
        "has_truth": clips.has_truth,
        "has_detector": evidence is not None and bool(evidence["boxes"].notna().any()),
    }
    return {
        "n_pictures": clips.n_pictures,
        "n_hidden": clips.n_hidden,
        "has_truth": clips.has_truth,
        "key": clips.key,
        "files": data["files"],
        "n_listed": len(data["clip_id"]),
        "data": script_json({**facts, **data}),
    }


def _fill_template(**values: object) -> str:
    """Return the page with its style sheet, its scripts and these values."""
    css, scripts = read_style("shared", "report"), join_scripts(*SCRIPTS)
    return (
        environment()
        .get_template("report.html.j2")
        .render(css=css, js=scripts, rules=RULES, texts=script_json(script_texts()), **values)
    )


def _picture_finder(boxes: Boxes, jpegs: Mapping[str, bytes]) -> Callable[[str], Picture | None]:
    """Return a function from clip_id to the picture with its boxes, or None, for the cards that need no script."""

    def find(clip_id: str) -> Picture | None:
        drawn = tuple(map(tuple, boxes.get(clip_id, ())))
        return embed_picture(jpegs[clip_id], drawn) if clip_id in jpegs else None

    return find


def _sources(predictions: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the program that wrote the page, and the models and label sets of its rows."""
    ids = (
        (name, ", ".join(sorted(predictions[column].unique())))
        for name, column in ((translate("model"), "bundle_id"), (translate("label set"), "labels_id"))
    )
    return [
        (translate("program"), f"leopardnet {version('leopardnet')}"),
        *((name, found) for name, found in ids if found),
    ]


def _history_charts(history: Sequence[Mapping[str, Any]]) -> list[tuple[str, Markup]]:
    """Return the training curves that the history has values for, each with its name."""
    charts = []
    for key, name, unit in (
        ("loss", translate("Training loss"), False),
        ("val_macro_f1", translate("Macro F1 on validation clips"), True),
    ):
        points = history_points(history, key)
        if points:
            charts.append((name, line_chart(points, title=name, x_label=translate("epoch"), unit_range=unit)))
    return charts


def _describe_promise(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page says of a bundle, and of what it promises."""
    return {
        "model": _describe_model(description) if description else None,
        "thresholds": {k: _round(v) for k, v in flatten_facts(description.get("thresholds") or {})},
        "promises": description.get("promises"),
        "watch": description.get("watch"),
    }


def _round(value: str) -> str:
    """Return a number with six digits, as on the card of the bundle; a threshold below 1 never becomes 1."""
    try:
        short = f"{float(value):g}"
    except ValueError:  # a setting beside them, such as a rule that is on or off
        return value
    return value if short == "1" else short


def _describe_model(description: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of a bundle as rows of name and text: general facts, settings by part, hashes."""
    first = {
        translate("Name"): description.get("name"),
        translate("Bundle"): description.get("bundle_id"),
        translate("Learned from"): say_taught(description),
        translate("Backbone"): description.get("backbone"),
        translate("Backbone learned from"): description.get("trained_on"),
        translate("Licence of the backbone's weights"): ", ".join(
            value for _, value in flatten_facts(description.get("licences") or [])
        ),
    }
    parts = {
        "preprocess": translate("Input"),
        "sampling": translate("Frames"),
        "aggregation": translate("From frames to the clip"),
        "calibration": translate("Calibration"),
        "thresholds": translate("Thresholds"),
        "versions": translate("Versions"),
    }
    shown = {"name", "bundle_id", "data", "backbone", "trained_on", "licences"}
    elsewhere = {*shown, *parts, "labels", "hashes", "promises", "watch", "is_calibrated"}
    others = {k: v for k, v in description.items() if k not in elsewhere}
    return {
        "head": [(k, str(v)) for k, v in first.items() if v] + flatten_facts(others),
        "parts": [
            (title, [(name, value if k == "versions" else _round(value)) for name, value in flatten_facts(facts)])
            for k, title in parts.items()
            if (facts := description.get(k))
        ],
        "hashes": flatten_facts(description.get("hashes") or {}),
    }
