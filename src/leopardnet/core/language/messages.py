"""Texts that were made in English, with their values inside, in the language of the reader.

Errors, notes and sentences of evaluations are kept in files, compared and sent between processes, so they stay
English. Where they are shown, a text is looked up in the catalogue: as it is, or by the one entry whose fixed words
it has, and the values between these words are translated in the same way. What is in no entry stays English.
"""

from __future__ import annotations

import re
from functools import lru_cache
from string import Formatter

from leopardnet.core.errors import LeopardnetError
from leopardnet.core.language.catalogue import read_catalogue, translate
from leopardnet.core.language.choice import ENGLISH, current_language

CONTEXT = "message"
Pattern = tuple[re.Pattern[str], str]
MOST_NESTED = 4  # a value inside a value inside …


def translate_message(text: str) -> str:
    """Return a text that was made in English in the current language, line by line.

    >>> translate_message("no clip has a label")
    'no clip has a label'
    """
    if current_language() == ENGLISH:
        return text
    return "\n".join(_translate_line(line, current_language()) for line in text.split("\n"))


def translate_error(error: LeopardnetError) -> list[tuple[str, str]]:
    """Return the parts of an error in the current language, each with its name: what is wrong comes first.

    >>> translate_error(LeopardnetError("no clip has a label", where="clips.csv"))
    [('error', 'no clip has a label'), ('where', 'clips.csv')]
    """
    names = {
        "where": translate("where"),
        "found": translate("found"),
        "expected": translate("expected"),
        "do": translate("do"),
    }
    parts = [(names[name], str(value)) for name, value in error.parts.items() if value is not None]
    return [(name, translate_message(text)) for name, text in ((translate("error"), error.what), *parts)]


def _translate_line(text: str, language: str, n_nested: int = 0) -> str:
    whole, patterns = _read_messages(language)
    if text in whole:
        return whole[text]
    if (words := translate(text)) != text or n_nested > MOST_NESTED or " " not in text:
        return words
    for pattern, words in patterns:
        found = pattern.fullmatch(text)
        if found:
            values = {k: _translate_line(v, language, n_nested + 1) for k, v in found.groupdict().items()}
            return words.format(**values)
    return text


@lru_cache
def _read_messages(language: str) -> tuple[dict[str, str], tuple[Pattern, ...]]:
    """Return the entries without values by their English text, and the others as patterns.

    The patterns that begin with more fixed words come first, and of these the ones with more fixed words in all.
    """
    whole, patterns = {}, []
    for message in read_catalogue(language) or ():
        if message.context != CONTEXT or not message.string:
            continue
        parts = list(Formatter().parse(str(message.id)))
        if all(name is None for _, name, _, _ in parts):
            whole["".join(words for words, *_ in parts)] = str(message.string).format()
        else:
            expression = "".join(
                re.escape(words) + (f"(?P<{name}>.*?)" if name is not None else "") for words, name, _, _ in parts
            )
            n_words = sum(len(words) for words, *_ in parts)
            patterns.append((len(parts[0][0]), n_words, re.compile(expression), str(message.string)))
    patterns.sort(key=lambda entry: entry[:2], reverse=True)
    return whole, tuple((pattern, words) for *_, pattern, words in patterns)
