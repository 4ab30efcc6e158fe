"""Strangers: every score by hand, and the judgement of them."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.core.errors import ManifestError
from leopardnet.metrics.bootstrap import SiteDraws
from leopardnet.metrics.comparison.novelty import evaluate_novelty, evaluate_novelty_scores, novelty_scores
from leopardnet.metrics.evaluate_clips import evaluate_clips
from leopardnet.metrics.labelled_clips import LabelledClips

LABELS = ("leopard", "tiger", "other", "empty")
FAMILIAR = ["energy", *(f"cos_{x}" for x in LABELS)]


def test_scores_by_hand():
    scores = novelty_scores(
        np.array([[0.5, 0.25, 0.05, 0.2], [0.0, 0.0, 0.0, 1.0]]),
        LABELS,
        familiar=pd.DataFrame([[3.0, 0.5, 0.25, 0.1, 0.9], [5.0, 0.1, 0.75, 0.2, 0.0]], columns=FAMILIAR),
    )
    assert scores["msp"].tolist() == [0.5, 0.0] and scores["other"].tolist() == [0.05, 0.0]
    assert scores["which_animal"].tolist() == pytest.approx([1 - 0.5 / 0.8, 0.0])
    expected = -(0.5 * np.log(0.5) + 0.25 * np.log(0.25) + 0.05 * np.log(0.05) + 0.2 * np.log(0.2))
    assert scores["entropy"].tolist() == pytest.approx([expected, 0.0])
    assert scores["energy"].tolist() == [-3.0, -5.0]
    assert scores["class_mean"].tolist() == [0.5, 0.25], "the nearest animal; near to empty is no animal known"
    assert "energy" not in novelty_scores(np.array([[1.0, 0, 0, 0]]), LABELS)


def test_clips_whose_largest_probability_rounds_to_one_still_differ():
    scores = novelty_scores(np.array([[1.0, 1e-9, 0, 0], [1.0, 1e-20, 0, 0]]), LABELS)
    assert scores["msp"].tolist() == [1e-9, 1e-20]


def test_a_score_that_some_clips_lack_is_left_out():
    """Rows of an older version, or of a network without class means."""
    familiar = pd.DataFrame([[3.0, *[np.nan] * 4], [5.0, *[np.nan] * 4]], columns=FAMILIAR)
    found = novelty_scores(np.array([[1.0, 0, 0, 0]] * 2), LABELS, familiar=familiar)
    assert "energy" in found and "class_mean" not in found


def test_the_judgement_by_hand():
    """Strange 0.9, 0.4; known 0.1, 0.2, 0.3, 0.5. Pairs right: 4 and 3 of 8. Keeping all known catches 0.9."""
    score = np.array([0.9, 0.4, 0.1, 0.2, 0.3, 0.5])
    draws = SiteDraws.of(np.array([0, 0, 1, 1, 2, 2]), n_boot=50, seed=7)
    table = evaluate_novelty_scores({"msp": score}, np.arange(6) < 2, draws)
    assert table.loc["msp", "auroc"] == 7 / 8 and table.loc["msp", "caught"] == 0.5


def labelled(predictions, truth):
    return LabelledClips.from_tables(predictions, truth, outside=["boar"])


@pytest.fixture
def predictions():
    p = np.array([[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.5, 0.4, 0.1], [0.0, 0.1, 0.9], [np.nan] * 3])
    table = pd.DataFrame(
        {"clip_id": list("abcde"), "site": list("xxyyy"), "decision": "leopard", "rule": "species"}
    )
    return table.assign(p_leopard=p[:, 0], p_tiger=p[:, 1], p_empty=p[:, 2])


def test_left_out_species_are_judged_against_known_animals(predictions):
    truth = pd.Series({"a": "leopard", "b": "tiger", "c": "boar", "d": "empty", "e": "boar"})
    table = evaluate_novelty(labelled(predictions, truth), n_boot=20)
    assert table.loc["msp", "auroc"] == 1.0, (
        "0.5 against 0.1 and 0.4; the empty and the unreadable clip have no part"
    )
    assert table.loc["which_animal", "auroc"] == 1.0
    assert list(table.index) == ["msp", "entropy", "which_animal"]


def test_energy_and_class_means_come_from_the_frames(predictions):
    """Clips a and b are known; c is strange: the frame that shows it has the least energy of the three."""
    truth = pd.Series({"a": "leopard", "b": "tiger", "c": "boar"})
    rows = [("a", 0.1, 5.0, 0.9), ("b", 0.2, 4.0, 0.8), ("c", 0.1, 1.0, 0.85), ("c", 0.9, 9.0, 0.1)]
    frames = pd.DataFrame(rows, columns=["clip_id", "p_empty", "energy", "cos_leopard"])
    frames = frames.assign(cos_tiger=0.0, cos_empty=1.0)
    table = evaluate_novelty(labelled(predictions, truth), evidence=frames, n_boot=20)
    assert table.loc["energy", "auroc"] == 1.0, "-1 against -5 and -4: the empty frame of c does not count"
    assert table.loc["class_mean", "auroc"] == 0.5, "0.15 against 0.1 and 0.2"
    without = frames[frames["clip_id"] != "a"]
    assert "energy" not in evaluate_novelty(labelled(predictions, truth), evidence=without, n_boot=20).index


def test_left_out_species_have_no_part_in_the_figures_and_a_row_in_the_decisions(predictions):
    truth = pd.Series({"a": "leopard", "b": "tiger", "c": "boar", "d": "empty", "e": "boar"})
    e = evaluate_clips(labelled(predictions, truth), n_boot=0)
    assert e.n_clips == 3 and e.n_without_label == 0
    assert e.decisions.loc["boar"].to_dict()["leopard"] == 2 and "boar" not in e.confusion.index
    without = evaluate_clips(LabelledClips.from_tables(predictions, truth[truth != "boar"]), n_boot=0)
    assert e.macro_f1 == without.macro_f1 and e.top1 == without.top1


def test_no_stranger_is_said_so(predictions):
    with pytest.raises(ManifestError, match="no clip shows a species that was left out"):
        evaluate_novelty(labelled(predictions, pd.Series({"a": "leopard"})))
