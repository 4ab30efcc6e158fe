"""What clips can be sliced by, and what is refused."""

import json

import cv2
import numpy as np
import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import clip_id
from leopardnet.evaluation.full_evaluation import evaluate_all
from leopardnet.evaluation.slice_clips import slice_clips
from leopardnet.metrics.conditions.light_figures import NO_LIGHT
from simulated_clips import simulate_clips


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return simulate_clips(tmp_path_factory.mktemp("root"))


def test_new_and_known_sites(made):
    manifest = made[1]
    with pytest.raises(ManifestError, match="which sites the model was trained on"):
        slice_clips(manifest, "site_known")
    split = manifest.table["site"].eq("s000").map({True: "train", False: "test"})
    values = slice_clips(manifest.replace(manifest.table.assign(split=split)), "site_known")
    assert values.value_counts().to_dict() == {"new": 275, "known": 25}


def test_columns_that_divide_nothing_are_refused(made):
    with pytest.raises(ManifestError, match="no column of this name") as caught:
        slice_clips(made[1], "weather")
    assert "site_known" in str(caught.value)
    with pytest.raises(ManifestError, match="this column is empty"):
        slice_clips(made[1], "deployment")
    with pytest.raises(ManifestError, match="too many values"):
        evaluate_all(*made, by=["path"], n_boot=0)


def test_light_comes_from_the_footage(labelled, footage):
    truth = pd.read_csv(footage / "clips.csv").set_index("path")
    rows = labelled.table.drop_duplicates("clip_id").set_index("clip_id")["path"]
    light = slice_clips(labelled, "light")
    night = rows.map(truth["night"])
    assert (
        len(light) == len(rows) and (light[night] == "infrared").all() and (light[~night] == "colour").mean() > 0.9
    )


def test_light_comes_from_the_evidence_and_the_figures_by_light_agree_with_it(made):
    predictions, manifest = made  # their footage does not exist, so that no file can be opened
    ids = manifest.table["clip_id"]
    colour = {clip_id: 0.5 if i % 3 else 30.0 for i, clip_id in enumerate(ids)}
    evidence = predictions.evidence.assign(colour=predictions.evidence["clip_id"].map(colour))
    found = evaluate_all(Predictions(predictions.table, evidence), manifest, by=["light"], full=False, n_boot=0)
    assert found.slices["light"]["n_clips"].to_dict() == {"colour": 100, "infrared": 200}
    assert found.clips.conditions.light.counts["n_clips"].to_dict() == {"infrared": 200, "colour": 100}
    tables, metrics = found.to_tables(), found.to_metrics_json()
    assert tables["light"]["n_clips"].sum() == 300 and metrics["light"]["infrared"]["n_clips"] == 200


def test_results_without_looks_have_one_sentence_and_clips_without_them_are_opened(labelled, made):
    found = evaluate_all(*made, full=False, n_boot=0)
    assert found.clips.conditions.light.sentences == [NO_LIGHT] and "light" not in found.to_tables()
    assert found.to_metrics_json()["light"]["says"] == [NO_LIGHT]
    ids = labelled.table["clip_id"].drop_duplicates()
    from_files = slice_clips(labelled, "light")
    wrong = {"infrared": "colour", "colour": "infrared"}[from_files[ids.iloc[0]]]
    evidence = pd.DataFrame({"clip_id": ids.iloc[:1], "colour": [30.0 if wrong == "colour" else 0.0]})
    both = slice_clips(labelled, "light", evidence=evidence)
    assert both[ids.iloc[0]] == wrong and both.iloc[1:].equals(from_files.iloc[1:])


def test_asked_for_by_light_the_page_has_the_light_that_the_files_show(tmp_path):
    predictions, manifest = simulate_clips(tmp_path, n_sites=2, per_site=4)
    stills = [path.replace(".mp4", ".jpg") for path in manifest.table["path"]]
    changed = {"path": stills, "clip_id": [clip_id(path) for path in stills], "kind": "still"}
    for i, path in enumerate(stills):  # in turns grey and red
        (tmp_path / path).parent.mkdir(exist_ok=True)
        picture = np.full((64, 64, 3), (90, 90, 90) if i % 2 else (20, 20, 200), np.uint8)
        picture[:, :4] = 0  # all of one strong colour would be damage
        (tmp_path / path).write_bytes(cv2.imencode(".jpg", picture)[1].tobytes())
    said, rows = predictions.table.assign(**changed), manifest.replace(manifest.table.assign(**changed))
    found = evaluate_all(Predictions(said, predictions.evidence[:0]), rows, by=["light"], full=False, n_boot=0)
    assert found.clips.conditions.light.counts["n_clips"].to_dict() == {"infrared": 4, "colour": 4}
    assert NO_LIGHT not in found.clips.conditions.light.sentences


# --- size of boxes ---


def box(width, height, score, **more):
    return {"xyxy": [0.0, 0.0, width, height], "score": score, **more}


def sizes(manifest, *frames):
    """The slices of clips by hand: (clip number, boxes of one frame, None where no detector looked)."""
    ids = manifest.table["clip_id"]
    rows = [(ids[i], None if boxes is None else json.dumps(boxes)) for i, boxes in frames]
    found = slice_clips(manifest, "box_size", evidence=pd.DataFrame(rows, columns=["clip_id", "boxes"]))
    assert list(found.index) == list(ids)
    return [found[ids[i]] for i in dict.fromkeys(i for i, _ in frames)]


def test_the_size_is_that_of_the_best_box_of_the_clip(made):
    assert sizes(
        made[1],
        (0, [box(0.1, 0.05, 0.9), box(1, 1, 0.5)]),  # half a percent
        (1, [box(0.1, 0.1, 0.9)]),  # the border belongs to the larger band
        (2, [box(0.1, 0.4, 0.3)]),
        (3, [box(0.2, 0.5, 0.3)]),
        (4, [box(0.5, 0.5, 0.3)]),
        (5, []),
    ) == ["under 1 %", "1 to 5 %", "1 to 5 %", "5 to 20 %", "20 % or more", "no box"]


def test_every_frame_of_a_clip_is_asked(made):
    # clip 0: the surest box is in the second frame; clip 1: one frame was not looked at, the other is empty
    frames = [(0, [box(1, 1, 0.4)]), (0, [box(0.1, 0.1, 0.8)]), (0, []), (1, None), (1, [])]
    assert sizes(made[1], *frames) == ["1 to 5 %", "no box"]


def test_boxes_of_people_and_unsure_ones_are_no_animals(made):
    frames = [(0, [box(1, 1, 0.9, label="person"), box(0.1, 0.1, 0.2)]), (1, [box(1, 1, 0.19)])]
    assert sizes(made[1], *frames) == ["1 to 5 %", "no box"]


def test_a_clip_that_no_detector_saw_has_no_size(made):
    assert pd.isna(sizes(made[1], (0, None), (1, []))[0])


def test_without_a_detector_there_is_one_clear_message(made):
    predictions, manifest = made
    for evidence in (None, predictions.evidence.iloc[:0], predictions.evidence):
        with pytest.raises(ManifestError, match="cannot be sliced by the size of boxes") as caught:
            slice_clips(manifest, "box_size", evidence=evidence)
        assert "--detector embedded" in str(caught.value)


def test_sizes_are_judged_from_small_to_large(made):
    predictions, manifest = made
    cells = ["[]", *(json.dumps([box(1, share, 0.5)]) for share in (0.3, 0.1, 0.02, 0.001))]
    number = predictions.evidence["clip_id"].map({c: i for i, c in enumerate(manifest.table["clip_id"])})
    boxes = number.map(lambda i: cells[i % 5] if i >= 10 else None)
    seen = Predictions(predictions.table, predictions.evidence.assign(boxes=boxes))
    table = evaluate_all(seen, manifest, by=["box_size"], n_boot=10).slices["box_size"]
    assert table["n_clips"].to_dict() == {
        "no box": 58,
        "under 1 %": 58,
        "1 to 5 %": 58,
        "5 to 20 %": 58,
        "20 % or more": 58,
        "(not known)": 10,
    }
    assert list(table.index) == ["no box", "under 1 %", "1 to 5 %", "5 to 20 %", "20 % or more", "(not known)"]
