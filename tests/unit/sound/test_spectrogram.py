import io

import numpy as np
import pytest
from PIL import Image

from leopardnet.sound.spectrogram import draw_spectrogram, make_spectrogram
from leopardnet.sound.track import Track
from made_sounds import add_at, make_noise, make_tone


@pytest.fixture(scope="module")
def track():
    tone = make_tone(16_000, from_hz=2000, to_hz=2000, length_s=0.5)
    return Track(add_at(make_noise(3.0, 16_000, level=0.001), tone, 1.0, 16_000), 16_000, start_s=0.5)


def test_the_loudest_point_has_the_pitch_and_the_time_of_the_tone(track):
    db, hz, s = make_spectrogram(track)
    assert db.shape == (len(hz), len(s)) and db.dtype == np.float32 and hz[-1] == 5000
    row, column = np.unravel_index(db.argmax(), db.shape)
    assert hz[row] == pytest.approx(2000, abs=32) and s[column] == pytest.approx(1.75, abs=0.25)
    assert s[0] == pytest.approx(0.516) and s[-1] <= 3.5


def test_a_part_has_the_times_of_the_clip_and_what_is_not_there_is_empty(track):
    _, _, s = make_spectrogram(track, 1.0, 2.0)
    assert s[0] >= 1.0 and s[-1] <= 2.0 and len(s) == 122
    assert make_spectrogram(track, 40.0, 41.0)[0].shape[1] == 0


def test_the_picture_has_the_tone_as_a_dark_line_at_its_height(track):
    picture = np.asarray(Image.open(io.BytesIO(draw_spectrogram(track, size_px=(300, 100)))))
    assert picture.shape == (100, 300)
    column = picture[:, 125].astype(int)  # 1.25 s after the sound begins
    assert 57 <= column.argmin() <= 62  # 2 of 5 kHz from below
    assert np.asarray(Image.open(io.BytesIO(draw_spectrogram(track, 40.0, 41.0)))).min() > 0
