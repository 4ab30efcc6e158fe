"""Reading ranges: what RFC 7946 allows is read, and everything else is named, never mended."""

import json

import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.records.ranges.read_ranges import parse_ranges, read_ranges

SQUARE = [[131.0, 43.0], [132.0, 43.0], [132.0, 44.0], [131.0, 44.0], [131.0, 43.0]]


def feature(coordinates, *, geometry="Polygon", kind="range", label="leopard", name="land"):
    properties = {"kind": kind, "label": label, "name": name}
    return {
        "type": "Feature",
        "properties": {k: v for k, v in properties.items() if v is not None},
        "geometry": {"type": geometry, "coordinates": coordinates},
    }


def collection(*features, **more):
    return {"type": "FeatureCollection", "features": list(features), **more}


def parse(*features, **more):
    return parse_ranges(collection(*features, **more), name="r.geojson")


def test_a_file_gives_its_ranges_by_label_and_its_barriers_by_name(tmp_path):
    lines = [[[131, 43], [132, 44]], [[132, 44], [133, 44]]]
    data = collection(
        feature([SQUARE]),
        feature([[SQUARE], [[[x + 2, y] for x, y in SQUARE]]], geometry="MultiPolygon", label="tiger"),
        feature(lines, geometry="MultiLineString", kind="barrier", label=None, name="railway"),
        feature(lines[0], geometry="LineString", kind="barrier", label=None, name=None),
    )
    (tmp_path / "r.geojson").write_text(json.dumps(data))
    found = read_ranges(tmp_path / "r.geojson")
    assert found.labels == ("leopard", "tiger") and found.find_polygons("tiger").area == 2
    assert [b.name for b in found.barriers] == ["railway", "railway", "barrier 4"]


def test_heights_and_the_usual_name_of_wgs84_are_no_fault():
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    assert parse(feature([[[*p, 120.5] for p in SQUARE]]), crs=crs).find_polygons("leopard").area == 1


FAULTS = {
    "swapped": (feature([[[y, x] for x, y in SQUARE]]), "swapped", "feature 1 (land), position 1"),
    "off the globe": (feature([[[x + 0, y + 60] for x, y in SQUARE]]), "off the globe", "position 1"),
    "metres": (feature([[[x * 1e4, y * 1e5] for x, y in SQUARE]]), "not degrees", "position 1"),
    "missing number": (feature([[SQUARE[0], [131.0], *SQUARE[2:]]]), "coordinates are missing", "position 2"),
    "null number": (feature([[SQUARE[0], [131.0, None], *SQUARE[2:]]]), "coordinates are missing", "position 2"),
    "text": (feature([[SQUARE[0], ["131", "43"], *SQUARE[2:]]]), "coordinates are missing", "position 2"),
    "not closed": (feature([SQUARE[:-1]]), "not closed", "feature 1 (land)"),
    "too short": (feature([SQUARE[:2]]), "too few positions", "feature 1 (land)"),
    "bow tie": (
        feature([[[131, 43], [132, 44], [132, 43], [131, 44], [131, 43]]]),
        "self-intersection",
        "feature 1 (land)",
    ),
    "hole outside": (feature([SQUARE, [[x + 5, y] for x, y in SQUARE]]), "hole lies outside", "feature 1 (land)"),
    "flat": (feature([[[131, 43], [132, 43], [131, 43], [131, 43]]]), "cannot be used", "feature 1 (land)"),
    "no geometry": ({**feature([SQUARE]), "geometry": None}, "no geometry", "feature 1 (land)"),
    "empty": (feature([]), "no geometry", "feature 1 (land)"),
    "empty ring": (feature([[]]), "coordinates are missing", "feature 1 (land)"),
    "point": (feature([131, 43], geometry="Point"), "wrong geometry", "feature 1 (land)"),
    "line as range": (feature(SQUARE, geometry="LineString"), "wrong geometry", "feature 1 (land)"),
    "polygon as barrier": (feature([SQUARE], kind="barrier"), "wrong geometry", "feature 1 (land)"),
    "no kind": (feature([SQUARE], kind=None), "range or a barrier", "properties.kind"),
    "no label": (feature([SQUARE], label=None), "of which label", "properties.label"),
    "odd label": (feature([SQUARE], label="Amur leopard"), "of which label", "properties.label"),
    "point barrier": (
        feature([[131, 43], [131, 43]], geometry="LineString", kind="barrier"),
        "single point",
        "feature 1 (land)",
    ),
    "round the globe": (
        feature([[[179, 60], [-179, 60], [-179, 61], [179, 61], [179, 60]]]),
        "half around the globe",
        "feature 1 (land)",
    ),
    "no feature": ({"type": "Polygon", "coordinates": [SQUARE]}, "no feature", "feature 1"),
    "another projection": (
        {**feature([SQUARE]), "crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::32652"}}},
        "another coordinate system",
        "crs",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_with_its_feature(fault):
    broken, what, where = FAULTS[fault]
    with pytest.raises(ManifestError) as error:
        parse(broken)
    assert what in str(error.value).casefold() and where in str(error.value), error.value


def test_a_crossing_is_named_with_its_point():
    with pytest.raises(ManifestError) as error:
        parse(FAULTS["bow tie"][0])
    assert "131.5 43.5" in str(error.value)


@pytest.mark.parametrize(
    "data", [None, [], "x", {}, {"type": "Polygon", "coordinates": [SQUARE]}, collection(), {"type": "Topology"}]
)
def test_what_is_no_collection_of_features_is_refused(data):
    with pytest.raises(ManifestError, match="feature"):
        parse_ranges(data, name="r.geojson")


def test_a_missing_or_broken_file_is_named(tmp_path):
    with pytest.raises(ManifestError, match="no such file"):
        read_ranges(tmp_path / "none.geojson")
    (tmp_path / "cut.geojson").write_text('{"type": "FeatureColl')
    with pytest.raises(ManifestError, match="JSON"):
        read_ranges(tmp_path / "cut.geojson")


@pytest.mark.parametrize("change", [{"kind": ["range"]}, {"kind": {}}, {"number": 10**400}])
def test_odd_values_of_json_are_refused_by_name(tmp_path, change):
    place = change.pop("number", 131)
    ring = [[place, 43], [132, 43], [132, 44], [place, 43]]
    feature = {"type": "Feature", "properties": {"kind": "range", "label": "leopard", **change}}
    feature["geometry"] = {"type": "Polygon", "coordinates": [ring]}
    (tmp_path / "r.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    with pytest.raises(ManifestError, match="feature 1"):
        read_ranges(tmp_path / "r.geojson")
