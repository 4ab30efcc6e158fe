"""The order of a hunt: lookalikes first, then what the labels teach; one in ten at random; nothing left out."""

import pytest

from leopardnet.core.tables import clip_id
from leopardnet.hunt.hunt_order import Hunt

SPOTTED, TIGER = 289, 292  # snow leopard and tiger in ImageNet


def hunt_order(store, labels, *, target, audit=()):
    return Hunt(store, targets=[target]).order(labels, audit=audit)


def names(order, paths):
    known = {clip_id(path): path for path in paths}
    return [known[place.clip_id] for place in order]


@pytest.fixture
def card(write_store):
    """One clip that ImageNet takes for a snow leopard, one for a tiger, and others of two kinds."""
    clips = {
        "spotted.jpg": ([[3.0, 0.0, 0.0]], {SPOTTED: 9.0}),
        "striped.jpg": ([[0.0, 3.0, 0.0]], {TIGER: 9.0}),
        **{f"deer{i}.jpg": ([[0.0, 0.0, 3.0 + i / 10]], {}) for i in range(4)},
        **{f"hidden{i}.jpg": ([[3.0, 0.0, 0.2]], {}) for i in range(2)},
    }
    return write_store(clips), list(clips)


def test_without_labels_the_lookalike_comes_first_and_every_clip_has_a_place(card):
    store, paths = card
    order = hunt_order(store, {}, target="leopard")
    assert names(order, paths)[0] == "spotted.jpg" and sorted(names(order, paths)) == sorted(paths)
    assert order[0].reason == "looks like: spotted cat"
    assert names(hunt_order(store, {}, target="tiger"), paths)[0] == "striped.jpg"


def test_after_labels_what_looks_like_the_found_ones_comes_first(card):
    store, paths = card
    labels = {clip_id("spotted.jpg"): "leopard", clip_id("deer0.jpg"): "deer", clip_id("striped.jpg"): "tiger"}
    order = hunt_order(store, labels, target="leopard")
    assert set(names(order, paths)[:2]) == {"hidden0.jpg", "hidden1.jpg"} and len(order) == len(paths) - 3
    assert order[0].reason == "like the clips of leopard that you found"


@pytest.mark.parametrize("said", ["unknown", "", "empty"])
def test_labels_that_teach_nothing_of_the_target_leave_the_lookalikes(card, said):
    store, paths = card
    order = hunt_order(store, {clip_id("deer0.jpg"): said}, target="leopard")
    assert names(order, paths)[0] == "spotted.jpg" and "deer0.jpg" not in names(order, paths)


def test_a_clip_of_two_animals_shows_both(card):
    store, paths = card
    labels = {clip_id("hidden0.jpg"): "deer + leopard", clip_id("deer0.jpg"): "deer"}
    order = names(hunt_order(store, labels, target="leopard"), paths)
    assert set(order[:2]) == {"spotted.jpg", "hidden1.jpg"}


def test_a_target_without_a_class_begins_with_the_centres_of_clusters(card):
    store, paths = card
    order = hunt_order(store, {}, target="sika_deer")
    assert sorted(names(order, paths)) == sorted(paths) and order[0].reason == "not looked at yet"


def test_two_targets_take_turns(card):
    store, paths = card
    order = names(Hunt(store, targets=["leopard", "tiger"]).order({}), paths)
    assert order[:2] == ["spotted.jpg", "striped.jpg"] and sorted(order) == sorted(paths)


def test_a_clip_is_as_good_as_its_best_frame(write_store):
    store = write_store(
        {
            "short_visit.mp4": ([[0.0, 3.0]] * 4 + [[3.0, 0.0]], {}),
            "nothing.mp4": ([[0.0, 3.0]] * 5, {}),
            "found.jpg": ([[3.0, 0.0]], {}),
            "empty.jpg": ([[0.0, 3.0]], {}),
        }
    )
    labels = {clip_id("found.jpg"): "lynx", clip_id("empty.jpg"): "empty"}
    order = hunt_order(store, labels, target="lynx")
    assert [place.clip_id for place in order] == [clip_id("short_visit.mp4"), clip_id("nothing.mp4")]


def test_every_tenth_place_is_one_of_the_random_sample_and_each_stands_once(forest):
    store, _, said = forest
    ids = said["clip_id"].tolist()
    sample = ids[::7]
    order = hunt_order(store, {sample[0]: "deer"}, target="leopard", audit=sample)
    shown = [place.clip_id for place in order]
    assert len(shown) == len(set(shown)) == len(ids) - 1 and sample[0] not in shown
    assert [i for i, c in enumerate(shown) if c in sample][:5] == [8, 18, 28, 38, 48]
    assert [c for c in shown if c in sample] == sample[1:], "in their order"
    assert order[8].reason == "one of ten, at random"


def test_results_of_another_program_move_clips_but_leave_none_out(card):
    store, paths = card
    results = {"leopard": {clip_id("deer3.jpg"): 0.9, **{clip_id(f"deer{i}.jpg"): 0.0 for i in range(3)}}}
    plain = names(Hunt(store, targets=["leopard"]).order({}), paths)
    moved = names(Hunt(store, targets=["leopard"], results=results).order({}), paths)
    assert sorted(moved) == sorted(plain) and moved[:2] == ["spotted.jpg", "deer3.jpg"]
    of_deer = {"sika_deer": results["leopard"]}
    order = Hunt(store, targets=["sika_deer"], results=of_deer).order({})
    assert names(order, paths)[0] == "deer3.jpg" and order[0].reason == "another program suspects sika_deer"


def test_features_of_other_footage_are_left_aside(card):
    store, paths = card
    few = [clip_id(path) for path in paths[:3]]
    assert {place.clip_id for place in Hunt(store, targets=["leopard"], clip_ids=few).order({})} == set(few)


def test_no_clips_and_no_target(card, write_store):
    assert hunt_order(write_store({}), {}, target="leopard") == []
    store, paths = card
    assert sorted(names(Hunt(store, targets=[]).order({}), paths)) == sorted(paths)
