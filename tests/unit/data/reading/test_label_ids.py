"""Ids of labels, made of the names that people use."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import is_label_id
from leopardnet.data.reading.label_ids import make_label_id, make_label_ids, make_label_map


@given(st.text(max_size=20))
def test_every_id_can_be_a_label_and_is_its_own(name):
    made = make_label_id(name)
    assert not made or is_label_id(made)
    assert make_label_id(made) == made


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Tiger", "tiger"),
        ("Capreolus pygargus", "capreolus_pygargus"),
        ("Canis lupus / familiaris", "canis_lupus_familiaris"),
        ("Дальневосточный лесной кот", "дальневосточный_лесной_кот"),
        ("东北虎", "东北虎"),
        ("Rødræv", "rødræv"),
        ("Größe", "grosse"),
    ],
)
def test_names_in_any_script(name, expected):
    assert make_label_id(name) == expected


def test_spellings_share_the_id_that_separates_words():
    made = make_label_ids(["RoeDeer", "roe deer", "ROE_DEER"], where="x")
    assert set(made.ids.values()) == {"roe_deer"}


@pytest.mark.parametrize("names", [["lynx", "lynx?"], ["cat/dog", "cat dog"]])
def test_names_that_differ_in_signs_are_refused(names):
    with pytest.raises(ManifestError) as error:
        make_label_ids(names, where="x.csv")
    assert all(repr(n) in str(error.value) for n in names) and "x.csv" in str(error.value)


def test_a_name_of_signs_only_is_refused():
    with pytest.raises(ManifestError, match="cannot be a label"):
        make_label_ids(["???"], where="x")


def test_folders_in_any_script_become_classes():
    names = make_label_map(["Пусто", "Кабан", "Wild boar"]).labels
    assert names == {"empty": ("Пусто",), "кабан": ("Кабан",), "wild_boar": ("Wild boar",)}
