"""The state of an unfinished stage of training, written atomically and read without executing code."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from leopardnet.core.errors import BundleError
from leopardnet.core.tables import atomic_path


def save_state(state: dict[str, Any], path: Path) -> Path:
    """Write tensors and plain values, replacing the file atomically, and return `path`."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    with atomic_path(path) as part:
        part.write_bytes(buffer.getbuffer())
    return path


def load_state(path: Path) -> dict[str, Any] | None:
    """Return what `save_state` wrote, or None if there is no file. Only tensors and plain values are accepted.

    Raises BundleError for a damaged file.
    """
    if not path.is_file():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        return state
    except (RuntimeError, pickle.UnpicklingError, EOFError, OSError, ValueError) as error:
        raise BundleError(
            "the checkpoint cannot be read",
            where=path.name,
            found=type(error).__name__,
            expected="a checkpoint of this version",
            todo="delete the file, or start again with --overwrite",
        ) from None
