"""The best sound of the clips that a report shows first, as a small spectrogram that can be played."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from leopardnet.core.errors import MediaError
from leopardnet.core.labels import UNREADABLE
from leopardnet.core.language import format_number, translate
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.media.decode import resolve_path
from leopardnet.metrics.comparison.review_order import review_order
from leopardnet.pages.shown_stretch import ShownStretch, show_stretch
from leopardnet.sound.track import read_track

MAX_PICTURES = 40  # more than there are cards
MAX_PLAYERS = 8  # on cards; about 130 kB of the page each
AROUND_S = 1.5  # drawn before and behind the middle of a sound
MAX_S = 6.0  # of a long sound
SIZE_PX = (360, 90)
VOICE = "voice"


@dataclass(frozen=True, slots=True)
class SoundPicture:
    """A sound with its spectrogram, which can be played where nobody is in the clip; text: what it is."""

    stretch: ShownStretch
    text: str


def draw_sounds(
    predictions: Predictions, manifest: Manifest, audible: Collection[str] = (), *, hidden: Collection[str] = ()
) -> dict[str, SoundPicture]:
    """Return the picture of the best sound of each clip by clip_id, of the first clips of `review_order`.

    Voices are never drawn, nor clips in `hidden`; a clip whose sound cannot be read has no picture. Clips in
    `audible` can be played.
    """
    sounds = predictions.sounds
    sounds = sounds[(sounds["kind"] != VOICE) & ~sounds["clip_id"].isin(list(hidden))]
    if sounds.empty:
        return {}
    likely = sounds.assign(best=rate_sounds(sounds))
    best = (
        likely.sort_values("best", ascending=False, kind="stable").drop_duplicates("clip_id").set_index("clip_id")
    )
    paths = manifest.table.drop_duplicates("clip_id").set_index("clip_id")["path"]
    table = predictions.table
    ordered = review_order(table[table["status"] != UNREADABLE])["clip_id"]
    chosen = ordered[ordered.isin(best.index) & ordered.isin(paths.index)].head(MAX_PICTURES)
    found = {}
    for clip_id in chosen:
        sound, path = best.loc[clip_id], resolve_path(manifest.root, paths[clip_id])
        stretch = draw_sound(path, sound["start_s"], sound["end_s"], may_be_heard=clip_id in audible)
        if stretch:
            found[clip_id] = SoundPicture(stretch, describe_sound(sound))
    return found


def find_audible(table: pd.DataFrame, people: Collection[str]) -> frozenset[str]:
    """Return the clips that were searched for voices, have none, and are not in `people`. table: of predictions.

    >>> find_audible(pd.DataFrame({"clip_id": ["a", "b", "c"], "has_voice": ["no", "yes", None]}), [])
    frozenset({'a'})
    """
    if "has_voice" not in table.columns:
        return frozenset()
    return frozenset(table.loc[table["has_voice"] == "no", "clip_id"]).difference(people)


def rate_sounds(sounds: pd.DataFrame) -> pd.Series[float]:
    """Return how like an alarm call each sound is: the probability of a probe, else the score of the search."""
    return sounds["p_alarm_call"].fillna(sounds["score"])


def choose_played(clip_ids: Iterable[str], heard: Mapping[str, SoundPicture]) -> frozenset[str]:
    """Return which of these clips, in the order of their cards, can be played there: the first eight."""
    audible = [clip_id for clip_id in clip_ids if clip_id in heard and heard[clip_id].stretch.wave]
    return frozenset(audible[:MAX_PLAYERS])


def draw_sound(path: Path, start_s: float, end_s: float, *, may_be_heard: bool) -> ShownStretch | None:
    """Return three seconds around a sound of a video, six where it is long; None where the sound cannot be read."""
    try:
        track = read_track(path)
    except MediaError:
        return None
    if track is None:
        return None
    from_s = max(min(0.0, track.start_s), (start_s + end_s) / 2 - AROUND_S)
    to_s = min(max(from_s + 2 * AROUND_S, end_s), from_s + MAX_S)
    return show_stretch(track, from_s, to_s, (start_s, end_s), may_be_heard=may_be_heard, size_px=SIZE_PX)


def describe_sound(sound: pd.Series) -> str:
    """Return what a sound is, when and how high, in words."""
    kind, peak = str(sound["kind"]), sound["peak_hz"]
    what = translate("tonal call") if kind == "tonal_call" else kind.removeprefix("network:")
    text = translate("{what} at {time} s", what=what, time=format_number(sound["start_s"], 1))
    return text if pd.isna(peak) else text + ", " + translate("{n} kHz", n=format_number(peak / 1000, 1))
