"""Labels that people gave to clips. They are written beside the predictions and never replace them."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd

from leopardnet.core.columns import FIRST_ROW, STRING, Column
from leopardnet.core.errors import ManifestError
from leopardnet.core.labels import ANIMAL, EMPTY, UNKNOWN, LabelSet
from leopardnet.core.manifest import Manifest
from leopardnet.core.people import KINDS, person_kind
from leopardnet.core.tables import clip_id, conform
from leopardnet.data.formats.sheets.spreadsheet import plain_text
from leopardnet.data.human_labels.label_file import LabelFile, is_label_file
from leopardnet.data.human_labels.label_views import labels_by_clip
from leopardnet.data.human_labels.said_now import COLUMNS, list_said
from leopardnet.data.human_labels.sound_labels import TODAY_COLUMNS, SoundLabelFile, settle_sounds
from leopardnet.data.reading.label_map import JOINER, list_label_maps, load_label_map, name_key
from leopardnet.data.reading.several_species import split_names
from leopardnet.data.reading.tables.clock_time import parse_clock, settle_date_order
from leopardnet.data.reading.tables.csv_cells import MISSING, local_time
from leopardnet.data.reading.tables.people_table import PeopleTable, read_people_table

CORRECTIONS = (
    Column("clip_id", STRING, False, "the clip"),
    Column(
        "label", STRING, False, "what it shows: a label of the label set, or another known name; several joined"
    ),
    Column("by", STRING, True, "who labelled it; exported only on request"),
    Column("at", STRING, True, "time of labelling with its zone, such as 2024-05-01T10:00:00+10:00"),
    Column("comment", STRING, True, "free text"),
    Column(
        "boxes", STRING, True, "boxes drawn on the review page: JSON list of {xyxy, label?, time_s}, in fractions"
    ),
)
_UNKNOWN_NAMES = ("unsure", "unidentified", "unverified", "неизвестно")
_OTHER = "other"


@dataclass(frozen=True, eq=False)
class Corrections:
    """Corrections as people wrote them: a row for each, with the columns CORRECTIONS.

    places: of each row, for messages; paths: of a clip as the table names it, by clip_id; notes: on how the table
    was read; footage: site and capture time of the rows that state them, by which another card is recognised.
    sounds: what people say of sounds, as `settle_sounds` returns it; said: what each person says, disputed or
    not, as `list_said` returns it.
    """

    table: pd.DataFrame
    places: Sequence[str]
    paths: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    footage: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"clip_id": pd.Series(dtype="str")}))
    sounds: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(TODAY_COLUMNS)))
    said: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(COLUMNS)))


def read_corrections(path: Path, *, encoding: str | None = None) -> Corrections:
    """Read a table with `clip_id` or `path`, and `label`; optionally `by`, `at` and `comment`.

    A `labels.sqlite` of the review page is such a table too: what people agree on, clip by clip.
    `site` and `captured_at`, as in an exported sheet, say which footage it is; other columns are ignored. Rows
    without a label are counted. encoding: of a text table, detected by default. Raises ManifestError for a table
    without a required column, for a row without a clip or whose path and clip_id are of two clips, and for a time
    without a zone.

    >>> ln.read_corrections(Path("corrected.csv"))  # doctest: +SKIP
    """
    if is_label_file(Path(path)):
        return _read_label_file(Path(path))
    source = read_people_table(Path(path), encoding=encoding)
    columns = {c: [t if t not in MISSING else "" for t in source.columns[c]] for c in source.columns}
    if "label" not in columns or not {"clip_id", "path"} & set(columns):
        raise ManifestError(
            "this is not a table of corrections",
            where=source.name,
            found="columns " + ", ".join(columns),
            expected="clip_id or path, and label; optionally by, at, comment",
        )
    n = len(source)
    keep = [i for i in range(n) if columns["label"][i]]
    clips = [_find_clip(columns, source, i) for i in keep]
    ids = [found for found, _ in clips]
    rows = {
        c.name: [columns[c.name][i] or None for i in keep] if c.name in columns else [None] * len(keep)
        for c in CORRECTIONS[1:-1]  # boxes come from the review page alone
    }
    table = pd.DataFrame({"clip_id": ids, **rows}).astype("str")
    for i, text in zip(keep, rows["at"], strict=True):
        if text is not None:
            _check_time(text, source.where(i, "at"))
    notes = (*source.notes, *[f"corrections without a label, left out: {n - len(keep)}"] * (len(keep) < n))
    shown = dict(clips)
    facts: dict[str, Any] = {"clip_id": ids, "path": [shown[i] for i in ids]}
    facts |= {"site": [columns["site"][i] or None for i in keep]} if "site" in columns else {}
    if "captured_at" in columns:
        texts = [columns["captured_at"][i] for i in keep]
        order = settle_date_order(texts)
        times = [parse_clock(text, date_order=order) for text in texts]
        facts["captured_at"] = [time and time.replace(tzinfo=None) for time in times]
        unread = [i for i, text, time in zip(keep, texts, times, strict=True) if text and time is None]
        if unread:
            first = f"{source.where(unread[0])}, {columns['captured_at'][unread[0]]!r}"
            text = "corrections whose captured_at cannot be read, applied without comparing it with the footage"
            notes = (*notes, f"{text}: {len(unread)}, the first in {first}")
    return Corrections(table, [source.where(i) for i in keep], shown, notes, pd.DataFrame(facts))


def _read_label_file(path: Path) -> Corrections:
    with LabelFile(path, read_only=True) as file:
        entries = file.entries()
    with SoundLabelFile(path, read_only=True) as heard:
        sound_entries = heard.entries()
    agreed, sounds, everything = (
        labels_by_clip(entries),
        settle_sounds(sound_entries),
        list_said(entries, sound_entries),
    )
    disputed = int(agreed["is_disputed"].sum())
    said = agreed[~agreed["is_disputed"]].rename(columns={"labels": "label", "note": "comment"})
    table = conform(said[[c.name for c in CORRECTIONS]].astype("str"), CORRECTIONS, where=path.name)
    note = f"clips of which people say different things, left as the model has them: {disputed}"
    paths = dict(zip(said["clip_id"], said["path"], strict=True))
    places = [f"{path.name}, {shown}" for shown in said["path"]]
    notes = (note,) * bool(disputed)
    return Corrections(table, places, paths, notes, sounds=sounds, said=everything)


def _find_clip(columns: Mapping[str, Sequence[str]], source: PeopleTable, i: int) -> tuple[str, str]:
    """Return the clip_id of a row, and the clip as the row names it: its path in the form of a manifest, if any."""
    given, path = (columns[c][i] if c in columns else "" for c in ("clip_id", "path"))
    path = posixpath.normpath(plain_text(path).replace("\\", "/")) if path else ""
    if not (given or path):
        raise ManifestError("a correction names no clip", where=source.where(i), expected="its path or clip_id")
    if given and path and clip_id(path) != given:
        raise ManifestError(
            "path and clip_id of a correction are of two clips",
            where=source.where(i),
            found=f"clip_id {given}",
            expected=f"{clip_id(path)}, the clip_id of this path",
            todo="leave the wrong one empty; if one column was sorted without the others, export the sheet again",
        )
    return given or clip_id(path), path or given


def collect_human_labels(
    manifest: Manifest | None, corrections: Corrections | pd.DataFrame | None, labels: LabelSet
) -> pd.DataFrame:
    """Return the labels that people gave, one row per clip, with the columns CORRECTIONS.

    Corrections come first; the other clips take the human labels of the manifest. Names in any spelling that the
    label set or a built-in label map knows become labels, several of one clip joined by ` + `. Raises ManifestError
    for corrections with unknown names, and for two of one clip that contradict each other.
    """
    known = _KnownNames(labels, manifest)
    corrected = pd.DataFrame({c.name: pd.Series(dtype="str") for c in CORRECTIONS})
    if corrections is not None:
        if isinstance(corrections, pd.DataFrame):
            table = conform(corrections, CORRECTIONS, where="corrections")
            corrections = Corrections(table, [f"corrections, row {i + FIRST_ROW}" for i in range(len(table))])
        corrected = _join_clips(known.match_all(corrections), corrections.places)
    if manifest is None:
        return corrected
    human = manifest.table[manifest.table["label_source"] == "human"]
    given = manifest.replace(human).clip_labels() if len(human) else pd.Series(dtype="str")
    given = given[~given.index.isin(corrected["clip_id"])]
    own = [known.find(x) or x for x in given]
    rest = pd.DataFrame({"clip_id": given.index.astype("str"), "label": own})
    both = pd.concat([corrected, rest], ignore_index=True) if len(rest) else corrected
    return conform(both, CORRECTIONS, where="labels")


class _KnownNames:
    """The names that a person may write, and the label of each: of the model, the maps and the manifest."""

    def __init__(self, labels: LabelSet, manifest: Manifest | None) -> None:
        maps = [load_label_map(m) for m in list_label_maps()]
        own = {m.label(x.name): x.name for m in maps for x in labels if m.knows(x.name)}
        kinds = {kind: x.name for x in labels if (kind := person_kind(x.name))}
        pairs = [
            (n, own.get(x, x)) for m in maps for x, names in m.labels.items() if x != _OTHER for n in (x, *names)
        ]
        pairs += [(n, n) for m in maps for n in m.labels.get(_OTHER, ())]
        pairs += [(x, x) for x in (UNKNOWN, ANIMAL, _OTHER)] + [(n, UNKNOWN) for n in _UNKNOWN_NAMES]
        pairs += [(n, kinds.get(kind, kind)) for n, kind in KINDS.items()]
        if manifest is not None:
            cells = [*manifest.table["label"].dropna().unique(), *manifest.table["species"].dropna().unique()]
            pairs = [*((n, n) for cell in cells for n in cell.split(JOINER)), *pairs]
        pairs += [(n, x.name) for x in labels for n in (x.scientific_name, x.name) if n]
        self.labels = labels
        self.by_key: dict[str, str] = {name_key(n): x for n, x in pairs}

    def find(self, name: str) -> str | None:
        """Return the label of a name; None where it is not known, or in doubt (`tiger?`)."""
        return None if "?" in name else self.by_key.get(name_key(name))

    def match_all(self, corrections: Corrections) -> pd.DataFrame:
        """Return the corrections with their labels. Raises ManifestError with the rows of unknown names."""
        texts = corrections.table["label"].tolist()
        cells, _ = split_names(texts)
        found = [
            (x,) if (x := self.find(t)) else tuple(map(self.find, c)) for t, c in zip(texts, cells, strict=True)
        ]
        wrong = [i for i, names in enumerate(found) if None in names or not names]
        if wrong:
            first = "; ".join(f"{texts[i]!r} ({corrections.places[i]})" for i in wrong[:3])
            near = dict.fromkeys(filter(None, (self._find_nearest(texts[i]) for i in wrong[:3])))
            raise ManifestError(
                "a correction has a name that is not known",
                where=corrections.places[wrong[0]],
                found=first + (f" and {len(wrong) - 3} more rows" if len(wrong) > 3 else ""),
                expected=(f"perhaps {', '.join(near)}; " if near else "")
                + "labels: "
                + ", ".join(self.labels.names),
                todo=f"correct the spelling; for another species, write {ANIMAL}, and its name under comment",
            )
        joined = [JOINER.join(dict.fromkeys(map(str, names))) for names in found]
        return corrections.table.assign(label=pd.array(joined, dtype="str"))

    def _find_nearest(self, name: str) -> str | None:
        near = get_close_matches(name_key(name), self.by_key, n=1)
        return self.by_key[near[0]] if near else None


def _join_clips(table: pd.DataFrame, places: Sequence[str]) -> pd.DataFrame:
    """Return one row per clip, with the labels that one person gave to it in several rows joined."""
    rows: Any = table.astype(object).where(table.notna(), None).to_dict("records")
    first: dict[str, int] = {}
    for i, row in enumerate(rows):
        j = first.setdefault(row["clip_id"], i)
        names = list(dict.fromkeys([*rows[j]["label"].split(JOINER), *row["label"].split(JOINER)]))
        if row["by"] != rows[j]["by"] or (EMPTY in names and len(names) > 1):
            raise ManifestError(
                "two corrections of one clip contradict each other",
                where=places[i] if i == j else f"{places[j]} and {places[i]}",
                found=" and ".join(names) + (f", by {rows[j]['by']} and {row['by']}" if i != j else ""),
                expected="one row for each clip, or rows of one person that name several species",
                todo="keep the row that is right",
            )
        comments = dict.fromkeys(c for c in (rows[j]["comment"], row["comment"]) if c)
        rows[j] |= {"label": JOINER.join(names), "comment": "; ".join(comments) or None}
    joined = pd.DataFrame([rows[j] for j in first.values()], columns=[c.name for c in CORRECTIONS])
    return conform(joined.astype("str"), CORRECTIONS, where="corrections", unique=("clip_id",))


def _check_time(text: str, where: str) -> None:
    try:
        has_zone = local_time(text).tzinfo is not None
    except ValueError:
        has_zone = False
    if not has_zone:
        raise ManifestError(
            "a time cannot be read",
            where=where,
            found=repr(text),
            expected="a time with its zone, such as 2024-05-01T10:00:00+10:00",
        )
