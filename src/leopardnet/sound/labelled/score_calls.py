"""The sounds of a table measured on their tracks, to fit a probe of alarm calls or to score them with one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.manifest import Manifest
from leopardnet.data.human_labels.sound_labels import match_sounds
from leopardnet.sound.labelled.call_features import NAMES, measure_call
from leopardnet.sound.labelled.call_probe import CallProbe, fit_probe
from leopardnet.sound.tracks_of_clips import read_tracks

CALL = "tonal_call"
Progress = Callable[[int, int], None] | None
NO_SOUND = "the clip has no sound any more"


def measure_calls(
    sounds: pd.DataFrame, manifest: Manifest, *, on_progress: Progress = None
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return the features of each sound, float64 [M, F], nan where its track cannot be read, and why it cannot."""
    features, reasons = np.full((len(sounds), len(NAMES)), np.nan), Counter[str]()
    rows: list[Any] = sounds.to_dict("records")
    places = {str(clip): list(at) for clip, at in sounds.groupby("clip_id").indices.items()}
    for clip_id, track, reason in read_tracks(manifest, list(places), on_progress=on_progress):
        if track is None:
            reasons[reason or NO_SOUND] += 1
            continue
        for i in places[clip_id]:
            features[i] = measure_call(track, rows[i])
    return features, tuple(f"clips that were not heard: {n} ({reason})" for reason, n in reasons.items())


def train_probe(
    sounds: pd.DataFrame,
    said: pd.DataFrame,
    manifest: Manifest,
    sites: pd.Series[str],
    *,
    on_progress: Progress = None,
) -> tuple[CallProbe, tuple[str, ...]]:
    """Fit a probe to the calls that people named, and return it with notes on the clips that were not heard.

    sounds: a table of sounds; said: as `read_sound_labels` returns it; sites: by clip_id. Raises LabelFileError
    where there are too few.

    >>> probe, notes = ln.train_probe(predictions.sounds, said, manifest, sites)  # doctest: +SKIP
    """
    calls = sounds[sounds["kind"] == CALL].reset_index(drop=True)
    labels = match_sounds(calls, said)
    is_named = labels.notna()
    calls, labels = calls[is_named].reset_index(drop=True), labels[is_named].reset_index(drop=True)
    features, notes = measure_calls(calls, manifest, on_progress=on_progress)
    is_heard = np.asarray(np.isfinite(features).all(axis=1), bool)
    heard = calls["clip_id"][is_heard].map(sites).reset_index(drop=True)
    return fit_probe(features[is_heard], labels[is_heard].reset_index(drop=True), heard), notes


def score_calls(
    sounds: pd.DataFrame, probe: CallProbe, manifest: Manifest, *, on_progress: Progress = None
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return the table of sounds with `p_alarm_call` of each call, empty where it was not heard, and notes.

    >>> sounds, notes = ln.score_calls(predictions.sounds, probe, manifest)  # doctest: +SKIP
    """
    calls = sounds[sounds["kind"] == CALL]
    features, notes = measure_calls(calls.reset_index(drop=True), manifest, on_progress=on_progress)
    is_heard = np.isfinite(features).all(axis=1)
    scores = np.full(len(calls), np.nan)
    scores[is_heard] = probe.score(features[is_heard]).round(6)
    found = pd.Series(np.nan, index=sounds.index)
    found[calls.index] = scores
    return sounds.assign(p_alarm_call=found), notes
