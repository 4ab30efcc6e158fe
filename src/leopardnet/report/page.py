"""One self-contained HTML file from tables and a bundle's description."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from leopardnet.bundle.run_history import history_points
from leopardnet.core.errors import ManifestError
from leopardnet.core.tables import atomic_path, conform, evidence_columns, labels_of, predictions_columns
from leopardnet.metrics.evaluation import Evaluation
from leopardnet.report.evaluation_section import evaluation_section
from leopardnet.report.palette import decision_colours, label_styles
from leopardnet.report.pictures import Picture, picture
from leopardnet.report.sections import by_site, count_table, facts, first_looks, summary
from leopardnet.report.svg import line_chart
from leopardnet.report.table_rows import clip_data, script_json
from leopardnet.score.decide import RULES

MODEL_PARTS = ("preprocess", "sampling", "aggregation", "calibration", "thresholds", "versions")


def write_report(
    out: Path,
    predictions: pd.DataFrame,
    *,
    evidence: pd.DataFrame | None = None,
    evaluation: Evaluation | None = None,
    truth: pd.Series[str] | None = None,
    thumbnails: Mapping[str, bytes] | None = None,
    hidden: Collection[str] = (),
    bundle: Mapping[str, Any] | None = None,
    manifest_summary: pd.DataFrame | None = None,
    history: Sequence[Mapping[str, Any]] | None = None,
    notices: Sequence[str] = (),
    title: str = "Camera-trap report",
) -> Path:
    """The path of the report: `out`, or `out/report.html` where `out` does not end in .html. Written whole or not at all.

    predictions: a predictions table; every clip of it is in the page. evidence: an evidence table, for the curves of
    probability over time and the boxes on the pictures. truth: labels by clip_id. thumbnails: JPEG bytes by clip_id, of
    the frame at `best_time_s`. hidden: clip_id of clips whose picture is withheld even where there is one. bundle: plain
    values: labels (as `LabelSet.to_dict`), backbone, bundle_id, preprocess, sampling, aggregation, calibration,
    thresholds, licences, trained_on, hashes; any may be absent, further ones are shown too. manifest_summary: label ×
    split counts. history: rows with epoch, loss, val_macro_f1. notices: sentences that every reader must see. A part
    that is None has no section.

    Raises ManifestError where `predictions` or `evidence` is not such a table.
    """
    out = Path(out) if Path(out).suffix.lower() in (".html", ".htm") else Path(out) / "report.html"
    labels = labels_of(predictions)
    predictions = conform(predictions, predictions_columns(labels), where="predictions", unique=("clip_id",))
    if evidence is not None:
        evidence = conform(evidence, evidence_columns(labels), where="evidence")
    _refuse_unknown_alerts(predictions, labels)
    description = dict(bundle or {})
    styles = label_styles(labels, description.get("labels"))
    shown = {clip_id: jpeg for clip_id, jpeg in (thumbnails or {}).items() if clip_id not in hidden}
    data = clip_data(
        predictions,
        styles,
        evidence=evidence,
        truth=truth,
        thumbnails=shown,
        hidden=hidden,
        rules={str(k): v for k, v in RULES.items()},
    )
    page = (
        _environment()
        .get_template("report.html.j2")
        .render(
            title=title,
            notices=list(notices),
            styles=styles,
            colours=decision_colours(styles),
            summary=summary(predictions, styles),
            look=first_looks(predictions, styles, hidden=hidden),
            sites=by_site(predictions, styles),
            n_pictures=len(data["thumbs"]),
            hidden=frozenset(hidden),
            n_hidden=len(data["hidden"]),
            picture_of=_pictures(data, shown),
            has_truth=any(data["truth"]),
            data=script_json(data),
            evaluation=evaluation_section(evaluation, predictions, truth, styles),
            curves=_curves(history or ()),
            data_counts=None if manifest_summary is None else count_table(manifest_summary),
            model=_model(description) if description else None,
            thresholds=dict(facts(description.get("thresholds") or {})),
            made_by=_made_by(predictions),
            rules=RULES,
            css=_resource("report.css"),
            js=_resource("report.js"),
        )
    )
    with atomic_path(out) as part:
        # a title with a broken character must not cost the whole report
        part.write_bytes(page.encode("utf-8", "replace"))
    return out


def _refuse_unknown_alerts(predictions: pd.DataFrame, labels: Sequence[str]) -> None:
    unknown = sorted(set(predictions["alert"].dropna()) - set(labels))
    if unknown:
        raise ManifestError(
            "an alert names a label that the table has no probability for",
            where="predictions, column alert",
            found=", ".join(unknown),
            expected="one of " + ", ".join(labels),
            todo="run `leopardnet predict` again",
        )


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("leopardnet.report", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = lambda n: f"{n:,}"
    environment.filters["percent"] = lambda share: "<1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"
    return environment


def _resource(name: str) -> Markup:
    return Markup((files("leopardnet.report") / "templates" / name).read_text(encoding="utf-8"))


def _pictures(data: Mapping[str, Any], jpegs: Mapping[str, bytes]) -> Callable[[str], Picture | None]:
    """A function that gives the picture of a clip with its boxes, or None, for the cards that need no script."""
    row_of = {clip_id: str(i) for i, clip_id in enumerate(data["clip_id"])}

    def picture_of(clip_id: str) -> Picture | None:
        boxes = data["boxes"].get(row_of[clip_id], ())
        return picture(jpegs[clip_id], tuple(map(tuple, boxes))) if clip_id in jpegs else None

    return picture_of


def _made_by(predictions: pd.DataFrame) -> list[tuple[str, str]]:
    """Which program wrote the page, and which models and label sets stand behind its rows."""
    ids = (
        (name, ", ".join(sorted(predictions[column].unique())))
        for name, column in (("model", "bundle_id"), ("label set", "labels_id"))
    )
    return [("program", f"leopardnet {version('leopardnet')}"), *((name, found) for name, found in ids if found)]


def _curves(history: Sequence[Mapping[str, Any]]) -> list[tuple[str, Markup]]:
    """The training curves that the history has values for."""
    wanted = (("loss", "Training loss", False), ("val_macro_f1", "Macro F1 on validation clips", True))
    drawn = ((name, history_points(history, key), unit) for key, name, unit in wanted)
    return [
        (name, line_chart(points, title=name, x_label="epoch", unit_range=unit))
        for name, points, unit in drawn
        if points
    ]


def _model(description: Mapping[str, Any]) -> dict[str, Any]:
    """The bundle's description in four parts: head facts, settings, hashes, and whatever else it says."""
    head = {k: description[k] for k in ("backbone", "bundle_id", "trained_on", "licences") if k in description}
    shown = {*head, *MODEL_PARTS, "labels", "hashes"}
    rest = {k: v for k, v in description.items() if k not in shown}
    return {
        "head": facts(head) + facts(rest),
        "parts": [(k, facts(description[k])) for k in MODEL_PARTS if description.get(k)],
        "hashes": facts(description.get("hashes") or {}),
    }
