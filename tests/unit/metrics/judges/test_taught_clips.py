"""Which clips may judge a model, by the predictions, or else by the split and the sites of the manifest."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.manifest import Manifest
from leopardnet.metrics.judges.taught_clips import NoJudgeError, TaughtClips, find_parts, separate_taught

SITES = np.array(["Site 01", "site-1", "b", "c", None], object)


def parts_of(in_training, split, tmp_path, label="tiger"):
    rows = pd.DataFrame({"path": [f"{i}.jpg" for i in range(5)], "kind": "still", "site": SITES, "label": label})
    manifest = Manifest.from_rows(rows.assign(split=split), tmp_path)
    ids = manifest.table["clip_id"].to_numpy(object)
    return find_parts(ids, None if in_training is None else np.array(in_training, object), SITES, manifest).tolist()


@pytest.mark.parametrize(
    ("in_training", "split", "expected"),
    [
        pytest.param(None, None, [None] * 5, id="nothing is known"),
        pytest.param(None, ["fold0", "fold1", "fold0", None, None], [None] * 5, id="folds of another program"),
        pytest.param(
            None, ["train", "test", "val", "test", "test"], ["clip", "site", "chosen", "no", "no"], id="split"
        ),
        pytest.param(None, ["test", "test", None, "test", None], ["no", "no", "clip", "no", "clip"], id="no split"),
        pytest.param(
            ["no", "no", "chosen", "no", "no"],
            "train",
            ["no", "no", "chosen", "no", "no"],
            id="the bundle knows best",
        ),
        pytest.param(["clip", "no", "no", "no", "no"], None, ["clip", "site", "no", "no", "no"], id="same site"),
        pytest.param(
            ["held_out", "held_out", "no", "chosen", None],
            None,
            ["held_out", "held_out", "no", "chosen", None],
            id="held out",
        ),
        pytest.param(
            ["no", None, None, None, None],
            ["train", "train", "val", "test", "test"],
            ["site", "clip", "chosen", "no", "no"],
            id="a bundle that knows and one that does not",
        ),
    ],
)
def test_the_part_of_each_clip(in_training, split, expected, tmp_path):
    assert parts_of(in_training, split, tmp_path) == expected


def test_rows_that_nobody_labelled_taught_nothing(tmp_path):
    split = ["test", "test", None, "test", "test"]
    assert parts_of(None, split, tmp_path, label=None) == ["no"] * 5


def test_clips_are_separated_and_the_numbers_said_in_words():
    parts = np.array(["clip", "clip", "site", "no", "held_out", "chosen"], object)
    ids, labelled = np.array(list("abcdef"), object), np.array([1, 1, 1, 1, 1, 0], bool)
    is_judge, left_out = separate_taught(parts, ids, labelled)
    assert is_judge.tolist() == [False, False, False, True, True, False]
    assert len(left_out) == 3 and left_out.ids == {"a", "b", "c"} and left_out.to_dict()["chosen"] == 0
    assert "2 clips that it was trained on, 1 others of sites of these names" in str(left_out)
    assert str(TaughtClips()) == "" and not TaughtClips()
    is_judge, counted = separate_taught(parts, ids, labelled, keep=True)
    assert is_judge.all() and str(counted).startswith("this is not its accuracy at new sites") and not counted.ids


def test_what_nobody_knows_is_said_and_nothing_left_is_refused():
    one, yes = np.array(["a"], object), np.ones(1, bool)
    is_judge, taught = separate_taught(np.array([None], object), one, yes)
    assert is_judge.all() and "does not say" in str(taught) and not taught.to_dict()["is_known"]
    with pytest.raises(NoJudgeError, match="none is left to judge it"):
        separate_taught(np.array(["site"], object), one, yes)
    assert not separate_taught(np.array(["site"], object), one, ~yes)[0].any(), "no label, no judge, no complaint"
