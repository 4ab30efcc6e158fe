"""The names of the formats that results are written in: one list for the library and the command line."""

from __future__ import annotations

from typing import Literal, get_args

Format = Literal[
    "csv", "parquet", "jsonl", "xlsx", "megadetector", "camtrap-dp", "coco", "yolo", "voc", "timelapse"
]
SoundFormat = Literal["raven", "audacity"]
FORMATS: tuple[Format, ...] = get_args(Format)
