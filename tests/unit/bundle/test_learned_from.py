"""A bundle knows again what its model learned from, under other names, and gives no name away."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from leopardnet.bundle import learned_from as module
from leopardnet.bundle.bundle import write_spec
from leopardnet.bundle.learned_from import LearnedFrom, fill_places, mark_learned, read_learned_from
from leopardnet.core.errors import BundleError
from leopardnet.core.manifest import Manifest
from leopardnet.metrics.labelled_clips import LabelledClips
from simulated_clips import simulate_clips

TIME = pd.Timestamp("2024-05-01 10:00:00")


@pytest.fixture
def card(tmp_path):
    """Three pictures at three places: a site, another one that chose, and a deployment without a site."""
    rows = pd.DataFrame(
        {
            "path": ["a/1.jpg", "b/2.jpg", "c/3.jpg"],
            "kind": "still",
            "site": ["Ravine", "Ridge", None],
            "deployment": [None, None, "2024 spring"],
            "captured_at": TIME,
            "time_source": "exif",
            "label": "tiger",
        }
    )
    for i, path in enumerate(rows["path"]):
        (tmp_path / path).parent.mkdir()
        (tmp_path / path).write_bytes(np.random.default_rng(i).bytes(200_000 + i))
    return Manifest.from_rows(rows, tmp_path)


def learn(card, salt="salt"):
    is_chosen = card.table["site"].eq("Ridge")
    return LearnedFrom.of(card.table[~is_chosen], card.table[is_chosen], card.root, salt=salt)


def parts_of(learned, card, root=None, **changed):
    table = Manifest.from_rows(card.table.drop(columns="clip_id").assign(**changed), card.root).table
    return learned.find_part(table, root).tolist()


NOWHERE = {"site": None, "deployment": None}
NAMES = {"path": ["x.jpg", "y.jpg", "z.jpg"]}


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        pytest.param({}, ["clip", "chosen", "clip"], id="as they were"),
        pytest.param(NOWHERE | NAMES | {"time_source": "mtime"}, ["no"] * 3, id="nothing in common"),
        pytest.param(NAMES | {"captured_at": None}, ["site", "chosen", "site"], id="others of the same places"),
        pytest.param(NAMES | {"captured_at": None, "site": "RAVINE"}, ["site"] * 3, id="names in another form"),
        pytest.param(
            NOWHERE | {"path": ["x/1.JPG", "x/2.jpg", "y/3.jpg"]}, ["clip", "chosen", "clip"], id="name and moment"
        ),
        pytest.param(
            NOWHERE | {"path": ["x/1.jpg", "x/2.jpg", "y/3.jpg"], "time_source": "table"},
            ["no"] * 3,
            id="times that people wrote do not count",
        ),
    ],
)
def test_clips_are_known_without_their_files(card, changed, expected):
    assert parts_of(learn(card), card, **changed) == expected


def test_copies_are_known_by_their_content(card, tmp_path):
    root = tmp_path / "copies"
    root.mkdir()
    for old, new in zip(card.table["path"], NAMES["path"], strict=True):
        shutil.copy(card.root / old, root / new)
    hidden = NOWHERE | NAMES | {"captured_at": None}
    learned = learn(card)
    assert parts_of(learned, card, root, **hidden) == ["clip", "chosen", "clip"]
    (root / "x.jpg").write_bytes(np.random.default_rng(9).bytes(200_000))
    (root / "y.jpg").unlink()
    assert parts_of(learned, card, root, **hidden) == ["no", "no", "clip"], "another file of that size, and no file"


def test_empty_files_are_no_copies_of_each_other(card, tmp_path):
    for path in [*card.table["path"], "x.jpg"]:
        (tmp_path / path).write_bytes(b"")
    new = Manifest.from_rows(pd.DataFrame({"path": ["x.jpg"], "kind": "still"}), tmp_path)
    assert learn(card).find_part(new.table, tmp_path).tolist() == ["no"]


def test_the_moment_of_a_clock_that_was_reset_does_not_count_at_another_site(card):
    """The first and the third picture taught, at a site and at none that is known; the second one chose."""
    paths = {"path": ["x/1.jpg", "x/2.jpg", "x/3.jpg"]}
    assert parts_of(learn(card), card, **paths, site="new") == ["no", "no", "clip"]
    assert parts_of(learn(card), card, **paths, site=None) == ["clip", "chosen", "clip"]
    assert parts_of(learn(card), card, **paths, site=["RAVINE", "ridge", "new"]) == ["clip", "chosen", "clip"]


def test_a_labelled_frame_is_at_the_site_of_its_video(tmp_path):
    rows = {"path": ["v.mp4", "v.mp4"], "kind": ["frame", "video"], "site": [None, "Ravine"], "time_s": [1.0, None]}
    rows = Manifest.from_rows(pd.DataFrame(rows | {"label": ["tiger", None]}), tmp_path).table
    filled = fill_places(rows)
    learned = LearnedFrom.of(filled[filled["label"].notna()], filled[:0], tmp_path, salt="s")
    other = Manifest.from_rows(pd.DataFrame({"path": ["w.mp4"], "kind": "video", "site": "ravine"}), tmp_path)
    assert learned.find_part(other.table, None).tolist() == ["site"]
    assert filled["site"].tolist() == ["Ravine"] * 2 and len(fill_places(rows[:0])) == 0


def test_numbers_are_names_of_sites_with_and_without_gaps(tmp_path):
    taught = pd.DataFrame({"path": ["a.mp4", "b.mp4"], "kind": "video", "site": [7.0, None]})
    rows = Manifest.from_rows(taught, tmp_path).table
    assert rows["site"].tolist()[0] == "7" and rows["site"].isna().tolist() == [False, True]
    learned = LearnedFrom.of(rows, rows[:0], tmp_path, salt="s")
    new = Manifest.from_rows(pd.DataFrame({"path": ["c.mp4"], "kind": "video", "site": "7.0"}), tmp_path)
    assert learned.find_part(new.table, None).tolist() == ["site"]


def test_stills_of_a_burst_are_known_alone(card):
    burst = {"kind": "burst", "paths": json.dumps(["a/1.jpg", "a/7.jpg"]), "captured_at": None}
    rows = Manifest.from_rows(card.table.iloc[:1].assign(**burst), card.root).table
    learned = LearnedFrom.of(rows, rows[:0], card.root, salt="s")
    alone = Manifest.from_rows(pd.DataFrame({"path": ["a/7.jpg", "a/8.jpg"], "kind": "still"}), card.root)
    assert learned.find_part(alone.table, None).tolist() == ["clip", "no"]


def test_the_record_names_nothing_and_no_two_are_alike(card):
    record = learn(card).model_dump_json()
    assert not any(word in record.lower() for word in ("ravine", "ridge", "jpg", "2024", "a/1", "8c84"))
    one, other = learn(card, salt="one"), learn(card, salt="other")
    assert one.clips != other.clips and one.places != other.places and one == learn(card, salt="one")


@pytest.mark.parametrize(
    ("most", "expected"), [(9, ["clip", "chosen", "clip"]), (8, ["clip", "no", "no"]), (2, ["no", "no", "no"])]
)
def test_a_record_of_too_many_clips_keeps_what_fits_into_a_bundle(card, monkeypatch, most, expected):
    """Three clips with three keys each: all of them, the ids of the files alone, or only the places."""
    monkeypatch.setattr(module, "MAX_KEYS", most)
    paths = ["a/1.jpg", "x/2.jpg", "x/3.jpg"]
    learned = learn(card)
    assert parts_of(learned, card, **NOWHERE, path=paths) == expected
    assert parts_of(learned, card, path=["x", "y", "z"], captured_at=None) == ["site", "chosen", "site"]


def test_nothing_is_nothing(card):
    none = LearnedFrom.of(card.table[:0], card.table[:0], card.root, salt="s")
    assert parts_of(none, card, card.root) == ["no"] * 3


@pytest.mark.parametrize("n", [0, 1, 1000])
def test_sets_of_hashes_survive_packing(n):
    hashes = np.random.default_rng(n).integers(0, 256**module.KEY_BYTES, n).astype(np.uint64)
    text = module._pack(np.concatenate([hashes, hashes[:5]]))
    assert module._unpack(text).tolist() == sorted(set(hashes.tolist()))
    assert len(text) < 8 * n + 30


@pytest.mark.parametrize("broken", [{"clips": "??"}, {"clips": "AAAA"}, {"salt": None}, {"more": 1}])
def test_a_damaged_record_is_named(card, tiny_bundle, broken):
    record = learn(card).model_dump() | broken
    provenance = {**tiny_bundle.spec.provenance, "learned_from": record}
    with pytest.raises(BundleError, match="record of what the model learned from is damaged"):
        read_learned_from(tiny_bundle.spec.model_copy(update={"provenance": provenance}))


def test_an_older_bundle_says_nothing_and_changes_nothing(tiny_bundle, tmp_path):
    folder = tmp_path / "old"
    shutil.copytree(tiny_bundle.folder, folder)
    older = {k: v for k, v in tiny_bundle.spec.provenance.items() if k != "learned_from"}
    old = write_spec(folder, tiny_bundle.spec.model_copy(update={"provenance": older}))
    predictions, manifest = simulate_clips(tmp_path, n_sites=2)
    assert read_learned_from(old.spec) is None and mark_learned(predictions, manifest, old) is predictions
    assert read_learned_from(tiny_bundle.spec) is not None


def test_a_bundle_marks_by_the_sites_of_the_manifest_and_never_weakens(tiny_bundle, tmp_path):
    predictions, manifest = simulate_clips(tmp_path, n_sites=4, per_site=2)
    named = manifest.replace(manifest.table.assign(site=np.repeat(["Site 01", "site03", "x", "y"], 2)))
    said = ["clip", None, "no", "no", "clip", None, "held_out", "no"]
    stated = type(predictions)(predictions.table.assign(in_training=said), predictions.evidence)
    marked = mark_learned(stated, named, tiny_bundle).table["in_training"].tolist()
    assert marked == ["clip", "site", "chosen", "chosen", "clip", "no", "held_out", "no"]


def test_a_bundle_hashes_only_names_that_predict_did_not_know(tiny_bundle, tmp_path, monkeypatch):
    predictions, manifest = simulate_clips(tmp_path, n_sites=4, per_site=2)
    stated = type(predictions)(predictions.table.assign(in_training="no"), predictions.evidence)
    hashed, hash_one = [], module._hash_one_slowly
    monkeypatch.setattr(module, "_hash_one_slowly", lambda text, salt: hashed.append(text) or hash_one(text, salt))
    assert mark_learned(stated, manifest, tiny_bundle).table.equals(stated.table) and hashed == []
    sites = ["S 0", "s000", "Site 01", "s1", "s2", "s2", "s3", None]
    named = manifest.replace(manifest.table.assign(site=sites))
    marked = mark_learned(stated, named, tiny_bundle)
    assert hashed == ["site:site1"] and marked.table["in_training"].tolist() == ["no"] * 2 + ["site"] + ["no"] * 5
    assert marked.table["site"].tolist() == ["s000", "s000", "Site 01", *stated.table["site"][3:]]
    clips = LabelledClips.of(marked, named)
    assert clips.leave_out_training_sites().taught.is_known, "the bundle knew the sites"
