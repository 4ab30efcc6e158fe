"""Where a run begins: with the weights of a backbone, or with a bundle of one's own, and which clips only judge.

Whoever goes on from a bundle goes on from its backbone and its head. The head keeps the rows of the labels that it
knows, and gets a row for each new one, fitted beside them (`extend_head`); fine-tuning starts there. A probe is
fitted anew, to the features of the bundle's backbone.

A network that goes on from a bundle has met the bundle's clips and sites, whatever fold it is trained in. No score
of them is held out, so they are marked `seen_before`, and the new bundle also counts as taught by them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from leopardnet.bundle.bundle import Bundle
from leopardnet.bundle.learned_from import LearnedFrom, read_learned_from
from leopardnet.core.errors import ConfigError
from leopardnet.core.labels import EMPTY
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import LabelsConfig, PreprocessConfig
from leopardnet.core.settings.training import TrainConfig
from leopardnet.network.classifier import Classifier, build_classifier, load_classifier
from leopardnet.training.resolve_settings import derive_labels


@dataclass(frozen=True)
class Beginning:
    """What a run begins with.

    judges: the chance of each clip of a random audit, by clip_id; these clips are never trained on, and figures are
    theirs alone. bundle: the model to go on from; None for a new one.

    >>> ln.train(manifest, config, out="runs/2", beginning=ln.Beginning(bundle=bundle))  # doctest: +SKIP
    """

    judges: Mapping[str, float] = field(default_factory=dict)
    bundle: Bundle | None = None

    @property
    def key(self) -> str:
        """A text that differs where the run would; empty for a new model without judges."""
        judges = ",".join(f"{clip} {chance:.9g}" for clip, chance in sorted(self.judges.items()))
        return "|".join(filter(None, [judges, self.bundle.id if self.bundle else ""]))

    @cached_property
    def learned(self) -> LearnedFrom | None:
        """What the bundle learned from; None without one, or where it does not say."""
        return read_learned_from(self.bundle.spec) if self.bundle else None

    def find_seen(self, manifest: Manifest) -> frozenset[str]:
        """Return the ids of the clips that the bundle, or a clip of whose site it learned from; all if unknown."""
        if self.bundle is None:
            return frozenset()
        if self.learned is None:
            return frozenset(manifest.table["clip_id"])
        part = self.learned.find_part(manifest.table, manifest.root)
        return frozenset(part.index[part != "no"])

    def adopt_network(self, config: TrainConfig, overrides: Sequence[str]) -> TrainConfig:
        """Return the settings with the bundle's network, input and frames, unless `overrides` choose theirs."""
        if self.bundle is None:
            return config
        spec, keys = self.bundle.spec, {x.lstrip("+").split("=")[0] for x in overrides}
        chosen = {key.split(".")[0] for key in keys}
        of_bundle: dict[str, Any] = {
            "model": spec.model,
            "preprocess": PreprocessConfig(**spec.preprocess.model_dump()),
            "sampling": spec.sampling,
            "detector": spec.detector,
        }
        is_recipe = bool(keys & {"experiment", "debug"})  # which choose groups themselves
        kept = {group: x for group, x in of_bundle.items() if group not in chosen and not is_recipe}
        return config.model_copy(update=kept)

    def adopt_settings(self, config: TrainConfig, manifest: Manifest) -> TrainConfig:
        """Return the settings with the label set that goes on from the bundle's.

        Raises ConfigError where they ask for another network, other input, or lack labels of the bundle.
        """
        if self.bundle is None:
            return config
        spec, where = self.bundle.spec, "train --from"
        if config.optim.mode == "scratch":
            raise ConfigError(
                "training from random weights goes on from nothing",
                where=where,
                found="optim.mode=scratch",
                todo="leave --from out, or choose optim=probe or optim=finetune",
            )
        pairs = {
            "model.backbone": (config.model.backbone, spec.model.backbone),
            "model.gem_p": (config.model.gem_p, spec.model.gem_p),
            **{
                f"preprocess.{x}": (getattr(config.preprocess, x), getattr(spec.preprocess, x))
                for x in ("size_px", "resize", "crop_top", "crop_bottom")
            },
        }
        if other := {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}:
            raise ConfigError(
                "the settings are those of another network than the model to go on from",
                where=where,
                found="; ".join(f"{name} is {a}" for name, (a, _) in other.items()),
                expected="; ".join(f"{name}={b}" for name, (_, b) in other.items()),
                todo="leave the settings model= and preprocess= out, then they are those of the model; or leave "
                "--from out and train a new model",
            )
        return config.model_copy(update={"labels": self._adopt_labels(config, manifest)})

    def _adopt_labels(self, config: TrainConfig, manifest: Manifest) -> LabelsConfig:
        """Return the label set of the settings, or else that of the bundle and the new labels of the data."""
        assert self.bundle is not None
        old, asked = self.bundle.spec.labels, config.labels
        known = {x.name for x in old.labels}
        found = asked if asked.labels else derive_labels(manifest, targets=asked.targets, multi=old.multi)
        names = {x.name for x in found.labels}
        missing, new = sorted(known - names), sorted(names - known)
        if missing or found.multi != old.multi:
            kind = "" if found.multi == old.multi else f"; labels.multi is {str(found.multi).lower()}"
            raise ConfigError(
                "the labels are not those of the model to go on from, and more",
                where="train --from",
                found=f"missing: {', '.join(missing) or 'none'}; new: {', '.join(new) or 'none'}{kind}",
                expected="all of "
                + ", ".join(x.name for x in old.labels)
                + f", and labels.multi={str(old.multi).lower()}",
                todo="add clips of the labels that are missing (`leopardnet join` joins manifests), or leave "
                "--from out and train a new model",
            )
        if asked.labels:
            return found
        of_data = [x for x in found.labels if x.name in new]
        at = next((i for i, x in enumerate(old.labels) if x.name == EMPTY), len(old.labels))
        targets = tuple(dict.fromkeys([*old.targets, *found.targets]))
        labels = (*old.labels[:at], *(x for x in of_data if x.name != EMPTY), *old.labels[at:])
        labels += tuple(x for x in of_data if x.name == EMPTY)
        return found.model_copy(update={"labels": labels, "targets": targets})

    def build(self, config: TrainConfig) -> Classifier:
        """Return the network that the run begins with; rows of labels that the bundle does not know are 0."""
        names, size_px = config.labels.label_set().names, config.preprocess.size_px
        if self.bundle is None:
            return build_classifier(config.model, len(names), size_px=size_px)
        plain = config.model.model_copy(update={"weights": "none"})
        old_names, path = self.bundle.labels.names, self.bundle.folder / "model.safetensors"
        old = load_classifier(plain, len(old_names), path, size_px=size_px)
        made = build_classifier(plain, len(names), size_px=size_px)
        shapes = {k: v.shape for k, v in made.state_dict().items()}
        made.load_state_dict({k: v for k, v in old.state_dict().items() if v.shape == shapes[k]}, strict=False)
        weight = np.zeros((len(names), made.n_features))
        bias = np.zeros(len(names))
        for i, name in enumerate(old_names):
            weight[names.index(name)] = old.head.weight[i].detach().numpy()
            bias[names.index(name)] = old.head.bias[i].detach().numpy()
        made.set_head(weight, bias)
        with torch.no_grad():
            made.class_means.zero_()
        return made

    def find_new(self, names: tuple[str, ...]) -> NDArray[np.bool_]:
        """Return which labels the bundle does not know, bool [C]."""
        known = self.bundle.labels.names if self.bundle else ()
        return np.array([name not in known for name in names])


PLAIN = Beginning()


def extend_head(
    weight: NDArray[np.float64],
    bias: NDArray[np.float64],
    features: NDArray[np.float32],
    y: NDArray[np.int64],
    weights: NDArray[np.float64],
    is_new: NDArray[np.bool_],
    *,
    c: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return a head, weight [C, F] and bias [C], whose new rows are fitted while the others stay as they are.

    features: float32 [N, F]; y: class indices int64 [N]; weights: of the frames, float64 [N]; is_new: bool [C];
    c: inverse regularisation, as in `fit_head`. Of labels that exclude each other.
    """
    if not is_new.any():
        return weight, bias
    mean, scale = features.mean(axis=0, dtype=np.float64), features.std(axis=0, dtype=np.float64) + 1e-6
    z = torch.from_numpy((features - mean) / scale)
    fixed = torch.from_numpy(features @ weight.T + bias)
    truth, each = torch.from_numpy(y), torch.from_numpy(weights)
    rows = torch.zeros(int(is_new.sum()), z.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    at = torch.from_numpy(np.flatnonzero(is_new))
    solver = torch.optim.LBFGS([rows], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        solver.zero_grad()
        logits = fixed.index_copy(1, at, z @ rows[:, :-1].T + rows[:, -1])
        wrong = torch.nn.functional.cross_entropy(logits, truth, reduction="none")
        total = c * (each * wrong).sum() + 0.5 * (rows[:, :-1] ** 2).sum()
        total.backward()
        return total

    solver.step(loss)
    found = rows.detach().numpy()
    weight, bias = weight.copy(), bias.copy()
    weight[is_new] = found[:, :-1] / scale
    bias[is_new] = found[:, -1] - weight[is_new] @ mean
    return weight, bias
