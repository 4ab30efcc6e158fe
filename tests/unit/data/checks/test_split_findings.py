"""Findings about leaks between the parts of a split."""

from datetime import datetime

from leopardnet.data.checks.check import check
from leopardnet.data.checks.file_facts import find_copies, read_file_facts
from leopardnet.data.splits.split import split
from manifests_to_check import NOW, found, rules, table, with_copies


def test_leaks_of_a_split(blind):
    rows = [
        {"path": "1.avi", "site": "a", "sequence_id": "q", "split": "train"},
        {"path": "2.avi", "site": "a", "sequence_id": "q", "split": "test"},
        {"path": "3.avi", "site": "b", "split": "val"},
        {"path": "4.avi", "kind": "frame", "frame_number": 1, "split": "train"},
        {"path": "4.avi", "kind": "frame", "frame_number": 2, "split": "val"},
        {"path": "5.avi"},
    ]
    assert blind(rows, "sequence_cut") == [(1, "sequence q is in test (1) and train (1); split again")]
    assert [row for row, _ in blind(rows, "site_cut")] == [1]
    assert [row for row, _ in blind(rows, "clip_cut")] == [4]
    assert [row for row, _ in blind(rows, "no_split")] == [6]


def test_copies_cut_by_a_split_are_found_and_keep_together_prevents_it(tmp_path):
    rows = with_copies(tmp_path)
    parts = ["train", "test", "val", "train"]
    cut = table(tmp_path, [{**r, "split": p} for r, p in zip(rows, parts, strict=True)])
    assert [row for row, _ in found(cut, "copies_cut")] == [1]
    m = table(tmp_path, rows)
    kept = split(m, keep_together=find_copies(m, read_file_facts(m)), allow_missing=True)
    assert not rules(kept) & {"copies_cut", "look_alikes_cut"}


def test_a_split_by_time_is_no_leak_but_a_note(tmp_path):
    rows = [{"path": f"{i}.avi", "site": "ab"[i % 2], "captured_at": datetime(2024, 1, 1 + i)} for i in range(20)]
    m = split(table(tmp_path, rows), by="time")
    findings = check(m, now=NOW)
    cut = findings[findings["rule"] == "site_cut"]
    assert cut["severity"].tolist() == ["info", "info"]
    mixed = m.table.assign(split=m.table["split"].iloc[::-1].to_numpy())
    findings = check(m.replace(mixed), now=NOW)
    assert findings[findings["rule"] == "site_cut"]["severity"].tolist() == ["error", "error"]


def test_a_split_by_site_has_no_leak(tmp_path):
    rows = [
        {"path": f"{s}/{i}.avi", "site": f"s{s}", "sequence_id": f"{s}{i // 2}"} for s in range(9) for i in range(4)
    ]
    assert not {r for r in rules(split(table(tmp_path, rows))) if r.endswith("_cut")}
