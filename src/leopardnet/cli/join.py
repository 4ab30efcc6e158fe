"""`leopardnet join`: several manifests as one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leopardnet.cli.console import app, say
from leopardnet.cli.dataset import check_table_name
from leopardnet.cli.options import ManifestOut, open_manifest
from leopardnet.cli.printing.next_step import say_next

WORDS = {"site": "sites", "deployment": "deployments", "sequence_id": "sequences"}
SHOWN = 5


@app.command(rich_help_panel="Data")
def join(
    manifests: Annotated[list[Path], typer.Argument(metavar="MANIFEST…", help="Two manifests or more.")],
    out_path: ManifestOut,
    keep_apart: Annotated[
        bool,
        typer.Option(
            "--keep-apart",
            help="A site, deployment or sequence of the same name in two manifests is not the same one.",
        ),
    ] = False,
) -> None:
    """Write one manifest with the rows of several, such as those of two owners.

    Example: leopardnet join north.parquet south.parquet --out both.parquet --keep-apart
    """
    from leopardnet.data.reading.join_manifests import join_manifests

    if len(manifests) < 2:
        raise typer.BadParameter("give at least two", param_hint="MANIFEST…")
    check_table_name(out_path)
    joined = join_manifests(
        dict(zip(_name_apart(manifests), map(open_manifest, manifests), strict=True)), keep_apart=keep_apart
    )
    joined.manifest.write(out_path)
    say(f"{out_path.name}: {joined.manifest!r}")
    if joined.n_repeated:
        say(f"rows that stand in more than one manifest, each taken once: {joined.n_repeated}")
    for column, names in joined.shared.items():
        if not names:
            continue
        shown = ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN} more" if len(names) > SHOWN else "")
        what = (
            "kept apart, with the name of their manifest"
            if keep_apart
            else "taken for the same; --keep-apart if not"
        )
        say(f"{WORDS[column]} in more than one manifest, {what}: {shown}")
    say_next("check", out_path)


def _name_apart(paths: list[Path]) -> list[str]:
    """Return a name for each file: its own, with folders before it until all differ.

    >>> _name_apart([Path("north/m.parquet"), Path("south/m.parquet")])
    ['north/m', 'south/m']
    """
    files = [path.resolve() for path in paths]
    if len(set(files)) < len(files):
        raise typer.BadParameter("the same file twice", param_hint="MANIFEST…")
    parts = [path.with_suffix("").parts for path in files]
    if len(set(parts)) < len(parts):  # m.csv and m.parquet
        parts = [path.parts for path in files]
    depth = 1
    while len({part[-depth:] for part in parts}) < len(parts):
        depth += 1
    return ["/".join(part[-depth:]) for part in parts]
