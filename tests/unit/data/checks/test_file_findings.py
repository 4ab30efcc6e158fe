"""Findings about files: missing, broken, copied, and labels beyond the end of a video."""

import pandas as pd

from files_with_times import jpeg
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
    by_rule = {rule: sorted(rows["row"] - 1) for rule, rows in findings.groupby("rule")}
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


def test_a_thumbnail_beside_its_picture_is_told(tmp_path):
    for name, size in (("IMG_1.JPG", (640, 480)), ("thumbs/img_1.jpg", (160, 120)), ("other.jpg", (160, 120))):
        save(tmp_path, name, scene(1, size=(640, 480)).resize(size))
    save(tmp_path, "IMG_2.JPG", scene(2, size=(640, 480)))
    names = ["thumbs/img_1.jpg", "IMG_1.JPG", "other.jpg", "IMG_2.JPG"]
    rows = [{"path": n, "site": "s1", "captured_at": NOW.replace(minute=i)} for i, n in enumerate(names)]
    ((row, message),) = found(table(tmp_path, rows), "two_sizes")
    assert row == 1 and message.startswith("160 x 120 beside 640 x 480: a smaller copy of IMG_1.JPG (site s1)")
    rows[2]["captured_at"] = rows[1]["captured_at"]  # sent under another name
    assert [row for row, _ in found(table(tmp_path, rows), "two_sizes")] == [1, 3]
    assert not found(table(tmp_path, rows[1:2] + rows[3:]), "two_sizes")


def test_labels_of_another_card_are_told(tmp_path):
    for day in (1, 2):
        jpeg(tmp_path / f"IMAG000{day}.JPG", original=f"2024:05:0{day} 10:00:00")
    rows = [{"path": f"IMAG000{d}.JPG", "time_source": "table"} for d in (1, 2)]
    times = [NOW.replace(year=2024, month=5, day=d, hour=10) for d in (1, 2)]
    fitting = [r | {"captured_at": t} for r, t in zip(rows, times, strict=True)]
    assert not found(table(tmp_path, fitting), "other_footage")
    fitting[1]["captured_at"] = NOW.replace(year=2023, month=2, day=7)
    ((row, message),) = found(table(tmp_path, fitting), "other_footage")
    assert row == 2 and "2023-02-07 00:00:00 in the manifest, 2024-05-02 10:00:00 in the files" in message
    wide = [r | {"width_px": 1920, "height_px": 1080} for r in rows]
    assert "1920 x 1080 px in the manifest, 16 x 12 px" in found(table(tmp_path, wide), "other_footage")[0][1]
