"""Facts about files: what is read, and which files are copies."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from leopardnet.core.manifest import Manifest
from leopardnet.data.checks.check import check
from leopardnet.data.checks.file_facts import find_copies, read_file_facts
from manifests_to_check import NOW, found, rules, save, scene, table, with_copies


def test_headers_alone_and_presence_alone(tmp_path):
    (tmp_path / "noise.jpg").write_bytes(b"no picture")
    m = table(tmp_path, [{"path": "noise.jpg"}, {"path": "gone.jpg"}])
    assert "file_unreadable" in rules(m, perceptual=False)
    assert {"file_missing"} == rules(m, perceptual=False, probe=False, hash_files=False) & {
        "file_missing",
        "file_unreadable",
    }


def test_every_still_of_a_burst_is_looked_at(tmp_path):
    save(tmp_path, "1.jpg", scene(1))
    m = table(tmp_path, [{"path": "1.jpg", "kind": "burst", "paths": json.dumps(["1.jpg", "2.jpg"])}])
    findings = check(m, now=NOW)
    missing = findings[findings["rule"] == "file_missing"].iloc[0]
    assert (missing["row"], missing["path"]) == (2, "2.jpg")


def test_one_row_of_facts_per_file_with_progress(four):
    seen = []
    facts = read_file_facts(four, on_progress=lambda *n: seen.append(n))
    assert facts["path"].tolist() == four.table["path"].tolist()
    assert facts["status"].eq("ok").all() and facts["width_px"].eq(160).all()
    assert facts["digest"].isna().all() or facts["size_bytes"].duplicated().any()
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_files_that_are_not_hashed_and_not_decoded_are_no_copies(tmp_path):
    m = table(tmp_path, with_copies(tmp_path))
    assert not rules(m, hash_files=False, perceptual=False) & {"copy", "near_duplicate"}
    assert find_copies(m, read_file_facts(m, hash_files=False, perceptual=False)).isna().all()


def test_a_video_is_known_by_its_first_frame(video, tmp_path):
    save(tmp_path, "still.jpg", scene(0))
    shutil.copy(video, tmp_path / "clip.mp4")
    m = table(tmp_path, [{"path": "clip.mp4", "kind": "video", "site": "a"}, {"path": "still.jpg", "site": "b"}])
    assert [row for row, _ in found(m, "near_duplicate")] == [2]


def test_real_pictures_have_no_false_look_alikes():
    real = Path(__file__).parents[5] / "shared" / "real"
    if not (real / "images.csv").is_file():
        pytest.skip("no folder of real pictures beside the repository")
    t = pd.read_csv(real / "images.csv", dtype=str, keep_default_na=False, na_values=[""]).iloc[::4]
    m = Manifest.from_rows(t[["path", "label", "site", "sequence_id"]].assign(kind="still"), real)
    facts = read_file_facts(m)
    assert facts["status"].eq("ok").all()
    of_copies = m.table.assign(group=find_copies(m, facts)).dropna(subset="group")
    assert (of_copies.groupby("group")["label"].nunique() == 1).all()
    is_night = t["night_ir"].eq("True").to_numpy()
    assert ((facts["chroma"] < 8).to_numpy() == is_night).mean() > 0.95
