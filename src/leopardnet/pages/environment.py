"""The templates, scripts and style sheets of all pages, and how values are written in them."""

from __future__ import annotations

import math
from importlib.resources import files

import jinja2
from markupsafe import Markup


def environment() -> jinja2.Environment:
    """Return the templates of all pages; every value is escaped, and a missing one is an error.

    >>> environment().from_string("{{ 12345 | count }} {{ 'clip' | plural(2) }}").render()
    '12,345 clips'
    """
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("leopardnet.pages", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["count"] = lambda n: f"{n:,}"
    made.filters["percent"] = lambda share: "<1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"
    made.filters["decimals"] = lambda value, n: "–" if math.isnan(value) else f"{value:.{n}f}"
    made.filters["plural"] = lambda noun, n: noun if n == 1 else noun + "s"
    return made


def read_file(name: str) -> Markup:
    """Return a script or style sheet of the pages as it is, to stand inside a page."""
    return Markup((files("leopardnet.pages") / "templates" / name).read_text(encoding="utf-8"))
