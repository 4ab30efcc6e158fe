"""What is advised where the paths of a detector's file fit no clip."""

import pytest

from leopardnet.data.formats.megadetector.match_paths import find_prefixes


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (["s1/DCIM/x.jpg"], ("", "s1/DCIM/", 1, 0, "s1/DCIM/x.jpg")),
        (["s1/DCIM/x.jpg", "s2/DCIM/x.jpg"], None),  # either card: no advice is better than the wrong one
        (["s1/DCIM/y.jpg"], None),
        ([], None),
    ],
)
def test_a_folder_is_advised_only_where_it_is_the_only_one(files, found):
    assert find_prefixes(["x.jpg"], files) == found
