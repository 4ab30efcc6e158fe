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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.boxes import parse_boxes
from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest, parse_time_zone
from leopardnet.core.tables import atomic_path, clip_id
from leopardnet.data.formats.camtrap_dp.places import Deployment, Places, StudyArea, text
from leopardnet.data.formats.camtrap_dp.rows import Observations
from leopardnet.data.formats.camtrap_dp.spec import (
    COLUMNS,
    MAIN,
    TABLES,
    describe,
    media_type,
    path_is_allowed,
    time_text,
)
from leopardnet.data.formats.written import WriteResult
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
    sayings: Observations | None = None,
) -> WriteResult:
    """What was written, after writing a package to the folder `out`, or to a zip where `out` ends in .zip.

    The labels of the manifest become observations of single files; the label of a burst becomes one of an event,
    because not every still of a burst need show it; the labels of a video's frames become observations of the
    seconds in which they lie. A row that has no label is unclassified, or unknown where somebody looked.

    Left out, and counted, are rows that the format cannot hold: without a time or a zone, without coordinates, with
    `..` in a file name, and frames without `time_s`. Coordinates come from `deployments` (see `read_deployments`),
    else from `study_area` (latitude, longitude, radius in metres). They are rounded, because places of rare animals
    are nobody's business: one decimal is about 10 km. `coordinateUncertainty` says so.

    scientific_names: such as {"tiger": "Panthera tigris"}; without it, labels stand as they are. metadata: keys of
    the description such as title, contributors, licenses, project. created: with a zone; default now. sayings: what is
    said of each row, in place of its label.

    What the format has no column for is not in it: split, picture sizes, frame numbers, and parts of a second.
    The path of every file stays relative. An existing package is replaced; a folder that holds anything else is not.

    Raises ManifestError where no row can be written, and where something else than a package is in the way.
    """
    out = Path(out)
    refused = {"resources", "profile"} & set(metadata or {})
    if refused:
        raise ManifestError(
            "this part of the description cannot be replaced",
            found=", ".join(sorted(refused)),
            expected="keys such as title, contributors, licenses or project",
        )
    if not 0 <= coordinate_digits <= 6:
        raise ManifestError(
            "coordinates cannot have so many decimals",
            where="coordinate_digits",
            found=coordinate_digits,
            expected="0 to 6",
        )
    maker = _Maker(manifest, deployments, study_area, coordinate_digits, sayings or Observations(scientific_names))
    maker.add_all()
    if not maker.n_rows:
        raise ManifestError(
            "no row of the manifest can be written as Camtrap DP",
            where=out.name,
            found=_counts(maker.reasons) or "no rows",
            expected="rows with a time, a zone, and a deployment with coordinates",
            todo="give deployments with coordinates, or a study area; import with a time zone",
        )
    placed = [d.row() for d in maker.deployments.values()]
    description = describe(
        placed,
        names=sorted(maker.sayings.names.items()),
        levels=sorted(maker.levels, reverse=True),
        created=created or datetime.now(UTC),
        coordinate_digits=coordinate_digits,
        metadata=metadata or {},
    )
    tables = {"deployments": placed, "media": list(maker.media.values()), "observations": maker.observations}
    files = {MAIN: json.dumps(description, ensure_ascii=False, indent=2) + "\n"}
    files |= {f"{t}.csv": _csv(tables[t], COLUMNS[t]) for t in TABLES}
    _write_zip(files, out) if out.suffix.lower() == ".zip" else _write_folder(files, out)
    return WriteResult(out, maker.n_rows, sum(maker.reasons.values()), dict(maker.reasons), maker.notes())


# --- from rows to tables ---


class _Maker:
    """Collects the three tables, row by row of the manifest."""

    def __init__(
        self,
        manifest: Manifest,
        table: pd.DataFrame | None,
        study_area: StudyArea | None,
        digits: int,
        sayings: Observations,
    ) -> None:
        t = manifest.table
        records: Any = t.astype(object).where(t.notna(), None).to_dict("records")
        self.rows: list[dict[str, Any]] = records
        self.sayings = sayings
        names: dict[str, set[str | None]] = defaultdict(set)
        for row in self.rows:
            if name := text(row["deployment"]):
                names[name].add(text(row["site"]))
        self.places = Places(table, names, study_area=study_area, coordinate_digits=digits)
        self.n_in_sequence = Counter(row["sequence_id"] for row in self.rows)
        self.deployments: dict[str, Deployment] = {}
        self.deployment_of: dict[str, Deployment] = {}  # by clip_id
        self.media: dict[str, dict[str, Any]] = {}
        self.observations: list[dict[str, Any]] = []
        self.n_said: Counter[str] = Counter()
        self.levels, self.reasons, self.n_rows = {"media"}, Counter[str](), 0

    def add_all(self) -> None:
        """Every row of the manifest, as rows of the package or as a reason."""
        for i, row in enumerate(self.rows):
            reason = self._add(i, row)
            if reason:
                self.reasons[reason] += 1
            else:
                self.n_rows += 1
        for clip, event in self.sayings.events():
            self.levels.add("event")
            self._observe(event, f"{event['eventID']}-event", self.deployment_of[clip])

    def notes(self) -> tuple[str, ...]:
        """What is missing or changed of rows that are in the package."""
        lost = [f"{what}: {n}" for what, n in self.sayings.lost.items()]
        n_outside = sum(d.n_outside for d in self.deployments.values())
        return tuple(
            lost + [f"observations outside the stated period of their deployment: {n_outside}"] * bool(n_outside)
        )

    def _add(self, i: int, row: Mapping[str, Any]) -> str | None:
        """Why the row is left out; None where it is in."""
        paths: list[str] = json.loads(row["paths"]) if row["kind"] == "burst" else [row["path"]]
        if row["captured_at"] is None:
            return "no time"
        if row["time_zone"] is None:
            return "no time zone"
        if not all(map(path_is_allowed, paths)):
            return "a path that the format does not allow, such as one with '..'"
        if not all(map(media_type, paths)):
            return "a file that is neither a video nor a picture by its suffix"
        if row["kind"] == "frame" and row["time_s"] is None:
            return "a frame without time_s"
        deployment = self.places.of(row, row["time_zone"])
        if deployment is None:
            return "no coordinates"
        time = row["captured_at"].to_pydatetime().replace(microsecond=0, tzinfo=_zone(i, row))
        if any(not self._fits(p, deployment, time) for p in paths):
            return "another time or deployment than an earlier row of the same file"
        self._put(row, paths, deployment, time)
        return None

    def _fits(self, path: str, deployment: Deployment, time: datetime) -> bool:
        known = self.media.get(clip_id(path))
        return known is None or (known["deploymentID"], known["timestamp"]) == (deployment.id, time)

    def _put(self, row: Mapping[str, Any], paths: Sequence[str], deployment: Deployment, time: datetime) -> None:
        self.deployments.setdefault(deployment.id, deployment)
        self.deployment_of[row["clip_id"]] = deployment
        for path in paths:
            if clip_id(path) not in self.media:
                self.media[clip_id(path)] = _media_row(row, path, deployment.id, time)
        of_stills = self.sayings.of_stills(row, paths, time) if row["kind"] == "burst" else None
        if row["kind"] == "burst" and of_stills is None:
            said = self._say_of_burst(row, paths, deployment, time)
        elif of_stills is not None:
            said = [
                {**o, "mediaID": clip_id(p), "eventID": text(row["sequence_id"])}
                for p, group in zip(paths, of_stills, strict=True)
                for o in group
            ]
        else:
            said = [
                {**o, "mediaID": clip_id(paths[0]), "eventID": text(row["sequence_id"])}
                for o in self.sayings.of(row, time)
            ]
        for o in said:
            self._observe(o, o.get("mediaID") or f"{row['clip_id']}-event", deployment)

    def _observe(self, o: Mapping[str, Any], key: str, deployment: Deployment) -> None:
        self.observations.append({**o, "observationID": f"{key}-{self.n_said[key]}", "deploymentID": deployment.id})
        self.n_said[key] += 1
        deployment.spans.append((o["eventStart"], o["eventEnd"]))

    def _say_of_burst(
        self, row: Mapping[str, Any], paths: Sequence[str], deployment: Deployment, time: datetime
    ) -> list[dict[str, Any]]:
        """An unclassified observation for each still, which ties it to the event, and the event's own."""
        is_alone = row["sequence_id"] is not None and self.n_in_sequence[row["sequence_id"]] == 1
        event = (text(row["sequence_id"]) if is_alone else None) or row["clip_id"]
        stills = [{**self.sayings.unnamed(time), "mediaID": clip_id(p), "eventID": event} for p in paths]
        if parse_boxes(row["boxes"]):  # a burst does not say in which of its stills a box lies
            self.sayings.lost["rows with boxes of a burst, not written"] += 1
        if not names_of(row) and not row["label_source"]:
            return stills
        self.levels.add("event")
        events = self.sayings.of({**row, "boxes": None}, time)
        return stills + [{**o, "observationLevel": "event", "eventID": event} for o in events]


def _zone(i: int, row: Mapping[str, Any]) -> Any:
    try:
        return parse_time_zone(row["time_zone"])
    except ManifestError as error:
        raise ManifestError(
            error.what,
            where=f"row {i + 1}, column time_zone",
            found=error.parts["found"],
            expected=error.parts["expected"],
        ) from None


def _media_row(row: Mapping[str, Any], path: str, deployment_id: str, time: datetime) -> dict[str, Any]:
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


def _counts(reasons: Mapping[str, int]) -> str:
    return "; ".join(f"{reason}: {n}" for reason, n in reasons.items())


# --- files ---


def _csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(c)) for c in columns] for row in rows)
    return file.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, float):  # never 1e-06, which not every reader takes for a number
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return str(value)


def _write_zip(files: Mapping[str, str], out: Path) -> None:
    with atomic_path(out) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            # a fixed date: the same rows give the same bytes
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content.encode("utf-8"))


def _write_folder(files: Mapping[str, str], out: Path) -> None:
    """The folder is made beside its place and moved there, so that half a package is never found."""
    out = out.resolve()  # "." has no name beside which to work
    if out.exists() and (not out.is_dir() or {p.name for p in out.iterdir()} - set(FILES)):
        raise ManifestError(
            "there is something else in the place of the package",
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
