"""The list of what an import could not use, beside the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from leopardnet.cli.console import say

if TYPE_CHECKING:
    from leopardnet.data.reading.problems import Problem


def write_problems(problems: Sequence[Problem], out: Path) -> None:
    """Write one row for each problem to `<out>.problems.csv` and say so; without problems, remove an older list."""
    import pandas as pd

    from leopardnet.data.formats.sheets.spreadsheet import write_sheet

    listed = out.with_name(f"{out.name}.problems.csv")
    if not problems:
        listed.unlink(missing_ok=True)
        return
    write_sheet(pd.DataFrame([asdict(p) for p in problems]), listed, format="csv")
    n = f"{len(problems)} problem" + "s" * (len(problems) != 1)
    say(f"{n} in the source, listed in {listed.name}; with --strict, the import is refused")
