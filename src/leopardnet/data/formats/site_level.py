"""Which level of folders below those of labels holds the sites, where footage is sorted as label/site/…"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable

from leopardnet.core.footage.site_names import normalise_site
from leopardnet.data.reading.folder_pattern import camera_folder

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
