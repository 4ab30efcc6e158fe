"""The content of files, unpacked, for tests that search them for things that no file may hold."""

from __future__ import annotations

import gzip
import io
import json
import re
import sqlite3
import zipfile
from pathlib import Path

import pandas as pd


def files_in(*places):
    """Return all files in these folders, and those of the places that are files themselves."""
    return [
        f for p in places for f in (sorted(Path(p).rglob("*")) if Path(p).is_dir() else [Path(p)]) if f.is_file()
    ]


def content(path: Path) -> str:
    """Return the name and the bytes of a file as text, with the content of packed files and tables."""
    data = path.read_bytes()
    parts = [path.name, data.decode("latin-1"), data.decode("utf-16-le", "ignore")]
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts += [m.filename + archive.read(m).decode("latin-1") for m in archive.infolist()]
    if data.startswith(b"PAR1"):
        parts.append(pd.read_parquet(path).to_csv())
    if data.startswith(b"\x1f\x8b"):
        parts.append(gzip.decompress(data).decode("latin-1"))
    if data.startswith(b"SQLite format 3"):
        with sqlite3.connect(path) as db:
            parts += db.iterdump()
    text = "\n".join(parts)
    # JSON inside JSON or inside a page escapes slashes and letters.
    return text + text.replace("\\/", "/") + re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), text)


def json_of(path: Path):
    """Return the values in a JSON file."""
    return json.loads(Path(path).read_text("utf-8"))
