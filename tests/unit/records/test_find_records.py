"""A whole season: records, what is notable, what is written, and every fault of the tables by name."""

import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString, Polygon

from leopardnet.core.errors import ManifestError
from leopardnet.core.tables import clip_id
from leopardnet.records.find_records import find_records, read_records
from leopardnet.records.ranges.coarse_places import hide_paths, hide_places
from leopardnet.records.ranges.range_map import Barrier, RangeMap, RangePolygon
from season_tables import deployments_of, entries_of, manifest_of, predictions_of, records_of

RANGE = RangePolygon("leopard", "land", Polygon([(131, 43), (132, 43), (132, 44), (131, 44)]))
MAP = RangeMap((RANGE,), (Barrier("railway", LineString([(132.2, 42), (132.2, 45)])),))
IN = {"deployment": "d1", "site": "in", "latitude": 43.51234, "longitude": 131.51234}
OUT = {"deployment": "d2", "site": "out", "latitude": 43.51234, "longitude": 132.41234}
PLACES = deployments_of(IN, OUT).assign(time_zone="Asia/Vladivostok")
CLIPS = {
    "in/a.avi": ("in", "d1", "2021-12-30 10:00"),
    "out/b.avi": ("out", "d2", "2021-12-30 22:00"),
    "out/c.avi": ("out", "d2", "2021-12-31 22:00"),
}
SCORES = {"in/a.avi": 0.9, "out/b.avi": 0.9, "out/c.avi": 0.1}
LABELS = ["leopard"]


def find(scores=SCORES, **options):
    given = {"manifest": manifest_of(CLIPS), "deployments": PLACES, "ranges": MAP, "wanted": LABELS}
    return find_records(predictions_of(scores), **(given | options))


def rules(found):
    return set(found.findings["rule"])


def test_a_season_tells_what_lies_beyond_its_range():
    found = find(labels=entries_of([("in/a.avi", ["leopard"], "AB")]))
    rows = found.records.set_index("path")
    assert rows["state"].to_dict() == {"in/a.avi": "confirmed", "out/b.avi": "suspected"}
    assert rows["range_status"].to_dict() == {"in/a.avi": "inside", "out/b.avi": "beyond_barrier"}
    assert rows["barriers"]["out/b.avi"] == "railway" and found.notable["path"].tolist() == ["out/b.avi"]
    counts = found.count_states().values.tolist()
    assert counts == [["leopard", "confirmed", 1, 0, 0], ["leopard", "suspected", 1, 1, 0]]


def test_a_place_that_may_be_outside_is_to_be_checked_and_no_alert():
    near = {**OUT, "longitude": 132.01, "coordinate_uncertainty_m": 5_000.0}  # 0.8 km from the border
    found = find(deployments=deployments_of(IN, near), labels=entries_of([("in/a.avi", ["leopard"], "AB")]))
    assert found.notable.empty and found.to_check["path"].tolist() == ["out/b.avi"]
    assert found.count_states().iloc[1].tolist() == ["leopard", "suspected", 1, 0, 1]
    (named,) = found.findings[found.findings["rule"] == "to_check"].itertuples()
    assert named.path == "out/b.avi" and "range_cannot_tell" in named.message


def test_the_lower_score_counts_outside_the_range_only():
    low = {"in/a.avi": 0.1, "out/b.avi": 0.1, "out/c.avi": 0.01}
    assert len(find(low).records) == 0
    found = find(low, alert_score=0.05)
    assert found.records["path"].tolist() == ["out/b.avi"] and found.records["is_notable"].all()
    assert len(find(low, alert_score=0.05, ranges=None).records) == 0


def test_clips_with_people_are_left_out_and_counted():
    predictions = predictions_of(SCORES, human=("out/b.avi",))
    options = {"manifest": manifest_of(CLIPS), "deployments": PLACES, "ranges": MAP, "wanted": LABELS}
    alerts = predictions.table["alerts"].mask(predictions.table["path"].eq("out/b.avi"), "leopard")
    predictions = type(predictions)(predictions.table.assign(alerts=alerts), predictions.evidence)
    hidden = find_records(predictions, **options)
    assert hidden.records["path"].tolist() == ["in/a.avi"]
    (text,) = hidden.findings.loc[hidden.findings["rule"] == "people", "message"]
    assert "clips: 1, of which notable or to check: 1" in text and "out/b.avi" not in str(hidden.findings.to_dict())
    assert len(find_records(predictions, include_people=True, **options).records) == 2


def test_a_person_who_is_only_heard_makes_a_clip_private():
    heard = {"entry_id": 1, "clip_id": clip_id("out/b.avi"), "start_s": 1.0, "end_s": 2.0, "label": "person"}
    entries = pd.DataFrame([{**heard, "key": "k", "by": "AB", "at": "t", "undoes": None}]).astype(
        {"undoes": "Int64"}
    )
    found = find(sound_labels=entries)
    assert found.records["path"].tolist() == ["in/a.avi"] and "people" in rules(found)


# --- findings ---


def test_faults_of_places_are_named_with_their_row():
    places = deployments_of(
        IN,
        {"deployment": "d2", "site": "out"},
        {"deployment": "d3", "site": "x", "latitude": 43.5, "longitude": 131.5},
        {"deployment": "d4", "site": "y", "latitude": 43.51234, "longitude": 75.41234},
    )
    found = find(deployments=places).findings.set_index("rule")
    assert found["row"]["no_coordinates"] == 3 and "d2 (out)" in found["message"]["no_coordinates"]
    assert found["row"]["rounded_coordinates"] == 4 and "7.9 km" in found["message"]["rounded_coordinates"]
    assert "swapped_coordinates" not in found.index, "75 degrees north is even farther from this range"


def test_coordinates_that_make_sense_only_when_swapped_are_named():
    europe = Polygon([(10, 50), (11, 50), (11, 51), (10, 51)])
    places = deployments_of(
        {"deployment": "d1", "site": "in", "latitude": 50.51234, "longitude": 10.51234},
        {"deployment": "d2", "site": "out", "latitude": 10.61234, "longitude": 50.71234},
    )
    for ranges in (RangeMap((RangePolygon("leopard", "", europe),)), None):
        more = deployments_of(
            *(
                {"deployment": f"e{i}", "site": "in", "latitude": 50.6 + i / 1e4, "longitude": 10.4}
                for i in range(3)
            )
        )
        found = find(deployments=pd.concat([places, more], ignore_index=True), ranges=ranges).findings
        swapped = found[found["rule"] == "swapped_coordinates"]
        assert swapped["row"].tolist() == [3] and swapped["severity"].tolist() == ["error"]


def test_two_deployments_of_one_camera_at_once_are_named():
    periods = [("2021-01-01", "2021-03-01"), ("2021-02-01", "2021-02-05"), ("2021-02-20", "2021-04-01")]
    rows = [{"deployment": f"d{i}", "site": "in", "start": a, "end": b} for i, (a, b) in enumerate(periods)]
    places = deployments_of(*rows, {"deployment": "d9", "site": "out", "start": "2021-01-01", "end": "2022-01-01"})
    found = find(deployments=places.assign(camera=["K1", "K1", "K1", "K2"])).findings
    over = found[found["rule"] == "overlapping_deployments"]
    assert over["row"].tolist() == [3, 4] and over["message"].str.contains("camera K1").all()


def test_clips_without_or_outside_their_deployment_are_named():
    clips = CLIPS | {"x/d.avi": ("x", "d7", "2021-12-30 10:00"), "out/e.avi": ("out", "d2", "2015-01-01 00:01")}
    places = PLACES.assign(start=pd.Timestamp("2021-12-01"), end=pd.Timestamp("2021-12-31 23:59:59"))
    scores = SCORES | {"x/d.avi": 0.9, "out/e.avi": 0.9}
    found = find(scores, manifest=manifest_of(clips), deployments=places.astype(PLACES.dtypes))
    table = found.findings
    assert table.loc[table["rule"] == "unknown_deployment", "path"].tolist() == ["x/d.avi", "x/d.avi"]
    assert table.loc[table["rule"] == "outside_deployment", "path"].tolist() == ["out/e.avi", "out/e.avi"]
    rows = found.records.set_index("path")
    assert len(rows) == 4 and pd.isna(rows["at_utc"]["out/e.avi"]) and rows["range_status"]["x/d.avi"] == "no_place"
    assert rows["is_notable"]["out/e.avi"], "a wrong clock does not hide what its place says"


def test_without_a_deployments_table_nothing_is_said_of_its_rows():
    table = find(deployments=None).findings
    assert table.loc[table["rule"] == "no_deployments", "message"].tolist() == [
        "no deployments table was given (--deployments), so no record has a place"
    ]
    assert "unknown_deployment" not in set(table["rule"])
    assert not table["message"].str.contains("has no row", regex=False).any()


@pytest.mark.parametrize(
    ("site", "deployment", "words"),
    [
        ("x", "d7", "clips of deployment d7, site x: 1; "),
        ("x", None, "clips of site x, without a deployment: 1; "),
        (None, "d7", "clips of deployment d7, without a site: 1; "),
        (None, None, "clips without a deployment and a site: 1; "),
    ],
)
def test_clips_are_named_by_what_is_known_of_their_place(site, deployment, words):
    clips = CLIPS | {"x/d.avi": (site, deployment, "2021-12-30 10:00")}
    table = find(SCORES | {"x/d.avi": 0.9}, manifest=manifest_of(clips), deployments=PLACES).findings
    named = table.loc[table["rule"] == "unknown_deployment", "message"].tolist()
    assert any(text.startswith(words) for text in named), named


def test_what_cannot_be_compared_is_said():
    assert {"no_range", "no_history", "no_labels"} <= rules(find(ranges=None))
    typo = RangeMap((RangePolygon("leopards", "", RANGE.polygon),))
    found = find(ranges=typo).findings.set_index("rule")["message"]
    assert "no such label" in found["unused_range"]
    assert "unused_range" in rules(find(ranges=RangeMap((RANGE, RangePolygon("deer", "", RANGE.polygon)))))
    said = [("in/a.avi", ["leopard"], "AB"), ("in/a.avi", ["deer"], "CD"), ("other.avi", ["leopard"], "AB")]
    assert {"disputed", "other_clips"} <= rules(find(labels=entries_of(said)))


def test_results_without_places_or_times_know_nothing_notable():
    found = find_records(predictions_of(SCORES), wanted=LABELS)
    assert len(found.records) == 2 and not found.records["is_notable"].any() and len(found.notable) == 0


def test_tables_of_other_footage_are_refused():
    predictions = predictions_of(SCORES)
    other = predictions.table.assign(captured_at=pd.Timestamp("2019-05-05"), site="z")
    with pytest.raises(ManifestError, match="different footage"):
        find_records(type(predictions)(other, predictions.evidence), manifest=manifest_of(CLIPS), wanted=LABELS)


# --- what is written ---


def test_written_places_are_rounded_unless_exact_ones_are_asked_for_and_allowed(tmp_path):
    places = PLACES.assign(exact_place=["no", None], coordinate_uncertainty_m=[50.0, np.nan])
    found = find(deployments=places)
    coarse = read_records(found.write(tmp_path / "coarse"))
    assert coarse[["latitude", "longitude"]].values.tolist() == [[43.5, 131.5], [43.5, 132.4]]
    assert coarse["coordinate_uncertainty_m"].tolist() == [50 + 7902, 7902]
    assert coarse["distance_km"].tolist() == [0, 33] and coarse["distance_error_km"].iloc[1] == 1
    exact = read_records(found.write(tmp_path / "exact", exact_places=True))
    assert exact["latitude"].tolist() == [43.5, 43.51234] and exact["distance_km"].iloc[1] != 33
    for file in (tmp_path / "coarse").iterdir():
        if file.suffix == ".csv":
            assert "1234" not in file.read_text("utf-8"), file.name
    assert found.records["latitude"].tolist() == [43.51234, 43.51234], "the result itself keeps them"


def test_no_two_distances_lead_back_to_a_hidden_place():
    table = records_of({"distance_km": 31.6, "nearest_record_km": 47.3, "exact_place": "no", "encounter_id": "e"})
    other = {"record_id": "r1", "nearest_record_id": "r1", "exact_place": None, "encounter_id": "f"}
    table = pd.concat([table, table.assign(**other)], ignore_index=True)
    for exact, shown in ((True, [[32.0, 50.0], [31.6, 47.3]]), (False, [[32.0, 50.0]] * 2)):
        hidden = hide_places(table.assign(distance_error_km=0.1), exact_places=exact)
        assert hidden[["distance_km", "nearest_record_km"]].values.tolist() == shown
    ways = pd.DataFrame({"encounter_id": ["e", "f", "g"], "path_km": [28.9, 28.9, np.nan]})
    for exact, km in ((True, [20.0, 28.9]), (False, [20.0, 20.0])):
        found = hide_paths(ways, table, exact_places=exact)["path_km"]
        assert found[:2].tolist() == km and pd.isna(found[2])


def test_a_distance_to_a_hidden_place_is_coarse_at_both_of_its_ends():
    places = {"hidden": "no", "exact": None, "gone": "no"}
    table = records_of(
        {"record_id": "hidden", "exact_place": "no"},
        *({"record_id": f"to {x}", "nearest_record_id": x, "nearest_record_km": 47.3} for x in places),
        {"record_id": "nameless", "nearest_record_km": 47.3},
        {"record_id": "exact"},
    )
    shown = hide_places(table, exact_places=True).set_index("record_id")["nearest_record_km"].dropna()
    assert shown.to_dict() == {"to hidden": 50, "to exact": 47.3, "to gone": 50, "nameless": 50}
    part = hide_places(table[table["record_id"] == "to exact"], exact_places=True, among=table)
    assert part["nearest_record_km"].tolist() == [47.3]


def test_nothing_written_names_a_clip_that_was_left_out_for_people(tmp_path):
    scores = dict.fromkeys(CLIPS, 0.9)
    said = [("in/a.avi", ["leopard"], "AB"), ("in/a.avi", ["human"], "CD"), ("out/b.avi", ["leopard"], "AB")]
    said += [
        ("out/b.avi", ["leopard", "human"], "CD"),
        ("out/b.avi", ["leopard"], "EF"),
        ("other.avi", ["human"], "AB"),
    ]
    labels = entries_of([*said, ("out/c.avi", ["leopard"], "AB")])
    found = find(scores, labels=labels)
    assert found.records["path"].tolist() == ["out/c.avi"] and {"people", "other_clips"} <= rules(found)
    gone = set(find(scores, labels=labels, include_people=True).records["record_id"]) - {
        *found.records["record_id"]
    }
    assert len(gone) == 2
    for file in found.write(tmp_path).glob("*.csv"):
        text = file.read_text("utf-8")
        assert not [x for x in ("a.avi", "b.avi", "other.avi", *gone) if x in text], file.name


def test_rounded_places_hold_the_true_one():
    for seed in range(20):
        lat, lon = np.random.default_rng(seed).uniform([-80, -179], [80, 179])
        t = records_of({"latitude": lat, "longitude": lon, "coordinate_uncertainty_m": 10.0})
        hidden = hide_places(t, exact_places=False).iloc[0]
        # Half a cell each way, on a sphere of 111.2 km for each degree.
        off = np.hypot(hidden["latitude"] - lat, (hidden["longitude"] - lon) * np.cos(np.deg2rad(lat))) * 111_200
        assert off <= hidden["coordinate_uncertainty_m"] + 20


def test_records_are_read_as_they_were_written(tmp_path):
    found = find(labels=entries_of([("in/a.avi", ["leopard"], "AB")]))
    found.write(tmp_path, exact_places=True)
    pd.testing.assert_frame_equal(read_records(tmp_path), found.records)
    from_csv = read_records(tmp_path / "records.csv")
    pd.testing.assert_frame_equal(from_csv, found.records, check_exact=False)
    with pytest.raises(ManifestError):
        read_records(tmp_path / "findings.csv")


def test_an_earlier_season_is_history(tmp_path):
    old = find(labels=entries_of([("in/a.avi", ["leopard"], "AB")])).write(tmp_path)
    season = {"manifest": manifest_of({"in/z.avi": ("in", "d1", "2029-12-30 10:00")}), "earlier": read_records(old)}
    found = find({"in/z.avi": 0.9}, deployments=PLACES.assign(clock_uncertainty_s=60.0), **season)
    assert found.records["rules"].tolist() == ["first_in_years"] and "no_history" not in rules(found)
    doubtful = find({"in/z.avi": 0.9}, **season)
    assert not doubtful.records["is_notable"].any(), "nothing speaks for the year of this camera"
    assert clip_id("in/a.avi") not in set(found.records["clip_id"])


def test_a_label_that_nobody_uses_is_refused_with_the_nearest():
    with pytest.raises(ManifestError, match="neither the model nor a person uses this label") as error:
        find(wanted=["Leopard"])
    assert "did you mean leopard?" in str(error.value)


def test_two_animals_at_one_hidden_camera_give_one_distance():
    at, off = {"latitude": 43.51234, "longitude": 132.41234}, {"distance_error_km": 0.1, "range_status": "outside"}
    rows = [
        {"record_id": "a", "label": "leopard", "distance_km": 12.3, **at, **off},
        {"record_id": "b", "label": "tiger", "distance_km": 40.2, **at, **off},
        {"record_id": "c", "label": "tiger", "distance_km": 40.2, **at, **off},
        {"record_id": "d", "label": "tiger", "distance_km": 7.0, **at, "latitude": 43.2, **off},
        {"record_id": "e", "label": "wolf", "distance_km": 0.0, **at, "range_status": "inside"},
    ]
    table = records_of(*rows)

    def told(table, **options):
        return hide_places(table, exact_places=False, **options).set_index("record_id")["distance_km"].dropna()

    assert told(table).to_dict() == {"b": 40, "c": 40, "d": 7, "e": 0}  # tiger has most records there
    notable = table.assign(is_notable=table["record_id"].eq("a"))
    assert told(notable).to_dict() == {"a": 12, "d": 7, "e": 0}
    part = told(notable[notable["label"] == "tiger"], among=notable)
    assert part.to_dict() == {"d": 7}, "in a dossier of one animal, the others count, too"
    exact = hide_places(notable, exact_places=True)
    assert exact["distance_km"].notna().all()
