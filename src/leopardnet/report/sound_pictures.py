"""The best sound of the clips that a report shows first, as a small spectrogram."""

from __future__ import annotations

import base64
from collections.abc import Collection
from dataclasses import dataclass

import pandas as pd

from leopardnet.core.errors import MediaError
from leopardnet.core.labels import UNREADABLE
from leopardnet.core.language import translate
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.media.decode import resolve_path
from leopardnet.metrics.comparison.review_order import review_order
from leopardnet.sound.stretch import draw_stretch

MAX_PICTURES = 40  # more than there are cards
AROUND_S = 1.5  # drawn before and behind the middle of a sound
SIZE_PX = (360, 90)
VOICE = "voice"


@dataclass(frozen=True, slots=True)
class SoundPicture:
    """A spectrogram as a data URI; left, width: of the sound in it, in percent; text: what it is."""

    uri: str
    left: float
    width: float
    text: str


def draw_sounds(
    predictions: Predictions, manifest: Manifest, *, hidden: Collection[str] = ()
) -> dict[str, SoundPicture]:
    """Return the picture of the best sound of each clip by clip_id, of the first clips of `review_order`.

    Voices are never drawn, nor clips in `hidden`; a clip whose sound cannot be read has no picture.
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
    found = {clip_id: _draw(best.loc[clip_id], manifest, paths[clip_id]) for clip_id in chosen}
    return {clip_id: picture for clip_id, picture in found.items() if picture is not None}


def rate_sounds(sounds: pd.DataFrame) -> pd.Series[float]:
    """Return how like an alarm call each sound is: the probability of a probe, else the score of the search."""
    return sounds["p_alarm_call"].fillna(sounds["score"])


def _draw(sound: pd.Series, manifest: Manifest, path: str) -> SoundPicture | None:
    start_s, end_s = float(sound["start_s"]), float(sound["end_s"])
    from_s = max(0.0, (start_s + end_s) / 2 - AROUND_S)
    to_s = max(from_s + 2 * AROUND_S, end_s)
    try:
        png = draw_stretch(resolve_path(manifest.root, path), from_s, to_s, SIZE_PX)
    except MediaError:
        return None
    uri = "data:image/png;base64," + base64.b64encode(png).decode()
    left, right = (100 * (t - from_s) / (to_s - from_s) for t in (max(start_s, from_s), end_s))
    return SoundPicture(uri, round(left, 1), round(right - left, 1), describe_sound(sound))


def describe_sound(sound: pd.Series) -> str:
    """Return what a sound is, when and how high, in words."""
    kind, peak = str(sound["kind"]), sound["peak_hz"]
    what = translate("tonal call") if kind == "tonal_call" else kind.removeprefix("network:")
    text = translate("{what} at {time} s", what=what, time=f"{sound['start_s']:.1f}")
    return text if pd.isna(peak) else text + ", " + translate("{n} kHz", n=f"{peak / 1000:.1f}")
