"""Results of MegaDetector or SpeciesNet as scores of clips: they move clips up and down in a hunt, and no more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from leopardnet.core.labels import ANIMAL
from leopardnet.core.manifest import Manifest
from leopardnet.data.formats.megadetector.entries import read_entries
from leopardnet.data.formats.megadetector.match_paths import ListedPaths, match_paths
from leopardnet.data.formats.megadetector.speciesnet import read_speciesnet
from leopardnet.data.reading.label_map import name_key
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.safe_files import read_json
from leopardnet.hunt.lookalikes import load_lookalikes

ANIMAL_WEIGHT = 0.1  # of a box of any animal beside the name of the target


@dataclass(frozen=True)
class OtherResults:
    """scores: by target, then by clip_id; text: what was read, in a sentence; notes: what could not be used."""

    scores: dict[str, dict[str, float]]
    text: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Entry:
    path: str
    names: dict[str, float]  # by `name_key`
    animal: float


def read_other_results(source: Path, manifest: Manifest, targets: Sequence[str]) -> OtherResults:
    """Read a file of MegaDetector or SpeciesNet results for the clips of a manifest.

    The score of a clip is the probability of the target's name in it, and a little for any animal. Raises
    ManifestError for another file, and where none of its entries belongs to a clip.

    >>> ln.read_other_results(Path("md.json"), manifest, ["leopard"]).text  # doctest: +SKIP
    """
    source, problems = Path(source), Problems()
    entries = list(_read_entries(source, manifest.root, problems))
    clips, paths = manifest.clips(), [entry.path for entry in entries]
    fit = match_paths(paths, [clip.paths for clip in clips], name=source.name)
    listed, known = ListedPaths(paths, fit.twins), load_lookalikes()
    scores: dict[str, dict[str, float]] = {}
    for target in targets:
        keys = {name_key(x) for x in (target, *(known[target].names if target in known else ()))}
        scores[target] = {}
        for clip in clips:
            found = [entries[i] for path in clip.paths if (i := listed.find(path)) is not None]
            if found:
                scores[target][clip.clip_id] = max(_score(entry, keys) for entry in found)
    return OtherResults(scores, fit.text, tuple(problems.notes()))


def _score(entry: _Entry, keys: set[str]) -> float:
    named = max((p for name, p in entry.names.items() if name in keys), default=0.0)
    return named + ANIMAL_WEIGHT * entry.animal


def _read_entries(source: Path, root: Path, problems: Problems) -> Iterator[_Entry]:
    data = read_json(source, expected="results of MegaDetector or SpeciesNet")
    if isinstance(data, dict) and isinstance(data.get("predictions"), list):
        for entry in read_speciesnet(source, root=root, problems=problems):
            names = {name_key(name): p for name, p in entry.names.items()}
            yield _Entry(entry.path, names, entry.animal or 0.0)
        return
    for box_entry in read_entries(source, root=root, keep_outside=True, problems=problems).entries:
        boxes = box_entry.boxes or []
        species: dict[str, float] = {}
        for box in boxes:
            if "species" in box:
                key = name_key(box["species"])
                species[key] = max(species.get(key, 0.0), box["species_score"] * box["score"])
        animal = max((box["score"] for box in boxes if box["label"] == ANIMAL), default=0.0)
        yield _Entry(box_entry.path, species, animal)
