"""Pages of the documentation site that are made from the program: commands, settings, columns of tables.

MkDocs loads this file as a hook (`mkdocs.yml`). The pages are made at each build and are not committed, so they
cannot fall behind.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from mkdocs.config.defaults import MkDocsConfig

ROOT = Path(__file__).resolve().parent.parent
ROW = "| {} | {} |\n"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Write the generated pages into docs/reference, where they are built like the others; git ignores them."""
    folder = Path(config.docs_dir) / "reference"
    folder.mkdir(exist_ok=True)
    for name, write in (("commands", list_commands), ("settings", list_settings), ("columns", list_columns)):
        (folder / f"{name}.md").write_text(write(), "utf-8")
    return config


def list_commands() -> str:
    """Return a page with every command: what it does, its arguments and options, and its example."""
    from typer.main import get_command

    from leopardnet.cli.console import VERB_MODULES, app

    for name in VERB_MODULES:
        importlib.import_module(f"leopardnet.cli.{name}")
    parts = ["# Commands\n\nWhat `leopardnet VERB --help` prints, for every verb.\n"]
    for path, command in _walk(get_command(app), ()):
        parts.append(f"\n## leopardnet {' '.join(path)}\n\n{_format_help(command.help or '')}\n\n")
        parts.append(ROW.format("argument or option", "meaning") + ROW.format("---", "---"))
        for parameter in command.params:
            names = ", ".join(f"`{x}`" for x in (*parameter.opts, *parameter.secondary_opts))
            if parameter.param_type_name == "argument":
                names = f"`{parameter.metavar or parameter.name.upper()}`"
            parts.append(ROW.format(names, _cell(getattr(parameter, "help", "") or "Show the help text.")))
    return "".join(parts)


def _walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    children = getattr(command, "commands", None)
    if not children:
        yield path, command
    for name in sorted(children or {}):
        yield from _walk(children[name], (*path, name))


def _format_help(text: str) -> str:
    return re.sub(r"^Example: (.*)$", r"Example: `\1`", text.replace("\b", ""), flags=re.M)


def list_settings() -> str:
    """Return a page with every group of settings, and the files of each, with their comments."""
    parts = [
        "# Settings\n\nA file of `configs/` is one choice: `GROUP=FILE` takes it, `GROUP.KEY=VALUE` changes it.\n"
    ]
    for folder in sorted(p for p in (ROOT / "configs").iterdir() if p.is_dir()):
        parts.append(f"\n## {folder.name}\n")
        for path in sorted(folder.glob("*.yaml")):
            text = path.read_text("utf-8")
            yaml.safe_load(text)
            parts.append(f"\n### {folder.name}={path.stem}\n\n```yaml\n{text.rstrip()}\n```\n")
    return "".join(parts)


def list_columns() -> str:
    """Return a page with the columns of every table."""
    from leopardnet.core import columns
    from leopardnet.data.scan.deployments import DEPLOYMENTS

    tables = {
        "Manifest": columns.MANIFEST,
        "Predictions: predictions.parquet": columns.predictions_columns(["leopard"]),
        "Frames: evidence.parquet": columns.evidence_columns(["leopard"]),
        "Deployments": DEPLOYMENTS,
        "Findings of check": columns.FINDINGS,
    }
    parts = [
        "# Columns of tables\n\nThere is one `p_<label>` and one `cos_<label>` for each label, here leopard.\n"
    ]
    for title, table in tables.items():
        parts.append(f"\n## {title}\n\n| column | type | may be empty | meaning |\n|---|---|---|---|\n")
        for c in table:
            rule = f" ({c.rule})" if c.rule else ""
            parts.append(
                f"| `{c.name}` | {c.dtype} | {'yes' if c.nullable else 'no'} | {_cell(c.meaning + rule)} |\n"
            )
    return "".join(parts)


def _cell(text: str) -> str:
    """Return a text that fits into a cell of a table."""
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ").strip()
