"""Clips that had a part in making a model, and therefore may not judge it: it looks better on them than it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.columns import HELD_OUT, PARTS, SPLITS
from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.id_sets import is_among
from leopardnet.core.footage.site_names import has_other_site, normalise_site
from leopardnet.core.manifest import Manifest

Texts = NDArray[np.object_]  # of str, or None
TAUGHT = PARTS[1:4]


@dataclass(frozen=True)
class TaughtClips:
    """Numbers of labelled clips: trained on, others of such sites, and those that chose epoch and temperature.

    are_counted: they are in the figures, because that was asked for; otherwise they were left out, and `ids` has
    their clip_ids. is_known: False where neither bundle nor manifest says whether the model learned from a clip.

    >>> print(TaughtClips(12, 3, 0))
    left out, because the model learned from them: 12 clips that it was trained on, 3 others of sites of these names
    """

    clip: int = 0
    site: int = 0
    chosen: int = 0
    are_counted: bool = False
    ids: frozenset[str] = field(default=frozenset(), repr=False)
    is_known: bool = True

    def __len__(self) -> int:
        return self.clip + self.site + self.chosen

    def __str__(self) -> str:
        counts = {
            "{} clips that it was trained on": self.clip,
            "{} others of sites of these names": self.site,
            "{} of sites that chose its epoch and temperature": self.chosen,
        }
        found = ", ".join(words.format(n) for words, n in counts.items() if n)
        if not found and self.is_known:
            return ""
        if not found:
            return (
                "the bundle does not say what its model learned from, or the clips got their sites after `predict` "
                "(then give --bundle), and the manifest has no split: if the model learned from these clips or "
                "their sites, it looks better here than it is"
            )
        if self.are_counted:
            return f"this is not its accuracy at new sites: among the clips are {found}"
        return f"left out, because the model learned from them: {found}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "clip": self.clip,
            "site": self.site,
            "chosen": self.chosen,
            "are_counted": self.are_counted,
            "is_known": self.is_known,
        }


NONE_TAUGHT = TaughtClips()


def doubt_parts(table: pd.DataFrame, manifest: Manifest) -> pd.DataFrame:
    """Return predictions without the part 'no' of clips whose site in the manifest was not known to `predict`.

    That the model learned from no clip of this site was never asked.
    """
    if "in_training" not in table.columns:
        return table
    is_in_doubt = (table["in_training"] == "no") & has_other_site(table, manifest.table)
    return table.assign(in_training=table["in_training"].mask(is_in_doubt))


def join_parts(parts: Texts, codes: NDArray[np.int64]) -> Texts:
    """Return the strongest part that clips of one code have, object [M]; unknown is stronger than 'no'.

    >>> join_parts(np.array(["no", "clip", None], object), np.array([0, 0, 1])).tolist()
    ['clip', 'clip', None]
    """
    words = np.array([*TAUGHT, HELD_OUT, None, "no"], object)
    order = pd.Series(parts, dtype=object).map({word: i for i, word in enumerate(words) if word})
    ranks = order.fillna(len(words) - 2).astype(int).groupby(codes).transform("min")
    joined: Texts = words[ranks.to_numpy()]
    return joined


def find_parts(clip_ids: Texts, in_training: Texts | None, sites: Texts, manifest: Manifest) -> Texts:
    """Return the part of each clip in making the model, object [M]: a value of the column in_training, or None.

    in_training: that column of the predictions, None or with None where a bundle did not say what it learned from.
    There the column split of the manifest counts: train, and rows without a split beside others that have one; val
    chose the epoch. Without a split it stays None. Other clips of a site of such clips have a part as well, by the
    sites of the manifest.
    """
    unknown = np.full(len(clip_ids), None, object)
    parts = pd.Series(unknown if in_training is None else in_training, dtype=object)
    parts = parts.where(parts.notna(), None)
    places = pd.Series(sites, dtype=object).map(normalise_site, na_action="ignore")
    ids, from_split = pd.Series(clip_ids, dtype=object), parts.isna()
    for word, rows in _find_taught_rows(manifest.table).items():
        is_own = is_among(ids, rows["clip_id"])
        parts[from_split & is_own & parts.isna()] = word
        at = rows["site"].dropna().map(normalise_site)
        parts[from_split & parts.isna() & places.isin(at)] = "site" if word == "clip" else word
    if manifest.table["split"].isin(SPLITS).any():
        parts[parts.isna()] = "no"
    for words, word in ((("clip", "site"), "site"), (("chosen",), "chosen")):
        is_free = ~parts.isin([*TAUGHT, HELD_OUT])
        parts[is_free & places.isin(places[parts.isin(words)].dropna())] = word
    return parts.to_numpy(object)


def _find_taught_rows(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the rows that a manifest's column split gives to training, and those that it gives to validation."""
    is_val, is_train = table["split"] == "val", table["split"] == "train"
    if table["split"].isin(SPLITS).any():
        is_labelled = table["label"].notna() | table["labels"].notna()
        is_train |= table["split"].isna() & is_labelled
    return {"clip": table[is_train], "chosen": table[is_val]}


class NoJudgeError(ManifestError):
    """No labelled clip may judge the model."""


def separate_taught(
    parts: Texts, clip_ids: Texts, is_labelled: NDArray[np.bool_], *, keep: bool = False
) -> tuple[NDArray[np.bool_], TaughtClips]:
    """Return which clips judge the model, bool [M], and the labelled ones that had a part in making it.

    parts, clip_ids: object [M]; is_labelled: bool [M]; keep: all judge, and are counted. Raises NoJudgeError where
    no labelled clip is left.
    """
    is_taught = np.isin(parts.astype(str), TAUGHT)
    labelled = parts[is_labelled]
    counts = {word: int((labelled == word).sum()) for word in TAUGHT}
    ids = frozenset() if keep else frozenset(clip_ids[is_labelled & is_taught].tolist())
    taught = TaughtClips(**counts, are_counted=keep, ids=ids, is_known=not pd.isna(labelled).any())
    if not keep and len(taught) and not (is_labelled & ~is_taught).any():
        raise NoJudgeError(
            "every labelled clip had a part in training the model: none is left to judge it",
            where="predictions, column in_training, or manifest, column split",
            found=str(taught).partition(": ")[2],
            expected="labelled clips of sites that the model has not seen",
            todo="label clips of other sites; or give the folder of the training run in place of the predictions: "
            "it holds scores of networks that had not seen the site, unless its split shares sites. If your sites "
            "only have the names of those in training, rename them in the manifest and predict again, which "
            "classifies nothing twice",
        )
    return np.ones(len(parts), bool) if keep else ~is_taught, taught
