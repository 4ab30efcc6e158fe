"""The columns of a table as values, where a cell that cannot be read does not stop the reading."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from leopardnet.core.errors import ManifestError
from leopardnet.data.reading.problems import Problems
from leopardnet.data.reading.tables.csv_cells import MISSING, Cells, parse_column


@dataclass(frozen=True)
class ColumnReader:
    """Reads the columns of a table. A cell that cannot be read is a problem, and its row is kept without it."""

    cells: Cells
    problems: Problems

    def read(self, column: str, parse: Callable[[str], Any], *, expected: str) -> list[Any]:
        """Return the values of a column, None for missing cells and for those that `parse` refuses.

        Raises ManifestError where it refuses all, because then the wrong column or form was given.
        """
        faults: dict[int, ManifestError] = {}
        values = parse_column(
            self.cells, column, parse, expected=expected, missing=MISSING, on_fault=faults.__setitem__
        )
        if faults and all(value is None for value in values):
            raise faults[min(faults)]
        for i, error in faults.items():
            self.add(error, i, outcome=f"kept without its {column}")
        return values

    def add(self, error: ManifestError, i: int, *, outcome: str) -> None:
        """Add a problem of the row at position `i`."""
        self.problems.add(error, self.cells.name, self.cells.number(i), outcome=outcome)
