"""One archive classified in parts, as several machines do it, and put together again."""

import pandas as pd
import pytest

from leopardnet.core.errors import ConfigError, JournalError, ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import RuntimeConfig, TimesSampling
from leopardnet.infer.footage_source import take_part
from leopardnet.infer.predict_footage import predict

HERE = RuntimeConfig(workers=0)


def many(n, tmp_path):
    rows = pd.DataFrame({"path": [f"{i}.mp4" for i in range(n)], "kind": "video"})
    return Manifest.from_rows(rows, tmp_path)


def test_parts_are_disjoint_about_equal_and_together_the_whole(tmp_path):
    whole = many(400, tmp_path)
    parts = [take_part(whole, f"{k}/4").table["path"].tolist() for k in (1, 2, 3, 4)]
    assert sorted(path for part in parts for path in part) == sorted(whole.table["path"])
    assert all(70 <= len(part) <= 130 for part in parts)


def test_a_part_does_not_depend_on_the_order_of_the_manifest(tmp_path):
    whole = many(50, tmp_path)
    turned = whole.replace(whole.table[::-1].reset_index(drop=True))
    assert set(take_part(turned, "2/3").table["path"]) == set(take_part(whole, "2/3").table["path"])


def test_labelled_frames_stay_with_their_clip(tmp_path):
    frames = pd.DataFrame({"path": ["0.mp4"] * 3, "kind": ["video", "frame", "frame"], "time_s": [None, 0.0, 1.0]})
    rows = Manifest.from_rows(frames, tmp_path)
    assert len(take_part(rows, "1/1")) == 3
    sizes = []
    for part in ("1/2", "2/2"):
        try:
            sizes.append(len(take_part(rows, part)))
        except ManifestError:
            sizes.append(0)
    assert sorted(sizes) == [0, 3]


@pytest.mark.parametrize("part", ["0/2", "3/2", "1", "1/2/3", "a/b", "", "-1/2", "1/0", "²/3"])
def test_what_names_no_part_is_refused(part, tmp_path):
    with pytest.raises(ConfigError, match="no part of the clips") as refused:
        take_part(many(3, tmp_path), part)
    assert "K/N" in str(refused.value)


def test_the_parts_together_give_the_table_of_one_run(unseen, tiny_bundle, said, tmp_path):
    folders, notes, new = [tmp_path / "one", tmp_path / "two"], [], []
    sizes = [
        len(predict(take_part(unseen, f"{k}/2"), tiny_bundle, out=folder, runtime=HERE))
        for k, folder in enumerate(folders, 1)
    ]
    assert sum(sizes) == 8 and min(sizes) > 0
    options = {"out": tmp_path / "all", "runtime": HERE, "on_result": new.append, "on_note": notes.append}
    joined = predict(unseen, tiny_bundle, take_over=folders, **options)
    assert notes[:2] == [f"{n} finished clips of {f.name}" for n, f in zip(sizes, folders, strict=True)] and not new
    pd.testing.assert_frame_equal(joined.table, said.table)
    pd.testing.assert_frame_equal(joined.evidence, said.evidence)


def test_what_a_part_lacks_is_classified(unseen, tiny_bundle, said, tmp_path):
    part, new = take_part(unseen, "1/2"), []
    n_part = len(predict(part, tiny_bundle, out=tmp_path / "one", runtime=HERE))
    joined = predict(
        unseen, tiny_bundle, take_over=[tmp_path / "one"], out=tmp_path / "all", runtime=HERE, on_result=new.append
    )
    assert len(new) == 8 - n_part
    pd.testing.assert_frame_equal(joined.table, said.table)


def test_a_folder_without_results_is_refused_and_not_touched(unseen, tiny_bundle, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(JournalError, match=r"no journal\.sqlite"):
        predict(unseen, tiny_bundle, take_over=[empty], out=tmp_path / "all", runtime=HERE)
    assert not list(empty.iterdir())


def test_results_of_other_settings_are_refused(unseen, tiny_bundle, tmp_path):
    part = take_part(unseen, "1/2")
    predict(part, tiny_bundle, out=tmp_path / "one", runtime=HERE, sampling=TimesSampling(times_s=(0.1,)))
    with pytest.raises(JournalError, match="clips of other settings"):
        predict(unseen, tiny_bundle, take_over=[tmp_path / "one"], out=tmp_path / "all", runtime=HERE)
