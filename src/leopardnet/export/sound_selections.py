"""Sounds for programs in which people listen: a file of Raven or Audacity for each clip."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from leopardnet.core.errors import ConfigError
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import atomic_path
from leopardnet.data.formats.sound_tables import audacity, raven
from leopardnet.data.formats.sound_tables.stretch_row import StretchRow
from leopardnet.data.formats.write_result import WriteResult
from leopardnet.data.human_labels.sound_labels import match_sounds
from leopardnet.export.corrections import Corrections, collect_human_labels
from leopardnet.export.format_names import SoundFormat
from leopardnet.export.outgoing import find_label_set, find_people_said

SUFFIXES: Mapping[SoundFormat, str] = {"raven": raven.SUFFIX, "audacity": audacity.SUFFIX}
_FORMATS: Mapping[SoundFormat, Callable[[Sequence[StretchRow]], str]] = {
    "raven": raven.format_raven,
    "audacity": audacity.format_audacity,
}
PEOPLE = "sounds of clips with people, vehicles or a voice; include_people=True (--people) includes them"
GONE = "sounds of clips that have no prediction"


def write_selections(
    predictions: Predictions,
    out: Path,
    *,
    format: SoundFormat,
    corrections: Corrections | None = None,
    manifest: Manifest | None = None,
    include_people: bool = False,
) -> WriteResult:
    """Write a file for each clip with sounds to the folder `out`, in the folders of the footage.

    corrections: what people said of clips and of sounds; a sound that nobody named has its kind and score as its
    label. A row is a sound. Raises ConfigError where the folder holds such files already: those of people would be
    overwritten.

    >>> ln.write_selections(predictions, Path("raven"), format="raven")  # doctest: +SKIP
    """
    out, suffix = Path(out), SUFFIXES[format]
    if out.is_file() or next(out.rglob("*" + suffix), None):
        raise ConfigError(
            "there are files with labels of sounds at this place already",
            where=out.name,
            expected=f"a folder without {suffix} files",
            todo="choose another folder",
        )
    paths = predictions.table.set_index("clip_id")["path"]
    human = collect_human_labels(manifest, corrections, find_label_set(predictions))
    found = find_people_said(predictions, manifest, human, corrections)
    people, sounds = frozenset[str]() if include_people else found, predictions.sounds
    is_known, is_private = sounds["clip_id"].isin(paths.index), sounds["clip_id"].isin(people)
    reasons = {GONE: int((~is_known).sum()), PEOPLE: int((is_known & is_private).sum())}
    kept = sounds[is_known & ~is_private].sort_values(["clip_id", "start_s"], kind="stable")
    named = match_sounds(kept, corrections.sounds) if corrections is not None else [None] * len(kept)
    texts = [f"{kind} {score:.2f}" for kind, score in zip(kept["kind"], kept["score"], strict=True)]
    kept = kept.assign(label=[label or text for label, text in zip(named, texts, strict=True)])
    out.mkdir(parents=True, exist_ok=True)
    for clip_id, rows in kept.groupby("clip_id"):
        columns = rows[["start_s", "end_s", "label", "low_hz", "high_hz"]]
        text = _FORMATS[format]([StretchRow(*values) for values in columns.itertuples(index=False, name=None)])
        target = out / f"{paths[clip_id]}{suffix}"
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as part:
            part.write_text(text, "utf-8", newline="")
    reasons = {reason: n for reason, n in reasons.items() if n}
    return WriteResult(out, len(kept), sum(reasons.values()), reasons)
