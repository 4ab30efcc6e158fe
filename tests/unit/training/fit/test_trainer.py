"""The schedule of the learning rate: a single step is no reason for a line of a library."""

import logging

import pytest
import torch

from leopardnet.compose import load_config
from leopardnet.training.fit.trainer import _build_schedule


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
