import json
import tarfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from leopardnet.compose import load_config
from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.training.frames.frame_cache import FrameCache
from leopardnet.training.frames.labelled_frames import load_frames
from leopardnet.training.frames.shard_order import AT_ONCE, gather_shards
from leopardnet.training.frames.shard_set import ShardSet
from leopardnet.training.resolve_settings import resolve_settings
from leopardnet.training.shards.write_shards import write_shards
from leopardnet.training.train_val import TrainVal, select_train_val
from leopardnet.training.training_run import train

SMOKE = ["debug=smoke", "experiment.tracker=none", "data.max_items=null", "preprocess.size_px=128"]


@pytest.fixture(scope="module")
def config():
    return load_config("train", SMOKE)


@pytest.fixture(scope="module")
def written(labelled, config, tmp_path_factory):
    """Lossless shards of a megabyte each."""
    return write_shards(labelled, config, out=tmp_path_factory.mktemp("shards") / "png", shard_mb=1)


def load(manifest, config, tmp_path, shards=None):
    config = resolve_settings(config, manifest)
    labels = config.labels.label_set()
    wanted = select_train_val(manifest, config, labels, by_folds=False)
    data = TrainVal(wanted, manifest.root, config, labels, by_folds=False)
    cache = FrameCache(tmp_path / "cache", max_bytes=10**9)
    return load_frames(wanted, manifest.root, labels=labels, reading=data.reading, cache=cache, shards=shards)


def copy_of(shards, tmp_path):
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in shards.folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return folder


def test_shards_hold_the_same_frames_in_the_same_rows(labelled, config, written, tmp_path):
    plain, found = load(labelled, config, tmp_path), load(labelled, config, tmp_path, written)
    pd.testing.assert_frame_equal(plain.table, found.table)
    assert len(written.record.shards) > 1 and written.record.n_frames == len(found) > 20
    for i in range(len(found)):
        assert np.array_equal(plain.exact[i], found.exact[i]) and np.array_equal(plain.large[i], found.large[i])


def test_training_from_shards_needs_no_footage_and_gives_the_same_model(labelled, config, written, tmp_path):
    plain = train(labelled, config, out=tmp_path / "plain", cache=tmp_path / "cache")
    nowhere = replace(labelled, root=tmp_path / "nowhere")
    found = train(nowhere, config, out=tmp_path / "found", cache=tmp_path / "other", shards=written.folder)
    assert len(written.record.shards) <= AT_ONCE  # so the order of an epoch is the same, too
    keys = ("epoch", "train_loss", "val_macro_f1", "val_nll")
    assert [[row[k] for k in keys] for row in plain.history[1:]] == [
        [row[k] for k in keys] for row in found.history[1:]
    ]
    assert (tmp_path / "plain/best.safetensors").read_bytes() == (tmp_path / "found/best.safetensors").read_bytes()
    assert not list((tmp_path / "other/pixels").glob("*"))


def test_other_programs_find_the_layout_of_webdataset(labelled, written):
    groups = {}
    for path in sorted(written.folder.glob("*.tar")):
        with tarfile.open(path) as tar:
            for member in tar:
                key, _, ending = member.name.partition(".")  # the rule of WebDataset
                groups.setdefault(key, {})[ending] = tar.extractfile(member).read()
                assert member.mtime == 0 and not member.uname
    assert len(groups) == written.record.n_frames
    labels = labelled.table.drop_duplicates("clip_id").set_index("clip_id")["label"]
    for key, parts in groups.items():
        assert sorted(parts) == ["exact.png", "json", "large.png"]
        said = json.loads(parts["json"])
        assert said["label"] == labels[key.split("-")[0]] and said["view"] == "frame"


def test_the_same_footage_gives_the_same_bytes(labelled, config, written, tmp_path):
    again = write_shards(labelled, config, out=tmp_path / "again", shard_mb=1)
    assert again.id == written.id and again.check() == []


def test_jpg_shards_are_smaller_and_close(labelled, config, written, tmp_path):
    small = write_shards(labelled, config, out=tmp_path / "jpg", picture="jpg")
    assert small.id != written.id
    n_bytes = [sum(x.n_bytes for x in shards.record.shards) for shards in (small, written)]
    assert n_bytes[0] < 0.8 * n_bytes[1]
    exact, near = load(labelled, config, tmp_path, written), load(labelled, config, tmp_path, small)
    apart = [np.abs(exact.large[i].astype(int) - near.large[i]).mean() for i in range(len(exact))]
    assert 0 < np.mean(apart) < 4


def test_people_are_left_out_unless_asked_for(labelled, config, tmp_path):
    first = labelled.table[labelled.table["split"] == "train"]["clip_id"].iloc[0]
    shown = labelled.table["clip_id"] == first
    manifest = labelled.replace(labelled.table.assign(species=labelled.table["species"].mask(shown, "human")))
    hidden = write_shards(manifest, config, out=tmp_path / "hidden")
    assert list(hidden.missing.values()) == [1] and "people" in next(iter(hidden.missing))
    loaded = load(manifest, config, tmp_path, hidden)
    assert first not in set(loaded.table["clip_id"]) and len(loaded.skipped) == 1
    asked = write_shards(manifest, config, out=tmp_path / "asked", include_people=True)
    assert asked.missing == {} and first in set(load(manifest, config, tmp_path, asked).table["clip_id"])


def test_a_file_that_cannot_be_read_has_a_row_with_the_reason(labelled, config, tmp_path):
    one = labelled.table[(labelled.table["split"] == "train") & (labelled.table["kind"] == "still")][:1]
    table = pd.concat([labelled.table, one.assign(path="gone.jpg").drop(columns="clip_id")])
    manifest = labelled.replace(table.drop(columns="clip_id"))
    shards = write_shards(manifest, config, out=tmp_path / "shards")
    assert sum(shards.missing.values()) == 1
    assert load(manifest, config, tmp_path, shards).skipped["path"].tolist() == ["gone.jpg"]


def test_a_changed_shard_is_named(labelled, config, written, tmp_path):
    folder = copy_of(written, tmp_path)
    frames = load(labelled, config, tmp_path, ShardSet.open(folder))
    shard = folder / "000001.tar"
    data = bytearray(shard.read_bytes())
    for i in range(1000, len(data), 1000):
        data[i] ^= 1
    shard.write_bytes(data)
    with pytest.raises(ManifestError, match=r"not complete(.|\n)*copy/000001\.tar(.|\n)*other bytes"):
        for i in range(len(frames)):
            frames.large[i]
    assert ShardSet.open(folder).check() == ["000001.tar"]


@pytest.mark.parametrize("name", ["000001.tar", "index.parquet", "shards.json"])
def test_a_missing_or_cut_file_is_named(written, tmp_path, name):
    folder = copy_of(written, tmp_path)
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[:-100])
    with pytest.raises(ManifestError, match=f"copy/{name}"):
        ShardSet.open(folder)
    (folder / name).unlink()
    with pytest.raises(ManifestError, match=name):
        ShardSet.open(folder)


def test_a_record_that_points_elsewhere_is_refused(written, tmp_path):
    folder = copy_of(written, tmp_path)
    record = json.loads((folder / "shards.json").read_text())
    record["shards"][0]["name"] = "../000000.tar"
    (folder / "shards.json").write_text(json.dumps(record))
    with pytest.raises(ManifestError, match=r"shards\.0\.name"):
        ShardSet.open(folder)


def test_other_settings_and_other_clips_are_refused(labelled, config, written, tmp_path):
    other = load_config("train", [*SMOKE, "data.max_frames_per_clip=1"])
    with pytest.raises(ManifestError, match=r"other settings(.|\n)*data\.max_frames_per_clip"):
        load(labelled, other, tmp_path, written)
    more = labelled.table[(labelled.table["split"] == "train") & (labelled.table["kind"] == "still")][:1]
    table = pd.concat([labelled.table, more.assign(path="new.jpg")]).drop(columns="clip_id")
    with pytest.raises(ManifestError, match=r"lack clips(.|\n)*1 of \d+ clips, such as new\.jpg"):
        load(labelled.replace(table), config, tmp_path, written)


def test_a_folder_in_use_is_left_alone_and_an_interrupted_one_begins_anew(labelled, config, written, tmp_path):
    with pytest.raises(ConfigError, match="a complete set of shards"):
        write_shards(labelled, config, out=written.folder)
    folder = tmp_path / "half"
    folder.mkdir()
    (folder / "000007.tar").write_bytes(b"half")
    assert write_shards(labelled, config, out=folder).check() == [] and not (folder / "000007.tar").exists()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos/a.jpg").write_bytes(b"mine")
    with pytest.raises(ConfigError, match=r"photos: a\.jpg"):
        write_shards(labelled, config, out=tmp_path / "photos")
    assert (tmp_path / "photos/a.jpg").read_bytes() == b"mine"


def test_an_epoch_takes_each_frame_once_and_few_shards_at_a_time():
    i_shard = np.repeat(np.arange(100, dtype=np.int32), 10)
    rng = np.random.default_rng(3)
    order = gather_shards(rng.permutation(1000), i_shard, rng)
    assert sorted(order.tolist()) == list(range(1000))
    groups = [set(i_shard[order[i : i + 10 * AT_ONCE]].tolist()) for i in range(0, 1000, 10 * AT_ONCE)]
    assert [len(x) for x in groups] == [16] * 6 + [4] and len(set.union(*groups)) == 100
    inside = i_shard[order[: 10 * AT_ONCE]]
    assert len(set(inside[:10].tolist())) > 3, "frames of a group are mixed"
    weighted = rng.choice(1000, 1000)
    assert sorted(gather_shards(weighted, i_shard, rng).tolist()) == sorted(weighted.tolist())
