"""The model card: what a model is, what it was trained on, how good it is, and what it must not be used for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from leopardnet.bundle.learned_from import read_learned_from
from leopardnet.bundle.model_card.card_figures import (
    count_support,
    describe_conditions,
    describe_figures,
    describe_optimism,
    list_bullets,
    list_table,
    make_plain,
    say_results,
)
from leopardnet.bundle.model_card.card_training import describe_training, say_pairs, sum_up_settings
from leopardnet.bundle.model_card.chosen_figures import choice_json
from leopardnet.bundle.promises import NO_PROMISE, describe_promise, read_promises
from leopardnet.core.labels import list_names, say_blindness
from leopardnet.metrics.evaluation import Evaluation

if TYPE_CHECKING:
    from leopardnet.bundle.bundle import BundleSpec

MUST_NOT = (
    "To delete or skip footage unseen. `empty` is a probability, not a fact: check samples of what it calls empty.",
    "At cameras unlike those it was trained on, before it has been evaluated on labelled clips of yours: figures "
    "of other footage are not its accuracy there.",
    "For animals that are not among its labels: they get one of these labels, `animal` or `unsure`.",
    "As the only alarm where people could be hurt, and as evidence against a person.",
    "To count or identify individuals, or for statements about numbers of animals without a check by hand.",
    "To find people: it was not trained on them.",
)
INDEPENDENT = (
    "A clip may show several of them: each has a probability of its own, which says nothing of the others, and "
    "every animal that reaches the threshold is named."
)
DATA_COLUMNS = {"label": "label", "split": "split", "n_frames": "frames", "n_clips": "clips", "n_sites": "sites"}


def model_card(
    spec: BundleSpec,
    data: pd.DataFrame,
    *,
    evaluation: Evaluation | None = None,
    chosen_on: Evaluation | None = None,
    how: str = "",
) -> str:
    """Return the card as Markdown.

    data: label, split, n_frames, n_clips, n_sites of the training data, and n_sites_of_label, that of all splits,
    where these share sites. evaluation: of clips that the model was not
    trained on; chosen_on: of the same clips with the epoch and temperature that were chosen on them, `evaluation`
    itself where there is no other; how: a sentence about which clips these are and how they were classified.
    """
    labels = ", ".join(
        x.name + (f" (*{x.scientific_name}*)" if x.scientific_name else "") for x in spec.labels.labels
    )
    p = spec.preprocess
    sections = {
        "Labels": [
            f"The model knows: {labels}.",
            "",
            *([INDEPENDENT, ""] if spec.labels.multi else []),
            *_say_targets(spec, evaluation),
            *_say_blindness(spec),
        ],
        "What it must not be used for": list_bullets(MUST_NOT),
        "Data": [*_data(data), *_say_unread(spec), "", f"Countries: {_statement(spec, 'countries')}."],
        "Promise": [" ".join(map(describe_promise, read_promises(spec))) or NO_PROMISE],
        "Figures": [
            *describe_figures(evaluation, how),
            *describe_conditions(evaluation),
            *describe_optimism(evaluation, chosen_on),
        ],
        "Calibration": [_calibration(spec)],
        "Conditions": _conditions(data, evaluation),
        "How it works": list_bullets(
            [
                f"Backbone: {spec.model.backbone}, weights trained on {spec.model.trained_on or 'not stated'}.",
                f"Frames: sampling {say_pairs(spec.sampling.model_dump())}.",
                f"Input: {p.size_px} px, {p.resize}; {100 * p.crop_top:.0f} % of the height cut away at the top, "
                f"{100 * p.crop_bottom:.0f} % at the bottom.",
                *_describe_crops(spec),
                f"From frames to the clip: {spec.aggregate.name}.",
                f"Thresholds: {say_pairs(spec.decide.model_dump())}.",
            ]
        ),
        "How it was trained": [
            *list_bullets(describe_training(spec) or ["Not stated."]),
            "",
            "All settings are in `bundle.json`, under `provenance`.",
        ],
        "Licences": list_bullets(
            [
                f"Backbone weights: {spec.model.licence or 'not stated'}.",
                *(["Detector: it has terms of its own."] if spec.detector.is_on else []),
                f"Training data: {_statement(spec, 'data_licence')}. Its terms may limit the use of the model.",
                "leopardnet itself: Apache-2.0.",
            ]
        ),
    }
    head = [f"# {spec.name}", "", "A species classifier for camera-trap footage, made with leopardnet.", ""]
    head += _say_rendered(spec)
    return "\n".join(head + [line for title, body in sections.items() for line in (f"## {title}", "", *body, "")])


def card_json(
    spec: BundleSpec,
    data: pd.DataFrame,
    *,
    evaluation: Evaluation | None = None,
    chosen_on: Evaluation | None = None,
    how: str = "",
) -> dict[str, Any]:
    """Return the card as plain values for JSON; a figure is {value, low, high}, null where there is none."""
    return {
        "name": spec.name,
        "made_with": f"leopardnet {spec.provenance.get('leopardnet', '')}".strip(),
        "labels": [x.model_dump() for x in spec.labels.labels],
        "targets": list(spec.labels.targets),
        **({"multi": True} if spec.labels.multi else {}),
        "must_not_be_used_for": list(MUST_NOT),
        "n_rendered_clips": _count_rendered(spec),
        "countries": _experiment(spec).get("countries") or None,
        "conditions": {
            "sites": _most_sites(data),
            "day_and_night": _count_lights(evaluation) or None,
            "seasons": None,
            "cameras": None,
        },
        "data": [{k: make_plain(v) for k, v in row.items()} for row in _records(data)],
        **({"n_unread": spec.provenance["n_unread"]} if "n_unread" in spec.provenance else {}),
        "promises": list(read_promises(spec)),
        "says": say_results(evaluation) if evaluation else [],
        "figures": evaluation.to_metrics_json() if evaluation else None,
        "figures_obtained": how,
        **choice_json(None if evaluation is chosen_on else evaluation, chosen_on),
        "calibration": spec.calibration.to_dict(),
        "model": spec.model.model_dump(mode="json"),
        "preprocess": spec.preprocess.model_dump(mode="json"),
        "sampling": spec.sampling.model_dump(mode="json"),
        "aggregate": spec.aggregate.model_dump(mode="json"),
        "decide": spec.decide.model_dump(mode="json"),
        "training": sum_up_settings(spec),
        "licences": {
            "weights": spec.model.licence,
            "training_data": _experiment(spec).get("data_licence") or None,
            "software": "Apache-2.0",
        },
    }


# --- sections ---


def _say_targets(spec: BundleSpec, evaluation: Evaluation | None) -> list[str]:
    """Return the targets, what is done for them, and how many of their clips were called empty all the same."""
    if not spec.labels.targets:
        return ["Targets: none."]
    lost = [
        f"{n} of {support} clips of {name}"
        for name in spec.labels.targets
        if evaluation and (support := count_support(evaluation, name))
        for n in [evaluation.target_lost[name]]
    ]
    known = f": that happened to {list_names(lost)} behind the figures." if lost else "; no figure says how often."
    return [
        f"Targets: {', '.join(spec.labels.targets)}. A clip in which one reaches its alert threshold is listed as "
        f"suspected, and is never called empty. Below that threshold it may be{known}"
    ]


def _say_blindness(spec: BundleSpec) -> list[str]:
    """Return what a model without the label leopard must be known for; nothing for another."""
    blind = say_blindness([x.name for x in spec.labels.labels])
    return ["", f"**T{blind[1:]}**: it never says that one was seen, and calls it something else."] if blind else []


def _count_rendered(spec: BundleSpec) -> int:
    """Return how many of the clips that the model learned from were drawn by a program, as far as that is known."""
    learned = read_learned_from(spec)
    return learned.count_rendered() if learned else 0


def _say_rendered(spec: BundleSpec) -> list[str]:
    n = _count_rendered(spec)
    if not n:
        return []
    return [
        f"> **Rendered footage.** A program drew {n} of the clips that this model learned from, and said what they "
        "show. They show no animal: the model shows that the software works, and says nothing of real animals.",
        "",
    ]


def _describe_crops(spec: BundleSpec) -> list[str]:
    """Return the line on boxes and crops, or none where the network sees whole frames alone."""
    if not spec.detector.is_on:
        return []
    return [
        f"Boxes: the detector `{spec.detector.source}`, in at most {spec.detector.max_frames} frames of a clip. A "
        "crop around the best box is classified beside the whole frame. Without it the figures do not apply."
    ]


def _data(data: pd.DataFrame) -> list[str]:
    if data.empty:
        return ["Not stated."]
    known = [c for c in DATA_COLUMNS if c in data]
    rows = _records(data[known].rename(columns=DATA_COLUMNS))
    return ["Labelled frames, their clips, and the sites of the clips.", "", *list_table(rows)]


def _say_unread(spec: BundleSpec) -> list[str]:
    """Return how many labelled files could not be read in full; nothing where none, or nobody counted them."""
    n = spec.provenance.get("n_unread") or 0
    which = "skipped.csv of the run names them with the reasons"
    return (
        ["", f"Labelled files that could not be read in full: {n}. What is missing was not trained on; {which}."]
        if n
        else []
    )


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def _conditions(data: pd.DataFrame, evaluation: Evaluation | None) -> list[str]:
    """Return the conditions of training and evaluation, and those that nobody recorded."""
    n, lights = _most_sites(data), _count_lights(evaluation)
    unknown = "not stated" if data.empty or data["n_sites"].isna().any() else "none is known"
    lines = [f"Sites in training and evaluation: at most {n} for one label." if n else f"Sites: {unknown}."]
    lines += [f"Sites behind the figures: {evaluation.places}."] if evaluation else []
    return list_bullets(
        [
            *lines,
            *([f"Light of the clips behind the figures: {say_pairs(lights)}."] if lights else []),
            f"{'Seasons' if lights else 'Day and night, seasons'}, camera makes and habitats of the footage are "
            "not recorded. Where yours differ, the figures may not apply.",
        ]
    )


def _count_lights(evaluation: Evaluation | None) -> dict[str, int]:
    """Return how many clips behind the figures were taken by each light, as far as that is known."""
    if evaluation is None or evaluation.conditions is None:
        return {}
    return {str(k): int(n) for k, n in evaluation.conditions.light.counts["n_clips"].items()}


def _most_sites(data: pd.DataFrame) -> int:
    """Return the largest number of sites of one label, summed over splits where these share no site."""
    if "n_sites_of_label" in data and len(data):
        return int(data["n_sites_of_label"].max())
    by_label = data.groupby("label")["n_sites"].sum() if len(data) else pd.Series(dtype="float64")
    return int(by_label.max()) if by_label.notna().any() else 0


def _experiment(spec: BundleSpec) -> Mapping[str, Any]:
    return (spec.provenance.get("config") or {}).get("experiment") or {}


def _statement(spec: BundleSpec, key: str) -> str:
    return str(_experiment(spec).get(key) or "not stated by the person who trained this model").rstrip(".")


def _calibration(spec: BundleSpec) -> str:
    c = spec.calibration
    biases = ", ".join(f"{x.name} {b:+.2f}" for x, b in zip(spec.labels.labels, c.biases, strict=bool(c.biases)))
    more = (f"biases in log-odds: {biases}" if biases else "", c.shift.describe() if c.shift else "")
    return "; ".join(filter(None, (f"Temperature {c.temperature:.3f}, from {c.basis}", *more))) + "."
