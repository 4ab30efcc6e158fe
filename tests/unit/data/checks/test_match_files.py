"""Labels of one card and the files of another, noticed before a long run."""

from datetime import datetime, timedelta

import pytest

from files_with_times import jpeg
from leopardnet.core.errors import ManifestError
from leopardnet.data.checks.match_files import has_any_file, refuse_other_files
from manifests_to_check import table

DAYS = (1, 4, 5, 11, 12, 20)


@pytest.fixture
def card(tmp_path):
    """The root, and a function that makes a table of labels for its six pictures with these times."""
    for i, day in enumerate(DAYS):
        jpeg(tmp_path / f"IMAG000{i}.JPG", original=f"2024:05:{day:02d} 10:00:00")

    def label(times, **more):
        rows = [
            {"path": f"IMAG000{i}.JPG", "captured_at": t, "time_source": "table"} | more
            for i, t in enumerate(times)
        ]
        return table(tmp_path, rows).table

    return tmp_path, label


def test_labels_of_another_card_are_refused(card):
    root, label = card
    other = [datetime(2023, 2, d) for d in (1, 2, 3, 17, 19, 28)]
    with pytest.raises(ManifestError, match="the manifest and the files name the same files"):
        refuse_other_files(label(other), root)
    refuse_other_files(label(other[:4]), root)  # too few to be sure
    refuse_other_files(label(other, time_source="exif"), root)  # the scan has read them from the files


def test_rough_times_and_corrected_clocks_are_not(card):
    root, label = card
    right = [datetime(2024, 5, d, 10) for d in DAYS]
    refuse_other_files(label([t + timedelta(hours=i) for i, t in enumerate(right)]), root)
    refuse_other_files(label([t + timedelta(days=900) for t in right]), root)
    refuse_other_files(
        label([*right[:4], datetime(2020, 1, 1), datetime(2021, 1, 1)]), root
    )  # two slips of the pen
    for file in root.iterdir():
        file.unlink()
    refuse_other_files(label(right), root)


def test_whether_any_file_is_there(card, tmp_path):
    root, label = card
    rows = label([None] * 6)
    assert has_any_file(rows, root) and has_any_file(rows.assign(path=["gone.jpg"] * 5 + ["IMAG0003.JPG"]), root)
    assert not has_any_file(rows, root / "elsewhere") and not has_any_file(rows.assign(path="a\0b"), root)
    assert has_any_file(rows.iloc[:0], root), "no clip lacks its file"
