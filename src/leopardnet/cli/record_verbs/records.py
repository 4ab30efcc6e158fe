"""`leopardnet records`: the records of a season, and what is notable about them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leopardnet.cli.console import app, print_json, print_rows, progress_bar, say
from leopardnet.cli.options import (
    BundleOption,
    DateFormat,
    Encoding,
    Json,
    Language,
    ManifestOption,
    MovedRoot,
    People,
    PredictionsPath,
    read_moved,
    read_places,
)
from leopardnet.core.language import translate, translate_message

if TYPE_CHECKING:
    import pandas as pd

    from leopardnet.records.dossier.write_dossier import Dossier
    from leopardnet.records.find_records import SeasonRecords

N_SHOWN = 20

Out = Annotated[Path, typer.Option("--out", help="Folder of the records.")]
Places = Annotated[
    Path | None,
    typer.Option("--deployments", help="Table of deployments: coordinates, time zone, period, owner, …"),
]
Range = Annotated[Path | None, typer.Option("--range", help="GeoJSON with the range of each label, and barriers.")]
Labels = Annotated[
    list[Path] | None,
    typer.Option("--labels", help="labels.sqlite of `leopardnet review`, or its folder. May be repeated."),
]
Wanted = Annotated[
    list[str] | None,
    typer.Option("--label", help="Animal to look for. May be repeated. [default: the targets of the model]"),
]
AlertScore = Annotated[
    float | None,
    typer.Option(
        "--alert-score", min=0.0, max=1.0, help="Outside the range, suspect from this probability on, too."
    ),
]
Earlier = Annotated[
    list[Path] | None,
    typer.Option("--earlier", help="Records of an earlier season: folder or table. May be repeated."),
]
SettingsFile = Annotated[
    Path | None, typer.Option("--settings", help="YAML: what is notable. [default: notable.yaml]")
]
ExactPlaces = Annotated[
    bool, typer.Option("--exact-places", help="Write exact coordinates, except where an owner forbids them.")
]
Dossiers = Annotated[
    bool, typer.Option("--dossiers/--no-dossiers", help="With --manifest: write a page on what is notable.")
]
AllDossiers = Annotated[
    bool,
    typer.Option("--all-dossiers", help="A page for weak suspicions, too, which are else listed in the index."),
]
OneRecord = Annotated[
    list[str] | None,
    typer.Option(
        "--record",
        metavar="ID",
        help="With --manifest: a page on this record, too, notable or not. May be repeated.",
    ),
]
Media = Annotated[bool, typer.Option("--media", help="Beside each dossier, a ZIP with the original files.")]


@app.command(rich_help_panel="Records")
def records(
    predictions: PredictionsPath,
    out: Out,
    manifest: ManifestOption = None,
    root: MovedRoot = None,
    deployments: Places = None,
    range_: Range = None,
    labels: Labels = None,
    label: Wanted = None,
    alert_score: AlertScore = None,
    earlier: Earlier = None,
    settings: SettingsFile = None,
    exact_places: ExactPlaces = False,
    dossiers: Dossiers = True,
    all_dossiers: AllDossiers = False,
    record: OneRecord = None,
    media: Media = False,
    bundle: BundleOption = None,
    people: People = False,
    encoding: Encoding = None,
    date_format: DateFormat = None,
    language: Language = None,
    json_: Json = False,
) -> None:
    """List where and when each target was recorded, what lies outside its range, and what is a first record.

    A record is suspected if a model says so, and confirmed if a person did; the two are counted apart. With the
    manifest of the footage, each notable encounter gets a dossier, a page that needs no network.

    Example: leopardnet records results/ --manifest season.parquet --deployments d.csv --range r.geojson --out rec/
    """
    from leopardnet.core.predictions import Predictions
    from leopardnet.records.dossier.write_dossier import remove_dossiers
    from leopardnet.records.find_records import find_records, read_records
    from leopardnet.records.ranges.read_ranges import read_ranges
    from leopardnet.records.record_settings import load_notable

    places = _read_places(deployments, encoding, date_format)
    rows = read_moved(manifest, root) if manifest else None
    notable = load_notable(settings)
    (said, heard), clips = _read_labels(labels), Predictions.read(predictions)
    found = find_records(
        clips,
        manifest=rows,
        deployments=places,
        ranges=read_ranges(range_) if range_ else None,
        labels=said,
        wanted=label,
        alert_score=alert_score,
        earlier=_join([read_records(path) for path in earlier or ()]),
        settings=notable,
        sound_labels=heard,
        include_people=people,
    )
    found.write(out, exact_places=exact_places)
    remove_dossiers(out)  # those of before would stand beside tables of now
    written: list[Dossier] = []
    if rows is not None and (dossiers or record):
        known: dict[str, Any] = {"manifest": rows, "deployments": places, "labels": said, "predictions": clips}
        known |= {"sound_labels": heard, "model": _describe_model(bundle)}
        known |= {"alert_score": alert_score, "area_km": notable.area_km}
        options: dict[str, Any] = {"exact_places": exact_places, "with_media": media, "people": people}
        options |= {"every": all_dossiers, "also": record or ()}
        written = _write_dossiers(out, found, known, options)
    if json_:
        print_json({"out": out.as_posix(), "n_dossiers": len(written), **_summarise(found)})
    else:
        _print_found(found)
    _say_written(out, written, exact_places=exact_places)


def _say_written(out: Path, written: Sequence[Dossier], *, exact_places: bool) -> None:
    left_out = {x.path: x.left_out for dossier in written for x in dossier.files if x.left_out}
    unreadable = [path for path, why in left_out.items() if why == "unreadable"]
    if unreadable:
        text = translate(
            "original files of the dossiers that could not be read: {n}, such as {path}; they have no picture and "
            "no checksum; is the footage at its place? --root says where it is",
            n=len(unreadable),
            path=unreadable[0],
        )
        say(f"{translate_message('warning')}: {text}")
    if any(dossier.media for dossier in written) and len(left_out) > len(unreadable):
        text = translate(
            "original files left out of media.zip, because of people or of a position in them: {n}",
            n=len(left_out) - len(unreadable),
        )
        say(f"{translate_message('info')}: {text}")
    if not exact_places:
        say("places are rounded to 0.1 degrees, and distances to 1 or 10 km; --exact-places writes them exactly")
    n = len(written)
    say(f"written: {out.name}, dossiers: {n}" if n else f"written: {out.name}")


def _read_places(path: Path | None, encoding: str | None, date_format: str | None) -> pd.DataFrame | None:
    """Return the table of deployments, and print how it was read."""
    places, notes = read_places(path, encoding, date_format)
    for note in notes:
        say(f"note: {note}")
    return places


def _write_dossiers(
    out: Path, found: SeasonRecords, known: dict[str, Any], options: dict[str, Any]
) -> list[Dossier]:
    """Write the dossiers and return them. known: the sources beside what was found."""
    from leopardnet.core.language import current_language
    from leopardnet.records.dossier.sources import DossierSources
    from leopardnet.records.dossier.write_dossier import write_dossiers
    from leopardnet.records.season_findings import list_season_findings

    season = found.encounters
    sources = DossierSources(
        records=found.records,
        encounters=season.encounters,
        hints=season.hints,
        flanks=season.flanks,
        findings=list_season_findings(found, known["predictions"], known["manifest"], known["deployments"]),
        ranges=found.ranges,
        sounds=known["predictions"].sounds,
        **known,
    )
    with progress_bar("writing dossiers") as on_progress:
        return write_dossiers(out, sources, language=current_language(), on_progress=on_progress, **options)


def _describe_model(bundle: Path | None) -> dict[str, Any]:
    from leopardnet.bundle.bundle import load_bundle
    from leopardnet.report.summarise import describe_bundle

    if bundle is None:
        return {}
    loaded = load_bundle(bundle)
    return describe_bundle(loaded)


def _read_labels(paths: list[Path] | None) -> tuple[pd.DataFrame | None, pd.DataFrame | None]:
    """Return what people said of clips and of sounds, in all files, or None without one.

    Entries are numbered anew, so that none is taken for another file's, nor taken back by it.
    """
    from leopardnet.data.human_labels.label_file import LabelFile, find_label_file
    from leopardnet.data.human_labels.sound_labels import SoundLabelFile

    of_clips, of_sounds = list[Any](), list[Any]()
    for path in map(find_label_file, paths or ()):
        with LabelFile(path, read_only=True) as file, SoundLabelFile(path, read_only=True) as heard:
            _add_entries(file.entries(), of_clips)
            _add_entries(heard.entries(), of_sounds)
    return _join(of_clips), _join(of_sounds)


def _add_entries(entries: pd.DataFrame, before: list[Any]) -> None:
    last = max((int(part["entry_id"].max()) for part in before if len(part)), default=0)
    before.append(entries.assign(entry_id=entries["entry_id"] + last, undoes=entries["undoes"] + last))


def _join(tables: list[pd.DataFrame]) -> pd.DataFrame | None:
    import pandas as pd

    filled = [t for t in tables if len(t)] or tables[:1]
    return pd.concat(filled, ignore_index=True) if filled else None


def _summarise(found: SeasonRecords) -> dict[str, Any]:
    status = found.records.groupby(["label", "state", "range_status"]).size().rename("n").reset_index()
    columns = ["record_id", "path", "label", "state", "range_status", "distance_km", "barriers", "rules", "unclear"]
    notable, to_check = (
        table[columns].round({"distance_km": 0}).astype(object) for table in (found.notable, found.to_check)
    )
    return {
        "labels": list(found.labels),
        "counts": found.count_states().to_dict("records"),
        "range_status": status.to_dict("records"),
        "notable": notable.where(notable.notna(), None).to_dict("records"),
        "to_check": to_check.where(to_check.notna(), None).to_dict("records"),
        "findings": found.findings["rule"].value_counts(sort=False).to_dict(),
    }


def _print_found(found: SeasonRecords) -> None:
    counts = found.count_states().rename(columns={"n": "records", "n_notable": "notable", "n_to_check": "to check"})
    if len(counts):
        print_rows(
            counts.to_dict("records"), title="Records", caption="suspected: by a model; confirmed: by a person"
        )
    else:
        say(f"no record of {', '.join(found.labels)}")
    notable = found.notable
    rows = [_describe(row) for row in notable.head(N_SHOWN).to_dict("records")]
    if rows:
        print_rows(rows, title="Notable records")
    elif len(counts):
        say("nothing notable is known")
    if len(notable) > N_SHOWN:
        say(f"… and {len(notable) - N_SHOWN} more in records.csv")
    for row in found.findings.drop_duplicates("rule").to_dict("records"):
        n = int(found.findings["rule"].eq(row["rule"]).sum())
        more = translate("and {n} more in findings.csv", n=n - 1)
        text = translate_message(row["message"]) + (f" ({more})" if n > 1 else "")
        say(f"{translate_message(row['severity'])}: {text}")


def _describe(row: dict[Any, Any]) -> dict[str, Any]:
    km, error = row["distance_km"], row["distance_error_km"]
    return {
        "record": row["record_id"],
        "label": row["label"],
        "state": row["state"],
        "site": row["site"],
        "when": "" if row["captured_at"] != row["captured_at"] else f"{row['captured_at']:%Y-%m-%d %H:%M}",
        "from range": "" if km != km else f"{km:.0f} ± {math.ceil(error)} km",
        "why": str(row["rules"]).replace(" + ", ", "),
    }
