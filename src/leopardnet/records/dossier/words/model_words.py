"""The model of a dossier in plain words: what it learned from, and from which probability on it says what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leopardnet.core.language import format_number, translate, translate_label, translate_plural


def describe_model(model: Mapping[str, Any], label: str) -> list[tuple[str, str]]:
    """Return what is known of a model as rows of name and text. model: of `describe_bundle`; {} gives no row."""
    rows = []
    if name := " · ".join(str(model[key]) for key in ("name", "bundle_id") if model.get(key)):
        rows.append((translate("Model"), name))
    if taught := [row for row in model.get("data") or () if row.get("split") == "train"]:
        rows.append((translate("Learned from"), "; ".join(map(_say_taught, taught))))
    thresholds = model.get("thresholds") or {}
    if thresholds.get("decides") is False:
        rows.append((translate("Decides"), translate("nothing: it only ranks the clips")))
    alert = (thresholds.get("alerts") or {}).get(label, thresholds.get("alert"))
    for words, value in (
        (translate("Raises an alert for “{label}”", label=translate_label(label)), alert),
        (translate("Names an animal"), thresholds.get("species")),
        (translate("Calls a clip empty"), thresholds.get("empty")),
    ):
        if value is not None:
            rows.append((words, translate("from a probability of {p} on", p=format_number(float(value), 3))))
    return rows


def _say_taught(row: Mapping[str, Any]) -> str:
    """Return what taught a label. A model made in review counts no pictures, and its sites may not be known."""
    frames, clips, sites = (int(n) if n and n == n else 0 for n in map(row.get, ("n_frames", "n_clips", "n_sites")))
    counts = (
        translate_plural("{n} labelled picture", "{n} labelled pictures", frames) if frames else "",
        translate_plural("{n} clip", "{n} clips", clips) if clips else "",
        translate_plural("{n} site", "{n} sites", sites) if sites else "",
    )
    return f"{translate_label(str(row['label']))}: {', '.join(filter(None, counts))}"
