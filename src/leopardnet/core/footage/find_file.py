"""The file at a path of a manifest, however the disk spells its accents."""

from __future__ import annotations

import unicodedata
from pathlib import Path


def find_file(root: Path, path: str) -> Path:
    """Return the file at `path` under `root`, or else the one whose name differs only in how accents are stored.

    Macs write й and ö as two characters, and tables mostly hold one. Without such a file, the plain path is
    returned. Raises OSError like `Path.exists` where the disk cannot be reached.
    """
    plain = root / path
    if path.isascii() or plain.exists():
        return plain
    forms = (root / unicodedata.normalize(form, path) for form in ("NFC", "NFD"))
    return next((file for file in forms if file.exists()), plain)
