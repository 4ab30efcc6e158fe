"""One finding of a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault or a note about a manifest; `i_row` counts from 0, None where it concerns no single row.

    error: a row cannot be used, or metrics would be wrong. warning: a person should check. info: worth knowing.
    """

    severity: Severity
    rule: str
    message: str
    i_row: int | None = None
    path: str | None = None
