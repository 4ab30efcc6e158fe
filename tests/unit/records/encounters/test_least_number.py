"""A fast version of `scripts/measure_encounters.py animals`, and cases worked out by hand."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from leopardnet.records.encounters import count_animals
from leopardnet.records.encounters.encounter_settings import load_encounter_settings
from leopardnet.records.encounters.encounter_table import count_by_label, link_encounters
from leopardnet.records.encounters.least_number import find_records_apart, is_apart
from leopardnet.records.encounters.posts import count_seconds, find_posts
from planted_records import plant

SCRIPT = Path(__file__).resolve().parents[4] / "scripts" / "measure_encounters.py"
TOP = load_encounter_settings().speeds["leopard"].top_km_h
# One leopard at A and at C later; at B, 20 km from A, one was filmed at the same minute.
TWO = (
    ("A", "2021-12-30 20:00"),
    ("B", "2021-12-30 20:00", {"km_north": 20}),
    ("C", "2021-12-30 23:00", {"km_north": 10}),
)


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("measure_encounters", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def change(rows, **told):
    return [(station, at, {**(more[0] if more else {}), **told}) for station, at, *more in rows]


def count(*rows, settings=None):
    """The one encounter of these records: its number, the reason, and the records that prove it."""
    table = link_encounters(plant(*rows), settings)[1]
    assert len(table) == 1
    ids = table["min_animals_ids"][0]
    return table["min_animals"][0], table["min_animals_why"][0], None if pd.isna(ids) else json.loads(ids)


def test_the_number_equals_brute_force(script):
    rng = np.random.default_rng(1)
    cases = [script.draw_case(rng) for _ in range(300)]
    forced = [script.count_by_force(case, TOP) for case in cases]
    assert script.tell_least(cases).tolist() == forced and set(forced) >= {1, 2, 3, 4}


def test_the_number_is_never_too_high_with_wrong_clocks_and_places(script):
    filmed = [script.film_walkers(np.random.default_rng(i), TOP) for i in range(150)]
    least, true = script.tell_least([records for records, _ in filmed]), np.array([n for _, n in filmed])
    assert (least <= true).all() and (least == true).mean() > 0.5 and set(true) == {1, 2, 3}


def test_brute_force_finds_what_is_plain(script):
    place = np.full(3, 43.5), np.array([131.5, 131.8, 131.5])
    assert script.count_by_force(script.make_records(np.array([0, 1, 0]), np.zeros(3), *place), TOP) == 2


def test_two_records_at_once_and_far_apart_are_of_two_animals_and_are_named():
    assert count(*TWO) == (2, count_animals.APART, ["r0", "r1"])
    assert count(TWO[0], TWO[2]) == (1, count_animals.ONE_WALK, None)


def test_two_cameras_of_one_station_see_one_animal_from_two_sides():
    rows = [("A", "2021-12-30 20:00", {"deployment": d, "latitude": y}) for d, y in (("A1", 43.5), ("A2", 43.9))]
    assert count(*rows) == (1, count_animals.ONE_STATION, None)


def test_a_clock_that_may_be_wrong_by_enough_makes_one_animal_possible():
    needed_s = 20 / TOP * 3600 / 2  # of each of the two clocks
    assert count(*change(TWO, clock_uncertainty_s=needed_s - 1))[0] == 2
    assert count(*change(TWO, clock_uncertainty_s=needed_s + 1))[:2] == (1, count_animals.ONE_WALK)


def test_a_place_that_may_be_wrong_by_enough_makes_one_animal_possible():
    assert count(*change(TWO, coordinate_uncertainty_m=9_990.0))[0] == 2
    assert count(*change(TWO, coordinate_uncertainty_m=10_010.0))[0] == 1


def test_what_is_not_known_is_said_and_does_not_undo_what_is_certain():
    unknown = [*TWO[:2], ("D", "2021-12-30 20:00", {"km_north": 10, "clock_uncertainty_s": np.nan}), TWO[2]]
    assert count(*unknown) == (2, count_animals.APART, ["r0", "r1"])
    number, why, ids = count(*change(TWO, clock_uncertainty_s=np.nan))
    assert pd.isna(number) and why == count_animals.NO_CLOCK and ids is None
    number, why, _ = count(*change((TWO[0], TWO[2]), has_zone=False))
    assert pd.isna(number) and why == count_animals.NO_ZONE
    nowhere = {"latitude": np.nan, "longitude": np.nan}
    number, why, _ = count(TWO[0], TWO[2], ("A", "2021-12-30 20:30", nowhere))
    assert pd.isna(number) and why == count_animals.NO_PLACE


def test_one_station_needs_no_clock():
    rows = change((TWO[0], ("A", "2021-12-30 21:00")), clock_uncertainty_s=np.nan, has_zone=False)
    assert count(*rows) == (1, count_animals.ONE_STATION, None)


def test_a_label_without_a_speed_cannot_be_told():
    number, why, _ = count(*change(TWO, label="lynx"))
    assert pd.isna(number) and why == count_animals.NO_SPEED


def test_confirmed_and_suspected_records_are_not_counted_together():
    rows = [TWO[0], (*TWO[1][:2], {"km_north": 20, "state": "suspected"}), TWO[2]]
    assert count(*rows) == (1, count_animals.ONE_WALK, None)
    assert link_encounters(plant(*rows))[1]["min_animals_if_confirmed"].tolist() == [2]
    suspected = plant(*change(TWO, state="suspected"))
    table = link_encounters(suspected)[1]
    assert (table["min_animals"][0], table["min_animals_why"][0]) == (0, count_animals.NOTHING)
    assert table["min_animals_if_confirmed"][0] == 2


def test_a_season_counts_animals_that_no_encounter_joins():
    records = plant(*TWO[:2], ("A", "2021-12-30 20:00", {"label": "tiger", "state": "suspected"}))
    assert link_encounters(records)[1]["min_animals"].tolist() == [1, 1, 0]
    table = count_by_label(records)
    assert table[["label", "n_confirmed", "min_animals"]].to_numpy().tolist() == [
        ["leopard", 2, 2],
        ["tiger", 0, 0],
    ]
    assert json.loads(table["min_animals_ids"][0]) == ["r0", "r1"] and len(count_by_label(plant())) == 0


@pytest.mark.parametrize("seed", range(4))
def test_long_series_are_searched_in_windows_that_lose_nothing(script, seed):
    """Against one matching over all records, which is exact for exact clocks."""
    rng = np.random.default_rng(seed)
    station, minutes = rng.integers(0, 8, 250), np.sort(np.round(rng.uniform(0, 1440, 250), 1))
    latitude, longitude = 43.4 + rng.uniform(0, 0.4, 8), 131.5 + rng.uniform(0, 0.4, 8)
    records = script.make_records(station, minutes, latitude[station], longitude[station])
    posts, time_s = find_posts(records), count_seconds(records)
    apart = is_apart(time_s, posts.of_record, posts, top_km_h=TOP)
    matched = maximum_bipartite_matching(csr_matrix(np.triu(~apart, 1)), perm_type="column")
    found = find_records_apart(time_s, posts.of_record, posts, top_km_h=TOP)
    assert len(found) == (matched < 0).sum() > 2
    assert apart[np.ix_(found, found)].sum() == len(found) * (len(found) - 1), "they prove it"


def test_records_without_a_time_prove_nothing_and_break_nothing():
    undated = [("A", None), ("B", None, {"km_north": 20}), ("A", None)]
    table = count_by_label(plant(*undated))
    assert table["n_confirmed"].tolist() == [3] and table["min_animals"].isna().tolist() == [True]
    assert table["min_animals_why"].tolist() == [count_animals.NO_TIME]
    one_station = count_by_label(plant(*undated[::2]))
    assert one_station[["min_animals", "min_animals_why"]].to_numpy().tolist() == [[1, count_animals.ONE_STATION]]
    proved = count_by_label(plant(*TWO, *undated))
    assert proved["min_animals"].tolist() == [2] and json.loads(proved["min_animals_ids"][0]) == ["r0", "r1"]
    assert len(link_encounters(plant(*undated))[1]) == 3
