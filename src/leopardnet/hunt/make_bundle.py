"""A model of the labels that people gave in review: a head on the embedded backbone, packed as an ordinary bundle.

It takes seconds and no torch. Until a promise holds, such a model decides nothing: it ranks clips for a look. It
can be classified with, judged, given thresholds, and trained further as any other bundle.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.numpy import save

from leopardnet.bundle.bundle import Bundle, BundleSpec, write_spec
from leopardnet.bundle.learned_from import LearnedFrom, fill_places
from leopardnet.bundle.model_card.card import card_json, model_card
from leopardnet.compose import load_group
from leopardnet.core.errors import BundleError
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import AggregateConfig, DecideConfig
from leopardnet.core.settings.training import OptimConfig
from leopardnet.core.tables import atomic_folder, atomic_path, write_json
from leopardnet.core.weights.embedded_backbones import read_embedded
from leopardnet.hunt.backbone_graph import MEAN, STD, build_classifier_graph
from leopardnet.hunt.feature_store import ClipFeatures, FeatureStore
from leopardnet.hunt.fit_labels import Head, fit_labels, judge_labels
from leopardnet.hunt.setup import HuntSetup
from leopardnet.hunt.taught_labels import TaughtLabels, collect_labels
from leopardnet.score.calibrate import Calibration

REASON = "made in review: the clips were chosen for labelling, so nothing can be calibrated on them"
REASON_GIVEN = (
    "made from labels that were given with the footage: every clip teaches, so none is left to calibrate on"
)


def make_bundle(
    store: FeatureStore,
    manifest: Manifest,
    said: pd.DataFrame,
    out: str | Path,
    *,
    name: str,
    targets: tuple[str, ...] = (),
    in_review: bool = True,
) -> Bundle:
    """Fit a head to what people said, write a bundle to `out`, and return it.

    manifest: of the footage, for sites. said: as `labels_for_models` gives it; clips of the random sample judge the
    model where there are enough of them, and teach it nothing. targets: labels that must not be lost silently.
    in_review: False where the labels came with the footage, such as those of a rendering; the card says which.
    Raises BundleError where there are fewer than two labels, and where `out` exists.

    >>> entries = LabelFile(Path("review-clips/labels.sqlite")).entries()  # doctest: +SKIP
    >>> make_bundle(store, manifest, labels_for_models(entries), "review-clips/models/1/bundle", name="first",
    ...             targets=("leopard",))  # doctest: +SKIP
    """
    out = Path(out)
    if out.exists():
        raise BundleError("the folder of the bundle exists already", where=out.name, todo="choose a new folder")
    features, setup = store.read(), store.setup
    taught = collect_labels(said, features, manifest, targets=targets)
    rows = np.flatnonzero(~taught.is_audit)
    _refuse_one_label(taught, rows)
    optim, aggregate_by = load_group("optim", "probe"), load_group("aggregate", "presence_ranked")
    assert isinstance(optim, OptimConfig) and isinstance(aggregate_by, AggregateConfig)
    head = fit_labels(taught, features, rows, c=optim.probe_c)
    judgement = judge_labels(taught, features, c=optim.probe_c, aggregate_by=aggregate_by)
    data = _count(taught)
    record, origin = _record(taught, store), "made in review" if in_review else "made from labels"
    spec = BundleSpec(
        name=name,
        labels=taught.labels,
        model=setup.model,
        preprocess=setup.preprocess,
        sampling=load_group("sampling", "auto"),
        aggregate=aggregate_by,
        calibration=Calibration(reason=REASON if in_review else REASON_GIVEN),
        decide=DecideConfig(decides=False),
        provenance={
            "leopardnet": version("leopardnet"),
            origin.replace(" ", "_"): record,
            "config": {
                "optim": {"mode": "probe", "probe_c": optim.probe_c},
                "decide": DecideConfig(decides=False).model_dump(mode="json"),
            },
            "data": data.to_dict("records"),
            "learned_from": _list_teachers(taught, rows, manifest, origin).model_dump(),
        },
    )
    with atomic_folder(out) as part:
        write_network(part, setup, head, _class_means(taught, features, rows))
        figures: dict[str, Any] = {"evaluation": judgement.evaluation, "how": judgement.how}
        none = "" if judgement.evaluation is not None else f" {judgement.how}"
        text = _head_of_card(record, none, origin=origin) + model_card(spec, data, **figures)
        with atomic_path(part / "card.md") as card:
            card.write_text(text, "utf-8")
        write_json(card_json(spec, data, **figures) | {origin.replace(" ", "_"): record}, part / "card.json")
        write_spec(part, spec)
    return Bundle.load(out)


def _refuse_one_label(taught: TaughtLabels, rows: NDArray[np.int64]) -> None:
    if len(np.unique(taught.y[rows])) < 2:
        raise BundleError(
            "there is too little to learn from",
            found=f"{len(rows)} labelled clips of one label, beside those of the random sample",
            expected="clips of at least two labels; those of the random sample are kept to judge the model",
            todo="label some more clips that are not in the random sample",
        )


def write_network(folder: Path, setup: HuntSetup, head: Head, class_means: NDArray[np.float32]) -> None:
    """Write model.onnx and model.safetensors of the embedded backbone with this head; class_means: [C, F]."""
    state = read_embedded(setup.model.backbone)
    state["classifier.weight"], state["classifier.bias"] = (np.asarray(x, np.float32) for x in head)
    graph = build_classifier_graph(
        {**state, "class_means": class_means},
        setup.model.backbone,
        size_px=setup.preprocess.size_px,
        gem_p=setup.model.gem_p,
    )
    tensors = {f"backbone.{key}": np.ascontiguousarray(values) for key, values in state.items()}
    tensors["mean"], tensors["std"] = (np.full((1, 3, 1, 1), x, np.float32) for x in (MEAN, STD))
    tensors["class_means"] = class_means
    for name, content in (("model.onnx", graph), ("model.safetensors", save(tensors))):
        with atomic_path(folder / name) as file:
            file.write_bytes(content)


def _class_means(taught: TaughtLabels, features: ClipFeatures, rows: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return the direction of the mean features of each label, float32 [C, F]; 0 for a label that none teaches."""
    frames, of = features.take_frames(taught.at[rows])
    presence = taught.labels.label_set().presence(taught.cells[rows])[of]
    means = np.zeros((presence.shape[1], frames.shape[1]))
    for i in np.flatnonzero(presence.any(axis=0)):
        mean = frames[presence[:, i]].mean(axis=0, dtype=np.float64)
        means[i] = mean / max(float(np.linalg.norm(mean)), 1e-12)
    return means.astype(np.float32)


def _count(taught: TaughtLabels) -> pd.DataFrame:
    """Return clips and sites of each label, of the clips that teach and of those that judge, which share sites."""
    table = pd.DataFrame({"label": taught.cells, "split": np.where(taught.is_audit, "audit", "train")})
    table = table.assign(site=taught.sites, clip_id=taught.clip_ids)
    counted = table.groupby(["label", "split"], as_index=False).agg(
        n_clips=("clip_id", "size"), n_sites=("site", "nunique")
    )
    counted["n_sites_of_label"] = counted["label"].map(table.groupby("label")["site"].nunique())
    return counted.astype({name: "int64" for name in counted.columns if name.startswith("n_")})


def _record(taught: TaughtLabels, store: FeatureStore) -> dict[str, Any]:
    sites = {x for x in taught.sites[~taught.is_audit] if x is not None}
    return {
        "n_labels": int((~taught.is_audit).sum()),
        "n_sites": len(sites),
        "n_audit": int(taught.is_audit.sum()),
        "left_out": taught.left_out,
        "features": store.run_id,
    }


def _list_teachers(taught: TaughtLabels, rows: NDArray[np.int64], manifest: Manifest, origin: str) -> LearnedFrom:
    table = fill_places(manifest.table)
    learned = table[table["clip_id"].isin(set(taught.clip_ids[rows]))]
    salt = f"{origin} {sorted(taught.clip_ids[rows])}"
    return LearnedFrom.of(learned, learned.iloc[:0], manifest.root, salt=salt)


def _head_of_card(record: dict[str, Any], no_figures: str, *, origin: str) -> str:
    sites = f"{record['n_sites']} sites" if record["n_sites"] else "sites that are not known"
    left = "; ".join(f"{n} {reason}" for reason, n in record["left_out"].items())
    left = f"; left out: {left}" if left else ""
    n = record["n_audit"]
    kept = f"{n} more, drawn at random, were kept to judge it" if n else "No clip was kept to judge it"
    return (
        f"> **{origin.capitalize()}.** A head on a network trained on ImageNet, fitted to {record['n_labels']} "
        f"labelled clips of {sites}. {kept}{left}.{no_figures}\n"
        "> **No promise.** It decides nothing: every clip is `unsure`, and the probabilities only say which clips "
        "to look at first. `leopardnet thresholds` on labels of a random sample gives it a promise.\n\n"
    )
