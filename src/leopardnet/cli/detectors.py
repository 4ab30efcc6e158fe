"""The verbs around detectors: install the embedded one, say what is there; and the option that names one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leopardnet.cli.console import app, say

DetectorOption = Annotated[
    str,
    typer.Option(
        "--detector",
        metavar="NAME|FILE",
        help="Where boxes come from: embedded (once installed), motion, none, MegaDetector results (.json) or a network (.onnx).",
    ),
]

verbs = typer.Typer(
    name="detector", no_args_is_help=True, help="Install the embedded animal detector, or see what is there."
)
app.add_typer(verbs)


@verbs.command()
def install(
    source: Annotated[
        Path | None,
        typer.Option("--from", help="The package's wheel, or the weights file out of it, instead of the index."),
    ] = None,
) -> None:
    """Put the embedded animal detector into your data folder, once. Afterwards it needs no network and no torch.

    It is zamba's detector (MIT licence): a small network, trained on camera-trap frames to say what MegaDetector says.
    One wheel of 41 MB is downloaded, without what it depends on, and checked against its hash.

    Example: leopardnet detector install

    Example: leopardnet detector install --from zamba-2.7.2-py3-none-any.whl
    """
    from leopardnet.network.install_detector import install as install_detector

    say(
        "downloading, checking and converting the detector: about a minute"
        if source is None
        else "checking and converting the detector"
    )
    home = install_detector(source)
    say(f"installed: {', '.join(sorted(path.name for path in home.iterdir()))}")
    say(
        "next: leopardnet train MANIFEST detector=embedded, or leopardnet predict CLIPS --bundle … --detector embedded"
    )


@verbs.command()
def show() -> None:
    """Say whether the embedded detector is installed, and whose it is.

    Example: leopardnet detector show
    """
    from leopardnet.detect.detector import load_network
    from leopardnet.detect.embedded_weights import PACKAGE, find_description

    config = load_network(find_description()).config
    say(f"{config.name}: installed; weights from {PACKAGE}, {config.licence}")
    say(
        f"looks at {config.input.width_px} px, at {len(config.input.scales)} sizes; finds: {', '.join(config.animals)}"
    )
