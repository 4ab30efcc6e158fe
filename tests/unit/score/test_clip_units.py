"""What counts once: copies of a clip, and clips of one visit in bounds and intervals."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.tables import clip_id
from leopardnet.evaluation.full_evaluation import evaluate
from leopardnet.evaluation.thresholds import find_thresholds
from leopardnet.metrics.bootstrap import SiteDraws
from leopardnet.metrics.guarantees.clip_losses import support_like_sites
from leopardnet.metrics.labelled_clips import LabelledClips
from leopardnet.metrics.measures import count_independent, count_whole_events, lower_bound
from leopardnet.score.clip_units import code_copies, code_events, find_copies
from simulated_clips import simulate_clips

LEOPARDS = [f"s{i % 4}/{i}.mp4" for i in range(20)]


def leopards(tmp_path, paths=LEOPARDS, *, minutes=None, probs=None):
    """Predictions and manifest of leopards, all found, at four sites; minutes: when, None for no time."""
    p = np.linspace(0.8, 0.99, len(paths)) if probs is None else probs
    at = [pd.NaT] * len(paths) if minutes is None else pd.Timestamp("2021-07-01") + pd.to_timedelta(minutes, "min")
    table = pd.DataFrame({"clip_id": [clip_id(x) for x in paths], "path": paths, "site": [x[:2] for x in paths]})
    table = table.assign(captured_at=at, decision="leopard", rule="species", alert=None, bundle_id="b")
    table = table.assign(p_leopard=p.astype(np.float32).astype(float))
    table = table.assign(p_empty=1 - table["p_leopard"])
    rows = table[["path", "site", "captured_at"]].assign(kind="video", label="leopard")
    return table, Manifest.from_rows(rows, tmp_path)


def copy_clips(predictions, manifest, n):
    """Every clip n times, each copy a file of its own beside the first."""
    rows, said, frames = manifest.table, predictions.table, predictions.evidence
    paths = {x: [x if i == 0 else f"{x[:-4]}_{i}.mp4" for i in range(n)] for x in rows["path"]}

    def repeat(table):
        many = table.assign(path=table["path"].map(paths)).explode("path", ignore_index=True)
        return many.assign(clip_id=many["path"].map(clip_id))

    return Predictions(repeat(said), frames), manifest.replace(repeat(rows))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return simulate_clips(tmp_path_factory.mktemp("root"), n_sites=24, per_site=16)


def test_copying_every_clip_ten_times_changes_no_figure(made):
    once, tenfold = evaluate(*made, n_boot=100), evaluate(*copy_clips(*made, 10), n_boot=100)
    assert tenfold.n_copies == 9 * once.n_clips and once.n_copies == 0
    assert tenfold.to_metrics_json() | {"n_copies": 0} == once.to_metrics_json()


def test_copying_every_clip_ten_times_changes_no_guarantee(made):
    losses, found = {"leopard": 0.1, "animal": 0.2}, []
    for predictions, manifest in (made, copy_clips(*made, 10)):
        found.append(find_thresholds(LabelledClips.of(predictions, manifest), losses))
    once, tenfold = (x.to_dict() for x in found)
    assert tenfold.pop("n_copies") == 9 * 24 * 16 and once.pop("n_copies") == 0 and once == tenfold
    assert "3456 copies of other clips were counted once" in repr(found[1])


def test_copies_of_easy_clips_alone_do_not_raise_recall(tmp_path):
    """Ten of twenty found; each of these copied nine times would be 100 of 110."""
    table, manifest = leopards(tmp_path, probs=np.append(np.linspace(0.6, 0.9, 10), np.linspace(0.1, 0.4, 10)))
    predictions, rows = table, manifest.table
    easy = [f"{x[:2]}/copy{i}_{x[3:]}" for x in LEOPARDS[:10] for i in range(9)]
    extra = table.iloc[np.repeat(np.arange(10), 9)].assign(path=easy, clip_id=[clip_id(x) for x in easy])
    others = rows.set_index("path").loc[np.repeat(LEOPARDS[:10], 9)].reset_index(drop=True)
    others = others.assign(path=easy, clip_id=extra["clip_id"].to_numpy())
    found = evaluate(pd.concat([predictions, extra]), manifest.replace(pd.concat([rows, others])), n_boot=50)
    assert found.label_estimate("leopard", "recall").value == 0.5 and found.n_clips == 20 and found.n_copies == 90


def test_stills_of_a_visit_claim_no_more_than_the_visit(tmp_path):
    """Twenty leopards, an hour apart; then each of them as ten stills a second apart, of other probabilities."""
    hours = 60.0 * np.arange(20)
    table, manifest = leopards(tmp_path, minutes=hours)
    one = evaluate(table, manifest, n_boot=50)
    stills = [f"{x[:-4]}_{i}.jpg" for x in LEOPARDS for i in range(10)]
    at = np.repeat(hours, 10) + np.tile(np.arange(10) / 60, 20)
    ten = evaluate(*leopards(tmp_path, stills, minutes=at), n_boot=50)
    timeless = evaluate(*leopards(tmp_path, stills), n_boot=50)
    row = ten.per_label.loc["leopard"]
    assert row["support"] == 200 and row["n_events"] == 20
    assert one.per_label.at["leopard", "recall_at_least"] == pytest.approx(0.861, abs=1e-3)  # as 20 of 20
    assert row["recall_at_least"] == pytest.approx(0.861, abs=1e-3)
    assert timeless.per_label.at["leopard", "recall_at_least"] == pytest.approx(0.985, abs=1e-3)
    assert ten.label_estimate("leopard", "recall") == one.label_estimate("leopard", "recall")
    assert timeless.label_estimate("leopard", "recall").low > one.label_estimate("leopard", "recall").low


def test_a_guarantee_does_not_gain_from_clips_that_are_split_into_stills():
    rng = np.random.default_rng(3)
    sites, score = np.repeat(np.arange(30), 8), np.sort(rng.random(240))
    sites = rng.permutation(sites)
    options = {"max_miss": 0.1, "confidence": 0.95}
    clips = support_like_sites(score, sites, **options)
    split, events = np.repeat(score, 5), np.repeat(np.arange(240), 5)
    stills = support_like_sites(split, np.repeat(sites, 5), events=events, **options)
    assert clips.threshold == stills.threshold is not None
    assert clips.miss_at_most == pytest.approx(stills.miss_at_most) and stills.n_missed == 5 * clips.n_missed
    assert support_like_sites(split, np.repeat(sites, 5), **options).miss_at_most != clips.miss_at_most


def test_what_differs_in_anything_is_no_copy():
    p = np.array([[0.7, 0.3], [0.7, 0.3], [0.7, 0.3], [0.7, 0.3], [np.nan, np.nan], [np.nan, np.nan]])
    sites, label = np.array([0, 0, 1, 0, 0, 0]), np.array(["deer", "deer", "deer", "tiger", "deer", "deer"], object)
    assert code_copies(p, sites, label).tolist() == [0, 0, 1, 2, 3, 4]
    nearly = np.array([[0.7, 0.3], [np.nextafter(np.float32(0.7), 1), 0.3]])
    assert len(set(code_copies(nearly, np.zeros(2, int)))) == 2
    for rounded in ([0.0, 1.0], [1e-30, 1.0]):
        assert len(set(code_copies(np.array([rounded] * 3), np.zeros(3, int)))) == 3, "no evidence of anything"
    assert len(set(code_copies(np.array([[3e-9, 1.0]] * 3), np.zeros(3, int)))) == 1
    assert code_copies(np.zeros((0, 2)), np.zeros(0, int)).tolist() == []


def test_which_copy_stays_is_decided_by_the_ids_and_not_by_the_order_of_rows():
    codes, ids = np.array([0, 1, 0, 0]), np.array(["c", "b", "a", "d"], object)
    assert find_copies(codes, ids).tolist() == [True, False, False, True]
    assert find_copies(codes[::-1], ids[::-1]).tolist() == [True, False, False, True]
    assert find_copies(codes[:0], ids[:0]).tolist() == []


def test_events_are_of_one_site_and_one_label_and_a_trigger_needs_no_time():
    at = pd.to_datetime(["2021-07-01 10:00", "2021-07-01 10:10", "2021-07-01 10:20", None, None, None, None])
    table = pd.DataFrame({"captured_at": at, "sequence_id": [None, None, None, "q", "q", "q", None]})
    truth = np.array(["deer", "tiger", "deer", "deer", "deer", "deer", "deer"], object)
    codes = code_events(np.array([0, 0, 0, 0, 0, 1, 0]), truth, table).tolist()
    assert codes[0] == codes[2] and codes[3] == codes[4] and len(set(codes)) == 5
    assert code_events(np.zeros(3, int), truth[:3], pd.DataFrame(index=range(3))) is None, "nothing known"


def test_the_number_of_events_by_hand():
    """Two sites: events of 3 and 1 clips, and of 4. n² / Σ m² = 64 / 26; so much is divided as 4 to 4."""
    draws = SiteDraws.of(np.repeat([0, 1], 4), n_boot=0, seed=0, event_codes=np.array([0, 0, 0, 1, 2, 2, 2, 2]))
    assert count_whole_events(np.array([3, 1, 4])) == pytest.approx(64 / 26)
    every = np.ones(8, bool)
    assert draws.count_events(every) == pytest.approx([32 / 26, 32 / 26]) and draws.n_events(every) == 3
    assert draws.count_events(np.zeros(8, bool)).tolist() == [0.0, 0.0] and draws.n_events(np.zeros(8)) == 0
    # The design effect of two levels: n² / (Σ m² + ρ (Σ M² - Σ m²)) with ρ = 0.1 is 64 / (26 + 0.1 · (32 - 26))
    assert count_independent(draws.count_events(every), 0.1) == pytest.approx(64 / 26.6)


def test_recall_of_visits_in_stills_is_at_least_what_is_claimed_in_19_of_20_cases():
    """400 times thirty visits of 1 to 12 stills, all of a visit found or none; true recall 0.9 of any still."""
    rng = np.random.default_rng(11)
    holds = {"events": 0, "clips": 0}
    for _ in range(400):
        stills = rng.integers(1, 13, 30)
        events = np.repeat(np.arange(30), stills)
        found = (rng.random(30) < 0.9)[events]
        draws = SiteDraws.of(events % 10, n_boot=0, seed=0, event_codes=events)
        for name, n in (("events", draws.count_events(np.ones(len(events))).sum()), ("clips", len(events))):
            holds[name] += lower_bound(found.mean() * n, n) <= 0.9
    assert holds["events"] / 400 >= 0.93 and holds["clips"] / 400 < 0.85
