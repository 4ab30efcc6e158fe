import os
import sqlite3
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from leopardnet.core.errors import JournalError
from leopardnet.core.journal.queued_clip import stamp_clip
from leopardnet.core.language import use_language
from leopardnet.core.types import Boxes, ClipPrediction, Decision
from leopardnet.infer.journal import KIND, Journal
from leopardnet.infer.prediction_tables import build_frame_table

FILE = KIND.file
KEY = {"bundle_id": "b1", "sampling": {"mode": "uniform", "n_frames": 8}}


@pytest.fixture
def manifest(manifest_of, tmp_path):
    root = tmp_path / "clips"
    root.mkdir()
    for name in ("a.mp4", "b.mp4", "c.mp4"):
        (root / name).write_bytes(b"12345")
    return manifest_of(root, path=["b.mp4", "a.mp4", "c.mp4"], kind="video", site=["s1", "s2", None])


def prediction(clip, status="ok"):
    if status == "unreadable":
        nothing = np.zeros((0, 2), np.float32)
        return ClipPrediction(
            clip, status, "broken", Decision("unreadable", np.nan, "none"), None, np.zeros(0), nothing
        )
    probs = np.array([0.25, 0.75], np.float32)
    return ClipPrediction(
        clip,
        status,
        "",
        Decision("empty", 0.75, "empty"),
        probs,
        np.array([0.5, 1.5]),
        np.stack([probs, probs]),
        (1, 0),
    )


def done(folder, manifest, key=KEY, *, status="ok", n=3, **options):
    """Judge the first n clips that are still to do; their paths."""
    with Journal.open(folder, key) as journal:
        todo = journal.list_todo(manifest.clips(), manifest.root, **options)
        for item in todo[:n]:
            journal.add(item, prediction(item.clip, status))
        return [item.clip.path for item in todo[:n]]


def test_clips_are_made_as_they_are_needed_and_kept_in_the_order_they_finish(manifest, tmp_path):
    made, kept_at = [], []

    class Clips(list):
        def __iter__(self):
            for clip in super().__iter__():
                made.append(clip.path)
                yield clip

    def engine(items):
        for item in items:
            kept_at.append((len(made), item.clip.path))
            yield item, prediction(item.clip)

    with Journal.open(tmp_path / "out", KEY) as journal:
        journal.fill(Clips(manifest.clips()), manifest.root, engine)
        assert kept_at == [(1, "b.mp4"), (2, "a.mp4"), (3, "c.mp4")]
        assert [row.clip_id for page in journal.read_pages(manifest) for row in page.rows] == [
            clip.clip_id for clip in manifest.clips()
        ]


def test_a_finished_clip_is_on_disk_before_the_next_one_is_asked_for(manifest, tmp_path):
    """A process that is killed loses nothing that was finished: the files as they are at that moment tell."""

    def engine(items):
        for i, item in enumerate(items):
            (tmp_path / "copy").mkdir(exist_ok=True)
            for file in (tmp_path / "out").glob(FILE + "*"):
                (tmp_path / "copy" / file.name).write_bytes(file.read_bytes())
            with sqlite3.connect(tmp_path / "copy" / FILE) as db:
                assert db.execute("SELECT count(*) FROM clips").fetchone() == (i,)
            db.close()
            yield item, prediction(item.clip)

    with Journal.open(tmp_path / "out", KEY) as journal:
        journal.fill(manifest.clips(), manifest.root, engine)


def test_what_is_done_is_not_done_again(manifest, tmp_path):
    assert done(tmp_path / "out", manifest, n=2) == ["b.mp4", "a.mp4"]
    assert done(tmp_path / "out", manifest) == ["c.mp4"]
    assert done(tmp_path / "out", manifest) == []


def test_a_file_that_changed_is_looked_at_again(manifest, tmp_path):
    done(tmp_path, manifest)
    (manifest.root / "a.mp4").write_bytes(b"123456")
    os.utime(manifest.root / "c.mp4", ns=(1, 1))
    assert done(tmp_path, manifest) == ["a.mp4", "c.mp4"]
    (manifest.root / "b.mp4").unlink()
    assert done(tmp_path, manifest) == ["b.mp4"] and done(tmp_path, manifest) == []


def test_another_card_with_the_same_names_is_refused_and_nothing_is_replaced(manifest, tmp_path):
    done(tmp_path, manifest, n=2)
    for i, name in enumerate("abc"):
        (manifest.root / f"{name}.mp4").write_bytes(bytes(10 + i))
    with pytest.raises(JournalError, match="other footage with the same file names") as error:
        done(tmp_path, manifest)
    assert "2 of 2 files have another size" in str(error.value) and "another folder for --out" in str(error.value)
    with (
        use_language("ru"),
        pytest.raises(JournalError, match="размер не тот, что при классификации, у файлов: 2 из 2"),
    ):
        done(tmp_path, manifest)
    (manifest.root / "a.mp4").write_bytes(b"12345")
    assert done(tmp_path, manifest) == ["b.mp4", "a.mp4", "c.mp4"]  # one of two was replaced, as after a repair


def test_results_are_kept_while_the_card_is_not_connected(manifest, tmp_path):
    done(tmp_path, manifest, n=2)
    manifest.root.rename(tmp_path / "elsewhere")
    with pytest.raises(JournalError, match="none of the files can be found, and their results are kept"):
        done(tmp_path, manifest)
    (tmp_path / "elsewhere").rename(manifest.root)
    assert done(tmp_path, manifest) == ["c.mp4"]


def test_clips_that_could_not_be_read_are_tried_again_when_asked(manifest, tmp_path):
    done(tmp_path, manifest, status="unreadable", n=1)
    done(tmp_path, manifest)
    assert done(tmp_path, manifest) == []
    assert done(tmp_path, manifest, retry_failed=True) == ["b.mp4"]
    assert done(tmp_path, manifest, retry_failed=True) == []


def test_another_bundle_or_another_setting_does_not_mix(manifest, tmp_path):
    done(tmp_path, manifest)
    other = KEY | {"bundle_id": "b2"}
    assert len(done(tmp_path, manifest, other, n=1)) == 1
    with Journal.open(tmp_path, other) as journal:
        pages = list(journal.read_pages(manifest))
        assert [[row.clip_id for row in page.rows] for page in pages] == [[manifest.clips()[0].clip_id]]
    assert done(tmp_path, manifest) == []  # the first is still whole


def test_pages_keep_the_order_of_the_manifest_and_every_bit(manifest, tmp_path):
    with Journal.open(tmp_path, KEY) as journal:
        for item in reversed(journal.list_todo(manifest.clips(), manifest.root)):
            journal.add(item, prediction(item.clip))
        pages = list(journal.read_pages(manifest, n_clips=2))
    assert [list(p.clips["path"]) for p in pages] == [["b.mp4", "a.mp4"], ["c.mp4"]]
    first = pages[0].rows[0]
    assert first.probs.tolist() == [0.25, 0.75] and first.frame_probs.tolist() == [[0.25, 0.75], [0.25, 0.75]]
    assert first.times_s.tolist() == [0.5, 1.5] and first.evidence_order.tolist() == [1, 0]
    assert (first.decision, first.rule, first.score, first.reason) == ("empty", "empty", 0.75, None)
    assert first.boxes == (None, None) and first.familiarity is None


def test_rows_survive_a_process_that_never_closed_the_journal(manifest, tmp_path):
    folder = tmp_path / "out"
    opened = Journal.open(folder, KEY)
    journal = opened.__enter__()
    journal.add(stamp_clip(manifest.clips()[0], str(manifest.root)), prediction(manifest.clips()[0]))
    copy = tmp_path / "copy"  # what a killed process leaves behind
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    assert done(copy, manifest) == ["a.mp4", "c.mp4"]
    opened.__exit__(None, None, None)


def test_only_one_run_writes(tmp_path):
    with (
        Journal.open(tmp_path, KEY),
        pytest.raises(JournalError, match="another run writes to this journal"),
        Journal.open(tmp_path, KEY),
    ):
        pass


def test_a_damaged_journal_is_found_and_explained(manifest, tmp_path):
    done(tmp_path, manifest)
    data = bytearray((tmp_path / FILE).read_bytes())
    data[4096:] = os.urandom(len(data) - 4096)  # beyond the first page
    (tmp_path / FILE).write_bytes(bytes(data))
    with pytest.raises(JournalError, match=r"the journal is damaged") as error:
        done(tmp_path, manifest)
    assert "move the journal" in str(error.value)
    (tmp_path / FILE).write_bytes(b"this is no database, it is a text of some length" * 9)
    with pytest.raises(JournalError, match="the journal is damaged"):
        done(tmp_path, manifest)


def test_the_data_of_another_program_is_left_alone(manifest, tmp_path):
    with sqlite3.connect(tmp_path / FILE) as db:
        db.execute("CREATE TABLE birds (name TEXT)")
    db.close()
    with pytest.raises(JournalError, match="not a journal of leopardnet"):
        done(tmp_path, manifest)


def test_a_full_disk_is_explained_and_what_is_done_is_kept(manifest, tmp_path):
    clips = manifest.clips()
    with Journal.open(tmp_path, KEY) as journal:
        journal.add(stamp_clip(clips[0], str(manifest.root)), prediction(clips[0]))
        n_pages = journal._db.execute("PRAGMA page_count").fetchone()[0]
        journal._db.execute(f"PRAGMA max_page_count = {n_pages}")
        large = prediction(clips[1])
        large = ClipPrediction(
            clips[1],
            "ok",
            "x" * 10_000,
            *[getattr(large, f) for f in ("decision", "probs", "frame_times_s", "frame_probs", "evidence_order")],
        )
        with pytest.raises(JournalError, match="there is no room") as error:
            journal.add(stamp_clip(clips[1], str(manifest.root)), large)
    assert "all finished clips are kept" in str(error.value)
    assert done(tmp_path, manifest) == ["a.mp4", "c.mp4"]


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / FILE).mkdir()
    with pytest.raises(JournalError, match="cannot be written"), Journal.open(tmp_path, KEY):
        pass


def test_a_journal_of_an_older_version_goes_on(manifest, tmp_path):
    """What the older one did not write down is missing for its rows alone."""
    later = ("decoded_by", "looks", "familiarity", "height_px", "width_px", "fps", "duration_s", "boxes")
    done(tmp_path, manifest, n=1)
    with sqlite3.connect(tmp_path / FILE) as db:
        for name in later:
            db.execute(f"ALTER TABLE clips DROP COLUMN {name}")
    db.close()
    with Journal.open(tmp_path, KEY) as journal:
        (item, *_) = journal.list_todo(manifest.clips(), manifest.root)
        look = np.array([[3.0, 0.5, 0.25], [4.0, 0.75, 0.125]], np.float32)
        more = {"frame_looks": np.arange(8).reshape(2, 4), "decoded_by": "cuda"}
        journal.add(item, replace(prediction(item.clip), frame_familiarity=look, **more))
        (page,) = journal.read_pages(manifest)
    assert [row.decoded_by for row in page.rows] == [None, "cuda"]
    bundle = SimpleNamespace(labels=SimpleNamespace(names=("leopard", "empty")))
    table = build_frame_table(page, bundle).set_index("clip_id")
    frames = table[["energy", "cos_leopard", "cos_empty"]]
    old, new = manifest.clips()[:2]
    assert frames.loc[old.clip_id].isna().all(axis=None) and len(frames) == 4
    assert frames.loc[new.clip_id].to_numpy().tolist() == look.tolist()
    assert table["sharpness"].isna().sum() == 2 and table.loc[new.clip_id, "contrast"].tolist() == [1, 5]


def test_boxes_are_kept_in_fractions_the_best_five_and_none_of_a_low_score(manifest, tmp_path):
    scores = np.array([0.9, 0.5, 0.4, 0.3, 0.2, 0.1, 0.04], np.float32)
    xyxy = np.tile(np.array([[16, 12, 32, 48]], np.float32), (7, 1))
    labels = ("animal", "person", *["animal"] * 5)
    found = Boxes(xyxy, scores, labels, 0.5, (64, 48), "motion")
    clip = manifest.clips()[0]
    with Journal.open(tmp_path, KEY) as journal:
        journal.add(stamp_clip(clip, str(manifest.root)), replace(prediction(clip), boxes=(found, None)))
        (page,) = journal.read_pages(manifest)
    first, second = page.rows[0].boxes
    assert second is None and first.source == "motion"
    assert first.boxes[:2] == [
        {"xyxy": [0.25, 0.25, 0.5, 1.0], "score": 0.9},
        {"xyxy": [0.25, 0.25, 0.5, 1.0], "score": 0.5, "label": "person"},
    ]
    assert [box["score"] for box in first.boxes] == [0.9, 0.5, 0.4, 0.3, 0.2]
