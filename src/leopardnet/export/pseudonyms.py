"""Folder names that tell a place, replaced by names that tell nothing, and back again with a key that stays at home.

The key file holds a random key and every name that was replaced with it. Whoever has only the exported file cannot guess
a name by trying: without the key there is nothing to compare with. The same key gives the same pseudonyms next year.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from pathlib import Path
from typing import Any

from leopardnet.core.errors import ConfigError
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import atomic_path, clip_id
from leopardnet.data.reading.safe_files import read_json

EXPECTED = 'a key file such as {"key": "…64 hex digits…", "names": {}}'
# 43.1234, 131,88432, N43_12345, 43°07'
_COORDINATE = re.compile(r"(?<!\d)\d{1,3}(?:[.,_]\d{3,}|\s?°)")


def looks_like_a_place(name: str) -> bool:
    """Whether a name holds something like a coordinate.

    >>> looks_like_a_place("N43.1234 E131.8843"), looks_like_a_place("site 12"), looks_like_a_place("2021_100MEDIA")
    (True, False, False)
    """
    return _COORDINATE.search(name) is not None


class Pseudonyms:
    """The pseudonyms of one key. Made by `Pseudonyms.open`; `save` keeps the names that came up."""

    def __init__(self, path: Path, key: bytes, names: dict[str, str]) -> None:
        self.path, self._key, self.names = path, key, names

    @classmethod
    def open(cls, path: Path) -> Pseudonyms:
        """The pseudonyms of the key file at `path`, with a new key where there is none yet."""
        path = Path(path)
        if not path.exists():
            return cls(path, secrets.token_bytes(32), {})
        data = read_json(path, expected=EXPECTED)
        try:
            key, names = bytes.fromhex(data["key"]), dict(data["names"])
            ok = len(key) == 32 and all(isinstance(v, str) for v in names.values())
        except (KeyError, TypeError, ValueError):
            ok = False
        if not ok:
            raise ConfigError(
                "this is not a key file for pseudonyms",
                where=path.name,
                expected=EXPECTED,
                todo="give another path: where nothing is yet, a key is made",
            )
        return cls(path, key, names)

    def name(self, name: str) -> str:
        """The pseudonym of a folder, site or deployment."""
        made = "p" + hmac.new(self._key, name.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:12]
        self.names[made] = name
        return made

    def file_path(self, path: str) -> str:
        """The path with every folder replaced, and the name of the file too where it looks like a place."""
        *folders, name = path.split("/")
        if looks_like_a_place(name):
            stem, dot, suffix = name.rpartition(".")
            name = self.name(stem) + dot + suffix
        return "/".join([*map(self.name, folders), name])

    def manifest(self, manifest: Manifest) -> Manifest:
        """The manifest under pseudonyms. `clip_id`, which anybody could compute from a path, is made anew."""
        t = manifest.table

        def of(column: str) -> Any:
            return t[column].map(self.name, na_action="ignore").astype("str")

        paths = t["path"].map(self.file_path).astype("str")
        stills = t["paths"].map(self._stills, na_action="ignore").astype("str")
        ids = paths.map(clip_id).astype("str")
        columns = {
            "path": paths,
            "paths": stills,
            "clip_id": ids,
            "site": of("site"),
            "deployment": of("deployment"),
        }
        return manifest.replace(t.assign(**columns))

    def _stills(self, cell: str) -> str:
        return json.dumps([self.file_path(p) for p in json.loads(cell)], ensure_ascii=False)

    def save(self) -> Path:
        """The key file, after writing it: readable by its owner alone where the system knows that."""
        data = {"key": self._key.hex(), "names": dict(sorted(self.names.items()))}
        with atomic_path(self.path) as part:
            part.touch(mode=0o600)
            part.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", "utf-8")
            os.chmod(part, 0o600)  # noqa: PTH101 - also where the mask of the process allows more
        return self.path
