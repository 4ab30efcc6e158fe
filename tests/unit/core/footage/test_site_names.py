import pytest

from leopardnet.core.footage.site_names import normalise_site


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Site 01", "site1"),
        ("KAM_07", "Kam-7"),
        ("Übergang", "U\u0308BERGANG"),
        ("Ｃａｍｐ２", "camp 2"),
        ("0", "00"),
    ],
)
def test_names_of_one_place(one, other):
    assert normalise_site(one) == normalise_site(other)


@pytest.mark.parametrize(
    ("one", "other"), [("2-1", "21"), ("site1", "site10"), ("कि", "का"), ("?", "!"), ("a", "b")]
)
def test_names_of_two_places(one, other):
    assert normalise_site(one) != normalise_site(other)
