"""data.yaml of a YOLO data set: its classes, and the places of the pictures of each split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leopardnet.core.errors import ManifestError

SPLIT_KEYS = {"train": "train", "val": "val", "valid": "val", "test": "test"}


@dataclass(frozen=True)
class Description:
    """The content of data.yaml: class names by index, the base folder, and the sources of each split."""

    file: Path
    base: Path
    names: dict[int, str]
    splits: list[tuple[str | None, str]]


def read_description(file: Path) -> Description:
    """Read a data.yaml, by default with the folder `images`. Raises ManifestError with the key at fault."""
    from yaml import YAMLError, safe_load

    try:
        data = safe_load(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ManifestError(
            "the YOLO description cannot be read", where=file, found=error.strerror, expected="data.yaml"
        ) from None
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ManifestError(
            "data.yaml is not readable YAML",
            where=file.name,
            found=getattr(error, "problem", None) or type(error).__name__,
        ) from None
    if not isinstance(data, dict):
        raise ManifestError(
            "this is not a YOLO description",
            where=file.name,
            found=type(data).__name__,
            expected="a mapping with names, train and val",
        )
    names = _read_names(data.get("names"), data.get("nc"), file.name)
    splits: list[tuple[str | None, str]] = []
    for key, split in SPLIT_KEYS.items():
        value = data.get(key)
        for entry in value if isinstance(value, list) else [value] if value else []:
            if not isinstance(entry, str):
                raise ManifestError(
                    "a split must name folders or lists of pictures", where=f"{file.name}, {key}", found=repr(entry)
                )
            splits.append((split, entry))
    base = _find_base(file, data["path"]) if data.get("path") else file.parent
    return Description(file, base, names, splits or [(None, "images")])


def _find_base(file: Path, path: Any) -> Path:
    """Return the base folder: the folder of data.yaml where the path is that of another computer."""
    given = file.parent / str(path).replace("\\", "/")
    return given if given.is_dir() else file.parent


def _read_names(value: Any, n_classes: Any, where: str) -> dict[int, str]:
    names = dict(enumerate(value)) if isinstance(value, list) else value
    ok = (
        isinstance(names, dict)
        and names
        and all(type(k) is int and k >= 0 and isinstance(v, str) and v.strip() for k, v in names.items())
    )
    if not ok or (isinstance(n_classes, int) and n_classes != len(names)):
        raise ManifestError(
            "data.yaml does not name its classes",
            where=f"{where}, names",
            found=f"{len(names)} names but nc: {n_classes}" if ok else repr(value)[:120],
            expected="a list of names, or {0: name, 1: name, …}; put no, yes and numbers in quotes",
        )
    return {k: v.strip() for k, v in names.items()}
