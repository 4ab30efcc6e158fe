"""What people said of clips, as the labels that a head is fitted to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.errors import BundleError
from leopardnet.core.labels import ANIMAL, EMPTY, JOINER, UNKNOWN, is_label_id, split_labels
from leopardnet.core.manifest import Manifest
from leopardnet.core.settings.inference import LabelsConfig
from leopardnet.core.settings.known_labels import describe_label
from leopardnet.data.splits.groups import find_groups
from leopardnet.hunt.feature_store import ClipFeatures


@dataclass(frozen=True, eq=False)
class TaughtLabels:
    """M labelled clips that have features.

    at: int64 [M], their positions in the features. cells: object [M], their labels, several joined. y: int64 [M],
    class indices; combinations of independent labels have numbers from C on. is_audit: bool [M], whether a clip
    came from the random sample: these judge the model and teach it nothing. groups: int64 [M], clips that share a
    site, a deployment or a sequence. sites: object [M], None where it is not known. left_out: what was not used,
    and of how many clips.
    """

    labels: LabelsConfig
    at: NDArray[np.int64]
    clip_ids: NDArray[np.object_]
    cells: NDArray[np.object_]
    y: NDArray[np.int64]
    is_audit: NDArray[np.bool_]
    groups: NDArray[np.int64]
    sites: NDArray[np.object_]
    kinds: NDArray[np.object_]
    left_out: dict[str, int]

    @property
    def presence(self) -> NDArray[np.bool_] | None:
        """The independent labels of each clip, bool [M, C]; None where a clip has one label."""
        return self.labels.label_set().presence(self.cells) if self.labels.multi else None


def collect_labels(
    said: pd.DataFrame, features: ClipFeatures, manifest: Manifest, *, targets: tuple[str, ...] = ()
) -> TaughtLabels:
    """Return what a head can be fitted to. said: as `labels_for_models` gives it.

    Clips that people dispute or could not tell, and clips without features, are left out and counted. Where a clip
    shows several species, the labels are independent. targets: those that no clip shows yet are left out. Raises
    BundleError where fewer than two labels are left.
    """
    place = {clip_id: i for i, clip_id in enumerate(features.clip_ids)}
    rows = manifest.table.drop_duplicates("clip_id").reset_index(drop=True)
    names = said["labels"].map(split_labels)
    tests = {
        "people disagree": said["is_disputed"],
        "nobody could tell": names.map(lambda x: not x or bool({UNKNOWN, ANIMAL} & set(x))).astype(bool),
        "of other footage": ~said["clip_id"].isin(rows["clip_id"]),
        "unreadable": ~said["clip_id"].isin(place),
    }
    is_used, left_out = pd.Series(True, index=said.index), {}
    for reason, is_so in tests.items():
        left_out[reason] = int((is_used & is_so).sum())
        is_used &= ~is_so
    used, names = said[is_used], names[is_used]
    found = sorted({x for cell in names for x in cell} - {EMPTY})
    has_empty = any(EMPTY in cell for cell in names)
    _check_names(found, has_empty=has_empty, n_clips=len(used))
    labels = LabelsConfig(
        labels=tuple(describe_label(x) for x in (*found, *([EMPTY] if has_empty else []))),
        empty="empty" if has_empty else None,
        targets=tuple(x for x in targets if x in found),
        multi=any(len(cell) > 1 for cell in names),
    )
    cells = names.map(JOINER.join).to_numpy(object)
    of_clip = rows.assign(group=find_groups(rows, by="site")).set_index("clip_id").loc[used["clip_id"]]
    return TaughtLabels(
        labels,
        np.array([place[x] for x in used["clip_id"]], np.int64),
        used["clip_id"].to_numpy(object),
        cells,
        np.array(labels.label_set().number(cells.tolist()), np.int64),
        used["inclusion"].notna().to_numpy(bool),
        of_clip["group"].to_numpy(np.int64),
        of_clip["site"].astype(object).where(of_clip["site"].notna(), None).to_numpy(object),
        of_clip["kind"].to_numpy(object),
        {reason: n for reason, n in left_out.items() if n},
    )


def _check_names(found: list[str], *, has_empty: bool, n_clips: int) -> None:
    wrong = [x for x in found if not is_label_id(x)]
    if wrong:
        raise BundleError(
            "a label cannot be the label of a model",
            found=wrong[0],
            expected="small letters, digits and underscores, such as roe_deer",
        )
    if len(found) + has_empty < 2:
        only = f", all of them {found[0] if found else EMPTY}" if n_clips else ""
        raise BundleError(
            "there is too little to learn from",
            found=f"{n_clips} labelled clips{only}",
            expected="clips of at least two labels, such as leopard and empty",
            todo="label some clips of other animals, and some without an animal",
        )
