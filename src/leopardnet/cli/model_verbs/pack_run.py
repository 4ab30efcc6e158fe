"""`leopardnet pack` and `convert`: bundles of weights that are there already."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leopardnet.cli.console import app, say
from leopardnet.cli.model_verbs.train_extra import require_train_extra
from leopardnet.cli.options import BundleOut


@app.command()
def pack(
    run: Annotated[Path, typer.Argument(help="Run folder made by `leopardnet train`.")],
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the bundle. [default: RUN/bundle]")] = None,
) -> None:
    """Pack a finished run as a bundle once more.

    Example: leopardnet pack runs/amur --out amur-2021
    """
    with require_train_extra():
        from leopardnet.training.pack.pack import pack as pack_run
    say(repr(pack_run(run, out=out)))


@app.command()
def convert(
    weights: Annotated[Path, typer.Argument(help="A .pt file that holds a state dict.")],
    like: Annotated[
        Path, typer.Option("--like", help="Bundle of the same network, whose labels and settings are used.")
    ],
    out: BundleOut,
) -> None:
    """Make a bundle from weights that were saved as .pt elsewhere.

    It is the only verb that opens such a file, and it accepts nothing in it but plain tensors.

    Example: leopardnet convert weights.pt --like runs/amur/bundle --out amur-converted
    """
    from leopardnet.bundle.bundle import load_bundle

    with require_train_extra():
        from leopardnet.training.pack.convert import convert as run_convert

        made = run_convert(weights, load_bundle(like), out)
    say(repr(made))
    say("note: these weights have not been evaluated; evaluate them on labelled clips before you rely on them")
