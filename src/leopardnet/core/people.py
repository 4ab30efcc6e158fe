"""The rule for which clips show people or vehicles.

Every module that shows, writes or copies clips leaves out those that `clips_with_people` returns, unless asked for
them.
"""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from leopardnet.core.boxes import parse_boxes
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions

# The class of observation for each name; formats use several names for the two classes.
KINDS = {
    **dict.fromkeys(("human", "humans", "person", "persons", "people", "homo sapiens"), "human"),
    **dict.fromkeys(("человек", "люди", "人"), "human"),
    **dict.fromkeys(("vehicle", "vehicles", "car", "cars"), "vehicle"),
    **dict.fromkeys(("транспорт", "машина", "автомобиль", "车辆", "車輛"), "vehicle"),
}
MIN_PROBABILITY = 0.2  # a clip that is this likely to show a person stays private, whatever the decision
MIN_BOX_SCORE = 0.2
_SEPARATORS = re.compile(r"[+;,|]")  # between the species of one cell


def person_kind(name: object) -> str | None:
    """Return 'human' or 'vehicle' for a name of either, and None for every other name.

    >>> person_kind("Person"), person_kind("car"), person_kind("homo_sapiens"), person_kind("tiger")
    ('human', 'vehicle', 'human', None)
    """
    return KINDS.get(name.strip().casefold().replace("_", " ")) if isinstance(name, str) else None


def clips_with_people(
    predictions: Predictions, manifest: Manifest | None = None, human_labels: pd.DataFrame | None = None
) -> frozenset[str]:
    """Return the `clip_id` of every clip that shows a person or a vehicle, or lets a voice be heard.

    One of these is enough: the decision; a probability of at least `MIN_PROBABILITY`, or the highest of the clip; a
    label or species in the manifest, where a cell may name several species; a label given by a person
    (`human_labels`, columns clip_id and label); a box of a person with a score of at least `MIN_BOX_SCORE`, from a
    detector or in the manifest; a human voice on the sound track. An unreadable clip is therefore returned only if
    it has a voice, or if the manifest or a person names it so.

    Raises ManifestError for a cell of boxes that cannot be read.

    >>> columns = {"clip_id": ["a", "b"], "decision": "tiger", "p_human": [0.35, 0.01], "p_tiger": [0.65, 0.99]}
    >>> sorted(clips_with_people(Predictions(pd.DataFrame(columns), pd.DataFrame())))
    ['a']
    """
    table, evidence = predictions.table, predictions.evidence
    found = set(table.loc[table["decision"].map(_names_people).astype(bool), "clip_id"])
    columns = [str(c) for c in table.columns if str(c).startswith("p_")]
    highest = table[columns].max(axis=1) if columns else None
    for column in columns:
        if person_kind(column[2:]):
            probability = table[column]
            found |= set(table.loc[(probability >= MIN_PROBABILITY) | (probability == highest), "clip_id"])
    sources = [(evidence, "boxes", _shows_person_box), (table, "labels", _names_people)]
    sources += [(table, "has_voice", lambda cell: cell == "yes")]
    if manifest is not None:
        sources += [(manifest.table, column, _names_people) for column in ("label", "labels", "species")]
        sources += [(manifest.table, "boxes", _shows_person_box)]
    if human_labels is not None:
        sources += [(human_labels, "label", _names_people)]
    for rows, column, shows in sources:
        if column in rows.columns:
            cells = rows[column]
            found |= set(rows.loc[cells.notna() & cells.map(shows).astype(bool), "clip_id"])
    return frozenset(map(str, found))


def _names_people(cell: Any) -> bool:
    return isinstance(cell, str) and any(person_kind(part) for part in _SEPARATORS.split(cell))


def _shows_person_box(cell: Any) -> bool:
    if not isinstance(cell, str) or cell == "[]":
        return False
    return any(person_kind(b.get("label")) and b.get("score", 1.0) >= MIN_BOX_SCORE for b in parse_boxes(cell))
