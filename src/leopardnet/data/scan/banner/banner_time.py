"""Capture times from the banners that cameras burn into their pictures, for files whose headers hold none.

A wrong time is worse than none. Each file is therefore read twice, and all files of a card are judged together (see
judge_card).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from leopardnet.core.errors import MediaError
from leopardnet.core.types import Clip
from leopardnet.data.reading.folder_pattern import camera_folder
from leopardnet.data.reading.tables.clock_time import DateOrder
from leopardnet.data.scan.banner.banner_card import Judgement, judge_card
from leopardnet.data.scan.banner.banner_stamp import Stamp, find_stamp
from leopardnet.media.banner_text import BannerReader, TextRow, cut_bands
from leopardnet.media.decode import decode

SHORT_SIDE_PX = 1080
MIN_HEIGHT_PX = 14  # lower text is read wrong without a low score
_SECOND_FRAME_S = 1.0
_MAX_THREADS = 8


@dataclass(frozen=True, slots=True)
class BannerReading:
    """The stamp in the banner of a file; without one, why it is doubtful, '' where there is no stamp at all."""

    stamp: Stamp | None = None
    doubt: str = ""


class BannerTimeReader:
    """A reader of the times in the banners of many files.

    date_order: of day and month, where the dates of a card do not show it. Raises BackendError where the extra
    `banner` is not installed.
    """

    def __init__(self, date_order: DateOrder | None = None) -> None:
        self._date_order = date_order
        self._reader = BannerReader()

    def read(
        self, clips: Sequence[Clip], root: Path, *, on_progress: Callable[[int, int], None] | None = None
    ) -> list[Judgement]:
        """Return the naive time of each clip, or why it is not certain, '' where no banner holds a time.

        clips: of one file each, in the order of their names. The files of one deployment are one card; without a
        deployment those of one folder, not counting folders that the camera made.
        """
        readings: list[BannerReading] = []
        with ThreadPoolExecutor(min(_MAX_THREADS, os.cpu_count() or 1)) as pool:
            for reading in pool.map(lambda clip: read_banner(clip, root, self._reader), clips):
                readings.append(reading)
                if on_progress is not None:
                    on_progress(len(readings), len(clips))
        judged: list[Judgement] = [reading.doubt for reading in readings]
        cards: dict[tuple[str, str], list[tuple[int, Stamp]]] = {}
        for i, (clip, reading) in enumerate(zip(clips, readings, strict=True)):
            if reading.stamp is not None:
                card = (clip.site or "", clip.deployment) if clip.deployment else ("", camera_folder(clip.path))
                cards.setdefault(card, []).append((i, reading.stamp))
        for card_stamps in cards.values():
            places, stamps = zip(*card_stamps, strict=True)
            for i, time in zip(
                places, judge_card(stamps, now=datetime.now(), date_order=self._date_order), strict=True
            ):
                judged[i] = time
        return judged


def read_banner(clip: Clip, root: Path, reader: BannerReader) -> BannerReading:
    """Read the banner of a still or video twice: at two sizes, or in two frames of a video, which must agree."""
    wanted = [0.0, _SECOND_FRAME_S] if clip.kind == "video" else [0.0]
    try:
        frames = decode(clip, root, times_s=np.array(wanted), short_side_px=SHORT_SIDE_PX)
    except MediaError:
        return BannerReading()  # the row stays, and `check` reports the fault of the file
    bands = cut_bands(frames.pixels[0])
    rows = [reader.read(band) for band in bands]
    first = find_legible_stamp(rows[0] + rows[1])
    if first.stamp is None:
        return first
    if len(frames) > 1:
        views = cut_bands(frames.pixels[1])
    else:
        views = [_resize_row(band, row) for band, found in zip(bands, rows, strict=True) for row in found]
    again = [
        reader.read(view, min_score=0.0) for view in views
    ]  # it must be the same, so its score does not matter
    second = find_stamp(row.text for found in again for row in found)
    if second is None or not agree(first.stamp, second):
        return BannerReading(doubt=f"read as {first.stamp.text} and as {second.text if second else 'no time'}")
    return first


def find_legible_stamp(rows: Sequence[TextRow]) -> BannerReading:
    """Find the stamp in lines that are high enough to be read."""
    legible = [row for row in rows if row.height_px >= MIN_HEIGHT_PX]
    if stamp := find_stamp(row.text for row in legible):
        return BannerReading(stamp)
    small = find_stamp(row.text for row in rows)
    return BannerReading(doubt=f"the text is less than {MIN_HEIGHT_PX} px high" if small else "")


def agree(first: Stamp, second: Stamp) -> bool:
    """Return whether two stamps of one file are the same, or the second is as much later as a running clock.

    >>> agree(Stamp("2014-07-01", "9:13:59"), Stamp("2014-07-01", "9:14:00"))
    True
    >>> agree(Stamp("2014-07-01", "9:13:59"), Stamp("2014-07-01", "9:13:50"))
    False
    """
    if first == second:
        return True
    if (first.date_style, first.clock_style) != (second.date_style, second.clock_style):
        return False
    a, b = first.parse("dmy") or first.parse("mdy"), second.parse("dmy") or second.parse("mdy")
    step = timedelta(seconds=2) if first.clock_style.count(":") == 2 else timedelta(minutes=1)
    return a is not None and b is not None and timedelta(0) <= b - a <= step


def _resize_row(band: NDArray[np.uint8], row: TextRow) -> NDArray[np.uint8]:
    """Return a line of text cut out at another size, at which a chance error is not repeated.

    The cut is longer than the line, because its end may not have been seen on a bright ground.
    """
    left, top, right, bottom = row.box
    margin, extra = row.height_px // 3, 4 * row.height_px
    part = band[max(top - margin, 0) : bottom + margin, max(left - extra, 0) : right + extra]
    scale = 1.5 if row.height_px < 36 else 0.7
    return np.asarray(
        cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    )
