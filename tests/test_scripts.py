"""Scripts and notebooks fit the package: the names that they import exist, and every script explains itself."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = sorted((ROOT / "scripts").rglob("*.py"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def python_of(path):
    """Return the Python code of a script or a notebook, without the magics of notebooks."""
    if path.suffix == ".py":
        return path.read_text("utf-8")
    cells = json.loads(path.read_text("utf-8"))["cells"]
    lines = [line for cell in cells if cell["cell_type"] == "code" for line in [*cell["source"], "\n"]]
    return "".join(line for line in lines if not line.startswith("%"))


@pytest.mark.parametrize("path", [*SCRIPTS, *NOTEBOOKS], ids=lambda p: p.relative_to(ROOT).as_posix())
def test_names_imported_from_the_package_exist(path):
    pytest.importorskip("torch", reason="the extra [train] is not installed")
    for node in ast.walk(ast.parse(python_of(path))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "leopardnet":
            module = importlib.import_module(node.module)
            for alias in node.names:
                is_module = hasattr(module, "__path__") and importlib.util.find_spec(f"{node.module}.{alias.name}")
                assert hasattr(module, alias.name) or is_module, f"{node.module} has no {alias.name}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_script_says_what_it_does_and_names_itself_in_its_example(path):
    text = path.read_text("utf-8")
    assert ast.get_docstring(ast.parse(text))
    name = path.relative_to(ROOT).as_posix()
    assert '__name__ == "__main__"' not in text or f"python {name}" in text


def test_scripts_of_the_makefile_exist():
    named = re.findall(r"scripts/[\w/]+\.py", (ROOT / "Makefile").read_text("utf-8"))
    assert named and all((ROOT / name).is_file() for name in named)
