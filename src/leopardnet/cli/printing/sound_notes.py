"""What was heard on the sound tracks, in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def count_sounds(table: pd.DataFrame) -> dict[str, int]:
    """Return how many clips were heard, or could not be, and what was found. table: predictions or tracks.

    >>> import pandas as pd
    >>> rows = {"sound": ["heard", "none"], "n_calls": [2, None], "has_voice": ["yes", None], "status": "ok"}
    >>> count_sounds(pd.DataFrame(rows))["with_calls"]
    1
    """
    import pandas as pd

    sound, n_calls = table["sound"], pd.to_numeric(table["n_calls"]).fillna(0)
    no_picture = table["status"] == "unreadable" if "status" in table.columns else False
    return {
        "heard": int((sound == "heard").sum()),
        "no_track": int((sound == "none").sum()),
        "unreadable": int((sound == "unreadable").sum()),
        "calls": int(n_calls.sum()),
        "with_calls": int((n_calls > 0).sum()),
        "with_voice": int((table["has_voice"] == "yes").sum()),
        "heard_without_picture": int(((sound == "heard") & no_picture).sum()),
    }


def sound_notes(table: pd.DataFrame) -> list[str]:
    """Return lines on the sound of the clips; none where no sound track was found."""
    n = count_sounds(table)
    if not n["heard"] and not n["unreadable"]:
        return []
    notes = [f"sound: clips heard: {n['heard']}, clips with tonal calls: {n['with_calls']}"]
    if n["calls"]:
        notes.append(f"tonal calls: {n['calls']}; each is a candidate for an alarm call, so listen to it")
    if n["with_voice"]:
        notes.append(f"clips with a human voice, treated as clips that show people: {n['with_voice']}")
    if n["unreadable"]:
        notes.append(f"clips whose sound cannot be read: {n['unreadable']}; the column `sound_note` explains why")
    if n["heard_without_picture"]:
        notes.append(
            f"clips whose picture cannot be read, but whose sound was searched: {n['heard_without_picture']}"
        )
    return notes
