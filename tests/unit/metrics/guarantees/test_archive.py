"""May clips called empty be archived unseen: what is lost, with which bounds, what is saved, named and left."""

import json

import numpy as np
import pandas as pd
import pytest

from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.guarantees.archive import ArchivedLoss, bound_loss
from leopardnet.metrics.guarantees.loss_guarantee import find_loss_threshold
from leopardnet.metrics.labelled_clips import LabelledClips

LABELS = ("leopard", "deer", "empty")
#        truth      site  p of leopard, deer, empty   decision      rule         alert
ROWS = [
    ("leopard", "x", (0.8, 0.1, 0.1), "leopard", "species", "leopard"),
    ("leopard", "x", (0.1, 0.1, 0.8), "empty", "empty", None),  # lost
    ("leopard", "y", (0.3, 0.1, 0.6), "unsure", "abstained", "leopard"),
    ("boar", "y", (0.0, 0.1, 0.9), "empty", "empty", None),  # lost, too, though the model was not taught it
    ("boar", "y", (0.1, 0.8, 0.1), "deer", "species", None),
    ("empty", "y", (0.1, 0.0, 0.9), "empty", "empty", None),
    ("empty", "z", (0.0, 0.2, 0.8), "empty", "empty", None),
    ("empty", "z", (0.6, 0.0, 0.4), "leopard", "species", "leopard"),
    ("empty", "z", None, "unreadable", "none", None),
    (None, "z", (0.0, 0.1, 0.9), "empty", "empty", None),  # without a label
]


def clips_of(rows=ROWS):
    p = np.array([row[2] or [np.nan] * 3 for row in rows], float)
    table = pd.DataFrame({"clip_id": [str(i) for i in range(len(rows))], "site": [row[1] for row in rows]})
    table = table.assign(decision=[r[3] for r in rows], rule=[r[4] for r in rows], alert=[r[5] for r in rows])
    table = table.assign(**{f"p_{x}": p[:, i] for i, x in enumerate(LABELS)})
    return LabelledClips.from_tables(
        table, pd.Series([r[0] for r in rows], index=table["clip_id"]), outside=["boar"]
    )


@pytest.fixture(scope="module")
def found():
    clips = clips_of()
    return evaluate_clips(clips, targets=clips.animals, n_boot=50)


def test_every_labelled_clip_that_would_be_archived_is_counted(found):
    archive = found.archive
    assert [(x.label, x.n_lost, x.n_clips, x.n_sites) for x in archive.losses] == [
        ("leopard", 1, 3, 2),
        ("animal", 2, 5, 2),  # the boars are animals
    ]
    assert archive.absent == ("deer",) and archive.n_empty == 4 and archive.empties.value == 0.5
    # of the seven clips with a label of the model
    counts = (archive.n_clips, archive.n_archived, archive.n_named, archive.n_undecided, archive.n_unreadable)
    assert counts == (7, 3, 2, 1, 1)
    assert archive.n_names == 2 and archive.names_right.value == 0.5


def test_it_says_so_in_words_and_nothing_about_no_clips(found):
    assert [s.split(" (")[0] for s in found.archive.sentences] == [
        "Names of animals: 2 given, 1 of them right, 0.500",
        "Empty clips archived: 2 of 4, 0.500",
        "Left to look at: 4 of 7 clips",
        "The model's only labels for animals: leopard, deer; no clip here shows deer, so nothing is known there",
    ]
    assert "0 of 0" not in repr(found) and "deer called empty" not in repr(found)
    animals = clips_of([row for row in ROWS if row[0] == "leopard"])
    assert "Empty" not in " ".join(evaluate_clips(animals, targets=(), n_boot=0).archive.sentences)


def test_what_is_said_is_by_decisions_and_not_by_likelihood(found):
    names = found.names
    assert names["said"].tolist() == [2, 0, 3] and names["support"].tolist() == [3, 0, 4]
    assert names.loc["leopard", ["right", "found"]].tolist() == [0.5, pytest.approx(1 / 3)]
    assert names.loc["empty", ["right", "found"]].tolist() == [pytest.approx(2 / 3), 0.5]
    assert found.to_tables()["names"]["label"].tolist() == list(LABELS)


def test_metrics_json_begins_with_it(found):
    doc = json.loads(json.dumps(found.to_metrics_json(), allow_nan=False))
    assert next(iter(doc)) == "archive" and doc["archive"]["losses"][1]["n_lost"] == 2
    assert (
        set(doc["archive"]["losses"][0]["at_most"]) == {"any_sites", "like_sites"} == set(doc["archive"]["levels"])
    )


def test_no_loss_at_k_sites_bounds_as_the_theorem_says():
    """From K sites without a loss, (1 - x)^K <= 0.05: 39.3 % at 6 sites, 4.95 % at 59."""
    for n_sites, share in ((6, 0.3930), (59, 0.0495)):
        rows = [
            ("leopard", f"{i:03d}", (0.9, 0.05 + i / 1e4, 0.05), "leopard", "species", None) for i in range(n_sites)
        ]
        loss = bound_loss(clips_of([*rows, ROWS[4]]), "leopard")
        assert loss.at_most["any_sites"] == pytest.approx(share, abs=2e-4)
        assert loss.at_most["like_sites"] == pytest.approx(1 - 0.05 ** (1 / n_sites), abs=2e-4), "one clip per site"


def test_the_bounds_are_those_of_a_guarantee_that_loses_as_many():
    """Sites of eight; the lowest scores are called empty, as under the threshold that `thresholds` would choose."""
    rng = np.random.default_rng(5)
    p, sites = rng.random(320).round(6), np.repeat(np.arange(40), 8)
    guarantee = find_loss_threshold("leopard", p, np.ones(320, bool), sites, max_miss=0.2).at("like_sites")
    said = [("empty", "empty") if x < guarantee.threshold else ("leopard", "species") for x in p]
    rows = [("leopard", f"{s:02d}", (x, 0.0, 1 - x), *how, None) for x, s, how in zip(p, sites, said, strict=True)]
    loss = bound_loss(clips_of([*rows, ROWS[4]]), "leopard")
    assert loss.n_lost == guarantee.n_missed > 20
    assert loss.at_most["like_sites"] == pytest.approx(guarantee.miss_at_most, abs=0.01)


def test_nothing_and_one_site_bound_nothing():
    nothing = bound_loss(clips_of(), "deer")
    assert nothing.n_clips == 0 and set(nothing.at_most.values()) == {1.0}
    lonely = bound_loss(clips_of(ROWS[:2]), "leopard")
    assert lonely.bound("like_sites") == "not demonstrated"


def test_where_all_is_lost_the_bound_says_so():
    rows = [("leopard", f"{i % 5}", (0.1 + i / 100, 0.0, 0.9 - i / 100), "empty", "empty", None) for i in range(40)]
    loss = bound_loss(clips_of([*rows, ROWS[4]]), "leopard")
    assert loss.n_lost == 40 and loss.at_most == {"any_sites": 1.0, "like_sites": 1.0}


def test_bounds_are_percentages_that_can_be_read():
    loss = ArchivedLoss("deer", 1, 40, 31, 20, {"any_sites": 0.0994, "like_sites": 0.61})
    assert loss.bound("any_sites") == "9.9 %" and loss.bound("like_sites") == "not demonstrated"
    assert ArchivedLoss("deer", 0, 9, 9, 9, {"any_sites": 0.0996}).bound("any_sites") == "10 %"
    assert loss.counts == "1 of 40 clips in 31 events"


def test_the_two_bounds_are_of_different_shares_and_said_to_be():
    """A site of 18 clips, all lost, and 29 of one clip, none lost: 18 of 47 clips, but one site in 30."""
    lost = (0.1, 0.1, 0.8), "empty", "empty", None
    kept = (0.8, 0.1, 0.1), "leopard", "species", "leopard"
    rows = [("leopard", "a", *lost)] * 18 + [("leopard", f"b{i}", *kept) for i in range(29)]
    loss = bound_loss(clips_of(rows), "leopard")
    assert loss.at_most["any_sites"] < 18 / 47 < loss.at_most["like_sites"], "the smaller one bounds sites alone"
    said = str(loss)
    assert "(the share of all clips, holds if no site is unlike those labelled)" in said
    assert "(the mean over sites, holds whatever sites do)" in said
