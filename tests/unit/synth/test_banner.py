from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest

from leopardnet.synth.banner import banner_height, stamp_banner

MAKES = ("LTL ACORN", "BUSHNELL", "RECONYX HC", "BROWNING")  # all that sites can have
FULL_MOON, NEW_MOON = datetime(2021, 10, 20, 22, 47, 12), datetime(2021, 11, 5, 22, 47, 12)


def stamp(camera, at=FULL_MOON, t_s=0.0, size_px=(512, 288)):
    picture = np.full((size_px[1], size_px[0], 3), 90, np.uint8)
    stamp_banner(picture, camera, "site07", at, t_s, celsius=-14)
    return picture


@pytest.mark.parametrize("camera", MAKES)
@pytest.mark.parametrize("size_px", [(96, 64), (512, 288), (1280, 720)])
def test_a_banner_covers_its_rows_and_no_others(camera, size_px):
    picture, n_rows = stamp(camera, size_px=size_px), banner_height(size_px[1])
    assert (picture[:-n_rows] == 90).all()
    assert not (picture[-n_rows:] == 90).all(axis=(1, 2)).any()


@pytest.mark.parametrize("camera", MAKES)
def test_the_clock_of_a_banner_ticks_every_second(camera):
    assert (stamp(camera) == stamp(camera, t_s=0.9)).all()
    assert (stamp(camera) != stamp(camera, t_s=1.0)).any()


@pytest.mark.parametrize("camera", MAKES)
def test_each_make_has_a_banner_of_its_own(camera):
    assert all((stamp(camera) != stamp(other)).any() for other in MAKES if other != camera)


def test_the_disc_of_a_full_moon_is_filled_and_that_of_a_new_moon_is_not():
    # A circle of radius 5 in a strip of 17 rows at 46 % of the width; texts are elsewhere.
    full, new = (stamp("LTL ACORN", at)[-17:, 231:241].mean() for at in (FULL_MOON, NEW_MOON))
    assert full > 100 and full > 2 * new
