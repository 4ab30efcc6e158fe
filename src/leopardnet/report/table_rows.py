"""The clips of a report as compact JSON that a page can hold and a browser can filter."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from leopardnet.report.palette import LabelStyle, decision_colours
from leopardnet.report.pictures import boxes_by_frame, boxes_of_best

TEXT_COLUMNS = ("clip_id", "path", "kind", "site", "status", "reason", "decision", "rule", "alert")
MAX_TIMES = 8
VISIBLE = 0.005  # a label that stays below it in every frame of a clip has no line in the curve


def script_json(value: Any) -> Markup:
    r"""JSON that is safe inside a <script> element, whatever names it holds.

    All but ASCII is escaped, so names that are no valid Unicode survive, and no '<', '>' or '&' is left.

    >>> script_json("</script>")
    Markup('"\\u003c/script\\u003e"')
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def clip_data(
    predictions: pd.DataFrame,
    styles: Sequence[LabelStyle],
    *,
    evidence: pd.DataFrame | None = None,
    truth: pd.Series[str] | None = None,
    thumbnails: Mapping[str, bytes] | None = None,
    hidden: Collection[str] = (),
    rules: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """All clips, column by column: a list per column, probabilities with three decimals, None where there is none.

    What only some clips have is a mapping from row number: `frames` to {"t": times, "p": by label, thousandths of each
    frame, or 0 where the label stays invisible, "b": thousandths of the best box of each frame, None where no detector
    looked}; `boxes` to the boxes on the picture; `thumbs` to base64 JPEG. `hidden` are the rows whose picture is
    withheld. `verdict` is empty without a true label; see `verdicts`.
    """
    columns: dict[str, Any] = {name: [text(v) for v in predictions[name]] for name in TEXT_COLUMNS}
    probs = predictions[[f"p_{s.name}" for s in styles]].to_numpy(float)
    row_of = {clip_id: i for i, clip_id in enumerate(columns["clip_id"])}
    frames, boxes = _frames(predictions, evidence, styles, row_of)
    true = (
        predictions["clip_id"].map(truth) if truth is not None else pd.Series(index=predictions.index, dtype="str")
    )
    return {
        "labels": [{"name": s.name, "colour": s.colour} for s in styles],
        "colours": decision_colours(styles),
        "rules": dict(rules or {}),
        **columns,
        "captured": ["" if pd.isna(t) else f"{t:%Y-%m-%d %H:%M:%S}" for t in predictions["captured_at"]],
        "score": [number(v) for v in predictions["score"]],
        "best": [number(v) for v in predictions["best_time_s"]],
        "n_frames": [int(n) for n in predictions["n_frames"]],
        "probs": [None if np.isnan(p).any() else [round(float(x), 3) for x in p] for p in probs],
        "times": [_times(v)[:MAX_TIMES] for v in predictions["evidence_times_s"]],
        "truth": [text(v) for v in true],
        "verdict": verdicts(predictions["decision"], true, styles),
        "frames": frames,
        "boxes": boxes,
        "hidden": sorted(row_of[c] for c in hidden if c in row_of),
        "thumbs": {
            str(row_of[k]): base64.b64encode(v).decode() for k, v in (thumbnails or {}).items() if k in row_of
        },
    }


def verdicts(decision: pd.Series[Any], truth: pd.Series[Any], styles: Sequence[LabelStyle]) -> list[str]:
    """Of each clip, what is said against what is true: 'right', 'wrong', 'open' (no label was said), or ''.

    >>> labels = [LabelStyle("tiger", "#000")]
    >>> verdicts(pd.Series(["tiger", "tiger", "unsure", "tiger"]), pd.Series(["tiger", "empty", "tiger", None]), labels)
    ['right', 'wrong', 'open', '']
    """
    names = {s.name for s in styles}
    return [
        "" if pd.isna(true) else "right" if said == true else "wrong" if said in names else "open"
        for said, true in zip(decision, truth, strict=True)
    ]


def text(value: Any) -> str:
    """The value as text, nothing where it is missing."""
    return "" if value is None or (not isinstance(value, str) and pd.isna(value)) else str(value)


def number(value: Any) -> float | None:
    """The value with three decimals, None where it is missing."""
    return None if pd.isna(value) else round(float(value), 3)


def _times(value: Any) -> list[float]:
    """The evidence times of a cell: a JSON list, or numbers parted by spaces, commas or semicolons."""
    words = text(value).strip().strip("[]").replace(",", " ").replace(";", " ").split()
    try:
        return [round(float(w), 3) for w in words if np.isfinite(float(w))]
    except ValueError:
        return []


def _frames(
    predictions: pd.DataFrame,
    evidence: pd.DataFrame | None,
    styles: Sequence[LabelStyle],
    row_of: Mapping[str, int],
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The curves of the clips that have judged frames, and the boxes on their best frames, by row number."""
    if evidence is None or evidence.empty:
        return {}, {}
    columns = [f"p_{s.name}" for s in styles]
    # sorted once and cut, not grouped: a table of a million frames takes seconds, not minutes
    known = evidence[evidence["clip_id"].isin(list(row_of))].dropna(subset=["time_s", *columns])
    known = known.assign(row=known["clip_id"].map(row_of)).sort_values(["row", "time_s"], kind="stable")
    found = boxes_by_frame(known)
    best_box = found.map(lambda boxes: 1000 * (boxes[0][4] or 0.0) if boxes else 0.0).reindex(known.index)
    rows = known["row"].to_numpy(np.int64)
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    thousandths = np.round(known[columns].to_numpy(np.float64) * 1000).astype(np.int64)
    parts = zip(
        rows[starts],
        *(
            np.split(v, starts[1:])
            for v in (known["time_s"].round(2).to_numpy(), thousandths, best_box.to_numpy(float))
        ),
        strict=True,
    )
    frames = {str(row): _curve(times_s, probs, best) for row, times_s, probs, best in parts}
    on_picture = boxes_of_best(predictions, known, found)
    boxes = {
        str(row_of[c]): [[*(round(v, 4) for v in b[:4]), b[4]] for b in drawn] for c, drawn in on_picture.items()
    }
    return frames, boxes


def _curve(
    times_s: np.ndarray[Any, Any], probs: np.ndarray[Any, Any], best: np.ndarray[Any, Any]
) -> dict[str, Any]:
    """One clip: probs int64 [N, C] in thousandths; best float64 [N], nan where no detector looked."""
    curve: dict[str, Any] = {
        "t": times_s.tolist(),
        "p": [p.tolist() if p.max() >= 1000 * VISIBLE else 0 for p in probs.T],
    }
    if not np.isnan(best).all():
        curve["b"] = [None if np.isnan(b) else round(b) for b in best]
    return curve
