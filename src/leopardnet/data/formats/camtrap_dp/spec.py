"""The structure of a Camtrap DP 1.0.2 package: its columns in order, its media types, and its description."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

VERSION = "1.0.2"
MAIN = "datapackage.json"
TABLES = ("deployments", "media", "observations")
_BASE = f"https://raw.githubusercontent.com/tdwg/camtrap-dp/{VERSION}"

COLUMNS: dict[str, tuple[str, ...]] = {
    "deployments": (
        "deploymentID", "locationID", "locationName", "latitude", "longitude", "coordinateUncertainty",
        "deploymentStart", "deploymentEnd", "setupBy", "cameraID", "cameraModel", "cameraDelay", "cameraHeight",
        "cameraDepth", "cameraTilt", "cameraHeading", "detectionDistance", "timestampIssues", "baitUse",
        "featureType", "habitat", "deploymentGroups", "deploymentTags", "deploymentComments",
    ),
    "media": (
        "mediaID", "deploymentID", "captureMethod", "timestamp", "filePath", "filePublic", "fileName",
        "fileMediatype", "exifData", "favorite", "mediaComments",
    ),
    "observations": (
        "observationID", "deploymentID", "mediaID", "eventID", "eventStart", "eventEnd", "observationLevel",
        "observationType", "cameraSetupType", "scientificName", "count", "lifeStage", "sex", "behavior",
        "individualID", "individualPositionRadius", "individualPositionAngle", "individualSpeed", "bboxX",
        "bboxY", "bboxWidth", "bboxHeight", "classificationMethod", "classifiedBy", "classificationTimestamp",
        "classificationProbability", "observationTags", "observationComments",
    ),
}  # fmt: skip
BOX_COLUMNS = ("bboxX", "bboxY", "bboxWidth", "bboxHeight")  # left, top, width, height as fractions
# Cells that readers of the format take for empty, even in quotes.
MISSING = ("", "NA", "NaN", "nan")

# Not the table of the system, which takes .3gp for a sound, .mts for a 3D model, and .asf for an application.
MEDIA_TYPES = {
    ".avi": "video/x-msvideo",
    ".mp4": "video/mp4",
    ".m4v": "video/x-m4v",
    ".mov": "video/quicktime",
    ".asf": "video/x-ms-asf",
    ".wmv": "video/x-ms-wmv",
    ".mkv": "video/x-matroska",
    ".mpg": "video/mpeg",
    ".mpeg": "video/mpeg",
    ".3gp": "video/3gpp",
    ".mts": "video/mp2t",
    ".m2ts": "video/mp2t",
    ".flv": "video/x-flv",
    ".webm": "video/webm",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".bmp": "image/bmp",
    ".webp": "image/webp",
    ".avif": "image/avif",
    **dict.fromkeys((".jpe", ".jfif", ".mpo", ".insp"), "image/jpeg"),
    **dict.fromkeys((".divx", ".tlv"), "video/x-msvideo"),
    **dict.fromkeys((".insv", ".360", ".f4v"), "video/mp4"),
    **dict.fromkeys((".vob", ".mod"), "video/mpeg"),
    ".ts": "video/mp2t",
    ".3g2": "video/3gpp2",
    ".h264": "video/h264",
    **dict.fromkeys((".h265", ".hevc"), "video/h265"),
    ".heic": "image/heic",
    **dict.fromkeys((".heif", ".hif"), "image/heif"),
    ".dng": "image/x-adobe-dng",
    **{f".{x}": f"image/x-canon-{x}" for x in ("cr2", "cr3", "crw")},
    **{f".{x}": f"image/x-nikon-{x}" for x in ("nef", "nrw")},
    ".arw": "image/x-sony-arw",
    ".raf": "image/x-fuji-raf",
    ".orf": "image/x-olympus-orf",
    ".rw2": "image/x-panasonic-rw2",
    ".pef": "image/x-pentax-pef",
    ".srw": "image/x-samsung-srw",
    ".gpr": "image/x-gopro-gpr",
}


def media_type(path: str) -> str | None:
    """Return the media type of a file by its suffix, in upper or lower case; None for a suffix of no footage.

    >>> media_type("d1/IMAG0001.AVI"), media_type("x.txt")
    ('video/x-msvideo', None)
    """
    return MEDIA_TYPES.get("." + path.rpartition("/")[2].rpartition(".")[2].lower().rstrip())


def path_is_allowed(path: str) -> bool:
    """Return whether the format can hold this relative path: no `..` anywhere, and no dot, slash or ~ in front.

    >>> path_is_allowed("d1/1.AVI"), path_is_allowed("d1/IMAG0001..AVI"), path_is_allowed(".d1/1.AVI")
    (True, False, False)
    """
    return path[:1] not in ("", ".", "/", "~") and ".." not in path and not {"\n", "\r"} & set(path)


def time_text(time: datetime) -> str:
    """Format an aware time in whole seconds with its offset, the only form that the format allows.

    >>> from datetime import timezone
    >>> time_text(datetime(2021, 12, 30, 22, 34, 56, 900_000, timezone.utc))
    '2021-12-30T22:34:56+00:00'
    """
    assert time.tzinfo is not None
    return time.isoformat(timespec="seconds")  # rounds down


def describe(
    deployments: Sequence[Mapping[str, Any]],
    *,
    names: Iterable[tuple[str, str | None]],
    levels: Sequence[str],
    created: datetime,
    coordinate_digits: int,
    metadata: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the content of `datapackage.json`. It states no licence unless the metadata has one.

    deployments: at least one row with latitude, longitude, deploymentStart and deploymentEnd. names: scientific
    names, each with its English name or None. metadata: keys that replace the ones made here.
    """
    project = {
        "title": "Camera-trap footage",
        "samplingDesign": "opportunistic",
        "captureMethod": ["activityDetection"],
        "individualAnimals": False,
        "observationLevel": list(levels),
    }
    taxonomic = [
        {"scientificName": n, "vernacularNames": {"eng": v}} if v else {"scientificName": n} for n, v in names
    ]
    made = {
        "resources": [_resource(t) for t in TABLES],
        "profile": f"{_BASE}/camtrap-dp-profile.json",
        "created": time_text(created),
        "contributors": [{"title": "not stated"}],
        "project": project,
        "coordinatePrecision": 10.0**-coordinate_digits,
        "spatial": _enclose(deployments, 0.5 * 10.0**-coordinate_digits),
        "temporal": {
            "start": min(d["deploymentStart"] for d in deployments).date().isoformat(),
            "end": max(d["deploymentEnd"] for d in deployments).date().isoformat(),
        },
        "taxonomic": taxonomic,
    }
    return {**made, **metadata, "project": {**project, **metadata.get("project", {})}}


def _resource(table: str) -> dict[str, str]:
    return {
        "name": table,
        "path": f"{table}.csv",
        "profile": "tabular-data-resource",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "schema": f"{_BASE}/{table}-table-schema.json",
    }


def _enclose(deployments: Sequence[Mapping[str, Any]], margin_deg: float) -> dict[str, Any]:
    """Return the rectangle around all places. The margin covers what rounding may have moved them by."""
    lats, lons = [[d[c] for d in deployments] for c in ("latitude", "longitude")]
    south, north = max(min(lats) - margin_deg, -90.0), min(max(lats) + margin_deg, 90.0)
    west, east = max(min(lons) - margin_deg, -180.0), min(max(lons) + margin_deg, 180.0)
    corners = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    return {"type": "Polygon", "coordinates": [[[round(x, 6), round(y, 6)] for x, y in corners]]}
