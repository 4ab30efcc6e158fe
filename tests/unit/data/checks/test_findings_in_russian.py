"""Findings of a check as a Russian reader sees them: whole sentences, with names, ids and options as they are."""

import re

import pandas as pd
import pytest

from leopardnet.core.language import translate_message, use_language
from leopardnet.data.checks.check import check
from manifests_to_check import NOW, save, scene, table, with_copies

# Names of files, columns, parts and units; options begin with hyphens.
KEPT = (
    r"--[\w-]+|\b[\w-]+/[\w.-]+|\w+\.(?:jpg|JPG|png)|'[^']*'|\b\w+_\w+\b|\b(?:train|val|test|px|tiger)\b"
    r"|\b(?:JPEG|PNG|TIFF|BMP|WEBP|AVIF|JSON|xyxy)\b|\b[xy][12]\b|\b\d+ x \d+\b|\b[0-9a-f]{2}\b"
)


def copies(root):
    return table(root, with_copies(root))


def copies_in_two_parts(root):
    parts, sites = ("train", "val", "test", "val"), ("b", "b", "c", "d")
    rows = zip(with_copies(root), parts, sites, strict=True)
    return table(root, [row | {"split": part, "site": site, "sequence_id": "q"} for row, part, site in rows])


def copies_of_no_site(root):
    return table(root, [row | {"site": None, "label": x} for row, x in zip(with_copies(root), "abab", strict=True)])


def two_sizes(root):
    save(root, "a/IMG_1.JPG", scene(1, size=(640, 480)))
    save(root, "t/IMG_1.JPG", scene(1))
    return table(root, [{"path": p, "site": "s1"} for p in ("a/IMG_1.JPG", "t/IMG_1.JPG")])


def broken_files(root):
    (root / "a").mkdir()
    (root / "a/0.jpg").touch()
    (root / "a/1.jpg").write_bytes(b"no picture at all" * 20)
    save(root, "a/2.jpg", scene(2))
    return table(root, [{"path": f"a/{i}.jpg", "site": "a"} for i in range(4)])


def wrong_clocks(root):
    days = ("2024-05-03", "2024-05-04", "2024-05-01", "2009-01-01", "2031-01-01")
    rows = [
        {"path": f"a/IMG_{i}.JPG", "site": "a", "captured_at": pd.Timestamp(f"{d} 10:30")}
        for i, d in enumerate(days)
    ]
    return table(root, rows)


def wrong_boxes(root):
    boxes = ("[{}]", '[{"xyxy": [5, 5, 5, 9]}]', '[{"xyxy": [0, 0, 900, 90]}]')
    rows = [{"path": f"a/{i}.png", "site": "a", "boxes": b, "box_unit": "px"} for i, b in enumerate(boxes)]
    for row in rows:
        save(root, row["path"], scene(3))
    return table(root, [row | {"width_px": 160, "height_px": 120} for row in rows])


@pytest.mark.parametrize(
    ("make", "n_rules"),
    [
        (copies, 2),
        (copies_in_two_parts, 3),
        (copies_of_no_site, 3),
        (two_sizes, 1),
        (broken_files, 3),
        (wrong_clocks, 3),
        (wrong_boxes, 2),
    ],
)
def test_no_english_is_left_in_a_finding(tmp_path, make, n_rules):
    findings = check(make(tmp_path), now=NOW)
    assert findings["rule"].nunique() >= n_rules
    with use_language("ru"):
        said = [translate_message(message) for message in findings["message"]]
    left = {text: re.findall(r"[A-Za-z]{2,}", re.sub(KEPT, "", text)) for text in said}
    assert {text: words for text, words in left.items() if words} == {}
    assert not [text for text in said if re.search(r"\d\.\d", re.sub(KEPT, "", text))]
