"""leopardnet: a species classifier for camera-trap footage.

Its public names are loaded when they are first used, so that importing the package is quick and never loads torch.

    import leopardnet as ln
    m      = ln.scan("clips/", pattern="{site}/{deployment}/*")
    m      = ln.split_by_site(m, fractions=(0.7, 0.15, 0.15), seed=7)
    run    = ln.train(m, ln.load_config("train", ["model=lite0"]), out="runs/amur")
    bundle = ln.load_bundle("runs/amur/bundle")
    preds  = ln.predict(m.where(split="test"), bundle)
    result = ln.evaluate(preds, m)
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# OpenVINO reports to its makers that it was imported, unless this package is missing. leopardnet contacts nobody.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

_NAMES = {
    "Bundle": "leopardnet.bundle.bundle",
    "FootageSpec": "leopardnet.synth",
    "LeopardnetError": "leopardnet.core.errors",
    "Manifest": "leopardnet.core.manifest",
    "Predictions": "leopardnet.core.predictions",
    "check": "leopardnet.data.checks.check",
    "evaluate": "leopardnet.evaluation.full_evaluation",
    "count_effort": "leopardnet.records.effort",
    "find_records": "leopardnet.records.find_records",
    "load_bundle": "leopardnet.bundle.bundle",
    "load_config": "leopardnet.compose",
    "pack": "leopardnet.training.pack.pack",
    "plan_survey": "leopardnet.records.survey.plan_survey",
    "predict": "leopardnet.infer.predict_footage",
    "read_deployments": "leopardnet.data.scan.deployments",
    "rank_places": "leopardnet.records.survey.rank_places",
    "read_manifest": "leopardnet.core.manifest:Manifest.read",
    "read_ranges": "leopardnet.records.ranges.read_ranges",
    "render_footage": "leopardnet.synth",
    "scan": "leopardnet.data.scan.scan",
    "split": "leopardnet.data.splits.split",
    "summarise": "leopardnet.report.summarise",
    "split_by_site": "leopardnet.data.splits.split",
    "train": "leopardnet.training.pack.pack:train_bundle",
    "watch_promise": "leopardnet.bundle.promise_watch",
    "write": "leopardnet.export.write_results",
}
__all__ = ["__version__", *_NAMES]

if TYPE_CHECKING:
    from leopardnet.bundle.bundle import Bundle as Bundle
    from leopardnet.bundle.bundle import load_bundle as load_bundle
    from leopardnet.bundle.promise_watch import watch_promise as watch_promise
    from leopardnet.compose import load_config as load_config
    from leopardnet.core.errors import LeopardnetError as LeopardnetError
    from leopardnet.core.manifest import Manifest as Manifest
    from leopardnet.core.predictions import Predictions as Predictions
    from leopardnet.data.checks.check import check as check
    from leopardnet.data.scan.deployments import read_deployments as read_deployments
    from leopardnet.data.scan.scan import scan as scan
    from leopardnet.data.splits.split import split as split
    from leopardnet.data.splits.split import split_by_site as split_by_site
    from leopardnet.evaluation.full_evaluation import evaluate as evaluate
    from leopardnet.export.write_results import write as write
    from leopardnet.infer.predict_footage import predict as predict
    from leopardnet.records.effort import count_effort as count_effort
    from leopardnet.records.find_records import find_records as find_records
    from leopardnet.records.ranges.read_ranges import read_ranges as read_ranges
    from leopardnet.records.survey.plan_survey import plan_survey as plan_survey
    from leopardnet.records.survey.rank_places import rank_places as rank_places
    from leopardnet.report.summarise import summarise as summarise
    from leopardnet.synth import FootageSpec as FootageSpec
    from leopardnet.synth import render_footage as render_footage
    from leopardnet.training.pack.pack import pack as pack
    from leopardnet.training.pack.pack import train_bundle

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
