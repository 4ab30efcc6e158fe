"""The sound of all clips of results, searched once more with a network of the user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict

import pandas as pd

from leopardnet.core.columns import SOUNDS
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import conform
from leopardnet.sound.networks.sound_network import SoundNetwork
from leopardnet.sound.tracks_of_clips import read_tracks


def search_clips(
    network: SoundNetwork,
    manifest: Manifest,
    clip_ids: Sequence[str],
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return what a network hears in these clips as rows of SOUNDS, and notes on those that could not be heard.

    Clips without a sound track have no row and are no fault.

    >>> ln.search_clips(ln.open_sound_network(Path("birds.yaml")), manifest, clip_ids)  # doctest: +SKIP
    """
    rows, reasons = [], Counter[str]()
    rate_hz = network.config.sample_rate_hz
    for clip_id, track, reason in read_tracks(manifest, clip_ids, max_rate_hz=rate_hz, on_progress=on_progress):
        if track is None:
            reasons[reason] += bool(reason)
            continue
        rows += [{"clip_id": clip_id, **asdict(sound)} for sound in network.find(track)]
    table = conform(pd.DataFrame(rows, columns=[c.name for c in SOUNDS]), SOUNDS, where="sounds")
    return table, tuple(f"clips that were not heard: {n} ({reason})" for reason, n in reasons.items() if n)


def flag_voices(predictions: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
    """Return the predictions with `has_voice` yes for each clip in which a voice was found."""
    is_heard = predictions["clip_id"].isin(found.loc[found["kind"] == "voice", "clip_id"])
    return predictions.assign(has_voice=predictions["has_voice"].mask(is_heard, "yes"))


def replace_sounds(sounds: pd.DataFrame, found: pd.DataFrame, source: str) -> pd.DataFrame:
    """Return the table of sounds with the rows of one source replaced by what it found now."""
    kept = sounds[sounds["source"] != source]
    both = pd.concat([kept, found], ignore_index=True) if len(found) else kept
    return both.sort_values(["clip_id", "start_s", "kind"], kind="stable", ignore_index=True)
