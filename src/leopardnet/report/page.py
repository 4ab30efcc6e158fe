"""One self-contained HTML file from tables and a bundle's description."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from leopardnet.core.tables import atomic_path, conform, labels_of, predictions_columns
from leopardnet.core.types import ManifestError
from leopardnet.report.figures import interval_bar, line_chart, reliability_chart
from leopardnet.report.palette import LabelStyle, decision_colours, label_styles
from leopardnet.report.rows import clip_data, script_json
from leopardnet.report.sections import (
    by_site,
    count_table,
    facts,
    first_looks,
    history_points,
    summary,
)
from leopardnet.score.decide import RULES
from leopardnet.score.metrics import MEASURES, Evaluation

MODEL_PARTS = ("preprocess", "sampling", "aggregation", "calibration", "thresholds")


def write_report(
    out: Path,
    predictions: pd.DataFrame,
    *,
    evidence: pd.DataFrame | None = None,
    evaluation: Evaluation | None = None,
    thumbnails: Mapping[str, bytes] | None = None,
    bundle: Mapping[str, Any] | None = None,
    manifest_summary: pd.DataFrame | None = None,
    history: Sequence[Mapping[str, Any]] | None = None,
    notices: Sequence[str] = (),
    title: str = "Camera-trap report",
) -> Path:
    """The path of the report: `out`, or `out/report.html` where `out` does not end in .html. Written whole or not at all.

    predictions: a predictions table; every clip of it is in the page. evidence: an evidence table, for the curves of
    probability over time. thumbnails: JPEG bytes by clip_id. bundle: plain values: labels (as `LabelSet.to_dict`),
    backbone, bundle_id, preprocess, sampling, aggregation, calibration, thresholds, licences, trained_on, hashes; any
    may be absent, further ones are shown too. manifest_summary: label × split counts. history: rows with epoch, loss,
    val_macro_f1. notices: sentences that every reader must see. A part that is None has no section.

    Raises ManifestError where `predictions` is not a predictions table.
    """
    out = Path(out) if Path(out).suffix.lower() in (".html", ".htm") else Path(out) / "report.html"
    labels = labels_of(predictions)
    predictions = conform(predictions, predictions_columns(labels), where="predictions", unique=("clip_id",))
    _refuse_unknown_alerts(predictions, labels)
    description = dict(bundle or {})
    styles = label_styles(labels, description.get("labels"))
    page = _environment().get_template("report.html.j2").render(
        title=title,
        notices=list(notices),
        styles=styles,
        colours=decision_colours(styles),
        summary=summary(predictions, styles),
        look=first_looks(predictions, styles),
        sites=by_site(predictions, styles),
        has_pictures=bool(thumbnails),
        thumb=lambda clip_id: _data_uri((thumbnails or {}).get(clip_id)),
        data=script_json(
            clip_data(predictions, styles, evidence=evidence, thumbnails=thumbnails, rules={str(k): v for k, v in RULES.items()})
        ),
        evaluation=_evaluation(evaluation, styles),
        curves=_curves(history or ()),
        data_counts=None if manifest_summary is None else count_table(manifest_summary),
        model=_model(description) if description else None,
        thresholds=dict(facts(description.get("thresholds") or {})),
        rules=RULES,
        css=_resource("report.css"),
        js=_resource("report.js"),
    )  # fmt: skip
    with atomic_path(out) as part:
        # a title with a broken character must not cost the whole report
        part.write_bytes(page.encode("utf-8", "replace"))
    return out


def _refuse_unknown_alerts(predictions: pd.DataFrame, labels: Sequence[str]) -> None:
    unknown = sorted(set(predictions["alert"].dropna()) - set(labels))
    if unknown:
        raise ManifestError(
            "an alert names a label that the table has no probability for", where="predictions, column alert",
            found=", ".join(unknown), expected="one of " + ", ".join(labels), todo="run `leopardnet predict` again",
        )  # fmt: skip


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("leopardnet", "templates"),
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["count"] = lambda n: f"{n:,}"
    environment.filters["percent"] = lambda share: "<1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"
    return environment


def _resource(name: str) -> Markup:
    return Markup((files("leopardnet") / "templates" / name).read_text(encoding="utf-8"))


def _data_uri(jpeg: bytes | None) -> str:
    return "" if jpeg is None else "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def _evaluation(evaluation: Evaluation | None, styles: Sequence[LabelStyle]) -> dict[str, Any] | None:
    """The evaluation as rows and figures for the template."""
    if evaluation is None:
        return None
    e = evaluation
    rows = []
    for name, row in e.per_label.to_dict("index").items():
        measures = [e.label_estimate(str(name), m) for m in MEASURES]
        rows.append(
            {
                "name": str(name),
                "support": int(row["support"]),
                "recall_at_least": float(row["recall_at_least"]),
                "measures": [(m, interval_bar(m.value, m.low, m.high)) for m in measures],
            }
        )
    r = e.reliability
    bins = list(zip(r["confidence"].tolist(), r["accuracy"].tolist(), r["n"].tolist(), strict=True))
    return {
        "raw": e,
        "headline": [
            ("Macro F1", e.macro_f1, "mean over the labels, each counts the same"),
            ("Right at first guess", e.top1, "share of clips whose likeliest label is the true one"),
            ("Calibration error", e.ece, "mean gap between what was said and what came true; 0 is best"),
            ("Brier score", e.brier, "squared error of the probabilities, 0 to 2; 0 is best"),
        ],
        "rows": rows,
        "measures": ("Precision", "Recall", "F1", "AUROC"),
        "confusion": count_table(e.confusion, skip_empty_rows=True),
        "decisions": count_table(e.decisions, skip_empty_rows=True),
        "reliability": reliability_chart(bins) if bins else None,
        "support": {r["name"]: r["support"] for r in rows},
    }


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
