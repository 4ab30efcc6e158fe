"""`records` and `ranges` as a user runs them: from tables on the disk to notable records, and every bad input."""

import json

import pandas as pd
import pytest
from command_line import leopardnet

from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import clip_id
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile
from leopardnet.records.find_records import read_records
from season_tables import manifest_of, predictions_of

SQUARE = [[131.0, 43.0], [132.0, 43.0], [132.0, 44.0], [131.0, 44.0], [131.0, 43.0]]
CLIPS = {
    "in/a.avi": ("in", "d1", "2021-12-30 10:00"),
    "out/b.avi": ("out", "d2", "2021-12-30 22:00"),
    "out/c.avi": ("out", "d2", "2021-12-31 22:00"),
}
SCORES = {"in/a.avi": 0.9, "out/b.avi": 0.9, "out/c.avi": 0.1}


@pytest.fixture
def season(tmp_path):
    """Results, manifest, deployments, labels and a range; the folder they are in."""
    (tmp_path / "footage").mkdir()
    predictions_of(SCORES).write(tmp_path / "results")
    manifest = manifest_of(CLIPS)
    type(manifest)(manifest.table, tmp_path / "footage").write(tmp_path / "m.parquet")
    (tmp_path / "d.csv").write_text(
        "deployment,site,latitude,longitude,time_zone\n"
        "d1,in,43.51234,131.51234,Asia/Vladivostok\nd2,out,43.51234,132.41234,Asia/Vladivostok\n"
    )
    with LabelFile(tmp_path / "labels.sqlite") as file:
        said = {"path": "in/a.avi", "labels": ["leopard"], "by": "AB", "queue": "all"}
        file.add(LabelEntry(key="k", clip_id=clip_id("in/a.avi"), **said))
    write_range(tmp_path / "r.geojson", SQUARE)
    return tmp_path


def write_range(path, ring, **properties):
    area = {"type": "Polygon", "coordinates": [ring]}
    line = {"type": "LineString", "coordinates": [[132.2, 42.0], [132.2, 45.0]]}
    features = [
        {"type": "Feature", "properties": {"kind": "range", "label": "leopard", **properties}, "geometry": area},
        {"type": "Feature", "properties": {"kind": "barrier", "name": "railway"}, "geometry": line},
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def run(season, *more, code=0):
    options = ["--manifest", season / "m.parquet", "--deployments", season / "d.csv"]
    options += ["--range", season / "r.geojson", "--labels", season / "labels.sqlite"]
    options += ["--label", "leopard", "--out", season / "records"]
    return leopardnet("records", season / "results", *options, *more, code=code)


def test_a_season_gives_its_records_and_says_what_is_notable(season):
    text = "".join(run(season))
    assert "beyond_barrier" in text and "33 ± 1 km" in text and "--exact-places" in text
    table = read_records(season / "records").set_index("path")
    assert table["state"].to_dict() == {"in/a.avi": "confirmed", "out/b.avi": "suspected"}
    assert table["latitude"].tolist() == [43.5, 43.5] and table["barriers"]["out/b.avi"] == "railway"
    assert str(season) not in text
    notable = table.loc["out/b.avi", "record_id"]
    page = (season / "records" / notable / "dossier.html").read_text("utf-8")
    assert "railway" in page and "43.51" not in page and (season / "records" / "encounters.csv").is_file()
    for file in (season / "records").glob("*.csv"):
        assert "1234" not in file.read_text("utf-8") and str(season) not in file.read_text("utf-8")


def test_a_record_that_is_not_notable_gets_a_page_on_request_and_an_empty_index_says_so(season):
    (season / "d.csv").write_text(
        "deployment,site,latitude,longitude,time_zone\n"
        "d1,in,43.51234,131.51234,Asia/Vladivostok\nd2,out,43.51234,131.61234,Asia/Vladivostok\n"
    )
    assert "nothing notable is known" in "".join(run(season))
    assert "No record of this footage is notable." in (season / "records" / "index.html").read_text("utf-8")
    known = read_records(season / "records").set_index("path").loc["in/a.avi", "record_id"]
    run(season, "--record", known)
    page = (season / "records" / known / "dossier.html").read_text("utf-8")
    assert "Nothing makes this record notable." in page and "Inside the known range." in page
    assert "no such record" in "".join(run(season, "--record", "0000", code=1))


def test_json_and_exact_places(season):
    out, _ = run(season, "--json", "--exact-places", "--alert-score", "0.05")
    found = json.loads(out)
    assert [row["path"] for row in found["notable"]] == ["out/b.avi", "out/c.avi"]
    assert {"label": "leopard", "state": "suspected", "n": 2, "n_notable": 2, "n_to_check": 0} in found["counts"]
    assert read_records(season / "records")["latitude"].eq(43.51234).all()


def test_a_range_from_records_is_what_the_next_season_is_held_against(season):
    run(season, "--exact-places")
    leopardnet("ranges", "from-records", season / "records", "--out", season / "r.geojson")
    run(season)
    table = read_records(season / "records").set_index("path")
    assert table["range_status"].to_dict() == {"in/a.avi": "inside", "out/b.avi": "outside"}


def test_an_earlier_season_and_settings_are_read(season):
    run(season, "--exact-places")
    (season / "records").rename(season / "old")
    (season / "s.yaml").write_text(
        "area_km: 25\nmin_years: 5\nunknown_clock_s: 60\nnotable: [first_at_site]\nto_check: []\n"
    )
    run(season, "--earlier", season / "old", "--settings", season / "s.yaml")
    table = read_records(season / "records").set_index("path")
    assert table["rules"].fillna("").to_dict() == {"in/a.avi": "first_at_site", "out/b.avi": "first_at_site"}


def test_confirmed_records_without_dates_are_counted_and_named(season):
    manifest = Manifest.read(season / "m.parquet")
    table = manifest.table.assign(captured_at=pd.NaT).astype({"captured_at": manifest.table["captured_at"].dtype})
    Manifest(table, manifest.root).write(season / "m.parquet")
    with LabelFile(season / "labels.sqlite") as file:
        said = {"path": "out/b.avi", "labels": ["leopard"], "by": "AB", "queue": "all"}
        file.add(LabelEntry(key="k2", clip_id=clip_id("out/b.avi"), **said))
    run(season)
    assert read_records(season / "records")["state"].tolist() == ["confirmed", "confirmed"]
    animals = pd.read_csv(season / "records" / "animals.csv")
    assert animals["min_animals"].isna().all() and "time of a record" in animals["min_animals_why"][0]
    found = pd.read_csv(season / "records" / "findings.csv").set_index("rule")
    assert "2; the first is in/a.avi" in found.loc["no_time", "message"]


def test_bad_input_is_one_error_that_names_it(season):
    good = (season / "r.geojson").read_text()
    write_range(season / "r.geojson", [[y, x] for x, y in SQUARE])
    assert "swapped" in "".join(run(season, code=1))
    write_range(season / "r.geojson", [SQUARE[i] for i in (0, 2, 1, 3, 0)])
    assert "self-intersection" in "".join(run(season, code=1))
    (season / "r.geojson").write_text(good)
    (season / "s.yaml").write_text("area_km: 25\n")
    assert "min_years" in "".join(run(season, "--settings", season / "s.yaml", code=1))
    assert "no such table" in "".join(run(season, "--earlier", season / "none", code=1))
    pd.DataFrame({"a": [1]}).to_parquet(season / "old.parquet")
    assert "wrong columns" in "".join(run(season, "--earlier", season / "old.parquet", code=1))
    (season / "labels.sqlite").unlink()
    assert "no such file of labels" in "".join(run(season, code=1))


def test_pages_and_media_of_an_earlier_call_do_not_stay_beside_new_tables(season):
    (season / "footage/out").mkdir()
    (season / "footage/out/b.avi").write_bytes(b"film")
    run(season, "--media")
    out = season / "records"
    (old,) = out.glob("*/media.zip")
    own = old.with_name("own notes.txt")
    own.write_text("mine")
    run(season)
    assert (old.parent / "dossier.html").is_file() and not old.exists()
    run(season, "--media", "--no-dossiers")
    assert [p.name for p in out.rglob("*.html")] == [] and own.read_text() == "mine"
    assert (out / "records.csv").is_file()


def test_footage_that_is_missing_is_said_on_the_terminal(season):
    text = "".join(run(season, "--media"))
    assert "could not be read: 1, such as out/b.avi" in text and "--root" in text
    from_table = json.loads(run(season, "--json")[0])
    assert from_table["n_dossiers"] == 1


def test_earlier_records_of_another_spelling_are_named_and_a_place_off_the_globe_is_refused(season):
    run(season, "--exact-places")
    known = pd.read_csv(season / "records/records.csv")
    other = known.assign(label="Leopard", record_id=[f"{i:012x}" for i in range(len(known))])
    other.to_csv(season / "earlier.csv", index=False)
    text = "".join(run(season, "--earlier", season / "earlier.csv"))
    assert "earlier confirmed records of “Leopard”" in text and "did you mean leopard?" in text
    known.assign(latitude=999).to_csv(season / "earlier.csv", index=False)
    text = "".join(run(season, "--earlier", season / "earlier.csv", code=1))
    assert "row 2, column latitude" in text and "between -90 and 90" in text


def test_rendered_footage_is_named_among_the_findings_and_on_the_page(season):
    manifest = Manifest.read(season / "m.parquet")
    Manifest(manifest.table.assign(source="scan, rendered"), season / "footage").write(season / "m.parquet")
    text = "".join(run(season))
    assert "records of footage that a program drew, which shows no animal: 2" in text
    (page,) = (season / "records").glob("*/dossier.html")
    for file in (page, season / "records/index.html"):
        assert "nothing here is a record" in file.read_text("utf-8")
