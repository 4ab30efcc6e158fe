"""The state of an unfinished stage of training, written whole or not at all, and read without running anything."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import torch

from leopardnet.core.errors import BundleError
from leopardnet.core.tables import atomic_path


def save_state(state: dict[str, Any], path: Path) -> Path:
    """`path`, after writing tensors and plain values there; what stood there before stays until the new one is whole."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    with atomic_path(path) as part:
        part.write_bytes(buffer.getbuffer())
    return path


def load_state(path: Path) -> dict[str, Any] | None:
    """What `save_state` wrote, or None where nothing is. Only tensors and plain values are accepted.

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
            found=f"{type(error).__name__}",
            expected="a checkpoint of this version",
            todo="remove the file, or start anew with --overwrite",
        ) from None
