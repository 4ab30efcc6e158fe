"""`leopardnet start`: from a card without labels to clips that are worth a look."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leopardnet.cli.console import app, print_json, print_rows, progress_bar, say
from leopardnet.cli.loop_verbs.serve_page import By, Lan, NoBrowser, PageOptions, Port, serve_page
from leopardnet.cli.options import Decode, Json, Language, People
from leopardnet.cli.printing.scan_notes import footage_notes
from leopardnet.cli.printing.unreadable_clips import name_unreadable
from leopardnet.cli.stop_signal import explain_stop, stop_on_signal
from leopardnet.core.errors import ManifestError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leopardnet.core.manifest import Manifest
    from leopardnet.core.settings.detection import DetectorConfig
    from leopardnet.core.settings.inference import RuntimeConfig
    from leopardnet.hunt.feature_store import FeatureStore
    from leopardnet.hunt.hunt_order import Place
    from leopardnet.hunt.setup import HuntSetup

N_SHOWN = 10

Detector = Annotated[
    str,
    typer.Option(
        "--detector",
        metavar="NAME|FILE",
        help="Boxes around animals in the frames shown: embedded (once installed), motion, none, a file "
        "of MegaDetector results (.json), or a network (.onnx). Takes longer, and may be given later, too.",
    ),
]
Results = Annotated[
    Path | None,
    typer.Option("--results", help="Results of MegaDetector or SpeciesNet (.json): they only change the order."),
]


@dataclass(frozen=True, slots=True)
class _Run:
    """How the long work is done."""

    runtime: RuntimeConfig
    retry_failed: bool

    @property
    def options(self) -> dict[str, Any]:
        return {"runtime": self.runtime, "retry_failed": self.retry_failed}


@app.command()
def start(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of footage, without any labels.")],
    out_path: Annotated[
        Path | None, typer.Option("--out", help="Folder for what is found. [default: review-<name of FOLDER>]")
    ] = None,
    target: Annotated[
        list[str] | None, typer.Option("--target", help="Animal to look for. May be repeated. [default: leopard]")
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option("--pattern", help='Pattern of folder names, as in `scan`, such as "{site}/{deployment}/*".'),
    ] = None,
    results: Results = None,
    model: Annotated[
        str | None,
        typer.Option("--model", help="Backbone: lite0 or lite2. [default: lite2 where it is installed, or lite0]"),
    ] = None,
    detector: Detector = "none",
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=0, help="Worker processes; one per core by default. 0: only this process."),
    ] = None,
    decode: Decode = "software",
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Try clips again that could not be read.")
    ] = False,
    by: By = "",
    lan: Lan = False,
    port: Port = 0,
    no_browser: NoBrowser = False,
    no_page: Annotated[
        bool, typer.Option("--no-page", help="Only look through the footage, and print what to look at first.")
    ] = False,
    people: People = False,
    language: Language = None,
    as_json: Json = False,
) -> None:
    """Look through footage without labels, and open a page that shows first what is worth a look.

    It needs no model and no network, and writes nothing into FOLDER. Labels that you give on the page improve the
    order, and become a model when you like. After Ctrl-C or a power cut, the same command goes on.

    Example: leopardnet start /media/card/DCIM --target leopard
    """
    from leopardnet.core.settings.inference import RuntimeConfig
    from leopardnet.core.settings.validate import validate
    from leopardnet.detect.detector import match_detector
    from leopardnet.hunt.hunt_order import Hunt
    from leopardnet.review.review_source import open_review

    runtime = validate(RuntimeConfig, {"workers": workers, "decode": decode}, where="the options of start")
    targets, boxes = _check_targets(target or ["leopard"]), _choose_detector(detector, folder)
    out = _choose_workspace(folder, out_path)
    with explain_stop("all finished clips are kept"):
        manifest, scores, setup = _prepare(folder, out, pattern, results, targets, model)
        match_detector(boxes, manifest.root, [c.paths for c in manifest.clips()], table=manifest.table)
        run = _Run(runtime, retry_failed)
        store = _embed(manifest, out, setup, run)
        _say_unreadable(manifest, store)
        if boxes.is_on:
            _find_boxes(manifest, store, out, boxes, run)
        if no_page or as_json:
            ids = set(manifest.table["clip_id"])
            order = Hunt(store, targets=targets, clip_ids=ids, results=scores).order({})
            _print_result(manifest, store, order, out, as_json=as_json)
            return
        opened = open_review(out, root=folder)
    page = PageOptions(by, lan, port, no_browser, people, language)
    serve_page(opened, page, targets=targets, results=scores)


def _choose_detector(name: str, folder: Path) -> DetectorConfig:
    """Return the detector of this name. Whoever lacks it, or has a broken file, hears of it at once."""
    from leopardnet.core.settings.detection import NO_DETECTOR
    from leopardnet.detect.detector import choose_detector, detector_file, open_detector

    chosen = choose_detector(name, NO_DETECTOR)
    if chosen.source == "file":
        open_detector(chosen, folder)
    elif chosen.is_on:
        detector_file(chosen)
    return chosen


def _prepare(
    folder: Path, out: Path, pattern: str | None, results: Path | None, targets: list[str], model: str | None
) -> tuple[Manifest, Mapping[str, Mapping[str, float]] | None, HuntSetup]:
    """Find the clips and keep their manifest; return it with the scores of another program and the set-up."""
    from leopardnet.review.workspace.same_card import keep_manifest, refuse_other_card
    from leopardnet.review.workspace.workspace import Workspace

    manifest = _scan(folder, pattern)
    with closing(Workspace(out)) as workspace:
        refuse_other_card(manifest, workspace)
        scores = _read_scores(results, manifest, targets)
        setup = _choose_setup(out, model)
        keep_manifest(manifest, workspace)  # before the long work, so that what was interrupted can be opened
    return manifest, scores, setup


def _check_targets(targets: list[str]) -> list[str]:
    from leopardnet.core.labels import is_label_id
    from leopardnet.hunt.lookalikes import explain_target

    for name in targets:
        if not is_label_id(name):
            raise typer.BadParameter(f"{name}: give small letters, as in sika_deer", param_hint="--target")
    chosen = list(dict.fromkeys(targets))
    for name in chosen:
        if note := explain_target(name):
            say(f"note: {note}")
    return chosen


def _choose_workspace(folder: Path, out: Path | None) -> Path:
    if not folder.is_dir():
        raise ManifestError("there is no such folder of footage", where=folder, todo="check the path")
    place = out or Path(f"review-{folder.resolve().name or 'footage'}")
    if place.resolve().is_relative_to(folder.resolve()):
        raise ManifestError(
            "nothing is written into a folder of footage", where="--out", todo="choose a folder outside of it"
        )
    place.mkdir(parents=True, exist_ok=True)
    return place


def _scan(folder: Path, pattern: str | None) -> Manifest:
    from leopardnet.data.scan.scan import scan_report
    from leopardnet.review.review_source import guess_sites

    with progress_bar("finding clips") as on_progress:
        report = scan_report(folder, pattern=pattern, skip_outside_links=True, on_progress=on_progress)
    for note in footage_notes(report):
        say(f"note: {note}")
    return guess_sites(report.manifest)


def _read_scores(
    results: Path | None, manifest: Manifest, targets: list[str]
) -> Mapping[str, Mapping[str, float]] | None:
    from leopardnet.hunt.other_results import read_other_results

    if results is None:
        return None
    other = read_other_results(results, manifest, targets)
    for note in (other.text, *other.notes):
        say(f"note: {note}")
    return other.scores


def _embed(manifest: Manifest, out: Path, setup: HuntSetup, run: _Run) -> FeatureStore:
    from leopardnet.hunt.embed import embed

    with stop_on_signal() as should_stop, progress_bar("looking through the footage") as on_progress:
        return embed(manifest, out, setup=setup, **run.options, should_stop=should_stop, on_progress=on_progress)


def _list_unreadable(manifest: Manifest, store: FeatureStore) -> list[tuple[str, str]]:
    """Return path and reason of each clip of the footage that could not be read, by path."""
    paths = dict(zip(manifest.table["clip_id"], manifest.table["path"], strict=True))
    return sorted((paths[k], reason) for k, reason in store.read_unreadable().items() if k in paths)


def _say_unreadable(manifest: Manifest, store: FeatureStore) -> None:
    """Print how many clips could not be read, and the first of them with the reason."""
    found = _list_unreadable(manifest, store)
    if n_more := name_unreadable(found):
        say(f"… and {n_more} more, in the list of the page")
    if found:
        n_clips = manifest.table["clip_id"].nunique()
        n_unreadable = len(found)
        say(f"{n_unreadable} of {n_clips} clips could not be read; --retry-failed tries them again")


def _find_boxes(manifest: Manifest, store: FeatureStore, out: Path, detector: DetectorConfig, run: _Run) -> None:
    from leopardnet.detect.footage_boxes import find_footage_boxes

    times_s = store.read_times()
    with stop_on_signal() as should_stop, progress_bar("looking for animals") as on_progress:
        frames, n_unreadable = find_footage_boxes(
            manifest,
            times_s,
            out,
            detector=detector,
            frames_id=store.run_id,
            **run.options,
            should_stop=should_stop,
            on_progress=on_progress,
        )
    frames = frames[frames["clip_id"].isin(set(manifest.table["clip_id"]))]
    found = frames[frames["boxes"].notna() & (frames["boxes"] != "[]")]
    say(f"boxes in {found['clip_id'].nunique()} of {frames['clip_id'].nunique()} clips ({detector.source})")
    if n_unreadable:
        say(f"clips that could not be examined for boxes: {n_unreadable}; --retry-failed tries them again")


def _choose_setup(out: Path, model: str | None) -> HuntSetup:
    """Return the set-up of this model; without a name that of the features in the folder, or else the default."""
    from leopardnet.hunt.feature_store import FeatureStore, has_features
    from leopardnet.hunt.setup import load_setup

    return FeatureStore(out).setup if model is None and has_features(out) else load_setup(model)


def _print_result(manifest: Manifest, store: FeatureStore, order: list[Place], out: Path, *, as_json: bool) -> None:
    paths = manifest.table.drop_duplicates("clip_id").set_index("clip_id")["path"]
    n_unreadable = len(_list_unreadable(manifest, store))
    first = [{"path": paths[x.clip_id], "why": x.reason} for x in order if x.clip_id in paths.index]
    if as_json:
        model = store.setup.model.name
        print_json(
            {"out": str(out), "n_clips": len(paths), "n_unreadable": n_unreadable, "model": model, "order": first}
        )
    else:
        print_rows([{"": i, **row} for i, row in enumerate(first[:N_SHOWN], 1)], title="Look at these first")
    say("this is an order, not a decision: nobody has judged a clip yet")
