"""What the entries of a `labels.sqlite` say today: by person, by clip, as a manifest, and how well people agree.

Every function takes the table that `LabelFile.entries` returns and derives its answer from nothing else.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from leopardnet.core.labels import EMPTY, JOINER, UNKNOWN, split_labels
from leopardnet.core.manifest import Manifest
from leopardnet.data.human_labels.drawn_boxes import add_drawn_boxes

AUDIT = "audit"  # the queue of the blind random sample
PERSON_COLUMNS = (
    *("clip_id", "by", "entry_id", "path", "labels", "at", "seconds", "boxes", "queue", "inclusion", "bundle_id"),
    *("note", "starred"),
)
CLIP_COLUMNS = (
    "clip_id",
    "path",
    "labels",
    "is_disputed",
    "n_people",
    "by",
    "at",
    "queue",
    "inclusion",
    "note",
    "boxes",
)


def labels_by_person(entries: pd.DataFrame) -> pd.DataFrame:
    """Return what each person says of each clip today: a row for each pair, with the columns PERSON_COLUMNS.

    The newest entry counts that was not taken back; of `note` and `boxes`, the newest that says something of them.
    `labels` are sorted and joined by ` + `, '' where the person gave none. A clip met in the blind audit keeps that
    entry's `queue` and `inclusion`, whatever the person changed later: how it was chosen stays true.
    All others have no `inclusion`, also those of random samples of what a model said, such as the empties: their
    chance holds among these clips alone, and they were seen with the model's answer.
    """
    valid = entries[~entries["entry_id"].isin(entries["undoes"].dropna()) & entries["undoes"].isna()]
    chances = valid["inclusion"].where(valid["queue"] == AUDIT)
    valid = valid.assign(labels=valid["labels"].map(_join), inclusion=chances)
    keys = ["clip_id", "by"]
    last = valid.drop_duplicates(keys, keep="last").set_index(keys)
    said = valid[valid["labels"] != ""].drop_duplicates(keys, keep="last").set_index(keys)
    for column in ("entry_id", "labels", "at", "seconds", "queue", "inclusion", "bundle_id"):
        last[column] = said[column].reindex(last.index).where(last.index.isin(said.index), last[column])
    drawn = valid[valid["inclusion"].notna() & (valid["labels"] != "")].drop_duplicates(keys, keep="first")
    drawn = drawn.set_index(keys)
    is_drawn = last.index.isin(drawn.index)
    for column in ("queue", "inclusion"):
        last[column] = last[column].mask(is_drawn, drawn[column].reindex(last.index))
    for column in ("note", "boxes"):
        told = valid[valid[column].notna()].drop_duplicates(keys, keep="last").set_index(keys)[column]
        last[column] = told.reindex(last.index)
    return last.reset_index()[list(PERSON_COLUMNS)]


def labels_by_clip(entries: pd.DataFrame) -> pd.DataFrame:
    """Return what people say of each clip together: a row for each labelled clip, with the columns CLIP_COLUMNS.

    The labels that most people give stand. Whoever says `unknown` has no vote where others name something. Where
    two answers have the same number of votes the clip `is_disputed` and its `labels` are ''. `by`: who gave the
    labels that stand, joined by `, `; `at`: when the last of them did; `queue` and `inclusion`: of the blind audit
    if anyone met the clip there, else the newest queue and nan; `boxes`: of one who gave the labels that stand and
    drew some, of several the one who spoke last.

    >>> columns = ["entry_id", "clip_id", "path", "labels", "by", "at", "queue", "inclusion", "undoes", "note"]
    >>> rows = [[1, "a", "a.avi", '["tiger"]', "AB", "t1", "audit", 0.1, None, None],
    ...         [2, "a", "a.avi", '["empty"]', "CD", "t2", "all", None, None, None]]
    >>> entries = pd.DataFrame(rows, columns=columns)
    >>> entries = entries.assign(seconds=None, boxes=None, bundle_id=None, starred=False)
    >>> labels_by_clip(entries)[["labels", "is_disputed", "inclusion"]].values.tolist()
    [['', True, 0.1]]
    """
    people = labels_by_person(entries)
    people["boxes"] = people["boxes"].mask(people["boxes"] == "[]")  # taken away
    said = people[people["labels"] != ""].sort_values("entry_id", kind="stable")
    types: Any = {"is_disputed": bool, "n_people": int, "inclusion": float}
    is_alone = ~said["clip_id"].duplicated(keep=False)
    order = said["clip_id"].drop_duplicates()
    alone = said[is_alone].assign(is_disputed=False, n_people=1)[list(CLIP_COLUMNS)]  # nearly all; groups are slow
    rows = [_settle(str(clip), group) for clip, group in said[~is_alone].groupby("clip_id", sort=False)]
    alone["by"] = alone["by"].str.replace(",", "")
    several = pd.DataFrame(rows, columns=list(CLIP_COLUMNS))
    both = pd.concat([alone, several], ignore_index=True) if rows and len(alone) else several if rows else alone
    return both.set_index("clip_id").loc[order].reset_index().astype(types)


def _settle(clip: str, said: pd.DataFrame) -> dict[str, Any]:
    """Return the row of a clip from what each person says of it. said: the rows of `labels_by_person`, by time."""
    voters = said[said["labels"] != UNKNOWN]
    votes = (voters if len(voters) else said)["labels"].value_counts()
    is_disputed = len(votes) > 1 and votes.iloc[0] == votes.iloc[1]
    labels = "" if is_disputed else str(votes.index[0])
    stand = said if is_disputed else said[said["labels"] == labels]
    drawn = said[said["inclusion"].notna()]
    chosen = drawn.iloc[0] if len(drawn) else said.iloc[-1]
    notes = said["note"].dropna()
    drawn_boxes = stand["boxes"].dropna()
    return {
        "clip_id": clip,
        "path": said["path"].iloc[-1],
        "labels": labels,
        "is_disputed": is_disputed,
        "n_people": len(said),
        "by": join_names(stand["by"]),
        "at": stand["at"].iloc[-1],
        "queue": chosen["queue"],
        "inclusion": chosen["inclusion"],
        "note": "; ".join(dict.fromkeys(notes)) or None,
        "boxes": drawn_boxes.iloc[-1] if len(drawn_boxes) and not is_disputed else None,
    }


def join_names(names: Iterable[str]) -> str:
    """Return the names of people as one text, in order; a comma within a name would make two people of it.

    >>> join_names(["CD", "Ivanov, P."])
    'CD, Ivanov P.'
    """
    return ", ".join(sorted(name.replace(",", "") for name in names))


def labels_for_models(entries: pd.DataFrame) -> pd.DataFrame:
    """Return what may teach and judge models, as `labels_by_clip`: of audited clips what was said in the audit.

    There people saw neither the model's answer nor each other's. Whatever they said elsewhere of such a clip,
    before or after, they may have said because of the answer, and it would judge the model too kindly.

    >>> ln.label_manifest(manifest, ln.labels_for_models(entries))  # doctest: +SKIP
    """
    blind = labels_by_clip(entries[entries["queue"] == AUDIT])
    others = labels_by_clip(entries)
    others = others[~others["clip_id"].isin(blind["clip_id"])].assign(inclusion=np.nan)
    return pd.concat([others, blind], ignore_index=True).astype(others.dtypes)


def label_manifest(manifest: Manifest, said: pd.DataFrame) -> Manifest:
    """Return the manifest with the labels of people; their word stands above what the manifest said.

    said: as `labels_by_clip` or `labels_for_models` gives it. A clip of one label has it in `label`, a clip of
    several in `labels`. A clip that people dispute, or say to be `unknown`, has none. `label_source` becomes
    `human`. Labelled frames that contradict the people are left out; boxes that they drew become labelled frames,
    see `add_drawn_boxes`. Labels of clips of other footage change nothing.

    >>> ln.label_manifest(manifest, ln.labels_by_clip(entries))  # doctest: +SKIP
    """
    agreed = said.set_index("clip_id")["labels"]
    agreed = agreed.mask(agreed.isin(["", UNKNOWN]))
    table = manifest.table
    is_named, is_frame = table["clip_id"].isin(agreed.index), table["kind"] == "frame"
    named = table[is_named].drop_duplicates("clip_id", keep="first")
    bare = named[~named["clip_id"].isin(table.loc[~is_frame, "clip_id"])]  # clips of labelled frames alone
    nothing: Any = {"kind": "video", "time_s": np.nan, "frame_number": pd.NA}
    whole: pd.DataFrame = pd.concat([table[is_named & ~is_frame], bare.assign(**nothing)])
    named_so = whole["clip_id"].map(agreed).astype(object)
    several = named_so.str.contains(JOINER, regex=False).fillna(False).astype(bool)
    whole = whole.assign(
        label=named_so.mask(several),
        labels=named_so.where(several),
        species=None,
        label_source=pd.Series("human", index=whole.index, dtype=object).where(named_so.notna()),
    )
    frames = table[is_named & is_frame]
    fits = [
        isinstance(clip, str) and label in {*split_labels(clip), EMPTY}
        for clip, label in zip(frames["clip_id"].map(agreed), frames["label"], strict=True)
    ]
    own = add_drawn_boxes(pd.concat([whole, frames[fits]]), said)
    return manifest.replace(pd.concat([table[~is_named], own]).sort_index(kind="stable"))


def measure_agreement(entries: pd.DataFrame) -> pd.DataFrame:
    """Return how well each pair of people agrees on the clips that both labelled.

    Columns: by_a, by_b, n_clips, agreement (share of equal answers), kappa (Cohen 1960: agreement beyond what
    chance would give; nan where it is not defined, because both always gave one and the same answer).

    >>> ln.measure_agreement(entries)[["by_a", "by_b", "kappa"]]  # doctest: +SKIP
    """
    from sklearn.metrics import cohen_kappa_score

    people = labels_by_person(entries)
    said = people[people["labels"] != ""].pivot(index="clip_id", columns="by", values="labels")
    rows = []
    for a, b in itertools.combinations(sorted(said.columns), 2):
        both = said[[a, b]].dropna()
        if len(both):
            one = both[a].nunique() == 1 and both[a].equals(both[b].rename(a))
            kappa = np.nan if one else float(cohen_kappa_score(both[a], both[b]))
            rows.append((a, b, len(both), float((both[a] == both[b]).mean()), kappa))
    return pd.DataFrame(rows, columns=["by_a", "by_b", "n_clips", "agreement", "kappa"])


def _join(cell: object) -> str:
    """Return the labels of an entry, sorted and joined, `empty` only where it stands alone."""
    names = set(json.loads(cell)) if isinstance(cell, str) else set()
    return JOINER.join(sorted(names - {EMPTY})) or JOINER.join(names)
