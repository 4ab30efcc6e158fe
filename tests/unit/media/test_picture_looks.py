"""What a picture looks like, whatever it shows."""

import numpy as np
import pytest

from leopardnet.media.picture_looks import measure_pictures


def test_the_numbers_of_a_picture_worked_out_by_hand():
    """Left half black, right half red of 200, whose grey value is 0.299 · 200 = 60."""
    picture = np.zeros((1, 3, 8, 8), np.uint8)
    picture[0, 0, :, 4:] = 200
    (found,) = measure_pictures(picture)
    # the Laplacian is 60 in the two columns beside the edge, -60 in one of them, and 0 elsewhere
    assert found.tolist() == pytest.approx([30, 30, 100, np.log2(60 * 2 / 8 + 0.01)])


def test_infrared_light_has_no_colour_and_noise_is_sharp(rng):
    grey = np.repeat(rng.integers(90, 110, (1, 1, 32, 32), np.uint8), 3, axis=1)
    flat = np.full_like(grey, 100)
    noisy, even = measure_pictures(np.concatenate([grey, flat]))
    assert noisy[2] == even[2] == 0 and noisy[3] > even[3] + 8 and noisy[1] > even[1] == 0


def test_no_picture_gives_no_row():
    assert measure_pictures(np.zeros((0, 3, 8, 8), np.uint8)).shape == (0, 4)
