"""The verb that opens the review page: review."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leopardnet.cli.console import app, progress_bar
from leopardnet.cli.loop_verbs.serve_page import By, Lan, NoBrowser, PageOptions, Port, serve_page
from leopardnet.cli.options import BundleOption, Language, ManifestOption, People


@app.command()
def review(
    source: Annotated[
        Path,
        typer.Argument(
            help="Results of `leopardnet predict`, a manifest, a folder of footage, or a workspace of before."
        ),
    ],
    manifest: ManifestOption = None,
    root: Annotated[
        Path | None, typer.Option("--root", help="Folder of the footage, if results or a manifest do not find it.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Workspace of a folder of footage. [default: review-<its name>]")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option("--labels", help="File of labels. [default: labels.sqlite in the workspace]")
    ] = None,
    bundle: BundleOption = None,
    by: By = "",
    lan: Lan = False,
    port: Port = 0,
    no_browser: NoBrowser = False,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Show clips and labels; nothing can be said.")
    ] = False,
    people: People = False,
    language: Language = None,
) -> None:
    """Look at clips in the browser and say what they show, by keyboard; every label is kept in labels.sqlite.

    The page is served to this computer alone, and needs no network. Ctrl-C ends it; labels are on the disk at once.

    Example: leopardnet review results/ --root /media/card/DCIM
    """
    from leopardnet.bundle.bundle import load_bundle
    from leopardnet.review.review_source import open_review

    with progress_bar("reading times") as on_progress:
        opened = open_review(
            source,
            manifest=manifest,
            root=root,
            out=out,
            labels=labels,
            bundle=load_bundle(bundle) if bundle else None,
            read_only=read_only,
            on_progress=on_progress,
        )
    serve_page(opened, PageOptions(by, lan, port, no_browser, people, language), read_only=read_only)
