import pandas as pd

from leopardnet.core.tables import conform
from leopardnet.data.scan.deployments import DEPLOYMENTS
from leopardnet.records.encounters.season_encounters import find_encounters
from leopardnet.records.record_table import RECORDS, fill_records
from planted_records import plant

TIMES = ("2021-12-30 20:00", "2021-12-31 01:00", "2021-12-31 06:00", "2021-12-31 18:00")


def deployments():
    """Two cameras of station A, one of them broken for a month, and one of B that began with its first clip."""
    table = pd.DataFrame(
        {
            "deployment": ["A-left", "A-right", "B"],
            "site": ["A", "A", "B"],
            "station": ["A", "A", None],
            "owner": "reserve",
            "start": pd.to_datetime(["2021-10-01", "2021-10-01", None]),
            "end": pd.to_datetime(["2022-01-28 23:59:59"] * 3),
            "problems": ["2021-11-01 00:00:00/2021-11-30 23:59:59", None, None],
            "clock_correction_s": 0.0,
        }
    )
    return conform(table, DEPLOYMENTS, where="deployments")


def records():
    rows = [("A", at, {"deployment": "A-left"}) for at in TIMES]
    opposite = ("A", pd.Timestamp("2021-12-30 20:00:20"), {"deployment": "A-right"})
    far = ("B", "2021-12-30 20:00", {"km_north": 20})
    table = fill_records(plant(*rows, opposite, far))
    return table[[c.name for c in RECORDS]]


def test_a_season_from_records_to_tables(tmp_path):
    clips = records()[["clip_id", "deployment", "site", "station", "owner", "captured_at"]]
    sounds = pd.DataFrame(
        {"clip_id": ["c1", "c1", "c2", "c5"], "kind": ["tonal_call", "tonal_call", "voice", "tonal_call"]}
    ).assign(start_s=[1.0, 3.0, 1.0, 1.0], end_s=[1.5, 3.5, 1.5, 1.5])
    found = find_encounters(records(), deployments=deployments(), clips=clips, sounds=sounds)
    assert conform(found.records, RECORDS, where="records")["encounter_id"].tolist() == ["r0"] * 6
    assert found.encounters[["n_records", "min_animals"]].to_numpy().tolist() == [[6, 2]]
    assert found.animals["min_animals"].tolist() == [2]
    assert found.flanks[["record_id_1", "record_id_2"]].to_numpy().tolist() == [["r0", "r4"]]
    beside = ["n_captures", "n_alarm_calls", "n_alarm_calls_suspected"]
    assert found.hints[beside].to_numpy().tolist() == [[4, 0, 1]], "nobody has listened yet"
    said = {"start_s": 1.0, "end_s": 1.5, "by": "AB", "at": "t", "key": "k", "undoes": None}
    rows = [{**said, "entry_id": 1, "clip_id": "c3", "label": "alarm call"}]
    bird = {**said, "clip_id": "c1", "label": "bird"}
    rows += [{**bird, "entry_id": 2}, {**bird, "entry_id": 3, "start_s": 3.0, "end_s": 3.5}]
    named = find_encounters(
        records(),
        deployments=deployments(),
        clips=clips,
        sounds=sounds,
        sound_labels=pd.DataFrame(rows).astype({"undoes": "Int64"}),
        prey=records().iloc[:1].assign(label="sika_deer"),
    )
    assert named.hints[[*beside, "n_prey"]].to_numpy().tolist() == [[4, 1, 0, 1]], "a bird is no candidate any more"
    assert found.hints["camera_days"].tolist() == [120.0], "the other camera of the station worked on"
    folder = found.write(tmp_path / "records")
    assert sorted(p.name for p in folder.iterdir()) == ["animals.csv", "encounters.csv", "flanks.csv", "hints.csv"]
    assert all("latitude" not in p.read_text("utf-8") for p in folder.iterdir())


def test_without_deployments_and_sounds_nothing_is_made_up():
    found = find_encounters(records())
    assert len(found.encounters) == 1 and len(found.hints) == 0
    found = find_encounters(records(), deployments=deployments())
    assert found.hints["n_alarm_calls"].isna().tolist() == [True]
    nothing = find_encounters(records().iloc[:0], deployments=deployments())
    assert all(len(x) == 0 for x in (nothing.encounters, nothing.animals, nothing.flanks, nothing.hints))
