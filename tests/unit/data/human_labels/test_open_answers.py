"""Which answers of people refute what a model suspects."""

import pytest

from leopardnet.data.human_labels.open_answers import leaves_open

LABELS = ("leopard", "deer", "empty")


@pytest.mark.parametrize("cell", ["", "unknown", "animal", "unsure", "other", "big_cat", "Cat", "animal + deer"])
def test_it_may_still_be_any_animal(cell):
    assert leaves_open(cell, LABELS)


@pytest.mark.parametrize("cell", ["deer", "empty", "boar", "deer + human"])
def test_it_is_something_else(cell):
    assert not leaves_open(cell, LABELS)


def test_a_label_of_the_model_is_none_of_its_other_labels():
    assert not leaves_open("other", (*LABELS, "other")) and not leaves_open("cat", (*LABELS, "cat"))
    assert leaves_open("animal", (*LABELS, "animal")), "a leopard is an animal"
