"""Everything that people say today of clips and of sounds, in one table: for the rule for people."""

from __future__ import annotations

import pandas as pd

from leopardnet.data.human_labels.label_views import labels_by_person
from leopardnet.data.human_labels.sound_labels import last_said

COLUMNS = ("clip_id", "label", "boxes")


def list_said(labels: pd.DataFrame | None, sound_labels: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return what each person says of each clip and sound, whatever others say: clip_id, label and drawn boxes.

    labels: the entries of a `LabelFile`; sound_labels: those of a `SoundLabelFile`. It is the `human_labels` of
    `clips_with_people`.

    >>> clips_with_people(predictions, manifest, list_said(entries, sound_entries))  # doctest: +SKIP
    """
    parts = [] if labels is None else [labels_by_person(labels).rename(columns={"labels": "label"})]
    parts += [] if sound_labels is None else [last_said(sound_labels)]
    rows = [part.reindex(columns=list(COLUMNS)).astype(object) for part in parts]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=list(COLUMNS), dtype=object)
