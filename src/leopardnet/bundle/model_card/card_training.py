"""What a model card says of the training: the settings behind the weights that were kept, and no others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from leopardnet.bundle.bundle import BundleSpec

OF_PROBE = ("probe_c", "probe_infrared_copies")
SUMMARY_KEYS = {  # the settings in the card; bundle.json has all of them
    "experiment": ("question", "expected"),
    "optim": ("mode", "epochs", "batch_size", "lr", "layer_decay", "frozen_groups", *OF_PROBE),
    "loss": ("kind", "label_smoothing", "class_balance", "logit_adjust"),
    "augment": ("name",),
    "validation": ("by", "n_folds"),
}


def describe_training(spec: BundleSpec) -> list[str]:
    """Return which weights were kept, and the settings that led to them, a line each."""
    summary = sum_up_settings(spec)
    purpose = [f"{key.capitalize()}: {value}" for key, value in summary.pop("experiment").items()]
    lines = [f"{group.capitalize()}: {say_pairs(values)}." for group, values in summary.items() if values]
    if before := spec.provenance.get("goes_on_from"):
        lines = [f"It goes on from the weights of bundle {before}, and has learned what that one had.", *lines]
    return [*purpose, *_say_kept(spec), *lines]


def sum_up_settings(spec: BundleSpec) -> dict[str, dict[str, Any]]:
    """Return the settings that the weights depend on, by group; those of epochs that were not kept are left out."""
    config = spec.provenance.get("config") or {}
    found: dict[str, dict[str, Any]] = {}
    for group, keys in SUMMARY_KEYS.items():
        values = config.get(group) or {}
        found[group] = {k: values[k] for k in keys if values.get(k) not in (None, "")}
    if found["optim"].get("mode") == "finetune" and spec.provenance.get("kept_epoch") == 0:
        found["optim"] = {k: v for k, v in found["optim"].items() if k in OF_PROBE}
        found |= {"loss": {}, "augment": {}}
    return found


def say_pairs(values: Mapping[str, Any]) -> str:
    """Return names with their values, joined by commas.

    >>> say_pairs({"mode": "probe", "probe_c": 0.001})
    'mode probe, probe_c 0.001'
    """
    return ", ".join(f"{key} {value}" for key, value in values.items())


def _say_kept(spec: BundleSpec) -> list[str]:
    """Return whether the model is fine-tuned, and after which epoch; nothing where older bundles do not say."""
    kept, config = spec.provenance.get("kept_epoch"), spec.provenance.get("config") or {}
    if kept is None:
        return []
    mode = (config.get("optim") or {}).get("mode")
    n_tried = sum(row.get("epoch", 0) > 0 for row in spec.provenance.get("history") or [])
    tried = f"epoch{'s' * (n_tried != 1)}"
    if kept:
        begun = "training from random weights" if mode == "scratch" else "fine-tuning"
        return [f"The weights are those after epoch {kept} of {begun}, of {n_tried} {tried} that were compared."]
    start = (
        "The model is the one that it goes on from, with rows for new labels in its head"
        if mode == "finetune" and spec.provenance.get("goes_on_from")
        else "The model is the probe, a linear layer on the features of a backbone that was not trained further"
    )
    if not n_tried:
        return [f"{start}."]
    return [f"{start}: {n_tried} {tried} of fine-tuning tried, none kept, so nothing of that is in it."]
