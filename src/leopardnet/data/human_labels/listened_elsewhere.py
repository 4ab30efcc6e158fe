"""Labels of sounds that people gave in Raven or Audacity, as entries for `labels.sqlite`."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

from leopardnet.core.errors import ManifestError
from leopardnet.data.formats.sound_tables import audacity, raven
from leopardnet.data.formats.sound_tables.stretch_row import StretchRow
from leopardnet.data.human_labels.person_name import tidy_name
from leopardnet.data.human_labels.sound_labels import SoundEntry
from leopardnet.data.reading.safe_files import read_file

BEFORE_S, AFTER_S = 10.0, 1.0  # sound may begin before the picture, and a mark drawn by hand end late
_OF_MACHINE = re.compile(r"(tonal_call|voice|network:.*) [01]\.\d\d")
NOT_NAMED = "sounds that nobody named, left out"
NO_LABEL = "sounds without a label, left out"
NO_LENGTH = "labels of a point in time, which mark no stretch of sound, left out"
OUTSIDE = "labels that lie outside of their clip, left out"
NO_CLIP = "files of clips that are not known, left out"


def find_clip_ends(clips: pd.DataFrame, sounds: pd.DataFrame) -> dict[str, float]:
    """Return where each clip ends, in seconds: its length, or its last sound, which may lie behind the picture.

    clips: with clip_id and duration_s; sounds: what a search found. A clip of unknown length is left out.

    >>> clips = pd.DataFrame({"clip_id": ["a", "b", "c"], "duration_s": [4.0, 4.0, np.nan]})
    >>> find_clip_ends(clips, pd.DataFrame({"clip_id": ["b"], "end_s": [9.5]}))
    {'a': 4.0, 'b': 9.5}
    """
    ends = clips.dropna(subset="duration_s").set_index("clip_id")["duration_s"]
    last = sounds.groupby("clip_id")["end_s"].max().reindex(ends.index)
    return dict(zip(ends.index, np.fmax(ends, last).tolist(), strict=True))


def read_listened(
    folder: Path, clips: Mapping[str, str], *, by: str, ends: Mapping[str, float] | None = None
) -> tuple[list[SoundEntry], tuple[str, ...]]:
    """Return the labels in the files of a folder as entries, and notes on what was left out.

    clips: the clip_id of each path of the footage; a file belongs to the clip whose path it has, without the ending
    `.Table.1.selections.txt` (Raven) or `.labels.txt` (Audacity). by: who listened. ends: where clips end, by
    clip_id; labels that lie outside are left out. The same label read again has the same key, and is kept once.
    Raises ManifestError where there is no such file, and for one that cannot be read, and LabelFileError for a
    label that is none.
    """
    person = tidy_name(by)
    if not person:
        raise ManifestError(
            "this is no name of who listened", where="--by", found=repr(by)[:60], expected="initials or a name"
        )
    counts, entries, files = Counter[str](), list[SoundEntry](), 0
    for suffix, parse in ((raven.SUFFIX, raven.parse_raven), (audacity.SUFFIX, audacity.parse_audacity)):
        for file in sorted(Path(folder).rglob("*" + suffix)):
            files += 1
            name = file.relative_to(folder).as_posix()
            clip_id = clips.get(name.removesuffix(suffix))
            if clip_id is None:
                counts[NO_CLIP] += 1
                continue
            for row in parse(_read_text(file, name), where=name):
                if reason := _find_reason(row, (ends or {}).get(clip_id, np.inf)):
                    counts[reason] += 1
                    continue
                parts = (person, clip_id, f"{row.start_s:.3f}", f"{row.end_s:.3f}", row.label)
                key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
                entries.append(
                    SoundEntry(
                        key=key, by=person, clip_id=clip_id, start_s=row.start_s, end_s=row.end_s, label=row.label
                    )
                )
    if not files:
        raise ManifestError(
            "there are no labels of sounds here",
            where=Path(folder).name,
            expected=f"files that end in {raven.SUFFIX} or {audacity.SUFFIX}, in the folders of the footage",
        )
    return entries, tuple(f"{text}: {n}" for text, n in counts.items())


def _find_reason(row: StretchRow, end_s: float) -> str:
    """Return why a row is left out, '' for one that is read; end_s: where its clip ends."""
    if not row.label:
        return NO_LABEL
    if _OF_MACHINE.fullmatch(row.label):
        return NOT_NAMED
    if round(row.start_s, 3) >= round(row.end_s, 3):
        return NO_LENGTH
    return OUTSIDE if row.start_s < -BEFORE_S or row.end_s > end_s + AFTER_S else ""


def _read_text(file: Path, name: str) -> str:
    try:
        return read_file(file, where=name).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ManifestError("this file is no text in UTF-8", where=name, todo="save it again as UTF-8") from None
