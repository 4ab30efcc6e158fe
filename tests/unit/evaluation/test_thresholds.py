"""Temperature and thresholds from one's own clips; a new bundle, never an old one changed."""

import json

import numpy as np
import pytest

from judged_clips import made_up
from leopardnet.bundle.bundle import load_bundle
from leopardnet.bundle.derive import derive_bundle
from leopardnet.core.errors import BundleError, ConfigError, ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import DecideConfig
from leopardnet.evaluation.recalibrate import CalibrationClips, recalibrate
from leopardnet.evaluation.thresholds import thresholds
from leopardnet.score.decide import decide


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return made_up(tmp_path_factory.mktemp("root"), n_sites=60, per_site=40)


def test_a_promise_becomes_a_threshold_that_keeps_it(many):
    predictions, manifest = many
    found = thresholds(predictions, manifest, {"leopard": 0.05})
    (p,) = found.promises
    assert found.is_kept and p.n_sites == 60
    table, truth = predictions.table, predictions.table["clip_id"].map(manifest.clip_labels())
    missed = (truth == "leopard") & (table["p_leopard"] < p.threshold)
    assert missed.sum() <= p.n_missed and p.miss_at_most <= 0.05
    assert found.decide.alerts == {"leopard": p.threshold} and found.decide.empty == DecideConfig().empty
    assert found.unseen.value == pytest.approx((table["p_leopard"] < p.threshold).mean())
    assert found.unseen.low < found.unseen.value < found.unseen.high
    assert "may be archived unseen" in repr(found) and json.loads(json.dumps(found.to_dict()))["is_kept"]


def test_decisions_under_the_new_settings_lose_no_more_than_was_promised(many):
    from judged_clips import LABELS

    predictions, manifest = many
    found = thresholds(predictions, manifest, {"animal": 0.05})
    (p,) = found.promises
    probs = predictions.table[["p_leopard", "p_tiger", "p_sika_deer", "p_empty"]].to_numpy(np.float32)
    empty = np.array([decide(row, LABELS, found.decide).label == "empty" for row in probs])
    truth = predictions.table["clip_id"].map(manifest.clip_labels())
    assert p.n_missed > 0 and (empty & (truth != "empty").to_numpy()).sum() <= p.n_missed
    assert (empty & (truth == "empty").to_numpy()).sum() > 0


def test_names_can_be_asked_for_without_a_promise(many):
    """Deer are made strangers to the model: the manifest calls them boars."""
    predictions, manifest = many
    boars = Manifest.from_rows(
        manifest.table.assign(label=manifest.table["label"].replace("sika_deer", "boar")), manifest.root
    )
    with pytest.raises(ManifestError, match="labels that the model does not know"):
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
    with pytest.raises(ConfigError, match="nothing to promise"):
        thresholds(predictions, manifest, {})


def test_several_promises_hold_together(many):
    both = thresholds(*many, {"leopard": 0.05, "animal": 0.1})
    alone = thresholds(*many, {"leopard": 0.05})
    assert both.is_kept and both.unseen.value <= alone.unseen.value


def test_what_cannot_be_promised_leaves_the_settings_and_says_what_is_missing(tmp_path):
    few = thresholds(*made_up(tmp_path, n_sites=4, per_site=20), {"leopard": 0.01})
    assert not few.is_kept and few.decide == DecideConfig() and few.unseen is None
    assert (
        few.promises[0].n_missing > 200
        and "cannot be demonstrated" in repr(few)
        and "no clip may be archived" in repr(few)
    )


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
    clips = CalibrationClips.of(predictions, halved)
    assert len(clips.table) == 1200 and clips.n_left_out == 1200 and clips.table["site"].min() == "s030"
    assert thresholds(predictions, halved, {"leopard": 0.05}).promises[0].n_sites == 30
    with pytest.raises(ManifestError, match="trained on"):
        CalibrationClips.of(predictions, manifest.replace(manifest.table.assign(split="train")))


def test_a_boasting_model_is_made_modest(many, tiny_bundle, tmp_path):
    predictions, manifest = made_up(tmp_path, n_sites=30, per_site=40, sharpness=25.0, bundle_id=tiny_bundle.id)
    again = recalibrate(predictions, manifest, tiny_bundle)
    assert again.calibration.temperature > 1 and again.calibration.n_sites == 30
    assert again.after.value < again.before.value / 2
    old = predictions.table[["p_leopard", "p_empty"]].to_numpy()
    assert again.clips.probs[:, [0, 3]].max() < old.max()
    with pytest.raises(BundleError, match="another model"):
        recalibrate(many[0], many[1], tiny_bundle)


def test_a_few_easy_sites_do_not_make_a_model_surer(tiny_bundle, tmp_path):
    timid = made_up(tmp_path, n_sites=5, per_site=60, sharpness=0.5, bundle_id=tiny_bundle.id)
    again = recalibrate(*timid, tiny_bundle)
    assert again.calibration.temperature == tiny_bundle.spec.calibration.temperature
    assert "too few" in again.calibration.reason
    many_sites = made_up(tmp_path, n_sites=15, per_site=60, sharpness=0.5, bundle_id=tiny_bundle.id)
    assert recalibrate(*many_sites, tiny_bundle).calibration.temperature < tiny_bundle.spec.calibration.temperature


def test_a_new_bundle_has_an_id_of_its_own_and_the_old_one_stays(many, tiny_bundle, tmp_path):
    decide_again = thresholds(*many, {"leopard": 0.05}).decide
    before = {p.name: p.read_bytes() for p in tiny_bundle.folder.iterdir()}
    new = derive_bundle(tiny_bundle, tmp_path / "mine", decide=decide_again, note="on 60 sites")
    assert new.id != tiny_bundle.id and load_bundle(tmp_path / "mine").spec.decide == decide_again
    assert new.spec.calibration == tiny_bundle.spec.calibration and new.labels == tiny_bundle.labels
    assert new.spec.provenance["judged_again"] == [{"from": tiny_bundle.id, "note": "on 60 sites"}]
    card = (new.folder / "card.md").read_text()
    assert card.startswith("> **Derived bundle.**") and tiny_bundle.id in card and "on 60 sites" in card
    assert {p.name: p.read_bytes() for p in tiny_bundle.folder.iterdir()} == before
    assert (new.folder / "model.onnx").read_bytes() == before["model.onnx"]
    with pytest.raises(BundleError, match="exists already"):
        derive_bundle(tiny_bundle, tmp_path / "mine", decide=decide_again)
    with pytest.raises(ConfigError, match="only a target"):
        derive_bundle(tiny_bundle, tmp_path / "other", decide=DecideConfig(alerts={"sika_deer": 0.1}))
    assert not (tmp_path / "other").exists()
