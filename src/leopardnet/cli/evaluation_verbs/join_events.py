"""The verb that joins clips of one visit: events."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leopardnet.cli.console import app, print_json, print_rows, say
from leopardnet.cli.options import EventMode, GapMinutes, Json, PredictionsPath


@app.command()
def events(
    predictions: PredictionsPath,
    out: Annotated[Path, typer.Option("--out", help="Table of events: .csv or .parquet.")],
    gap_minutes: GapMinutes = 30.0,
    mode: EventMode = "chained",
    json_: Json = False,
) -> None:
    """Join clips of one site that follow each other within half an hour into events, that is, visits.

    No clip is outvoted: an event lists the decisions of all its clips.

    Example: leopardnet events results/ --gap-minutes 60 --out events.csv
    """
    from leopardnet.core.predictions import Predictions
    from leopardnet.core.tables import write_table
    from leopardnet.score.events import join_events

    table = join_events(Predictions.read(predictions).table, gap_minutes=gap_minutes, mode=mode)
    write_table(table, out)
    counts, n_clips = table["decision"].value_counts(), int(table["n_clips"].sum())
    if json_:
        print_json({"n_events": len(table), "n_clips": n_clips, "decisions": counts.to_dict()})
        return
    n_alerts = int(table["alert"].notna().sum())
    print_rows(
        [{"decision": str(name), "events": int(n)} for name, n in counts.items()],
        title="Events",
        caption=f"events: {len(table)}, of clips: {n_clips}; with an alert: {n_alerts}",
    )
    say(f"written: {out}")
