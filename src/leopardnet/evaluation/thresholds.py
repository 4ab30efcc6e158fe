"""Thresholds that guarantee how many clips are lost, and a share that decides which animals are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from leopardnet.core.errors import ConfigError
from leopardnet.core.labels import ANIMAL, EMPTY
from leopardnet.core.settings.inference import DecideConfig
from leopardnet.metrics.bootstrap import Estimate
from leopardnet.metrics.guarantees.loss_guarantee import LossGuarantee, find_loss_threshold
from leopardnet.metrics.guarantees.naming_threshold import NamingThreshold, find_naming_threshold
from leopardnet.metrics.labelled_clips import LabelledClips


@dataclass(frozen=True, eq=False)
class Thresholds:
    """Guarantees, the settings that give them, and the share of clips that may be archived unseen under them.

    unseen: the share of all clips, readable or not, labelled or not, with its interval over sites; None where a
    guarantee cannot be given, or none was asked for. naming: which animals keep their names, where that was asked
    for. n_left_out: labelled clips that had no part because the model was trained on their site.
    """

    promises: tuple[LossGuarantee, ...]
    decide: DecideConfig
    unseen: Estimate | None
    n_clips: int
    n_left_out: int
    bundle_id: str
    naming: NamingThreshold | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the clips support every guarantee."""
        return all(p.is_kept for p in self.promises)

    def __repr__(self) -> str:
        lines = self._lines()
        if self.promises:
            lines.insert(len(self.promises), self._share_archived())
        return "\n".join(lines)

    def _lines(self) -> list[str]:
        return [*map(str, self.promises), *([repr(self.naming)] if self.naming else [])]

    def _share_archived(self) -> str:
        if not self.unseen:
            return "no clip may be archived unseen"
        names = [p.label for p in self.promises]
        only = f" where only {' and '.join(names)} matters: other animals may be among them"
        return f"{self.unseen} of {self.n_clips} clips may be archived unseen{'' if ANIMAL in names else only}"

    @property
    def note(self) -> str:
        """The guarantees in one line, for the card of a bundle."""
        return "; ".join(self._lines())

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "bundle_id": self.bundle_id,
            "n_clips": self.n_clips,
            "n_left_out": self.n_left_out,
            "is_kept": self.is_kept,
            "promises": [p.to_dict() for p in self.promises],
            "naming": self.naming.to_dict() if self.naming else None,
            "unseen": self.unseen.to_dict() if self.unseen else None,
            "decide": self.decide.model_dump(mode="json"),
        }


def find_thresholds(
    clips: LabelledClips,
    losses: Mapping[str, float],
    *,
    confidence: float = 0.95,
    keep_names: float | None = None,
    decide: DecideConfig | None = None,
) -> Thresholds:
    """Return thresholds that lose at most these shares of clips, or what is missing to guarantee that.

    clips: of sites that the model was not trained on, see `LabelledClips.leave_out_training_sites`. losses:
    tolerable share by label, such as {"leopard": 0.01}; the label 'animal' stands for any label but 'empty'. A clip
    may stay unseen where every label of `losses` has a score below its threshold; an unreadable clip never goes
    unseen. keep_names: the share of its names that each known animal keeps, see
    `metrics.guarantees.naming_threshold`. decide: the settings to start from, those of the bundle. Raises
    ConfigError for labels and shares that cannot be used, and where nothing is asked for.

    >>> clips = LabelledClips.of(predictions, manifest).leave_out_training_sites(manifest)  # doctest: +SKIP
    >>> find_thresholds(clips, {"leopard": 0.01})  # doctest: +SKIP
    """
    if keep_names is not None and clips.presence is not None:
        raise ConfigError(
            "independent labels have no share of names to keep",
            where="keep_names",
            found=keep_names,
            expected="a model whose labels exclude each other",
            todo="leave --keep-names out: with labels.multi no name takes its probability from another",
        )
    settings = decide or DecideConfig.model_validate({})
    if losses or keep_names is None:
        _check_labels(losses, clips.labels)
    promises = tuple(
        find_loss_threshold(
            label, clips.score(label), clips.shows(label), clips.site_codes, max_miss=share, confidence=confidence
        )
        for label, share in losses.items()
    )
    kept = {p.label: p.threshold for p in promises if p.threshold is not None}
    empty = _next_above(1 - kept[ANIMAL]) if ANIMAL in kept else settings.empty
    alerts = {**settings.alerts, **{label: t for label, t in kept.items() if label != ANIMAL}}
    chosen = settings.model_copy(update={"empty": empty, "alerts": alerts})
    unseen = _estimate_unseen(clips, kept) if kept and len(kept) == len(promises) else None
    naming = None
    if keep_names is not None:
        naming = find_naming_threshold(clips, keep=keep_names, species=settings.species)
        chosen = chosen.model_copy(update={"among": naming.among})
    made_by = "; ".join(sorted(set(map(str, clips.bundle_ids))))
    return Thresholds(promises, chosen, unseen, len(clips), clips.n_left_out, made_by, naming)


def _check_labels(losses: Mapping[str, float], names: Sequence[str]) -> None:
    possible = [*(n for n in names if n != EMPTY), *([ANIMAL] if EMPTY in names else [])]
    unknown = [label for label in losses if label not in possible]
    if unknown:
        raise ConfigError(
            "no loss can be guaranteed for this label",
            where="losses",
            found=", ".join(unknown),
            expected="one of " + ", ".join(possible),
        )
    if not losses:
        raise ConfigError(
            "there is nothing to guarantee",
            where="losses",
            found="no label",
            expected="one of " + ", ".join(possible),
            todo="name a label and a share (--lose leopard=0.01), or a share of names to keep (--keep-names)",
        )


def _next_above(p_empty: float) -> float:
    """Return the smallest threshold of `empty` above this probability, in float32 as decisions compare."""
    return float(min(np.nextafter(np.float32(p_empty), np.float32(2)), np.float32(1)))


def _estimate_unseen(clips: LabelledClips, thresholds: Mapping[str, float]) -> Estimate:
    """Return the share of clips whose scores are all below their thresholds; nan never is."""
    is_unseen = np.all([clips.score(label) < t for label, t in thresholds.items()], axis=0)
    return clips.draw_sites(n_boot=1000, seed=7).estimate_mean(is_unseen.astype(np.float64))
