import json

import numpy as np
import pandas as pd
import pytest
from pyproj import Geod

from leopardnet.records.encounters.encounter_settings import load_encounter_settings
from leopardnet.records.encounters.encounter_table import link_encounters
from planted_records import plant

SETTINGS = load_encounter_settings()
TOP = SETTINGS.speeds["leopard"].top_km_h


def groups(records, settings=None):
    """The record ids of each encounter, as sets."""
    return {frozenset(json.loads(ids)) for ids in link_encounters(records, settings)[1]["record_ids"]}


def are_linked(records):
    return len(groups(records)) == 1


def test_a_walk_over_cameras_of_two_owners_is_one_encounter():
    records = plant(
        ("B", "2021-12-30 21:00", {"km_north": 3, "owner": "college"}),
        ("A", "2021-12-30 20:00"),
        ("A", "2021-12-30 20:01", {"state": "refuted"}),
        ("A", "2021-12-31 05:00", {"state": "suspected"}),
        ("A", "2022-02-01 05:00"),
    )
    linked, table = link_encounters(records)
    assert linked["encounter_id"].tolist()[:2] == ["r1", "r1"] and linked["encounter_id"][3] == "r1"
    assert pd.isna(linked["encounter_id"][2]) and linked["encounter_id"][4] == "r4"
    assert linked.drop(columns="encounter_id").equals(records), "nothing else changes"
    first = table.iloc[0]
    assert (first["n_records"], first["n_confirmed"], first["n_suspected"], first["state"]) == (
        3,
        2,
        1,
        "confirmed",
    )
    assert (first["sites"], first["n_sites"], first["owners"], first["n_owners"]) == (
        "A + B",
        2,
        "reserve + college",
        2,
    )
    assert first["path_km"] == pytest.approx(6.0, abs=1e-6)
    assert (first["start"], first["end"]) == (pd.Timestamp("2021-12-30 20:00"), pd.Timestamp("2021-12-31 05:00"))
    assert json.loads(first["record_ids"]) == ["r1", "r0", "r3"], "in order of time"


def test_no_record_is_no_encounter_and_only_refuted_ones_neither():
    for records in (plant(), plant(("A", "2021-12-30", {"state": "refuted"}))):
        linked, table = link_encounters(records)
        assert len(table) == 0 and len(linked) == len(records) and linked["encounter_id"].isna().all()


def test_a_suspected_record_alone_is_a_suspected_encounter():
    table = link_encounters(plant(("A", "2021-12-30", {"state": "suspected"})))[1]
    assert table[["state", "n_confirmed", "n_suspected"]].iloc[0].tolist() == ["suspected", 0, 1]


@pytest.mark.parametrize(("time", "linked"), [("2021-12-31 20:00:00", True), ("2021-12-31 20:00:01", False)])
def test_a_day_without_a_record_ends_an_encounter(time, linked):
    assert are_linked(plant(("A", "2021-12-30 20:00:00"), ("A", time))) is linked
    assert are_linked(plant(("A", "2021-12-30 20:00:00"), ("B", time, {"km_north": 1}))) is linked


@pytest.mark.parametrize(
    ("told", "linked"),
    [
        ({"km_north": TOP / 10}, True),  # six minutes at top speed
        ({"km_north": TOP / 10 + 0.01}, False),
        ({"km_north": TOP / 10 + 0.01, "clock_uncertainty_s": 30.0}, True),
        ({"km_north": TOP / 10 + 0.01, "clock_uncertainty_s": np.nan}, True),
        ({"km_north": TOP / 10 + 0.01, "coordinate_uncertainty_m": 10.0}, True),
        ({"km_north": TOP / 10 + 0.01, "coordinate_uncertainty_m": np.nan}, True),  # as exact as a receiver
        ({"km_north": TOP / 10 + 0.05, "coordinate_uncertainty_m": np.nan}, False),
    ],
)
def test_who_cannot_be_there_in_time_is_not_linked_unless_a_clock_or_a_place_may_be_wrong(told, linked):
    assert are_linked(plant(("A", "2021-12-30 20:00"), ("B", "2021-12-30 20:06", told))) is linked


def test_a_label_without_a_speed_is_linked_by_time_and_distance_alone():
    for km, linked in ((29.9, True), (30.1, False)):
        rows = [
            ("A", "2021-12-30 20:00", {"label": "lynx"}),
            ("B", "2021-12-30 20:01", {"label": "lynx", "km_north": km}),
        ]
        assert are_linked(plant(*rows)) is linked


@pytest.mark.parametrize(("km", "linked"), [(29.99, True), (30.01, False)])
def test_far_records_are_not_linked_but_through_others(km, linked):
    far = ("C", "2021-12-31 10:00", {"km_north": km})
    assert are_linked(plant(("A", "2021-12-30 20:00"), far)) is linked
    assert are_linked(plant(("A", "2021-12-30 20:00"), ("B", "2021-12-31 02:00", {"km_north": 15}), far))


def test_labels_are_never_linked():
    assert len(groups(plant(("A", "2021-12-30 20:00"), ("A", "2021-12-30 20:00", {"label": "tiger"})))) == 2


def test_equal_names_of_two_owners_are_two_stations():
    rows = [("A", "2021-12-30 20:00"), ("A", "2021-12-30 20:00", {"owner": "college", "km_north": 12})]
    assert not are_linked(plant(*rows))


def test_times_with_and_without_a_zone_are_not_compared():
    zoneless = {"has_zone": False}
    assert not are_linked(plant(("A", "2021-12-30 20:00"), ("A", "2021-12-30 20:10", zoneless)))
    assert are_linked(
        plant(("A", "2021-12-30 20:00", zoneless), ("B", "2021-12-30 20:10", zoneless | {"km_north": 1}))
    )


def test_records_without_place_are_linked_at_their_station_and_those_without_time_or_station_not_at_all():
    nowhere = {"latitude": np.nan, "longitude": np.nan}
    records = plant(
        ("A", "2021-12-30 20:00"),
        ("B", "2021-12-30 20:30", nowhere),
        ("B", "2021-12-30 20:40", nowhere),
        ("A", None),
        (None, "2021-12-30 20:10", nowhere),
        (None, "2021-12-30 20:10", nowhere),
    )
    assert groups(records) == {frozenset(x) for x in ({"r0"}, {"r1", "r2"}, {"r3"}, {"r4"}, {"r5"})}
    table = link_encounters(records)[1].set_index("encounter_id")
    assert pd.isna(table.loc["r3", "start"]) and pd.isna(table.loc["r1", "path_km"])


def test_the_antimeridian_is_no_border():
    rows = [("A", "2021-12-30 20:00", {"longitude": 179.99}), ("B", "2021-12-30 21:00", {"longitude": -179.99})]
    table = link_encounters(plant(*rows))[1]
    expected = Geod(ellps="WGS84").inv(179.99, 43.5, -179.99, 43.5)[2] / 1000
    assert len(table) == 1 and table["path_km"][0] == pytest.approx(expected) and expected < 2


def draw_records(rng, n=60):
    """Records at eight posts of six stations within 100 km and four days, some by uncertain clocks."""
    post = rng.integers(0, 8, n)
    km, clock = rng.uniform(0, 100, 8), rng.choice([0.0, 60.0, 3600.0, np.nan], 8)
    minutes = rng.integers(0, 4 * 1440, n)
    return plant(
        *(
            (
                f"s{min(p, 5)}",
                pd.Timestamp("2021-12-30") + pd.Timedelta(minutes=int(m)),
                {"km_north": km[p], "clock_uncertainty_s": clock[p]},
            )
            for p, m in zip(post, minutes, strict=True)
        )
    )


def link_by_force(records, settings):
    """The groups that follow from looking at every pair."""
    group = list(range(len(records)))
    rows = records.to_dict("records")
    geod = Geod(ellps="WGS84")
    for i, a in enumerate(rows):
        for j, b in enumerate(rows[:i]):
            seconds = abs((a["at_utc"] - b["at_utc"]).total_seconds())
            km = geod.inv(a["longitude"], a["latitude"], b["longitude"], b["latitude"])[2] / 1000
            slack = a["clock_uncertainty_s"] + b["clock_uncertainty_s"]
            reach = TOP * (seconds + (1e9 if np.isnan(slack) else slack)) / 3600
            same = a["station"] == b["station"]
            if seconds <= settings.max_gap_h * 3600 and (same or (km <= settings.max_km and km <= reach + 1e-6)):
                group = [group[j] if g == group[i] else g for g in group]
    return {frozenset(r["record_id"] for r, g in zip(rows, group, strict=True) if g == x) for x in set(group)}


@pytest.mark.parametrize("seed", range(12))
def test_groups_are_those_of_all_pairs_whatever_the_order_of_rows(seed):
    rng = np.random.default_rng(seed)
    settings = SETTINGS.model_copy(update={"max_gap_h": float(rng.choice([0.5, 2, 6]))})
    records = draw_records(rng)
    expected = link_by_force(records, settings)
    assert groups(records, settings) == expected and 1 < len(expected) < len(records)
    assert groups(records.sample(frac=1, random_state=seed), settings) == expected
