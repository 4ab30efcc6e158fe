"""Writing a labelled manifest as a Camtrap DP 1.0.2 package, in a folder or a zip, whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import zipfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.boxes import parse_boxes
from leopardnet.core.columns import FIRST_ROW
from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest, parse_time_zone
from leopardnet.core.tables import atomic_path, clip_id
from leopardnet.data.formats.camtrap_dp.places import Deployment, Places, StudyArea, strip_text
from leopardnet.data.formats.camtrap_dp.rows import Observation, Observations
from leopardnet.data.formats.camtrap_dp.spec import (
    COLUMNS,
    MAIN,
    TABLES,
    describe,
    media_type,
    path_is_allowed,
    time_text,
)
from leopardnet.data.formats.write_result import WriteResult
from leopardnet.data.reading.to_manifest import names_of

FILES = (MAIN, *(f"{t}.csv" for t in TABLES))


def write_camtrap_dp(
    manifest: Manifest,
    out: Path,
    *,
    deployments: pd.DataFrame | None = None,
    study_area: StudyArea | None = None,
    coordinate_digits: int = 1,
    scientific_names: Mapping[str, str] | None = None,
    metadata: Mapping[str, Any] | None = None,
    created: datetime | None = None,
    observations: Observations | None = None,
) -> WriteResult:
    """Write a package to the folder `out`, or to a zip where `out` ends in .zip.

    Labels become observations of single files, and labels of video frames become observations of their seconds. The
    label of a burst becomes an observation of an event, as not every still need show it. A row without a label
    is unclassified, or unknown where it has a label_source.

    Rows that the format cannot hold are left out and counted: those without a time, a zone or coordinates, with
    `..` in a file name, and frames without `time_s`. Coordinates come from `deployments` (see `read_deployments`),
    or else from `study_area` (latitude, longitude, radius in metres). They are rounded to protect rare animals: one
    decimal is about 10 km. `coordinateUncertainty` states the error.

    scientific_names: such as {"tiger": "Panthera tigris"}; without it, labels are written unchanged. metadata: keys
    of the description such as title, contributors, licenses, project. created: with a zone; default now.
    observations: makes observations from something else than the labels of the manifest.
    The format has no columns for split, picture size, frame number and fractions of a second. An existing package
    is replaced. Raises ManifestError where no row can be written, and for a folder that holds anything else.

    >>> ln.write_camtrap_dp(manifest, Path("package.zip"), deployments=deployments)  # doctest: +SKIP
    """
    out = Path(out)
    if refused := {"resources", "profile"} & set(metadata or {}):
        raise ManifestError(
            "this part of the description cannot be replaced",
            found=", ".join(sorted(refused)),
            expected="keys such as title, contributors, licenses or project",
        )
    if not 0 <= coordinate_digits <= 6:
        raise ManifestError(
            "this number of decimals is not allowed",
            where="coordinate_digits",
            found=coordinate_digits,
            expected="0 to 6",
        )
    made = observations or Observations(scientific_names)
    maker = _Maker(manifest, deployments, study_area, coordinate_digits, made)
    maker.add_all()
    if not maker.n_rows:
        raise ManifestError(
            "no row of the manifest can be written as Camtrap DP",
            where=out.name,
            found=_format_counts(maker.reasons) or "no rows",
            expected="rows with a time, a zone, and a deployment with coordinates",
            todo="give deployments with coordinates, or a study area; import with a time zone",
        )
    placed = [d.row() for d in maker.deployments.values()]
    description = describe(
        placed,
        names=sorted(made.names.items()),
        levels=sorted(maker.levels, reverse=True),
        created=created or datetime.now(UTC),
        coordinate_digits=maker.places.coarsest_digits,
        metadata=metadata or {},
    )
    tables: tuple[Sequence[Mapping[str, object]], ...] = (placed, list(maker.media.values()), maker.rows)
    files = {MAIN: json.dumps(description, ensure_ascii=False, indent=2) + "\n"}
    files |= {f"{t}.csv": _format_csv(table, COLUMNS[t]) for t, table in zip(TABLES, tables, strict=True)}
    _write_zip(files, out) if out.suffix.lower() == ".zip" else _write_folder(files, out)
    return WriteResult(out, maker.n_rows, sum(maker.reasons.values()), dict(maker.reasons), maker.notes())


# --- from rows to tables ---


class _Maker:
    """Collects the three tables from the rows of a manifest."""

    def __init__(
        self,
        manifest: Manifest,
        table: pd.DataFrame | None,
        study_area: StudyArea | None,
        digits: int,
        observations: Observations,
    ) -> None:
        t = manifest.table
        records: Any = t.astype(object).where(t.notna(), None).to_dict("records")
        self.records: list[dict[str, Any]] = records
        self.observations = observations
        names: dict[str, set[str | None]] = defaultdict(set)
        for row in self.records:
            if name := strip_text(row["deployment"]):
                names[name].add(strip_text(row["site"]))
        self.places = Places(table, names, study_area=study_area, coordinate_digits=digits)
        self.n_in_sequence = Counter(row["sequence_id"] for row in self.records)
        self.deployments: dict[str, Deployment] = {}
        self.deployment_of: dict[str, Deployment] = {}  # by clip_id
        self.media: dict[str, dict[str, object]] = {}
        self.rows: list[Observation] = []
        self.n_by_key: Counter[str] = Counter()
        self.levels, self.reasons, self.n_rows = {"media"}, Counter[str](), 0

    def add_all(self) -> None:
        """Add every row of the manifest, or count the reason why it is left out."""
        for i, row in enumerate(self.records):
            reason = self._add(i, row)
            if reason:
                self.reasons[reason] += 1
            else:
                self.n_rows += 1
        for clip, event in self.observations.make_events():
            self.levels.add("event")
            self._observe(event, f"{event['eventID']}-event", self.deployment_of[clip])

    def notes(self) -> tuple[str, ...]:
        """Return what is missing or changed in rows of the package."""
        lost = [f"{what}: {n}" for what, n in self.observations.lost.items()]
        n_outside = sum(d.n_outside for d in self.deployments.values())
        return tuple(
            lost + [f"observations outside the given period of their deployment: {n_outside}"] * bool(n_outside)
        )

    def _add(self, i: int, row: Mapping[str, Any]) -> str | None:
        """Add a row, or return the reason why it is left out."""
        paths: list[str] = json.loads(row["paths"]) if row["kind"] == "burst" else [row["path"]]
        if row["captured_at"] is None:
            return "no time"
        if row["time_zone"] is None:
            return "no time zone"
        if not all(map(path_is_allowed, paths)):
            return "a path that the format does not allow, such as one with '..'"
        if not all(map(media_type, paths)):
            return "a file whose suffix is neither that of a video nor of a picture"
        if row["kind"] == "frame" and row["time_s"] is None:
            return "a frame without time_s"
        deployment = self.places.find(row, row["time_zone"])
        if deployment is None:
            return "no coordinates"
        time = row["captured_at"].to_pydatetime().replace(microsecond=0, tzinfo=_parse_zone(i, row))
        if any(not self._fits(p, deployment, time) for p in paths):
            return "another time or deployment than an earlier row of the same file"
        self._write(row, paths, deployment, time)
        return None

    def _fits(self, path: str, deployment: Deployment, time: datetime) -> bool:
        known = self.media.get(clip_id(path))
        return known is None or (known["deploymentID"], known["timestamp"]) == (deployment.id, time)

    def _write(self, row: Mapping[str, Any], paths: Sequence[str], deployment: Deployment, time: datetime) -> None:
        self.deployments.setdefault(deployment.id, deployment)
        self.deployment_of[row["clip_id"]] = deployment
        for path in paths:
            if clip_id(path) not in self.media:
                self.media[clip_id(path)] = _media_row(row, path, deployment.id, time)
        is_burst = row["kind"] == "burst"
        groups = (
            self.observations.make_for_stills(row, paths, time) if is_burst else [self.observations.make(row, time)]
        )
        if groups is None:
            made = self._observe_burst(row, paths, time)
        else:
            event, pairs = strip_text(row["sequence_id"]), zip(paths, groups, strict=True)
            made = [{**o, "mediaID": clip_id(p), "eventID": event} for p, group in pairs for o in group]
        for o in made:
            self._observe(o, o.get("mediaID") or f"{row['clip_id']}-event", deployment)

    def _observe(self, o: Observation, key: str, deployment: Deployment) -> None:
        self.rows.append({**o, "observationID": f"{key}-{self.n_by_key[key]}", "deploymentID": deployment.id})
        self.n_by_key[key] += 1
        deployment.spans.append((o["eventStart"], o["eventEnd"]))

    def _observe_burst(self, row: Mapping[str, Any], paths: Sequence[str], time: datetime) -> list[Observation]:
        """Return an unclassified observation for each still, which ties it to the event, and those of the event."""
        is_alone = row["sequence_id"] is not None and self.n_in_sequence[row["sequence_id"]] == 1
        event = (strip_text(row["sequence_id"]) if is_alone else None) or row["clip_id"]
        still = self.observations.make_unclassified(time)
        made: list[Observation] = [{**still, "mediaID": clip_id(p), "eventID": event} for p in paths]
        if parse_boxes(row["boxes"]):  # it is unknown in which still a box lies
            self.observations.lost["rows with boxes of a burst, not written"] += 1
        if not names_of(row) and not row["label_source"]:
            return made
        self.levels.add("event")
        for o in self.observations.make({**row, "boxes": None}, time):
            made.append({**o, "observationLevel": "event", "eventID": event})
        return made


def _parse_zone(i: int, row: Mapping[str, Any]) -> tzinfo:
    try:
        return parse_time_zone(row["time_zone"])
    except ManifestError as error:
        raise ManifestError(
            error.what,
            where=f"row {i + FIRST_ROW}, column time_zone",
            found=error.parts["found"],
            expected=error.parts["expected"],
        ) from None


def _media_row(row: Mapping[str, Any], path: str, deployment_id: str, time: datetime) -> dict[str, object]:
    return {
        "mediaID": clip_id(path),
        "deploymentID": deployment_id,
        "timestamp": time,
        "filePath": path,
        "filePublic": "false",
        "fileName": path.rpartition("/")[2],
        "fileMediatype": media_type(path),
        "mediaComments": f"time from {row['time_source']}" if row["time_source"] else None,
    }


def _format_counts(reasons: Mapping[str, int]) -> str:
    return "; ".join(f"{reason}: {n}" for reason, n in reasons.items())


# --- files ---


def _format_csv(rows: Sequence[Mapping[str, object]], columns: Sequence[str]) -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_format_cell(row.get(c)) for c in columns] for row in rows)
    return file.getvalue()


def _format_cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, float):  # never 1e-06, which not every reader accepts
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return str(value)


def _write_zip(files: Mapping[str, str], out: Path) -> None:
    with atomic_path(out) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            # A fixed date, so that the same rows give the same bytes.
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content.encode("utf-8"))


def _write_folder(files: Mapping[str, str], out: Path) -> None:
    """Write to a temporary folder and move it into place, so that half a package is never found."""
    out = out.resolve()  # "." has no name for a folder beside it
    if out.exists() and (not out.is_dir() or {p.name for p in out.iterdir()} - set(FILES)):
        raise ManifestError(
            "something other than a package is in the way",
            where=out.name,
            expected="a new folder, an empty one, or an older package",
            todo="choose another folder",
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    part, old = (out.with_name(f".{out.name}.{os.getpid()}.{x}") for x in ("part", "old"))
    try:
        part.mkdir()
        for name, content in files.items():
            with (part / name).open("w", encoding="utf-8", newline="") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        if out.exists():
            out.replace(old)
        part.replace(out)
    finally:
        if old.exists() and not out.exists():
            old.replace(out)
        for folder in (part, old):
            shutil.rmtree(folder, ignore_errors=True)
