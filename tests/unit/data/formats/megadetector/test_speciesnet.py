"""SpeciesNet predictions: every name of a class, the best animal, and every fault with its place."""

import json

import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.data.formats.megadetector.speciesnet import read_speciesnet
from leopardnet.data.reading.problems import Problems

LEOPARD = "ddf59264;mammalia;carnivora;felidae;panthera;pardus;leopard"
BLANK = "f1856211;;;;;;blank"
FAMILY = "5a565886;mammalia;cetartiodactyla;cervidae;;;cervidae family"
ONE = {
    "filepath": "cam/1.jpg",
    "classifications": {"classes": [LEOPARD, BLANK], "scores": [0.7, 0.2]},
    "detections": [
        {"category": "1", "label": "animal", "conf": 0.8, "bbox": [0.1, 0.1, 0.2, 0.2]},
        {"category": "2", "label": "human", "conf": 0.95, "bbox": [0.1, 0.1, 0.2, 0.2]},
    ],
    "prediction": LEOPARD,
    "prediction_score": 0.9,
    "prediction_source": "classifier",
    "model_version": "4.0.1a",
}


def write(tmp_path, content):
    path = tmp_path / "speciesnet.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def read(tmp_path, *rows, **options):
    return read_speciesnet(write(tmp_path, {"predictions": list(rows)}), root=tmp_path, **options)


def test_a_class_has_all_its_names_and_the_ensemble_counts_where_it_is_surer(tmp_path):
    (entry,) = read(tmp_path, ONE)
    assert entry.path == "cam/1.jpg" and entry.animal == 0.8
    assert entry.names == {
        **dict.fromkeys(("mammalia", "carnivora", "felidae", "panthera", "panthera pardus", "leopard"), 0.9),
        "blank": 0.2,
    }


def test_pictures_without_detections_failures_and_absolute_paths(tmp_path):
    family = {"filepath": str(tmp_path / "cam" / "2.jpg"), "prediction": FAMILY, "prediction_score": 0.5}
    failed = {"filepath": "cam\\3.jpg", "failures": ["CLASSIFIER", "DETECTOR"]}
    nothing = {"filepath": "cam/4.jpg", "detections": []}
    two, three, four = read(tmp_path, family, failed, nothing)
    assert two.path == "cam/2.jpg" and two.animal is None and two.names["cervidae family"] == 0.5
    assert three.path == "cam/3.jpg" and three.names == {} and three.animal is None
    assert four.animal == 0.0 and read(tmp_path) == []


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"filepath": None}, "names no file"),
        ({"filepath": "../1.jpg"}, "filepath"),
        ({"classifications": []}, None),
        ({"classifications": {"classes": [LEOPARD], "scores": []}}, "classifications"),
        ({"classifications": "leopard"}, "classifications"),
        ({"classifications": {"classes": [7], "scores": [0.5]}}, "classifications"),
        ({"prediction_score": 1.5}, "score"),
        ({"prediction_score": None}, "score"),
        ({"prediction_score": True}, "score"),
        ({"detections": {}}, "detections"),
        ({"detections": [{"label": "animal", "conf": "high"}]}, "score"),
    ],
)
def test_a_broken_entry_is_left_out_and_named(tmp_path, change, part):
    if part is None:  # an empty list is how some versions write nothing
        assert len(read(tmp_path, {**ONE, **change})) == 1
        return
    good, problems = {**ONE, "filepath": "cam/good.jpg"}, Problems()
    assert [e.path for e in read(tmp_path, {**ONE, **change}, good, problems=problems)] == ["cam/good.jpg"]
    (note,) = problems.notes()
    assert part in note and "left out" in note and "predictions[0]" in note
    with pytest.raises(ManifestError):
        read(tmp_path, {**ONE, **change})


@pytest.mark.parametrize("content", ['{"predictions": [', "[]", '{"images": []}', '{"predictions": {}}', "7"])
def test_another_file_is_refused(tmp_path, content):
    with pytest.raises(ManifestError, match=r"SpeciesNet predictions|not valid JSON"):
        read_speciesnet(write(tmp_path, content), root=tmp_path)
