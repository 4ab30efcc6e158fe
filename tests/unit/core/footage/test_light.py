"""The one rule for infrared: of a picture, and of a clip by most of its frames."""

import pandas as pd

from leopardnet.core.footage.light import MOST_INFRARED, find_clip_lights, name_light


def test_pictures_with_hardly_any_colour_are_infrared_and_the_limit_is_colour():
    found = name_light(pd.Series([0.0, MOST_INFRARED - 0.01, MOST_INFRARED, 40.0, None]))
    assert found.tolist() == ["infrared", "infrared", "colour", "colour", None]


def test_a_clip_is_what_most_of_its_frames_are_and_frames_of_unknown_light_do_not_count():
    rows = [("a", 20.0), ("a", 0.1), ("a", 0.2), ("b", None), ("b", 30.0), ("c", None)]
    assert find_clip_lights(pd.DataFrame(rows, columns=["clip_id", "colour"])).to_dict() == {
        "a": "infrared",
        "b": "colour",
    }


def test_frames_without_looks_say_nothing():
    assert find_clip_lights(pd.DataFrame({"clip_id": ["a"]})).empty
    assert find_clip_lights(pd.DataFrame(columns=["clip_id", "colour"])).empty
