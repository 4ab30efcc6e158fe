"""Predictions joined with labels: what is joined, what is refused, and what becomes of the arrays."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.core.tables import clip_id
from leopardnet.metrics.labelled_clips import LabelledClips
from simulated_clips import simulate_clips

LABELS = ("leopard", "sika", "empty")
TRUTH = pd.Series({"a": "leopard", "b": "sika", "c": "boar", "e": "empty", "gone": "sika"})


@pytest.fixture
def predictions():
    p = np.array([[0.8, 0.1, 0.1], [0.5, 0.5, 0.0], [0.1, 0.2, 0.7], [0.2, 0.2, 0.6], [np.nan] * 3])
    table = pd.DataFrame({"clip_id": list("abcde"), "site": ["y", None, "x", "y", "x"]})
    table = table.assign(decision=["leopard", "unsure", "empty", "empty", "unreadable"])
    table = table.assign(rule=["species", "abstained", "empty", "empty", "none"], alert=[None, "sika", *[None] * 3])
    return table.assign(**{f"p_{x}": p[:, i] for i, x in enumerate(LABELS)})


@pytest.fixture
def clips(predictions):
    return LabelledClips.from_tables(predictions, TRUTH, outside=["boar"])


def test_every_prediction_is_one_row_with_its_true_class(clips):
    assert clips.y.tolist() == [0, 1, 3, -1, 2] and clips.truth.tolist() == [
        "leopard",
        "sika",
        "boar",
        None,
        "empty",
    ]
    assert clips.is_known.tolist() == [True, True, False, False, True]
    assert clips.is_outside.tolist() == [False, False, True, False, False]
    assert clips.n_without_prediction == 1 and len(clips) == 5
    assert clips.probs.dtype == np.float64 and clips.y.dtype == clips.site_codes.dtype == np.int64


def test_sites_are_coded_in_alphabetical_order_and_those_without_one_share_a_code(clips):
    assert clips.site_names == ("(no site)", "x", "y") and clips.site_codes.tolist() == [2, 0, 1, 2, 1]
    assert clips.sites.tolist() == ["y", None, "x", "y", "x"]


def test_spellings_of_a_site_are_one_site(predictions):
    spelt = predictions.assign(site=["Site 01", "site-1", "SITE1", "2", "02"])
    clips = LabelledClips.from_tables(spelt, TRUTH, outside=["boar"])
    assert clips.site_names == ("02", "SITE1") and clips.site_codes.tolist() == [1, 1, 1, 0, 0]
    named = LabelledClips.from_tables(
        predictions.assign(site=["no site", None, "x", "x", "x"]), TRUTH, outside=["boar"]
    )
    assert len(named.site_names) == 3 and named.sites[0] == "no site" and named.sites[1] is None


@pytest.mark.parametrize("cell", ["sika, leopard", "Sika", "lynx", "=sika", "sika + lynx"])
def test_an_alert_that_is_no_label_is_refused(predictions, cell):
    table = predictions.assign(alerts=[None, cell, None, None, None])
    with pytest.raises(ManifestError, match="an alert names a label"):
        LabelledClips.from_tables(table, TRUTH, outside=["boar"])


def test_the_likeliest_label_is_the_first_at_a_tie_and_none_of_an_unreadable_clip(clips):
    assert clips.likeliest.tolist() == [0, 0, 2, 2, 3] and clips.is_readable.tolist() == [True] * 4 + [False]


def test_animal_is_any_label_but_empty(clips):
    assert clips.shows("animal").tolist() == [True, True, True, False, False]
    assert clips.shows("boar").tolist() == [False, False, True, False, False]
    assert clips.score("animal")[:4].tolist() == pytest.approx([0.9, 1.0, 0.3, 0.4])
    assert clips.score("sika")[:4].tolist() == [0.1, 0.5, 0.2, 0.2] and clips.animals == ("leopard", "sika")


def test_other_probabilities_bring_the_likeliest_label_as_decision(clips):
    other = clips.replace_probs(clips.probs[::-1])
    assert other.decisions.tolist() == ["unreadable", "empty", "empty", "leopard", "leopard"]
    assert other.rules.tolist() == ["none", "empty", "empty", "species", "species"]
    assert not other.alerts.any() and other.y.tolist() == clips.y.tolist()
    assert clips.decisions[0] == "leopard" and clips.alerts[1].tolist() == [False, True, False], (
        "the clips themselves stay as they are"
    )


def test_a_selection_has_the_same_rows_in_every_array(clips):
    some = clips.select(clips.sites == "y")
    assert (
        some.clip_ids.tolist() == ["a", "d"] and some.y.tolist() == [0, -1] and some.site_codes.tolist() == [2, 2]
    )
    assert some.decisions.tolist() == ["leopard", "empty"] and len(some.probs) == len(some.rules) == 2


def test_arrays_alone_make_clips():
    clips = LabelledClips.from_arrays(
        ("tiger", "empty"), np.array([[0.9, 0.1], [0.2, 0.8]]), np.zeros(2, int), np.arange(2)
    )
    assert clips.decisions.tolist() == ["tiger", "empty"] and clips.draw_sites(n_boot=3, seed=0).n_sites == 2


def test_wrong_tables_are_refused_with_what_to_do(predictions):
    with pytest.raises(ManifestError, match="occurs twice") as twice:
        LabelledClips.from_tables(pd.concat([predictions, predictions[:1]]), TRUTH)
    assert twice.value.parts["found"] == "a" and "predictions" in twice.value.parts["where"]
    with pytest.raises(ManifestError, match="occurs twice"):
        LabelledClips.from_tables(predictions, pd.concat([TRUTH, TRUTH[:1]]))
    with pytest.raises(ManifestError, match="occurs twice"):
        LabelledClips.from_tables(
            predictions, TRUTH, sites=pd.Series(["x", "x"], index=["a", "a"]), outside=["boar"]
        )
    with pytest.raises(ManifestError, match="the model does not know") as unknown:
        LabelledClips.from_tables(predictions, TRUTH)
    assert "'boar' (1 clips)" in str(unknown.value) and "--label-map" in str(unknown.value)
    with pytest.raises(ManifestError, match="no clip has both") as none:
        LabelledClips.from_tables(predictions, pd.Series({"z": "sika"}))
    assert none.value.parts["found"] == "5 predictions, 1 labelled clips, none in common"
    with pytest.raises(ManifestError, match="holds no predictions"):
        LabelledClips.from_tables(pd.DataFrame({"clip_id": ["a"]}), TRUTH)
    with pytest.raises(ManifestError, match="the model knows this label"):
        LabelledClips.from_tables(predictions, TRUTH, outside=["boar", "sika"])


def test_a_manifest_of_another_card_is_refused(predictions, manifest_of):
    table = predictions.assign(clip_id=[clip_id(f"IMAG000{i}.AVI") for i in range(5)])
    rows = {"path": [f"IMAG000{i}.AVI" for i in range(5)], "kind": "video", "label": "leopard"}
    assert len(LabelledClips.of(table, manifest_of(**rows, site=["y", "x", "x", "y", None]))) == 5
    with pytest.raises(ManifestError, match=r"site x in predictions, site y in manifest; 1 of 5"):
        LabelledClips.of(table, manifest_of(**rows, site=["y", "x", "y", "y", None]))


@pytest.mark.parametrize("part", ["in_training", "split"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_copy_of_a_taught_clip_judges_nothing_whatever_the_order_of_rows(tmp_path, part, is_first):
    predictions, manifest = simulate_clips(tmp_path, n_sites=2, per_site=10)
    table, rows = (t.assign(site=None) for t in (predictions.table, manifest.table))
    copies, copied = (t[:5].assign(path="copy_" + t["path"][:5]) for t in (table, rows))
    copies, copied = (t.assign(clip_id=t["path"].map(clip_id)) for t in (copies, copied))
    if part == "in_training":
        table, copies = table.assign(in_training="no"), copies.assign(in_training="clip")
    else:
        rows, copied = rows.assign(split="test"), copied.assign(split="train")
    both = manifest.replace(pd.concat([rows, copied], ignore_index=True))
    tables = [copies, table] if is_first else [table, copies]
    clips = LabelledClips.of(pd.concat(tables, ignore_index=True), both).leave_out_training_sites()
    assert (len(clips), clips.n_copies, clips.taught.clip) == (15, 5, 5)
    assert set(clips.clip_ids) == set(table["clip_id"][5:])


@pytest.mark.parametrize(
    ("site", "n_judges", "is_known"), [(None, 20, False), ("elsewhere", 20, False), ("S 0", 20, True)]
)
def test_clips_whose_site_became_known_after_predict_do_not_judge_silently(tmp_path, site, n_judges, is_known):
    predictions, manifest = simulate_clips(tmp_path, n_sites=1, per_site=20)
    manifest = manifest.replace(manifest.table.assign(site="s00"))
    table = predictions.table.assign(site=site, in_training="no")
    clips = LabelledClips.of(table, manifest).leave_out_training_sites()
    assert len(clips) == n_judges and clips.taught.is_known is is_known
    assert ("give --bundle" in str(clips.taught)) is not is_known
    split = manifest.replace(manifest.table.assign(split=["train"] + ["test"] * 19, site=[*["a"] * 2, *["b"] * 18]))
    found = LabelledClips.of(table.assign(site=None), split).leave_out_training_sites().taught
    assert (found.clip, found.site, found.is_known) == (1, 1, True), "the split counts then"
