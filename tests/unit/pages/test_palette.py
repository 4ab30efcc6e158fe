"""Colours and roles of labels."""

from leopardnet.pages.palette import decision_colours, label_styles

NAMES = ("leopard", "tiger", "sika_deer", "other_animal", "empty")


def test_every_label_has_its_own_colour_and_empty_is_grey():
    styles = label_styles(NAMES, {"labels": [], "empty": "empty", "targets": ["tiger"]})
    assert len({s.colour for s in styles}) == 5 and styles[4].colour == "var(--empty)"
    assert [s.is_target for s in styles] == [False, True, False, False, False]
    assert [s.is_empty for s in styles] == [False, False, False, False, True]
    assert label_styles(NAMES, ["a", "plain", "list"])[4].is_empty


def test_decisions_that_are_no_labels_have_colours_too():
    colours = decision_colours(label_styles(NAMES, None))
    assert set(colours) == {*NAMES, "animal", "unsure", "unreadable"}
