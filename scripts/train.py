"""`leopardnet train` for sweeps: one run, or with -m one run for every combination of values.

The manifest is given by `+manifest=PATH` (and `+root=DIR` if the footage has moved). The run folder is hydra's:
outputs/DATE/TIME, or multirun/DATE/TIME/N in a sweep. hydra.run.dir=DIR and hydra.sweep.dir=DIR change it.

Example: python scripts/train.py -m +manifest=manifest.parquet model=lite0 optim.lr=1e-4,3e-4
"""

from __future__ import annotations

import sys
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, open_dict

from leopardnet.cli.console import say, stages
from leopardnet.compose import build_settings, refuse_unstated_weights
from leopardnet.core.errors import ConfigError, LeopardnetError
from leopardnet.core.manifest import Manifest


@hydra.main(version_base="1.3", config_path="../configs", config_name="train")
def main(composed: DictConfig) -> float:
    """Train and return the best macro-F1 on validation clips, which sweepers maximise."""
    try:
        return train(composed, out=Path(HydraConfig.get().runtime.output_dir))
    except LeopardnetError as error:
        sys.exit(f"error: {error}")


def train(composed: DictConfig, *, out: Path) -> float:
    """Train on `composed.manifest` into `out`, and return the best macro-F1 on validation clips."""
    with open_dict(composed):  # these two keys describe the machine, not the experiment
        path, root = composed.pop("manifest", None), composed.pop("root", None)
    if path is None:
        raise ConfigError(
            "there is no manifest to train on",
            expected="+manifest=PATH among the settings",
            todo="python scripts/train.py +manifest=manifest.parquet",
        )
    refuse_unstated_weights(HydraConfig.get().overrides.task)
    config = build_settings(composed)
    manifest = Manifest.read(Path(path), root=Path(root) if root else None)

    from leopardnet.training.pack.pack import train_bundle

    with stages() as tell:
        run = train_bundle(manifest, config, out=out, on_progress=tell)
    say(f"macro-F1 {run.best['val_macro_f1']:.3f} on validation clips; model: {out / 'bundle'}")
    return run.best["val_macro_f1"]


if __name__ == "__main__":
    main()
