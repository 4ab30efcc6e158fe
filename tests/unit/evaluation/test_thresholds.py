"""Thresholds from labelled clips of one's own, and the bundle that is made with them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from leopardnet.bundle.bundle import load_bundle
from leopardnet.bundle.derive import derive_bundle
from leopardnet.bundle.promises import describe_promise, read_promises
from leopardnet.core.errors import BundleError, ConfigError, ManifestError
from leopardnet.core.labels import Label, LabelSet
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import DecideConfig
from leopardnet.evaluation.thresholds import find_thresholds
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.score.calibrate import Calibration, apply_calibration
from leopardnet.score.decide import decide, find_alerts
from leopardnet.score.presence_shift import PresenceShift
from simulated_clips import LABELS, simulate_clips

CATS = LabelSet((Label("leopard"), Label("tiger"), Label("empty")), targets=("leopard", "tiger"))


def thresholds(predictions, manifest, losses, *, outside=(), **options):
    clips = LabelledClips.of(predictions, manifest, outside=outside).leave_out_training_sites()
    return find_thresholds(clips, losses, **options)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return simulate_clips(tmp_path_factory.mktemp("root"), n_sites=60, per_site=40)


def test_a_promise_becomes_a_threshold_that_keeps_it(many):
    predictions, manifest = many
    found = thresholds(predictions, manifest, {"leopard": 0.05})
    (p,) = found.promises
    assert found.is_kept and p.n_sites == 60
    table, truth = predictions.table, predictions.table["clip_id"].map(manifest.clip_labels())
    missed = (truth == "leopard") & (table["p_leopard"] < p.threshold)
    support = p.at(found.level)
    assert missed.sum() <= support.n_missed and support.miss_at_most <= 0.05
    assert found.level == p.level == "any_sites"
    assert found.decide.alerts == pytest.approx({"leopard": p.threshold}, rel=2e-6)
    assert found.decide.empty == DecideConfig().empty
    assert found.unseen.value == pytest.approx((table["p_leopard"] < p.threshold).mean())
    assert found.unseen.low < found.unseen.value < found.unseen.high
    assert "may be archived unseen" in repr(found) and json.loads(json.dumps(found.to_dict()))["is_kept"]


def test_decisions_under_the_new_settings_lose_no_more_than_was_promised(many):
    predictions, manifest = many
    found = thresholds(predictions, manifest, {"animal": 0.05}, level="like_sites")
    (p,) = found.promises
    probs = predictions.table[["p_leopard", "p_tiger", "p_sika_deer", "p_empty"]].to_numpy(np.float32)
    empty = np.array([decide(row, LABELS, found.decide).label == "empty" for row in probs])
    truth = predictions.table["clip_id"].map(manifest.clip_labels())
    n_missed = p.at(p.level).n_missed
    assert n_missed > 0 and (empty & (truth != "empty").to_numpy()).sum() <= n_missed
    assert (empty & (truth == "empty").to_numpy()).sum() > 0


def test_names_can_be_asked_for_without_a_promise(many):
    """Deer are made strangers to the model: the manifest calls them boars."""
    predictions, manifest = many
    boars = Manifest.from_rows(
        manifest.table.assign(label=manifest.table["label"].replace("sika_deer", "boar")), manifest.root
    )
    with pytest.raises(ManifestError, match="that the model does not know"):
        thresholds(predictions, boars, {}, keep_names=0.9)
    found = thresholds(predictions, boars, {}, keep_names=0.9, outside=["boar"])
    assert found.promises == () and found.unseen is None and found.is_kept and 0.5 < found.decide.among < 1
    assert found.decide == DecideConfig(among=found.naming.among)
    counts = found.naming.counts
    assert list(counts.index) == ["leopard", "tiger", "boar"] and counts["is_stranger"].tolist() == [
        False,
        False,
        True,
    ]
    assert (counts["after"][:2] >= 0.9 * counts["before"][:2]).all() and counts["after"]["boar"] <= counts[
        "before"
    ]["boar"]
    assert "strangers named" in repr(found) and "archived" not in repr(found)
    assert json.loads(json.dumps(found.to_dict()))["naming"]["keep"] == 0.9
    with pytest.raises(ConfigError, match="nothing to guarantee"):
        thresholds(predictions, manifest, {})


def test_with_a_promise_a_model_that_only_ranked_decides(many):
    ranked = DecideConfig(decides=False)
    assert thresholds(*many, {"leopard": 0.05}, decide=ranked).decide.decides
    assert not thresholds(*many, {}, keep_names=0.9, decide=ranked).decide.decides, "no promise"


def test_several_promises_hold_together(many):
    both = thresholds(*many, {"leopard": 0.05, "animal": 0.1})
    alone = thresholds(*many, {"leopard": 0.05})
    assert both.is_kept and both.unseen.value <= alone.unseen.value


def test_what_cannot_be_promised_leaves_the_settings_and_says_what_is_missing(tmp_path):
    few = thresholds(*simulate_clips(tmp_path, n_sites=4, per_site=20), {"leopard": 0.01})
    assert not few.is_kept and few.decide == DecideConfig() and few.unseen is None
    assert few.unseen_at == {} and few.level is None and few.kept_promises == []
    said = repr(few)
    assert "needs 299 sites with leopard clips, you have 4" in said and said.count(": no clip") == 2


def test_the_answer_says_what_may_be_archived_at_each_level_and_which_is_used(many):
    found = thresholds(*many, {"leopard": 0.1})
    assert list(found.unseen_at) == ["any_sites", "like_sites"] and found.unseen == found.unseen_at["any_sites"]
    assert found.unseen_at["any_sites"].value < found.unseen_at["like_sites"].value, "the stronger one costs more"
    weaker = thresholds(*many, {"leopard": 0.1}, level="like_sites")
    assert weaker.level == "like_sites" and weaker.unseen == found.unseen_at["like_sites"]
    assert weaker.decide.alerts["leopard"] > found.decide.alerts["leopard"]
    assert "these thresholds are used" in repr(weaker).splitlines()[-1]
    plain = json.loads(json.dumps(weaker.to_dict()))
    assert plain["level"] == "like_sites" and plain["unseen_at"]["any_sites"]["value"] < plain["unseen"]["value"]


def test_a_level_that_cannot_be_reached_is_refused_though_a_weaker_one_could(tmp_path):
    clips = simulate_clips(tmp_path, n_sites=30, per_site=40)
    assert thresholds(*clips, {"leopard": 0.05}).level == "like_sites"
    refused = thresholds(*clips, {"leopard": 0.05}, level="any_sites")
    assert not refused.is_kept and refused.decide == DecideConfig() and refused.unseen is None
    assert list(refused.unseen_at) == ["like_sites"] and "needs 59 sites with leopard clips, you have 30" in str(
        refused
    )


def test_a_level_that_cannot_be_demonstrated_archives_nothing_of_its_own():
    """14 sites of two leopards: enough for a mean over sites of 0.2, too few for the share of all clips."""
    probs = np.concatenate([np.tile([0.6, 0.0, 0.4], (28, 1)), np.tile([0.01, 0.0, 0.99], (28, 1))])
    clips = LabelledClips.from_arrays(CATS.names, probs, np.repeat([0, 2], 28), np.tile(np.repeat(range(14), 2), 2))
    for level in (None, "like_sites"):
        found = find_thresholds(clips, {"leopard": 0.2}, level=level)
        assert found.promises[0].at("like_sites").threshold is None and found.level == "any_sites"
        assert list(found.unseen_at) == ["any_sites"] and found.unseen.value == 0.5
        assert found.to_dict()["unseen_at"]["like_sites"] is None
        *_, first, second = repr(found).splitlines()
        assert first.startswith("  holds whatever sites do: 0.500") and first.endswith("these thresholds are used")
        assert second == (
            "  holds if no site is unlike those labelled: cannot be demonstrated, so the line above is what counts"
        )


def test_a_leopard_behind_a_likelier_tiger_is_alerted_beside_it():
    """100 sites of one leopard of 0.30, the threshold of which is 0.02; in ten a tiger of 0.60 is likelier."""
    both, others = np.array([0.30, 0.60, 0.10]), np.array([0.02, 0.08, 0.90])
    probs = np.concatenate([np.tile(both, (10, 1)), np.tile(others, (90, 1)), np.tile([0.01, 0.0, 0.99], (100, 1))])
    probs = probs.astype(np.float32).astype(np.float64)
    clips = LabelledClips.from_arrays(CATS.names, probs, np.repeat([0, 2], 100), np.arange(200))
    found = find_thresholds(clips, {"leopard": 0.05})
    assert found.is_kept and found.decide.alerts == pytest.approx({"leopard": 0.02}, rel=2e-6)
    assert found.promises[0].at("any_sites").n_missed == 0 and found.unseen.value == 0.5
    row = probs[0].astype(np.float32)
    assert decide(row, CATS, found.decide).label == "tiger"
    assert find_alerts(row, CATS, found.decide) == ("tiger", "leopard")


@given(
    arrays(np.float64, (80, 3), elements=st.floats(-90, 12, width=32)),
    st.sampled_from([("leopard",), ("leopard", "tiger"), ("animal",), ("animal", "leopard")]),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_every_clip_that_counts_as_kept_is_named_or_alerted_in_its_row(logits, promised, multi):
    """Saturated tables included: in float32 a probability is 1 from 17 nats on."""
    probs = apply_calibration(logits, Calibration(1.0), multi=multi)
    y = np.arange(80) % 2
    clips = LabelledClips.from_arrays(CATS.names, probs.astype(np.float64), y, np.arange(80))
    cats = replace(CATS, multi=multi)
    if multi:
        presence = np.eye(3, dtype=bool)[y]
        clips = replace(clips, presence=presence, named=np.zeros_like(presence))
    found = find_thresholds(clips, dict.fromkeys(promised, 0.2))
    for p in found.promises:
        if p.threshold is None:
            continue
        for row, score in zip(probs, clips.score(p.label), strict=True):
            if score >= p.threshold and p.label == "animal":
                assert decide(row, cats, found.decide).label != "empty"
            elif score >= p.threshold:
                assert p.label in find_alerts(row, cats, found.decide)


def test_animals_whose_empty_probability_rounds_to_one_are_kept_by_what_is_left_of_their_own():
    """Of 400 animals ten have p_empty = 1 in float32, as empty clips do, whose animals have 1e-20 and not 1e-9."""
    p_animal = np.concatenate([np.full(10, 1e-9), np.linspace(0.2, 0.9, 390), np.full(400, 1e-20)])
    probs = np.stack([p_animal, 1 - p_animal], axis=1).astype(np.float32)
    assert (probs[:10, 1] == 1).all() and (probs[400:, 1] == 1).all()
    y, labels = np.repeat([0, 1], 400), LabelSet((Label("deer"), Label("empty")))
    clips = LabelledClips.from_arrays(labels.names, probs.astype(np.float64), y, np.arange(800) % 400)
    found = find_thresholds(clips, {"animal": 0.01})
    assert found.is_kept and found.promises[0].at(found.level).n_missed == 0
    assert found.decide.never_empty == pytest.approx(1e-9) and found.unseen.value == 0.5
    called = np.array([decide(row, labels, found.decide).label for row in probs])
    assert (called[:400] != "empty").all() and (called[400:] == "empty").all()


def test_an_animal_whose_probability_is_zero_is_kept_by_no_threshold():
    """Of 400 animals ten have a probability that float32 rounds to 0: "none missed" would be untrue."""
    p_animal = np.concatenate([np.zeros(10), np.linspace(0.2, 0.9, 390), np.zeros(400)])
    probs = np.stack([p_animal, 1 - p_animal], axis=1).astype(np.float32)
    labels = LabelSet((Label("deer"), Label("empty")))
    clips = LabelledClips.from_arrays(
        labels.names, probs.astype(np.float64), np.repeat([0, 1], 400), np.arange(800) % 400
    )
    refused = find_thresholds(clips, {"animal": 0.01})
    assert not refused.is_kept and refused.decide == DecideConfig() and refused.unseen is None
    given = find_thresholds(clips, {"animal": 0.1})
    n_lost = sum(decide(row, labels, given.decide).label == "empty" for row in probs[:400])
    assert n_lost == given.promises[0].at(given.level).n_missed >= 10


@pytest.mark.parametrize(
    ("losses", "found"), [({"lynx": 0.01}, "lynx"), ({}, "no label"), ({"empty": 0.1}, "empty")]
)
def test_promises_about_nothing_are_refused(many, losses, found):
    with pytest.raises(ConfigError) as caught:
        thresholds(*many, losses)
    assert caught.value.parts["found"] == found


def test_clips_of_sites_that_were_trained_on_have_no_part(many):
    predictions, manifest = many
    split = manifest.table["site"].lt("s030").map({True: "train", False: "test"})
    halved = manifest.replace(manifest.table.assign(split=split))
    clips = LabelledClips.of(predictions, halved).leave_out_training_sites()
    assert len(clips) == 1200 and len(clips.taught) == 1200 and min(clips.sites) == "s030"
    found = thresholds(predictions, halved, {"leopard": 0.05})
    assert found.promises[0].n_sites == 30 and found.to_dict()["n_left_out"] == 1200
    assert "1200 clips that it was trained on" in repr(found) and "1200 clips" in found.note, "also in the card"
    with pytest.raises(ManifestError, match="trained on"):
        thresholds(predictions, manifest.replace(manifest.table.assign(split="train")), {"leopard": 0.05})


def test_a_new_bundle_has_an_id_of_its_own_and_the_old_one_stays(many, tiny_bundle, tmp_path):
    decide_again = thresholds(*many, {"leopard": 0.05}).decide
    before = {p.name: p.read_bytes() for p in tiny_bundle.folder.iterdir()}
    new = derive_bundle(tiny_bundle, tmp_path / "mine", decide=decide_again, note="on 60 sites")
    assert new.id != tiny_bundle.id and load_bundle(tmp_path / "mine").spec.decide == decide_again
    assert new.spec.calibration == tiny_bundle.spec.calibration and new.labels == tiny_bundle.labels
    assert new.spec.provenance["judged_again"] == [{"from": tiny_bundle.id, "note": "on 60 sites", "promises": []}]
    card = (new.folder / "card.md").read_text()
    assert card.startswith("> **Derived bundle.**") and tiny_bundle.id in card and "on 60 sites" in card
    assert {p.name: p.read_bytes() for p in tiny_bundle.folder.iterdir()} == before
    assert (new.folder / "model.onnx").read_bytes() == before["model.onnx"]
    with pytest.raises(BundleError, match="exists already"):
        derive_bundle(tiny_bundle, tmp_path / "mine", decide=decide_again)
    with pytest.raises(ConfigError, match="only a target"):
        derive_bundle(tiny_bundle, tmp_path / "other", decide=DecideConfig(alerts={"sika_deer": 0.1}))
    assert not (tmp_path / "other").exists()


def test_predictions_of_two_models_set_no_threshold(many):
    predictions, manifest = many
    other = predictions.table["bundle_id"].where(predictions.table.index % 2 == 0, "cccccccccccc")
    with pytest.raises(ManifestError, match="several models"):
        thresholds(predictions.table.assign(bundle_id=other), manifest, {"leopard": 0.05})


def test_the_card_of_a_promised_bundle_says_one_thing(many, tiny_bundle, tmp_path):
    found = thresholds(*many, {"leopard": 0.05})
    new = derive_bundle(tiny_bundle, tmp_path / "a", decide=found.decide, promises=found.kept_promises)
    card, facts = (new.folder / "card.md").read_text("utf-8"), json.loads((new.folder / "card.json").read_text())
    assert "None. The thresholds were not set" in (tiny_bundle.folder / "card.md").read_text("utf-8")
    assert "None. The thresholds were not set" not in card and card.count("At most 0.05 of leopard clips") == 2
    assert card.count("## Promise") == 1 and f"alert for leopard {found.decide.alerts['leopard']:g}" in card
    assert "- Thresholds: " in card and "alerts {}" not in card
    assert facts["promises"] == found.kept_promises and facts["decide"] == found.decide.model_dump(mode="json")


def test_a_bundle_keeps_its_promise_until_its_thresholds_mean_something_else(many, tiny_bundle, tmp_path):
    found = thresholds(*many, {"leopard": 0.05}, level="like_sites")
    promised = derive_bundle(tiny_bundle, tmp_path / "a", decide=found.decide, promises=found.kept_promises)
    assert read_promises(tiny_bundle.spec) == [] and read_promises(promised.spec) == found.kept_promises
    (said,) = map(describe_promise, read_promises(promised.spec))
    n = found.promises[0].n_positives
    assert f"holds if no site is unlike those labelled ({n} clips from 60 sites)" in said
    assert "**Promise.** At most 0.05 of leopard clips missed" in (promised.folder / "card.md").read_text("utf-8")
    names = found.decide.model_copy(update={"among": 0.8})
    named = derive_bundle(promised, tmp_path / "b", decide=names)
    assert read_promises(named.spec) == found.kept_promises, "which animals are named changes no loss"
    by_length = replace(promised.spec.calibration, shift=PresenceShift(0.5, -0.2, (1, 16)))
    assert read_promises(derive_bundle(promised, tmp_path / "d", calibration=by_length).spec) == []
    cooler = derive_bundle(promised, tmp_path / "c", calibration=Calibration(0.5, 100, 12, ""))
    assert read_promises(cooler.spec) == [] and cooler.spec.decide == tiny_bundle.spec.decide
    facts = json.loads((cooler.folder / "card.json").read_text("utf-8"))["judged_again"]
    assert facts["promises"] == [] and facts["dropped"] == cooler.spec.provenance["judged_again"][-1]["dropped"]
    (dropped,) = facts["dropped"]
    assert dropped.startswith("Dropped: at most 0.05 of leopard clips missed.") and "alert is at 0.1" in dropped
    assert dropped in (cooler.folder / "card.md").read_text("utf-8").split("\n\n")[0]


def test_a_new_temperature_drops_thresholds_that_were_promised_and_no_others(many, tiny_bundle, tmp_path):
    found = thresholds(*many, {"leopard": 0.05, "animal": 0.05}, level="like_sites", keep_names=0.9)
    own = found.decide.model_copy(update={"species": 0.6})
    promised = derive_bundle(tiny_bundle, tmp_path / "a", decide=own, promises=found.kept_promises)
    half = Calibration(0.5, 100, 12, "")
    cooler = derive_bundle(promised, tmp_path / "b", calibration=half)
    packed = tiny_bundle.spec.decide
    by_people = {"species": 0.6, "among": found.decide.among}
    assert cooler.spec.decide == packed.model_copy(update=by_people), "what no promise set stays"
    assert len(cooler.spec.provenance["judged_again"][-1]["dropped"]) == 2
    stale = derive_bundle(promised, tmp_path / "c", calibration=half, decide=promised.spec.decide)
    assert stale.spec.decide == cooler.spec.decide, "giving the thresholds of before does not renew them"
    leopard = [p for p in found.kept_promises if p["label"] == "leopard"]
    lower = own.model_copy(update={"alerts": {"leopard": 0.001}})
    renewed = derive_bundle(promised, tmp_path / "d", calibration=half, decide=lower, promises=leopard)
    assert read_promises(renewed.spec) == leopard and renewed.spec.decide.alerts == {"leopard": 0.001}
    assert renewed.spec.decide.empty == packed.empty and renewed.spec.decide.never_empty == packed.never_empty
    (dropped,) = renewed.spec.provenance["judged_again"][-1]["dropped"]
    assert "animal" in dropped and "`empty` is 0.8" in dropped
    more = own.model_copy(update={"alerts": {"leopard": 0.001}})
    stricter = derive_bundle(promised, tmp_path / "f", decide=more, promises=[{**leopard[0], "max_miss": 0.01}])
    assert [(p["label"], p["max_miss"]) for p in read_promises(stricter.spec)] == [
        ("leopard", 0.01),
        ("animal", 0.05),
    ]
    kept = derive_bundle(promised, tmp_path / "e", calibration=promised.spec.calibration)
    assert kept.spec.decide == promised.spec.decide and read_promises(kept.spec) == found.kept_promises
