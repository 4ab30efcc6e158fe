"""Site, deployment, sequence and label from the folders of a path, without the folders that a camera made."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from leopardnet.core.errors import ConfigError
from leopardnet.core.footage.site_names import normalise_site

FIELDS = ("site", "deployment", "sequence", "label")
# Folders that cameras make on a card. A new one begins after 999 or 9999 files, so their names have no meaning.
CARD_FOLDER = re.compile(
    r"DCIM|\d+(?:RECNX|EK\d+|_BTCF|MEDIA|DSCIM|_?WCAM|IMAGE|STLTH|DCIM|CUDDY|D6OPR)"
    r"|\d{3}(?:GOPRO|APPLE|CANON|MSDCF|NIKON|OLYMP|_PANA|_FUJI)",
    re.IGNORECASE,
)
_BELOW_DCIM = re.compile(r"[1-9]\d{2}\w{5}", re.ASCII)  # names that the card standard (DCF) allows there


@lru_cache(maxsize=65536)
def _strip_card_folders(folder: str) -> str:
    kept, above = [], ""
    for part in folder.split("/"):
        on_card = CARD_FOLDER.fullmatch(part) or (above.upper() == "DCIM" and _BELOW_DCIM.fullmatch(part))
        if not on_card:
            kept.append(part)
        above = part
    return "/".join(kept)


def camera_folder(path: str) -> str:
    """Return the folder of a file without the folders that the camera made; '' for the root.

    >>> camera_folder("ridge/2024-05/DCIM/101RECNX/RCNX0031.JPG"), camera_folder("dcim/100EK113/EK000018.AVI")
    ('ridge/2024-05', '')
    """
    return _strip_card_folders(path.rpartition("/")[0])


@dataclass(frozen=True, slots=True)
class FolderPattern:
    """A pattern of paths, such as `{site}/{deployment}/*`.

    `{site} {deployment} {sequence} {label}` name a part. `{ignore}` and `*` match any text within one folder name,
    and `*` as the last part matches the rest of the path. Parts and text can be mixed: `{site}_{deployment}/*`.
    """

    text: str
    regex: re.Pattern[str]

    @classmethod
    def parse(cls, text: str) -> FolderPattern:
        """Parse a pattern. Raises ConfigError for an unknown or repeated name, and for a pattern without a name.

        >>> FolderPattern.parse("{site}/{deployment}/*").match("north/a1/DCIM/100EK113/EK01.AVI")
        {'site': 'north', 'deployment': 'a1'}
        """
        parts = unicodedata.normalize("NFC", text).strip("/").split("/")
        names = re.findall(r"\{(\w*)\}", text)
        for name in names:
            if name not in (*FIELDS, "ignore"):
                expected = ", ".join(f"{{{f}}}" for f in (*FIELDS, "ignore"))
                raise ConfigError(
                    "the folder pattern has an unknown part",
                    where=f"pattern {text}",
                    found=f"{{{name}}}",
                    expected=expected,
                )
        twice = sorted({n for n in names if n != "ignore" and names.count(n) > 1})
        if twice or not any(n in FIELDS for n in names):
            raise ConfigError(
                "the folder pattern must have at least one named part, and each one once",
                where=f"pattern {text}",
                found=f"{{{twice[0]}}} twice" if twice else "no named part",
                expected="such as {site}/{deployment}/*",
            )
        if re.search(r"\}\**\{|\*\*.", text) or _has_loose_brace(text):
            raise ConfigError(
                "the folder pattern is ambiguous",
                where=f"pattern {text}",
                expected="names in braces, with a slash or other text between them",
            )
        return cls(text, re.compile("/".join([*map(_part_regex, parts[:-1]), _last_part_regex(parts[-1])])))

    def match(self, path: str) -> Mapping[str, str] | None:
        """Return the named parts of a path, or None if it does not match the pattern.

        >>> FolderPattern.parse("{site}/{deployment}/*").match("loose.jpg") is None
        True
        """
        name = path.rpartition("/")[2]
        folder = camera_folder(path)
        found = self.regex.fullmatch(unicodedata.normalize("NFC", f"{folder}/{name}" if folder else name))
        return found.groupdict() if found else None

    def cut_below(self, name: str) -> FolderPattern:
        """Return the pattern down to the folder that holds a name, with any path below; itself where none does.

        >>> FolderPattern.parse("{label}/{site}/*").cut_below("label").match("tiger/1.jpg")
        {'label': 'tiger'}
        """
        parts = self.text.strip("/").split("/")
        folders = [i for i, part in enumerate(parts[:-1]) if f"{{{name}}}" in part]
        return self.parse("/".join([*parts[: folders[0] + 1], "*"])) if folders else self


def _has_loose_brace(text: str) -> bool:
    rest = re.sub(r"\{\w*\}", "", text)
    return "{" in rest or "}" in rest


def _part_regex(text: str) -> str:
    return "".join(map(_piece_regex, re.split(r"(\{\w+\}|\*)", text)))


def _piece_regex(text: str) -> str:
    if text == "*":
        return "[^/]*"
    if text == "{ignore}":
        return "[^/]+?"
    if text.startswith("{"):
        return f"(?P<{text[1:-1]}>[^/]+?)"
    return re.escape(text)


def _last_part_regex(text: str) -> str:
    return ".+" if text in ("*", "**") else _part_regex(text)


# --- which level holds the sites ---

MIN_REPEATED = 2  # names of folders that stand under several labels
_DATE = re.compile(r"(19|20)\d\d([ ._-]?\d\d?){0,2}|\d\d?[ ._-]\d\d?[ ._-](19|20)?\d\d")
_WORDS = {"day", "night", "video", "videos", "photo", "photos", "images", "день", "ночь", "видео", "фото"}


def find_site_level(paths: Iterable[str]) -> tuple[int, tuple[str, ...]] | None:
    """Return the level of folders that holds the sites, and the names there that stand under several labels.

    paths: of files, relative to the folder whose subfolders are labels. The first level below the labels counts at
    which two names or more stand under two labels or more: a camera films several animals, so its name comes back.
    Levels count from 1, that of the labels; folders that cameras make, dates and words such as `night` are no
    sites. None where no level does so.

    >>> find_site_level(["tiger/A1/1.jpg", "tiger/B2/2.jpg", "deer/A1/3.jpg", "deer/B2/4.jpg", "deer/C3/5.jpg"])
    (2, ('A1', 'B2'))
    >>> find_site_level(["tiger/2021/1.jpg", "deer/2021/2.jpg"]) is None
    True
    """
    labels: dict[int, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    written: dict[tuple[int, str], str] = {}
    for path in paths:
        folders = path.split("/")[:-1]
        for level, name in enumerate(folders[1:], 2):
            if _may_be_site(name):
                key = normalise_site(name)
                labels[level][key].add(folders[0])
                written.setdefault((level, key), name)
    for level in sorted(labels):
        repeated = [key for key, under in labels[level].items() if len(under) > 1]
        if len(repeated) >= MIN_REPEATED:
            return level, tuple(sorted(written[level, key] for key in repeated))
    return None


def site_pattern(level: int) -> str:
    """Return the folder pattern that takes the site from a level.

    >>> site_pattern(3)
    '{ignore}/{ignore}/{site}/*'
    """
    return "/".join(["{ignore}"] * (level - 1) + ["{site}", "*"])


def _may_be_site(name: str) -> bool:
    is_of_camera = camera_folder(f"{name}/x") == ""
    return not (is_of_camera or _DATE.fullmatch(name.strip()) or name.strip().casefold() in _WORDS)
