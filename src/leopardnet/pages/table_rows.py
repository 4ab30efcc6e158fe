"""The clips of a report as compact JSON that a page can hold and a browser can filter."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from numpy.typing import NDArray

from leopardnet.core.columns import join_alerts
from leopardnet.core.labels import split_labels
from leopardnet.core.language import cut_probability
from leopardnet.metrics.comparison.review_order import top_probability, verdicts
from leopardnet.pages.palette import LabelStyle
from leopardnet.pages.pictures import best_frame_boxes, parse_frame_boxes

TEXT_COLUMNS = ("clip_id", "path", "kind", "site", "status", "reason", "decision", "rule")
MAX_TIMES = 8
VISIBLE = 0.005  # smaller probabilities are not drawn; a label that stays below it in every frame has no line


def script_json(value: object) -> Markup:
    r"""Return JSON that is safe inside a <script> element, whatever names it holds.

    Everything but ASCII is escaped, so names that are no valid Unicode survive. No '<', '>' or '&' is left.

    >>> script_json("</script>")
    Markup('"\\u003c/script\\u003e"')
    """
    return Markup(encode_json(value))


def encode_json(value: object) -> str:
    r"""Return JSON in ASCII without '<', '>' and '&'.

    >>> encode_json("é > e")
    '"\\u00e9 \\u003e e"'
    """
    encoded = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        encoded = encoded.replace(sign, f"\\u{ord(sign):04x}")
    return encoded


def clip_data(
    predictions: pd.DataFrame,
    styles: Sequence[LabelStyle],
    *,
    evidence: pd.DataFrame | None = None,
    truth: pd.Series[str] | None = None,
    thumbnails: Mapping[str, bytes] | None = None,
    hidden: Collection[str] = (),
) -> dict[str, Any]:
    """Return all clips as one list per column, probabilities as `cut_probability`, None where there is no value.

    `given` is the index of the table: the place of a clip in the predictions. `suspicion` is the probability of the
    likeliest suspected target, `top` that of `top_probability`. Values that only some clips have are mappings from
    the row number as text:

    - `frames`: {"t": times in s, "p": per label the thousandths of each frame, or 0 where all are invisible,
      "b": thousandths of the best box of each frame, None where no detector was run}
    - `boxes`: the boxes on the picture, [left, top, right, bottom, score] with the sides as fractions
    - `thumbs`: the picture as base64 of a JPEG

    `hidden` holds the numbers of the rows whose picture is left out. `verdict` is as
    `metrics.comparison.review_order.verdicts` returns it.
    """
    columns: dict[str, Any] = {name: [text(v) for v in predictions[name]] for name in TEXT_COLUMNS}
    probs = predictions[[f"p_{s.name}" for s in styles]].to_numpy(float)
    row_of = {clip_id: i for i, clip_id in enumerate(columns["clip_id"])}
    frames, boxes = _frame_data(predictions, evidence, styles, row_of)
    labels = pd.Series(dtype=object) if truth is None else truth
    jpegs = {row: thumbnails[k] for k, row in row_of.items() if k in thumbnails} if thumbnails else {}
    alerts = [list(split_labels(names)) for names in join_alerts(predictions)]
    place = {s.name: i for i, s in enumerate(styles)}
    return {
        **columns,
        "given": predictions.index.tolist(),
        "alerts": alerts,
        "suspicion": [_cut(p[place[found[0]]]) if found else None for p, found in zip(probs, alerts, strict=True)],
        "top": [_cut(v) for v in top_probability(predictions)],
        "captured": ["" if pd.isna(t) else f"{t:%Y-%m-%d %H:%M:%S}" for t in predictions["captured_at"]],
        "score": [_cut(v) for v in predictions["score"]],
        "best": [number(v) for v in predictions["best_time_s"]],
        "n_frames": [int(n) for n in predictions["n_frames"]],
        "probs": [None if np.isnan(p).any() else [cut_probability(x) for x in p] for p in probs],
        "times": [_parse_times(v)[:MAX_TIMES] for v in predictions["evidence_times_s"]],
        "truth": [text(v) for v in predictions["clip_id"].map(labels)],
        "verdict": verdicts(predictions, labels).tolist(),
        "frames": frames,
        "boxes": boxes,
        "hidden": sorted(row_of[c] for c in hidden if c in row_of),
        "thumbs": {str(row): base64.b64encode(jpeg).decode() for row, jpeg in jpegs.items()},
    }


def text(value: Any) -> str:
    """Return the value as text, '' where it is missing."""
    return "" if value is None or (not isinstance(value, str) and pd.isna(value)) else str(value)


def number(value: Any) -> float | None:
    """Return the value with three decimals, None where it is missing."""
    return None if pd.isna(value) else round(float(value), 3)


def _cut(p: float) -> float | None:
    """Return a probability as `cut_probability`, None where it is missing."""
    return None if pd.isna(p) else cut_probability(p)


def flatten_facts(value: Any, *, prefix: str = "") -> list[tuple[str, str]]:
    """Return nested mappings and lists as rows of name and text, in order.

    >>> flatten_facts({"size_px": 256, "crop": {"top": 0.0, "bottom": 0.06}, "tags": ["a", "b"]})
    [('size_px', '256'), ('crop.top', '0.0'), ('crop.bottom', '0.06'), ('tags', 'a, b')]
    """
    if isinstance(value, Mapping):
        named = [(f"{prefix}.{key}" if prefix else str(key), inner) for key, inner in value.items()]
    elif isinstance(value, (list, tuple)) and any(isinstance(x, Mapping) for x in value):
        named = [(f"{prefix} {i}".strip(), inner) for i, inner in enumerate(value, 1)]
    elif isinstance(value, (list, tuple)):
        return [(prefix, ", ".join(text(x) for x in value))]
    else:
        return [(prefix, text(value))]
    return [row for name, inner in named for row in flatten_facts(inner, prefix=name)]


def _parse_times(cell: object) -> list[float]:
    """Return the evidence times in a cell: a JSON list, or numbers separated by spaces, commas or semicolons."""
    words = text(cell).strip().strip("[]").replace(",", " ").replace(";", " ").split()
    try:
        return [round(float(w), 3) for w in words if np.isfinite(float(w))]
    except ValueError:
        return []


def _frame_data(
    predictions: pd.DataFrame,
    evidence: pd.DataFrame | None,
    styles: Sequence[LabelStyle],
    row_of: Mapping[str, int],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return, by row number, the curves of the clips with classified frames, and the boxes in their best frames."""
    if evidence is None or evidence.empty:
        return {}, {}
    columns = [f"p_{s.name}" for s in styles]
    # The table is sorted once and split, not grouped: a million frames take seconds instead of minutes.
    known = evidence[evidence["clip_id"].isin(list(row_of))].dropna(subset=["time_s", *columns])
    known = known.assign(row=known["clip_id"].map(row_of)).sort_values(["row", "time_s"], kind="stable")
    found = parse_frame_boxes(known)
    best_box = found.map(lambda boxes: boxes[0][4] or 0.0 if boxes else 0.0).reindex(known.index)
    rows = known["row"].to_numpy(np.int64)
    thousandths = _count_thousandths(known[columns].to_numpy(np.float64)).astype(np.int64)
    best = _count_thousandths(best_box.to_numpy(np.float64))
    frames = _curves(rows, known["time_s"].round(2).tolist(), thousandths, best)
    boxes = {
        str(row_of[clip_id]): [[*(round(v, 4) for v in box[:4]), box[4]] for box in drawn]
        for clip_id, drawn in best_frame_boxes(predictions, known, found).items()
    }
    return frames, boxes


def _count_thousandths(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return whole thousandths, cut as by `cut_probability`; nan stays."""
    return np.asarray(np.floor(np.round(values * 1_000_000) / 1000))


def _curves(
    rows: NDArray[np.int64], times_s: list[float], probs: NDArray[np.int64], best: NDArray[np.float64]
) -> dict[str, Any]:
    """Return the curves of clips by row number, of frames sorted by it.

    rows: [N]; probs: [N, C] in thousandths; best: [N], nan without a detector.
    """
    if not len(rows):
        return {}
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    is_seen = (np.maximum.reduceat(probs, starts) >= 1000 * VISIBLE).tolist()
    values, boxes = probs.T.tolist(), [None if np.isnan(b) else round(b) for b in best.tolist()]
    curves: dict[str, Any] = {}
    for row, first, last, seen in zip(rows[starts], starts, [*starts[1:], len(rows)], is_seen, strict=True):
        curve = {
            "t": times_s[first:last],
            "p": [v[first:last] if s else 0 for v, s in zip(values, seen, strict=True)],
        }
        if any(b is not None for b in boxes[first:last]):
            curve["b"] = boxes[first:last]
        curves[str(row)] = curve
    return curves
