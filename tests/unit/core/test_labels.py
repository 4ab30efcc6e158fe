import pytest

from leopardnet.core.errors import ConfigError
from leopardnet.core.labels import Label, LabelSet, split_labels

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


def test_independent_labels_are_another_label_set_and_the_ids_of_others_stay():
    multi = LabelSet(AMUR.labels, targets=("leopard",), multi=True)
    assert multi.id != AMUR.id and LabelSet.from_dict(multi.to_dict()) == multi
    assert "multi" not in AMUR.to_dict() and AMUR.id == "863576d3fe4d"


def test_cells_of_several_labels_are_read_and_numbered():
    multi = LabelSet(AMUR.labels, multi=True)
    cells = ["tiger + leopard", "empty", None, "leopard + boar"]
    assert multi.presence(cells).tolist() == [
        [True, True, False],
        [False, False, True],
        [False] * 3,
        [True, False, False],
    ]
    assert multi.presence([]).shape == (0, 3)
    assert multi.number(["empty", "leopard + tiger", "leopard", "leopard + tiger"]) == [2, 3, 0, 3]
    with pytest.raises(ConfigError, match="the label set has no such label"):
        AMUR.number(["leopard + tiger"])
    assert split_labels("leopard + leopard") == ("leopard",) and split_labels(float("nan")) == ()
