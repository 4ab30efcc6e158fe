"""A temperature from labelled clips of one's own."""

import numpy as np
import pytest

from leopardnet.core.errors import BundleError
from leopardnet.evaluation.full_evaluation import evaluate_all
from leopardnet.evaluation.recalibrate import recalibrate
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


def test_a_few_easy_sites_do_not_make_a_model_surer(tiny_bundle, tmp_path):
    timid = simulate_clips(tmp_path, n_sites=5, per_site=60, sharpness=0.5, bundle_id=tiny_bundle.id)
    again = recalibrate(*timid, tiny_bundle)
    assert again.calibration.temperature == tiny_bundle.spec.calibration.temperature
    assert "too few" in again.calibration.reason
    many_sites = simulate_clips(tmp_path, n_sites=15, per_site=60, sharpness=0.5, bundle_id=tiny_bundle.id)
    assert recalibrate(*many_sites, tiny_bundle).calibration.temperature < tiny_bundle.spec.calibration.temperature


def test_the_bundle_of_another_model_is_refused_by_all_who_describe_results_with_it(tiny_bundle, tmp_path):
    predictions, manifest = simulate_clips(tmp_path)
    with pytest.raises(BundleError, match="another model"):
        evaluate_all(predictions, manifest, bundle=tiny_bundle)
    with pytest.raises(BundleError, match="another model"):
        summarise(predictions, tmp_path / "r.html", bundle=tiny_bundle)
    assert not (tmp_path / "r.html").exists()
