"""The printed result of the verb `check`: labels, findings by rule, and the first findings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from leopardnet.cli.console import out, print_rows
from leopardnet.core.language import translate, translate_message

if TYPE_CHECKING:
    import pandas as pd


def list_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as dicts, with None for missing values."""
    rows = table.astype(object).where(table.notna(), None).to_dict("records")
    return [{str(k): None if v != v else v for k, v in row.items()} for row in rows]


def print_check(
    findings: pd.DataFrame, labels: pd.DataFrame, name: str, n_shown: int, out_path: Path | None
) -> None:
    """Print the labels of the manifest `name`, its findings by rule, and the first `n_shown` of them.

    out_path: of the table of all findings, if it was written.
    """
    from leopardnet.data.checks.check import SEVERITIES, count_by_rule

    titles = {
        "n_rows": "rows",
        "n_clips": "clips",
        "n_sites": "sites",
        "n_colour": "colour",
        "n_monochrome": "infrared",
        "n_not_seen": "not opened",
    }
    print_rows(
        list_records(labels.rename(columns=titles)),
        title=f"Labels in {name}",
        caption="infrared: pictures without colour",
    )
    if findings.empty:
        out.print(translate("No findings."))
        return
    print_rows(list_records(count_by_rule(findings)[["severity", "rule", "count"]]), title="Findings by rule")
    for row in list_records(findings.head(n_shown)):
        at = translate("row {n}", n=row["row"]) if row["row"] else ""
        place = " ".join(str(x) for x in (at, row["path"] or "") if x)
        said = translate_message(row["message"])
        out.print(
            f"{translate_message(row['severity'])}: {place + ': ' if place else ''}{said}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    if len(findings) > n_shown:
        n = len(findings) - n_shown
        in_file = translate("… and {n} more in {name}", n=n, name=out_path.name) if out_path else ""
        out.print(in_file or translate("… and {n} more with --out findings.csv", n=n), highlight=False)
    counts = {s: int(findings["severity"].eq(s).sum()) for s in SEVERITIES}
    text = translate("{error} errors, {warning} warnings, {info} notes", **counts)
    out.print(text, highlight=False)
