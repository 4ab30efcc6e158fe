"""Stills and bursts: upright, at their own brightness, and as much of a truncated one as is there."""

import numpy as np
import pytest
from PIL import Image

from leopardnet.core.errors import MediaError
from leopardnet.core.tables import clip_id
from leopardnet.core.types import Clip
from leopardnet.media.decode import decode, probe


def clip(*names, kind="still"):
    return Clip(clip_id(names[0]), tuple(names), kind)


def frame_numbers(frames):
    return np.rint(frames.pixels.reshape(len(frames), -1).mean(axis=1) / 8).astype(int).tolist()


def save(path, grey, size=(40, 30), **options):
    Image.new("RGB", size, (grey, grey, grey)).save(path, **options)


def test_a_still_is_a_clip_of_one_frame(tmp_path):
    save(tmp_path / "a.JPG", 120)
    info = probe(clip("a.JPG"), tmp_path)
    assert (info.width_px, info.height_px, info.n_frames) == (40, 30, 1)
    frames = decode(clip("a.JPG"), tmp_path, times_s=np.array([0.5]), short_side_px=15)
    assert frames.pixels.shape == (1, 15, 20, 3) and frames.times_s.tolist() == [0.0]
    assert abs(int(frames.pixels.mean()) - 120) <= 2


def test_a_still_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera stood on its side
    save(tmp_path / "a.jpg", 90, exif=exif)
    assert probe(clip("a.jpg"), tmp_path).width_px == 30
    assert decode(clip("a.jpg"), tmp_path, times_s=np.zeros(1)).pixels.shape == (1, 40, 30, 3)


def test_a_burst_is_a_clip_of_n_stills_and_survives_a_bad_one(tmp_path):
    for i, grey in enumerate((0, 80, 160)):
        save(tmp_path / f"{i}.png", grey)
    burst = clip("0.png", "1.png", "2.png", kind="burst")
    frames = decode(burst, tmp_path, times_s=np.array([0.5, 1.5, 2.5]))
    assert frame_numbers(frames) == [0, 10, 20] and frames.times_s.tolist() == [0.0, 1.0, 2.0]
    (tmp_path / "1.png").write_bytes(b"no picture")
    frames = decode(burst, tmp_path, times_s=np.array([0.5, 1.5, 2.5]))
    assert frame_numbers(frames) == [0, 20] and "still 1" in frames.warnings[0]


def test_a_cut_jpeg_is_shown_as_far_as_it_goes(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.jpg", quality=90)
    whole = decode(clip("a.jpg"), tmp_path, times_s=np.zeros(1)).pixels[0]
    (tmp_path / "a.jpg").write_bytes((tmp_path / "a.jpg").read_bytes()[:30_000])
    frames = decode(clip("a.jpg"), tmp_path, times_s=np.zeros(1))
    assert "cut short" in frames.warnings[0] and frames.pixels.shape == (1, 200, 300, 3)
    assert np.abs(frames.pixels[0, :32].astype(int) - whole[:32]).max() <= 2


def test_threads_never_hide_a_cut_picture(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    noise = np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)
    for i in range(24):
        path = tmp_path / f"{i}.{'png' if i % 2 else 'jpg'}"
        Image.fromarray(noise).save(path)
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])

    def outcome(path):
        try:
            return decode(clip(path.name), tmp_path, times_s=np.zeros(1)).warnings != ()
        except MediaError:
            return True

    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(outcome, sorted(tmp_path.iterdir()) * 3))


def test_sixteen_bits_are_scaled_and_not_cut_off(tmp_path):
    Image.fromarray(np.full((20, 30), 20480, np.uint16)).save(tmp_path / "a.png")
    assert decode(clip("a.png"), tmp_path, times_s=np.zeros(1)).pixels.max() == 80
    Image.fromarray(np.ones((20, 30), np.float32)).save(tmp_path / "f.tiff")
    with pytest.raises(MediaError, match="mode F"):
        decode(clip("f.tiff"), tmp_path, times_s=np.zeros(1))


@pytest.mark.parametrize("data", [b"not a picture", b"\xff\xd8\xff\xe0" + b"\x00" * 50, b"\x89PNG\r\n\x1a\n"])
def test_a_broken_still_is_one_clear_error(tmp_path, data):
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(MediaError):
        decode(clip("a.jpg"), tmp_path, times_s=np.zeros(1))


def test_a_picture_of_nothing_but_the_filling_of_a_decoder_is_no_empty_picture(tmp_path):
    for name in ("a.jpg", "b.png"):
        save(tmp_path / name, 128)
        with pytest.raises(MediaError, match="the picture has no content"):
            decode(clip(name), tmp_path, times_s=np.zeros(1))
    for i, grey in enumerate((128, 60, 3, 255)):  # dark, white and other greys may be real
        save(tmp_path / f"{i}.png", grey)
    burst = clip("0.png", "1.png", "2.png", "3.png", kind="burst")
    frames = decode(burst, tmp_path, times_s=np.arange(4.0))
    assert (
        frames.times_s.tolist() == [1.0, 2.0, 3.0] and "still 0: the picture has no content" in frames.warnings[0]
    )


def test_a_smeared_still_is_read_and_is_not_ok(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (30, 40, 3), dtype=np.uint8)
    pixels[12:] = pixels[11]
    Image.fromarray(pixels).save(tmp_path / "a.png")
    frames = decode(clip("a.png"), tmp_path, times_s=np.zeros(1))
    assert len(frames) == 1 and frames.warnings[0].startswith("the picture is smeared")
