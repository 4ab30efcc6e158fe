"""A look at what the network is shown: the first augmented frames of a run."""

from __future__ import annotations

from pathlib import Path

from leopardnet.core.labels import JOINER
from leopardnet.training.augment.pipeline import Augmenter
from leopardnet.training.fit.trainer import Trainer
from leopardnet.training.frames.batches import make_micro_batches
from leopardnet.training.plots import draw_contact_sheet


def draw_first_batch(trainer: Trainer, path: Path) -> bool:
    """Draw the first augmented frames of a run, unless the file exists; return whether they were drawn."""
    if path.is_file():
        return False
    config = trainer.config
    once = {"batch_size": 32, "micro_batch_size": 32, "steps_per_epoch": 1}
    augment = Augmenter(config.augment, size_px=config.preprocess.size_px, seed=config.seed)
    batches = make_micro_batches(
        trainer.frames,
        trainer.rows,
        augment,
        optim=config.optim.model_copy(update=once),
        data=config.data,
        seed=config.seed,
        epoch=1,
        n_workers=1,
        truth=trainer.truth,
    )
    first = next(iter(batches))
    names = config.labels.label_set().names
    captions = [
        names[y] if isinstance(y, int) else JOINER.join(x for x, shown in zip(names, y, strict=True) if shown)
        for y in first.y.tolist()
    ]
    draw_contact_sheet(first.x.numpy(), captions, path)
    return True
