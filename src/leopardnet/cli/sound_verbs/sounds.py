"""The verbs around the sound of clips: find."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leopardnet.cli.console import app, print_json, progress_bar, say
from leopardnet.cli.options import Json
from leopardnet.cli.printing.sound_notes import count_sounds, sound_notes
from leopardnet.cli.stop_signal import stop_on_signal

verbs = typer.Typer(
    name="sounds", no_args_is_help=True, help="Search the sound of footage for tonal calls and human voices."
)
app.add_typer(verbs)


@verbs.command()
def find(
    source: Annotated[Path, typer.Argument(help="Folder of footage, a manifest, or a video.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for sounds.parquet and tracks.csv.")],
    workers: Annotated[
        int | None, typer.Option("--workers", min=0, help="Worker processes; one per core by default.")
    ] = None,
    json_: Json = False,
) -> None:
    """Search the sound of clips, without a model: candidates for alarm calls, and human voices.

    `leopardnet predict` does the same beside its own work. A voice is flagged and never transcribed.

    Example: leopardnet sounds find /media/card/DCIM --out sounds/
    """
    from leopardnet.compose import load_group
    from leopardnet.core.settings.inference import RuntimeConfig
    from leopardnet.infer.footage_source import open_source
    from leopardnet.sound.find_sounds import find_sounds

    manifest = open_source(source)
    out.mkdir(parents=True, exist_ok=True)
    with stop_on_signal() as should_stop, progress_bar("listening") as on_progress:
        heard = find_sounds(
            manifest,
            load_group("sound", "tonal"),
            runtime=RuntimeConfig(workers=workers),
            should_stop=should_stop,
            on_progress=on_progress,
        )
    heard.write(out)
    counts = count_sounds(heard.tracks)
    if json_:
        print_json({"out": str(out), "n_clips": len(heard.tracks), "sound": counts})
        return
    for note in sound_notes(heard.tracks) or ["no clip has a sound track"]:
        say(note)
    say(f"written: {out / 'sounds.parquet'}, tracks.csv")
