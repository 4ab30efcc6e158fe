"""Files that are not what their suffix says, and pictures that no reader here understands: each says what to do."""

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from leopardnet.core.errors import MediaError
from leopardnet.core.tables import clip_id
from leopardnet.core.types import Clip
from leopardnet.media.decode import decode, probe

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(400)


def clip(name, kind="still"):
    return Clip(clip_id(name), (name,), kind)


def see(root, name):
    frames = decode(clip(name), root, times_s=np.zeros(1))
    return frames.pixels[0], frames.warnings


def refusal(root, name, kind="still"):
    with pytest.raises(MediaError) as error:
        probe(clip(name, kind), root)
    return error.value.one_line


def grey(value, size=(40, 30)):
    return Image.new("RGB", size, (value, value, value))


@pytest.mark.parametrize("suffix", ["avif", "jfif", "mpo"])
def test_rarer_pictures_are_read(tmp_path, suffix):
    grey(120).save(tmp_path / f"a.{suffix}", "AVIF" if suffix == "avif" else "JPEG")
    pixels, warnings = see(tmp_path, f"a.{suffix}")
    assert pixels.shape == (30, 40, 3) and abs(int(pixels.mean()) - 120) <= 3 and not warnings


def test_a_panorama_is_a_picture_like_others(tmp_path):
    grey(90, (2000, 1000)).save(tmp_path / "a.jpg")
    assert decode(clip("a.jpg"), tmp_path, times_s=np.zeros(1), short_side_px=100).pixels.shape == (1, 100, 200, 3)


@pytest.mark.parametrize(
    ("name", "data", "found", "todo"),
    [
        ("a.heic", HEIC, "a HEIC picture", "convert it to JPEG"),
        ("a.jpg", HEIC, "a HEIC picture", "convert it to JPEG"),
        ("a.jpg", b"\0\0\0\x18ftypmp42" + bytes(400), "a video (MP4 or MOV)", "suffix of a video"),
        ("a.cr3", b"\0\0\0\x18ftypcrx " + bytes(400), "a raw picture", "use the JPEG"),
        ("a.jpg", bytes(5000), "zeros", "copy it from the card again"),
        ("a.jpg", b"PK\x03\x04" + bytes(400), "a zip archive", "unpack it"),
        ("a.jpg", b"what is this", "first bytes 77 68 61 74", "report the camera model"),
    ],
)
def test_what_is_no_picture_says_what_it_is(tmp_path, name, data, found, todo):
    (tmp_path / name).write_bytes(data)
    text = refusal(tmp_path, name)
    assert f"found: {found}" in text and todo in text and "expected: JPEG, PNG" in text


def test_what_is_no_video_says_what_it_is(tmp_path):
    grey(1).save(tmp_path / "a.avi", "JPEG")
    assert (
        "found: a JPEG picture" in (text := refusal(tmp_path, "a.avi", "video")) and "suffix of a picture" in text
    )
    (tmp_path / "b.h264").write_bytes(b"\0\0\0\1\x67" + bytes(300))
    assert "ffmpeg" in refusal(tmp_path, "b.h264", "video")


def test_the_preview_in_a_raw_picture_is_not_taken_for_it(tmp_path):
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[0xC612] = b"\1\4\0\0"
    grey(1, (16, 12)).save(tmp_path / "renamed.tif", "TIFF", tiffinfo=tags)
    grey(1, (16, 12)).save(tmp_path / "a.nef", "TIFF")
    assert "found: a raw picture" in refusal(tmp_path, "renamed.tif") and "raw" in refusal(tmp_path, "a.nef")


@pytest.mark.parametrize("name", ["a.tif", "a.webp", "a.png"])
def test_several_pictures_in_a_file_are_told(tmp_path, name):
    grey(40).save(tmp_path / name, save_all=True, append_images=[grey(120), grey(200)])
    pixels, (warning,) = see(tmp_path, name)
    assert abs(int(pixels.mean()) - 40) <= 1 and warning == "the file has 3 pictures; only the first was read"


def test_twelve_bits_and_heat_are_not_black(tmp_path):
    steps = np.tile(np.array([29500, 30000, 30500], np.uint16), (30, 10))
    Image.fromarray(steps).save(tmp_path / "heat.tif")
    pixels, (warning,) = see(tmp_path, "heat.tif")
    assert sorted(np.unique(pixels)) == [0, 128, 255] and "16-bit values between 29500 and 30500" in warning


def test_a_disk_that_fails_is_a_clear_error(tmp_path, monkeypatch):
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x18ftypmp42")

    def fail(*args, **kwargs):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("pathlib.Path.open", fail)
    assert "the file cannot be read; found: Input/output error" in refusal(tmp_path, "a.mp4", "video")
