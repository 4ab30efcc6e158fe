"""Random changes: decided by (seed, epoch, index) alone, independent of each other, and never past the animal."""

import numpy as np
import pytest

from leopardnet.compose import list_choices, load_group
from leopardnet.training.augment import camera_effects as effects
from leopardnet.training.augment.pipeline import Augmenter, choose_crop_window

OFF = load_group("augment", "none")
PIPELINES = {name: load_group("augment", name) for name in list_choices("augment")}


@pytest.fixture
def frame():
    """Soft colours on 72 x 72 pixels, with a bright square in the upper left quarter."""
    y, x = np.mgrid[0:72, 0:72]
    pixels = np.stack([90 + x, 60 + y, 120 - x // 2], axis=-1).astype(np.uint8)
    pixels[10:20, 10:20] = 250
    return pixels


def only(**changed):
    return OFF.model_copy(update=changed)


@pytest.mark.parametrize("name", PIPELINES)
def test_the_same_item_is_changed_the_same_way_whatever_came_before(frame, name):
    a, b = (Augmenter(PIPELINES[name], size_px=64, seed=3) for _ in range(2))
    first = [a(frame, epoch=2, index=i) for i in range(12)]
    again = [b.copy()(frame, epoch=2, index=i) for i in reversed(range(12))][::-1]
    assert all(np.array_equal(x, y) for x, y in zip(first, again, strict=True))
    assert all(x.shape == (64, 64, 3) and x.dtype == np.uint8 for x in first)


def test_seed_epoch_and_index_each_change_the_draw(frame):
    strong = PIPELINES["strong"]
    base = Augmenter(strong, size_px=64, seed=3)(frame, epoch=0, index=0)
    others = [(4, 0, 0), (3, 1, 0), (3, 0, 1)]
    assert not any(
        np.array_equal(base, Augmenter(strong, size_px=64, seed=s)(frame, epoch=e, index=i)) for s, e, i in others
    )


def test_no_augmentation_leaves_a_frame_of_the_right_size_as_it_is(frame):
    assert np.array_equal(Augmenter(OFF, size_px=72, seed=1)(frame, epoch=0, index=0), frame)


def test_a_frame_that_is_given_is_not_written_to(frame):
    before = frame.copy()
    augment = Augmenter(PIPELINES["strong"], size_px=72, seed=1)
    frame.flags.writeable = False  # as a file-backed array is
    for i in range(20):
        augment(frame, epoch=0, index=i)
    assert np.array_equal(frame, before)


def test_decisions_are_independent_of_each_other(frame):
    """Whether a frame is mirrored must say nothing of whether it loses its colours."""
    augment = Augmenter(only(flip_p=0.5, infrared_p=0.5), size_px=72, seed=5)
    mirrored, grey = [], []
    for i in range(400):
        changed = augment(frame, epoch=0, index=i).astype(int)
        grey.append(bool((changed[..., 0] == changed[..., 2]).all()))
        mirrored.append(changed[12:18, 52:62].mean() > changed[12:18, 10:20].mean())
    share = {
        (m, g): np.mean([(m, g) == pair for pair in zip(mirrored, grey, strict=True)])
        for m in (True, False)
        for g in (True, False)
    }
    assert all(0.17 < s < 0.33 for s in share.values()), share  # a quarter each; 0.25 +- 4 standard errors


@pytest.mark.parametrize(
    "step", ["exposure_p", "infrared_p", "blur_p", "noise_p", "jpeg_p", "occlusion_p", "banner_p", "flip_p"]
)
def test_every_step_changes_the_frame_when_it_is_certain_and_never_at_zero(frame, step):
    certain = Augmenter(only(**{step: 1.0}), size_px=72, seed=2)
    changed = [not np.array_equal(certain(frame, epoch=0, index=i), frame) for i in range(10)]
    assert all(changed)
    assert np.array_equal(Augmenter(only(**{step: 0.0}), size_px=72, seed=2)(frame, epoch=0, index=0), frame)


# --- crops ---


def test_a_crop_keeps_at_least_its_share_and_stays_inside():
    for i in range(300):
        x0, y0, x1, y1 = choose_crop_window(160, 90, np.random.default_rng(i), min_area=0.5)
        assert 0 <= x0 < x1 <= 160 and 0 <= y0 < y1 <= 90
        assert (x1 - x0) * (y1 - y0) >= 0.49 * 160 * 90  # rounding to whole pixels


@pytest.mark.parametrize(
    "box",
    [(2.4, 3.2, 20.0, 30.9), (140, 70, 160, 90), (0, 0, 160, 90), (70.2, 40.1, 71.0, 41.0), (-9, -9, 500, 40)],
)
def test_a_crop_keeps_the_whole_box(box):
    crops = {choose_crop_window(160, 90, np.random.default_rng(i), min_area=0.3, box=box) for i in range(200)}
    for x0, y0, x1, y1 in crops:
        assert x0 <= max(box[0], 0) and y0 <= max(box[1], 0) and x1 >= min(box[2], 160) and y1 >= min(box[3], 90)
    assert len(crops) == 1 or box != (0, 0, 160, 90)
    assert len(crops) > 50 or box in ((0, 0, 160, 90), (-9, -9, 500, 40))


def test_the_animal_in_its_box_is_in_every_augmented_frame(frame):
    augment = Augmenter(only(crop_min_area=0.1, flip_p=0.5), size_px=72, seed=1)
    seen = [augment(frame, epoch=0, index=i, box=(10, 10, 20, 20)).max() for i in range(100)]
    assert min(seen) > 200
    assert min(augment(frame, epoch=0, index=i).max() for i in range(100)) < 200, "without a box it can be lost"


def test_an_animal_that_one_occluder_could_hide_is_not_covered(frame):
    augment = Augmenter(only(occlusion_p=1.0), size_px=72, seed=1)
    assert np.array_equal(augment(frame, epoch=0, index=0, box=(10, 10, 20, 20)), frame)
    assert not np.array_equal(augment(frame, epoch=0, index=0, box=(0, 0, 60, 60)), frame)


# --- effects of cameras ---


def test_the_infrared_look_is_grey_and_neither_black_nor_white():
    for shade in (6, 40, 128, 250):
        for i in range(20):
            lit = effects.simulate_infrared(np.full((64, 64, 3), shade, np.uint8), np.random.default_rng(i))
            assert (lit[..., 0] == lit[..., 1]).all() and (lit[..., 1] == lit[..., 2]).all()
            assert lit.mean() < 220 and (shade == 6 or lit.mean() > 25)


def test_the_infrared_look_is_dark_in_the_distance():
    even = np.full((96, 96, 3), 120, np.uint8)
    above = [lit[:32].mean() < lit[-32:].mean() for lit in draw_infrared(even, 40)]
    assert sum(above) > 30, "wanted are -1.8 to 0.2 stops, so eight of nine are darker above, flash aside"


def test_the_infrared_look_loses_fine_detail_of_large_pictures_and_keeps_every_size():
    fine = np.zeros((8, 1280, 3), np.uint8)
    fine[:, ::2] = 200  # stripes of one pixel are grey at any width up to 600
    for lit in draw_infrared(fine, 20):
        assert np.abs(np.diff(lit[4, :, 0].astype(float))).mean() < 30, "200 in the picture"
    for shape in ((1, 1), (2, 1), (1, 9), (3, 700), (900, 3)):
        assert draw_infrared(np.full((*shape, 3), 90, np.uint8), 3)[2].shape == (*shape, 3)


def test_the_loss_by_distance_is_even_in_stops_and_never_a_gain():
    even = np.full((90, 4), 98.0, np.float32)  # 98 + 2: a stop is a factor of two but for the small sum
    loss = effects.compute_distance_loss(even, far_stops=-1.0)
    assert loss.shape == (90, 1) and loss[-1, 0] == 1.0 and loss[0, 0] == pytest.approx(2**-1.5)
    assert np.log2(loss[:30].mean() / loss[-30:].mean()) == pytest.approx(-1.0, abs=0.05)
    even[:30] = 23.0  # (23 + 2) / (98 + 2) are two stops
    assert (effects.compute_distance_loss(even, far_stops=-1.9) == 1.0).all()
    assert effects.compute_distance_loss(even, far_stops=-3.0)[0, 0] == pytest.approx(2**-1.5, rel=1e-4)


def draw_infrared(frame, n):
    return [effects.simulate_infrared(frame, np.random.default_rng(i)) for i in range(n)]


def test_the_flash_is_brightest_at_its_centre_and_falls_to_its_floor():
    lit = effects.compute_flash(50, 100, centre=np.array([0.25, 0.5]), reach=0.1, floor=0.3)
    assert np.unravel_index(lit.argmax(), lit.shape) in [(24, 24), (24, 25), (25, 24), (25, 25)]
    assert lit[0, -1] == pytest.approx(0.3, abs=1e-3) and lit.max() == pytest.approx(1.0, abs=0.02)


def test_a_banner_touches_one_edge_and_nothing_else():
    frame = np.full((100, 100, 3), 128, np.uint8)
    edges = set()
    for i in range(60):
        rows = np.flatnonzero((effects.draw_banner(frame, np.random.default_rng(i)) != 128).any(axis=(1, 2)))
        assert len(rows) and (rows.max() < 11 or rows.min() > 88), "at most a tenth of the height"
        edges.add(bool(rows.max() < 11))
    assert edges == {True, False}
