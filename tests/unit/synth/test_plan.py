from __future__ import annotations

from collections import Counter
from dataclasses import replace
from fractions import Fraction

import pytest

from leopardnet.core.errors import ConfigError
from leopardnet.synth import FootageSpec, plan_site

FEW = FootageSpec(n_sites=2, clips_per_site=4, stills_per_site=4)


def test_labels_differ_by_at_most_one_where_clips_cannot_be_shared_out():
    counts = Counter(plan.label for plan in plan_site(FootageSpec(clips_per_site=10, stills_per_site=0), 3))
    assert sorted(counts.values()) == [2, 2, 3, 3]


def test_nothing_but_the_animal_depends_on_the_label():
    spec = FootageSpec(clips_per_site=8, stills_per_site=8)
    other = replace(spec, labels=("empty", "tiger"))
    for mine, theirs in zip(plan_site(spec, 2), plan_site(other, 2), strict=True):
        assert replace(mine, label="", alarm_call=False) == replace(theirs, label="", alarm_call=False)


def test_stills_stay_the_same_when_clips_are_added():
    few, many = plan_site(FEW, 0), plan_site(replace(FEW, clips_per_site=8), 0)
    assert [p.captured_at for p in few[4:]] == [p.captured_at for p in many[8:]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_sites", 0),
        ("clips_per_site", -1),
        ("width_px", 101),
        ("height_px", 10),
        ("fps", 0.0),
        ("duration_s", (3.0, 2.0)),
        ("night_share", 1.2),
        ("labels", ("lion",)),
        ("labels", ()),
        ("width_fraction", (0.5, 0.1)),
    ],
)
def test_a_bad_spec_names_the_setting_and_what_was_found(name, value):
    with pytest.raises(ConfigError) as caught:
        FootageSpec(**{name: value})
    assert name in str(caught.value)
    assert str(value) in str(caught.value)
    assert "expected:" in str(caught.value)


def test_rate_of_the_spec_is_the_containers():
    assert FootageSpec(fps=29.97).rate == Fraction(2997, 100)
    assert FootageSpec(fps=12.5).rate == Fraction(25, 2)
