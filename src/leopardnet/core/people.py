"""The names under which people and vehicles stand in labels, boxes and tables: they are shown only where somebody asks."""

from __future__ import annotations

# what an observation of this name is; other formats have their own words for the two
KINDS = {"human": "human", "humans": "human", "person": "human", "persons": "human", "people": "human", "homo sapiens": "human",
         "vehicle": "vehicle", "vehicles": "vehicle", "car": "vehicle", "cars": "vehicle"}  # fmt: skip


def person_kind(name: object) -> str | None:
    """'human' or 'vehicle' for a name of either; None for every other one.

    >>> person_kind("Person"), person_kind("car"), person_kind("homo_sapiens"), person_kind("tiger"), person_kind(None)
    ('human', 'vehicle', 'human', None, None)
    """
    return KINDS.get(name.strip().casefold().replace("_", " ")) if isinstance(name, str) else None
