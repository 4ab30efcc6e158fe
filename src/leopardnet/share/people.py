"""Which clips show people or vehicles: they leave the machine only where somebody asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from leopardnet.core.people import person_kind
from leopardnet.data.boxes import boxes_of

MIN_PROBABILITY = 0.2  # a clip that shows a person as likely as this is not shown around, whatever else was said
MIN_BOX_SCORE = 0.2


def shows_people(predictions: pd.DataFrame, words: Mapping[str, pd.Series[Any]]) -> pd.Series[bool]:
    """Whether a clip shows a person or a vehicle, by any of what is known of it.

    words: beside the decision and the probabilities, more columns of names by `clip_id`; those whose name begins with
    `boxes` hold boxes with labels, as a manifest and the evidence keep them.
    """
    found = predictions["decision"].map(person_kind).notna()
    for column in predictions.columns:
        if str(column).startswith("p_") and person_kind(str(column)[2:]):
            found |= predictions[column].fillna(0.0) >= MIN_PROBABILITY
    for name, values in words.items():
        says = _box_shows_people if name.startswith("boxes") else _any_word
        by_clip = values[values.map(says).astype(bool)]
        found |= predictions["clip_id"].isin(set(by_clip.index))
    return found


def _any_word(text: Any) -> bool:
    """A cell may name several species, joined by a plus sign."""
    return isinstance(text, str) and any(person_kind(part) for part in text.split("+"))


def _box_shows_people(cell: Any) -> bool:
    return any(person_kind(b.get("label")) and b.get("score", 1.0) >= MIN_BOX_SCORE for b in boxes_of(cell))
