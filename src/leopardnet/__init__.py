"""leopardnet: a species classifier for camera-trap footage.

The names below load on first use: importing the package is quick, and never loads torch.

    import leopardnet as ln
    m      = ln.scan("clips/", pattern="{site}/{deployment}/*")
    m      = ln.split_by_site(m, fractions=(0.7, 0.15, 0.15), seed=7)
    run    = ln.train(m, ln.load_config("train", ["model=lite0"]), out="runs/amur")
    bundle = ln.load_bundle("runs/amur/bundle")
    preds  = bundle.predict(m.where(split="test"))
    rep    = ln.evaluate(preds, m)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_NAMES = {
    "Bundle": "leopardnet.infer.bundle",
    "FootageSpec": "leopardnet.media.synth",
    "LeopardnetError": "leopardnet.core.types",
    "Manifest": "leopardnet.core.manifest",
    "Predictions": "leopardnet.infer.results",
    "check": "leopardnet.data.check",
    "evaluate": "leopardnet.infer.evaluation",
    "load_bundle": "leopardnet.infer.bundle",
    "load_config": "leopardnet.compose",
    "pack": "leopardnet.infer.pack",
    "predict": "leopardnet.infer.predict",
    "read_manifest": "leopardnet.core.manifest:Manifest.read",
    "render_footage": "leopardnet.media.synth",
    "scan": "leopardnet.data.scan",
    "split": "leopardnet.data.splits",
    "summarise": "leopardnet.summary",
    "split_by_site": "leopardnet.data.splits",
    "train": "leopardnet.infer.pack:train_bundle",
    "write": "leopardnet.share.export",
}
__all__ = ["__version__", *_NAMES]

if TYPE_CHECKING:
    from leopardnet.compose import load_config as load_config
    from leopardnet.core.manifest import Manifest as Manifest
    from leopardnet.core.types import LeopardnetError as LeopardnetError
    from leopardnet.data.check import check as check
    from leopardnet.data.scan import scan as scan
    from leopardnet.data.splits import split as split
    from leopardnet.data.splits import split_by_site as split_by_site
    from leopardnet.infer.bundle import Bundle as Bundle
    from leopardnet.infer.bundle import load_bundle as load_bundle
    from leopardnet.infer.evaluation import evaluate as evaluate
    from leopardnet.infer.pack import pack as pack
    from leopardnet.infer.pack import train_bundle
    from leopardnet.infer.predict import predict as predict
    from leopardnet.infer.results import Predictions as Predictions
    from leopardnet.media.synth import FootageSpec as FootageSpec
    from leopardnet.media.synth import render_footage as render_footage
    from leopardnet.share.export import write as write
    from leopardnet.summary import summarise as summarise

    read_manifest = Manifest.read
    train = train_bundle


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'leopardnet' has no name {name!r}")
    module, _, path = _NAMES[name].partition(":")
    value: Any = importlib.import_module(module)
    for part in (path or name).split("."):
        value = getattr(value, part)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
