"""The watch on a bundle's promise: what the clips that set it look like, and whether new footage still does.

A bundle with a promise keeps a few numbers for each site of the clips that set it, sorted, without names or paths,
in the step of `provenance.judged_again` that holds the promise. An alarm changes no probability and no decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from leopardnet.bundle.promises import Promise, read_promises
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


def describe_sites(predictions: Predictions, clips: LabelledClips, promises: Sequence[Promise]) -> Reference:
    """Return what the sites behind these promises look like, as a bundle keeps it; empty without promises.

    clips: those that set the promises, with the probabilities that the new bundle gives. All clips of a site with a
    labelled clip count, labelled or not.
    """
    if not promises:
        return {}
    table = predictions.table.set_index("clip_id", drop=False).loc[pd.Index(clips.clip_ids)].reset_index(drop=True)
    probs = {f"p_{name}": clips.probs[:, i] for i, name in enumerate(clips.labels)}
    is_labelled = pd.Series((clips.y >= 0) | clips.is_outside)
    is_of_site = pd.Series(clips.site_codes).isin(clips.site_codes[is_labelled])
    rows = table.assign(site=clips.sites, **probs)[is_of_site]
    features, rows = _measure(rows, predictions, [str(p["label"]) for p in promises])
    return make_reference(features, rows["site"])


def watch_promise(predictions: Predictions, bundle: Bundle) -> Watch | None:
    """Return whether the promise of the bundle applies to what it classified; None for a bundle without a promise.

    Raises BundleError for the predictions of another model than one with a promise.

    >>> watch = watch_promise(predictions, bundle)  # doctest: +SKIP
    >>> print(describe_watch(watch)) if watch else None  # doctest: +SKIP
    """
    promises = read_promises(bundle.spec)
    if not promises:
        return None
    predictions.require_model(bundle.id)
    features, rows = _measure(predictions.table, predictions, [str(p["label"]) for p in promises])
    reference = read_reference(bundle.spec)
    watch = watch_season(reference or {}, features, rows["site"], rows["captured_at"])
    return watch if reference is not None else replace(watch, why=NOT_KEPT)


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
        behind = f"look like those of the {w.n_reference} sites that set it"
        return f"The promise still applies: {footage} {behind} ({figures})."
    return f"The promise no longer applies. {_describe_alarm(w.alarm, w)}"


def _describe_alarm(alarm: Alarm, watch: Watch) -> str:
    since = f"site {alarm.since_site}" + (f" ({alarm.since_at})" if alarm.since_at else "")
    named = ", ".join(alarm.sites[:MAX_NAMES]) + (" and others" if len(alarm.sites) > MAX_NAMES else "")
    more, less = WORDS.get(alarm.feature, (f"look more like {alarm.feature}", f"look less like {alarm.feature}"))
    than = f"than at the {watch.n_reference} sites that set it"
    if BLOCKS[alarm.block].is_change:
        than = f"as time goes on at a site, more so {than}"
    what = f"clips {more if alarm.direction == 'higher' else less} {than}"
    if alarm.direction == "wider":
        set_it = f"the {watch.n_reference} sites that set it"
        what = f"sites differ more than {set_it} do: at some, clips {more}; at others, they {less}"
    return (
        f"Since {since} {what} (evidence {watch.evidence:.3g}, alarm at 20, after {alarm.n_clips} clips). Archive "
        f"nothing unseen: label clips of these sites ({named}), and run `leopardnet thresholds` again with them "
        "and the old ones."
    )


def _measure(
    table: pd.DataFrame, predictions: Predictions, labels: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return features of the readable clips in the order of time, and their rows; those without a time come last.

    Clips and sites that the model was trained on are left out. Frames are read only of clips that matter.
    """
    is_new = ~table["in_training"].isin(["clip", "site"])  # those that taught the model look familiar to it
    rows = table[is_new & (table["status"] != "unreadable")].sort_values(
        ["captured_at", "path"], na_position="last", ignore_index=True
    )
    is_used = rows["site"].notna() & (rows.groupby("site").cumcount() < MOST_CLIPS)
    frames = predictions.read_frames(rows.loc[is_used, "clip_id"])
    return measure_clips(rows, frames, labels=labels), rows


def watch_facts(watch: Watch) -> dict[str, Any]:
    """Return plain values for JSON, with the text."""
    return {"says": describe_watch(watch), **watch.to_dict()}
