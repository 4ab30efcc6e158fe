import math

import pytest

from leopardnet.training.rank_epochs import explain_choice, find_best, is_better, rank_epoch


def row(f1, nll=1.0, **more):
    return {"val_macro_f1": f1, "val_nll": nll, **more}


def test_macro_f1_counts_first_and_likelihood_at_a_tie():
    assert is_better(row(0.6, 9.0), [row(0.5, 1.0), row(0.4, 0.1)])
    assert is_better(row(0.5, 0.9), [row(0.5, 1.0)]) and not is_better(row(0.5), [row(0.5)])


def test_the_last_bits_of_a_float_decide_nothing():
    assert 0.1 + 0.2 != 0.3 and rank_epoch(row(0.1 + 0.2, 1 + 1e-13)) == rank_epoch(row(0.3, 1.0))
    assert find_best([row(0.3, epoch=1), row(0.1 + 0.2, epoch=2)])["epoch"] == 1, "of equal epochs the first"


@pytest.mark.parametrize("missing", [{}, row(None, None), row(math.nan, math.nan)])
def test_an_epoch_without_figures_is_worse_than_any_other(missing):
    assert is_better(row(0.0, 1e9), [missing])


def test_an_epoch_must_beat_the_probe_by_more_than_chance():
    probe = row(0.80, epoch=0)
    sure, unsure = (
        row(0.83, epoch=1, val_gain=0.03, val_gain_se=0.02),
        row(0.84, epoch=2, val_gain=0.04, val_gain_se=0.05),
    )
    assert find_best([probe, sure, unsure])["epoch"] == 1, "the best of those that beat the probe"
    assert find_best([probe, unsure])["epoch"] == 0 and not is_better(unsure, [probe])
    assert find_best([probe, row(0.9, epoch=1, val_gain=0.1, val_gain_se=math.nan)])["epoch"] == 0, "one site"
    assert find_best([probe, row(0.9, epoch=1)])["epoch"] == 1, "runs of older versions did not measure it"


def test_the_choice_is_explained_in_words():
    probe = row(0.8, epoch=0)
    tuned = row(0.84, epoch=2, val_gain=0.04, val_gain_se=0.05, train_s=61.0)
    assert explain_choice([probe], 0) == "kept: the probe, as the settings have no epochs of fine-tuning"
    assert explain_choice([probe, row(0.7, epoch=1, val_gain=-0.1, val_gain_se=0.02, train_s=1.0), tuned], 0) == (
        "kept: the probe. Fine-tuning's best epoch, 2, is 0.040 above it in macro-F1 (not more than chance between "
        "sites gives, ±0.050); fine-tuning took 2 min"
    )
    assert explain_choice([probe, tuned | {"val_gain_se": 0.01}], 2) == (
        "kept: epoch 2, whose macro-F1 is 0.040 above that of the probe (chance between sites gives ±0.010); "
        "fine-tuning took 2 min"
    )
    assert explain_choice([probe], 0, start="the model as it was").startswith("kept: the model as it was, as the")
    assert "0.040 above it in macro-F1 (one site" in explain_choice([probe, tuned | {"val_gain_se": math.nan}], 0)
    assert explain_choice([row(0.5, epoch=1)], 1) == "kept: epoch 1, the best on these clips", "from scratch"
    assert explain_choice([probe, row(0.5, epoch=1)], 0) == "kept: the probe, the best on these clips", "an old run"
