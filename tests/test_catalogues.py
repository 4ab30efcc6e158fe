"""Catalogues of texts are complete: nothing is missing, fuzzy, left over, or has other values than the English."""

from __future__ import annotations

import ast
import importlib.util
import io
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("yaml")
ROOT = Path(__file__).resolve().parent.parent


def load_script():
    spec = importlib.util.spec_from_file_location("update_catalogues", ROOT / "scripts" / "update_catalogues.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


script = load_script()


@pytest.fixture(scope="module")
def texts():
    return script.collect_texts()


@pytest.mark.parametrize("path", script.CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_a_catalogue_is_up_to_date(path, texts):
    assert script.find_faults(path, texts) == [], (
        "run `python scripts/update_catalogues.py`, and translate what is new"
    )


@pytest.mark.parametrize("path", script.CATALOGUES, ids=lambda path: path.parent.parent.name)
def test_no_entry_holds_two_translations_in_a_row(path):
    """As a merge of two catalogues leaves them: then the entry is twice as long as its text."""
    from babel.messages.pofile import read_po

    catalogue = read_po(io.BytesIO(path.read_bytes()), locale=path.parent.parent.name)
    whole = [m for m in catalogue if isinstance(m.id, str) and len(m.string) > 40]
    assert [m.string for m in whole if m.id and len(m.string) > 2 * len(m.id)] == []


def test_there_is_a_catalogue_for_every_language_but_english():
    from leopardnet.core.language import LANGUAGES

    assert sorted(path.parent.parent.name for path in script.CATALOGUES) == sorted(set(LANGUAGES) - {"en"})


def test_texts_come_from_templates_scripts_and_python(texts):
    places = {Path(path).suffix for message in texts for path, _ in message.locations}
    assert {".py", ".js", ".j2"} <= places
    assert texts.get("no clip", "label") is None and texts.get("leopard", "label") is not None


HEADER = """msgid ""
msgstr ""
"Language: ru\\n"
"Plural-Forms: nplurals=3; plural=(n%10==1 ? 0 : n%10>=2 && n%10<=4 ? 1 : 2);\\n"
"""


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ('msgid "one {n}"\nmsgstr "один {n}"', None),
        ('msgid "one {n}"\nmsgstr "один"', "other placeholders"),
        ('msgid "one {n}"\nmsgstr "один {m}"', "other placeholders"),
        ('msgid "one {n}"\nmsgstr "один {n"', "one {n}"),
        ('msgid "one {n}"\nmsgstr "один {n}.Один {n}"', "two texts in one"),
        ('msgid "one {n}"\nmsgstr "один {n}одинОдин"', "two texts in one"),
        ('msgid "one {n}"\nmsgstr ""', "not translated"),
        ('#, fuzzy\nmsgid "one {n}"\nmsgstr "один {n}"', "fuzzy"),
        ('msgid "one {n}"\nmsgstr "один {n}"\n\nmsgid "two"\nmsgstr "два"', "obsolete"),
        ('msgid "two"\nmsgstr "два"', "missing"),
    ],
)
def test_every_fault_is_found(tmp_path, entry, fault):
    from babel.messages.catalog import Catalog

    wanted = Catalog()
    wanted.add("one {n}")
    path = tmp_path / "ru" / "LC_MESSAGES" / "leopardnet.po"
    path.parent.mkdir(parents=True)
    path.write_text(f"{HEADER}\n{entry}\n", "utf-8")
    found = script.find_faults(path, wanted)
    assert found == [] if fault is None else any(fault in line for line in found), found


def test_values_of_a_message_become_placeholders():
    call = ast.parse('say(f"{a.n} of {len(b)} clips" if c else "no {x}" + f" {d:.2f}")').body[0].value
    assert [script.write_template(x) for x in script.split_choices(call.args[0])] == [
        "{n} of {value} clips",
        "no {{x}} {d}",
    ]


def test_an_update_keeps_translations_and_is_stable(tmp_path, texts):
    from babel.messages.pofile import read_po

    path = script.CATALOGUES[0]
    once = script.update(path, texts)
    assert once == path.read_bytes(), "run `python scripts/update_catalogues.py`"
    known = read_po(io.BytesIO(once), locale="ru")
    assert known.get("Look at these first").string == "Проверить в первую очередь"


def test_a_count_that_is_printed_reads_well_of_one_thing_too(texts):
    """It stands behind its noun, as in "empty files: 1", or is one "of 5 clips", or the text has a form for one."""
    verbs = r"(?!(?:has|lies|begins|ends)\b)"
    counted = re.compile(r"(?<!of )\{(n|n_\w+|value\w*)\} " + verbs + r"[a-z]+s\b")
    rooms = tuple(f"src/leopardnet/{room}/" for room in ("cli", "records", "report"))
    found = [
        message.id
        for message in texts
        if message.context == "message"
        and counted.search(message.id)
        and any(place.startswith(rooms) for place, _ in message.locations)
    ]
    assert found == []


def test_every_text_that_python_translates_is_collected(texts):
    """Babel does not look into f-strings, so a text that is translated inside of one would stay English."""
    calls = (
        node
        for path in sorted((ROOT / "src").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("translate", "translate_plural")
    )
    first = (call.args[0].value for call in calls if call.args and isinstance(call.args[0], ast.Constant))
    assert [text for text in first if texts.get(text) is None] == []
