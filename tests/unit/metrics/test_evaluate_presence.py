"""The evaluation of independent labels against figures worked out by hand."""

import json

import numpy as np
import pandas as pd
import pytest

from leopardnet.metrics.comparison.aggregators import apply_aggregators
from leopardnet.metrics.comparison.baselines import apply_baselines
from leopardnet.metrics.comparison.compare import compare
from leopardnet.metrics.comparison.review_order import mistakes, top_probability, verdicts
from leopardnet.metrics.comparison.slices import evaluate_slices
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.labelled_clips import LabelledClips

LABELS = ("leopard", "deer", "empty")
NAN = (np.nan, np.nan, np.nan)
#    truth             decision, rule, labels named                       leopard, deer, empty
ROWS = {
    "a": ("deer + leopard", "leopard", "species", "leopard + deer", "s1", (0.9, 0.8, 0.05)),  # right
    "b": ("leopard", "leopard", "species", "leopard + deer", "s1", (0.7, 0.6, 0.1)),  # a deer too many
    "c": ("deer", "animal", "rolled_up", None, "s2", (0.2, 0.4, 0.3)),  # nothing is said
    "d": ("empty", "empty", "empty", "empty", "s2", (0.1, 0.1, 0.9)),  # right
    "e": ("empty", "leopard", "species", "leopard", "s3", (0.6, 0.1, 0.7)),  # the leopard contradicts empty
    "f": ("leopard", "unreadable", "none", None, "s3", NAN),
}


def table(rows=ROWS):
    columns = ["truth", "decision", "rule", "labels", "site", "p"]
    found = pd.DataFrame(list(rows.values()), columns=columns).assign(clip_id=list(rows), status="ok", alert=None)
    p = np.array(found.pop("p").tolist())
    return found.drop(columns="truth").assign(
        score=p.max(axis=1), **{f"p_{x}": p[:, i] for i, x in enumerate(LABELS)}
    )


def truth(rows=ROWS):
    return pd.Series({clip_id: row[0] for clip_id, row in rows.items()})


def clips(rows=ROWS, **options):
    return LabelledClips.from_tables(table(rows), truth(rows), **options)


@pytest.fixture(scope="module")
def found():
    return evaluate_clips(clips(), targets=("leopard", "deer"), n_boot=200)


@pytest.mark.parametrize(
    ("label", "support", "precision", "recall", "f1", "brier"),
    [
        ("leopard", 3, 2 / 3, 2 / 3, 2 / 3, (0.01 + 0.09 + 0.04 + 0.01 + 0.36) / 5),
        ("deer", 2, 1 / 2, 1 / 2, 1 / 2, (0.04 + 0.36 + 0.36 + 0.01 + 0.01) / 5),
        # 'empty' is said of d alone: of e it is at most 1 - 0.6, because a leopard is that likely
        ("empty", 2, 1.0, 1 / 2, 2 / 3, (0.05**2 + 0.1**2 + 0.3**2 + 0.1**2 + 0.6**2) / 5),
    ],
)
def test_each_label_is_judged_by_whether_clips_show_it(found, label, support, precision, recall, f1, brier):
    assert found.per_label.loc[label, "support"] == support
    expected = {"precision": precision, "recall": recall, "f1": f1, "brier": brier}
    assert {m: found.label_estimate(label, m).value for m in expected} == pytest.approx(expected)


def test_the_figures_of_all_labels(found):
    assert found.macro_f1.value == pytest.approx((2 / 3 + 1 / 2 + 2 / 3) / 3)
    assert found.subset.value == pytest.approx(2 / 6) and found.n_right == 2
    assert found.brier.value == pytest.approx((0.102 + 0.156 + 0.0945) / 3)
    # five different probabilities have a bin each, so the error is the mean distance from what is there
    assert found.label_estimate("leopard", "ece").value == pytest.approx((0.1 + 0.3 + 0.2 + 0.1 + 0.6) / 5)
    assert found.answered.value == pytest.approx(4 / 6) and found.answered_right.value == pytest.approx(2 / 4)
    assert found.presence_auroc.value == 1.0, "1 - p_nothing is 0.95, 0.9, 0.7 with an animal, 0.1 and 0.6 without"
    assert found.prevalence == pytest.approx({"leopard": 3 / 6, "deer": 2 / 6, "empty": 2 / 6})
    assert (found.n_clips, found.n_unreadable, found.n_sites) == (6, 1, 3)
    assert found.label_estimate("leopard", "auprc").value == pytest.approx(1.0)  # 0.9 and 0.7 above 0.6


def test_a_precision_at_another_prevalence_follows_from_recall_and_false_rate(found):
    hits = 0.01 * 2 / 3  # of the three clips without a leopard, one is said to show it
    assert found.precision_by_prevalence("leopard", 0.01).value == pytest.approx(hits / (hits + 0.99 / 3))


def test_wrong_names_and_combinations_take_the_place_of_a_confusion_matrix(found):
    assert found.confusion.empty and np.isnan(found.top1.value)
    wrong = found.wrong_names
    assert wrong.loc["leopard", "deer"] == 1 and wrong.loc["empty", "leopard"] == 1 and wrong.to_numpy().sum() == 2
    assert found.decisions.loc["leopard + deer"].sum() == 1
    assert (
        found.decisions.loc["leopard", "leopard + deer"] == 1 and found.decisions.loc["leopard", "unreadable"] == 1
    )
    assert found.decisions.loc["empty", "empty"] == 1 and found.decisions.to_numpy().sum() == 6, "each clip once"


def test_targets_count_every_clip_that_shows_them(found):
    row = found.targets.loc["leopard"]
    assert (row["support"], row["shown"], row["lost"]) == (3, 3, 0) and row["found"] == pytest.approx(2 / 3)
    assert found.target_lost == {"leopard": 0, "deer": 0}


def test_nothing_that_is_written_takes_labels_for_exclusive(found):
    metrics = json.loads(json.dumps(found.to_metrics_json()))
    assert not {"top1", "confusion"} & set(metrics) and metrics["subset"]["value"] == pytest.approx(1 / 3)
    assert "confusion" not in found.to_tables() and "wrong_names" in found.to_tables()
    assert "top-1" not in repr(found) and "all labels right 0.333" in repr(found)
    assert set(found.headline) == {"macro-F1", "all labels right", "ECE", "Brier"}


def test_review_begins_with_the_clip_whose_least_certain_label_is_least_certain(found):
    # certainty: a 0.8, b 0.6 (deer), c 0.6 (deer), d 0.9, e 0.6; the surest third, d and a, is right
    assert found.coverage.set_index("coverage").loc[0.3, "risk"] == pytest.approx(0.0, abs=1e-9)
    assert top_probability(table()).round(2).tolist()[:5] == [0.8, 0.6, 0.6, 0.9, 0.6]


def test_verdicts_ask_for_exactly_the_true_labels():
    assert verdicts(table(), truth()).tolist() == ["right", "wrong", "open", "right", "wrong", "open"]
    worst = mistakes(table(), truth())
    assert worst["clip_id"].tolist() == ["b", "e"] and worst["p_true"].tolist() == [0.7, 0.7]


def test_a_species_that_the_model_does_not_know_leaves_the_other_labels_of_the_clip_in():
    rows = {**ROWS, "g": ("boar + leopard", "leopard", "species", "leopard", "s1", (0.9, 0.1, 0.05)),
            "h": ("boar", "deer", "species", "deer", "s1", (0.1, 0.9, 0.05))}  # fmt: skip
    joined = clips(rows, outside=("boar",))
    assert joined.is_outside.tolist() == [False] * 6 + [True] * 2 and joined.is_known.tolist() == [True] * 7 + [
        False
    ]
    more = evaluate_clips(joined, n_boot=0)
    assert more.per_label.loc["leopard", "support"] == 4 and more.subset.value == pytest.approx(2 / 7)
    assert more.decisions.loc["boar", "deer"] == 1


def test_with_one_label_in_every_clip_the_counts_are_those_of_exclusive_labels():
    rows = {k: ROWS[k] for k in "df"} | {"x": ("deer", "deer", "species", "deer", "s1", (0.05, 0.9, 0.02))}
    multi = evaluate_clips(clips(rows), n_boot=50)
    single = evaluate_clips(LabelledClips.from_tables(table(rows).drop(columns="labels"), truth(rows)), n_boot=50)
    columns = [f"{m}{end}" for m in ("precision", "recall", "f1") for end in ("", "_low", "_high")]
    pd.testing.assert_frame_equal(multi.per_label[["support", *columns]], single.per_label[["support", *columns]])
    assert multi.macro_f1 == single.macro_f1 and multi.subset.value == single.top1.value


def test_variants_and_slices_are_compared_by_presence(found):
    frames = pd.DataFrame({"clip_id": list("aabcde"), "i_frame": [0, 1, 0, 0, 0, 0], "boxes": None})
    p = [(0.9, 0.1, 0.1), (0.1, 0.8, 0.1), *(ROWS[k][5] for k in "bcde")]
    frames = frames.assign(**{f"p_{x}": [row[i] for row in p] for i, x in enumerate(LABELS)})
    frames = frames.assign(**{f"cos_{x}": 0.5 for x in LABELS}, energy=1.0)
    baselines = apply_baselines(clips(), frames)
    assert set(baselines) == {"majority", "middle_frame", "best_frame"}, "class means compare exclusive labels"
    assert baselines["majority"].probs[0].tolist() == pytest.approx([3 / 6, 2 / 6, 2 / 6])
    assert baselines["majority"].decisions.tolist() == ["leopard"] * 6, "a share of a half is said"
    variants = apply_aggregators(clips(), frames)
    rows = compare({k: variants[k] for k in ("max", "mean_logit")}, model=found, n_boot=200)
    assert "subset" in rows and "top1" not in rows and rows["behind"].notna().all()
    slices = evaluate_slices(clips(), pd.Series({k: row[4] for k, row in ROWS.items()}), n_boot=0)
    assert slices["n_right"].tolist() == [1, 1, 0]
