"""A range from confirmed records, and that reading it again finds them inside."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.records.ranges.add_ranges import add_ranges
from leopardnet.records.ranges.from_records import DrawnRange, draw_ranges, load_drawn_range, write_drawn_ranges
from leopardnet.records.ranges.read_ranges import parse_ranges, read_ranges
from season_tables import records_of

A = {"state": "confirmed", "latitude": 43.12345, "longitude": 131.12345}
B = {"state": "confirmed", "latitude": 44.12345, "longitude": 131.12345}
MIDDLE = {"latitude": 43.62345, "longitude": 131.12345}
UNION = DrawnRange(buffer_km=10, shape="union")


def ring_of(drawn):
    return np.concatenate([np.array(p[0]) for p in drawn["features"][0]["geometry"]["coordinates"]])


@pytest.mark.parametrize(("settings", "middle"), [(None, "inside"), (UNION, "outside")])
def test_every_record_is_inside_and_the_land_between_as_asked(settings, middle):
    records = records_of(A, B, MIDDLE)
    ranges = parse_ranges(draw_ranges(records, settings=settings, exact_places=True), name="x")
    found = add_ranges(records_of(A, B, {**MIDDLE, "coordinate_uncertainty_m": 10.0}), ranges)
    assert found["range_status"].tolist() == ["inside", "inside", middle]


def test_the_border_is_a_buffer_away():
    drawn = draw_ranges(records_of({**A, "coordinate_uncertainty_m": 500.0}), settings=UNION, exact_places=True)
    ranges = parse_ranges(drawn, name="x")
    found = ranges.locate("leopard", np.array([A["longitude"]]), np.array([A["latitude"]]))
    assert found.border.distance_m[0] == pytest.approx(10_500, abs=20)


def test_places_are_rounded_all_of_them_unless_exact_ones_are_asked_for_and_allowed():
    for exact, forbidden, is_exact in ((False, None, False), (True, "no", False), (True, None, True)):
        records = records_of({**A, "exact_place": forbidden}, B)
        drawn = draw_ranges(records, settings=UNION, exact_places=exact)
        ring = np.array(drawn["features"][0]["geometry"]["coordinates"][0][0])
        middle = (ring.max(axis=0) + ring.min(axis=0)) / 2
        is_rounded = np.abs(middle - np.round(middle, 1)).max() < 0.002
        assert is_rounded is not is_exact
        found = add_ranges(records_of(A, B), parse_ranges(drawn, name="x"))
        assert found["range_status"].tolist() == ["inside", "inside"]


def test_only_confirmed_records_with_a_place_count():
    with pytest.raises(ManifestError, match="no confirmed record") as error:
        draw_ranges(records_of({**A, "state": "suspected"}, {"state": "confirmed"}))
    assert "2 records, 1 of them confirmed" in str(error.value)
    drawn = draw_ranges(records_of(A, {**B, "state": "refuted"}, {**B, "label": "tiger"}))
    assert [f["properties"]["label"] for f in drawn["features"]] == ["leopard", "tiger"]


def test_a_range_across_the_antimeridian_is_split_there():
    records = records_of({**A, "longitude": 179.95}, {**A, "longitude": -179.85})
    drawn = draw_ranges(records, exact_places=True)
    ring = ring_of(drawn)
    assert len(drawn["features"][0]["geometry"]["coordinates"]) == 2 and np.abs(ring[:, 0]).max() == 180
    found = add_ranges(records, parse_ranges(drawn, name="x"))
    assert found["range_status"].tolist() == ["inside", "inside"]


def test_a_pole_is_refused():
    with pytest.raises(ManifestError, match="pole"):
        draw_ranges(records_of({**A, "latitude": 88.0}))


def test_it_is_written_as_geojson_and_read_again(tmp_path):
    drawn = draw_ranges(records_of({**A, "captured_at": pd.Timestamp("2019-05-05")}))
    assert read_ranges(write_drawn_ranges(drawn, tmp_path / "r.geojson")).labels == ("leopard",)
    assert drawn["features"][0]["properties"]["name"] == "leopard: 1 confirmed records at 1 places, 2019 to 2019"
    with pytest.raises(ManifestError, match="format of a range"):
        write_drawn_ranges(drawn, tmp_path / "r.shp")


def test_settings_are_checked(tmp_path):
    assert load_drawn_range() == DrawnRange(buffer_km=10, shape="hull")
    for text in ("buffer_km: -1\nshape: hull\n", "buffer: 10\n", "- 1\n", "{"):
        (tmp_path / "s.yaml").write_text(text)
        with pytest.raises(ConfigError):
            load_drawn_range(tmp_path / "s.yaml")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_drawn_range(tmp_path / "none.yaml")
