"""What the pages promise exists: every verb has help with an example, every command in the pages parses, links lead somewhere."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from leopardnet.cli.console import VERB_MODULES, app

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "data/README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


def command_tree():
    for name in VERB_MODULES:
        importlib.import_module(f"leopardnet.cli.{name}")

    def walk(command, path):
        children = getattr(command, "commands", None)  # typer's groups are click's in all but class
        if not children:
            yield path, command
        for name, child in (children or {}).items():
            yield from walk(child, (*path, name))

    return dict(walk(get_command(app), ()))


VERBS = command_tree()


@pytest.mark.parametrize("path", VERBS, ids=" ".join)
def test_every_verb_explains_itself_with_an_example(path):
    command = VERBS[path]
    text = command.help or ""
    assert "Example" in text and f"leopardnet {' '.join(path)}" in text, text
    undocumented = [p.name for p in command.params if p.name != "help" and not getattr(p, "help", "")]
    assert not undocumented


def commands_in(page):
    """The leopardnet commands of a page, with continued lines joined and placeholders left out."""
    text = page.read_text("utf-8").replace("\\\n", " ")
    for block in re.findall(r"```\w*\n(.*?)```|`(leopardnet [^`]+)`", text, flags=re.S):
        for line in "\n".join(block).splitlines():
            line = line.strip().removeprefix("$ ").split("#")[0].split("→")[0]
            if line.startswith("leopardnet ") and not re.search(r"[\[…|]", line):
                yield line


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_command_of_the_pages_parses(page):
    for line in commands_in(page):
        words = shlex.split(line)[1:]
        path = next((p for n in (2, 1) if (p := tuple(words[:n])) in VERBS), None)
        assert path or words[0].startswith(("-", "VERB", "import")), f"{page.name}: no such verb: {line}"
        if path is None or len(words) == len(path):
            continue  # a bare verb, named in a sentence
        known = {o for p in VERBS[path].params for o in p.opts} | {"--help"}
        unknown = [w for w in words if w.startswith("--") and w.split("=")[0] not in known]
        assert not unknown, f"{page.name}: {line}: no option {unknown}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_and_pictures_of_the_pages_are_there(page):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_make_targets_of_the_readme_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    named = set(re.findall(r"\bmake ([a-z-]+)", (ROOT / "README.md").read_text()))
    assert {"demo", "test"} <= named <= targets
