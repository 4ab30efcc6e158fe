"""The clips of a report as compact JSON that a page can hold and a browser can filter."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from leopardnet.report.palette import LabelStyle, decision_colours

TEXT_COLUMNS = ("clip_id", "path", "kind", "site", "status", "reason", "decision", "rule", "alert")
MAX_TIMES = 8


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
    thumbnails: Mapping[str, bytes] | None = None,
    rules: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """All clips, column by column: a list per column, probabilities with three decimals, None where there is none.

    `frames` maps a row number to [times, probabilities of frame 1, of frame 2, …]; `thumbs` maps it to base64 JPEG.
    """
    columns: dict[str, Any] = {name: [text(v) for v in predictions[name]] for name in TEXT_COLUMNS}
    probs = predictions[[f"p_{s.name}" for s in styles]].to_numpy(float)
    times = [[t for t in _times(v)[:MAX_TIMES]] for v in predictions["evidence_times_s"]]
    row_of = {clip_id: i for i, clip_id in enumerate(columns["clip_id"])}
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
        "times": times,
        "frames": _frames(evidence, styles, row_of),
        "thumbs": {
            str(row_of[k]): base64.b64encode(v).decode() for k, v in (thumbnails or {}).items() if k in row_of
        },
    }


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
    evidence: pd.DataFrame | None, styles: Sequence[LabelStyle], row_of: Mapping[str, int]
) -> dict[str, list[Any]]:
    if evidence is None or evidence.empty:
        return {}
    columns = [f"p_{s.name}" for s in styles]
    # sorted once and cut, not grouped: a table of a million frames takes seconds, not minutes
    known = evidence[evidence["clip_id"].isin(list(row_of))].dropna(subset=["time_s", *columns])
    known = known.assign(row=known["clip_id"].map(row_of)).sort_values(["row", "time_s"], kind="stable")
    rows = known["row"].to_numpy(np.int64)
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    values = known[["time_s", *columns]].to_numpy(np.float64).round(3)
    frames = {}
    for row, part in zip(rows[starts], np.split(values, starts[1:]), strict=True):
        frames[str(row)] = [part[:, 0].tolist(), *part[:, 1:].tolist()]
    return frames
