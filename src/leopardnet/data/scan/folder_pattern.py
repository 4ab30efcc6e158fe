"""What a folder tree says about its files: card folders taken out, then site, deployment, sequence and label."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from leopardnet.core.errors import ConfigError

FIELDS = ("site", "deployment", "sequence", "label")
# Folders that cameras make by themselves on a card; a new one begins at every 999 or 9999 files, so they mean nothing.
CARD_FOLDER = re.compile(
    r"DCIM|\d+RECNX|\d+EK\d+|\d+_BTCF|\d+MEDIA|\d+DSCIM|\d+_?WCAM|\d+IMAGE|\d+STLTH|\d+DCIM|\d+CUDDY", re.IGNORECASE
)
_BELOW_DCIM = re.compile(r"[1-9]\d{2}\w{5}", re.ASCII)  # what the card standard (DCF) allows there


@lru_cache(maxsize=65536)
def _without_card_folders(folder: str) -> str:
    kept, above = [], ""
    for part in folder.split("/"):
        on_card = CARD_FOLDER.fullmatch(part) or (above.upper() == "DCIM" and _BELOW_DCIM.fullmatch(part))
        if not on_card:
            kept.append(part)
        above = part
    return "/".join(kept)


def camera_folder(path: str) -> str:
    """The folder of a file without the folders that the camera made; '' for the root.

    >>> camera_folder("ridge/2024-05/DCIM/101RECNX/RCNX0031.JPG"), camera_folder("dcim/100EK113/EK000018.AVI")
    ('ridge/2024-05', '')
    """
    return _without_card_folders(path.rpartition("/")[0])


@dataclass(frozen=True, slots=True)
class FolderPattern:
    """How paths are built, such as `{site}/{deployment}/*`.

    `{site} {deployment} {sequence} {label}` name a part, `{ignore}` or `*` stand for any text within one folder
    name, and `*` as the last part for everything that follows. Parts may be mixed with text: `{site}_{deployment}/*`.
    """

    text: str
    regex: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> FolderPattern:
        """The pattern that `text` describes. Raises ConfigError for an unknown or repeated name.

        >>> FolderPattern.parse("{site}/{deployment}/*").match("north/a1/DCIM/100EK113/EK01.AVI")
        {'site': 'north', 'deployment': 'a1'}
        """
        parts = unicodedata.normalize("NFC", text).strip("/").split("/")
        names = re.findall(r"\{(\w*)\}", text)
        for name in names:
            if name not in (*FIELDS, "ignore"):
                expected = ", ".join(f"{{{f}}}" for f in (*FIELDS, "ignore"))
                raise ConfigError(
                    "the folder pattern names an unknown part",
                    where=f"pattern {text}",
                    found=f"{{{name}}}",
                    expected=expected,
                )
        twice = sorted({n for n in names if n != "ignore" and names.count(n) > 1})
        if twice or not any(n in FIELDS for n in names):
            raise ConfigError(
                "the folder pattern must name each part once, and at least one",
                where=f"pattern {text}",
                found=f"{{{twice[0]}}} twice" if twice else "no named part",
                expected="such as {site}/{deployment}/*",
            )
        if re.search(r"\}\**\{|\*\*.", text) or _has_loose_brace(text):
            raise ConfigError(
                "the folder pattern is not clear",
                where=f"pattern {text}",
                expected="names in braces with a folder border or other text between them",
            )
        return cls(text, re.compile("/".join([*map(_part, parts[:-1]), _last_part(parts[-1])])))

    def match(self, path: str) -> Mapping[str, str] | None:
        """What the path says, by name, or None where it is not built like the pattern.

        >>> FolderPattern.parse("{site}/{deployment}/*").match("loose.jpg") is None
        True
        """
        name = path.rpartition("/")[2]
        folder = camera_folder(path)
        found = self.regex.fullmatch(unicodedata.normalize("NFC", f"{folder}/{name}" if folder else name))
        return found.groupdict() if found else None


def _has_loose_brace(text: str) -> bool:
    rest = re.sub(r"\{\w*\}", "", text)
    return "{" in rest or "}" in rest


def _part(text: str) -> str:
    pieces = re.split(r"(\{\w+\}|\*)", text)
    return "".join(_piece(p) for p in pieces)


def _piece(text: str) -> str:
    if text == "*":
        return "[^/]*"
    if text == "{ignore}":
        return "[^/]+?"
    if text.startswith("{"):
        return f"(?P<{text[1:-1]}>[^/]+?)"
    return re.escape(text)


def _last_part(text: str) -> str:
    return ".+" if text in ("*", "**") else _part(text)
