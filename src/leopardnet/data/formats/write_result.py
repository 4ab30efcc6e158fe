"""The result of every writer: the file, the number of its rows, and the rows left out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class WriteResult:
    """The rows that were written to `path`, and those left out.

    n_rows: rows in the file; n_left_out: rows left out, counted by reason in `reasons`. Both add up to all rows.
    notes: what is missing or changed in rows of the file.

    >>> WriteResult(Path("x.csv"), 3, 1, {"no time": 1})
    WriteResult(x.csv: 3 rows; 1 left out: no time 1)
    """

    path: Path
    n_rows: int
    n_left_out: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        out = "; ".join(f"{reason} {n}" for reason, n in self.reasons.items())
        return (
            f"WriteResult({self.path.name}: {self.n_rows} rows; {self.n_left_out} left out{': ' * bool(out)}{out})"
        )
