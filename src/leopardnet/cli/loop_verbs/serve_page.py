"""What `start` and `review` share: the page of a review, served until it is ended."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from platformdirs import user_cache_path

from leopardnet.cli.console import say
from leopardnet.core.language import find_language, translate

if TYPE_CHECKING:
    from leopardnet.review.review_source import ReviewSource
    from leopardnet.review.web.password import PasswordLock

PASSWORD = "LEOPARDNET_PASSWORD"
CACHE_BYTES = 2_000_000_000

By = Annotated[str, typer.Option("--by", help="Who labels: initials or a name. [default: the page asks]")]
Lan = Annotated[
    bool,
    typer.Option(
        "--lan", help=f"Let other computers of the network in, with a password: {PASSWORD}, or it is asked for."
    ),
]
Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")]
NoBrowser = Annotated[bool, typer.Option("--no-browser", help="Print the address, open nothing.")]


@dataclass(frozen=True, slots=True)
class PageOptions:
    """Who labels, who may come in and where, and what the page shows."""

    by: str = ""
    lan: bool = False
    port: int = 0
    no_browser: bool = False
    people: bool = False
    language: str | None = None


def serve_page(
    opened: ReviewSource,
    options: PageOptions,
    *,
    read_only: bool = False,
    targets: Sequence[str] | None = None,
    results: Mapping[str, Mapping[str, float]] | None = None,
) -> None:
    """Serve the page of a review until Ctrl-C or a signal; of a hunt, where the workspace holds features.

    targets: of a hunt, by default those of before. results: scores of another program by target.
    """
    from leopardnet.review.label_request import check_name
    from leopardnet.review.media.review_media import ReviewMedia
    from leopardnet.review.web.guard import Door, local_hosts, network_hosts
    from leopardnet.review.web.open_browser import open_browser, private_folder
    from leopardnet.review.web.review_app import create_app
    from leopardnet.review.web.serve_review import open_socket, serve_review

    who = check_name(options.by) if options.by else ""
    lock = _ask_password() if options.lan else None
    desk, parts = _open_desk(opened, people=options.people, read_only=read_only, targets=targets, results=results)
    for notice in desk.notices:
        say(f"note: {notice}")
    with private_folder() as folder, open_socket(options.port, lan=options.lan) as listening:
        number = listening.getsockname()[1]
        door = Door(number, network_hosts(number) if options.lan else local_hosts(number), lock)
        media = ReviewMedia(
            desk.manifest,
            cache=user_cache_path("leopardnet", appauthor=False) / "review",
            max_bytes=CACHE_BYTES,
            n_workers=max((os.cpu_count() or 2) - 1, 1),
        )

        def announce() -> None:
            say(f"clips: {len(desk.index):,}; labels are kept in {opened.labels.name}")
            typer.echo(door.address)
            if options.lan:
                others = sorted(h for h in door.hosts if h not in local_hosts(number))
                say(f"other computers: http://{' or http://'.join(others)} with the password")
            say("Ctrl-C ends the review")
            if not options.no_browser:
                open_browser(door.issue_ticket(), folder)

        try:
            app = create_app(desk, media, door, by=who, language=find_language(options.language or ""), **parts)
            serve_review(app, listening, on_ready=announce)
        finally:
            media.close()
            desk.close()
    say("ended; all labels are kept")


def _open_desk(
    opened: ReviewSource,
    *,
    people: bool,
    read_only: bool,
    targets: Sequence[str] | None,
    results: Mapping[str, Mapping[str, float]] | None,
) -> tuple[Any, dict[str, Any]]:
    """Return the desk of a review, and what `create_app` needs beside it."""
    from leopardnet.hunt.feature_store import FeatureStore, has_features
    from leopardnet.review.review_desk import ReviewDesk

    if opened.predictions is not None or not has_features(opened.workspace.folder):
        return ReviewDesk(opened, shows_people=people, read_only=read_only), {}

    from leopardnet.review.hunt_desk.hunt_queues import HuntQueues
    from leopardnet.review.hunt_desk.model_maker import ModelMaker
    from leopardnet.review.web.hunt_answers import hunt_routes

    kept = opened.workspace.read("targets")
    chosen = tuple(targets or kept or ("leopard",))
    opened.workspace.keep("targets", list(chosen))
    store = FeatureStore(opened.workspace.folder)
    clip_ids = set(opened.manifest.table["clip_id"])
    hunt = HuntQueues(store, targets=chosen, clip_ids=clip_ids, results=results)
    desk = ReviewDesk(opened, shows_people=people, read_only=read_only, targets=chosen, queues=hunt.queues())
    maker = ModelMaker(opened, store, targets=chosen)
    return desk, {"mode": "hunt", "routes": hunt_routes(desk, hunt, maker)}


def _ask_password() -> PasswordLock:
    from leopardnet.review.web.password import PasswordLock

    given = os.environ.get(PASSWORD)
    return PasswordLock(
        given or typer.prompt(translate("Password for other computers"), hide_input=True, confirmation_prompt=True)
    )
