"""Texts that were made in English, with their values inside, in the language of the reader.

Errors, notes and sentences of evaluations are kept in files, compared and sent between processes, so they stay
English. Where they are shown, a text is looked up in the catalogue: as it is, or by the one entry whose fixed words
it has, and the values between these words are translated in the same way. What is in no entry stays English, and so
does a whole text in which English words would be left: a sentence in one language is better than one in two.
"""

from __future__ import annotations

import re
from functools import lru_cache
from string import Formatter

from leopardnet.core.errors import LeopardnetError
from leopardnet.core.language.catalogue import read_catalogue, translate
from leopardnet.core.language.choice import ENGLISH, current_language
from leopardnet.core.language.number_form import INTERVAL, localise_numbers

CONTEXT = "message"
Pattern = tuple[re.Pattern[str], str]
NAMED = re.compile(r"(found|expected|do): ([^;]*)")
JOINED = re.compile("; ")  # of sentences, and of the parts of an error
JOINT = re.compile(r"(, | \(|\)$| (?=and others$)| (?=… and \d))")  # between the items of a list
LABELS = re.compile(r"[a-z_]+(?: \(\d+\))?(?: and [a-z_]+(?: \(\d+\))?)+")  # each with its count, if any
ENGLISH_WORD = re.compile(  # those that are in no name of a label, and in few of a site
    r"(?:^|(?<=[ (]))(?:an|and|are|as|at|be|been|by|can|cannot|clips?|confidence|each|for|from|has|have|if|in|is|"
    r"it|its|labels?|missed|no|not|of|on|one|only|or|others?|sites?|than|that|the|them|they|this|to|was|were|where|"
    r"which|with)(?=$|[ ,:)]|\.(?: |$))"
)
ITEM = re.compile(r"(?:^|(?<=, )|(?<=→ ))other(?: \d+)?(?=$|,| →| …| and \d)")  # the label, in a list of names
ESTIMATE = re.compile(r"(-?[\d.]+) \(([^()]+)\)")  # a figure, and its interval or why there is none
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|«[^»]*»")
TEXT = "(?:(?!; ).)*?"  # a value, which holds no joint of sentences
NUMBERS = re.compile(r"[+-]?\d[\d.,]*")
NUMBER = r"[+-]?[\d.,]+"
WORD = re.compile(r"[A-Za-z]{2,}")
FEWEST_WORDS = 2  # a pattern that begins with a value and has fewer words holds numbers alone
NAMES = frozenset(  # values that may look like a number, and are a name
    ("path", "file", "folder", "name", "site", "deployment", "camera", "sequence", "label", "key", "zone")
)
MOST_NESTED = 4  # a value inside a value inside …


def translate_message(text: str) -> str:
    """Return a text that was made in English in the current language, line by line.

    >>> translate_message("no clip has a label")
    'no clip has a label'
    """
    if current_language() == ENGLISH:
        return text
    lines = ((line, line.lstrip(" ")) for line in text.split("\n"))
    return "\n".join(line.removesuffix(x) + _translate_line(x, current_language()) for line, x in lines)


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
    """Translate a text whole, or part by part where "; " joins several; as it is where a part is in no entry."""
    rest, done = text, []
    while rest:
        heads = [rest, *(rest[: joint.start()] for joint in reversed(list(JOINED.finditer(rest))))]
        found = ((head, _translate_part(head, language, n_nested)) for head in heads)
        head, words = next(((head, words) for head, words in found if words is not None), ("", ""))
        if not head:
            return text
        done.append(words)
        rest = rest[len(head) :].removeprefix("; ")
    return "; ".join(done)


def _translate_part(text: str, language: str, n_nested: int) -> str | None:
    """Translate a text by the entry that is equal to it, or by a pattern whose words it has; None without one."""
    whole, patterns = _read_messages(language)
    if text in whole:
        return whole[text]
    if (words := translate(text)) != text:
        return words
    if n_nested > MOST_NESTED or " " not in text:
        return None
    for pattern, words in patterns:
        if found := pattern.fullmatch(text):
            values = {
                k: _translate_value(v, language, n_nested + 1, is_name=k in NAMES)
                for k, v in found.groupdict().items()
            }
            if not any(map(_has_english, values.values())):
                return words.format(**values)
    if part := ESTIMATE.fullmatch(text):
        return f"{localise_numbers(part[1])} ({_translate_value(part[2], language, n_nested + 1)})"
    if part := NAMED.fullmatch(text):  # of an error on one line, as in the column `reason`
        return f"{translate(part[1])}: {_translate_line(part[2], language, n_nested + 1)}"
    first, colon, rest = text.partition(": ")
    if JOINED.search(first):
        return None  # a name in front of a colon ends before the next sentence
    tail = _translate_part(rest, language, n_nested + 1) if colon else None
    if tail is None and NUMBERS.fullmatch(rest):
        tail = localise_numbers(rest)  # a count behind its noun
    head = _translate_part(first, language, n_nested + 1) or (None if _has_english(first) else first)  # or a name
    return None if tail is None or head is None else f"{head}: {tail}"


def _has_english(value: str) -> bool:
    """Return whether a value holds English prose, and not only names, numbers, quotations and paths."""
    is_path = "/" in value or "\\" in value
    return " " in value and not is_path and ENGLISH_WORD.search(ITEM.sub("", QUOTED.sub("", value))) is not None


def _translate_value(value: str, language: str, n_nested: int, *, is_name: bool = False) -> str:
    """Translate what stands between the words of a text: another text, or several that are joined.

    The signs of numbers are changed once, where nothing is translated. is_name: they stay.
    """
    text = value.strip()
    if LABELS.fullmatch(text):
        return value.replace(" and ", f" {translate('and')} ")
    pieces = JOINT.split(text)
    joined = [piece if i % 2 else _translate_line(piece, language, n_nested) for i, piece in enumerate(pieces)]
    is_known = all(words != piece for words, piece in zip(joined[::2], pieces[::2], strict=True))
    words = "".join(joined) if is_known else _translate_line(text, language, n_nested)
    if words == text and joined != pieces:
        words = "".join(
            x if is_name or x != piece else localise_numbers(x) for x, piece in zip(joined, pieces, strict=True)
        )
    elif words == text:
        words = text if is_name else localise_numbers(text)
    return value.replace(text, INTERVAL.sub(r"\1–\2", words)) if text else value


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
            expression = "".join(
                re.escape(words) + (f"(?P<{name}>{_match_value(name, is_weak)})" if name is not None else "")
                for words, name, _, _ in parts
            )
            patterns.append((len(parts[0][0]), len(fixed), re.compile(expression), str(message.string)))
    patterns.sort(key=lambda entry: entry[:2], reverse=True)
    return whole, tuple((pattern, words) for *_, pattern, words in patterns)


def _match_value(name: str, is_weak: bool) -> str:
    """Return the expression of a value: a number where its name says that it counts, or its pattern is weak."""
    return NUMBER if is_weak or name.startswith("n_") else TEXT
