"""One step of training with independent labels, and the schedule of the learning rate."""

import logging

import numpy as np
import pandas as pd
import pytest
import torch
from accelerate import Accelerator

from leopardnet.compose import load_config
from leopardnet.network.classifier import build_classifier
from leopardnet.training.fit.trainer import Trainer, _build_schedule
from leopardnet.training.frames.batches import MicroBatch
from leopardnet.training.frames.labelled_frames import LabelledFrames

CELLS = ["leopard", "leopard + sika_deer", "empty", "tiger"]


@pytest.fixture
def trainer(rng):
    config = load_config("train", ["debug=smoke", "labels=amur_multi", "optim.mixup_alpha=1.0"])
    labels = config.labels.label_set()
    table = pd.DataFrame(
        {"label": CELLS, "i_label": labels.number(CELLS), "site": "x", "path": "x.jpg", "box": None}
    )
    pixels = rng.integers(0, 256, (4, 3, 64, 64), dtype=np.uint8)
    frames = LabelledFrames(table, pixels, pixels, pd.DataFrame())
    model = build_classifier(config.model, len(labels), size_px=64)
    return Trainer(model, frames, np.arange(4), config, Accelerator(cpu=True))


def test_mixed_frames_have_the_shares_of_all_labels_of_both(trainer):
    assert trainer.truth.tolist() == [[1, 0, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0]]
    seen, loss = [], trainer.loss
    trainer.loss = lambda logits, targets: (seen.append(targets), loss(logits, targets))[1]
    x, y = torch.from_numpy(trainer.frames.large), torch.from_numpy(trainer.truth)
    for i in range(8):  # every second batch is mixed
        assert np.isfinite(trainer.add_gradients(MicroBatch(x, y, i, 0, 4, True, 0.0), epoch=1))
    smoothing = trainer.config.loss.label_smoothing
    plain = y.float() * (1 - smoothing) + smoothing / 2
    mixed = [t for t in seen if not torch.allclose(t, plain)]
    assert 0 < len(mixed) < 8
    for targets in mixed:
        share = (targets[0, 1] - plain[3, 1]) / (plain[0, 1] - plain[3, 1])  # of the first frame, beside the last
        assert torch.allclose(targets, share * plain + (1 - share) * plain.flip(0), atol=1e-5)


def test_a_step_moves_the_weights(trainer):
    before = trainer.model.head.bias.detach().clone()
    x, y = torch.from_numpy(trainer.frames.large[:3]), torch.from_numpy(trainer.truth[:3])
    trainer.add_gradients(MicroBatch(x, y, 0, 0, 3, True, 0.0), epoch=1)
    trainer.step(0)
    assert not torch.equal(before, trainer.model.head.bias.detach())


@pytest.mark.parametrize(("n_steps", "first", "last"), [(1, 0.5, 0.5), (2, 0.5, 0.2525)])
def test_the_schedule_falls_from_the_full_rate_and_is_silent(caplog, n_steps, first, last):
    layer = torch.nn.Linear(2, 2)
    optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
    optim = load_config("train", ["optim.lr=0.5", "optim.epochs=1", "optim.warmup_share=0"]).optim
    with caplog.at_level(logging.WARNING):
        schedule = _build_schedule(optimizer, optim, n_steps)
    rates = [schedule._get_lr(i)[0] for i in range(n_steps)]
    assert rates[0] == pytest.approx(first) and rates[-1] == pytest.approx(last)
    assert caplog.records == []
