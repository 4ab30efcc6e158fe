"""The pages are right: commands, links, paths and imports work, and every command has help with an example."""

from __future__ import annotations

import importlib
import re
import shlex
import textwrap
from pathlib import Path

import pytest
from typer.main import get_command

import leopardnet
from leopardnet.cli.console import VERB_MODULES, app

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "data/README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]


SOURCE = ROOT / "src" / "leopardnet"


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
def test_every_command_has_help_that_ends_with_an_example(path):
    command = VERBS[path]
    text = command.help or ""
    assert "Example" in text and f"leopardnet {' '.join(path)}" in text, text
    undocumented = [p.name for p in command.params if p.name != "help" and not getattr(p, "help", "")]
    assert not undocumented


def commands_in(page):
    """Yield the leopardnet commands of a page, with continued lines joined, except those with placeholders."""
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
def test_links_and_pictures_of_the_pages_exist(page):
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.S)
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", text):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", [p for p in PAGES if p.name != "LOG.md"], ids=lambda p: p.name)
def test_source_files_that_a_page_names_exist(page):
    for name in re.findall(r"`((?:[\w-]+/)+[\w-]+\.(?:py|yaml|ipynb))\b[^`]*`", page.read_text("utf-8")):
        assert (ROOT / name).exists() or (SOURCE / name).exists(), f"{page.name} names {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_modules_that_a_page_names_can_be_imported(page):
    text = page.read_text("utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.S):
        imports = [line for line in textwrap.dedent(block).splitlines() if line.startswith(("import ", "from "))]
        exec("\n".join(imports), {})
    for name in re.findall(r"`(leopardnet(?:\.\w+)+)`", text):
        importlib.import_module(name)


def test_the_public_names_of_a_page_exist():
    for page in PAGES:
        for name in re.findall(r"\bln\.(\w+)", page.read_text("utf-8")):
            assert hasattr(leopardnet, name), f"{page.name} names ln.{name}"


def test_the_make_targets_of_the_readme_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    named = set(re.findall(r"\bmake ([a-z-]+)", (ROOT / "README.md").read_text()))
    assert {"demo", "test"} <= named <= targets
