"""Settings that only the weights or the data can fill in."""

from __future__ import annotations

from collections.abc import Sequence

from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import EMPTY
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import LabelConfig, LabelsConfig
from leopardnet.core.settings.training import TrainConfig
from leopardnet.network.backbone_weights import native_size_px


def resolve_settings(config: TrainConfig, manifest: Manifest) -> TrainConfig:
    """The settings with an input size and a label set; from scratch also without pretrained weights.

    A label set without labels (labels=from_data) takes those that the manifest's rows to learn from have, in
    alphabetical order, `empty` last. Raises ManifestError where they are fewer than two.
    """
    changes: dict[str, object] = {}
    if not config.preprocess.size_px:
        changes["preprocess"] = config.preprocess.model_copy(update={"size_px": native_size_px(config.model)})
    if not config.labels.labels:
        changes["labels"] = derive_labels(manifest, targets=config.labels.targets)
    if config.optim.mode == "scratch":
        changes["model"] = config.model.model_copy(update={"weights": "none"})
    return config.model_copy(update=changes) if changes else config


def derive_labels(manifest: Manifest, *, targets: Sequence[str] = ()) -> LabelsConfig:
    """The label set that the labelled rows speak of; of the targets, those that are among them."""
    found = sorted(manifest.table.loc[manifest.table["split"].ne("test"), "label"].dropna().unique())
    if len(found) < 2:
        raise ManifestError(
            "there is nothing to tell apart",
            found="labels: " + (", ".join(found) or "none"),
            expected="rows of at least two labels",
            todo="sort the pictures into one folder for each label, or import them with their labels",
        )
    names = [name for name in found if name != EMPTY] + [EMPTY] * (EMPTY in found)
    return LabelsConfig(
        labels=tuple(LabelConfig(name=name) for name in names),
        empty=EMPTY if EMPTY in found else None,
        targets=tuple(name for name in targets if name in names),
    )
