"""An augmentation of the user's own, by an importable name."""

import numpy as np
import pytest

from leopardnet.compose import load_config
from leopardnet.core.errors import ConfigError
from leopardnet.training.augment.pipeline import Augmenter, load_own_transform

MODULE = """
import albumentations as A

def invert():
    return A.InvertImg(p=1.0)

def shrink():
    return A.Resize(32, 32)

def sometimes():
    return A.Compose([A.InvertImg(p=0.5)])

def no_transform():
    return lambda image: {"image": image}

def broken():
    raise ZeroDivisionError("one by nothing")
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    (tmp_path / "my_changes.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    return "my_changes"


def augment_with(name, seed=1):
    config = load_config("train", ["augment=none", f"augment.own={name}"]).augment
    return Augmenter(config, size_px=64, seed=seed)


def test_it_is_applied_to_every_frame_and_repeats_with_the_seed(own_module):
    frame = np.full((64, 64, 3), 40, np.uint8)
    assert (augment_with(f"{own_module}:invert")(frame, epoch=0, index=0) == 215).all()
    first, again = (
        [augment_with(f"{own_module}:sometimes")(frame, epoch=0, index=i)[0, 0, 0] for i in range(40)] for _ in "ab"
    )
    assert first == again and 8 <= first.count(215) <= 32, "half of the frames, the same ones each time"


def test_without_one_nothing_is_imported():
    assert load_config("train").augment.own == ""


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("my_changes:shrink", "a transform that gives uint8 32 32 3"),
        ("my_changes:no_transform", "function"),
        ("my_changes:broken", "ZeroDivisionError: one by nothing"),
        ("my_changes:gone", "has no attribute 'gone'"),
        ("no_such_module:make", "No module named 'no_such_module'"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_name(own_module, name, found):
    with pytest.raises(ConfigError, match="cannot be used") as caught:
        load_own_transform(name)
    assert found in str(caught.value) and f"augment.own={name}" in str(caught.value)


@pytest.mark.parametrize("name", ["os.system", "make", "../x:make", "a:b:c"])
def test_only_a_name_of_a_function_in_a_module_is_a_setting(name):
    with pytest.raises(ConfigError, match=r"augment\.own|cannot be composed"):
        load_config("train", [f"augment.own='{name}'"])
