"""Which labels of people judge a model, and figures that weigh them by the chance with which they were drawn."""

import json

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.columns import predictions_columns
from leopardnet.core.errors import LabelFileError, ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import clip_id, conform
from leopardnet.data.human_labels.label_file import LabelEntry, LabelFile
from leopardnet.evaluation.audit.judging_labels import choose_judging_labels, read_judging_labels
from leopardnet.evaluation.full_evaluation import evaluate
from leopardnet.evaluation.thresholds import find_thresholds
from leopardnet.metrics.labelled_clips import LabelledClips


def make_manifest(root, sites, **columns):
    """Return a manifest of stills s/i.jpg at sites of so many clips each."""
    paths = [f"{site}/{i}.jpg" for site, n in sites.items() for i in range(n)]
    rows = {"path": paths, "kind": "still", "site": [p.split("/")[0] for p in paths]}
    return Manifest.from_rows(pd.DataFrame(rows | columns), root)


def label(folder, said):
    """Return a labels.sqlite of (path, labels, inclusion or None) by AB, or by the fourth field."""
    with LabelFile(folder / "labels.sqlite") as file:
        for i, (path, names, inclusion, *by) in enumerate(said):
            queue = {"queue": "audit", "inclusion": inclusion} if inclusion else {"queue": "suspected"}
            person = by[0] if by else "AB"
            file.add(LabelEntry(key=str(i), clip_id=clip_id(path), path=path, labels=names, by=person, **queue))
    return folder / "labels.sqlite"


def predict(manifest, p_tiger):
    """Return a predictions table that gives every clip this probability of a tiger, by path."""
    paths = manifest.table["path"]
    p = paths.map(p_tiger).to_numpy(float)
    said = np.where(p >= 0.5, "tiger", "empty")
    rows = pd.DataFrame(
        {"clip_id": paths.map(clip_id), "path": paths, "kind": "still", "site": manifest.table["site"]}
    )
    rows = rows.assign(status="ok", decision=said, rule=np.where(said == "empty", "empty", "species"), score=p)
    rows = rows.assign(
        p_tiger=p, p_empty=1 - p, n_frames=1, bundle_id="b" * 12, labels_id="l" * 12, in_training="no"
    )
    return conform(rows, predictions_columns(("tiger", "empty")), where="predictions")


def test_labels_of_the_audit_judge_alone_and_the_rest_is_counted(tmp_path):
    manifest = make_manifest(tmp_path, {"a": 10, "b": 10}, label="tiger")  # nobody knows how these were chosen
    disputed = [("b/1.jpg", ["tiger"], 0.1), ("b/1.jpg", ["empty"], 0.1, "CD")]
    said = [("a/0.jpg", ["tiger"], 0.1), ("b/0.jpg", ["empty"], 0.1), ("a/1.jpg", ["tiger"], None)]
    path = label(tmp_path, said + disputed)
    found = read_judging_labels(manifest, path)
    assert found.manifest.clip_labels().to_dict() == {clip_id("a/0.jpg"): "tiger", clip_id("b/0.jpg"): "empty"}
    choice = found.choice
    assert (choice.basis, choice.n_used, choice.n_left_out) == ("audit", 2, 17)
    assert (choice.n_undecided, choice.n_missing) == (1, 0)
    assert "judged by 2 audit labels, drawn at random with one chance" in str(choice)
    assert json.loads(json.dumps(choice.to_dict()))["says"] == str(choice)
    assert read_judging_labels(manifest, tmp_path).choice == choice  # the folder that holds the file


def test_labels_chosen_by_score_judge_only_where_that_is_asked_for_and_are_named_biased(tmp_path):
    manifest = make_manifest(tmp_path, {"a": 4, "b": 4})
    path = label(tmp_path, [("a/0.jpg", ["tiger"], None), ("b/0.jpg", ["empty"], None)])
    with pytest.raises(ManifestError, match="none may judge") as error:
        read_judging_labels(manifest, path)
    assert "2 labelled clips" in str(error.value) and "--labels-as chosen to `leopardnet evaluate`" in str(
        error.value
    )
    found = read_judging_labels(manifest, path, labels_as="chosen")
    predictions = predict(manifest, lambda p: 0.9 if p == "a/0.jpg" else 0.1)
    figures = evaluate(predictions, found.manifest, choice=found.choice, n_boot=0)
    assert figures.n_clips == 2 and figures.archive is None and "BIASED" in repr(figures)
    assert figures.to_metrics_json()["labels_chosen"]["basis"] == "chosen"
    clips = LabelledClips.of(predictions, found.manifest, choice=found.choice)
    kept = find_thresholds(clips, {"tiger": 0.9}, confidence=0.05)
    assert kept.is_kept and kept.kept_promises == [] and "BIASED" in repr(kept)


def test_without_labels_of_this_footage_there_is_no_judge(tmp_path):
    manifest = make_manifest(tmp_path, {"a": 4})
    with pytest.raises(LabelFileError, match="no such file"):
        read_judging_labels(manifest, tmp_path / "labels.sqlite")
    path = label(tmp_path, [("z/0.jpg", ["tiger"], 0.1), ("a/1.jpg", ["unknown"], 0.1)])
    with pytest.raises(ManifestError, match="none may judge"):
        read_judging_labels(manifest, path)


def test_an_unfinished_audit_is_said_and_a_finished_one_not(tmp_path):
    manifest = make_manifest(tmp_path, {"a": 20, "b": 20, "c": 3})
    said = [("a/0.jpg", ["tiger"], 0.1), ("a/1.jpg", ["empty"], 0.1), ("b/0.jpg", ["empty"], 0.1)]
    found = read_judging_labels(manifest, label(tmp_path, said)).choice
    assert found.n_missing == 2 and "not finished: about 2 of its clips" in str(found)  # one at b, one at c
    (tmp_path / "all").mkdir()
    path = label(tmp_path / "all", [*said, ("b/1.jpg", ["empty"], 0.1), ("c/0.jpg", ["empty"], 1 / 3)])
    found = read_judging_labels(manifest, path).choice
    assert found.n_missing == 0 and found.basis == "weighed" and "(0.1 to 0.333)" in str(found)


def test_clips_of_one_site_are_thinned_to_one_chance(tmp_path):
    manifest = make_manifest(tmp_path, {"a": 400})
    said = [(f"a/{i}.jpg", ["empty"], 0.4 if i < 200 else 0.1) for i in range(240)]
    path = label(tmp_path, said)
    first, again = (read_judging_labels(manifest, path).choice for _ in range(2))
    assert first == again and first.basis == "audit" and set(first.chances.values()) == {0.1}
    assert first.n_used + first.n_thinned == 240 and {clip_id(f"a/{i}.jpg") for i in range(200, 240)} <= set(
        first.chances
    )
    assert 30 <= first.n_used - 40 <= 70  # a quarter of 200, whatever the ids are


def test_figures_count_each_clip_for_as_many_as_it_stands_for(tmp_path):
    """Site a: 20 clips, 2 drawn. Site b: 2 clips, both drawn. A clip of a stands for 10, one of b for itself."""
    manifest = make_manifest(tmp_path, {"a": 20, "b": 2})
    said = [("a/0.jpg", ["tiger"], 0.1), ("a/1.jpg", ["empty"], 0.1), ("b/0.jpg", ["tiger"], 1.0)]
    found = read_judging_labels(manifest, label(tmp_path, [*said, ("b/1.jpg", ["empty"], 1.0)]))
    score = {"a/0.jpg": 0.9, "a/1.jpg": 0.2, "b/0.jpg": 0.1, "b/1.jpg": 0.8}
    figures = evaluate(
        predict(manifest, lambda p: score.get(p, 0.0)), found.manifest, choice=found.choice, n_boot=50
    )
    assert figures.top1.value == pytest.approx(20 / 22)  # both clips of a are right, those of b wrong
    assert figures.label_estimate("tiger", "recall").value == pytest.approx(10 / 11)
    assert figures.label_estimate("tiger", "precision").value == pytest.approx(10 / 11)
    # Of pairs (tiger, empty), weighed: (a, a) 100 right, (a, b) 10 right, (b, a) 10 wrong, (b, b) 1 wrong.
    assert figures.label_estimate("tiger", "auroc").value == pytest.approx(110 / 121)
    assert figures.brier.value == pytest.approx((10 * (0.02 + 0.08) + 1 * (1.62 + 1.28)) / 22)
    assert figures.prevalence == pytest.approx({"tiger": 0.5, "empty": 0.5})
    assert figures.archive.empties.value == pytest.approx(10 / 11) and figures.archive.n_empty_archived == 1
    # Counts are of clips that were looked at, not of those they stand for.
    assert figures.per_label["support"].tolist() == [2, 2] and figures.confusion.to_numpy().sum() == 4
    assert figures.n_right == 2 and figures.n_clips == 4


def test_equal_chances_change_nothing(tmp_path):
    manifest = make_manifest(tmp_path, {x: 10 for x in "abcdef"})
    said = [(f"{x}/{i}.jpg", ["tiger" if i else "empty"], 0.2) for x in "abcdef" for i in range(2)]
    found = read_judging_labels(manifest, label(tmp_path, said))
    predictions = predict(manifest, lambda p: (hash_of(p) % 100) / 100)
    weighed = evaluate(predictions, found.manifest, choice=found.choice, n_boot=100)
    plain = evaluate(predictions, found.manifest, n_boot=100)
    assert weighed.headline == plain.headline and weighed.per_label.equals(plain.per_label)


def hash_of(text):
    """Return a number that depends on the text alone."""
    return int(clip_id(text)[:6], 16)


def test_entries_of_several_labels_judge_independent_labels(tmp_path):
    manifest = make_manifest(tmp_path, {"a": 5})
    with LabelFile(label(tmp_path, [("a/0.jpg", ["tiger", "deer"], 0.2), ("a/1.jpg", ["deer"], 0.2)])) as file:
        found = choose_judging_labels(manifest, file.entries())
    assert found.manifest.clip_label_sets().to_dict() == {
        clip_id("a/0.jpg"): "deer + tiger",
        clip_id("a/1.jpg"): "deer",
    }
