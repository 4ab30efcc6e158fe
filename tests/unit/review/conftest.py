"""Results of a made-up season beside their footage, and the desk over them."""

import pytest
from PIL import Image

from leopardnet.core.manifest import Manifest
from leopardnet.review.review_desk import ReviewDesk
from leopardnet.review.review_source import open_review
from reviewed_season import make_predictions


@pytest.fixture
def season(tmp_path):
    """A function that writes clips as results beside their footage; returns the folder of the results."""

    def write(clips, **options):
        footage = tmp_path / "footage"
        for clip in clips:
            file = footage / clip.path
            file.parent.mkdir(parents=True, exist_ok=True)
            if clip.path.endswith(".jpg"):
                Image.new("RGB", (32, 24), (90, 120, 60)).save(file)
            else:
                file.write_bytes(b"0123456789" * 100)
        made = make_predictions(clips, **options)
        folder = made.write(tmp_path / "results")
        columns = ["clip_id", "path", "kind", "site", "captured_at"]
        Manifest.from_rows(made.table[columns], footage).write(tmp_path / "manifest.parquet")
        return folder

    return write


@pytest.fixture
def open_desk(tmp_path):
    """A function that opens results with the manifest beside them; every desk is closed at the end."""
    opened = []

    def make(source, *, desk=None, **options):
        options = {"manifest": tmp_path / "manifest.parquet"} | options
        opened.append(ReviewDesk(open_review(source, **options), **(desk or {})))
        return opened[-1]

    yield make
    for each in opened:
        each.close()
