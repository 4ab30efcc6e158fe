import json
from pathlib import Path

import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import clip_id
from leopardnet.data.reading.join_manifests import join_manifests


def manifest(root, *rows):
    columns = ("path", "kind", "label", "site", "sequence_id")
    return Manifest.from_rows(pd.DataFrame(rows, columns=columns), Path(root))


def test_paths_and_ids_follow_the_common_folder(tmp_path):
    north = manifest(tmp_path / "north", ("1.jpg", "still", "tiger", "ridge", "s1"))
    south = manifest(tmp_path / "far/south", ("a/1.jpg", "still", "deer", "creek", "s2"))
    joined = join_manifests({"north": north, "south": south})
    table = joined.manifest.table
    assert table["path"].tolist() == ["north/1.jpg", "far/south/a/1.jpg"] and joined.manifest.root == tmp_path
    assert table["clip_id"].tolist() == [clip_id(p) for p in table["path"]]
    assert table["label"].tolist() == ["tiger", "deer"] and joined.n_repeated == 0
    assert set(joined.shared.values()) == {()}


def test_every_picture_of_a_burst_follows(tmp_path):
    burst = pd.DataFrame({"path": ["b/1.jpg"], "kind": ["burst"], "paths": [json.dumps(["b/1.jpg", "b/2.jpg"])]})
    parts = {
        "north": Manifest.from_rows(burst, tmp_path / "north"),
        "south": manifest(tmp_path / "south", ("1.jpg", "still", None, None, None)),
    }
    clips = join_manifests(parts).manifest.clips()
    assert clips[0].paths == ("north/b/1.jpg", "north/b/2.jpg") and clips[1].paths == ("south/1.jpg",)


def test_names_that_both_owners_gave_are_told_and_can_be_kept_apart(tmp_path):
    parts = {
        name: manifest(
            tmp_path / name, ("1.jpg", "still", "tiger", "A1", "1"), ("2.jpg", "still", "tiger", name, "2")
        )
        for name in ("north", "south")
    }
    joined = join_manifests(parts)
    assert joined.shared == {"site": ("A1",), "deployment": (), "sequence_id": ("1", "2")}
    assert joined.manifest.table["site"].tolist() == ["A1", "north", "A1", "south"]
    apart = join_manifests(parts, keep_apart=True).manifest.table
    assert apart["site"].tolist() == ["north: A1", "north", "south: A1", "south"]
    assert apart["sequence_id"].tolist() == ["north: 1", "north: 2", "south: 1", "south: 2"]


def test_a_row_of_both_is_taken_once_and_contradictions_are_refused(tmp_path):
    one = manifest(tmp_path, ("1.jpg", "still", "tiger", "A", None), ("2.jpg", "still", None, "A", None))
    same = manifest(tmp_path, ("2.jpg", "still", None, "A", None))
    joined = join_manifests({"one": one, "same": same})
    assert joined.manifest.table["path"].tolist() == ["1.jpg", "2.jpg"] and joined.n_repeated == 1
    other = manifest(tmp_path, ("1.jpg", "still", "leopard", "A", None))
    with pytest.raises(ManifestError, match=r"contradict each other(.|\n)*1 file .* 1\.jpg \(column label\)"):
        join_manifests({"one": one, "other": other})


def test_labelled_frames_of_one_video_are_not_repeats(tmp_path):
    frames = pd.DataFrame({"path": ["v.mp4"] * 2, "kind": "frame", "time_s": [1.0, 2.0], "label": "tiger"})
    joined = join_manifests(
        {
            "frames": Manifest.from_rows(frames, tmp_path),
            "pictures": manifest(tmp_path, ("1.jpg", "still", None, None, None)),
        }
    )
    assert joined.manifest.table["time_s"].dropna().tolist() == [1.0, 2.0]
