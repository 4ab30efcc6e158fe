"""The page and the scripts, style sheets and pictures that it loads."""

from __future__ import annotations

import mimetypes
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from leopardnet.pages.environment import environment
from leopardnet.review.request_error import RequestError

SUFFIXES = (".js", ".css", ".svg", ".png", ".json", ".woff2")


def fill_page(template: str, **values: Any) -> str:
    """Return a page from its template."""
    return environment().get_template(template).render(**values)


def find_static(name: str) -> tuple[bytes, str]:
    """Return a script, style sheet or picture of the pages and its type, by its path in `pages` or by its name.

    Raises RequestError for every other name.
    """
    found = _list_static().get(name)
    if found is None:
        raise RequestError("there is no such file", status=404, found=name[:80])
    kind = "text/javascript" if name.endswith(".js") else mimetypes.guess_type(name)[0]
    return found.read_bytes(), kind or "application/octet-stream"


@cache
def _list_static() -> dict[str, Traversable]:
    """Return the files that may be served: a name that is not in this list leads nowhere."""
    found: dict[str, Traversable] = {}
    waiting: list[tuple[str, Traversable]] = [("", files("leopardnet.pages"))]
    while waiting:
        prefix, folder = waiting.pop()
        for entry in folder.iterdir():
            if entry.is_dir():
                waiting.append((f"{prefix}{entry.name}/", entry))
            elif entry.name.endswith(SUFFIXES):
                found[prefix + entry.name] = entry
                found.setdefault(entry.name, entry)
    return found
