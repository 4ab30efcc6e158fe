"""The catalogue of texts of each language; English texts are their own ids."""

from __future__ import annotations

import gettext
import io
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from leopardnet.core.labels import JOINER
from leopardnet.core.language.choice import ENGLISH, current_language
from leopardnet.core.language.number_form import format_number

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

LABEL = "label"  # the context of names of labels, decisions and other values


def translate(text: str, **values: object) -> str:
    """Return a text in the current language with values in the place of {name}; English where it is unknown.

    >>> translate("written: {path}", path="report.html")
    'written: report.html'
    """
    words = _translations(current_language()).gettext(text) if text else ""
    return words.format(**values) if values else words


def translate_plural(one: str, many: str, n: int, **values: object) -> str:
    """Return the form of a text that suits the number n, which stands in the place of {n}.

    >>> translate_plural("{n} clip", "{n} clips", 1), translate_plural("{n} clip", "{n} clips", 12345)
    ('1 clip', '12,345 clips')
    """
    return _translations(current_language()).ngettext(one, many, n).format(n=format_number(n), **values)


def translate_label(name: str) -> str:
    """Return the name of a label or decision, or of several joined ones, for people; its id stays what it is.

    >>> translate_label("sika_deer + tiger")
    'sika deer + tiger'
    """
    find = _translations(current_language()).pgettext
    names = ((find(LABEL, part), part) for part in name.split(JOINER))
    return JOINER.join(part.replace("_", " ") if words == part else words for words, part in names)


def script_texts() -> dict[str, Any]:
    """Return what the scripts of pages show in the current language, for JSON.

    language: its name. texts: translations by English text; those with a number have a list of forms. labels: names
    of labels and decisions.
    """
    texts: dict[str, Any] = {}
    labels: dict[str, str] = {}
    for message in read_catalogue(current_language()) or ():
        if message.context == LABEL:
            labels[str(message.id)] = str(message.string)
        elif message.id and any(str(path).endswith(".js") for path, _ in message.locations):
            is_plural = isinstance(message.id, (list, tuple))
            texts[message.id[0] if is_plural else str(message.id)] = (
                list(message.string or ()) if is_plural else str(message.string)
            )
    return {"language": current_language(), "texts": texts, "labels": labels}


@lru_cache
def read_catalogue(language: str) -> Catalog | None:
    """Return the catalogue of a language, read when a text first asks for it; None for English, which has none."""
    if language == ENGLISH:
        return None
    from babel.messages.pofile import read_po

    content = (files("leopardnet") / "locale" / language / "LC_MESSAGES" / "leopardnet.po").read_bytes()
    return read_po(io.BytesIO(content), locale=language)


@lru_cache
def _translations(language: str) -> gettext.NullTranslations:
    catalogue = read_catalogue(language)
    if catalogue is None:
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo

    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
