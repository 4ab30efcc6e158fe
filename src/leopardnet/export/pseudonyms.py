"""Pseudonyms for folder names that give a place away, with a private key file that turns them back.

The key file holds a random key and every name that was replaced with it. Without the key, nobody can test a guess
against an exported file. The same key always gives the same pseudonyms.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from pathlib import Path

from leopardnet.core.errors import ConfigError
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import atomic_path, clip_id
from leopardnet.data.reading.safe_files import read_json

EXPECTED = 'a key file such as {"key": "…64 hex digits…", "names": {}}'
# 43.1234, 131,88432, N43_12345, 43°07'
_COORDINATE = re.compile(r"(?<!\d)\d{1,3}(?:[.,_]\d{3,}|\s?°)")


def has_coordinates(name: str) -> bool:
    """Return whether a name holds something like a coordinate.

    >>> has_coordinates("N43.1234 E131.8843"), has_coordinates("site 12"), has_coordinates("2021_100MEDIA")
    (True, False, False)
    """
    return _COORDINATE.search(name) is not None


class Pseudonyms:
    """The pseudonyms of one key. `open` reads or makes the key; `save` keeps the names that were replaced."""

    def __init__(self, path: Path, key: bytes, names: dict[str, str]) -> None:
        self.path, self._key, self.names = path, key, names

    @classmethod
    def open(cls, path: Path) -> Pseudonyms:
        """Read the key file at `path`, or make a key if there is none. Raises ConfigError for any other file."""
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
                todo="give another path; a new key is made where there is no file",
            )
        return cls(path, key, names)

    def replace_name(self, name: str) -> str:
        """Return the pseudonym of a folder, site or deployment, and remember the name."""
        made = "p" + hmac.new(self._key, name.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:12]
        self.names[made] = name
        return made

    def replace_path(self, path: str) -> str:
        """Return the path with every folder replaced, and the file name too where it holds a coordinate."""
        *folders, name = path.split("/")
        if has_coordinates(name):
            stem, dot, suffix = name.rpartition(".")
            name = self.replace_name(stem) + dot + suffix
        return "/".join([*map(self.replace_name, folders), name])

    def replace_manifest(self, manifest: Manifest) -> Manifest:
        """Return the manifest under pseudonyms, with new `clip_id`s: anybody can compute those from a path."""
        t = manifest.table

        paths = t["path"].map(self.replace_path)
        columns = {
            "path": paths,
            "clip_id": paths.map(clip_id),
            "paths": t["paths"].map(self._replace_stills, "ignore"),
        }
        columns |= {c: t[c].map(self.replace_name, "ignore") for c in ("site", "deployment")}
        return manifest.replace(t.assign(**{c: v.astype("str") for c, v in columns.items()}))

    def _replace_stills(self, cell: str) -> str:
        return json.dumps([self.replace_path(p) for p in json.loads(cell)], ensure_ascii=False)

    def save(self) -> Path:
        """Write the key file, readable by its owner alone where the system supports that, and return its path."""
        data = {"key": self._key.hex(), "names": dict(sorted(self.names.items()))}
        with atomic_path(self.path) as part:
            part.touch(mode=0o600)
            part.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", "utf-8")
            os.chmod(part, 0o600)  # noqa: PTH101 - also where the umask of the process allows more
        return self.path
