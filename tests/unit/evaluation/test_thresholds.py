"""Thresholds from labelled clips of one's own, and the bundle that is made with them."""

import json
from dataclasses import replace

import numpy as np
import pytest

from leopardnet.bundle.bundle import load_bundle
from leopardnet.bundle.derive import derive_bundle
from leopardnet.bundle.promises import describe_promise, read_promises
from leopardnet.core.errors import BundleError, ConfigError, ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import DecideConfig
from leopardnet.evaluation.thresholds import find_thresholds
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.score.calibrate import Calibration
from leopardnet.score.decide import decide, reaches
from leopardnet.score.presence_shift import PresenceShift
from simulated_clips import LABELS, simulate_clips


def thresholds(predictions, manifest, losses, *, outside=(), **options):
    clips = LabelledClips.of(predictions, manifest, outside=outside).leave_out_training_sites(manifest)
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
    assert found.level == p.level == "like_sites"
    assert found.decide.alerts == {"leopard": p.threshold} and found.decide.empty == DecideConfig().empty
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
    assert "these are the thresholds" in repr(weaker).splitlines()[-1]
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


def test_a_leopard_behind_the_alert_of_another_target_counts_as_lost():
    """100 sites of one leopard of 0.3; in ten a tiger of 0.6 is likelier, so the row would alert and name that."""
    probs = np.tile([0.3, 0.1, 0.6], (200, 1))
    probs[:10] = [0.3, 0.6, 0.1]
    probs[100:] = [0.01, 0.01, 0.98]
    y = np.repeat([0, 2], 100)
    clips = LabelledClips.from_arrays(("leopard", "tiger", "empty"), probs, y, np.arange(200))
    alone = find_thresholds(clips, {"leopard": 0.05})
    assert alone.is_kept and alone.decide.alerts == {"leopard": 0.3}, "nobody alerts tigers"
    alerts = np.where(probs[:, 1] > 0.5, "tiger", None)
    refused = find_thresholds(replace(clips, alerts=alerts), {"leopard": 0.05})
    assert not refused.is_kept and "that the row shows as another target" in repr(refused)
    laxer = find_thresholds(replace(clips, alerts=alerts), {"leopard": 0.2})
    assert laxer.is_kept and laxer.promises[0].at("like_sites").n_missed == 10


def test_an_empty_clip_that_is_sure_beyond_float32_is_not_archived_on_its_word():
    """Of 400 animals ten have p_empty = 1 in float32: "none missed at empty = 1.0" would archive and lose them."""
    p_animal = np.concatenate([np.full(10, 1e-9), np.linspace(0.2, 0.9, 390), np.full(400, 1e-9)])
    probs = np.stack([p_animal, 1 - p_animal], axis=1).astype(np.float32).astype(np.float64)
    clips = LabelledClips.from_arrays(("deer", "empty"), probs, np.repeat([0, 1], 400), np.arange(800) % 400)
    refused = find_thresholds(clips, {"animal": 0.01})
    assert not refused.is_kept and refused.decide.empty == DecideConfig().empty and refused.unseen is None
    given = find_thresholds(clips, {"animal": 0.1})
    n_lost = reaches(probs[:400, 1], given.decide.empty).sum()
    assert given.decide.empty < 1 and n_lost == given.promises[0].at(given.level).n_missed >= 10


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
    clips = LabelledClips.of(predictions, halved).leave_out_training_sites(halved)
    assert len(clips) == 1200 and clips.n_left_out == 1200 and min(clips.sites) == "s030"
    assert thresholds(predictions, halved, {"leopard": 0.05}).promises[0].n_sites == 30
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
    assert read_promises(cooler.spec) == [] and "no longer holds" in (cooler.folder / "card.md").read_text("utf-8")
    assert json.loads((cooler.folder / "card.json").read_text("utf-8"))["judged_again"]["promises"] == []
