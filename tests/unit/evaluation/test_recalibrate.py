"""A temperature from labelled clips of one's own."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.special import softmax

from leopardnet.bundle.derive import derive_bundle
from leopardnet.core.errors import BundleError
from leopardnet.evaluation.full_evaluation import evaluate_all
from leopardnet.evaluation.recalibrate import recalibrate
from leopardnet.metrics.bootstrap import Estimate
from leopardnet.metrics.judges.label_choice import LabelChoice
from leopardnet.report.summarise import summarise
from simulated_clips import simulate_clips


def test_an_overconfident_model_is_corrected(tiny_bundle, tmp_path):
    predictions, manifest = simulate_clips(
        tmp_path, n_sites=30, per_site=40, sharpness=25.0, bundle_id=tiny_bundle.id
    )
    again = recalibrate(predictions, manifest, tiny_bundle)
    assert again.calibration.temperature > 1 and again.calibration.n_sites == 30
    assert again.after.value < again.before.value / 2
    old, new = predictions.table["p_leopard"].to_numpy(), again.clips.probs[:, 0]
    expected = np.log(old) - np.log(predictions.table["p_empty"].to_numpy())
    found = again.calibration.temperature * (np.log(new) - np.log(again.clips.probs[:, 3]))
    assert found == pytest.approx(expected, abs=1e-4), "log-odds divided by the temperature, however small"
    with pytest.raises(BundleError, match="another model"):
        recalibrate(*simulate_clips(tmp_path), tiny_bundle)


def test_an_error_that_did_not_become_smaller_is_said_in_words(tiny_bundle, tmp_path):
    """Calibrated already: fitted again, the error can only change by chance."""
    few = simulate_clips(tmp_path, n_sites=5, per_site=60, sharpness=0.5, bundle_id=tiny_bundle.id)
    kept = recalibrate(*few, tiny_bundle)
    assert kept.after == kept.before and repr(kept).endswith("because the probabilities stay as they were")
    worse = replace(kept, before=Estimate(0.094, 0.06, 0.16), after=Estimate(0.107, 0.07, 0.17))
    assert "; the ECE did not get better: what is chosen makes the labels likeliest" in repr(worse)
    better = replace(kept, before=worse.after, after=worse.before)
    assert repr(better).endswith("each site with the temperature of the others")


def test_a_few_easy_sites_do_not_make_a_model_surer(tiny_bundle, tmp_path):
    timid = simulate_clips(tmp_path, n_sites=5, per_site=60, sharpness=0.5, bundle_id=tiny_bundle.id)
    again = recalibrate(*timid, tiny_bundle)
    assert again.calibration.temperature == tiny_bundle.spec.calibration.temperature
    assert "would make the model surer" in again.calibration.reason
    many_sites = simulate_clips(tmp_path, n_sites=15, per_site=60, sharpness=0.5, bundle_id=tiny_bundle.id)
    assert recalibrate(*many_sites, tiny_bundle).calibration.temperature < tiny_bundle.spec.calibration.temperature


def test_the_bundle_of_another_model_is_refused_by_all_who_describe_results_with_it(tiny_bundle, tmp_path):
    predictions, manifest = simulate_clips(tmp_path)
    with pytest.raises(BundleError, match="another model"):
        evaluate_all(predictions, manifest, bundle=tiny_bundle)
    with pytest.raises(BundleError, match="another model"):
        summarise(predictions, tmp_path / "r.html", bundle=tiny_bundle)
    assert not (tmp_path / "r.html").exists()


@pytest.fixture(scope="module")
def two_lengths(tmp_path_factory):
    """Predictions that understate animals in clips of 1 frame by 2 log-odds and overstate them in those of 16."""
    predictions, manifest = simulate_clips(tmp_path_factory.mktemp("lengths"), n_sites=20, per_site=60)
    table = predictions.table.copy()
    is_short = np.arange(len(table)) % 2 == 0
    names = [c for c in table if c.startswith("p_")]
    logits = np.log(table[names].to_numpy(np.float64).clip(1e-12))
    logits[:, names.index("p_empty")] += np.where(is_short, 2.0, -2.0)
    table[names] = softmax(logits, axis=1)
    table["n_frames"] = np.where(is_short, 1, 16)
    return replace(predictions, table=table), manifest


def bear(predictions, bundle, probs=None):
    """Return the predictions as if the bundle had made them."""
    names = [c for c in predictions.table if c.startswith("p_")]
    changed = {"bundle_id": bundle.id} | ({} if probs is None else dict(zip(names, probs.T, strict=True)))
    return replace(predictions, table=predictions.table.assign(**changed))


def test_presence_is_shifted_by_the_number_of_frames_and_the_new_bundle_keeps_it(
    two_lengths, tiny_bundle, tmp_path
):
    predictions, manifest = two_lengths
    again = recalibrate(bear(predictions, tiny_bundle), manifest, tiny_bundle)
    shift = again.calibration.shift
    assert shift.n_frames == (1, 16) and -4 * shift.per_doubling == pytest.approx(4, abs=1)
    assert again.after.value < again.before.value / 2 and "doubling of the number of frames" in repr(again)

    new = derive_bundle(tiny_bundle, tmp_path / "mine", calibration=again.calibration)
    assert new.spec.calibration == again.calibration, "written, hashed and read again"
    assert shift.describe() in (new.folder / "card.md").read_text("utf-8")
    # what the new bundle would say, calibrated again, stays as it is
    once_more = recalibrate(bear(predictions, new, again.clips.probs), manifest, new)
    np.testing.assert_allclose(once_more.clips.probs, again.clips.probs, atol=0.02)
    assert once_more.before.value < again.before.value / 2


def test_clips_of_an_audit_are_counted_by_their_chance_and_the_result_says_so(tiny_bundle, tmp_path):
    predictions, manifest = simulate_clips(tmp_path, n_sites=12, per_site=20, bundle_id=tiny_bundle.id)
    is_first = manifest.table["site"] == "s000"
    chances = pd.Series(np.where(is_first, 1.0, 0.05), index=manifest.table["clip_id"])
    plain = recalibrate(predictions, manifest, tiny_bundle)
    weighed = recalibrate(predictions, manifest, tiny_bundle, choice=LabelChoice.of(chances))
    assert weighed.calibration == plain.calibration and weighed.before.value != plain.before.value
    assert weighed.to_dict()["labels_chosen"]["basis"] == "weighed"
    even = recalibrate(predictions, manifest, tiny_bundle, choice=LabelChoice.of(chances * 0 + 0.1))
    assert even.before == plain.before and even.to_dict()["labels_chosen"]["basis"] == "audit"
