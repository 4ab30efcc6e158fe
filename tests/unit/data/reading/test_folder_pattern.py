"""Folders that cameras make, and patterns of the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leopardnet.core.errors import ConfigError
from leopardnet.data.reading.folder_pattern import FolderPattern, camera_folder


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("s/d/DCIM/100RECNX/a.jpg", "s/d"),
        ("s/dcim/101MEDIA/a.jpg", "s"),
        ("s/100EK113/a.avi", "s"),
        ("s/100_BTCF/a.jpg", "s"),
        ("s/100DSCIM/a.jpg", "s"),
        ("DCIM/100CANON/a.jpg", ""),
        ("s/100_WCAM/a.jpg", "s"),
        ("s/101SITEA/a.jpg", "s/101SITEA"),
        ("s/100GOPRO/GX010001.MP4", "s"),
        ("DCIM/100D6OPR/110408AA.TLV", ""),
        ("s/DCIMX/a.jpg", "s/DCIMX"),
        ("a.jpg", ""),
        ("s/100STLTH/101STLTH/a.jpg", "s"),
    ],
)
def test_card_folders_are_taken_out(path, folder):
    assert camera_folder(path) == folder


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("{site}/{deployment}/*", "n/d1/a.jpg", {"site": "n", "deployment": "d1"}),
        ("{site}/{deployment}/*", "n/d1/DCIM/100RECNX/a.jpg", {"site": "n", "deployment": "d1"}),
        ("{site}/{deployment}/*", "n/d1/more/a.jpg", {"site": "n", "deployment": "d1"}),
        ("{site}/{deployment}/*", "n/a.jpg", None),
        ("{site}_{deployment}/*", "ridge_a_2024/x.jpg", {"site": "ridge", "deployment": "a_2024"}),
        ("*/{site}/{ignore}/*", "2024/n/x/a.jpg", {"site": "n"}),
        ("{label}/{site}-{sequence}.*", "tiger/n-17.jpg", {"label": "tiger", "site": "n", "sequence": "17"}),
        ("{site}.x/*", "nyx/a.jpg", None),
        ("/{site}/*/", "n/a.jpg", {"site": "n"}),
    ],
)
def test_patterns(pattern, path, expected):
    assert FolderPattern.parse(pattern).match(path) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "{place}/*",
        "{site}/{site}/*",
        "*/*",
        "",
        "{site}{deployment}/*",
        "{site/*",
        "site}/{label}",
        "{site}/**.jpg",
    ],
)
def test_patterns_that_mean_nothing_are_refused(pattern):
    with pytest.raises(ConfigError, match="pattern"):
        FolderPattern.parse(pattern)


@given(st.text("abc_-. {}[](*+?^$|", min_size=1, max_size=12).filter(lambda s: "/" not in s and s.strip(".")))
def test_any_folder_name_comes_back_as_the_site(name):
    assert FolderPattern.parse("{site}/*").match(f"{name}/a.jpg") == {"site": name}
