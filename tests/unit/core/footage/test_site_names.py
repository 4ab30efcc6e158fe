import pandas as pd
import pytest

from leopardnet.core.footage.site_names import has_other_site, normalise_site


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Site 01", "site1"),
        ("KAM_07", "Kam-7"),
        ("Übergang", "U\u0308BERGANG"),
        ("Ｃａｍｐ２", "camp 2"),
        ("0", "00"),
        ("7", "7.0"),
        ("n.01", "N1"),
        ("A-1", "A1"),
        ("Nord -", "nord\u2212"),
    ],
)
def test_names_of_one_place(one, other):
    assert normalise_site(one) == normalise_site(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2-1", "21"),
        ("site1", "site10"),
        ("कि", "का"),
        ("?", "!"),
        ("a", "b"),
        ("51.002,3.1", "51.2,3.1"),
        ("43.05_131.02", "43.5_131.2"),
        ("E10 N-5", "E10 N5"),
        ("Nord+", "Nord-"),
        ("51.2 -3.1", "51.2 3.1"),
        ("km+5", "km-5"),
        ("-5", "5"),
        ("Nord-", "Nord"),
        ("70", "7.0"),
        ("7.5", "7"),
    ],
)
def test_names_of_two_places(one, other):
    assert normalise_site(one) != normalise_site(other)


def test_a_clip_has_another_site_where_the_manifest_alone_names_one_or_names_another():
    rows = pd.DataFrame({"clip_id": list("abcdee"), "kind": ["frame"] + ["video"] * 5})
    rows = rows.assign(site=["Site 1", "x", "y", None, None, "z"])
    table = pd.DataFrame({"clip_id": list("fedcba"), "site": ["q", None, "w", "y", "other", "site-01"]})
    assert has_other_site(table, rows).tolist() == [False, True, False, False, True, False]
    assert has_other_site(table[["clip_id"]], rows).tolist() == [False, True, False, True, True, True]
    assert has_other_site(table[:0], rows[:0]).tolist() == []
