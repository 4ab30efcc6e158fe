import numpy as np
import pytest

from leopardnet.core.settings.inference import PreprocessSpec
from leopardnet.media.preprocess import LETTERBOX_GREY, cut_banner, decode_side_px, measure_pictures, to_model_input


def spec(**changes):
    return PreprocessSpec(**{"size_px": 32, "crop_bottom": 0.0, **changes})


def test_channels_come_first_and_colours_stay():
    frame = np.zeros((1, 40, 60, 3), np.uint8)
    frame[..., 0] = 200
    x = to_model_input(frame, spec())
    assert x.shape == (1, 3, 32, 32) and x.dtype == np.uint8
    assert x[0, 0].min() == 200 and x[0, 1:].max() == 0


def test_the_banner_is_cut_before_anything_else():
    frame = np.zeros((100, 50, 3), np.uint8)
    frame[:10], frame[94:] = 255, 255
    cut = cut_banner(frame, spec(crop_top=0.1, crop_bottom=0.06))
    assert cut.shape == (84, 50, 3) and cut.max() == 0
    assert to_model_input(frame[None], spec(crop_top=0.1, crop_bottom=0.06)).max() == 0
    assert to_model_input(frame[None], spec()).max() > 0


def test_squash_keeps_the_edges_of_the_frame():
    frame = np.zeros((1, 32, 320, 3), np.uint8)
    frame[:, :, :10] = 255  # an animal at the very edge
    assert (to_model_input(frame, spec())[0, :, :, 0] == 255).all()


def test_letterbox_pads_with_grey_and_keeps_the_aspect():
    x = to_model_input(np.full((1, 16, 64, 3), 255, np.uint8), spec(resize="letterbox"))[0]
    assert (
        (x[:, :12] == LETTERBOX_GREY).all() and (x[:, 12:20] == 255).all() and (x[:, 20:] == LETTERBOX_GREY).all()
    )


def test_shrinking_averages_instead_of_skipping():
    stripes = np.zeros((1, 64, 64, 3), np.uint8)
    stripes[:, :, ::2] = 200
    assert to_model_input(stripes, spec()).min() == to_model_input(stripes, spec()).max() == 100


def test_no_frames_give_no_input():
    assert to_model_input(np.zeros((0, 8, 8, 3), np.uint8), spec()).shape == (0, 3, 32, 32)


@pytest.mark.parametrize(("bottom", "side"), [(0.0, 256), (0.06, 273), (0.25, 342)])
def test_frames_are_decoded_large_enough(bottom, side):
    assert decode_side_px(PreprocessSpec(size_px=256, crop_bottom=bottom)) == side


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
