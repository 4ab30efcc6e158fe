"""A thumbnail holds a picture and nothing that the camera wrote beside it."""

import io

import numpy as np
from PIL import Image

from leopardnet.core.types import Clip
from leopardnet.media.thumbnail import make_thumbnail


def test_no_exif_no_place_and_no_makers_note_is_left(tmp_path, rng):
    exif = Image.Exif()
    exif[0x010F], exif[0x0131] = "SECRETMAKER", "SECRETSOFTWARE"
    exif.get_ifd(0x8769)[0x927C] = b"SECRETNOTE"
    exif.get_ifd(0x8825).update({1: "N", 2: (43.0, 7.0, 0.0)})
    picture = Image.fromarray(rng.integers(0, 256, (240, 320, 3), np.uint8))
    picture.save(tmp_path / "1.jpg", exif=exif, comment=b"SECRETCOMMENT")
    assert b"SECRETMAKER" in (tmp_path / "1.jpg").read_bytes()
    data = make_thumbnail(Clip("a", ("1.jpg",), "still"), tmp_path, short_side_px=180)
    assert data is not None and not [w for w in (b"SECRET", b"Exif", b"http://") if w in data]
    small = Image.open(io.BytesIO(data))
    assert not small.getexif() and small.size == (240, 180) and "comment" not in small.info
