"""Where records lie: inside, outside, beyond a barrier, or not known well enough to tell."""

import numpy as np
import pandas as pd
import pytest
from shapely.geometry import LineString, Polygon

from leopardnet.records.ranges.add_ranges import add_ranges
from leopardnet.records.ranges.range_map import Barrier, RangeMap, RangePolygon
from season_tables import records_of

SQUARE = Polygon([(131, 43), (132, 43), (132, 44), (131, 44)])
RAILWAY = Barrier("railway", LineString([(132.2, 42), (132.2, 45)]))
RIVER = Barrier("river", LineString([(132.1, 42), (132.1, 45)]))
MAP = RangeMap((RangePolygon("leopard", "land", SQUARE),), (RAILWAY, RIVER))
# At 43.5 degrees north a degree of longitude has 80.88 km: 0.05001 degrees are 4.045 km.


def statuses(*places, ranges=MAP):
    return add_ranges(records_of(*[{"latitude": y, "longitude": x} for x, y in places]), ranges)


def test_a_record_is_inside_outside_or_beyond_what_lies_between():
    found = statuses((131.50001, 43.50001), (132.05001, 43.50001), (132.15001, 43.50001), (132.30001, 43.50001))
    assert found["range_status"].tolist() == ["inside", "outside", "beyond_barrier", "beyond_barrier"]
    assert found["barriers"].fillna("").tolist() == ["", "", "river", "railway + river"]
    np.testing.assert_allclose(found["distance_km"], [0, 4.045, 12.133, 24.265], atol=0.01)
    assert found["distance_error_km"].iloc[0] == 0 and found["distance_error_km"].between(0, 0.05).all()


def test_a_place_that_may_be_on_either_side_cannot_be_told():
    near = {"latitude": 43.50001, "longitude": 132.05001}
    records = records_of(
        {**near, "coordinate_uncertainty_m": 4_000.0},
        {**near, "coordinate_uncertainty_m": 4_100.0},
        {"latitude": 43.50001, "longitude": 131.95001, "coordinate_uncertainty_m": 4_100.0},
        {"latitude": 43.5, "longitude": 132.0},
    )
    found = add_ranges(records, MAP)
    assert found["range_status"].tolist() == ["outside", "cannot_tell", "cannot_tell", "cannot_tell"]
    assert found["distance_error_km"].iloc[1] == pytest.approx(4.101)


def test_coordinates_with_one_decimal_are_right_to_their_cell():
    """That is 7.9 km; the river is 8.1 km from the border, and the railway another 8.1 km."""
    found = statuses((132.2, 43.5), (132.1, 43.5), (132.0, 43.4), (131.4, 43.4))
    assert found["range_status"].tolist() == ["beyond_barrier", "outside", "cannot_tell", "inside"]
    assert found["barriers"].fillna("").tolist() == ["river", "", "", ""], "a line through the place may be crossed"


def test_without_place_or_range_it_says_so():
    records = records_of({"latitude": np.nan, "longitude": 131.5}, {"label": "tiger", "latitude": 43.2})
    found = add_ranges(records, MAP)
    assert found["range_status"].tolist() == ["no_place", "no_range"] and found["distance_km"].isna().all()
    assert len(add_ranges(records.iloc[:0], MAP)) == 0
    assert add_ranges(records, RangeMap())["range_status"].eq("no_range").all()


def test_nothing_else_changes():
    records = records_of({"latitude": 43.2, "longitude": 131.5, "score": 0.4}, index=[7])
    found = add_ranges(records, MAP)
    changed = ["range_status", "distance_km", "distance_error_km", "barriers"]
    pd.testing.assert_frame_equal(found.drop(columns=changed), records.drop(columns=changed))
