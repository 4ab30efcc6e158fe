"""Settings that depend on the weights or the data."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.core.labels import ANIMAL, EMPTY, UNREADABLE, UNSURE, is_label_id, split_labels
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import LabelsConfig
from leopardnet.core.settings.known_labels import describe_label
from leopardnet.core.settings.training import TrainConfig
from leopardnet.data.reading.label_ids import make_label_id
from leopardnet.network.backbone_weights import native_size_px
from leopardnet.training.augment.pipeline import load_own_transform


def resolve_settings(config: TrainConfig, manifest: Manifest) -> TrainConfig:
    """Return the settings with an input size and a label set; with optim=scratch, also without pretrained weights.

    An empty label set (labels=from_data) is replaced by the labels of the manifest's training rows, in alphabetical
    order, `empty` last. Raises ManifestError if there are fewer than two, and ConfigError for a label with the name
    of a decision.
    """
    changes: dict[str, object] = {}
    if not config.preprocess.size_px:
        changes["preprocess"] = config.preprocess.model_copy(update={"size_px": native_size_px(config.model)})
    if not config.labels.labels:
        changes["labels"] = derive_labels(manifest, targets=config.labels.targets, multi=config.labels.multi)
    if config.optim.mode == "scratch":
        changes["model"] = config.model.model_copy(update={"weights": "none"})
    resolved = config.model_copy(update=changes) if changes else config
    _refuse_decision_names(resolved.labels.label_set().names)
    if config.augment.own:
        load_own_transform(config.augment.own)  # what cannot be used is refused before the work begins
    return resolved


def _refuse_decision_names(names: Sequence[str]) -> None:
    """Raise ConfigError for names that results could not tell from decisions; bundles that have them still open."""
    decisions = {UNSURE, UNREADABLE} | ({ANIMAL} if set(names) - {ANIMAL, EMPTY} else set())
    if found := [name for name in names if name in decisions]:
        raise ConfigError(
            "a label has the name of a decision, so that results could mean either",
            where="labels",
            found=found,
            expected="names of species or groups; `animal` only where no other label but `empty` is in the set",
            todo="rename the label, such as other_animal, or leave the label of these rows empty",
        )


def derive_labels(manifest: Manifest, *, targets: Sequence[str] = (), multi: bool = False) -> LabelsConfig:
    """Return the label set of the labelled rows, with those targets that are in it.

    multi: the labels are independent, and those of rows with several labels belong to the set.
    """
    rows = manifest.table[manifest.table["split"].ne("test")]
    cells = [rows["label"], *([rows["labels"].map(split_labels).explode()] if multi else [])]
    found = sorted(pd.concat(cells).dropna().unique())
    if len(found) < 2:
        raise ManifestError(
            "there are too few labels to train on",
            found="labels: " + (", ".join(found) or "none"),
            expected="rows of at least two labels",
            todo="sort the pictures into one folder per label, or import them with their labels",
        )
    if wrong := [name for name in found if not is_label_id(name)]:
        raise ManifestError(
            "a label of the manifest cannot be the label of a model",
            where="column label",
            found=", ".join(map(repr, wrong[:3])) + (f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""),
            expected="small letters, digits and underscores, such as " + (make_label_id(wrong[0]) or "roe_deer"),
            todo="import the labels again (`leopardnet import` makes such labels of every name), or rename them",
        )
    names = [name for name in found if name != EMPTY] + [EMPTY] * (EMPTY in found)
    return LabelsConfig.model_validate(
        {
            "labels": [describe_label(name).model_dump() for name in names],
            "empty": EMPTY if EMPTY in found else None,
            "targets": [name for name in targets if name in names],
            "multi": multi,
        }
    )
