"""The verbs of a survey: where to look after a record, and what a planned layout of cameras can find."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leopardnet.cli.console import app, print_json, print_rows, say
from leopardnet.cli.options import DateFormat, Encoding, Json, open_manifest
from leopardnet.core.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

verbs = typer.Typer(
    name="survey", no_args_is_help=True, help="Where to look after a record, and what a layout of cameras can find."
)
app.add_typer(verbs)
SigmaKm = Annotated[
    float | None,
    typer.Option(
        "--sigma-km", min=0.001, max=1000, help="Scale of an animal's range. [default: of --label's home range]"
    ),
]
SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="Home ranges and weights: a copy of configs/records/survey.yaml.")
]
Places = Annotated[
    Path,
    typer.Option("--deployments", help="Table of deployments with latitude and longitude: CSV, Excel, Parquet."),
]


OneRecord = Annotated[
    list[str] | None,
    typer.Option("--record", metavar="ID", help="Only after this record. May be repeated. [default: all notable]"),
]
AllRecords = Annotated[bool, typer.Option("--all", help="After all records of the label, notable or not.")]
Suspected = Annotated[
    bool, typer.Option("--suspected", help="Count suspected records, too, where others are confirmed by a person.")
]


@verbs.command()
def after(
    records: Annotated[
        Path, typer.Argument(help="Folder that `leopardnet records` wrote, or its table of records.")
    ],
    deployments: Places,
    ranges: Annotated[
        Path | None, typer.Option("--range", help="GeoJSON of ranges and barriers, as for `leopardnet records`.")
    ] = None,
    manifest: Annotated[
        Path | None, typer.Option("--manifest", help="Manifest of the archive, for the last clip of each camera.")
    ] = None,
    label: Annotated[str, typer.Option("--label", help="The animal.")] = "leopard",
    record: OneRecord = None,
    all_records: AllRecords = False,
    suspected: Suspected = False,
    sigma_km: SigmaKm = None,
    settings_file: SettingsFile = None,
    out: Annotated[Path, typer.Option("--out", help="Table without coordinates: .csv or .parquet.")] = Path(
        "places.csv"
    ),
    geojson: Annotated[Path | None, typer.Option("--geojson", help="Also a map file, with coordinates.")] = None,
    gpx: Annotated[
        Path | None, typer.Option("--gpx", help="Also way points for a device, with coordinates.")
    ] = None,
    encoding: Encoding = None,
    date_format: DateFormat = None,
    as_json: Json = False,
) -> None:
    """After a record, rank the places without a camera and the cameras to visit first, with the reasons.

    Suspected records count only where no person has confirmed one, or with --suspected or --record.
    Coordinates are written only with --geojson or --gpx, and never those of cameras whose owner forbids it.

    Example: leopardnet survey after records/ --deployments deployments.csv --range range.geojson --gpx places.gpx
    """
    from leopardnet.core.tables import write_table
    from leopardnet.data.scan.deployments import read_deployments_table
    from leopardnet.records.find_records import read_records
    from leopardnet.records.ranges.read_ranges import read_ranges
    from leopardnet.records.survey.rank_places import rank_places
    from leopardnet.records.survey.survey_settings import load_survey_settings
    from leopardnet.records.survey.write_places import write_geojson, write_gpx

    places, notes = read_deployments_table(deployments, encoding=encoding, date_format=date_format)
    found = rank_places(
        _choose(read_records(records), record or [], all_records=all_records),
        places,
        load_survey_settings(settings_file),
        label=label,
        sigma_km=sigma_km,
        barriers=[(b.name, b.line) for b in read_ranges(ranges).barriers] if ranges else (),
        clips=open_manifest(manifest).table if manifest else None,
        with_suspected=suspected or bool(record),
    )
    table = found.without_coordinates()
    write_table(table, out)
    left_out = [write(found, path) for write, path in ((write_geojson, geojson), (write_gpx, gpx)) if path]
    notes = (*notes, *found.notes)
    if left_out and left_out[0]:
        notes = (*notes, f"places in no file with coordinates, because their owner forbids it: {left_out[0]}")
    if as_json:
        print_json({"places": table.to_dict("records"), "assumptions": found.assumptions, "notes": notes})
        return
    _print_places(table, label, found.assumptions, notes)
    say(f"written: {', '.join(p.name for p in (out, geojson, gpx) if p)}")


@verbs.command()
def plan(
    cameras: Annotated[
        Path, typer.Option("--cameras", help="Table of planned cameras: deployment, latitude, longitude.")
    ],
    density: Annotated[float, typer.Option("--density", min=0.0, help="Animals per 100 km².")],
    lambda0: Annotated[
        float,
        typer.Option("--lambda0", min=0.0, help="Detections per occasion by a camera in the middle of a range."),
    ],
    occasions: Annotated[int, typer.Option("--occasions", min=1, help="Number of occasions, such as days.")],
    label: Annotated[str, typer.Option("--label", help="The animal, for its sigma.")] = "leopard",
    sigma_km: SigmaKm = None,
    settings_file: SettingsFile = None,
    detector: Annotated[
        str, typer.Option("--detector", help="proximity: cameras; multi: traps that hold an animal.")
    ] = "proximity",
    buffer_km: Annotated[
        float | None, typer.Option("--buffer-km", min=0.0, max=20_000, help="Land around them. [default: 4 sigma]")
    ] = None,
    candidates: Annotated[
        Path | None, typer.Option("--candidates", help="Table of further places, in the same form.")
    ] = None,
    n_add: Annotated[int, typer.Option("--add", min=1, help="Candidates to add, the best first.")] = 5,
    out: Annotated[
        Path | None, typer.Option("--out", help="Table of the candidates to add: .csv or .parquet.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say how many animals and recaptures to expect of a layout of cameras, and what each further one adds.

    The relative error of a density from it is about 1 / sqrt(the smaller of the two) (Efford and Boulanger 2019).

    Example: leopardnet survey plan --cameras cameras.csv --density 1 --lambda0 0.02 --occasions 90 --label leopard
    """
    from leopardnet.core.tables import write_table
    from leopardnet.data.scan.deployments import read_deployments
    from leopardnet.records.survey.expected_captures import Detection
    from leopardnet.records.survey.plan_survey import plan_survey
    from leopardnet.records.survey.survey_settings import load_survey_settings

    if detector not in ("proximity", "multi"):
        raise typer.BadParameter("must be proximity or multi", param_hint="--detector")
    source = "given"
    if sigma_km is None:
        sigma_km, source = load_survey_settings(settings_file).find_sigma(label)
    detection = Detection(
        density / 100, lambda0, sigma_km, occasions, "multi" if detector == "multi" else "proximity"
    )
    found = plan_survey(
        read_deployments(cameras),
        detection,
        candidates=read_deployments(candidates) if candidates else None,
        n_add=n_add,
        buffer_km=buffer_km,
    )
    if out is not None:
        write_table(found.added, out)
    _print_plan(found, sigma_km, source, as_json=as_json)


def _choose(records: pd.DataFrame, ids: list[str], *, all_records: bool) -> pd.DataFrame:
    """Return the records to survey after: those with these ids, or all, or the notable ones.

    Raises ManifestError for an id that is not there, and where no record is notable.
    """
    unknown = [x for x in ids if x not in set(records["record_id"])]
    if unknown:
        raise ManifestError("there is no such record", where="--record", found=unknown[0])
    if ids or all_records:
        return records[records["record_id"].isin(ids)] if ids else records
    if not records["is_notable"].any():
        raise ManifestError(
            "no record is notable", found=f"records: {len(records)}", todo="name one with --record, or take --all"
        )
    return records[records["is_notable"]]


def _print_plan(found: Any, sigma_km: float, source: str, *, as_json: bool) -> None:
    expected = found.expected
    figures = {
        "animals, E(n)": expected.n_animals,
        "recaptures, E(r)": expected.n_recaptures,
        "recaptures at another camera, E(m)": expected.n_moves,
        "relative error of density, about": expected.relative_error,
    }
    if as_json:
        names = ("n_animals", "n_recaptures", "n_moves", "relative_error")
        facts = {"n_cameras": found.n_cameras, "area_km2": found.area_km2, "sigma_km": sigma_km}
        values = dict(zip(names, figures.values(), strict=True))
        print_json({**facts, **values, "added": found.added.to_dict("records")})
        return
    print_rows([{"expected": k, "value": v} for k, v in figures.items()], title=f"Cameras: {found.n_cameras}")
    if len(found.added):
        print_rows(found.added.to_dict("records"), title="Cameras to add, the best first, with all before them")
    say(f"assumed: sigma is {sigma_km:.2f} km ({source}), and animals live anywhere in {found.area_km2:.0f} km²")


def _print_places(table: pd.DataFrame, label: str, assumptions: Sequence[str], notes: Sequence[str]) -> None:
    shown = table[["rank", "kind", "name", "weight", "state", "reasons"]]
    states = " + ".join(sorted(table["state"].unique()))
    print_rows(shown.to_dict("records"), title=f"Places to visit after {states} records of {label}")
    for assumption in assumptions:
        say(f"assumed: {assumption}")
    for note in notes:
        say(f"note: {note}")
