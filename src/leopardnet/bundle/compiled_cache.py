"""Compiled networks in the user's cache folder, so that a network is compiled once and not in every process.

A file is named after everything that it depends on: the network, how many frames it takes at once, the version of
OpenVINO, its options and the processor. It begins with the hash of what follows, is written beside its place and
moved there, and is only used where no other user may write to it. Whatever is wrong with the folder or a file, the
network is compiled anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from platformdirs import user_cache_path

from leopardnet.core.tables import atomic_path

DIGEST_BYTES = 32
MAX_FILES = 8  # the networks of a user's bundles and their precisions; the one unused longest goes


class CompiledCache:
    """The compiled form of one network for one processor, kept between runs.

    graph: the network, ONNX; is_single: it takes one frame at a time, not any number.
    """

    def __init__(self, core: Any, graph: bytes, options: Mapping[str, Any], *, is_single: bool) -> None:
        import openvino

        self._core, self._options = core, dict(options)
        facts = {
            "graph": hashlib.sha256(graph).hexdigest(),
            "openvino": openvino.get_version(),
            "is_single": is_single,
            "options": {name: str(value) for name, value in options.items()},
            "processor": [
                str(core.get_property("CPU", name))
                for name in ("FULL_DEVICE_NAME", "DEVICE_ARCHITECTURE", "OPTIMIZATION_CAPABILITIES")
            ],
        }
        name = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
        self._path = user_cache_path("leopardnet") / "openvino" / f"{name}.blob"

    def load(self) -> Any:
        """Return the compiled network, or None where it was not kept or cannot be used."""
        try:
            if not _is_private(self._path.parent) or not _is_private(self._path):
                return None
            with self._path.open("rb") as file:
                digest, blob = file.read(DIGEST_BYTES), file.read()
            if hashlib.sha256(blob).digest() != digest:
                return None
            os.utime(self._path)
            return self._core.import_model(blob, "CPU", self._options)
        except (OSError, RuntimeError):
            return None

    def keep(self, compiled: Any) -> None:
        """Write a compiled network for the next process; without a word where that is not possible."""
        with contextlib.suppress(OSError, RuntimeError):
            folder = self._path.parent
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not _is_private(folder):
                return
            blob = compiled.export_model().getvalue()
            with atomic_path(self._path) as part:
                part.touch(0o600)
                part.write_bytes(hashlib.sha256(blob).digest() + blob)
            kept = sorted(folder.glob("*.blob"), key=lambda path: path.stat().st_mtime, reverse=True)
            for path in kept[MAX_FILES:]:
                path.unlink()


def _is_private(path: Path) -> bool:
    """Return whether nobody else may write to this file or folder; Windows itself keeps a user's cache private."""
    found = path.lstat()
    return os.name == "nt" or (found.st_uid == os.getuid() and not found.st_mode & 0o022)
