"""The model of a dossier in plain words: what it learned from, and from which probability on it says what."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leopardnet.core.language import format_number, translate, translate_label
from leopardnet.pages.say_taught import say_taught


def describe_model(model: Mapping[str, Any], label: str) -> list[tuple[str, str]]:
    """Return what is known of a model as rows of name and text. model: of `describe_bundle`; {} gives no row."""
    rows = []
    if name := " · ".join(str(model[key]) for key in ("name", "bundle_id") if model.get(key)):
        rows.append((translate("Model"), name))
    if taught := say_taught(model):
        rows.append((translate("Learned from"), taught))
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
