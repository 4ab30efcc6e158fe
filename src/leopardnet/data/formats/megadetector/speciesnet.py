"""Reading of SpeciesNet predictions (`run_model`, versions 4 and 5): what the ensemble and the classifier said.

{"predictions": [{"filepath": …, "classifications": {"classes": […], "scores": […]}, "detections": [{"label": …,
"conf": …}], "prediction": …, "prediction_score": …}]}. A class is written as
`id;class;order;family;genus;species;common name`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import ANIMAL
from leopardnet.core.processes.pause_gc import pause_gc
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.safe_files import read_json
from leopardnet.data.reading.to_manifest import RelativePaths

EXPECTED = "SpeciesNet predictions: {predictions: [{filepath, classifications, detections, prediction, …}]}"


@dataclass(frozen=True, slots=True)
class SpeciesNetEntry:
    """What SpeciesNet said of one picture.

    path: relative to the root. names: probability of each class under each of its names (`panthera pardus`,
    `leopard`, `panthera`, `felidae` …). animal: score of the best box of an animal, 0 where there is none; None
    where no detector looked at the picture.
    """

    path: str
    names: Mapping[str, float]
    animal: float | None


def read_speciesnet(source: Path, *, root: Path, problems: Problems | None = None) -> list[SpeciesNetEntry]:
    """Read SpeciesNet predictions: one entry for each picture, in their order.

    An entry that cannot be read is left out and goes to `problems`. Without `problems` this raises ManifestError,
    and always for a file of another kind.
    """
    source, problems, relative = Path(source), problems or Problems(strict=True), RelativePaths(root)
    with pause_gc():
        data = read_json(source, expected=EXPECTED)
        if not isinstance(data, dict) or not isinstance(data.get("predictions"), list):
            found = "keys " + ", ".join(data) if isinstance(data, dict) else type(data).__name__
            raise ManifestError(
                "these are no SpeciesNet predictions", where=source.name, found=found, expected=EXPECTED
            )
        entries = []
        for i, row in enumerate(data["predictions"]):
            key = f"predictions[{i}]"
            try:
                entries.append(_read_entry(row, relative, f"{source.name}, {key}"))
            except ManifestError as error:
                problems.add(error, source.name, key, outcome="left out")
    if not entries and problems.first is not None:
        raise problems.first
    return entries


def _read_entry(row: Any, relative: RelativePaths, where: str) -> SpeciesNetEntry:
    if not isinstance(row, dict) or not isinstance(row.get("filepath"), str):
        raise ManifestError("an entry names no file", where=where, found=repr(row)[:120], expected="filepath")
    path = relative(row["filepath"], where=f"{where}.filepath")
    names: dict[str, float] = {}
    found = row.get("classifications") or {}
    if not isinstance(found, dict):
        raise _class_error(found, where)
    classes, scores = found.get("classes", []), found.get("scores", [])
    if not isinstance(classes, list) or not isinstance(scores, list) or len(classes) != len(scores):
        raise _class_error(found, where)
    said = [*zip(classes, scores, strict=True)]
    if row.get("prediction") is not None:
        said.append((row["prediction"], row.get("prediction_score")))
    for name, score in said:
        for part in _list_names(name, where):
            names[part] = max(names.get(part, 0.0), _check_score(score, where))
    return SpeciesNetEntry(path, names, _find_animal(row.get("detections"), where))


def _list_names(name: Any, where: str) -> list[str]:
    """Return the names of a class: its common name, its species, and the groups that it belongs to.

    >>> _list_names("1f68;mammalia;carnivora;felidae;panthera;pardus;leopard", "x.json")
    ['mammalia', 'carnivora', 'felidae', 'panthera', 'panthera pardus', 'leopard']
    """
    if not isinstance(name, str):
        raise _class_error(name, where)
    parts = [part.strip().lower() for part in name.split(";")]
    if len(parts) != 7:
        return [name.strip().lower()]
    *groups, genus, species, common = parts[1:]
    return [x for x in (*groups, genus, f"{genus} {species}" if genus and species else "", common) if x]


def _find_animal(detections: Any, where: str) -> float | None:
    if detections is None:
        return None
    if not isinstance(detections, list) or not all(isinstance(d, dict) for d in detections):
        raise ManifestError(
            "the detections cannot be read", where=where, found=repr(detections)[:120], expected="a list"
        )
    animals = [d for d in detections if d.get("label", d.get("category")) in (ANIMAL, "1")]
    return max((_check_score(d.get("conf"), where) for d in animals), default=0.0)


def _check_score(value: Any, where: str) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not 0 <= value <= 1:
        raise ManifestError(
            "a score cannot be used", where=where, found=repr(value), expected="a number between 0 and 1"
        )
    return float(value)


def _class_error(found: Any, where: str) -> ManifestError:
    return ManifestError(
        "the classifications cannot be read",
        where=where,
        found=repr(found)[:120],
        expected="{classes: [text, …], scores: [number, …]} of the same length",
    )
