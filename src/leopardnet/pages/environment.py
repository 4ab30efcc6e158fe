"""The templates, scripts and style sheets of all pages, and how values are written in them."""

from __future__ import annotations

import math
import re
from importlib.resources import files

import jinja2
from markupsafe import Markup

from leopardnet.core.language import (
    current_language,
    format_day,
    format_number,
    format_probability,
    localise_decimals,
    script_texts,
    translate,
    translate_label,
    translate_message,
    translate_plural,
)

_IMPORT = re.compile(r"^import [^;]*;\n", re.MULTILINE)
_EXPORT = re.compile(r"^export ", re.MULTILINE)


def environment() -> jinja2.Environment:
    """Return the templates of all pages; every value is escaped, and a missing one is an error.

    Texts are in the current language: `_("…")`, `plural("{n} …", "{n} …", n)`, and `{% trans %}` for texts with
    markup. The filter `label` names a label or decision; `message` translates a text that was made in English.

    >>> environment().from_string("{{ plural('{n} clip', '{n} clips', 12345) }}").render()
    '12,345 clips'
    """
    made = jinja2.Environment(
        loader=jinja2.PackageLoader("leopardnet.pages", "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    made.policies["ext.i18n.trimmed"] = True
    made.install_gettext_callables(translate, translate_plural)  # type: ignore[attr-defined]
    made.globals |= {"_": translate, "plural": translate_plural, "script_texts": script_texts}
    made.globals["language"] = current_language()
    made.filters |= {
        "count": format_number,
        "day": format_day,
        "decimals": lambda value, n: "–" if math.isnan(value) else format_number(value, n),
        "label": translate_label,
        "localised": localise_decimals,
        "message": translate_message,
        "probability": format_probability,
        "percent": lambda share: "<1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %",
    }
    return made


def read_style(*names: str) -> Markup:
    """Return style sheets of the pages, joined to stand inside a page."""
    return Markup("".join(_read(f"styles/{name}.css") for name in names))


def join_scripts(*names: str) -> Markup:
    """Return modules of the pages joined to one script, each after those that it imports.

    A page in one file has no addresses to import from, so `import` is left out, and `export` before a name.

    >>> "import" in join_scripts("shared/elements", "shared/picture")
    False
    """
    modules = (_read(f"scripts/{name}.js") for name in names)
    return Markup("\n".join(_EXPORT.sub("", _IMPORT.sub("", module)) for module in modules))


def _read(path: str) -> str:
    return (files("leopardnet.pages") / path).read_text(encoding="utf-8")
