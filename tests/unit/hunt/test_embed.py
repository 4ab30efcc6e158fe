"""Features of footage: every clip has a row, what is done stays, and what cannot be read says why."""

import shutil
import sqlite3

import numpy as np
import pytest
from PIL import Image

from leopardnet.core.errors import BackendError, ConfigError, JournalError, RunStopped
from leopardnet.core.settings.inference import RuntimeConfig
from leopardnet.data.scan.scan import scan
from leopardnet.hunt.embed import embed
from leopardnet.hunt.feature_store import KIND, FeatureStore
from leopardnet.hunt.setup import load_setup
from leopardnet.media.video import hardware

HERE = RuntimeConfig(workers=0)
SETUP = load_setup("lite0")


@pytest.fixture
def card(tmp_path, write_video, rng):
    """A video, a still and a broken file."""
    folder = tmp_path / "card"
    folder.mkdir()
    shutil.move(write_video("clip.mp4", n_frames=80, size=(96, 64)), folder / "clip.mp4")
    Image.fromarray(rng.integers(0, 255, (80, 120, 3), dtype=np.uint8)).save(folder / "still.jpg")
    (folder / "broken.mp4").write_bytes(b"this is no video" * 50)
    return folder


def run(card, out, **options):
    seen = []
    options.setdefault("runtime", HERE)
    store = embed(scan(card), out, setup=SETUP, on_progress=lambda *n: seen.append(n), **options)
    return store, seen


def test_every_clip_has_a_row_and_the_unreadable_one_says_why(card, tmp_path):
    before = sorted(x.name for x in card.iterdir())
    store, seen = run(card, tmp_path / "out")
    features, times = store.read(), store.read_times()
    paths = scan(card).table.set_index("clip_id")["path"]
    assert [paths[c] for c in features.clip_ids] == [paths[c] for c in sorted(times)]
    n_frames = {paths[c]: len(t) for c, t in times.items()}
    assert n_frames["still.jpg"] == 1 and 3 <= n_frames["clip.mp4"] <= 5
    assert features.values.shape == (sum(n_frames.values()), 1280) and np.isfinite(features.values).all()
    (broken,) = store.read_unreadable().items()
    assert paths[broken[0]] == "broken.mp4" and broken[1] and str(tmp_path) not in broken[1]
    assert seen[0] == (0, 3) and seen[-1] == (3, 3)
    assert sorted(x.name for x in card.iterdir()) == before, "nothing is written into the footage"
    assert [x.name for x in (tmp_path / "out").iterdir()] == [KIND.file]


def test_a_device_that_is_not_there_is_said_before_the_long_work_and_costs_no_clip(card, tmp_path, monkeypatch):
    monkeypatch.setattr(hardware, "open_device", lambda name: (None, f"no {name}"))
    with pytest.raises(BackendError, match="no hardware decoder"):
        run(card, tmp_path / "out", runtime=RuntimeConfig(workers=0, decode="hardware"))
    store, _ = run(card, tmp_path / "out", runtime=RuntimeConfig(workers=0, decode="auto"))
    assert len(store.read_unreadable()) == 1 and len(store.read_times()) == 2


def test_imagenet_scores_are_log_odds_of_the_best_frame(write_store):
    store = write_store({"a.jpg": ([[1.0]], {288: np.log(999)}), "b.jpg": ([[1.0], [1.0]], {})})
    order = store.read().clip_ids
    scores = dict(zip(order, store.read_imagenet([288]), strict=True))
    # a: 999 against 999 others of weight 1; b: 1 against 999
    assert sorted(scores.values()) == pytest.approx([np.log(1 / 999), 0.0], abs=1e-2)
    assert len(store.read_imagenet([288], clip_ids=[order[0]])) == 1 and len(store.read([])) == 0


def test_what_is_done_is_not_done_again_but_a_changed_file_is(card, tmp_path):
    run(card, tmp_path / "out")
    assert run(card, tmp_path / "out")[1] == [(3, 3)]
    assert run(card, tmp_path / "out", retry_failed=True)[1] == [(2, 3), (3, 3)]
    Image.fromarray(np.zeros((80, 120, 3), np.uint8)).save(card / "still.jpg")
    assert run(card, tmp_path / "out")[1] == [(2, 3), (3, 3)]


def test_a_run_that_is_stopped_goes_on(card, tmp_path):
    with pytest.raises(RunStopped, match="stopped after 1 of 3 clips"):
        stops = iter([False, True])
        run(card, tmp_path / "out", should_stop=lambda: next(stops))
    assert len(FeatureStore(tmp_path / "out").read()) + len(FeatureStore(tmp_path / "out").read_unreadable()) == 1
    assert run(card, tmp_path / "out")[1][0] == (1, 3)


def test_processes_change_no_feature(card, tmp_path):
    one, _ = run(card, tmp_path / "one")
    two, _ = run(card, tmp_path / "two", runtime=RuntimeConfig(workers=2))
    a, b = one.read(), two.read()
    assert a.clip_ids == b.clip_ids and np.abs(a.values - b.values).max() < 1e-2
    assert one.read_unreadable() == two.read_unreadable()


def test_two_backbones_do_not_mix(card, tmp_path):
    run(card, tmp_path / "out")
    other = SETUP.model_copy(update={"preprocess": SETUP.preprocess.model_copy(update={"crop_bottom": 0.0})})
    store = embed(scan(card), tmp_path / "out", setup=other, runtime=HERE)
    assert FeatureStore(tmp_path / "out").setup == other and len(store.read()) == 2
    assert run(card, tmp_path / "out")[1] == [(3, 3)]


def test_an_unknown_backbone_is_answered_with_the_known_ones():
    with pytest.raises(ConfigError, match="lite0, lite1, lite2"):
        load_setup("resnet18")


def test_a_folder_without_features_and_a_file_of_another_program(tmp_path):
    with pytest.raises(JournalError, match="there are no features in this folder"):
        FeatureStore(tmp_path)
    with sqlite3.connect(tmp_path / KIND.file) as db:
        db.execute("CREATE TABLE birds (name TEXT)")
    db.close()
    with pytest.raises(JournalError, match="holds no features"):
        FeatureStore(tmp_path)
    (tmp_path / KIND.file).write_bytes(b"no database, a text of some length" * 99)
    with pytest.raises(JournalError, match="damaged"):
        FeatureStore(tmp_path)
