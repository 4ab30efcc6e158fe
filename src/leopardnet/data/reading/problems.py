"""What an import cannot use of its source: counted and named, or with `strict` refused."""

from __future__ import annotations

from dataclasses import dataclass

from leopardnet.core.errors import ManifestError

MAX_PLACES = 5  # named in a note; the list of problems names all


@dataclass(frozen=True)
class Problem:
    """A part of the source that cannot be used. `row` is the number or the key of its row in `file`."""

    file: str
    row: str
    problem: str


class Problems:
    """Collects what cannot be used. With `strict`, the first problem is raised.

    >>> problems = Problems()
    >>> error = ManifestError("no such site", where="a.csv, row 2, column site", found="'x'")
    >>> problems.add(error, "a.csv", 2, outcome="kept without a site")
    >>> problems.notes()
    ["no such site: 1, kept without a site (a.csv, row 2, column site: 'x')"]
    """

    def __init__(self, *, strict: bool = False) -> None:
        self.strict = strict
        self.found: list[Problem] = []
        self.first: ManifestError | None = None
        self._places: dict[tuple[str, str, str | None], tuple[int, list[str]]] = {}

    def add(self, error: ManifestError, file: str, row: int | str, *, outcome: str) -> None:
        """Add one problem; `outcome` says what becomes of its row. With `strict`, raise it."""
        if self.strict:
            raise error
        self.first = self.first or error
        where, found, todo = (error.parts[k] for k in ("where", "found", "do"))
        column = str(where).rpartition(", column ")[2] + ": " if ", column " in str(where) else ""
        self.found.append(Problem(file, str(row), f"{column}{error.one_line}; {outcome}".replace("\r", " ")))
        key = (error.what, outcome, None if todo is None else str(todo))
        n, places = self._places.setdefault(key, (0, []))
        if n < MAX_PLACES:
            places.append(str(where) if found is None else f"{where}: {found}")
        self._places[key] = (n + 1, places)

    def notes(self) -> list[str]:
        """Return one sentence for each kind of problem, with its number and first places."""
        notes = []
        for (what, outcome, todo), (n, places) in self._places.items():
            listed = ", ".join([*places, *["…"] * (n > MAX_PLACES)])
            notes.append(f"{what}: {n}, {outcome}, as in {listed}" + (f"; {todo}" if todo else ""))
        return notes
