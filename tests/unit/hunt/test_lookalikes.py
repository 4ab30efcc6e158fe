import pytest
from timm.data import ImageNetInfo

from leopardnet.hunt.lookalikes import explain_target, load_lookalikes

CASES = [(target, i, name) for target, x in load_lookalikes().items() for i, name in x.classes.items()]


@pytest.mark.parametrize(("target", "i", "name"), CASES)
def test_a_number_in_the_list_is_the_class_that_it_names(target, i, name):
    described = ImageNetInfo().index_to_description(i, detailed=False).lower()
    assert name.lower() in described.split(", "), described


def test_there_is_no_claim_about_animals_without_a_class():
    assert "sika_deer" not in load_lookalikes() and "leopard" in load_lookalikes()


def test_a_slip_in_the_name_of_a_target_is_named_with_what_was_meant():
    assert explain_target("leopard") is None
    assert explain_target("leopad").endswith("; did you mean leopard?")
    assert "the middle of each group" in explain_target("sika_deer") and "mean" not in explain_target("sika_deer")
