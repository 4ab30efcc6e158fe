"""Errors of a full disk or memory, with advice."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from leopardnet.core.errors import BackendError

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "std::bad_alloc")


@contextmanager
def explain_resource_errors(folder: Path) -> Iterator[None]:
    """Turn errors of a full disk or memory into a BackendError that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK:
            raise
        raise BackendError(
            "the disk is full",
            where=folder.name,
            found=error.strerror,
            expected=f"space for decoded frames and checkpoints; free now: {_free_space(folder)}",
            todo="free some space and run the same command again: the run continues from its last checkpoint",
        ) from None
    except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
        known = not isinstance(error, RuntimeError) or isinstance(error, torch.OutOfMemoryError)
        if not known and not any(text in str(error).lower() for text in _MEMORY):
            raise
        raise BackendError(
            "there is not enough memory for this step",
            where="optim.micro_batch_size",
            found=str(error).splitlines()[0][:160] if str(error) else "MemoryError",
            expected="a smaller micro-batch: it needs less memory and changes nothing else",
            todo="start again with half the optim.micro_batch_size, or a smaller preprocess.size_px; "
            "the best weights so far are in the run folder",
        ) from None


def _free_space(folder: Path) -> str:
    try:
        return f"{shutil.disk_usage(folder if folder.is_dir() else folder.parent).free / 1e9:.1f} GB"
    except OSError:
        return "unknown"
