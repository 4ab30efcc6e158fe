"""What is changed is changed there and nowhere else; what may not matter does not."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.errors import ConfigError
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.evaluation.full_evaluation import evaluate_all
from leopardnet.evaluation.shortcuts import (
    SAME_FRAMES,
    TESTS,
    cut_strips,
    mask_animals,
    reencode_as_jpeg,
    run_shortcut_tests,
    summarise_shortcuts,
    swap_banner,
)
from leopardnet.infer.predict_footage import predict


def test_a_banner_is_replaced_at_the_edges_alone():
    pixels, other = np.full((2, 100, 60, 3), 7, np.uint8), np.full((50, 30, 3), 200, np.uint8)
    changed = swap_banner(pixels, other)
    assert (changed[:, :8] == 200).all() and (changed[:, -8:] == 200).all() and (changed[:, 8:-8] == 7).all()
    assert (pixels == 7).all(), "the frames themselves stay"


def test_strips_are_cut_where_something_remains():
    pixels = np.zeros((2, 100, 60, 3), np.uint8)
    pixels[:, :8], pixels[:, -8:] = 255, 255
    assert cut_strips(pixels).shape == (2, 84, 60, 3) and not cut_strips(pixels).any()
    assert cut_strips(pixels[:, :2]).shape == (2, 2, 60, 3)


def test_an_animal_is_replaced_by_what_is_behind_it():
    """A white square goes from left to right before a striped forest; each frame's box is a little too tight."""
    forest = np.repeat(np.arange(100, dtype=np.uint8)[None, :, None] * 2, 100, axis=0).repeat(3, axis=2)
    pixels, boxes = np.stack([forest] * 5), []
    for i, x in enumerate((0, 20, 40, 60, 80)):
        pixels[i, 40:60, x : x + 20] = 255
        boxes.append([[(x + 1) / 100, 0.41, (x + 19) / 100, 0.59]])
    gone = mask_animals(pixels, boxes)
    assert np.array_equal(gone, np.stack([forest] * 5)) and pixels[0, 50, 10, 0] == 255, (
        "the frames themselves stay"
    )


def test_an_animal_that_does_not_move_is_filled_with_what_is_around_it():
    frame = np.full((100, 100, 3), 90, np.uint8)
    frame[40:60, 30:50] = 255
    (gone,) = mask_animals(frame[None], [[[0.28, 0.38, 0.52, 0.62]]])
    assert gone[40:60, 30:50].max() < 100 and (gone[:, 60:] == 90).all() and frame[50, 40, 0] == 255


def test_a_jpeg_is_nearly_the_same_picture(rng):
    frame = np.repeat(np.repeat(rng.integers(60, 190, (10, 16, 3), np.uint8), 8, 0), 8, 1)
    again = reencode_as_jpeg(frame)
    assert again.shape == frame.shape and 0 < np.abs(again.astype(int) - frame).mean() < 12


@pytest.fixture(scope="module")
def table(labelled, footage, tiny_bundle):
    """The unseen clips, with the true boxes of their labelled frames."""
    unseen = labelled.where(split="test")
    frames = pd.read_csv(footage / "frames.csv").dropna(subset=["x0"])
    boxes = {
        (p, round(t, 3)): json.dumps([{"xyxy": [a / 320, b / 180, c / 320, d / 180]}])
        for p, t, a, b, c, d in frames[["path", "time_s", "x0", "y0", "x1", "y1"]].itertuples(index=False)
    }
    t = unseen.table
    cells = [
        boxes.get((p, round(s, 3))) if s == s else None
        for p, s in zip(t["path"], t["time_s"].fillna(0.0), strict=True)
    ]
    units = [None if c is None else "fraction" for c in cells]
    with_boxes = unseen.replace(t.assign(boxes=pd.array(cells, dtype="str"), box_unit=pd.array(units, dtype="str")))
    return run_shortcut_tests(with_boxes, tiny_bundle), with_boxes


def test_every_clip_has_a_row_for_every_test_and_is_masked_where_its_animal_is_known(table):
    rows, manifest = table
    by_test = rows.groupby("test")["clip_id"].nunique()
    n_clips = len(manifest.clip_labels())
    assert set(by_test.index) == set(TESTS) - {"banner"}, "with one site there is no banner of another"
    assert (by_test[["as it is", "cut", "shuffled", "reencoded"]] == n_clips).all() and by_test[
        SAME_FRAMES
    ] == by_test["masked"]
    with_box = manifest.table.loc[manifest.table["boxes"].notna(), "clip_id"].nunique()
    assert 0 < by_test["masked"] == with_box < n_clips
    assert rows["p_label"].between(0, 1).all()


def test_the_order_of_frames_changes_nothing(table):
    p = table[0].pivot(index="clip_id", columns="test", values="p_label")
    assert p["shuffled"].to_numpy() == pytest.approx(p["as it is"].to_numpy(), abs=1e-5)
    assert not np.allclose(p["masked"].dropna(), p["as it is"][p["masked"].notna()])


def test_an_animal_that_is_gone_is_hardly_seen_any_more(table):
    rows, manifest = table
    sites = manifest.table.drop_duplicates("clip_id").set_index("clip_id")["site"]
    found = summarise_shortcuts(rows, sites, n_boot=100)
    before, after = found.loc[SAME_FRAMES], found.loc["masked"]
    assert before["n_clips"] == after["n_clips"] > 0 and after["p_animal"] < before["p_animal"]


def test_the_summary_by_hand():
    said = [
        ("a", "deer", "as it is", "deer", 0.8, 0.9),
        ("a", "deer", SAME_FRAMES, "deer", 0.8, 0.9),
        ("a", "deer", "masked", "empty", 0.1, 0.2),
        ("b", "deer", "as it is", "tiger", 0.4, 0.7),
        ("c", "empty", "as it is", "empty", 0.7, 0.3),
    ]
    rows = pd.DataFrame(said, columns=["clip_id", "label", "test", "decision", "p_label", "p_animal"])
    found = summarise_shortcuts(rows, pd.Series({"a": "x", "b": "y", "c": "x"}), n_boot=200)
    assert found["n_clips"].to_dict() == {"as it is": 2, SAME_FRAMES: 1, "masked": 1, "clips without an animal": 1}
    assert found["p_animal"].tolist() == pytest.approx([0.8, 0.9, 0.2, 0.3])
    assert found["p_label"].tolist() == pytest.approx([0.6, 0.8, 0.1, 0.7])
    assert found["right"].tolist() == [0.5, 1.0, 0.0, 1.0]
    first = found.loc["as it is"]
    assert 0 < first["p_animal_low"] < 0.7 and 0.9 < first["p_animal_high"] < 1, "two sites leave nearly all open"
    assert np.isnan(found.loc["masked", "p_animal_low"]), "of one site nothing can be drawn"


def test_the_full_evaluation_tests_for_shortcuts_where_it_is_asked(labelled, tiny_bundle):
    unseen = labelled.where(split="test")
    said = predict(unseen, tiny_bundle, runtime=RuntimeConfig(workers=0))
    found = evaluate_all(said, unseen, bundle=tiny_bundle, n_shortcuts=2, n_boot=10)
    assert found.tables["shortcuts"]["n_clips"].to_dict() == {
        "as it is": 2,
        "cut": 2,
        "shuffled": 2,
        "reencoded": 2,
        "clips without an animal": 2,
    }
    assert any("no animal was masked" in note for note in found.notes)
    assert any("no banner was swapped" in note for note in found.notes)
    assert found.to_metrics_json()["shortcuts"]["shuffled"]["p_animal"] == pytest.approx(
        found.tables["shortcuts"].loc["as it is", "p_animal"], abs=1e-5
    )
    with pytest.raises(ConfigError, match="needs the model"):
        evaluate_all(said, unseen, n_shortcuts=2)


def test_clips_with_boxes_are_drawn_first(table, tiny_bundle):
    rows, manifest = table
    boxed = set(rows.loc[rows["test"] == "masked", "clip_id"])
    few = run_shortcut_tests(manifest, tiny_bundle, n_clips=1)
    drawn = few[few["label"] != "empty"]
    assert set(drawn["clip_id"]) < boxed and drawn["clip_id"].nunique() == 1
    assert few.loc[few["label"] == "empty", "clip_id"].nunique() == 1


def test_a_banner_comes_from_another_site(labelled, tiny_bundle):
    rows = run_shortcut_tests(labelled, tiny_bundle, n_clips=3)
    sites = labelled.table.drop_duplicates("clip_id").set_index("clip_id")["site"]
    drawn = rows.drop_duplicates("clip_id")
    assert len(drawn) == 6 and drawn["clip_id"].map(sites).nunique() > 1
    p = rows.pivot(index="clip_id", columns="test", values="p_label")
    assert p["banner"].notna().all() and (p["banner"] != p["as it is"]).all()


def test_a_test_of_ones_own_has_rows_with_all_probabilities(table, tiny_bundle):
    manifest = table[1]
    rows = run_shortcut_tests(manifest, tiny_bundle, n_clips=1, more={"black": lambda x, rng: np.zeros_like(x)})
    black = rows[rows["test"] == "black"]
    assert len(black) == rows["clip_id"].nunique() == 2
    probs = np.stack(rows["probs"].to_list())
    assert probs.shape == (len(rows), 4) and probs.sum(axis=1) == pytest.approx(1, abs=1e-5)
    of_label = [p[tiny_bundle.labels.index(x)] for p, x in zip(probs, rows["label"], strict=True)]
    assert rows["p_label"].to_numpy() == pytest.approx(np.array(of_label))
