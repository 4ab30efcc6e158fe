"""What a verb says when the libraries of training are not installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from leopardnet.core.errors import BackendError
from leopardnet.core.install_advice import name_install


@contextmanager
def require_train_extra() -> Iterator[None]:
    """Turn a missing training library into an error that says what to install."""
    try:
        yield
    except ImportError as error:
        raise BackendError(
            "training needs libraries that are not installed",
            found=str(error),
            expected="torch, timm, albumentations, …",
            todo=name_install("train"),
        ) from None
