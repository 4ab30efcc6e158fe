"""The pictures of a dossier: the best still of each clip with its boxes, probabilities over time, spectrograms."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from leopardnet.core.errors import MediaError
from leopardnet.core.language import translate
from leopardnet.core.predictions import Predictions
from leopardnet.core.types import Clip
from leopardnet.media.decode import resolve_path
from leopardnet.media.thumbnail import make_thumbnail
from leopardnet.pages.palette import LabelStyle
from leopardnet.pages.pictures import Picture, best_frame_boxes, embed_picture, parse_frame_boxes
from leopardnet.pages.shown_stretch import ShownStretch, show_stretch
from leopardnet.pages.svg import curve_chart
from leopardnet.records.dossier.facts import Capture
from leopardnet.records.dossier.sound_facts import SoundFact
from leopardnet.records.dossier.sources import DossierSources
from leopardnet.records.record_table import CONFIRMED
from leopardnet.sound.track import read_track

MAX_STILLS, MAX_SOUNDS = 12, 8
STILL_PX = 420  # the short side of the pictures
VISIBLE = 0.05  # a label that stays below has no curve
BESIDE_S = 1.5  # of sound before and after a candidate


@dataclass(frozen=True, slots=True)
class ShownCapture:
    """A capture with its picture and its curves, None where they cannot be shown."""

    capture: Capture
    picture: Picture | None
    chart: Markup | None


@dataclass(frozen=True, slots=True)
class ShownSound:
    """A sound with its spectrogram, which can be played where nobody is in the clip."""

    sound: SoundFact
    stretch: ShownStretch


def choose_stills(captures: Sequence[Capture]) -> list[Capture]:
    """Return the captures to show, at most twelve, the best first, the others in the order of time.

    They are the best one, the first one, then the best of each site, then others. Better is a confirmed one, then
    one of higher probability.
    """
    valid = [c for c in captures if c.counts and not c.is_hidden]
    best = sorted(valid, key=lambda c: (c.state != CONFIRMED, -c.score if c.score == c.score else 0.0))
    of_sites = {c.site: c for c in reversed(best)}
    first = [c for c in valid if c.state == CONFIRMED][:1] + valid[:1]
    wanted = [*best[:1], *first, *(c for c in best if of_sites[c.site] is c), *best]
    chosen = list({c.ref: c for c in wanted}.values())[:MAX_STILLS]
    order = {c.ref: i for i, c in enumerate(valid)}
    return chosen[:1] + sorted(chosen[1:], key=lambda c: order[c.ref])


def show_captures(
    captures: Sequence[Capture],
    sources: DossierSources,
    clips: Mapping[str, Clip],
    styles: Sequence[LabelStyle],
    label: str,
) -> list[ShownCapture]:
    """Return the captures with their pictures. clips: by the ref of the capture."""
    ids = [c.clip_id for c in captures]
    frames = sources.predictions.read_frames(ids)
    table = sources.predictions.table
    boxes = best_frame_boxes(table[table["clip_id"].isin(ids)], frames, parse_frame_boxes(frames))
    shown = []
    for capture in captures:
        time_s = capture.seconds[0] if capture.seconds else 0.0
        clip = clips.get(capture.ref)
        jpeg = clip and make_thumbnail(
            clip, sources.manifest.root, time_s=time_s, short_side_px=STILL_PX, quality=82
        )
        picture = embed_picture(jpeg, boxes.get(capture.clip_id, ())) if jpeg else None
        shown.append(
            ShownCapture(capture, picture, draw_curves(capture.clip_id, sources.predictions, styles, label))
        )
    return shown


def draw_curves(clip_id: str, predictions: Predictions, styles: Sequence[LabelStyle], label: str) -> Markup | None:
    """Return the probabilities of the visible labels over the seconds of a clip; None below two frames."""
    frames = predictions.read_frames([clip_id]).dropna(subset=["time_s"]).sort_values("time_s", kind="stable")
    if len(frames) < 2:
        return None
    curves = [
        (
            s.name,
            s.colour,
            list(zip(frames["time_s"].astype(float), frames[f"p_{s.name}"].astype(float), strict=True)),
        )
        for s in reversed(choose_labels(frames, styles, label))
    ]
    times = frames["time_s"].astype(float)
    return curve_chart(
        curves,
        title=translate("Probabilities over the seconds of the clip"),
        x_label=translate("seconds"),
        y_label=translate("probability"),
        x_range=(min(0.0, times.min()), max(float(times.max()), 0.1)),
    )


def choose_labels(frames: pd.DataFrame, styles: Sequence[LabelStyle], label: str) -> list[LabelStyle]:
    """Return the labels that have a visible curve in these frames, the animal first."""
    visible = [s for s in styles if s.name == label or (frames[f"p_{s.name}"] >= VISIBLE).any()]
    return sorted(visible, key=lambda s: s.name != label)


def show_sounds(sounds: Sequence[SoundFact], root: Path, *, silent: Collection[str] = ()) -> list[ShownSound]:
    """Return the sounds to show, at most eight, with their spectrograms: named ones first, then by score.

    silent: clips whose sound cannot be played, because people are in them.
    """
    valid = [s for s in sounds if not s.is_hidden]
    best = sorted(valid, key=lambda s: (s.state != CONFIRMED, -s.score if s.score == s.score else 0.0, s.ref))
    shown = []
    for sound in best[:MAX_SOUNDS]:
        try:
            track = read_track(resolve_path(root, sound.path))
        except MediaError:
            continue
        if track is None:
            continue
        start_s = max(min(0.0, track.start_s), sound.start_s - BESIDE_S)
        end_s = max(start_s + 1e-3, min(sound.end_s + BESIDE_S, track.start_s + track.duration_s))
        at_s, may_be_heard = (sound.start_s, sound.end_s), sound.clip_id not in silent
        shown.append(ShownSound(sound, show_stretch(track, start_s, end_s, at_s, may_be_heard=may_be_heard)))
    return shown
