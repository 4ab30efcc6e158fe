"""Where to look after a record: weights by hand, barriers, cameras, owners that show no place, and the files."""

import json
import math
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import shapely

from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.records.survey.local_plane import LocalPlane
from leopardnet.records.survey.rank_places import rank_places
from leopardnet.records.survey.survey_settings import load_survey_settings
from leopardnet.records.survey.write_places import write_geojson, write_gpx

SIGMA = 2.0
NIGHT = pd.Timestamp("2021-12-31 02:00")
LATITUDE, LONGITUDE = 43.6, 131.9
SPACE = "{http://www.topografix.com/GPX/1/1}"


def at(x_km, y_km, longitude=LONGITUDE):
    """Latitude and longitude of a point, in km east and north of the record."""
    plane = LocalPlane.around(np.array([LATITUDE]), np.array([longitude]))
    latitude, lon = plane.to_degrees(np.array([[x_km, y_km]], float))
    return {"latitude": latitude[0], "longitude": lon[0]}


def records(*rows):
    """Records at the origin, beyond a barrier, confirmed; each row changes what it names."""
    one = {"record_id": "r1", "label": "leopard", "state": "confirmed", "score": 0.87,
           "site": "S1", "captured_at": NIGHT,
           "coordinate_uncertainty_m": np.nan, "exact_place": None, "range_status": "beyond_barrier",
           "deployment": None,
           **at(0, 0)}  # fmt: skip
    return pd.DataFrame([one | row for row in rows])


def deployments(*rows):
    names = ["deployment", "site", "latitude", "longitude", "start", "end", "exact_place", "problems"]
    table = pd.DataFrame([dict.fromkeys(names) | row for row in rows], columns=names)
    times = {c: pd.to_datetime(table[c]).astype("datetime64[us]") for c in ("start", "end")}
    return table.assign(**times).astype({"latitude": "float64", "longitude": "float64"})


S1 = {"deployment": "d1", "site": "S1", **at(0, 0)}


def rank(these=None, cameras=None, **options):
    settings = load_survey_settings().model_copy(update={"n_places": 100} | options.pop("settings", {}))
    return rank_places(
        records({}) if these is None else these,
        deployments(S1) if cameras is None else cameras,
        settings,
        **{"label": "leopard", "sigma_km": SIGMA} | options,
    )


def row_of(found, name):
    table = found.table[found.table["name"] == name]
    assert len(table) == 1
    return table.iloc[0]


def test_the_weight_falls_with_the_distance_as_worked_out_by_hand():
    found = rank(cameras=deployments(S1, {"deployment": "d2", "site": "S2", **at(3, 0)}))
    assert row_of(found, "S1")["weight"] == pytest.approx(0.5), "its clip of the record is in the archive"
    s2 = row_of(found, "S2")
    assert s2["weight"] == pytest.approx(math.exp(-9 / 8), rel=1e-6)
    assert (s2["direction"], s2["distance_km"], s2["sigmas"]) == ("E", pytest.approx(3.0), pytest.approx(1.5))
    assert "3.0 km E of the confirmed (probability 0.87) record r1 at S1, 1.5 sigma" in s2["reasons"]
    assert found.table["rank"].tolist() == list(range(1, len(found.table) + 1))
    assert found.table["weight"].is_monotonic_decreasing


def test_cells_lie_within_three_sigma_and_a_sigma_from_every_camera():
    cells = rank().table.query("kind == 'cell'")
    assert cells["sigmas"].between(1, 3).all() and cells["nearest_camera_km"].gt(SIGMA).all()
    # Of the 29 points of a grid within 3 sides of its middle, the middle and its 4 neighbours lie within one sigma.
    assert len(cells) == 24
    assert len(rank(cameras=deployments()).table) == 29, "without cameras, nothing is covered"


def test_a_place_across_the_barrier_comes_later_where_the_record_lies_beyond():
    railway = [("railway", shapely.LineString([tuple(at(-1, y).values())[::-1] for y in (-40, 40)]))]
    cameras = deployments(
        S1, {"deployment": "e", "site": "E", **at(3, 0)}, {"deployment": "w", "site": "W", **at(-3, 0)}
    )
    found = rank(cameras=cameras, barriers=railway)
    east, west = row_of(found, "E"), row_of(found, "W")
    assert west["weight"] == pytest.approx(east["weight"] / 4) and west["barrier"] == "railway"
    assert "across railway from the record" in west["reasons"] and "on the record's side" in east["reasons"]
    inside = rank(records({"range_status": "inside"}), cameras, barriers=railway)
    assert row_of(inside, "W")["weight"] == pytest.approx(east["weight"])
    assert "railway lies between" in row_of(inside, "W")["reasons"]


def test_an_older_record_says_less():
    older = records(
        {}, {"record_id": "r0", "site": "S0", "captured_at": NIGHT - pd.Timedelta(days=180), **at(30, 0)}
    )
    cameras = deployments(S1, {"deployment": "d0", "site": "S0", **at(30, 0)})
    found = rank(older, cameras)
    assert row_of(found, "S0")["weight"] == pytest.approx(0.25, abs=1e-4)
    assert "older than the latest one (days: 180)" in row_of(found, "S0")["reasons"]


def test_a_camera_that_was_read_since_comes_later_and_one_that_was_not_says_so():
    cameras = deployments(
        S1, {"deployment": "d2", "site": "S2", **at(1, 0)}, {"deployment": "d3", "site": "S3", **at(0, 1)}
    )
    clips = pd.DataFrame(
        {
            "deployment": ["d2", "d3"],
            "site": ["S2", "S3"],
            "captured_at": [NIGHT + pd.Timedelta(days=9), NIGHT - pd.Timedelta(days=31)],
        }
    )
    found = rank(cameras=cameras, clips=clips)
    s2, s3 = row_of(found, "S2"), row_of(found, "S3")
    assert s3["weight"] == pytest.approx(2 * s2["weight"], rel=1e-6)
    assert "not before the record, are in the archive already" in s2["reasons"]
    assert "older than the record (days: 31)" in s3["reasons"] and "on the card" in s3["reasons"]


def test_without_a_manifest_only_what_is_known_of_clips_is_said():
    cameras = deployments(
        {**S1, "end": "2022-02-01"}, {"deployment": "d2", "site": "S2", **at(1, 0), "end": "2022-01-21"}
    )
    found = rank(cameras=cameras)
    s1, s2 = row_of(found, "S1"), row_of(found, "S2")
    assert "in the table until 2022-01-21; which of its clips are in the archive is not known" in s2["reasons"]
    assert s2["weight"] == pytest.approx(math.exp(-1 / 8), rel=1e-6), "nothing says that it was read"
    assert pd.isna(s2["last_clip_at"]) and s2["ended_at"] == pd.Timestamp("2022-01-21")
    assert s1["reasons"].startswith("it made the confirmed (probability 0.87) record r1, on 2021-12-31")
    assert "its clip of the record is in the archive" in s1["reasons"]
    assert "already" not in s1["reasons"] + s2["reasons"] and "give the manifest" in found.notes[0]


def test_a_camera_that_made_a_record_is_not_ranked_as_if_new():
    """S2 made an older record, and lies nearer to that of S1 in what it says: it was read until its own."""
    older = {"record_id": "r0", "site": "S2", "captured_at": NIGHT - pd.Timedelta(days=180), **at(1, 0)}
    cameras = deployments(
        S1, {"deployment": "d2", "site": "S2", **at(1, 0)}, {"deployment": "d3", "site": "S3", **at(0, 1)}
    )
    found = rank(records({}, older), cameras)
    s2, s3 = row_of(found, "S2"), row_of(found, "S3")
    assert s2["record_id"] == s3["record_id"] == "r1" and s3["weight"] == pytest.approx(2 * s2["weight"])
    assert "it made the record r0" in s2["reasons"] and "it made" not in s3["reasons"]


def test_a_suspected_record_counts_only_where_none_is_confirmed_or_on_request():
    unsure = {"record_id": "r2", "site": "S2", "state": "suspected", "score": 0.314, **at(30, 0)}
    both = records({}, unsure)
    cameras = deployments(S1, {"deployment": "d2", "site": "S2", **at(30, 0)})
    sure = rank(both, cameras)
    assert set(sure.table["record_id"]) == {"r1"} and set(sure.table["state"]) == {"confirmed"}
    assert "suspected records of leopard that do not count beside confirmed ones: 1" in sure.notes
    asked = rank(both, cameras, with_suspected=True)
    assert set(asked.table["state"]) == {"confirmed", "suspected"}
    alone = rank(records(unsure), cameras)
    assert set(alone.table["state"]) == {"suspected"} and set(alone.table["score"]) == {0.314}
    assert alone.table["reasons"].str.contains(r"the suspected \(probability 0.31\) record r2").all()
    assert "that count are suspected" in alone.assumptions[0]


def test_a_record_without_a_probability_says_so(tmp_path):
    found = rank(records({"score": np.nan}))
    assert found.table["reasons"].str.contains(r"confirmed \(no probability\) record r1").all()
    write_geojson(found, tmp_path / "p.geojson")
    assert "NaN" not in (tmp_path / "p.geojson").read_text("utf-8")


def test_a_camera_that_was_taken_down_is_a_known_place_and_covers_for_a_year():
    gone = {"deployment": "d2", "site": "S2", **at(4, 0)}
    lately = rank(cameras=deployments(S1, gone | {"end": "2021-12-01"}))
    assert row_of(lately, "S2")["kind"] == "former camera" and "until 2021-12-01" in row_of(lately, "S2")["reasons"]
    long_ago = rank(cameras=deployments(S1, gone | {"end": "2019-12-01"}))
    n_lately, n_long_ago = (f.table["kind"].eq("cell").sum() for f in (lately, long_ago))
    assert n_long_ago == n_lately + 4, "the cells at (4, 0), (6, 0), (4, 2) and (4, -2)"


def test_uncertain_coordinates_widen_the_search():
    """3 sigma of hypot(2, 1.5) km = 7.5 km, where it was 6 km."""
    wide = rank(records({"coordinate_uncertainty_m": 1500.0})).table
    assert 6.0 < wide["distance_km"].max() <= 7.5


def test_refuted_records_and_those_without_a_place_count_nowhere_and_are_named():
    these = records({}, {"record_id": "r2", "state": "refuted", "site": "S9", **at(50, 0)},
                    {"record_id": "r3", "site": "S8", "latitude": np.nan})  # fmt: skip
    found = rank(these, deployments(S1, {"deployment": "x"}))
    assert set(found.table["record_id"]) == {"r1"}
    assert (
        "records of leopard without coordinates or time, which count nowhere: 1 of 2" in found.notes[0]
        and "deployments without coordinates: 1 of 2" in found.notes[1]
    )


def test_without_a_record_there_is_nothing_to_rank():
    with pytest.raises(ManifestError, match="no record says where"):
        rank(records({"state": "refuted"}))


def test_an_animal_without_a_home_range_needs_a_sigma():
    with pytest.raises(ConfigError, match="how far this animal ranges") as caught:
        rank(records({"label": "dhole"}), label="dhole", sigma_km=None)
    assert "--sigma-km" in str(caught.value)
    assert len(rank(records({"label": "dhole"}), label="dhole", sigma_km=3.0).table)


def test_the_assumptions_name_sigma_and_its_source():
    found = rank(sigma_km=None)
    assert "2.34 km" in found.assumptions[1] and "Farhadinia" in found.assumptions[1]
    assert any("barrier" in a for a in found.assumptions)


def test_across_the_antimeridian():
    here = at(0, 0, 179.99)
    found = rank(records(here), deployments({**S1, **here}, {"deployment": "d2", "site": "S2", **at(3, 0, 179.99)}))
    assert row_of(found, "S2")["distance_km"] == pytest.approx(3.0, abs=1e-6)
    assert found.table["longitude"].between(-180, 180).all() and (found.table["longitude"] < 0).any()


# --- owners that show no exact place, and files with coordinates ---


def hidden():
    """A record and a camera whose owner forbids the exact place, and one camera that may be shown."""
    these = records({"exact_place": "no", "latitude": 43.6123, "longitude": 131.9234})
    cameras = deployments(
        {"deployment": "d1", "site": "S1", "latitude": 43.6123, "longitude": 131.9234, "exact_place": "no"},
        {"deployment": "d2", "site": "S2", "latitude": 43.6321, "longitude": 131.9321},
    )
    return rank(these, cameras)


def test_a_hidden_place_is_rounded_before_anything_is_computed():
    found = hidden()
    mine = row_of(found, "S1")
    assert (round(mine["latitude"], 9), round(mine["longitude"], 9), mine["is_hidden"]) == (43.6, 131.9, True)
    assert found.table["is_coarse"].all() and "its owner does not show" in mine["reasons"]


def test_files_with_coordinates_leave_hidden_cameras_out(tmp_path):
    found = hidden()
    assert write_geojson(found, tmp_path / "p.geojson") == write_gpx(found, tmp_path / "p.gpx") == 1
    for name in ("p.geojson", "p.gpx"):
        text = (tmp_path / name).read_text("utf-8")
        assert "confirmed" in text
        assert "43.6123" not in text and "131.9234" not in text and "S2" in text
    assert not {"latitude", "longitude"} & set(found.without_coordinates().columns)


def test_geojson_has_squares_for_cells_and_points_for_cameras(tmp_path):
    write_geojson(rank(), tmp_path / "p.geojson")
    features = json.loads((tmp_path / "p.geojson").read_text("utf-8"))["features"]
    shapes = {f["properties"]["kind"]: shapely.geometry.shape(f["geometry"]) for f in features}
    assert shapes["camera"].geom_type == "Point" and shapes["cell"].exterior.is_ccw
    corners = np.array(shapes["cell"].exterior.coords)
    side = LocalPlane.around(corners[:1, 1], corners[:1, 0]).to_km(corners[1:2, 1], corners[1:2, 0])
    assert np.hypot(*side[0]) == pytest.approx(SIGMA, rel=1e-3)


def test_gpx_has_a_way_point_for_each_place_in_order(tmp_path):
    found = rank(cameras=deployments({**S1, "site": "Gully & <ridge>"}))
    write_gpx(found, tmp_path / "p.gpx")
    points = ElementTree.parse(tmp_path / "p.gpx").getroot().findall(f"{SPACE}wpt")
    assert len(points) == len(found.table) > 1
    assert points[0].findtext(f"{SPACE}name") == "1 Gully & <ridge>"
    assert float(points[0].get("lat")) == pytest.approx(LATITUDE, abs=1e-5)


# --- settings ---


def test_a_settings_file_of_ones_own(tmp_path):
    shipped = load_survey_settings().model_dump()
    own = tmp_path / "own.yaml"
    own.write_text(json.dumps(shipped | {"ranges": {"dhole": {"home_range_km2": 100, "source": "us"}}}), "utf-8")
    assert load_survey_settings(own).find_sigma("dhole")[0] == pytest.approx(math.sqrt(100 / (5.9914645 * math.pi)))


@pytest.mark.parametrize(
    "text", ["- a", "reach: 3", "ranges: [", "ranges: {leopard: {home_range_km2: -1, source: x}}"]
)
def test_a_broken_settings_file_is_one_error(tmp_path, text):
    (tmp_path / "own.yaml").write_text(text, "utf-8")
    with pytest.raises(ConfigError):
        load_survey_settings(tmp_path / "own.yaml")
    with pytest.raises(ConfigError, match="no such file"):
        load_survey_settings(tmp_path / "none.yaml")


def test_records_of_two_countries_are_not_surveyed_at_once():
    far = records({}, {"record_id": "r2", "site": "S2", "latitude": 36.0})
    with pytest.raises(ManifestError, match="too far apart") as caught:
        rank(far)
    assert "--record" in str(caught.value)
