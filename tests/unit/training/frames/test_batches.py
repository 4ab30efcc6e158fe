import numpy as np
import pandas as pd
import pytest
import torch

from leopardnet.compose import load_group
from leopardnet.core.errors import MediaError
from leopardnet.training.augment.pipeline import Augmenter
from leopardnet.training.frames.batches import (
    compute_sampling_weights,
    count_steps,
    draw_epoch_order,
    make_micro_batches,
)
from leopardnet.training.frames.labelled_frames import LabelledFrames

STANDARD, NONE = load_group("augment", "standard"), load_group("augment", "none")
DATA, OPTIM = load_group("data", "standard"), load_group("optim", "gentle")


class Array:
    """Pixels in memory; a row in `broken` cannot be read."""

    def __init__(self, pixels, broken=()):
        self.pixels, self.broken = pixels, broken

    def __len__(self):
        return len(self.pixels)

    def __getitem__(self, i):
        if i in self.broken:
            raise MediaError("the picture cannot be read", where=f"{i}.jpg")
        return self.pixels[i]


def frames_of(pixels, broken=()):
    n = len(pixels)
    table = pd.DataFrame(
        {
            "i_label": np.arange(n) % 2,
            "label": "x",
            "path": [f"{i}.jpg" for i in range(n)],
            "site": "x",
            "box": None,
        }
    )
    return LabelledFrames(table, Array(pixels, broken), Array(pixels, broken), pd.DataFrame())


@pytest.fixture
def noise(rng):
    return frames_of(rng.integers(0, 256, (10, 3, 36, 36), dtype=np.uint8))


def epoch_of(frames, *, n_workers=2, epoch=0, seed=7, augment=STANDARD, size=4, micro=4, **options):
    optim = OPTIM.model_copy(update={"batch_size": size, "micro_batch_size": micro})
    return list(
        make_micro_batches(
            frames,
            np.arange(len(frames)),
            Augmenter(augment, size_px=32, seed=seed),
            optim=optim,
            data=DATA,
            seed=seed,
            epoch=epoch,
            n_workers=n_workers,
            **options,
        )
    )


def test_the_number_of_workers_changes_no_batch(noise):
    one, three = epoch_of(noise, n_workers=1), epoch_of(noise, n_workers=3)
    assert [len(b.y) for b in one] == [4, 4, 2] and [b.n_in_step for b in one] == [4, 4, 2]
    assert all(torch.equal(a.x, b.x) and torch.equal(a.y, b.y) for a, b in zip(one, three, strict=True))


def test_micro_batches_are_parts_of_the_same_step(noise):
    whole, parts = epoch_of(noise), epoch_of(noise, micro=3)
    assert [(b.i_step, b.i_part, len(b.y), b.is_last) for b in parts] == [
        (0, 0, 3, False),
        (0, 1, 1, True),
        (1, 0, 3, False),
        (1, 1, 1, True),
        (2, 0, 2, True),
    ]
    assert torch.equal(torch.cat([b.x for b in whole]), torch.cat([b.x for b in parts]))


def test_two_processes_share_out_the_micro_batches_of_one(noise):
    one = epoch_of(noise, micro=1)
    two = [epoch_of(noise, micro=1, rank=r, n_ranks=2) for r in range(2)]
    key = lambda b: (b.i_step, b.i_part)  # noqa: E731
    both = {key(b): b for part in two for b in part}
    assert len(both) == len(one) == 10
    assert all(torch.equal(b.x, both[key(b)].x) for b in one)
    for part in two:
        assert [b.i_step for b in part if b.is_last] == [0, 1, 2], "every process makes every step"


def test_a_process_without_a_part_of_a_step_still_makes_it(noise):
    last = epoch_of(noise, micro=2, rank=1, n_ranks=2)[-1]
    assert (last.i_step, len(last.y), last.is_last, last.n_in_step) == (2, 0, True, 2)


def test_an_epoch_goes_on_from_any_step(noise):
    whole, rest = epoch_of(noise), epoch_of(noise, first_step=2)
    assert len(rest) == 1 and torch.equal(rest[0].x, whole[2].x)
    assert epoch_of(noise, first_step=3) == []


def test_epochs_and_seeds_differ_and_repeat(noise):
    first = torch.cat([b.x for b in epoch_of(noise)])
    assert torch.equal(first, torch.cat([b.x for b in epoch_of(noise)]))
    assert not torch.equal(first, torch.cat([b.x for b in epoch_of(noise, epoch=1)]))
    assert not torch.equal(first, torch.cat([b.x for b in epoch_of(noise, seed=8)]))


def test_equal_frames_get_different_changes(noise):
    same = frames_of(np.repeat(noise.exact.pixels[:1], 10, axis=0))
    x = torch.cat([b.x for b in epoch_of(same)])
    assert len({row.numpy().tobytes() for row in x}) == 10


def test_each_item_comes_once_with_its_own_label(noise):
    greys = [int(p.mean() * 1000) for p in noise.exact.pixels[:, :, 2:34, 2:34]]
    batches = epoch_of(frames_of(noise.exact.pixels[:, :, 2:34, 2:34]), augment=NONE)
    pairs = [(int(b.x[i].float().mean() * 1000), int(b.y[i])) for b in batches for i in range(len(b.y))]
    assert sorted(pairs) == sorted((grey, i % 2) for i, grey in enumerate(greys))


def test_a_frame_that_cannot_be_read_is_named_and_not_replaced(noise):
    batches = epoch_of(frames_of(noise.exact.pixels, broken=(3, 4)))
    assert sum(len(b.y) for b in batches) == 8 and [b.n_in_step for b in batches] == [4, 4, 2]
    assert sorted(row for b in batches for row, _ in b.failed) == [3, 4]
    assert all("cannot be read" in reason for b in batches for _, reason in b.failed)


def test_the_order_of_an_epoch_is_a_permutation():
    assert sorted(draw_epoch_order(100, 7, 3)) == list(range(100))
    assert (draw_epoch_order(100, 7, 3) != draw_epoch_order(100, 7, 4)).any()


def test_draws_do_not_depend_on_the_last_bits_of_the_weights(rng):
    weights = rng.uniform(0.1, 1.0, 500)
    noisy = weights * (1 + rng.uniform(-1e-15, 1e-15, 500))
    assert (noisy != weights).any()
    first, second = (draw_epoch_order(500, 7, 1, weights=w) for w in (weights, noisy))
    assert (first == second).all() and len(set(first.tolist())) < 500, "with replacement"


def test_balance_draws_rare_labels_and_quiet_sites_as_often():
    table = pd.DataFrame({"label": ["a"] * 8 + ["b"] * 2, "site": ["x"] * 9 + [None]})
    assert compute_sampling_weights(table, DATA) is None
    by_label = compute_sampling_weights(table, DATA.model_copy(update={"balance_labels": 1.0}))
    assert by_label[:8].sum() == pytest.approx(0.5) and by_label[8] == pytest.approx(0.25)
    half = compute_sampling_weights(table, DATA.model_copy(update={"balance_labels": 0.5}))
    assert half[8] / half[0] == pytest.approx(2.0)  # the square root of 8 / 2
    by_site = compute_sampling_weights(table, DATA.model_copy(update={"balance_sites": 1.0}))
    assert by_site[9] == pytest.approx(by_site[0]), "a frame without a site weighs what others weigh"


@pytest.mark.parametrize(
    ("n", "size", "cut", "steps"), [(10, 4, None, 3), (8, 4, None, 2), (10, 4, 2, 2), (1, 4, 9, 1)]
)
def test_steps_of_an_epoch(n, size, cut, steps):
    assert count_steps(n, OPTIM.model_copy(update={"batch_size": size, "steps_per_epoch": cut})) == steps


def test_frames_of_independent_labels_come_with_all_of_them(noise):
    truth = np.array([[i % 2 == 0, i % 3 == 0] for i in range(10)])
    for batch, plain in zip(epoch_of(noise, truth=truth), epoch_of(noise), strict=True):
        assert batch.y.dtype == torch.bool and batch.y.shape == (len(plain.y), 2)
        assert batch.y[:, 0].tolist() == (plain.y == 0).tolist()
