import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from leopardnet.compose import load_group
from leopardnet.training.fit.losses import build_loss, build_targets, compute_label_weights

BALANCED = load_group("loss", "balanced")
Y = np.array([0] * 6 + [1] * 2)
LOGITS = torch.tensor([[2.0, 0.0], [0.0, 1.0]])
TARGETS = torch.eye(2)


def loss_config(**changes):
    return BALANCED.model_copy(update=changes)


def test_plain_cross_entropy_is_that_of_torch():
    loss = build_loss(loss_config(label_smoothing=0, class_balance=0), Y, n_labels=2)
    assert float(loss(LOGITS, TARGETS)) == pytest.approx(
        float(F.cross_entropy(LOGITS, torch.tensor([0, 1]), reduction="sum"))
    )


def test_smoothing_is_that_of_torch():
    targets = build_targets(torch.tensor([0, 1]), n_labels=2, smoothing=0.1)
    loss = build_loss(loss_config(class_balance=0), Y, n_labels=2)
    expected = F.cross_entropy(LOGITS, torch.tensor([0, 1]), label_smoothing=0.1, reduction="sum")
    assert float(loss(LOGITS, targets)) == pytest.approx(float(expected))


def test_balance_makes_every_label_weigh_the_same_and_keeps_the_scale():
    counts = np.array([6.0, 2.0])
    weights = compute_label_weights(counts, 1.0)
    assert (weights * counts).tolist() == pytest.approx([4.0, 4.0])
    assert compute_label_weights(counts, 0.0).tolist() == [1.0, 1.0]
    assert (compute_label_weights(counts, 0.5) * counts).sum() == pytest.approx(8.0)


def test_a_sum_over_parts_is_the_sum_of_the_whole():
    loss = build_loss(loss_config(class_balance=0.7, kind="focal"), Y, n_labels=2)
    assert float(loss(LOGITS, TARGETS)) == pytest.approx(
        sum(float(loss(LOGITS[i : i + 1], TARGETS[i : i + 1])) for i in range(2))
    )


def test_the_rare_label_must_win_by_the_log_of_its_rarity():
    loss = build_loss(loss_config(class_balance=0, logit_adjust=1.0), Y, n_labels=2)
    even = torch.tensor([[0.0, math.log(3)]])  # 6 to 2: three times as frequent
    assert float(loss(even, torch.tensor([[0.0, 1.0]]))) == pytest.approx(math.log(2), abs=1e-6)


def test_focal_hardly_counts_what_is_right_already():
    plain, focal = (
        build_loss(loss_config(class_balance=0, kind=kind), Y, n_labels=2) for kind in ("cross_entropy", "focal")
    )
    sure = torch.tensor([[math.log(9), 0.0]])  # p = 0.9
    right = torch.tensor([[1.0, 0.0]])
    assert float(focal(sure, right)) == pytest.approx(0.1**2 * float(plain(sure, right)))


def test_a_label_without_examples_breaks_nothing():
    loss = build_loss(loss_config(class_balance=1.0, logit_adjust=1.0), np.array([0, 0]), n_labels=3)
    assert math.isfinite(float(loss(torch.zeros(1, 3), torch.tensor([[0.0, 0.0, 1.0]]))))


# --- independent labels ---

SHOWS = np.array([[True, False], [True, True], [False, False], [True, False]])


def test_independent_labels_have_a_binary_loss_each_with_the_weight_of_the_label():
    plain = build_loss(loss_config(class_balance=0, logit_adjust=0), SHOWS, n_labels=2)
    z, targets = torch.tensor([[0.0, math.log(3)]]), torch.tensor([[1.0, 0.0]])
    assert float(plain(z, targets)) == pytest.approx(math.log(2) + math.log(4))  # p is 0.5 and 0.75
    balanced = build_loss(loss_config(class_balance=1, logit_adjust=0), SHOWS, n_labels=2)
    weights = compute_label_weights(np.array([3.0, 1.0]), 1.0)
    assert weights.tolist() == pytest.approx([2 / 3, 2]), "three clips show the first label and one the second"
    assert float(balanced(z, targets)) == pytest.approx(2 / 3 * math.log(2) + 2 * math.log(4))


def test_independent_targets_are_moved_towards_a_half():
    targets = build_targets(torch.from_numpy(SHOWS[:2]), n_labels=2, smoothing=0.1)
    assert targets.flatten().tolist() == pytest.approx([0.95, 0.05, 0.95, 0.95])


def test_focal_and_margin_of_independent_labels():
    z, targets = torch.tensor([[math.log(3), 0.0]]), torch.tensor([[1.0, 1.0]])
    focal = build_loss(
        loss_config(kind="focal", focal_gamma=2.0, class_balance=0, logit_adjust=0), SHOWS, n_labels=2
    )
    expected = 0.25**2 * math.log(4 / 3) + 0.5**2 * math.log(2)
    assert float(focal(z, targets)) == pytest.approx(expected)
    adjusted = build_loss(loss_config(class_balance=0, logit_adjust=1.0), SHOWS, n_labels=2)
    # odds of 3 to 1 and 1 to 3: the logits become log 9 and log 1/3
    assert float(adjusted(z, targets)) == pytest.approx(math.log(10 / 9) + math.log(4))
