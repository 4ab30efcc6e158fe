"""The verb that opens the review page: review."""

from __future__ import annotations

import os
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from platformdirs import user_cache_path

from leopardnet.cli.console import app, progress_bar, say
from leopardnet.cli.options import BundleOption, Language, ManifestOption, People
from leopardnet.core.language import find_language, translate

if TYPE_CHECKING:
    from leopardnet.review.web.password import PasswordLock

PASSWORD = "LEOPARDNET_PASSWORD"
CACHE_BYTES = 2_000_000_000


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
    by: Annotated[str, typer.Option("--by", help="Who labels: initials or a name. [default: the page asks]")] = "",
    lan: Annotated[
        bool,
        typer.Option(
            "--lan", help=f"Let other computers of the network in, with a password: {PASSWORD}, or it is asked for."
        ),
    ] = False,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, open nothing.")] = False,
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
    from leopardnet.review.label_request import check_name
    from leopardnet.review.media.review_media import ReviewMedia
    from leopardnet.review.review_desk import ReviewDesk
    from leopardnet.review.review_source import open_review
    from leopardnet.review.web.guard import Door, local_hosts, network_hosts
    from leopardnet.review.web.review_app import create_app
    from leopardnet.review.web.serve_review import open_socket, serve_review

    lock = _ask_password() if lan else None
    who = check_name(by) if by else ""
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
    desk = ReviewDesk(opened, shows_people=people, read_only=read_only)
    for notice in desk.notices:
        say(f"note: {notice}")
    with open_socket(port, lan=lan) as listening:
        number = listening.getsockname()[1]
        door = Door(number, network_hosts(number) if lan else local_hosts(number), lock)
        media = ReviewMedia(
            desk.manifest,
            cache=user_cache_path("leopardnet", appauthor=False) / "review",
            max_bytes=CACHE_BYTES,
            n_workers=max((os.cpu_count() or 2) - 1, 1),
        )

        def announce() -> None:
            say(f"{len(desk.index):,} clips; labels are kept in {opened.labels.name}")
            typer.echo(door.address)
            if lan:
                others = sorted(h for h in door.hosts if h not in local_hosts(number))
                say(f"other computers: http://{' or http://'.join(others)} with the password")
            say("Ctrl-C ends the review")
            if not no_browser:
                webbrowser.open(door.address)

        try:
            page = create_app(desk, media, door, by=who, language=find_language(language or ""))
            serve_review(page, listening, on_ready=announce)
        finally:
            media.close()
            desk.close()
    say("ended; all labels are kept")


def _ask_password() -> PasswordLock:
    from leopardnet.review.web.password import PasswordLock

    given = os.environ.get(PASSWORD)
    return PasswordLock(
        given or typer.prompt(translate("Password for other computers"), hide_input=True, confirmation_prompt=True)
    )
