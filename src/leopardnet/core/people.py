"""The rule for which clips show people or vehicles.

Every module that shows, writes or copies clips leaves out those that `clips_with_people` returns, unless asked for
them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pandas as pd

from leopardnet.core.boxes import parse_boxes
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions

# The class of observation for each name; formats use several names for the two classes.
KINDS = {
    **dict.fromkeys(("human", "humans", "person", "persons", "people", "homo sapiens"), "human"),
    **dict.fromkeys(("человек", "человека", "люди", "людей", "人"), "human"),
    **dict.fromkeys(("voice", "voices", "human voice", "human voices", "human vocal", "speech"), "human"),
    **dict.fromkeys(("human speech", "голос", "голоса", "голос человека", "голоса людей", "речь"), "human"),
    **dict.fromkeys(("vehicle", "vehicles", "car", "cars"), "vehicle"),
    **dict.fromkeys(("транспорт", "машина", "автомобиль", "车辆", "車輛"), "vehicle"),
}
# Of these, one word is enough, whatever stands beside it: "person talking". A voice may be that of a bird.
_PEOPLE = frozenset(("human", "humans", "person", "persons", "people", "человек", "человека", "люди", "людей"))
_NONE = frozenset(("no", "not", "non", "without", "нет", "без", "не"))
MIN_PROBABILITY = 0.2  # a clip that is this likely to show a person stays private, whatever the decision
MIN_BOX_SCORE = 0.2
NETWORK = "network:"  # before the label of a sound that a network heard
_SEPARATORS = re.compile(r"[+;,|]")  # between the species of one cell


def person_kind(name: object) -> str | None:
    """Return 'human' or 'vehicle' for a name of either, also among other words, and None for every other name.

    >>> person_kind("Person"), person_kind("car"), person_kind("homo_sapiens"), person_kind("tiger")
    ('human', 'vehicle', 'human', None)
    >>> person_kind("person talking"), person_kind("no people"), person_kind("voice of a bird")
    ('human', None, None)
    """
    return _find_kind(name) if isinstance(name, str) else None


@lru_cache(maxsize=4096)
def _find_kind(name: str) -> str | None:
    words = re.findall(r"[^\W_]+", name.casefold())
    named = () if _NONE.intersection(words) else _PEOPLE.intersection(words)
    return KINDS.get(" ".join(words)) or ("human" if named else None)


def names_people(cell: object) -> bool:
    """Return whether a text names a person or a vehicle, alone or beside other names.

    >>> names_people("human + deer"), names_people("Human voice"), names_people("deer"), names_people(None)
    (True, True, False, False)
    """
    return isinstance(cell, str) and any(map(person_kind, _SEPARATORS.split(cell)))


def shows_person_box(cell: object) -> bool:
    """Return whether a cell of boxes has one of a person or a vehicle with a score of at least `MIN_BOX_SCORE`.

    Boxes without a score, such as those that people drew, count. Raises ManifestError for an unreadable cell.

    >>> shows_person_box('[{"xyxy": [0, 0, 1, 1], "label": "person"}]'), shows_person_box("[]")
    (True, False)
    """
    if not isinstance(cell, str) or cell == "[]":
        return False
    return any(person_kind(b.get("label")) and b.get("score", 1.0) >= MIN_BOX_SCORE for b in parse_boxes(cell))


def clips_with_people(
    predictions: Predictions, manifest: Manifest | None = None, human_labels: pd.DataFrame | None = None
) -> frozenset[str]:
    """Return the `clip_id` of every clip that shows a person or a vehicle, or lets a voice be heard.

    One of these is enough: the decision; a probability of at least `MIN_PROBABILITY`, or the highest of the clip; a
    label or species in the manifest, where a cell may name several species; a label that a person gave to the clip
    or to one of its sounds (`human_labels`: clip_id with any of label, labels and boxes, as `list_said` returns
    it); a box of a person with a score of at least `MIN_BOX_SCORE`, from a detector, in the manifest or drawn by
    somebody; a human voice on the sound track, by the table of clips or that of sounds. An unreadable clip is
    therefore returned only if it has a voice, or if the manifest or a person names it so.

    Raises ManifestError for a cell of boxes that cannot be read.

    >>> columns = {"clip_id": ["a", "b"], "decision": "tiger", "p_human": [0.35, 0.01], "p_tiger": [0.65, 0.99]}
    >>> sorted(clips_with_people(Predictions(pd.DataFrame(columns), pd.DataFrame())))
    ['a']
    """
    table, evidence = predictions.table, predictions.evidence
    found = set(table.loc[table["decision"].map(names_people).astype(bool), "clip_id"])
    columns = [str(c) for c in table.columns if str(c).startswith("p_")]
    highest = table[columns].max(axis=1) if columns else None
    for column in columns:
        if person_kind(column[2:]):
            probability = table[column]
            found |= set(table.loc[(probability >= MIN_PROBABILITY) | (probability == highest), "clip_id"])
    sources: list[tuple[pd.DataFrame, str, Callable[[Any], bool]]]
    sources = [(evidence, "boxes", shows_person_box), (table, "labels", names_people)]
    sources += [(table, "has_voice", lambda cell: cell == "yes")]
    sources += [(predictions.sounds, "kind", lambda kind: names_people(kind.removeprefix(NETWORK)))]
    for rows, column, shows in sources:
        found |= _find_cells(rows, column, shows)
    for said in (human_labels, None if manifest is None else manifest.table):
        if said is not None:
            found |= rows_with_people(said)
    return frozenset(map(str, found))


def rows_with_people(said: pd.DataFrame) -> frozenset[str]:
    """Return the `clip_id` of every clip that labels or boxes of a table name as one of people or vehicles.

    said: a manifest's table, or labels of people: clip_id with any of label, labels, species and boxes. Raises
    ManifestError for a cell of boxes that cannot be read.

    >>> sorted(rows_with_people(pd.DataFrame({"clip_id": ["a", "b", "b"], "label": ["tiger", "tiger", "human"]})))
    ['b']
    """
    found = _find_cells(said, "boxes", shows_person_box)
    for column in ("label", "labels", "species"):
        found |= _find_cells(said, column, names_people)
    return frozenset(found)


def _find_cells(rows: pd.DataFrame, column: str, shows: Callable[[Any], bool]) -> set[str]:
    """Return the clips with a cell of the column that shows people; none where there is no such column."""
    if column not in rows.columns:
        return set()
    cells = rows[column]
    return set(map(str, rows.loc[cells.notna() & cells.map(shows).astype(bool), "clip_id"]))
