"""A new temperature for a bundle with promises: they are promised again, or dropped with their thresholds."""

from dataclasses import replace

import pytest

from leopardnet.bundle.derive import derive_bundle
from leopardnet.bundle.promises import read_promises
from leopardnet.core.settings.inference import DecideConfig
from leopardnet.evaluation.recalibrate import recalibrate
from leopardnet.evaluation.renew_thresholds import renew_thresholds
from leopardnet.evaluation.thresholds import find_thresholds
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.score.calibrate import Calibration
from simulated_clips import simulate_clips

LOSSES = {"leopard": 0.1, "animal": 0.1}


@pytest.fixture(scope="module")
def promised(tiny_bundle, tmp_path_factory):
    """A bundle whose thresholds were promised for a timid model at 60 sites."""
    here = tmp_path_factory.mktemp("promised")
    clips = LabelledClips.of(*simulate_clips(here, n_sites=60, per_site=40, strength=1.0, sharpness=0.5))
    found = find_thresholds(clips, LOSSES, level="like_sites", confidence=0.9)
    return derive_bundle(tiny_bundle, here / "bundle", decide=found.decide, promises=found.kept_promises)


def calibrate(bundle, root, *, n_sites, sharpness):
    found = simulate_clips(
        root, n_sites=n_sites, per_site=40, strength=1.0, sharpness=sharpness, bundle_id=bundle.id
    )
    return recalibrate(*found, bundle)


def test_a_falling_temperature_loses_no_leopard_silently(promised, tmp_path):
    result = calibrate(promised, tmp_path, n_sites=60, sharpness=0.5)
    assert result.calibration.temperature < 0.5, "the model was timid"
    found = renew_thresholds(result, promised, {})
    before = read_promises(promised.spec)
    for old, new in zip(before, found.kept_promises, strict=True):
        same = ("label", "max_miss", "confidence", "level")
        assert [old[x] for x in same] == [new[x] for x in same] and old["threshold"] != new["threshold"]
    shows, p = result.clips.shows("leopard"), result.clips.score("leopard")
    stale = (p[shows] < before[0]["threshold"]).mean()
    missed = (p[shows] < found.decide.alerts["leopard"]).mean()
    assert stale > 0.1 > missed, "under the old threshold the promise would be broken"
    new = derive_bundle(
        promised,
        tmp_path / "new",
        calibration=result.calibration,
        decide=found.decide,
        promises=found.kept_promises,
    )
    assert read_promises(new.spec) == found.kept_promises and new.spec.decide == found.decide
    assert "dropped" not in new.spec.provenance["judged_again"][-1]


def test_what_cannot_be_promised_again_is_dropped_with_its_threshold(promised, tmp_path):
    result = calibrate(promised, tmp_path, n_sites=5, sharpness=4.0)
    assert result.calibration.temperature > 1
    found = renew_thresholds(result, promised, {})
    assert not found.is_kept and found.decide == DecideConfig() and len(found.promises) == 2


def test_only_what_is_asked_for_is_promised_and_the_rest_is_dropped(promised, tmp_path):
    result = calibrate(promised, tmp_path, n_sites=60, sharpness=0.5)
    found = renew_thresholds(result, promised, {"leopard": 0.2})
    assert [p.max_miss for p in found.promises] == [0.2] and list(found.decide.alerts) == ["leopard"]
    assert found.decide == DecideConfig(alerts=found.decide.alerts), "that of any animal meant another temperature"


def test_under_the_same_temperature_nothing_is_renewed(promised, tiny_bundle, tmp_path):
    result = calibrate(promised, tmp_path, n_sites=5, sharpness=0.5)
    assert result.calibration.temperature == promised.spec.calibration.temperature, "too few sites to sharpen"
    assert renew_thresholds(result, promised, {}) is None
    names = renew_thresholds(result, promised, {}, keep_names=0.9)
    assert names.promises == () and names.decide.alerts == promised.spec.decide.alerts
    assert renew_thresholds(calibrate(tiny_bundle, tmp_path, n_sites=30, sharpness=4.0), tiny_bundle, {}) is None


def test_a_label_goes_back_to_the_threshold_that_its_network_was_packed_with(promised, tmp_path):
    spec = promised.spec
    config = {**spec.provenance["config"], "decide": {"empty": 0.7, "alerts": {"leopard": 0.03}}}
    packed = spec.model_copy(update={"provenance": {**spec.provenance, "config": config}})
    cooler = derive_bundle(
        replace(promised, spec=packed), tmp_path / "b", calibration=Calibration(0.5, 100, 12, "")
    )
    assert cooler.spec.decide == DecideConfig(empty=0.7, alerts={"leopard": 0.03})
