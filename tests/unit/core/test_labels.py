import pytest

from leopardnet.core.errors import ConfigError
from leopardnet.core.labels import Label, LabelSet

AMUR = LabelSet((Label("leopard", "Panthera pardus"), Label("tiger"), Label("empty")), targets=("leopard",))


def test_order_and_meaning_make_the_id():
    assert LabelSet.from_dict(AMUR.to_dict()) == AMUR and LabelSet.from_dict(AMUR.to_dict()).id == AMUR.id
    assert (
        LabelSet((Label("tiger"), Label("leopard", "Panthera pardus"), Label("empty")), targets=("leopard",)).id
        != AMUR.id
    )
    assert LabelSet(AMUR.labels, targets=("tiger",)).id != AMUR.id


def test_an_unknown_label_is_named_with_the_choices():
    with pytest.raises(ConfigError) as error:
        AMUR.index("puma")
    assert "puma" in str(error.value) and "leopard, tiger, empty" in str(error.value)


@pytest.mark.parametrize(
    ("labels", "options", "text"),
    [
        ((Label("a"),), {"empty": None}, "at least two"),
        ((Label("a"), Label("a"), Label("empty")), {}, "is repeated"),
        ((Label("a"), Label("b")), {}, "labels.empty"),
        ((Label("a"), Label("b")), {"empty": "b", "targets": ("c",)}, "labels.targets"),
    ],
)
def test_a_label_set_that_cannot_be(labels, options, text):
    with pytest.raises(ConfigError, match=text):
        LabelSet(labels, **options)


def test_a_set_without_empty_has_no_empty_index():
    assert LabelSet((Label("a"), Label("b")), empty=None).i_empty is None and AMUR.i_empty == 2
