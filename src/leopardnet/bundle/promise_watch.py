"""The watch on a bundle's promise: what the clips that set it look like, and whether new footage still does.

A bundle with a promise keeps a few numbers for each site of the clips that set it, sorted, without names or paths,
in the step of `provenance.judged_again` that holds the promise. An alarm changes no probability and no decision.

Clips are looked at in the order of their arrival, so that cards which come later rewrite nothing: watch.json lists
those that earlier runs on a results folder looked at, and these keep their place. New ones follow in the order of
time. An alarm that was raised there for a bundle stays.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from pydantic import TypeAdapter, ValidationError

from leopardnet.bundle.promises import WATCH, Promise, read_promises
from leopardnet.core.predictions import Predictions
from leopardnet.metrics.guarantees.season_watch import Alarm, Reference, Watch, make_reference, watch_season
from leopardnet.metrics.guarantees.site_numbers import BLOCKS, MOST_CLIPS, measure_clips
from leopardnet.metrics.labelled_clips import LabelledClips

if TYPE_CHECKING:
    from leopardnet.bundle.bundle import Bundle, BundleSpec

NOT_KEPT = "it was made by a version that kept nothing to compare with; run `leopardnet thresholds` again"
MAX_NAMES = 8  # of sites in a text
WORDS = {  # what the new clips do more, and less
    "animal": ("show animals more often", "show animals less often"),
    "energy": ("are more familiar to the network", "are less familiar to the network"),
    "likeness": ("are more like what the model was trained on", "are less like what the model was trained on"),
    "brightness": ("are brighter", "are darker"),
    "colour": ("have more colour", "have less colour"),
    "sharpness": ("are sharper or noisier", "are less sharp"),
    "pixels": ("have larger pictures", "have smaller pictures"),
}


@dataclass(frozen=True, slots=True)
class EarlierWatch:
    """What earlier runs on a results folder found.

    order: ids of the clips that they looked at, the first one first. alarm: of this bundle, with its evidence.
    """

    order: tuple[str, ...] = ()
    alarm: Alarm | None = None
    evidence: float = 1.0


def describe_sites(predictions: Predictions, clips: LabelledClips, promises: Sequence[Promise]) -> Reference:
    """Return what the sites behind these promises look like, as a bundle keeps it; empty without promises.

    clips: those that set the promises, with the probabilities that the new bundle gives. All clips of a site with a
    labelled clip count, labelled or not.

    >>> ln.describe_sites(predictions, again.clips, found.kept_promises)  # doctest: +SKIP
    """
    if not promises:
        return {}
    table = predictions.table.set_index("clip_id", drop=False).loc[pd.Index(clips.clip_ids)].reset_index(drop=True)
    probs = {f"p_{name}": clips.probs[:, i] for i, name in enumerate(clips.labels)}
    is_labelled = pd.Series((clips.y >= 0) | clips.is_outside)
    is_of_site = pd.Series(clips.site_codes).isin(clips.site_codes[is_labelled])
    rows = table.assign(site=clips.sites, **probs)[is_of_site]
    features, rows, _ = _measure(rows, predictions, [str(p["label"]) for p in promises])
    return make_reference(features, rows["site"])


def watch_promise(predictions: Predictions, bundle: Bundle, *, results: str | Path | None = None) -> Watch | None:
    """Return whether the promise of the bundle applies to what it classified; None for a bundle without a promise.

    results: the folder of the predictions. With its watch.json the answer is the one that `predict` gave there;
    without, all clips count as if they had come at once, in the order of time. Raises BundleError where another
    model made the predictions.

    >>> watch = watch_promise(predictions, bundle)  # doctest: +SKIP
    >>> print(describe_watch(watch)) if watch else None  # doctest: +SKIP
    """
    earlier = EarlierWatch() if results is None else read_earlier(Path(results), bundle.id)
    found = _watch(predictions, bundle, earlier)
    return found and found[0]


def continue_watch(predictions: Predictions, bundle: Bundle, folder: Path) -> dict[str, Any] | None:
    """Return the content of watch.json after one more look at a results folder; None without a promise."""
    earlier = read_earlier(folder, bundle.id)
    found = _watch(predictions, bundle, earlier)
    if found is None:
        return None
    watch, looked_at = found
    order = list(dict.fromkeys([*earlier.order, *looked_at]))
    return {**watch_facts(watch), "bundle_id": bundle.id, "order": order}


def read_earlier(folder: Path, bundle_id: str) -> EarlierWatch:
    """Return what watch.json in a results folder says; nothing where there is none, or one that cannot be read.

    An alarm of another bundle has no part; the order of the clips has, as it is the same for all bundles.
    """
    try:
        facts = json.loads((folder / WATCH).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return EarlierWatch()
    if not isinstance(facts, dict):
        return EarlierWatch()
    listed = facts.get("order")
    order = tuple(x for x in listed if isinstance(x, str)) if isinstance(listed, list) else ()
    if facts.get("bundle_id") != bundle_id or facts.get("alarm") is None:
        return EarlierWatch(order)
    try:
        alarm = TypeAdapter(Alarm).validate_python(facts["alarm"])
        evidence = TypeAdapter(float).validate_python(facts.get("evidence"))
    except ValidationError:
        return EarlierWatch(order)
    return EarlierWatch(order, alarm, evidence) if alarm.block in BLOCKS else EarlierWatch(order)


def _watch(predictions: Predictions, bundle: Bundle, earlier: EarlierWatch) -> tuple[Watch, list[str]] | None:
    """Return the watch after an earlier one, and the ids of the clips that it looked at, in their order."""
    promises = read_promises(bundle.spec)
    if not promises:
        return None
    predictions.require_model(bundle.id)
    labels = [str(p["label"]) for p in promises]
    features, rows, is_used = _measure(predictions.table, predictions, labels, earlier.order)
    reference = read_reference(bundle.spec)
    watch = watch_season(reference or {}, features, rows["site"], rows["captured_at"])
    if reference is None:
        watch = replace(watch, why=NOT_KEPT)
    if earlier.alarm is not None:
        evidence = max(watch.evidence, earlier.evidence)
        watch = replace(watch, status="alarm", alarm=earlier.alarm, evidence=evidence, why="")
    return watch, rows.loc[is_used, "clip_id"].tolist()


def read_reference(spec: BundleSpec) -> Reference | None:
    """Return what the sites behind the promise look like; None for bundles made before this was kept."""
    reference: Reference | None = (spec.provenance.get("judged_again") or [{}])[-1].get("watch")
    return reference


def describe_watch(watch: Watch) -> str:
    """Return in words whether the promise applies, and what to do where it does not.

    >>> describe_watch(Watch("quiet", 1.6, 600, 20, 30))  # doctest: +NORMALIZE_WHITESPACE
    'The promise still applies: the 600 clips of 20 sites look like those of the 30 sites that set it (evidence
    against it 1.6, alarm at 20).'
    """
    w = watch
    if w.status == "not_watched":
        return (
            f"The promise cannot be watched: {w.why}. Nobody would notice if it stopped applying; look at some of "
            "the clips of each new site."
        )
    footage = f"the {w.n_clips} clips of {w.n_sites} {'site' if w.n_sites == 1 else 'sites'}"
    if w.alarm is None:
        figures = f"evidence against it {w.evidence:.1f}, alarm at 20"
        if w.status == "too_early":
            return f"Too early to say whether the promise applies: {footage} are too few to tell ({figures})."
        return (
            f"The promise still applies: {footage} look like those of the {w.n_reference} sites that set it "
            f"({figures})."
        )
    return f"The promise no longer applies. {_describe_alarm(w.alarm, w)}"


def _describe_alarm(alarm: Alarm, watch: Watch) -> str:
    since = f"site {alarm.since_site}" + (f" ({alarm.since_at})" if alarm.since_at else "")
    named = ", ".join(alarm.sites[:MAX_NAMES]) + (" and others" if len(alarm.sites) > MAX_NAMES else "")
    more, less = WORDS.get(alarm.feature, (f"look more like {alarm.feature}", f"look less like {alarm.feature}"))
    words, n = more if alarm.direction == "higher" else less, watch.n_reference
    what = f"clips {words} than at the {n} sites that set it"
    if BLOCKS[alarm.block].is_change:
        what = f"clips {words} as time goes on at a site, more so than at the {n} sites that set it"
    if alarm.direction == "wider":
        what = f"sites differ more than the {n} sites that set it do: at some, clips {more}; at others, they {less}"
    return (
        f"Since {since}, {what} (evidence {watch.evidence:.3g}, alarm at 20, after {alarm.n_clips} clips). Archive "
        f"nothing unseen: label clips of these sites ({named}), and run `leopardnet thresholds` again with them "
        "and the old ones."
    )


def _measure(
    table: pd.DataFrame, predictions: Predictions, labels: Sequence[str], order: Sequence[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame, pd.Series[bool]]:
    """Return features of the readable clips in the order of arrival, their rows, and which of them matter.

    order: ids of clips that come first, in this order; others follow in the order of time, those without one last.
    Clips and sites that the model was trained on are left out. Frames are read only of clips that matter.
    """
    is_new = ~table["in_training"].isin(["clip", "site"])  # those that taught the model look familiar to it
    rows = table[is_new & (table["status"] != "unreadable")]
    place = rows["clip_id"].map({clip_id: i for i, clip_id in enumerate(order)}).astype("float64")
    rows = rows.assign(place=place).sort_values(
        ["place", "captured_at", "path"], na_position="last", ignore_index=True
    )
    rows = rows.drop(columns="place")
    is_used = rows["site"].notna() & (rows.groupby("site").cumcount() < MOST_CLIPS)
    frames = predictions.read_frames(rows.loc[is_used, "clip_id"])
    return measure_clips(rows, frames, labels=labels), rows, is_used


def watch_facts(watch: Watch) -> dict[str, Any]:
    """Return plain values for JSON, with the text."""
    return {"says": describe_watch(watch), **watch.to_dict()}
