"""Results of other programs become scores of clips; what they lack or cannot say is no claim."""

import json

import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.tables import clip_id
from leopardnet.hunt.other_results import read_other_results

LEOPARD = "ddf59264;mammalia;carnivora;felidae;panthera;pardus;leopard"


def box(score, **more):
    return {"category": "1", "conf": score, "bbox": [0.1, 0.1, 0.2, 0.2], **more}


@pytest.fixture
def manifest(manifest_of):
    return manifest_of(path=["a.jpg", "b.jpg", "c.jpg"], kind="still")


def write(tmp_path, content):
    path = tmp_path / "results.json"
    path.write_text(json.dumps(content))
    return path


def test_speciesnet_scores_the_name_of_the_target_and_a_little_any_animal(tmp_path, manifest):
    rows = [
        {
            "filepath": "a.jpg",
            "prediction": LEOPARD,
            "prediction_score": 0.5,
            "detections": [{**box(0.9), "label": "animal"}],
        },
        {"filepath": "b.jpg", "detections": [{**box(0.4), "label": "animal"}]},
        {"filepath": 7},
    ]
    found = read_other_results(write(tmp_path, {"predictions": rows}), manifest, ["leopard", "sika_deer"])
    assert found.scores["leopard"] == pytest.approx({clip_id("a.jpg"): 0.59, clip_id("b.jpg"): 0.04})
    assert found.scores["sika_deer"] == pytest.approx({clip_id("a.jpg"): 0.09, clip_id("b.jpg"): 0.04})
    assert "2 of 2 entries belong to 2 of 3 clips" in found.text and "names no file" in found.notes[0]


def test_megadetector_scores_animals_and_the_species_of_boxes(tmp_path, manifest):
    content = {
        "detection_categories": {"1": "animal", "2": "person"},
        "classification_categories": {"9": "Panthera pardus"},
        "images": [
            {
                "file": "a.jpg",
                "detections": [box(0.8, classifications=[["9", 0.5]]), {**box(0.9), "category": "2"}],
            },
            {"file": "b.jpg", "detections": []},
            {"file": "c.jpg", "failure": "broken"},
        ],
    }
    found = read_other_results(write(tmp_path, content), manifest, ["leopard"])
    assert found.scores["leopard"] == pytest.approx(
        {clip_id("a.jpg"): 0.8 * 0.5 + 0.1 * 0.8, clip_id("b.jpg"): 0.0, clip_id("c.jpg"): 0.0}
    )


def test_results_of_other_footage_are_refused(tmp_path, manifest):
    with pytest.raises(ManifestError, match="no entry of this file belongs to a clip"):
        read_other_results(write(tmp_path, {"predictions": [{"filepath": "x/9.jpg"}]}), manifest, ["leopard"])
