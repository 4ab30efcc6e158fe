"""Errors that a user can cause or meet.

LeopardnetError
├── ConfigError     a setting is unknown, out of bounds or in conflict with another one
├── ManifestError   a table or label file has the wrong content
├── MediaError      a video or picture cannot be read
├── BundleError     a model folder is incomplete, changed or of another format
├── BackendError    a library or an extra is missing, or a runtime failed
├── JournalError    the journal of a run cannot be read or written
├── LabelFileError  the file of what people said cannot be read or written
└── RunStopped      a run was asked to stop; finished work is kept
"""

from __future__ import annotations

from typing import Any


class LeopardnetError(Exception):
    """Base of all errors. The text says what is wrong, and where known: where, found, expected, and what to do.

    >>> print(LeopardnetError("unknown label", where="labels.csv, row 3", found="puma", expected="leopard, tiger"))
    unknown label
      where:    labels.csv, row 3
      found:    puma
      expected: leopard, tiger
    """

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        found: object = None,
        expected: object = None,
        todo: str | None = None,
    ) -> None:
        super().__init__(what)
        self.what = what
        self.parts = {"where": where, "found": found, "expected": expected, "do": todo}

    def __str__(self) -> str:
        known = {name: value for name, value in self.parts.items() if value is not None}
        return "\n".join([self.what, *(f"  {name + ':':<9} {value}" for name, value in known.items())])

    def __reduce__(self) -> tuple[Any, ...]:
        # Errors are pickled between processes, and default pickling loses keyword-only arguments.
        return _rebuild_error, (type(self), self.what, *self.parts.values())

    @property
    def one_line(self) -> str:
        """The message on one line without `where`, for a cell of a table.

        >>> MediaError("no video stream", found="audio only").one_line
        'no video stream; found: audio only'
        """
        extra = [f"{name}: {value}" for name, value in self.parts.items() if value is not None and name != "where"]
        return "; ".join([self.what, *extra]).replace("\n", " ")


def _rebuild_error(
    cls: type[LeopardnetError], what: str, where: object, found: object, expected: object, todo: str | None
) -> LeopardnetError:
    return cls(what, where=where, found=found, expected=expected, todo=todo)


class ConfigError(LeopardnetError):
    """A setting is unknown, out of bounds or in conflict with another one."""


class ManifestError(LeopardnetError):
    """A table or label file has the wrong content."""


class MediaError(LeopardnetError):
    """A video or picture cannot be read."""


class BundleError(LeopardnetError):
    """A model folder is incomplete, changed or of another format."""


class BackendError(LeopardnetError):
    """A library or an extra is missing, or a runtime failed."""


class JournalError(LeopardnetError):
    """The journal of a run cannot be read or written."""


class LabelFileError(LeopardnetError):
    """The file of what people said cannot be read or written."""


class RunStopped(LeopardnetError):
    """A run was asked to stop; finished work is kept."""
