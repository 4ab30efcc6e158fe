"""A bundle judged again on one's own clips: another temperature, thresholds that keep a promise. Never in place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leopardnet.core.columns import table_labels
from leopardnet.core.errors import ConfigError
from leopardnet.core.labels import ANIMAL, EMPTY
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.core.settings.inference import DecideConfig
from leopardnet.evaluation.recalibrate import CalibrationClips
from leopardnet.metrics.bootstrap import Estimate, SiteDraws
from leopardnet.metrics.guarantees.loss_guarantee import Promise, promise
from leopardnet.metrics.guarantees.naming_threshold import Naming, naming

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Thresholds:
    """Promises, the settings that keep them, and the share of clips that may be archived unseen under them.

    unseen: over all readable and unreadable clips, labelled or not, with its interval over sites; None where a promise
    cannot be kept, or none was asked for. naming: which animals keep their name, where that was asked. n_left_out: labelled
    clips that had no part because the model was trained on their site.
    """

    promises: tuple[Promise, ...]
    decide: DecideConfig
    unseen: Estimate | None
    n_clips: int
    n_left_out: int
    bundle_id: str
    naming: Naming | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the clips support every promise."""
        return all(p.is_kept for p in self.promises)

    def __repr__(self) -> str:
        share = "no clip may be archived unseen"
        if self.unseen:
            names = [p.label for p in self.promises]
            only = (
                ""
                if ANIMAL in names
                else f" where only {' and '.join(names)} matters: other animals may be among them"
            )
            share = f"{self.unseen} of {self.n_clips} clips may be archived unseen{only}"
        parts = [*map(str, self.promises), share] if self.promises else []
        return "\n".join([*parts, *([repr(self.naming)] if self.naming else [])])

    @property
    def note(self) -> str:
        """The same in one line, for the card of a bundle."""
        return "; ".join([*map(str, self.promises), *([repr(self.naming)] if self.naming else [])])

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
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


def thresholds(
    predictions: Predictions | CalibrationClips,
    manifest: Manifest,
    losses: Mapping[str, float],
    *,
    confidence: float = 0.95,
    keep_names: float | None = None,
    outside: Sequence[str] = (),
    decide: DecideConfig | None = None,
    bundle_id: str | None = None,
) -> Thresholds:
    """Thresholds that lose at most these shares of clips, or what is missing to promise it.

    losses: tolerable share by label, such as {"leopard": 0.01}; the label 'animal' stands for whatever is not empty. A clip
    may go unseen where every label of `losses` stays under its threshold; one that cannot be read never goes unseen.
    keep_names: the share of its names that each known animal keeps, see `metrics.guarantees.naming_threshold`; outside: labels that the model was
    not taught, to see what that does to them. decide: the settings to start from, those of the bundle.

    >>> thresholds(Predictions.read("results/"), manifest, {"leopard": 0.01})  # doctest: +SKIP
    """
    if isinstance(predictions, CalibrationClips):
        clips = predictions
    else:
        clips = CalibrationClips.of(predictions, manifest, outside=outside)
    names, settings = list(table_labels(clips.table)), decide or DecideConfig()
    made_by = bundle_id or "; ".join(sorted(clips.table["bundle_id"].astype(str).unique()))
    if losses or keep_names is None:
        _check_labels(losses, names)
    promises = tuple(
        promise(
            label,
            _score(clips, label),
            _is_it(clips, label),
            clips.table["site"],
            max_miss=share,
            confidence=confidence,
        )
        for label, share in losses.items()
    )
    kept = {p.label: p.threshold for p in promises if p.threshold is not None}
    empty = _above(1 - kept[ANIMAL]) if ANIMAL in kept else settings.empty
    alerts = {**settings.alerts, **{label: t for label, t in kept.items() if label != ANIMAL}}
    chosen = settings.model_copy(update={"empty": empty, "alerts": alerts})
    unseen = _unseen(clips, kept) if kept and len(kept) == len(promises) else None
    names_kept = None
    if keep_names is not None:
        names_kept = naming(clips.probs, clips.table["truth"], names, keep=keep_names, species=settings.species)
        chosen = chosen.model_copy(update={"among": names_kept.among})
    return Thresholds(promises, chosen, unseen, len(clips.table), clips.n_left_out, made_by, names_kept)


def _check_labels(losses: Mapping[str, float], names: Sequence[str]) -> None:
    possible = [*(n for n in names if n != EMPTY), *([ANIMAL] if EMPTY in names else [])]
    unknown = [label for label in losses if label not in possible]
    if unknown or not losses:
        raise ConfigError(
            "no loss can be promised for this" if unknown else "there is nothing to promise",
            where="losses",
            found=", ".join(unknown) or "no label",
            expected="one of " + ", ".join(possible),
            todo=""
            if unknown
            else "name a label and a share (--lose leopard=0.01), or a share of names to keep (--keep-names)",
        )


def _score(clips: CalibrationClips, label: str) -> Floats:
    column = 1 - clips.table[f"p_{EMPTY}"] if label == ANIMAL else clips.table[f"p_{label}"]
    return column.to_numpy(np.float64)


def _is_it(clips: CalibrationClips, label: str) -> NDArray[np.bool_]:
    truth = clips.table["truth"]
    return (truth.notna() & (truth != EMPTY) if label == ANIMAL else truth == label).to_numpy(bool)


def _above(p_empty: float) -> float:
    """The smallest threshold of `empty` that this probability does not reach; decisions compare in float32."""
    return float(min(np.nextafter(np.float32(p_empty), np.float32(2)), np.float32(1)))


def _unseen(clips: CalibrationClips, kept: Mapping[str, float]) -> Estimate:
    draws = SiteDraws.of(clips.table["site"], n_boot=1000, seed=7)
    under = np.all([_score(clips, label) < t for label, t in kept.items()], axis=0)  # nan is never under
    return draws.mean(under.astype(np.float64))
