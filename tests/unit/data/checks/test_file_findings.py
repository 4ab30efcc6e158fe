"""Findings about files: missing, broken, copied, and labels beyond the end of a video."""

import pandas as pd

from leopardnet.data.checks.check import check
from leopardnet.data.checks.file_facts import find_copies, read_file_facts
from manifests_to_check import NOW, found, save, scene, table, with_copies


def test_missing_empty_unreadable_and_cut_files(tmp_path):
    save(tmp_path, "ok.jpg", scene(1))
    save(tmp_path, "cut.jpg", scene(2, size=(640, 480)), quality=95)
    data = (tmp_path / "cut.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: len(data) // 2])
    (tmp_path / "empty.avi").touch()
    (tmp_path / "noise.mp4").write_bytes(b"this is no video at all")
    (tmp_path / "noise.jpg").write_bytes(b"\xff\xd8\xff\xe0 nor is this a picture")
    names = ["ok.jpg", "cut.jpg", "empty.avi", "noise.mp4", "noise.jpg", "gone.avi"]
    m = table(tmp_path, [{"path": n, "kind": "video" if n[-1] in "4i" else "still"} for n in names])
    findings = check(m, now=NOW)
    by_rule = {rule: sorted(rows["row"]) for rule, rows in findings.groupby("rule")}
    assert by_rule["file_missing"] == [6]
    assert by_rule["file_empty"] == [3]
    assert by_rule["file_unreadable"] == [4, 5]
    assert by_rule["file_partial"] == [2]
    assert findings["severity"].tolist()[:4] == ["error"] * 4
    assert not findings["message"].str.contains(str(tmp_path), regex=False).any()


def test_equal_files_and_look_alikes_are_found_across_sites(tmp_path):
    m = table(tmp_path, with_copies(tmp_path))
    assert [row for row, _ in found(m, "copy")] == [2]
    assert [row for row, _ in found(m, "near_duplicate")] == [3]
    group = find_copies(m, read_file_facts(m))
    assert group[0] == group[1] == group[2] and pd.isna(group[3])


def test_equal_files_with_two_labels_are_an_error(tmp_path):
    rows = with_copies(tmp_path)
    rows[1]["label"] = "leopard"
    (message,) = [m for _, m in found(table(tmp_path, rows), "copies_disagree")]
    assert "a/1.png" in message and "leopard and tiger" in message


def test_look_alikes_of_one_site_are_no_finding(tmp_path):
    rows = [{**r, "site": "one"} for r in with_copies(tmp_path)]
    assert found(table(tmp_path, rows), "near_duplicate") == []


def test_labels_beyond_the_end_of_a_video(video):
    rows = [{"path": "clip.mp4", "kind": "frame", "time_s": t} for t in (0.0, 1.9, 2.2, 9.0)]
    rows += [{"path": "clip.mp4", "kind": "frame", "frame_number": n} for n in (19, 20)]
    assert [row for row, _ in found(table(video.parent, rows), "frame_beyond_end")] == [4, 6]
