"""The sounds of clips as tables: one row per sound, and the columns of the table of predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

import pandas as pd

from leopardnet.core.columns import SOUNDS
from leopardnet.core.predictions import no_sounds
from leopardnet.core.tables import conform
from leopardnet.core.types import ClipSound


def build_sound_table(sounds: Sequence[tuple[str, ClipSound | None]]) -> pd.DataFrame:
    """Return one row per sound with the columns SOUNDS. sounds: clip_id and sound of each clip.

    >>> len(build_sound_table([("a", ClipSound("none")), ("b", None)]))
    0
    """
    rows = [{"clip_id": clip_id, **asdict(x)} for clip_id, sound in sounds if sound for x in sound.found]
    if not rows:
        return no_sounds()
    return conform(pd.DataFrame(rows, columns=[c.name for c in SOUNDS]), SOUNDS, where="sounds")


def describe_sounds(sounds: Sequence[ClipSound | None]) -> dict[str, list[object]]:
    """Return the columns `sound`, `sound_note`, `n_calls` and `has_voice` of a table with one row per clip.

    What was not searched, or has no sound that can be heard, has no number of calls and no answer about voices.

    >>> describe_sounds([ClipSound("heard"), None])
    {'sound': ['heard', None], 'sound_note': [None, None], 'n_calls': [0, None], 'has_voice': ['no', None]}
    """
    kinds = [[x.kind for x in sound.found] if sound and sound.state == "heard" else None for sound in sounds]
    return {
        "sound": [sound.state if sound else None for sound in sounds],
        "sound_note": [sound.note or None if sound else None for sound in sounds],
        "n_calls": [None if found is None else found.count("tonal_call") for found in kinds],
        "has_voice": [None if found is None else "yes" if "voice" in found else "no" for found in kinds],
    }
