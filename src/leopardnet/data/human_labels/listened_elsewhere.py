"""Labels of sounds that people gave in Raven or Audacity, as entries for `labels.sqlite`."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from leopardnet.core.errors import ManifestError
from leopardnet.data.formats.sound_tables import audacity, raven
from leopardnet.data.human_labels.sound_labels import SoundEntry
from leopardnet.data.reading.safe_files import read_file

MAX_NAME = 40  # as on the review page
_OF_MACHINE = re.compile(r"(tonal_call|voice|network:.*) [01]\.\d\d")
NOT_NAMED = "sounds that nobody named, left out"
NO_LABEL = "sounds without a label, left out"
NO_LENGTH = "labels of a point in time, which mark no stretch of sound, left out"
NO_CLIP = "files of clips that are not known, left out"


def read_listened(folder: Path, clips: Mapping[str, str], *, by: str) -> tuple[list[SoundEntry], tuple[str, ...]]:
    """Return the labels in the files of a folder as entries, and notes on what was left out.

    clips: the clip_id of each path of the footage; a file belongs to the clip whose path it has, without the ending
    `.Table.1.selections.txt` (Raven) or `.labels.txt` (Audacity). by: who listened. The same label read again has
    the same key, and is kept once. Raises ManifestError where there is no such file, and for one that cannot be
    read, and LabelFileError for a label that is none.
    """
    if not by.strip() or len(by) > MAX_NAME or not by.isprintable():
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
                if not row.label or _OF_MACHINE.fullmatch(row.label):
                    counts[NOT_NAMED if row.label else NO_LABEL] += 1
                    continue
                if round(row.start_s, 3) >= round(row.end_s, 3):
                    counts[NO_LENGTH] += 1
                    continue
                parts = (by, clip_id, f"{row.start_s:.3f}", f"{row.end_s:.3f}", row.label)
                key = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]
                entries.append(
                    SoundEntry(
                        key=key, by=by, clip_id=clip_id, start_s=row.start_s, end_s=row.end_s, label=row.label
                    )
                )
    if not files:
        raise ManifestError(
            "there are no labels of sounds here",
            where=Path(folder).name,
            expected=f"files that end in {raven.SUFFIX} or {audacity.SUFFIX}, in the folders of the footage",
        )
    return entries, tuple(f"{text}: {n}" for text, n in counts.items())


def _read_text(file: Path, name: str) -> str:
    try:
        return read_file(file, where=name).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ManifestError("this file is no text in UTF-8", where=name, todo="save it again as UTF-8") from None
