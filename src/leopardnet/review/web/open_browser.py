"""Opens the page in the browser without telling other users of the computer how to get in."""

from __future__ import annotations

import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape
from pathlib import Path

FILE = "review.html"
PAGE = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>leopardnet</title>
<p><a href="{address}">leopardnet</a></p>
"""


@contextmanager
def private_folder() -> Iterator[Path]:
    """Yield an empty folder that only this user can enter; it is deleted at the end."""
    # A browser that was installed as a snap sees no temporary folder, but the folder of the user.
    place = Path.home() if (Path.home() / "snap").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="leopardnet-", dir=place, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def open_browser(address: str, folder: Path) -> None:
    """Let the browser open an address that is secret, by way of a file in a private folder.

    Everybody can read the arguments of a process, and so an address that a browser is started with.
    """
    file = folder / FILE
    file.touch(mode=0o600)
    file.write_text(PAGE.format(address=escape(address)), "utf-8")
    webbrowser.open(file.as_uri())
