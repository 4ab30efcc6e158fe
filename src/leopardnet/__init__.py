"""leopardnet: a species classifier for camera-trap footage.

Its public names are loaded when they are first used, so that importing the package is quick and never loads torch.

    import leopardnet as ln  # dir(ln) lists all names, help(ln.scan) explains one
    m      = ln.scan("clips/", pattern="{site}/{deployment}/*")
    m      = ln.split_by_site(m, fractions=(0.7, 0.15, 0.15), seed=7)
    run    = ln.train(m, ln.load_config("train", ["model=lite0"]), out="runs/amur")
    bundle = ln.load_bundle("runs/amur/bundle")
    preds  = ln.predict(m.where(split="test"), bundle)
    result = ln.evaluate(preds, m)
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Threads that have nothing to do sleep. By default they spin, and on a busy machine they then wait for each other's
# turns. OpenMP and OpenBLAS read this when they are loaded, so it stands here; what the user has set stays.
for _name, _value in (("OMP_WAIT_POLICY", "PASSIVE"), ("KMP_BLOCKTIME", "0"), ("OPENBLAS_THREAD_TIMEOUT", "4")):
    os.environ.setdefault(_name, _value)

# OpenVINO reports to its makers that it was imported, unless this package is missing. leopardnet contacts nobody.
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

# Where each name is: module, or module:name there; nothing after the colon is the module itself.
_NAMES = {
    "Beginning": "leopardnet.training.start.beginning",
    "Bundle": "leopardnet.bundle.bundle",
    "Detection": "leopardnet.records.survey.expected_captures",
    "DossierSources": "leopardnet.records.dossier.sources",
    "Evaluation": "leopardnet.metrics.evaluation",
    "FeatureStore": "leopardnet.hunt.feature_store",
    "FootageSpec": "leopardnet.synth",
    "Hunt": "leopardnet.hunt.hunt_order",
    "LabelEntry": "leopardnet.data.human_labels.label_file",
    "LabelFile": "leopardnet.data.human_labels.label_file",
    "LabelMap": "leopardnet.data.reading.label_map",
    "LabelledClips": "leopardnet.metrics.labelled_clips",
    "LeopardnetError": "leopardnet.core.errors",
    "Manifest": "leopardnet.core.manifest",
    "Predictions": "leopardnet.core.predictions",
    "Run": "leopardnet.training.runs.run",
    "add_labels": "leopardnet.demo_job",
    "check": "leopardnet.data.checks.check",
    "compare_predictions": "leopardnet.evaluation.audit.compare_models",
    "compare_runs": "leopardnet.training.runs.compare_runs",
    "convert": "leopardnet.training.pack.convert",
    "copy_files": "leopardnet.export.sort_copies",
    "count_by_split": "leopardnet.data.splits.split",
    "count_coverage": "leopardnet.data.checks.check",
    "count_effort": "leopardnet.records.effort",
    "derive_bundle": "leopardnet.bundle.derive",
    "describe_sites": "leopardnet.bundle.promise_watch",
    "draw_ranges": "leopardnet.records.ranges.from_records",
    "embed": "leopardnet.hunt.embed",
    "evaluate": "leopardnet.evaluation.full_evaluation",
    "evaluate_all": "leopardnet.evaluation.full_evaluation",
    "fetch_bundle": "leopardnet.bundle.release.fetch",
    "figures": "leopardnet.figures:",
    "find_records": "leopardnet.records.find_records",
    "find_release": "leopardnet.bundle.release.fetch",
    "find_thresholds": "leopardnet.evaluation.thresholds",
    "join_events": "leopardnet.score.events",
    "join_manifests": "leopardnet.data.reading.join_manifests",
    "label_manifest": "leopardnet.data.human_labels.label_views",
    "labels_by_clip": "leopardnet.data.human_labels.label_views",
    "labels_for_models": "leopardnet.data.human_labels.label_views",
    "link_encounters": "leopardnet.records.encounters.encounter_table",
    "lint_camtrap_dp": "leopardnet.data.formats.camtrap_dp.lint",
    "load_bundle": "leopardnet.bundle.bundle",
    "load_config": "leopardnet.compose",
    "load_encounter_settings": "leopardnet.records.encounters.encounter_settings",
    "load_group": "leopardnet.compose",
    "load_label_map": "leopardnet.data.reading.label_map",
    "load_notable": "leopardnet.records.record_settings",
    "load_setup": "leopardnet.hunt.setup",
    "load_survey_settings": "leopardnet.records.survey.survey_settings",
    "make_bundle": "leopardnet.hunt.make_bundle",
    "measure_agreement": "leopardnet.data.human_labels.label_views",
    "merge_boxes": "leopardnet.data.formats.megadetector.read",
    "open_sound_network": "leopardnet.sound.networks.sound_network",
    "open_source": "leopardnet.infer.footage_source",
    "pack": "leopardnet.training.pack.pack",
    "plan_copies": "leopardnet.export.sort_copies",
    "plan_survey": "leopardnet.records.survey.plan_survey",
    "predict": "leopardnet.infer.predict_footage",
    "progress_bar": "leopardnet.cli.console",
    "rank_places": "leopardnet.records.survey.rank_places",
    "read_camtrap_dp": "leopardnet.data.formats.camtrap_dp.read",
    "read_coco": "leopardnet.data.formats.coco",
    "read_corrections": "leopardnet.export.corrections",
    "read_csv_table": "leopardnet.data.formats.csv_table",
    "read_deployments": "leopardnet.data.scan.deployments",
    "read_folders": "leopardnet.data.formats.folders",
    "read_judging_labels": "leopardnet.evaluation.audit.judging_labels",
    "read_labelled_folder": "leopardnet.data.formats.folders",
    "read_manifest": "leopardnet.data.reading.tables.saved_manifest",
    "read_megadetector": "leopardnet.data.formats.megadetector.read",
    "read_other_results": "leopardnet.hunt.other_results",
    "read_probe": "leopardnet.sound.labelled.call_probe",
    "read_ranges": "leopardnet.records.ranges.read_ranges",
    "read_records": "leopardnet.records.find_records",
    "read_run": "leopardnet.training.runs.run",
    "read_sound_labels": "leopardnet.data.human_labels.sound_labels",
    "read_training_labels": "leopardnet.evaluation.audit.training_labels",
    "read_voc": "leopardnet.data.formats.voc",
    "read_yolo": "leopardnet.data.formats.yolo",
    "recalibrate": "leopardnet.evaluation.recalibrate",
    "render_footage": "leopardnet.synth",
    "renew_thresholds": "leopardnet.evaluation.renew_thresholds",
    "review_order": "leopardnet.metrics.comparison.review_order",
    "scan": "leopardnet.data.scan.scan",
    "score_calls": "leopardnet.sound.labelled.score_calls",
    "search_clips": "leopardnet.sound.networks.search_clips",
    "sites_needed": "leopardnet.metrics.guarantees.levels",
    "split": "leopardnet.data.splits.split",
    "split_by_site": "leopardnet.data.splits.split",
    "stages": "leopardnet.cli.console",
    "summarise": "leopardnet.report.summarise",
    "train": "leopardnet.training.pack.pack:train_bundle",
    "train_probe": "leopardnet.sound.labelled.score_calls",
    "watch_promise": "leopardnet.bundle.promise_watch",
    "write": "leopardnet.export.write_results",
    "write_camtrap_dp": "leopardnet.data.formats.camtrap_dp.write",
    "write_coco": "leopardnet.data.formats.coco",
    "write_csv_table": "leopardnet.data.formats.csv_table",
    "write_dossiers": "leopardnet.records.dossier.write_dossier",
    "write_evaluation": "leopardnet.evaluation.write_evaluation",
    "write_geojson": "leopardnet.records.survey.write_places",
    "write_gpx": "leopardnet.records.survey.write_places",
    "write_probe": "leopardnet.sound.labelled.call_probe",
    "write_runs_page": "leopardnet.training.runs.runs_page",
    "write_selections": "leopardnet.export.sound_selections",
    "write_shards": "leopardnet.training.shards.write_shards",
}
__all__ = ["__version__", *_NAMES]

if TYPE_CHECKING:
    from leopardnet import figures as figures
    from leopardnet.bundle.bundle import Bundle as Bundle
    from leopardnet.bundle.bundle import load_bundle as load_bundle
    from leopardnet.bundle.derive import derive_bundle as derive_bundle
    from leopardnet.bundle.promise_watch import describe_sites as describe_sites
    from leopardnet.bundle.promise_watch import watch_promise as watch_promise
    from leopardnet.bundle.release.fetch import fetch_bundle as fetch_bundle
    from leopardnet.bundle.release.fetch import find_release as find_release
    from leopardnet.cli.console import progress_bar as progress_bar
    from leopardnet.cli.console import stages as stages
    from leopardnet.compose import load_config as load_config
    from leopardnet.compose import load_group as load_group
    from leopardnet.core.errors import LeopardnetError as LeopardnetError
    from leopardnet.core.manifest import Manifest as Manifest
    from leopardnet.core.predictions import Predictions as Predictions
    from leopardnet.data.checks.check import check as check
    from leopardnet.data.checks.check import count_coverage as count_coverage
    from leopardnet.data.formats.camtrap_dp.lint import lint_camtrap_dp as lint_camtrap_dp
    from leopardnet.data.formats.camtrap_dp.read import read_camtrap_dp as read_camtrap_dp
    from leopardnet.data.formats.camtrap_dp.write import write_camtrap_dp as write_camtrap_dp
    from leopardnet.data.formats.coco import read_coco as read_coco
    from leopardnet.data.formats.coco import write_coco as write_coco
    from leopardnet.data.formats.csv_table import read_csv_table as read_csv_table
    from leopardnet.data.formats.csv_table import write_csv_table as write_csv_table
    from leopardnet.data.formats.folders import read_folders as read_folders
    from leopardnet.data.formats.folders import read_labelled_folder as read_labelled_folder
    from leopardnet.data.formats.megadetector.read import merge_boxes as merge_boxes
    from leopardnet.data.formats.megadetector.read import read_megadetector as read_megadetector
    from leopardnet.data.formats.voc import read_voc as read_voc
    from leopardnet.data.formats.yolo import read_yolo as read_yolo
    from leopardnet.data.human_labels.label_file import LabelEntry as LabelEntry
    from leopardnet.data.human_labels.label_file import LabelFile as LabelFile
    from leopardnet.data.human_labels.label_views import label_manifest as label_manifest
    from leopardnet.data.human_labels.label_views import labels_by_clip as labels_by_clip
    from leopardnet.data.human_labels.label_views import labels_for_models as labels_for_models
    from leopardnet.data.human_labels.label_views import measure_agreement as measure_agreement
    from leopardnet.data.human_labels.sound_labels import read_sound_labels as read_sound_labels
    from leopardnet.data.reading.join_manifests import join_manifests as join_manifests
    from leopardnet.data.reading.label_map import LabelMap as LabelMap
    from leopardnet.data.reading.label_map import load_label_map as load_label_map
    from leopardnet.data.reading.tables.saved_manifest import read_manifest as read_manifest
    from leopardnet.data.scan.deployments import read_deployments as read_deployments
    from leopardnet.data.scan.scan import scan as scan
    from leopardnet.data.splits.split import count_by_split as count_by_split
    from leopardnet.data.splits.split import split as split
    from leopardnet.data.splits.split import split_by_site as split_by_site
    from leopardnet.demo_job import add_labels as add_labels
    from leopardnet.evaluation.audit.compare_models import compare_predictions as compare_predictions
    from leopardnet.evaluation.audit.judging_labels import read_judging_labels as read_judging_labels
    from leopardnet.evaluation.audit.training_labels import read_training_labels as read_training_labels
    from leopardnet.evaluation.full_evaluation import evaluate as evaluate
    from leopardnet.evaluation.full_evaluation import evaluate_all as evaluate_all
    from leopardnet.evaluation.recalibrate import recalibrate as recalibrate
    from leopardnet.evaluation.renew_thresholds import renew_thresholds as renew_thresholds
    from leopardnet.evaluation.thresholds import find_thresholds as find_thresholds
    from leopardnet.evaluation.write_evaluation import write_evaluation as write_evaluation
    from leopardnet.export.corrections import read_corrections as read_corrections
    from leopardnet.export.sort_copies import copy_files as copy_files
    from leopardnet.export.sort_copies import plan_copies as plan_copies
    from leopardnet.export.sound_selections import write_selections as write_selections
    from leopardnet.export.write_results import write as write
    from leopardnet.hunt.embed import embed as embed
    from leopardnet.hunt.feature_store import FeatureStore as FeatureStore
    from leopardnet.hunt.hunt_order import Hunt as Hunt
    from leopardnet.hunt.make_bundle import make_bundle as make_bundle
    from leopardnet.hunt.other_results import read_other_results as read_other_results
    from leopardnet.hunt.setup import load_setup as load_setup
    from leopardnet.infer.footage_source import open_source as open_source
    from leopardnet.infer.predict_footage import predict as predict
    from leopardnet.metrics.comparison.review_order import review_order as review_order
    from leopardnet.metrics.evaluation import Evaluation as Evaluation
    from leopardnet.metrics.guarantees.levels import sites_needed as sites_needed
    from leopardnet.metrics.labelled_clips import LabelledClips as LabelledClips
    from leopardnet.records.dossier.sources import DossierSources as DossierSources
    from leopardnet.records.dossier.write_dossier import write_dossiers as write_dossiers
    from leopardnet.records.effort import count_effort as count_effort
    from leopardnet.records.encounters.encounter_settings import load_encounter_settings as load_encounter_settings
    from leopardnet.records.encounters.encounter_table import link_encounters as link_encounters
    from leopardnet.records.find_records import find_records as find_records
    from leopardnet.records.find_records import read_records as read_records
    from leopardnet.records.ranges.from_records import draw_ranges as draw_ranges
    from leopardnet.records.ranges.read_ranges import read_ranges as read_ranges
    from leopardnet.records.record_settings import load_notable as load_notable
    from leopardnet.records.survey.expected_captures import Detection as Detection
    from leopardnet.records.survey.plan_survey import plan_survey as plan_survey
    from leopardnet.records.survey.rank_places import rank_places as rank_places
    from leopardnet.records.survey.survey_settings import load_survey_settings as load_survey_settings
    from leopardnet.records.survey.write_places import write_geojson as write_geojson
    from leopardnet.records.survey.write_places import write_gpx as write_gpx
    from leopardnet.report.summarise import summarise as summarise
    from leopardnet.score.events import join_events as join_events
    from leopardnet.sound.labelled.call_probe import read_probe as read_probe
    from leopardnet.sound.labelled.call_probe import write_probe as write_probe
    from leopardnet.sound.labelled.score_calls import score_calls as score_calls
    from leopardnet.sound.labelled.score_calls import train_probe as train_probe
    from leopardnet.sound.networks.search_clips import search_clips as search_clips
    from leopardnet.sound.networks.sound_network import open_sound_network as open_sound_network
    from leopardnet.synth import FootageSpec as FootageSpec
    from leopardnet.synth import render_footage as render_footage
    from leopardnet.training.pack.convert import convert as convert
    from leopardnet.training.pack.pack import pack as pack
    from leopardnet.training.pack.pack import train_bundle
    from leopardnet.training.runs.compare_runs import compare_runs as compare_runs
    from leopardnet.training.runs.run import Run as Run
    from leopardnet.training.runs.run import read_run as read_run
    from leopardnet.training.runs.runs_page import write_runs_page as write_runs_page
    from leopardnet.training.shards.write_shards import write_shards as write_shards
    from leopardnet.training.start.beginning import Beginning as Beginning

    train = train_bundle


def __getattr__(name: str) -> Any:
    if name not in _NAMES:
        raise AttributeError(f"module 'leopardnet' has no name {name!r}")
    module, is_path, path = _NAMES[name].partition(":")
    path = path if is_path else name
    try:
        value: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if not module.startswith("leopardnet.training.") or (error.name or "").startswith("leopardnet"):
            raise
        from leopardnet.core.interactive.missing_extra import make_stand_in

        return make_stand_in(name, module, path, error, extra="train")
    for part in filter(None, path.split(".")):
        value = getattr(value, part)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
