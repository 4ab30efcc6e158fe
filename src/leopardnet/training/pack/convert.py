"""Conversion of weights in a foreign `.pt` file to a bundle. Such files are opened nowhere else.

A `.pt` file is a pickle, which can hold code. Here only plain tensors are read from it (`weights_only`), and they
must fit the network of an existing bundle, whose labels and settings the new bundle gets. The figures of that
bundle do not apply to the new weights: the card says so, and the temperature is 1.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from leopardnet.bundle.bundle import MAX_WEIGHTS_BYTES, Bundle, write_spec
from leopardnet.bundle.model_card.card import card_json, model_card
from leopardnet.core.errors import BundleError
from leopardnet.core.tables import atomic_folder, atomic_path, write_json
from leopardnet.network.classifier import load_classifier, save_weights
from leopardnet.network.onnx_export import export_classifier
from leopardnet.score.calibrate import Calibration
from leopardnet.training.pack.pack import check_parity

HOLDERS = ("state_dict", "model_state_dict", "model")  # keys of the weights in checkpoints of training programs
PREFIXES = ("module.", "_orig_mod.", "model.")  # prefixes that wrappers add to names
REASON = "the weights were converted and have not been evaluated"


def convert(weights: Path, like: Bundle, out: Path) -> Bundle:
    """Write a bundle to `out`, with the weights of a `.pt` file and all else from the bundle `like`, and return it.

    Raises BundleError if the file holds anything but tensors, if they do not fit, and if `out` exists.

    >>> ln.convert(Path("weights.pt"), ln.load_bundle("runs/amur/bundle"), Path("converted"))  # doctest: +SKIP
    """
    weights, out = Path(weights), Path(out)
    if out.exists():
        raise BundleError(
            "the folder of the bundle already exists",
            where=out.name,
            expected="a new folder",
            todo="choose another --out",
        )
    size_px, labels = like.spec.preprocess.size_px, like.labels
    state = _read_tensors(weights)
    with atomic_folder(out) as part:
        model = load_classifier(like.spec.model, len(labels), like.folder / "model.safetensors", size_px=size_px)
        own = model.state_dict()
        state = {k: v.to(own[k].dtype) if k in own else v for k, v in _rename_tensors(state, own).items()}
        save_weights(state, part / "model.safetensors")
        model = load_classifier(like.spec.model, len(labels), part / "model.safetensors", size_px=size_px)
        export_classifier(model, part / "model.onnx", size_px=size_px)
        check_parity(model, part / "model.onnx", size_px=size_px, n_labels=len(labels))
        digest = hashlib.sha256(weights.read_bytes()).hexdigest()
        changed = {
            "name": f"{like.spec.name}_converted",
            "calibration": Calibration(reason=REASON),
            "provenance": {
                "leopardnet": version("leopardnet"),
                "converted_from_sha256": digest,
                "settings_of": like.id,
            },
        }
        spec = like.spec.model_copy(update=changed)
        nothing = pd.DataFrame()
        with atomic_path(part / "card.md") as card:
            card.write_text(model_card(spec, nothing), "utf-8")
        write_json(card_json(spec, nothing), part / "card.json")
        write_spec(part, spec)
    return Bundle.load(out)


def _read_tensors(path: Path) -> dict[str, Any]:
    """Return the tensors in the file by name. Nothing else in it is loaded or run."""
    if not path.is_file():
        raise BundleError("there is no such file", where=path.name, expected="weights in a .pt file")
    n_bytes = path.stat().st_size
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            n_bytes = max(n_bytes, sum(m.file_size for m in archive.infolist()))
    if n_bytes > MAX_WEIGHTS_BYTES:
        raise BundleError(
            "the file of weights is too large",
            where=path.name,
            found=f"{n_bytes} bytes",
            expected=f"at most {MAX_WEIGHTS_BYTES}",
        )
    try:
        values = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # its errors have no common base class
        raise BundleError(
            "the file holds more than plain weights and is refused",
            where=path.name,
            found=str(error).strip().splitlines()[0][:160] if str(error).strip() else type(error).__name__,
            expected="tensors by name (a state dict)",
            todo="ask for the weights as safetensors; do not open such a file in another way",
        ) from None
    for holder in HOLDERS:
        if isinstance(values, Mapping) and isinstance(values.get(holder), Mapping):
            values = values[holder]
    if (
        not isinstance(values, Mapping)
        or not values
        or not all(isinstance(k, str) and isinstance(v, torch.Tensor) for k, v in values.items())
    ):
        raise BundleError(
            "the file holds no weights by name",
            where=path.name,
            found=type(values).__name__,
            expected="tensors by name (a state dict)",
        )
    return dict(values)


def _rename_tensors(state: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tensors under the names of our network: without prefixes of wrappers, with that of the backbone.

    Mean and standard deviation, which a bare backbone does not have, are those of the network.
    """
    names = {k: k for k in state}
    for prefix in PREFIXES:
        if all(v.startswith(prefix) for v in names.values()):
            names = {k: v.removeprefix(prefix) for k, v in names.items()}
    if not any(v in own for v in names.values()):
        names = {k: f"backbone.{v}" for k, v in names.items()}
    return {k: own[k] for k in ("mean", "std")} | {name: state[k] for k, name in names.items()}
