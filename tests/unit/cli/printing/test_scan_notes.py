"""What `scan` prints about a folder, and about files that are no clips or count as two."""

from PIL import Image

from folders_of_footage import put
from leopardnet.cli.printing.scan_notes import footage_notes, scan_counts
from leopardnet.data.scan.scan import scan_report


def test_what_is_left_out_is_named_by_what_can_be_done_with_it(tmp_path):
    put(tmp_path, "1.JPG", "1.MOV", "1.THM", "1.LRV", "2.LRV", "card.img", "FOUND.000/FILE0000.CHK", "._1.JPG")
    put(tmp_path, "empty.mp4", content=b"")
    empty, pairs, packed, other, system = footage_notes(scan_report(tmp_path))
    assert empty == "empty files, of 0 bytes (1): empty.mp4"
    assert pairs.startswith(
        "videos beside a picture of the same name, as in a Live Photo (1); "
    ) and pairs.endswith("moment: 1.MOV")
    assert "chkdsk" in packed and packed.endswith(": .chk 1, .img 1")
    assert other == "left out, because it is not footage: .lrv 2, .thm 1"
    assert system == "hidden or system files and folders, left out: 1"


def test_an_ordinary_card_needs_no_words(tmp_path):
    assert footage_notes(scan_report(put(tmp_path, "DCIM/100RECNX/RCNX0001.JPG"))) == []


def test_deployments_of_two_sites_with_one_name_are_two(tmp_path):
    for folder in ("a/d1", "b/d1", "b/d2"):
        (tmp_path / folder).mkdir(parents=True)
        Image.new("RGB", (32, 32)).save(tmp_path / folder / "x.jpg")
    counts = scan_counts(scan_report(tmp_path, pattern="{site}/{deployment}/*"))
    assert (counts["files"], counts["sites"], counts["deployments"]) == (3, 2, 3)
