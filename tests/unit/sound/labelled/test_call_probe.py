"""The probe of alarm calls: it learns from named sounds, is judged at other sites, and is kept as plain numbers."""

import json

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.errors import LabelFileError, ManifestError
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import no_sounds
from leopardnet.core.tables import clip_id
from leopardnet.data.human_labels.sound_labels import TODAY_COLUMNS
from leopardnet.sound.labelled.call_features import NAMES, measure_call
from leopardnet.sound.labelled.call_probe import fit_probe, read_probe, write_probe
from leopardnet.sound.labelled.score_calls import score_calls, train_probe
from leopardnet.sound.track import Track
from made_sounds import add_at, make_tone, write_sounding

RATE_HZ = 16_000
RISING, FALLING = {"from_hz": 1000.0, "to_hz": 2000.0}, {"from_hz": 3200.0, "to_hz": 2600.0}


def row_of(start_s, kind):
    low, high = sorted(kind.values())
    slope = (kind["to_hz"] - kind["from_hz"]) / 0.3
    span = {"start_s": start_s, "end_s": start_s + 0.3, "low_hz": low, "high_hz": high, "peak_hz": (low + high) / 2}
    return span | {"slope_hz_s": slope, "snr_db": 12.0}


def hear(rng, kind):
    samples = rng.normal(0, 0.01, 2 * RATE_HZ).astype(np.float32)
    tone = make_tone(RATE_HZ, amplitude=0.3, **{name: hz * rng.uniform(0.95, 1.05) for name, hz in kind.items()})
    samples = add_at(samples, tone, 0.8, RATE_HZ)
    return measure_call(Track(samples, RATE_HZ), row_of(0.8, kind))


@pytest.fixture(scope="module")
def learned():
    """Features, labels and sites of twelve alarm calls and twelve birds at four sites."""
    rng = np.random.default_rng(3)
    labels = pd.Series(["alarm call", "bird"] * 12)
    features = np.array([hear(rng, RISING if x == "alarm call" else FALLING) for x in labels])
    return features, labels, pd.Series([f"s{i // 6}" for i in range(24)])


@pytest.fixture(scope="module")
def fitted(learned):
    return fit_probe(*learned)


def test_features_are_finite_and_know_neither_the_volume_nor_the_place():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.01, 3 * RATE_HZ).astype(np.float32)
    tone = make_tone(RATE_HZ, amplitude=0.3, **RISING)
    early, late = add_at(noise, tone, 0.5, RATE_HZ), add_at(np.roll(noise, RATE_HZ), tone, 1.5, RATE_HZ)
    a, b = (measure_call(Track(x, RATE_HZ), row_of(s, RISING)) for x, s in ((early, 0.5), (4 * late, 1.5)))
    assert a.shape == (len(NAMES),) and np.isfinite(a).all()
    np.testing.assert_allclose(a, b, atol=0.05)
    tonality = NAMES.index("tonality_db")
    quiet = measure_call(Track(noise, RATE_HZ), row_of(0.5, RISING))
    assert a[tonality] > 10 > abs(quiet[tonality])


@pytest.mark.parametrize(
    "samples", [np.zeros(0, np.float32), np.zeros(100, np.float32), np.ones(16000, np.float32)]
)
def test_features_of_odd_tracks_are_finite(samples):
    unknown = dict.fromkeys(("low_hz", "high_hz", "peak_hz", "slope_hz_s", "snr_db"), float("nan"))
    for rate_hz in (RATE_HZ, 8000):
        found = measure_call(Track(samples, rate_hz), {"start_s": -0.2, "end_s": -0.19, **unknown})
        assert np.isfinite(found).all()


def test_a_probe_tells_them_apart_at_sites_that_it_has_not_heard(learned, fitted, tmp_path):
    features, probe = learned[0], fitted
    assert probe.counts == {"alarm_calls": 12, "others": 12, "sites": 4}
    assert probe.auroc.value == 1.0 and probe.auroc.low < 1.0  # 24 sounds do not prove it perfect
    scores = probe.score(features)
    assert scores[::2].min() > 0.5 > scores[1::2].max()
    assert "AUROC 1.000 (" in str(probe) and "sites 4" in str(probe)
    again = read_probe(write_probe(probe, tmp_path / "calls.json"))
    np.testing.assert_allclose(again.score(features), scores, atol=1e-6)
    assert (again.counts, again.auroc) == (probe.counts, probe.auroc)


def test_sounds_that_nobody_could_tell_have_no_part(learned):
    features, labels, sites = learned
    more = pd.concat([labels, pd.Series(["unknown", "", None])], ignore_index=True)
    places = pd.concat([sites, pd.Series(["s9"] * 3)], ignore_index=True)
    probe = fit_probe(np.vstack([features, np.zeros((3, len(NAMES)))]), more, places)
    assert probe.counts == {"alarm_calls": 12, "others": 12, "sites": 4}


@pytest.mark.parametrize(
    ("keep", "sites"),
    [(slice(0), None), (slice(18), None), (slice(None), ["s1"] * 24), (slice(None), ["s1", "s2"] * 12)],
)
def test_too_few_sounds_or_sites_are_refused_with_their_numbers(learned, keep, sites):
    features, labels, own = learned
    with pytest.raises(LabelFileError, match=r"too few(.|\n)*alarm calls and"):
        fit_probe(features[keep], labels[keep], (own if sites is None else pd.Series(sites))[keep])


@pytest.mark.parametrize(
    "damage", ["{", "[]", {"weights": [1.0]}, {"kind": "x"}, {"features": "call features 0"}, {"bias": None}]
)
def test_what_is_no_probe_is_refused(fitted, tmp_path, damage):
    path = write_probe(fitted, tmp_path / "calls.json")
    path.write_text(
        damage if isinstance(damage, str) else json.dumps(json.loads(path.read_text()) | damage), "utf-8"
    )
    with pytest.raises(ManifestError, match=r"no probe of alarm calls(.|\n)*calls\.json"):
        read_probe(path)
    with pytest.raises(ManifestError, match="no such file"):
        read_probe(tmp_path / "gone.json")


def test_a_table_is_taught_and_scored_from_the_files(tmp_path):
    rng, rows, said = np.random.default_rng(5), [], []
    for i in range(20):
        kind, label = ((RISING, "alarm call"), (FALLING, "bird"))[i % 2]
        samples = rng.normal(0, 0.01, RATE_HZ).astype(np.float32)
        samples = add_at(samples, make_tone(RATE_HZ, amplitude=0.3, **kind), 0.4, RATE_HZ)
        path = f"s{i // 5}/{i:02d}.avi"
        (tmp_path / path).parent.mkdir(exist_ok=True)
        write_sounding(tmp_path / path, samples, RATE_HZ)
        rows.append({"clip_id": clip_id(path), "path": path, "kind": "tonal_call", **row_of(0.4, kind)})
        said.append((clip_id(path), 0.4, 0.7, label, False, 1, "AB", "t"))
    table = pd.DataFrame(rows)
    footage = table[["path"]].assign(kind="video", site=table["path"].str[:2])
    sounds = pd.concat(
        [no_sounds(), table.drop(columns="path").assign(score=0.9, source="tonal 1")], ignore_index=True
    )
    gone = sounds.iloc[[0]].assign(clip_id="gone")
    voice = sounds.iloc[[0]].assign(kind="voice")
    sounds = pd.concat([sounds, gone, voice], ignore_index=True)
    manifest = Manifest.from_rows(footage, tmp_path)
    words = pd.DataFrame(said, columns=list(TODAY_COLUMNS))
    sites = manifest.table.set_index("clip_id")["site"]
    probe, notes = train_probe(sounds, words, manifest, sites)
    assert probe.counts == {"alarm_calls": 10, "others": 10, "sites": 4} and notes == ()
    steps = []
    scored, notes = score_calls(sounds, probe, manifest, on_progress=lambda *n: steps.append(n))
    p = scored["p_alarm_call"]
    assert p[0:20:2].min() > 0.5 > p[1:20:2].max() and p[20:].isna().all()
    assert notes == ("clips that were not heard: 1 (the clip is not in the manifest)",) and steps[-1] == (21, 21)
