"""`leopardnet ranges`: a range drawn around confirmed records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leopardnet.cli.console import app, say

verbs = typer.Typer(name="ranges", no_args_is_help=True, help="Make a range to compare records with.")
app.add_typer(verbs, rich_help_panel="Records")


@verbs.command("from-records")
def from_records(
    source: Annotated[
        list[Path], typer.Argument(metavar="RECORDS…", help="Folders that `leopardnet records` wrote, or tables.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Range to write: .geojson.")],
    label: Annotated[
        list[str] | None, typer.Option("--label", help="Only this animal. May be repeated. [default: all]")
    ] = None,
    settings: Annotated[
        Path | None,
        typer.Option("--settings", help="YAML: buffer_km and shape. [default: range_from_records.yaml]"),
    ] = None,
    exact_places: Annotated[
        bool, typer.Option("--exact-places", help="Do not round places, unless an owner forbids exact ones.")
    ] = False,
) -> None:
    """Draw a range around the confirmed records of earlier seasons, to compare later ones with.

    Example: leopardnet ranges from-records rec-2019/ rec-2020/ --out known.geojson
    """
    import pandas as pd

    from leopardnet.records.find_records import read_records
    from leopardnet.records.ranges.from_records import draw_ranges, load_drawn_range, write_drawn_ranges

    table = pd.concat([read_records(path) for path in source], ignore_index=True).drop_duplicates("record_id")
    if label:
        table = table[table["label"].isin(label)]
    drawn = draw_ranges(table, settings=load_drawn_range(settings), exact_places=exact_places)
    write_drawn_ranges(drawn, out)
    for feature in drawn["features"]:
        say(f"{feature['properties']['name']}; places {feature['properties']['places']}")
    say(f"written: {out.name}")
