"""What every writer says at its end: where the file is, how many rows it holds, and which it could not hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class WriteResult:
    """What was written where, and what was not.

    n_rows: rows that are in the file; n_left_out: rows that are not, counted by reason in `reasons`. Both together
    are the rows that were given. notes: what is missing or changed of rows that are in the file.

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
