"""The evaluation of a predictions table against figures worked out by hand."""

import json
import time

import numpy as np
import pandas as pd
import pytest

from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.labelled_clips import LabelledClips

LABELS = ("leopard", "sika", "empty")


def predictions_of(rows, labels=LABELS):
    """(clip_id, site, decision, rule, probabilities or None) per row."""
    p = np.array([[np.nan] * len(labels) if r[4] is None else r[4] for r in rows], float).reshape(-1, len(labels))
    head = pd.DataFrame([r[:4] for r in rows], columns=["clip_id", "site", "decision", "rule"])
    return head.assign(**{f"p_{x}": p[:, i] for i, x in enumerate(labels)})


#            truth      likeliest
# a  s1      leopard    leopard
# b  s1      leopard    empty, but not said so
# c  s2      leopard    unreadable
# d  s2      sika       leopard
# e  s2      sika       sika
# f  s3      empty      empty
ROWS = [
    ("a", "s1", "leopard", "species", (0.8, 0.1, 0.1)),
    ("b", "s1", "unsure", "abstained", (0.4, 0.1, 0.5)),
    ("c", "s2", "unreadable", "none", None),
    ("d", "s2", "leopard", "species", (0.6, 0.3, 0.1)),
    ("e", "s2", "sika", "species", (0.0, 1.0, 0.0)),
    ("f", "s3", "empty", "empty", (0.0, 0.1, 0.9)),
]
TRUTH = pd.Series({"a": "leopard", "b": "leopard", "c": "leopard", "d": "sika", "e": "sika", "f": "empty"})


def evaluate_rows(rows, truth=TRUTH, **options):
    return evaluate_clips(LabelledClips.from_tables(predictions_of(rows), truth), **options)


@pytest.fixture
def evaluation():
    return evaluate_rows(ROWS, targets=("leopard",), n_boot=200)


def test_figures_by_hand(evaluation):
    e = evaluation
    assert (e.n_clips, e.n_unreadable, e.n_without_label, e.n_without_prediction, e.n_sites) == (6, 1, 0, 0, 3)
    assert e.top1.value == pytest.approx(3 / 6)  # the unreadable leopard is a leopard that was not found
    t = e.per_label
    assert t["support"].to_dict() == {"leopard": 3, "sika": 2, "empty": 1}
    assert t["precision"].to_dict() == pytest.approx({"leopard": 1 / 2, "sika": 1, "empty": 1 / 2})
    assert t["recall"].to_dict() == pytest.approx({"leopard": 1 / 3, "sika": 1 / 2, "empty": 1})
    assert t["f1"].to_dict() == pytest.approx({"leopard": 2 / 5, "sika": 2 / 3, "empty": 2 / 3})
    assert e.macro_f1.value == pytest.approx((2 / 5 + 2 / 3 + 2 / 3) / 3)
    # Of the readable: leopard 0.8, 0.4 against 0.6, 0, 0 is 5 of 6; sika 0.3, 1 against 0.1 x 3; empty 0.9 highest.
    assert t["auroc"].to_dict() == pytest.approx({"leopard": 5 / 6, "sika": 1, "empty": 1})
    # a .06, b .36+.01+.25, d .36+.49+.01, e 0, f .01+.01
    assert e.brier.value == pytest.approx((0.06 + 0.62 + 0.86 + 0 + 0.02) / 5)
    # five confidences, each its own bin: |.8-1| + |.5-0| + |.6-0| + 0 + |.9-1|
    assert e.ece.value == pytest.approx((0.2 + 0.5 + 0.6 + 0 + 0.1) / 5)
    assert e.prevalence == pytest.approx({"leopard": 1 / 2, "sika": 1 / 3, "empty": 1 / 6})


def test_tables_by_hand(evaluation):
    assert list(evaluation.confusion.columns) == [*LABELS, "unreadable"]
    assert evaluation.confusion.to_numpy().tolist() == [[1, 0, 1, 1], [1, 1, 0, 0], [0, 0, 1, 0]]
    assert list(evaluation.decisions.columns) == [*LABELS, "animal", "unsure", "unreadable"]
    assert evaluation.decisions.to_numpy().tolist() == [[1, 0, 0, 0, 1, 1], [1, 1, 0, 0, 0, 0], [0, 0, 1, 0, 0, 0]]
    for table in (evaluation.confusion, evaluation.decisions):
        assert table.sum(axis=1).tolist() == evaluation.per_label["support"].tolist()
    assert evaluation.reliability["n"].sum() == 5


def test_a_target_called_empty_is_lost():
    rows = [*ROWS[:1], ("b", "s1", "empty", "empty", (0.05, 0.05, 0.9)), *ROWS[2:]]
    assert evaluate_rows(rows, targets=("leopard",), n_boot=0).target_lost == {"leopard": 1}


def test_recall_at_least_is_the_one_sided_clopper_pearson_bound():
    n = 20
    rows = [(str(i), "s", "leopard", "species", (0.9, 0.05, 0.05)) for i in range(n)]
    truth = pd.Series({str(i): "leopard" for i in range(n)})
    t = evaluate_rows(rows, truth).per_label
    assert t.at["leopard", "recall_at_least"] == pytest.approx(0.05 ** (1 / n))  # 0.861
    assert np.isnan(t.at["sika", "recall_at_least"])


def test_labels_that_do_not_occur_have_no_recall_and_no_part_in_macro_f1():
    rows = [("a", "s", "sika", "species", (0.1, 0.8, 0.1)), ("b", "s", "leopard", "species", (0.8, 0.1, 0.1))]
    e = evaluate_rows(rows, pd.Series({"a": "sika", "b": "sika"}))
    assert e.macro_f1.value == pytest.approx(2 / 3)
    leopard = e.per_label.loc["leopard"]
    assert leopard["precision"] == 0 and np.isnan(leopard["recall"]) and np.isnan(leopard["f1"])
    assert np.isnan(e.per_label.at["sika", "auroc"])  # no other kind to rank against


def test_intervals_come_from_sites_not_from_clips():
    """Two sites, one all right, one all wrong: they say nothing of a third, whatever the number of clips."""
    rows = [(f"{s}{i}", s, "leopard", "species", (0.9, 0.1, 0.0)) for s in "ab" for i in range(500)]
    truth = pd.Series({f"{s}{i}": "leopard" if s == "a" else "sika" for s in "ab" for i in range(500)})
    top1 = evaluate_rows(rows, truth, n_boot=400).top1
    # Half the draws are 0 or 1: a variance of 0.125, times 2, over 0.25: one clip. 1000 / (1 + 499 · 0.2) = 9.92
    # are assumed: (4 / 9.92 + 1) / 5 = 0.2806, t of 1 + 4 degrees of freedom is 2.5706, q = 1.854.
    assert (top1.value, top1.low, top1.high) == pytest.approx((0.5, 0.097, 0.903), abs=0.01)
    assert "not demonstrated" in str(top1)


def test_intervals_hold_the_value_repeat_and_need_two_sites(evaluation):
    assert evaluation.top1.low <= evaluation.top1.value <= evaluation.top1.high
    again = evaluate_rows(ROWS, targets=("leopard",), n_boot=200)
    assert again.to_metrics_json() == evaluation.to_metrics_json()
    shuffled = predictions_of(ROWS).sample(frac=1, random_state=3)
    assert (
        evaluate_clips(
            LabelledClips.from_tables(shuffled, TRUTH), targets=("leopard",), n_boot=200
        ).to_metrics_json()
        == again.to_metrics_json()
    )
    one_site = evaluate_clips(
        LabelledClips.from_tables(predictions_of(ROWS), TRUTH, sites=pd.Series("x", index=list("abcdef")))
    )
    assert (
        one_site.n_sites == 1 and one_site.top1.low is None and one_site.label_estimate("sika", "f1").high is None
    )
    no_site = evaluate_clips(LabelledClips.from_tables(predictions_of(ROWS).drop(columns="site"), TRUTH))
    assert (no_site.n_sites, no_site.n_without_site) == (0, 6) and no_site.ece.low is None


def test_rows_are_conserved():
    truth = pd.concat([TRUTH.drop(["a", "b"]), pd.Series({"b": None, "elsewhere": "sika", "other": "unheard of"})])
    e = evaluate_rows(ROWS, truth, n_boot=0)
    assert (e.n_clips, e.n_without_label, e.n_without_prediction) == (4, 2, 2)


def test_all_unreadable_is_all_wrong():
    rows = [(c, "s", "unreadable", "none", None) for c in "ab"]
    e = evaluate_rows(rows, pd.Series({"a": "leopard", "b": "empty"}))
    assert e.top1.value == 0 and e.macro_f1.value == 0 and e.n_unreadable == 2
    assert np.isnan(e.ece.value) and np.isnan(e.brier.value) and len(e.reliability) == 0
    assert e.to_metrics_json()["ece"] == {"value": None, "low": None, "high": None}


def test_metrics_json_is_json(evaluation):
    doc = json.loads(json.dumps(evaluation.to_metrics_json(), allow_nan=False))
    assert {"n_clips", "macro_f1", "top1", "per_label", "ece", "brier"} <= set(doc)
    assert doc["n_clips"] == 6 and doc["top1"]["value"] == 0.5
    assert {"precision", "recall", "f1", "auroc"} <= set(doc["per_label"]["leopard"])
    assert doc["per_label"]["leopard"]["recall"]["value"] == pytest.approx(1 / 3)
    assert doc["decisions"]["leopard"]["unreadable"] == 1


def test_it_prints_well(evaluation):
    text = repr(evaluation)
    assert "6 clips from 3 sites (1 unreadable" in text and "leopard called empty" in text


@pytest.mark.parametrize("n", [20_000])
def test_large_tables_are_quick(n):
    rng = np.random.default_rng(0)
    p = rng.dirichlet([1, 1, 1], n)
    table = (
        predictions_of([], LABELS)
        .reindex(range(n))
        .assign(
            clip_id=[str(i) for i in range(n)],
            site=rng.integers(0, 60, n).astype(str),
            decision="unsure",
            rule="abstained",
            **{f"p_{x}": p[:, i] for i, x in enumerate(LABELS)},
        )
    )
    truth = pd.Series(np.array(LABELS)[rng.integers(0, 3, n)], index=table["clip_id"])
    start = time.process_time()
    e = evaluate_clips(LabelledClips.from_tables(table, truth), n_boot=200)
    assert time.process_time() - start < 10  # a second on a small machine; a loop over clips would take minutes
    assert e.top1.low < 1 / 3 < e.top1.high


def test_a_person_finds_a_target_through_any_alert_not_only_the_likeliest():
    rows = [("a", "s1", "sika", "species", (0.3, 0.6, 0.1)), ("f", "s3", "empty", "empty", (0.0, 0.1, 0.9))]
    alerts = {"both": ["sika + leopard", None], "likeliest": ["sika", None]}
    found = {
        name: evaluate_clips(
            LabelledClips.from_tables(predictions_of(rows).assign(alert=["sika", None], alerts=cells), TRUTH),
            targets=("leopard",),
            n_boot=0,
        ).targets.loc["leopard"]
        for name, cells in alerts.items()
    }
    assert (found["both"]["shown"], found["both"]["found"]) == (1, 1.0)
    assert (found["likeliest"]["shown"], found["likeliest"]["found"]) == (0, 0.0)
