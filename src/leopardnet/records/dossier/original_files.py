"""The original files of a record: their checksums, and a ZIP of those that may be handed on."""

from __future__ import annotations

import hashlib
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from leopardnet.core.errors import MediaError
from leopardnet.core.tables import atomic_path
from leopardnet.core.types import Clip
from leopardnet.media.decode import resolve_path
from leopardnet.records.dossier.facts import DossierFacts

MEDIA_FILE, SUMS = "media.zip", "SHA256SUMS"
Reason = Literal["people", "position", "unreadable", ""]
# A position in EXIF (an entry of its blocks, in both byte orders, as LONG or IFD), XMP (also in UTF-16), QuickTime,
# 3GPP, the blocks of dash cameras and action cameras, and the text of a receiver.
POSITION = re.compile(
    rb"\x88\x25\x00[\x04\x0d]\x00\x00\x00\x01|\x25\x88[\x04\x0d]\x00\x01\x00\x00\x00"
    rb"|G\x00?P\x00?S\x00?(?:L\x00?(?:a\x00?t|o\x00?n\x00?g)\x00?i\x00?t\x00?u\x00?d|P\x00?o\x00?s\x00?i\x00?t)"
    rb"|location\.ISO6709|\xa9xyz.{4}(?:[+-]\d|data)|loci\x00\x00\x00\x00"
    rb"|free(?:\x00{4})?GPS |GPMF(?:DEVC|GPS)|gpmd\x00|GPS[59U][a-zA-Z?].\x00"
    rb"|\$(?:G[A-Z]|BD|QZ)(?:RMC|GGA|GLL|GNS),",
    re.DOTALL,
)
_CHUNK = 1 << 20
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class OriginalFile:
    """A file of a clip. sha256: '' where it could not be read. left_out: why it is not in the ZIP, or ''."""

    ref: str
    path: str
    n_bytes: int
    sha256: str
    left_out: Reason = ""


def list_originals(
    clips: Mapping[str, Clip], root: Path, *, hidden: Sequence[str] = (), exact: Sequence[str] = ()
) -> list[OriginalFile]:
    """Return the files of clips, by the ref of their record, with their checksums.

    hidden, exact: refs of clips that show people, and of those whose exact place may be told. A file that seems to
    hold a position is left out of the ZIP unless its clip is of the latter: a file cannot be made coarse.
    """
    found = []
    for ref, clip in clips.items():
        for path in clip.paths:
            try:
                file = resolve_path(root, path)
                n_bytes, sha256, has_position = _read(file)
            except (MediaError, OSError):
                found.append(OriginalFile(ref, path, 0, "", "unreadable"))
                continue
            why: Reason = "people" if ref in hidden else "position" if has_position and ref not in exact else ""
            found.append(OriginalFile(ref, path, n_bytes, sha256, why))
    return found


def list_files(
    facts: DossierFacts, root: Path, known: Mapping[str, Clip], clips: Mapping[str, Clip]
) -> list[OriginalFile]:
    """Return the files of the captures, then those of other clips with sounds. known: clips by clip_id."""
    own = {clip.clip_id for clip in clips.values()}
    heard = {s.clip_id: s for s in reversed(facts.sounds) if s.clip_id in known and s.clip_id not in own}
    coarse = {c.site for c in facts.captures if c.place is None or c.place.is_coarse}
    return list_originals(
        {**clips, **{s.ref: known[i] for i, s in reversed(heard.items())}},
        root,
        hidden=[*(c.ref for c in facts.captures if c.is_hidden), *(s.ref for s in facts.sounds if s.is_hidden)],
        exact=[
            *(c.ref for c in facts.captures if c.place is not None and not c.place.is_coarse),
            *(s.ref for s in facts.sounds if s.site not in coarse),
        ],
    )


def write_media(folder: Path, files: Sequence[OriginalFile], root: Path) -> Path:
    """Write the files that are not left out, and their checksums, as `media.zip`, and return its path.

    Paths in it are those below the root. The checksums are in the form that `sha256sum --check` reads, which begins
    a line with a backslash where it writes one in a name.
    """
    out = Path(folder) / MEDIA_FILE
    kept = list(dict.fromkeys((f.path, f.sha256) for f in files if not f.left_out))
    with atomic_path(out) as part, zipfile.ZipFile(part, "w") as archive:
        for path, _ in kept:
            entry = zipfile.ZipInfo(path, _EPOCH)  # a time of the file would say when it was copied, and no more
            with resolve_path(root, path).open("rb") as file, archive.open(entry, "w", force_zip64=True) as copy:
                while block := file.read(_CHUNK):
                    copy.write(block)
        sums = "".join(_write_sum(path, sha256) for path, sha256 in kept)
        archive.writestr(zipfile.ZipInfo(SUMS, _EPOCH), sums.encode("utf-8", "surrogateescape"))
    return out


def _write_sum(path: str, sha256: str) -> str:
    name = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if name == path else chr(92)}{sha256}  {name}\n"


def _read(file: Path) -> tuple[int, str, bool]:
    """Return size, checksum, and whether a position seems to be anywhere in the file."""
    digest, n_bytes, has_position, tail = hashlib.sha256(), 0, False, b""
    for block in _blocks(file):
        digest.update(block)
        n_bytes += len(block)
        has_position = has_position or POSITION.search(tail + block) is not None
        tail = block[-32:]
    return n_bytes, digest.hexdigest(), has_position


def _blocks(file: Path) -> Iterator[bytes]:
    with file.open("rb") as stream:
        while block := stream.read(_CHUNK):
            yield block
