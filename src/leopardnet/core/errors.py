"""The error tree: everything that a user can cause or meet."""

from __future__ import annotations

from typing import Any


class LeopardnetError(Exception):
    """Every error that a user can cause or meet; its text says what, where, found, expected and what to do.

    >>> print(LeopardnetError("unknown label", where="labels.csv, row 3", found="puma", expected="leopard or tiger"))
    unknown label
      where:    labels.csv, row 3
      found:    puma
      expected: leopard or tiger
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
        lines = [self.what]
        lines += [f"  {name + ':':<9} {value}" for name, value in self.parts.items() if value is not None]
        return "\n".join(lines)

    def __reduce__(self) -> Any:
        # Errors cross process borders; keyword-only arguments do not survive the default pickling.
        p = self.parts
        return _rebuild_error, (type(self), self.what, p["where"], p["found"], p["expected"], p["do"])

    @property
    def one_line(self) -> str:
        """The message on one line, for a cell of a table.

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
    """A setting is unknown, out of bounds or contradicts another one."""


class ManifestError(LeopardnetError):
    """A table or label file does not hold what it should."""


class MediaError(LeopardnetError):
    """A video or picture cannot be read."""


class BundleError(LeopardnetError):
    """A model folder is incomplete, changed or of another format."""


class BackendError(LeopardnetError):
    """A library or extra is missing, or a runtime failed."""


class JournalError(LeopardnetError):
    """The journal of a run cannot be read or written."""


class RunStopped(LeopardnetError):
    """A run was asked to stop; what is done is kept."""
