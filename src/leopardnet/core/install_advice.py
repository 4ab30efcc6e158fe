"""The command that installs an extra, in the form that fits how leopardnet itself was installed."""

from __future__ import annotations

from pathlib import Path

SOURCE_TREE = Path(__file__).resolve().parents[3]


def name_install(*extras: str) -> str:
    """Return the command that adds these extras; without any, the one that installs leopardnet again.

    With the source tree around this package, it is the command of the tree, with the versions that are tested;
    whoever installed a wheel has neither.
    """
    names = f"[{','.join(extras)}]" if extras else ""
    if (SOURCE_TREE / "pyproject.toml").is_file() and (SOURCE_TREE / "constraints.txt").is_file():
        return "pip install -c constraints.txt -e " + (f'".{names}"' if names else ".")
    return f'pip install "leopardnet{names}"' if names else "pip install --force-reinstall leopardnet"
