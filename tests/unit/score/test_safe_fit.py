"""Calibrations of few sites, of independent labels and of clips of several kinds, judged at other sites."""

import numpy as np
import pytest
from scipy.special import expit

from leopardnet.score.calibrate import Calibration, apply_calibration, fit_independent
from leopardnet.score.presence_shift import ClipLengths, PresenceShift, shift_presence
from leopardnet.score.safe_fit import cross_calibrate, fit_safely


def test_few_sites_never_sharpen_independent_labels(rng):
    z = rng.normal(0, 1, (400, 2))
    shows = rng.random((400, 2)) < expit(z / 0.4 + np.array([-2.0, 0.0]))
    few, many = ([f"s{i % n}" for i in range(400)] for n in (3, 30))
    before = Calibration()
    kept = fit_safely(z, shows, sites=few, before=before)
    assert kept.temperature == 1.0 and kept.biases[0] < -0.5 and "would make the model surer" in kept.reason
    assert kept.biases == fit_independent(z, shows, temperature=1.0).biases
    assert fit_safely(z, shows, sites=many, before=before).temperature == pytest.approx(0.4, abs=0.1)


def test_too_few_clips_leave_temperature_and_biases_as_they_were():
    before = Calibration(1.5, 100, 8, "", (-0.5, 0.25))
    kept = fit_safely(np.zeros((3, 2)), np.ones((3, 2), bool), sites=["a"] * 3, before=before)
    assert (kept.temperature, kept.biases) == (1.5, (-0.5, 0.25)) and kept.reason.startswith("only 3 clips")


def test_independent_labels_are_calibrated_without_their_own_site(rng):
    z = np.zeros((80, 2))
    shows = np.zeros((80, 2), bool)
    shows[:40, 0] = shows[40:, 1] = True  # the first label is at site a, the second at site b
    shows[:5, 1] = shows[40:45, 0] = True
    probs = cross_calibrate(z, shows, ["a"] * 40 + ["b"] * 40)
    assert (probs[:40, 0] < 0.5).all() and (probs[40:, 0] > 0.5).all(), "each site has the shares of the other"


# --- presence by kind and number of frames ---


def draw_clips(rng, *, n_sites, n=3000, base=1.0, per_doubling=-0.5, still=0.0):
    """Clips of (leopard, tiger, empty): stills, and videos of 2 to 64 frames, whose presence is off by a shift."""
    n_frames = rng.choice([1, 2, 4, 8, 16, 64], n)
    kinds = np.where(n_frames == 1, "still", "video").astype(object)
    odds, species = rng.normal(0, 3, n), rng.normal(0, 2, n)
    offset = base + per_doubling * np.log2(n_frames) + still * (kinds == "still")
    is_animal = rng.random(n) < expit(odds + offset)
    y = np.where(is_animal, np.where(rng.random(n) < expit(species), 0, 1), 2)
    both = np.logaddexp(species, 0)  # the two animals together have the log-odds `odds`
    logits = np.column_stack([odds + species - both, odds - both, np.zeros(n)])
    return logits, y, ClipLengths(kinds, n_frames, 2), [f"s{i % n_sites}" for i in range(n)]


def test_a_shift_is_found_again_and_makes_each_length_calibrated(rng):
    logits, y, lengths, sites = draw_clips(rng, n_sites=20)
    fitted = fit_safely(logits, y, sites=sites, before=Calibration(), lengths=lengths)
    found = fitted.shift
    assert fitted.temperature == pytest.approx(1.0, abs=0.1) and found.n_frames == (1, 64)
    assert (found.base, found.per_doubling) == pytest.approx((1.0, -0.5), abs=0.2)
    assert found.kinds == pytest.approx({"still": 1.0, "video": 1.0}, abs=0.3)
    for calibration, is_right in (
        (fitted, True),
        (fit_safely(logits, y, sites=sites, before=Calibration()), False),
    ):
        p = apply_calibration(shift_presence(logits, calibration.shift, lengths), calibration)
        for n_frames in (1, 64):
            here = lengths.n_frames == n_frames
            assert (abs(p[here, :2].sum(axis=1).mean() - (y[here] != 2).mean()) < 0.02) == is_right


def test_a_kind_has_a_constant_of_its_own_only_if_enough_clips_of_enough_sites_show_it(rng):
    logits, y, lengths, sites = draw_clips(rng, n_sites=20, still=2.0)
    found = fit_safely(logits, y, sites=sites, before=Calibration(), lengths=lengths).shift
    assert found.kinds["still"] - found.kinds["video"] == pytest.approx(2.0, abs=0.5)
    is_still = lengths.kinds == "still"
    few = np.flatnonzero(~is_still | (np.cumsum(is_still) <= 19))
    one_place = ["s0" if still else site for still, site in zip(is_still, sites, strict=True)]
    for use, places in ((few, sites), (np.arange(len(y)), one_place)):
        these = [places[i] for i in use]
        kinds = fit_safely(
            logits[use], y[use], sites=these, before=Calibration(), lengths=lengths.select(use)
        ).shift.kinds
        assert list(kinds) == ["video"]


def test_nine_sites_do_not_shift_presence_and_keep_the_shift_of_before(rng):
    logits, y, lengths, sites = draw_clips(rng, n_sites=9)
    assert fit_safely(logits, y, sites=sites, before=Calibration(), lengths=lengths).shift is None
    before = Calibration(1.0, 900, 30, "", shift=PresenceShift(1.0, -0.5, (1, 64)))
    kept = fit_safely(logits, y, sites=sites, before=before, lengths=lengths)
    assert kept.shift == before.shift and kept.temperature == pytest.approx(1.0, abs=0.15)


def test_no_shift_without_a_reason(rng):
    logits, y, lengths, sites = draw_clips(rng, n_sites=20, n=400, base=0.0, per_doubling=0.0)
    alike = ClipLengths(lengths.kinds, np.full(400, 8), 2)
    for these in (None, alike):
        assert fit_safely(logits, y, sites=sites, before=Calibration(), lengths=these).shift is None
    no_empty = np.where(y == 2, 0, y)
    assert fit_safely(logits, no_empty, sites=sites, before=Calibration(), lengths=lengths).shift is None
    # a shift that holds at half of the sites only, and the other way round at the others
    n_frames = np.where(np.arange(400) % 2, 1, 64)
    odd_sites = np.array([int(s[1:]) // 2 % 2 for s in sites], bool)
    y = np.where((n_frames == 1) == odd_sites, 0, 2)
    mixed = ClipLengths(np.full(400, "video", object), n_frames, 2)
    assert fit_safely(logits * 0.01, y, sites=sites, before=Calibration(), lengths=mixed).shift is None


def test_a_site_is_shifted_by_the_others(rng):
    """At site a long clips are empty, at site b full: each is judged with what the other one teaches."""
    n_frames = np.tile([1, 64], 40)
    y = np.concatenate([np.tile([0, 1], 20), np.tile([1, 0], 20)])  # class 1 is empty
    lengths = ClipLengths(np.full(80, "video", object), n_frames, 1)
    sites = ["a"] * 40 + ["b"] * 40
    probs = cross_calibrate(np.zeros((80, 2)), y, sites, lengths=lengths)
    assert (probs[np.arange(80), y] < 0.5).all()
    assert (cross_calibrate(np.zeros((80, 2)), y, sites) == 0.5).all()
