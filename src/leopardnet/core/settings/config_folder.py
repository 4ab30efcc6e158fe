"""The folder of the settings that are shipped with the program."""

from __future__ import annotations

from pathlib import Path

from leopardnet.core.errors import ConfigError


def configs_dir() -> Path:
    """Return the folder of shipped settings: inside an installed package, or beside `src` in a checkout.

    Raises ConfigError if neither exists.

    >>> (configs_dir() / "label_maps").is_dir()
    True
    """
    package = Path(__file__).resolve().parents[2]
    for folder in (package / "configs", package.parent.parent / "configs"):
        if folder.is_dir():
            return folder
    raise ConfigError(
        "the settings that are shipped with the program are missing",
        expected="a folder `configs` in the package or in the checkout",
        todo="reinstall leopardnet",
    )
