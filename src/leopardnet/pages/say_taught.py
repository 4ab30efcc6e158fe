"""What a model learned from, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leopardnet.core.language import translate_label, translate_plural


def say_taught(model: Mapping[str, Any]) -> str:
    """Return what taught each label of a model, of `describe_bundle`; an empty text where nobody stated it."""
    rows = [row for row in model.get("data") or () if row.get("split") == "train"]
    return "; ".join(map(_say_label, rows))


def _say_label(row: Mapping[str, Any]) -> str:
    """Return what taught a label. A model made in review counts no pictures, and its sites may not be known."""
    frames, clips, sites = (int(n) if n and n == n else 0 for n in map(row.get, ("n_frames", "n_clips", "n_sites")))
    counts = (
        translate_plural("{n} labelled picture", "{n} labelled pictures", frames) if frames else "",
        translate_plural("{n} clip", "{n} clips", clips) if clips else "",
        translate_plural("{n} site", "{n} sites", sites) if sites else "",
    )
    return f"{translate_label(str(row['label']))}: {', '.join(filter(None, counts))}"
