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
PART = re.compile(r"(?:(found|expected|do): )?(.*)")
JOINT = re.compile(r"(, |; | \(|\)$| (?=and others$)| (?=… and \d))")  # between the items of a list
INTERVAL = re.compile(r"(-?\d[\d.]*) to (-?\d[\d.]*)")
WORD = re.compile(r"[A-Za-z]{2,}")
FEWEST_WORDS = 2  # a pattern that begins with a value and has fewer words holds numbers alone
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
    where, found, expected, todo = error.parts.values()
    parts = {
        translate("error"): translate_message(str(error.what)),
        translate("where"): where,  # these two are the user's own words
        translate("found"): found,
        translate("expected"): None if expected is None else translate_message(str(expected)),
        translate("do"): None if todo is None else translate_message(str(todo)),
    }
    return [(name, str(value)) for name, value in parts.items() if value is not None]


def _translate_line(text: str, language: str, n_nested: int = 0) -> str:
    """Translate a text by the entry that is equal to it, or by the pattern whose words it has."""
    whole, patterns = _read_messages(language)
    if text in whole:
        return whole[text]
    if (words := translate(text)) != text or n_nested > MOST_NESTED or " " not in text:
        return words
    for pattern, words in patterns:
        if found := pattern.fullmatch(text):
            values = {k: _translate_value(v, language, n_nested + 1) for k, v in found.groupdict().items()}
            return words.format(**values)
    if "; " not in text:
        return text
    # An error on one line, as in the column `reason`: what is wrong, then named parts.
    parts = (PART.fullmatch(part) for part in text.split("; "))
    return "; ".join(
        (translate(part[1]) + ": " if part[1] else "") + _translate_line(part[2], language, n_nested + 1)
        for part in parts
        if part
    )


def _translate_value(value: str, language: str, n_nested: int) -> str:
    """Translate what stands between the words of a text: another text, or several that are joined."""
    text = value.strip()
    pieces = JOINT.split(text)
    joined = [piece if i % 2 else _translate_line(piece, language, n_nested) for i, piece in enumerate(pieces)]
    is_known = all(words != piece for words, piece in zip(joined[::2], pieces[::2], strict=True))
    words = "".join(joined) if is_known else _translate_line(text, language, n_nested)
    words = INTERVAL.sub(r"\1–\2", "".join(joined) if words == text else words)
    return value.replace(text, words) if text else value


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
            fixed = " ".join(words for words, *_ in parts)
            is_weak = not parts[0][0] and ":" not in fixed and len(WORD.findall(fixed)) < FEWEST_WORDS
            value = r"[\d.,]+" if is_weak else ".*?"
            expression = "".join(
                re.escape(words) + (f"(?P<{name}>{value})" if name is not None else "")
                for words, name, _, _ in parts
            )
            patterns.append((len(parts[0][0]), len(fixed), re.compile(expression), str(message.string)))
    patterns.sort(key=lambda entry: entry[:2], reverse=True)
    return whole, tuple((pattern, words) for *_, pattern, words in patterns)
