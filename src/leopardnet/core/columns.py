"""Columns of every table: names, dtypes, meanings and valid values. `core.tables.conform` enforces them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

STRING, FLOAT, INT, TIME = "str", "float64", "Int64", "datetime64[us]"
KINDS = ("video", "still", "burst", "frame")
SPLITS = ("train", "val", "test")
HELD_OUT = "held_out"
SOUND_STATES = ("heard", "none", "unreadable")
PARTS = (HELD_OUT, "clip", "site", "chosen", "no")  # of a clip in making the model, the strongest first


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its dtype, whether it may be empty, its meaning, and an optional check of its values.

    `check` maps the values that are present to True where they are valid; `rule` is the same in words.
    """

    name: str
    dtype: str
    nullable: bool
    meaning: str
    check: Callable[[pd.Series[Any]], pd.Series[bool]] | None = None
    rule: str = ""


def _is_relative_posix(s: pd.Series[Any]) -> pd.Series[bool]:
    bad = s.str.contains(r"\\|^/|^~|^[A-Za-z]:|(?:^|/)\.\.(?:/|$)|[\x00\r]", regex=True)
    return ~bad & (s.str.len() > 0)


def _is_list_of_paths(s: pd.Series[Any]) -> pd.Series[bool]:
    import pandas as pd

    def safe(text: str) -> bool:
        try:
            paths = json.loads(text)
        except (ValueError, RecursionError):
            return False
        if not (isinstance(paths, list) and paths and all(isinstance(p, str) for p in paths)):
            return False
        return bool(_is_relative_posix(pd.Series(paths, dtype="str")).all())

    return s.map(safe).astype(bool)


def _is_one_of(values: Sequence[str]) -> Callable[[pd.Series[Any]], pd.Series[bool]]:
    return lambda s: s.isin(list(values))


def _is_not_negative(s: pd.Series[Any]) -> pd.Series[bool]:
    return (s >= 0) & (s < np.inf)


def _is_finite(s: pd.Series[Any]) -> pd.Series[bool]:
    return s.abs() < np.inf


def _is_probability(s: pd.Series[Any]) -> pd.Series[bool]:
    return (s >= 0) & (s <= 1)


MANIFEST = (
    Column("clip_id", STRING, False, "hash of the path; joins every table"),
    Column("kind", STRING, False, "video, still, burst, or frame (a labelled frame of a video)", _is_one_of(KINDS), "one of " + ", ".join(KINDS)),
    Column("path", STRING, False, "POSIX path relative to the root; of a burst, its first still", _is_relative_posix, "a relative path with forward slashes and no '..'"),
    Column("paths", STRING, True, "all stills of a burst as a JSON list", _is_list_of_paths, "a JSON list of relative paths"),
    Column("time_s", FLOAT, True, "labelled frames: seconds from the start of the video", _is_not_negative, "0 or more"),
    Column("frame_number", INT, True, "labelled frames: number in decode order, from 0", _is_not_negative, "0 or more"),
    Column("site", STRING, True, "the place; a split keeps a site together"),
    Column("deployment", STRING, True, "one camera at one site for one period"),
    Column("sequence_id", STRING, True, "files of one trigger"),
    Column("captured_at", TIME, True, "local time of the camera, after clock correction, without a zone"),
    Column("time_zone", STRING, True, "IANA zone or fixed offset of captured_at; empty if unknown"),
    Column("time_source", STRING, True, "source of the time: exif, maker_note, exif_changed, quicktime, riff, filename, banner, mtime, table"),
    Column("label", STRING, True, "what it shows, as a name of the label set"),
    Column("labels", STRING, True, "of several species, all their labels, joined by ' + '; `label` is then empty"),
    Column("species", STRING, True, "name in the source, before the label map"),
    Column("label_source", STRING, True, "human or machine", _is_one_of(("human", "machine")), "human or machine"),
    Column("boxes", STRING, True, "JSON list of {xyxy, label?, score?}"),
    Column("box_unit", STRING, True, "unit of xyxy: px or fraction", _is_one_of(("px", "fraction")), "px or fraction"),
    Column("width_px", INT, True, "of the picture", _is_not_negative, "0 or more"),
    Column("height_px", INT, True, "of the picture", _is_not_negative, "0 or more"),
    Column("split", STRING, True, "train, val, test or fold0, fold1, …"),
    Column("source", STRING, True, "the scan or import that made the row"),
)  # fmt: skip

PREDICTIONS_HEAD = (
    Column("clip_id", STRING, False, "hash of the path; joins every table"),
    Column("path", STRING, False, "POSIX path relative to the root", _is_relative_posix, "a relative path with forward slashes and no '..'"),
    Column("kind", STRING, False, "video, still or burst", _is_one_of(KINDS[:3]), "one of " + ", ".join(KINDS[:3])),
    Column("site", STRING, True, "from the manifest"),
    Column("captured_at", TIME, True, "from the manifest"),
    Column("status", STRING, False, "ok, partial (some frames or boxes could not be used) or unreadable", _is_one_of(("ok", "partial", "unreadable")), "ok, partial or unreadable"),
    Column("reason", STRING, True, "why the status is not ok"),
    Column("decision", STRING, False, "a label, 'animal', 'unsure' or 'unreadable'"),
    Column("rule", STRING, False, "the rule that decided: species, rolled_up, abstained, empty, none"),
    Column("score", FLOAT, True, "probability of the decision", _is_probability, "between 0 and 1"),
    Column("alert", STRING, True, "the likeliest of `alerts`"),
    Column("alerts", STRING, True, "every target label that a person should check the clip for, likeliest first, joined by ' + '"),
)  # fmt: skip

PREDICTIONS_TAIL = (
    Column("n_frames", INT, False, "frames that were decoded and classified", _is_not_negative, "0 or more"),
    Column("best_time_s", FLOAT, True, "time of the strongest frame for the decision", _is_finite, "a finite number"),
    Column("evidence_times_s", STRING, True, "times of the strongest frames for the decision, strongest first"),
    Column("duration_s", FLOAT, True, "length of the clip according to its container; a hint", _is_not_negative, "0 or more"),
    Column("fps", FLOAT, True, "frames per second according to its container; a hint", _is_not_negative, "0 or more"),
    Column("width_px", INT, True, "of the picture as stored", _is_not_negative, "0 or more"),
    Column("height_px", INT, True, "of the picture as stored", _is_not_negative, "0 or more"),
    Column("bundle_id", STRING, False, "the model"),
    Column("labels_id", STRING, False, "its label set"),
    Column("in_training", STRING, True, "part in making the model: clip (trained on), site (others of its site were), chosen (it or its site chose epoch and temperature), held_out (had a part, but its scores come from a network and a choice that had not seen its site), no; empty if unknown", _is_one_of(PARTS), "one of " + ", ".join(PARTS)),
    Column("sound", STRING, True, "heard, none (the file has no sound track) or unreadable; empty if it was not searched, as in older tables", _is_one_of(SOUND_STATES), "one of " + ", ".join(SOUND_STATES)),
    Column("sound_note", STRING, True, "why the sound cannot be read, or what is odd about it"),
    Column("n_calls", INT, True, "tonal calls on the sound track, which are candidates; see the table of sounds", _is_not_negative, "0 or more"),
    Column("has_voice", STRING, True, "whether a human voice is on the sound track", _is_one_of(("yes", "no")), "yes or no"),
    Column("decoded_by", STRING, True, "what decoded the video: software, or a device such as cuda; empty for pictures, unreadable clips and rows of older versions"),
)  # fmt: skip

SOUNDS = (
    Column("clip_id", STRING, False, "hash of the path; joins every table"),
    Column("start_s", FLOAT, False, "seconds from the first picture; below 0 where the sound begins before it", _is_finite, "a finite number"),
    Column("end_s", FLOAT, False, "its end, in the same seconds", _is_finite, "a finite number"),
    Column("kind", STRING, False, "tonal_call, voice, or network:<label>"),
    Column("low_hz", FLOAT, True, "lowest pitch", _is_not_negative, "0 or more"),
    Column("high_hz", FLOAT, True, "highest pitch", _is_not_negative, "0 or more"),
    Column("peak_hz", FLOAT, True, "pitch where it is loudest", _is_not_negative, "0 or more"),
    Column("slope_hz_s", FLOAT, True, "change of pitch in a second, negative where it falls", _is_finite, "a finite number"),
    Column("snr_db", FLOAT, True, "power above the noise around its pitch", _is_finite, "a finite number"),
    Column("score", FLOAT, False, "how well it fits, 0 to 1; not a probability", _is_probability, "between 0 and 1"),
    Column("source", STRING, False, "what found it, with its version"),
    Column("p_alarm_call", FLOAT, True, "probability of an alarm call, by a probe of sounds that people named", _is_probability, "between 0 and 1"),
)  # fmt: skip

EVIDENCE_HEAD = (
    Column("clip_id", STRING, False, "hash of the path"),
    Column("i_frame", INT, False, "position among the classified frames", _is_not_negative, "0 or more"),
    Column("time_s", FLOAT, False, "presentation time as decoded", _is_finite, "a finite number"),
)

EVIDENCE_TAIL = (
    Column("boxes", STRING, True, "JSON list of {xyxy, score}, best first; [] if a detector found nothing, empty if none was run"),
    Column("box_source", STRING, True, "detector that found the boxes"),
)  # fmt: skip

FIRST_ROW = 2
"""The number of a table's first row in messages, as Excel and every editor show it: the header is row 1."""

FINDINGS = (
    Column("severity", STRING, False, "error, warning or info", _is_one_of(("error", "warning", "info")), "error, warning or info"),
    Column("rule", STRING, False, "short name of the check"),
    Column("row", INT, True, "row of the manifest as a spreadsheet shows it: the header is row 1"),
    Column("path", STRING, True, "file"),
    Column("message", STRING, False, "what is wrong and what to do"),
)  # fmt: skip


NAMED = Column("labels", STRING, True, "all labels that were named, joined by ' + '")


def predictions_columns(labels: Sequence[str], *, multi: bool = False) -> tuple[Column, ...]:
    """Return the columns of a predictions table for these labels, with one `p_<label>` each.

    multi: the labels are independent; then the column `labels` holds all that were named in a clip.

    >>> [c.name for c in predictions_columns(["leopard", "empty"])][12:14]
    ['p_leopard', 'p_empty']
    """
    head = (*PREDICTIONS_HEAD, NAMED) if multi else PREDICTIONS_HEAD
    p = _probabilities(labels, "probability of {}, calibrated if the card of the model says so")
    return (*head, *p, *PREDICTIONS_TAIL)


def has_several_labels(predictions: pd.DataFrame) -> bool:
    """Return whether a table of predictions is that of a model with independent labels."""
    return NAMED.name in predictions.columns


def join_alerts(predictions: pd.DataFrame) -> pd.Series[str]:
    """Return the alerts of each clip, joined, likeliest first; tables of older versions have one, in `alert`."""
    import pandas as pd

    none = pd.Series(None, index=predictions.index, dtype=object)
    one = predictions.get("alert", none)
    return predictions.get("alerts", none).where(lambda cells: cells.notna(), one)


LOOKS = (
    Column("brightness", FLOAT, True, "mean grey value", _is_finite, "a finite number"),
    Column("contrast", FLOAT, True, "standard deviation of the grey values", _is_finite, "a finite number"),
    Column("colour", FLOAT, True, "mean distance of the largest from the smallest of red, green and blue", _is_finite, "a finite number"),
    Column("sharpness", FLOAT, True, "log2 of the mean size of the Laplacian of the grey values", _is_finite, "a finite number"),
)  # fmt: skip


def evidence_columns(labels: Sequence[str]) -> tuple[Column, ...]:
    """Return the columns of an evidence table: one row per classified frame, boxes in fractions of the upright frame.

    `energy` and `cos_<label>` measure how familiar the whole frame is to the network; see `score.familiarity`. The
    others say what it looks like, whatever it shows; see `media.preprocess`.
    """
    number = (_is_finite, "a finite number")
    energy = Column("energy", FLOAT, True, "log of the sum of the exponentials of the frame's logits", *number)
    mean = "cosine of the frame's features to the mean of {} in training"
    cosines = (Column(f"cos_{x}", FLOAT, True, mean.format(x), *number) for x in labels)
    return (
        *EVIDENCE_HEAD,
        *_probabilities(labels, "of this frame alone: {}"),
        energy,
        *cosines,
        *LOOKS,
        *EVIDENCE_TAIL,
    )


def table_labels(predictions: pd.DataFrame) -> tuple[str, ...]:
    """Return the labels of a predictions or evidence table, in class order."""
    return tuple(str(c)[2:] for c in predictions.columns if str(c).startswith("p_"))


def _probabilities(labels: Sequence[str], meaning: str) -> list[Column]:
    rule = (_is_probability, "between 0 and 1")
    return [Column(f"p_{x}", FLOAT, True, meaning.format(x), *rule) for x in labels]
