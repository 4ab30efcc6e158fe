"""`leopardnet survey`: after a season's record to places and files, and a plan to its figures."""

import json
import re

import pandas as pd
import pytest
from typer.testing import CliRunner

import leopardnet.cli.record_verbs.survey  # noqa: F401  (registers the verbs)
from leopardnet.cli.console import app
from leopardnet.core.errors import LeopardnetError
from leopardnet.core.language import set_language
from leopardnet.records.find_records import find_records
from leopardnet.records.ranges.read_ranges import read_ranges
from season_tables import deployments_of, manifest_of, predictions_of

COLUMNS = "deployment,site,latitude,longitude,time_zone,start,end,exact_place"
ROWS = (
    "d1,in,43.51234,131.51234,Asia/Vladivostok,2021-10-01,,",
    "d2,out,43.51234,132.41234,Asia/Vladivostok,2021-10-01,,",
    "d3,near,43.52345,132.43456,Asia/Vladivostok,2021-10-01,,no",
)


def run(*arguments):
    result = CliRunner().invoke(app, [str(a) for a in arguments])
    if isinstance(result.exception, LeopardnetError):
        raise result.exception
    return result


@pytest.fixture(scope="module")
def season(tmp_path_factory):
    """A folder with records of two sites, one beyond a railway, their deployments and the range."""
    here = tmp_path_factory.mktemp("season")
    square = [[[131, 43], [132, 43], [132, 44], [131, 44], [131, 43]]]
    features = [
        {"type": "Feature", "properties": {"kind": "range", "label": "leopard", "name": "land"},
         "geometry": {"type": "Polygon", "coordinates": square}},
        {"type": "Feature", "properties": {"kind": "barrier", "name": "railway"},
         "geometry": {"type": "LineString", "coordinates": [[132.39, 42], [132.39, 45]]}},
    ]  # fmt: skip
    (here / "range.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
    (here / "deployments.csv").write_text("\n".join([COLUMNS, *ROWS]), "utf-8")
    clips = {"in/a.avi": ("in", "d1", "2021-12-30 10:00"), "out/b.avi": ("out", "d2", "2021-12-30 22:00")}
    rows = [dict(zip(COLUMNS.split(",")[:4], row.split(",")[:4], strict=True)) for row in ROWS]
    places = deployments_of(
        *({**r, "latitude": float(r["latitude"]), "longitude": float(r["longitude"])} for r in rows)
    )
    found = find_records(
        predictions_of(dict.fromkeys(clips, 0.9)),
        manifest=manifest_of(clips, zone="Asia/Vladivostok"),
        deployments=places.assign(time_zone="Asia/Vladivostok"),
        ranges=read_ranges(here / "range.geojson"),
        wanted=["leopard"],
    )
    found.write(here / "records")
    return here


def test_after_a_record_the_places_are_listed_with_reasons_and_without_coordinates(season):
    out, maps = season / "places.csv", [season / "p.geojson", season / "p.gpx"]
    options = ["--deployments", season / "deployments.csv", "--range", season / "range.geojson", "--out", out]
    result = run("survey", "after", season / "records", *options, "--geojson", maps[0], "--gpx", maps[1])
    assert result.exit_code == 0, result.output
    table = pd.read_csv(out)
    assert table["record_site"].unique().tolist() == ["out"], "the record inside its range is not notable"
    first = table.iloc[0]
    assert first["name"] in ("out", "near") and "latitude" not in table and "longitude" not in table
    assert set(table["state"]) == {"suspected"} and "after suspected records of leopard" in result.output
    assert "43.5" not in out.read_text("utf-8")
    west = table[table["barrier"].notna()]
    assert len(west) and west["reasons"].str.contains("across railway from the record").all()
    assert (
        "assumed: sigma of leopard is 2.34 km" in result.output
        and "places in no file with coordinates, because their owner forbids it: 1"
        in result.output.replace("\n", " ")
    )
    for path in maps:
        text = path.read_text("utf-8")
        assert "suspected" in text and "confirmed" not in text
        assert "43.51234" in text and "43.52345" not in text and "43.5234" not in text


def test_one_record_by_its_id_all_of_them_and_none(season):
    records = pd.read_csv(season / "records/records.csv")
    options = ["--deployments", season / "deployments.csv", "--out", season / "p.csv", "--json"]
    inside = records.loc[records["site"] == "in", "record_id"].item()
    document = json.loads(run("survey", "after", season / "records", *options, "--record", inside).stdout)
    assert {row["record_site"] for row in document["places"]} == {"in"} and document["assumptions"]
    every = json.loads(run("survey", "after", season / "records", *options, "--all").stdout)
    assert {row["record_site"] for row in every["places"]} == {"in", "out"}
    with pytest.raises(LeopardnetError, match="no such record"):
        run("survey", "after", season / "records", *options, "--record", "nobody")


def test_a_plan_says_what_to_expect_and_which_place_to_add(season):
    cameras = season / "cameras.csv"
    cameras.write_text("deployment,latitude,longitude\na,43.5,131.5\nb,43.5,131.53\n", "utf-8")
    more = season / "more.csv"
    more.write_text("deployment,latitude,longitude\nsame,43.5,131.5\nnew,43.53,131.515\n", "utf-8")
    options = ["--density", "1", "--lambda0", "0.02", "--occasions", "90", "--candidates", more, "--add", "1"]
    document = json.loads(run("survey", "plan", "--cameras", cameras, *options, "--json").stdout)
    assert document["n_cameras"] == 2 and [row["place"] for row in document["added"]] == ["new"]
    assert 0 < document["n_animals"] < document["added"][0]["n_animals"]
    assert document["relative_error"] == pytest.approx(
        min(document["n_animals"], document["n_recaptures"]) ** -0.5, rel=1e-6
    )
    shown = run("survey", "plan", "--cameras", cameras, *options)
    assert "animals, E(n)" in shown.output and "sigma is 2.34 km" in shown.output


def test_a_wrong_detector_is_a_usage_error(season):
    options = ["--density", "1", "--lambda0", "0.02", "--occasions", "90", "--detector", "net"]
    result = run("survey", "plan", "--cameras", season / "deployments.csv", *options)
    assert result.exit_code == 2 and "proximity or multi" in result.output


def test_records_and_surveys_speak_russian(season, tmp_path):
    options = ["--deployments", season / "deployments.csv", "--range", season / "range.geojson"]
    language = ("--language", "ru")
    result = run(*language, "survey", "after", season / "records", *options, "--out", tmp_path / "p.csv")
    set_language("en")
    for words in ("регистрация", "вероятность 0,90", "подозрение", "причины", "принято: сигма", "примечание"):
        assert words in result.output
    for words in ("suspected", "reasons", "assumed", "probability", "which of its", "days", "sigma", "its "):
        assert words not in result.output, words
    own = re.sub(r"\(a home range .*\)", "", result.output)  # words of a source, as it has them
    assert re.findall(r"\d\.\d", own) == [] and re.search(r"\d,\d км на NW от out", own)
    assert "км на С от" not in own, "a letter that looks like that of the south"
    table = pd.read_csv(tmp_path / "p.csv")
    assert table["reasons"].str.contains("suspected").all(), "files stay English"
