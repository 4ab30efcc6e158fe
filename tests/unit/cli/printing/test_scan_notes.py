"""What `scan` prints about a folder."""

from PIL import Image

from leopardnet.cli.printing.scan_notes import scan_counts
from leopardnet.data.scan.scan import scan_report


def test_deployments_of_two_sites_with_one_name_are_two(tmp_path):
    for folder in ("a/d1", "b/d1", "b/d2"):
        (tmp_path / folder).mkdir(parents=True)
        Image.new("RGB", (32, 32)).save(tmp_path / folder / "x.jpg")
    counts = scan_counts(scan_report(tmp_path, pattern="{site}/{deployment}/*"))
    assert (counts["files"], counts["sites"], counts["deployments"]) == (3, 2, 3)
