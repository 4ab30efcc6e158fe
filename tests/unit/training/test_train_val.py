import re
from types import SimpleNamespace

import pandas as pd
import pytest

from leopardnet.compose import load_config
from leopardnet.core.errors import ConfigError, ManifestError, MediaError
from leopardnet.training.training_run import train

SMOKE = ["debug=smoke", "experiment.tracker=none"]
PROBE = ["optim=probe", "optim.epochs=0"]


def scores(run):
    return [{k: v for k, v in row.items() if k in ("epoch", "val_macro_f1", "val_nll")} for row in run.history]


@pytest.fixture(scope="module")
def probe(labelled, tmp_path_factory):
    """A run of a probe, and its cache."""
    cache = tmp_path_factory.mktemp("cache")
    options = {"cache": cache, "out": tmp_path_factory.mktemp("runs") / "a"}
    return train(labelled, load_config("train", [*SMOKE, *PROBE]), **options), cache


def test_a_second_probe_decodes_and_embeds_nothing(labelled, probe, tmp_path, monkeypatch):
    first, cache = probe
    monkeypatch.setattr("leopardnet.training.frames.clip_frames.decode_rows", None)
    monkeypatch.setattr("leopardnet.training.frames.features.extract_features", None)
    said = []
    again = train(
        labelled,
        load_config("train", [*SMOKE, *PROBE]),
        out=tmp_path,
        cache=cache,
        on_progress=lambda what, done, n, note="": said.append((what, note)),
    )
    assert scores(first) == scores(again)
    n_frames = len(pd.read_parquet(first.folder / "val_frames.parquet"))
    clips = labelled.table[labelled.table["split"].isin(["train", "val"])]["clip_id"].nunique()
    notes = dict(said)
    assert notes["frames of earlier runs"].startswith(f"{clips} of {clips} clips")
    n, of = notes["features of earlier runs"].split(" of ")
    assert f"{n} frames" == of and int(n) > n_frames > 0


def test_fewer_clips_and_other_parts_use_what_is_there(labelled, probe, tmp_path, monkeypatch):
    """Copies in an infrared look depend on the place of a frame in the set, so they are left out here."""
    _, cache = probe
    plain = [*SMOKE, *PROBE, "optim.probe_infrared_copies=0", "validation=folds", "validation.n_folds=3"]
    train(labelled, load_config("train", plain), out=tmp_path / "all", cache=cache)
    fewer = labelled.replace(labelled.table[labelled.table["site"] != "site01"])
    fresh = train(fewer, load_config("train", plain), out=tmp_path / "fresh", cache=tmp_path / "empty")
    monkeypatch.setattr("leopardnet.training.frames.clip_frames.decode_rows", None)
    monkeypatch.setattr("leopardnet.training.frames.features.extract_features", None)
    reused = train(fewer, load_config("train", plain), out=tmp_path / "reused", cache=cache)
    assert scores(reused) == scores(fresh)
    pd.testing.assert_frame_equal(*(pd.read_parquet(x.folder / "val_frames.parquet") for x in (reused, fresh)))


def test_a_cache_that_cannot_be_written_is_one_clear_error(labelled, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be written"):
        train(labelled, load_config("train", [*SMOKE, *PROBE]), out=tmp_path / "run", cache=tmp_path / "file")


def test_a_full_disk_is_said_once_because_every_epoch_then_decodes_again(labelled, tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1_000_000_000))
    said = []
    config = load_config("train", [*SMOKE, *PROBE])
    run = train(
        labelled, config, out=tmp_path / "run", cache=tmp_path / "c", on_progress=lambda what, *_: said.append(what)
    )
    n_clips = pd.read_parquet(run.folder / "val_frames.parquet")["clip_id"].nunique()
    (note,) = [x for x in said if "no room" in x]
    n = int(re.search(r"of (\d+) clips", note)[1])
    assert n > n_clips and "free 2 GB and more, or give --cache on another disk" in note


def test_frames_too_many_for_the_disk_are_decoded_as_they_are_needed(labelled, tmp_path):
    kept = train(labelled, load_config("train", SMOKE), out=tmp_path / "kept")
    asked = train(labelled, load_config("train", [*SMOKE, "data.cache_gb=0"]), out=tmp_path / "asked")
    assert asked.history[0]["n_val_clips"] == kept.history[0]["n_val_clips"] > 0
    assert asked.history[1]["val_nll"] == pytest.approx(kept.history[1]["val_nll"], rel=0.05)


def test_a_missing_split_says_what_to_do(labelled, tmp_path):
    with pytest.raises(ManifestError, match="leopardnet split"):
        train(labelled.where(split="train"), load_config("train", [*SMOKE, "validation=split"]), out=tmp_path)


def test_a_clip_on_both_sides_is_refused(labelled, tmp_path):
    table = labelled.where(split="train").table
    mixed = labelled.replace(
        table.assign(split=["train", "val"] * (len(table) // 2) + ["train"] * (len(table) % 2))
    )
    with pytest.raises(ManifestError, match="both train and val"):
        train(mixed, load_config("train", SMOKE), out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_validation_that_cannot_be_read_is_one_clear_error(labelled, tmp_path):
    table = labelled.table
    one = table[(table["split"] == "val") & (table["kind"] == "still")][:1].assign(path="gone.jpg")
    few = pd.concat([table[table["split"] == "train"], one]).drop(columns="clip_id")
    with pytest.raises(ManifestError, match="validation split has no readable clip"):
        train(labelled.replace(few), load_config("train", [*SMOKE, "data.max_unreadable_share=1"]), out=tmp_path)
    assert not (tmp_path / "cache").exists()


def test_a_label_without_examples_is_named(labelled, tmp_path):
    few = labelled.replace(
        labelled.table[(labelled.table["label"] != "tiger") | (labelled.table["split"] != "train")]
    )
    with pytest.raises(ManifestError, match=r"no example of some labels(.|\n)*tiger"):
        train(few, load_config("train", SMOKE), out=tmp_path)


def test_too_many_unreadable_files_stop_the_run_and_are_listed(labelled, tmp_path):
    gone = labelled.table.assign(path=lambda t: t["path"].where(t["site"] != "site01", t["path"] + ".gone.mp4"))
    with pytest.raises(MediaError, match="cannot be read"):
        train(labelled.replace(gone.drop(columns="clip_id")), load_config("train", SMOKE), out=tmp_path)
    assert len(pd.read_csv(tmp_path / "skipped.csv")) == 8
