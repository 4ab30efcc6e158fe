"""Damaged JPEGs say what is missing, whole ones stay whole whatever follows them, and nothing is printed."""

import io

import numpy as np
import pytest
from PIL import Image

from leopardnet.core.errors import MediaError
from leopardnet.core.types import Clip
from leopardnet.media.decode import decode

END = b"\xff\xd9"


def picture(seed=0, noise=12, **options):
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:240, :320]
    pixels = np.stack([60 + y / 2, 40 + x / 3, 200 - y / 2], -1) + rng.normal(0, noise, (240, 320, 3))
    file = io.BytesIO()
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file, "JPEG", quality=85, **options)
    return file.getvalue()


def look(root, data, short_side_px=120):
    (root / "a.jpg").write_bytes(data)
    return decode(Clip("a", ("a.jpg",), "still"), root, times_s=np.zeros(1), short_side_px=short_side_px)


WHOLE = picture()
N = len(WHOLE)
HALF = WHOLE[: N // 2]


@pytest.mark.parametrize(
    "data",
    [
        WHOLE,
        WHOLE + bytes(4096),
        WHOLE + b"\xff" * 99,
        WHOLE + picture(3)[999:],
        WHOLE[:-2] + bytes(300) + END,
        WHOLE[:-2],
        WHOLE[:-2] + bytes(300),
    ],
    ids=["plain", "zeros behind", "ff behind", "another file behind", "filled", "no end marker", "zeros for it"],
)
def test_a_whole_picture_stays_whole(tmp_path, data):
    frames = look(tmp_path, data)
    assert frames.warnings == () and (frames.pixels == look(tmp_path, WHOLE).pixels).all()


@pytest.mark.parametrize(
    "data",
    [HALF, HALF + END, HALF + bytes(N // 2), HALF + b"\xff" * (N // 2), HALF + bytes(N // 2) + END],
    ids=["cut", "early end", "zeros", "ff", "zeros and an end"],
)
def test_a_picture_without_its_end_says_how_much_is_missing(tmp_path, capfd, data):
    frames = look(tmp_path, data)
    grey = (frames.pixels[0] == 128).all(axis=(1, 2)).mean()
    assert 0.3 < grey < 0.6 and len(frames.warnings) == 1
    share = int(frames.warnings[0].split("its lower ")[1].split("%")[0])
    assert frames.warnings[0].startswith("the picture is cut short") and abs(share / 100 - grey) < 0.03
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "data",
    [
        HALF + picture(7, noise=40)[N // 2 :],
        HALF + picture(7, progressive=True)[N // 3 :],
        WHOLE[: N // 3] + WHOLE[N // 3 + 512 :],
        WHOLE[: N // 3] + bytes(512) + WHOLE[N // 3 + 512 :],
        WHOLE[: N // 3] + np.random.default_rng(0).bytes(N - N // 3 - 2) + END,
    ],
    ids=["another tail", "progressive tail", "a sector lost", "a sector empty", "noise"],
)
def test_a_picture_that_is_wrong_in_its_middle_is_partial(tmp_path, capfd, data):
    frames = look(tmp_path, data)
    assert len(frames) == 1 and len(frames.warnings) == 1 and frames.warnings[0].startswith("the picture is ")
    assert capfd.readouterr() == ("", "")


def test_a_sector_of_zeros_is_damage_wherever_it_is(tmp_path):
    start = WHOLE.index(b"\xff\xda") + 14
    for at in range(start, N - 600, 700):
        assert look(tmp_path, WHOLE[:at] + bytes(512) + WHOLE[at + 512 :]).warnings


def test_a_black_picture_is_whole(tmp_path):
    for optimize in (False, True):
        Image.new("RGB", (1280, 960)).save(tmp_path / "b.jpg", optimize=optimize)
        assert look(tmp_path, (tmp_path / "b.jpg").read_bytes()).warnings == ()


def test_a_cut_progressive_picture_is_partial(tmp_path):
    data = picture(progressive=True)
    for cut in (0.4, 0.7, 0.95):
        assert "cut short" in look(tmp_path, data[: int(cut * len(data))]).warnings[0]
        assert "cut short" in look(tmp_path, data[: int(cut * len(data))] + END).warnings[0]


def test_a_header_alone_is_no_picture(tmp_path, capfd):
    start = WHOLE.index(b"\xff\xda")
    head = WHOLE[: start + 14]
    for data in (head, head + END, WHOLE[:start], head + bytes(9000), head + bytes(9000) + END):
        with pytest.raises(MediaError):
            look(tmp_path, data)
    assert capfd.readouterr() == ("", "")


def test_an_odd_header_is_no_damage_and_hides_none(tmp_path):
    revision, parameters = bytearray(WHOLE), bytearray(WHOLE)
    revision[WHOLE.index(b"JFIF") + 5] = 3
    parameters[WHOLE.index(b"\xff\xda") + 11] = 1
    for odd in (revision, parameters):
        frames = look(tmp_path, bytes(odd))
        assert frames.warnings == () and (frames.pixels == look(tmp_path, WHOLE).pixels).all()
        assert "cut short" in look(tmp_path, bytes(odd[: N // 2]) + END).warnings[0]


@pytest.mark.parametrize("short_side_px", [None, 240, 150, 60, 31])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_pixels_are_those_of_pillow(tmp_path, mode, short_side_px):
    image = Image.open(io.BytesIO(WHOLE)).convert(mode).crop((0, 0, 317, 239))
    image.save(tmp_path / "b.jpg", quality=80)
    seen = look(tmp_path, (tmp_path / "b.jpg").read_bytes(), short_side_px).pixels[0]
    with Image.open(tmp_path / "b.jpg") as plain:
        if short_side_px is not None and short_side_px < 239:
            size = (round(317 * short_side_px / 239), short_side_px)
            plain.draft(None, size)
            expected = plain.convert("RGB").resize(size, Image.Resampling.BOX)
        else:
            expected = plain.convert("RGB")
        assert seen.shape == np.asarray(expected).shape and (seen == np.asarray(expected)).all()


def test_a_picture_in_cmyk_is_left_to_pillow(tmp_path):
    Image.new("CMYK", (64, 48), (0, 0, 0, 90)).save(tmp_path / "c.jpg")
    frames = look(tmp_path, (tmp_path / "c.jpg").read_bytes())
    assert frames.pixels.shape == (1, 48, 64, 3) and frames.warnings == ()
