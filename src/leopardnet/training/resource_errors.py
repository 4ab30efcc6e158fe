"""A full disk and a full memory, said in words that help."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from leopardnet.core.errors import BackendError

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_MEMORY = ("can't allocate memory", "not enough memory", "out of memory", "std::bad_alloc")


@contextmanager
def explain_resource_errors(folder: Path) -> Iterator[None]:
    """Turn what the system says of a full disk or memory into a BackendError that says how to go on."""
    try:
        yield
    except OSError as error:
        if error.errno not in _DISK:
            raise
        raise BackendError(
            "the disk is full",
            where=folder.name,
            found=error.strerror,
            expected=f"room for decoded frames and checkpoints; free now: {_free(folder)}",
            todo="make room and give the same command again: the run goes on from its last checkpoint",
        ) from None
    except (MemoryError, torch.OutOfMemoryError, RuntimeError) as error:
        if (
            isinstance(error, RuntimeError)
            and not isinstance(error, torch.OutOfMemoryError)
            and not _says_memory(error)
        ):
            raise
        raise BackendError(
            "there is not enough memory for this step",
            where="optim.micro_batch_size",
            found=str(error).splitlines()[0][:160] if str(error) else "MemoryError",
            expected="a smaller micro-batch: it needs less memory and changes nothing else",
            todo="start anew with half the optim.micro_batch_size, or a smaller preprocess.size_px; "
            "weights that were kept so far are in the run folder",
        ) from None


def _says_memory(error: RuntimeError) -> bool:
    return any(text in str(error).lower() for text in _MEMORY)


def _free(folder: Path) -> str:
    import shutil

    try:
        return f"{shutil.disk_usage(folder if folder.is_dir() else folder.parent).free / 1e9:.1f} GB"
    except OSError:
        return "not known"
