"""`leopardnet shards`: the frames that training reads, in tar files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from leopardnet.cli.console import EXIT_FINDINGS, app, print_json, say, stages
from leopardnet.cli.model_verbs.train_extra import require_train_extra
from leopardnet.cli.options import Json, MovedRoot, People, read_moved
from leopardnet.cli.printing.next_step import say_next

if TYPE_CHECKING:
    from leopardnet.training.frames.shard_set import ShardSet


@app.command(rich_help_panel="Model")
def shards(
    manifest: Annotated[
        Path,
        typer.Argument(metavar="MANIFEST|FOLDER", help="Manifest with labels, or a folder of shards to check."),
    ],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="[key=value …]", help="Settings of the training that will read them."),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the shards: a new one.")] = None,
    root: MovedRoot = None,
    picture: Annotated[
        Literal["png", "jpg"], typer.Option(help="png keeps every value; jpg takes a third of the room.")
    ] = "png",
    shard_mb: Annotated[int, typer.Option(min=1, help="Size of a shard, in megabytes.")] = 256,
    people: People = False,
    json_: Json = False,
) -> None:
    """Write the frames that training reads into a few large tar files, for storage that machines share.

    `leopardnet train MANIFEST --shards DIR` with the same settings then needs no footage. The tar files have the
    layout of WebDataset. Given a folder of shards, it reads all of them and says which have changed.

    Example: leopardnet shards manifest.parquet --out /mnt/shared/amur-shards

    Example: leopardnet shards /mnt/shared/amur-shards
    """
    with require_train_extra():
        from leopardnet.training.frames.shard_set import LEFT_OUT, ShardSet
        from leopardnet.training.shards.write_shards import write_shards
    if manifest.is_dir():
        return _check(ShardSet.open(manifest), as_json=json_)
    if out is None:
        raise typer.BadParameter("give the folder of the shards", param_hint="--out")
    from leopardnet.compose import load_config

    rows, settings = read_moved(manifest, root), list(overrides or [])
    with stages() as on_progress:
        made = write_shards(
            rows,
            load_config("train", settings),
            out=out,
            picture=picture,
            shard_mb=shard_mb,
            include_people=people,
            on_progress=on_progress,
        )
    lost, n_bytes = made.missing, sum(x.n_bytes for x in made.record.shards)
    if json_:
        record = made.record
        counts = {
            "clips": record.n_clips,
            "frames": record.n_frames,
            "shards": len(record.shards),
            "bytes": n_bytes,
        }
        print_json({"shards": str(out), **counts, "not_there": lost})
    else:
        say(f"{out.name}: {made.describe()}, {n_bytes / 1e9:.2f} GB")
        for reason, n in lost.items():
            say(f"note: not in the shards: {n} ({reason})")
        say_next("train", manifest, "--shards", out, *settings)
    if lost.keys() - {LEFT_OUT.split(": ", 1)[-1]}:
        raise typer.Exit(EXIT_FINDINGS)


def _check(found: ShardSet, *, as_json: bool) -> None:
    """Print which shards have changed, and end with 3 if any has."""
    changed = found.check()
    if as_json:
        print_json({"shards": len(found.record.shards), "changed": changed})
    else:
        say(
            f"{found.describe()}: "
            + (f"changed since they were written: {', '.join(changed)}" if changed else "all as written")
        )
    if changed:
        raise typer.Exit(EXIT_FINDINGS)
