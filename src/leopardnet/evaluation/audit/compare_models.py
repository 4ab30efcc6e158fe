"""Predictions of two models against the same labels of people: which one should be used?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from leopardnet.core.columns import has_several_labels
from leopardnet.core.labels import split_labels
from leopardnet.core.predictions import Predictions
from leopardnet.evaluation.audit.judging_labels import JudgingLabels
from leopardnet.metrics.comparison.two_models import ModelComparison, compare_models
from leopardnet.metrics.judges.clip_truth import true_labels
from leopardnet.metrics.judges.label_choice import LabelChoice
from leopardnet.metrics.judges.taught_clips import NoJudgeError
from leopardnet.metrics.labelled_clips import LabelledClips


@dataclass(frozen=True)
class SideBySide:
    """The comparison of two models, and what limits it.

    n_learned: labelled clips left out because one of the models learned from them. n_at_known: clips that judge and
    are of sites that the old or the new model learned from; n_chosen: of those by which, or by whose sites, its
    epoch and temperature were chosen. only_new, only_old: labels that one of them knows.
    """

    found: ModelComparison
    choice: LabelChoice
    n_learned: int
    n_at_known: tuple[int, int]
    n_chosen: tuple[int, int]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]

    @property
    def limits(self) -> list[str]:
        """What the answer does not cover, a sentence each without a stop."""
        said = [str(self.choice)]
        if self.n_learned:
            said.append(f"left out: {self.n_learned} labelled clips that one of the models learned from")
        if any(self.n_at_known):
            old, new = self.n_at_known
            said.append(
                f"of the clips that judge, {old} are at sites that the old model learned from, {new} at sites of "
                "the new one: the answer is about these sites and says nothing about new ones (--new-sites counts "
                "only sites that neither knows)"
            )
        if any(self.n_chosen):
            old, new = self.n_chosen
            said.append(
                f"of the clips that judge, {old} helped to choose epoch and temperature of the old model, {new} of "
                "the new one, which flatters it a little"
            )
        for names, who in ((self.only_old, "old"), (self.only_new, "new")):
            if names:
                said.append(f"clips of {', '.join(names)}, which only the {who} model knows, have no part")
        return list(filter(None, said))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        names = {"only_old": list(self.only_old), "only_new": list(self.only_new)}
        met = {"n_at_known_sites": list(self.n_at_known), "n_chosen": list(self.n_chosen)}
        counts = {"n_learned": self.n_learned, **met}
        said = {"labels_chosen": self.choice.to_dict(), "limits": self.limits}
        return {**self.found.to_dict(), **counts, **names, **said}


def compare_predictions(
    old: Predictions, new: Predictions, judges: JudgingLabels, *, new_sites: bool = False, n_boot: int = 2000
) -> SideBySide:
    """Return two models side by side on the clips that both classified, in pairs.

    Clips that either model learned from have no part; others of its sites do, unless `new_sites`, and are counted.
    Raises NoJudgeError where no clip is left, and errors as `compare_models`.

    >>> ln.compare_predictions(old, new, ln.read_judging_labels(manifest, Path("labels.sqlite")))  # doctest: +SKIP
    """
    both = [_join(x, judges) for x in (old, new)]
    parts = [_find_parts(x) for x in both]
    is_learned = {"clip"} | ({"site", "chosen"} if new_sites else set())
    taught = {i for of in parts for i, part in of.items() if part in is_learned}
    left = [x.select(~np.isin(x.clip_ids, list(taught))) for x in both]
    shared = set.intersection(*(set(x.clip_ids[x.y >= 0]) for x in left))
    if not shared:
        raise NoJudgeError(
            "no labelled clip may judge both models",
            where="predictions and labels",
            found=f"{len(taught)} clips that one of them learned from" if taught else "no labelled clip in common",
            expected="labelled clips that both classified and neither learned from",
            todo="label more clips of the audit, or leave --new-sites out",
        )
    found = compare_models(*left, n_boot=n_boot)
    n_learned = len(taught & set.intersection(*(set(x.clip_ids[x.y >= 0]) for x in both)))
    n_at_known, n_chosen = ([sum(of.get(i) == p for i in shared) for of in parts] for p in ("site", "chosen"))
    only_old, only_new = (tuple(x for x in a.labels if x not in b.labels) for a, b in (both, both[::-1]))
    return SideBySide(
        found,
        judges.choice,
        n_learned,
        n_at_known=(n_at_known[0], n_at_known[1]),
        n_chosen=(n_chosen[0], n_chosen[1]),
        only_old=only_old,
        only_new=only_new,
    )


def _join(predictions: Predictions, judges: JudgingLabels) -> LabelledClips:
    """Return predictions with the labels that judge; labels that the model does not know are outside of it."""
    truth = true_labels(judges.manifest, predictions.table)
    truth = truth[truth.index.isin(predictions.table["clip_id"])]
    named = truth.map(split_labels).explode() if has_several_labels(predictions.table) else truth
    outside = sorted(set(named.dropna()) - set(predictions.labels))
    return LabelledClips.of(predictions, judges.manifest, outside=outside, choice=judges.choice)


def _find_parts(clips: LabelledClips) -> dict[str, str]:
    """Return the part of each clip in making the model, by clip_id, where it is known."""
    parts = clips.in_training if clips.in_training is not None else np.full(len(clips), None, object)
    return {str(i): str(part) for i, part in zip(clips.clip_ids, parts, strict=True)}
