"""The verbs for bundles that people publish: fetch one, and make the archive of one."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leopardnet.cli.console import app, progress_bar, say

if TYPE_CHECKING:
    from collections.abc import Mapping

verbs = typer.Typer(
    name="bundle", no_args_is_help=True, help="Fetch a published model, or make the archive of one."
)
app.add_typer(verbs)


@verbs.command()
def fetch(
    source: Annotated[
        str,
        typer.Argument(
            metavar="NAME|URL|FILE",
            help="Name of a published model; or the https address or the file of an archive, with --sha256.",
        ),
    ],
    sha256: Annotated[
        str | None,
        typer.Option("--sha256", metavar="HASH", help="Hash of the archive, as those who published it state."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the bundle, new. [default: bundles/NAME]")
    ] = None,
) -> None:
    """Fetch a published model, check it against its hash, and put it into a folder for `predict`.

    The network is used only if a name or an address is given. The archive must have the stated hash and hold a
    sound bundle; otherwise nothing is kept. Read the card before you use a model: it states licences, figures, and
    what the model must not be used for.

    Example: leopardnet bundle fetch leopards.zip --sha256 9f86…0a08
    """
    from leopardnet.bundle.release.fetch import fetch_bundle, find_release
    from leopardnet.bundle.release.published import describe_release, read_published

    release = find_release(source, sha256, read_published())
    folder = out or Path("bundles") / release.name
    if release.model:
        _say_facts(release.model.model_dump())
    with progress_bar("fetching, MB") as tell:
        bundle = fetch_bundle(
            release, folder, on_progress=lambda n_done, n_total: tell(-(-n_done // 10**6), -(-n_total // 10**6))
        )
    if not release.model:
        _say_facts(describe_release(bundle))
    say(f"bundle: {folder}  ({bundle.id})")
    say(f"read:   {folder / 'card.md'}")
    say(f"next:   leopardnet predict CLIPS --bundle {folder} --out results/")


@verbs.command()
def archive(
    bundle: Annotated[Path, typer.Argument(help="Bundle (model folder), such as runs/amur/bundle.")],
    out: Annotated[Path, typer.Option("--out", help="Archive to write: a new .zip file.")],
    url: Annotated[
        str | None,
        typer.Option("--url", help="The https address where the archive will lie, for the printed entry."),
    ] = None,
) -> None:
    """Write a bundle as one file that may be published, and print its hash and its entry for the list of models.

    The same bundle gives the same file on every machine. Publish a model only if the licences of its training data
    and of its backbone allow that; the card of the bundle states both.

    Example: leopardnet bundle archive runs/amur/bundle --out amur.zip
    """
    import yaml

    from leopardnet.bundle.bundle import load_bundle
    from leopardnet.bundle.release.archive_file import write_archive
    from leopardnet.bundle.release.download import refuse_unsafe_url
    from leopardnet.bundle.release.published import describe_release, make_name

    if url is not None:
        refuse_unsafe_url(url)
    model = load_bundle(bundle)
    sha256, n_bytes = write_archive(model, out)
    where = {"name": make_name(out.stem), "url": url or "https://…"}
    facts = {**where, "sha256": sha256, "n_bytes": n_bytes, **describe_release(model)}
    typer.echo(yaml.safe_dump([facts], sort_keys=False, allow_unicode=True, width=1000), nl=False)
    say(f"archive:   {out}  ({n_bytes / 1e6:.1f} MB)")
    say(f"to get it: leopardnet bundle fetch {shlex.quote(out.name)} --sha256 {sha256}")


def _say_facts(facts: Mapping[str, object]) -> None:
    """Print what one must know before using a model. Texts of others are printed without control characters."""
    for key in ("title", "labels", "trained_on", "licence"):
        value = facts[key]
        text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        say(f"{key.replace('_', ' ')}: {''.join(c if c.isprintable() else ' ' for c in text)}")
