"""A thumbnail holds a picture and nothing that the camera wrote beside it."""

import io

import numpy as np
import pytest
from PIL import Image

from leopardnet.core.errors import MediaError
from leopardnet.core.types import Clip
from leopardnet.media.thumbnail import brighten, make_pictures, make_thumbnail


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


def levels(pictures):
    """The mean grey value of each picture, rounded to that of a frame of `write_video`."""
    return {
        key: round(float(np.asarray(Image.open(io.BytesIO(data))).mean()) / 8) for key, data in pictures.items()
    }


def test_pictures_at_the_times_asked_for_in_any_order(write_video):
    path = write_video(n_frames=24, fps=10)
    found = make_pictures(
        Clip("a", (path.name,), "video"), path.parent, times_s=[2.04, 0.0, 1.0, 1.0, 99], width_px=320
    )
    assert levels(found) == {(0.0, False): 0, (1.0, False): 10, (2.04, False): 20, (99.0, False): 23}


def test_both_looks_come_from_one_reading(write_video):
    path = write_video(n_frames=4)
    clip = Clip("a", (path.name,), "video")
    found = levels(make_pictures(clip, path.parent, times_s=[0.1], width_px=320, looks=(False, True)))
    assert found[0.1, False] == 1 and found[0.1, True] > 5


@pytest.mark.parametrize(
    ("size", "width_px", "wanted"),
    [
        ((640, 480), 320, (320, 240)),
        ((640, 360), 320, (320, 180)),
        ((480, 640), 320, (240, 320)),
        ((64, 48), 320, (64, 48)),
    ],
)
def test_no_picture_is_wider_than_asked_for_and_none_is_enlarged(write_video, size, width_px, wanted):
    path = write_video(n_frames=1, size=size)
    (data,) = make_pictures(Clip("a", (path.name,), "video"), path.parent, times_s=[0], width_px=320).values()
    assert Image.open(io.BytesIO(data)).size == wanted


def test_a_clip_that_cannot_be_read_is_an_error_here_and_none_there(tmp_path):
    clip = Clip("a", ("gone\x00.mp4",), "video")
    with pytest.raises(MediaError, match="no path may have"):
        make_pictures(clip, tmp_path, times_s=[0.0], width_px=320)
    assert make_thumbnail(clip, tmp_path) is None


# --- the enhanced view: dark frames are lifted, bright ones nearly left alone ---


def scene(level, rng, size=(96, 128)):
    """A noisy ground of this level with a square twice as bright."""
    pixels = np.clip(rng.normal(level, max(level / 10, 0.5), (*size, 3)), 0, 255)
    pixels[30:60, 40:80] *= 2
    return np.clip(pixels, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("level", [4, 12, 40])
def test_a_dark_frame_becomes_visible_with_what_is_in_it(rng, level):
    dark = scene(level, rng)
    bright = brighten(dark)
    assert bright.shape == dark.shape and bright.dtype == np.uint8
    assert bright.mean() > 60 and bright.mean() > 1.5 * dark.mean()
    contrast = [float(x[35:55, 45:75].mean() - x[70:].mean()) for x in (dark, bright)]
    assert contrast[1] > contrast[0]


def test_a_bright_frame_stays_about_as_bright(rng):
    day = np.clip(rng.normal(150, 20, (96, 128, 3)), 0, 255).astype(np.uint8)
    assert brighten(day).mean() == pytest.approx(day.mean(), abs=25)


def test_grey_stays_grey_and_red_stays_red():
    grey = np.full((64, 64, 3), 20, np.uint8)
    lifted = brighten(grey)
    assert np.ptp(lifted.astype(int), axis=2).max() <= 2
    red = grey.copy()
    red[..., 0] = 40
    assert brighten(red)[..., 0].mean() > brighten(red)[..., 1].mean() + 10


@pytest.mark.parametrize("size", [(1, 1), (3, 500), (7, 5)])
@pytest.mark.parametrize("level", [0, 255])
def test_small_black_and_white_frames(size, level):
    assert brighten(np.full((*size, 3), level, np.uint8)).shape == (*size, 3)


def test_the_frame_given_is_not_changed(rng):
    dark = scene(10, rng)
    before = dark.copy()
    brighten(dark)
    assert (dark == before).all()
