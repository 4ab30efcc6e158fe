"""Thresholds that guarantee how many clips are lost, and a share that decides which animals are named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from leopardnet.core.errors import ConfigError, ManifestError
from leopardnet.core.labels import ANIMAL, EMPTY
from leopardnet.core.settings.inference import DecideConfig
from leopardnet.metrics.bootstrap import Estimate
from leopardnet.metrics.guarantees.levels import LEVELS, Level
from leopardnet.metrics.guarantees.loss_guarantee import LossGuarantee, find_loss_threshold
from leopardnet.metrics.guarantees.naming_threshold import NamingThreshold, find_naming_threshold
from leopardnet.metrics.judges.label_choice import UNKNOWN_CHOICE, LabelChoice
from leopardnet.metrics.judges.taught_clips import TaughtClips
from leopardnet.metrics.labelled_clips import LabelledClips

SLACK = 1e-6  # of a threshold: probabilities under a new temperature, from stored ones, differ in their last bits


@dataclass(frozen=True, eq=False)
class Thresholds:
    """Guarantees, the settings that give them, and the share of clips that may be archived unseen under them.

    promises: each with its level, None where it cannot be given. unseen_at: by level, the share of all clips,
    readable or not, labelled or not, with its interval over sites; only levels at which every guarantee can be
    given, and one of them no stronger than that. naming: which animals keep their names, where that was asked for.
    taught: labelled clips that had no part because the model learned from them or their sites. n_copies: clips that
    are copies of others, and count once.
    choice: how the labelled clips were chosen.
    """

    promises: tuple[LossGuarantee, ...]
    decide: DecideConfig
    unseen_at: Mapping[Level, Estimate]
    n_clips: int
    taught: TaughtClips
    bundle_id: str
    naming: NamingThreshold | None = None
    n_copies: int = 0
    choice: LabelChoice = UNKNOWN_CHOICE

    @property
    def is_kept(self) -> bool:
        """Whether the clips support every guarantee, at the level that was asked for."""
        return all(p.is_kept for p in self.promises)

    @property
    def level(self) -> Level | None:
        """The level of all guarantees together, that of the weakest; None where one cannot be given."""
        levels = {p.level for p in self.promises}
        return next((x for x in reversed(LEVELS) if x in levels), None) if self.is_kept else None

    @property
    def unseen(self) -> Estimate | None:
        """The share that may be archived unseen with these settings; None where a guarantee cannot be given."""
        return self.unseen_at.get(self.level) if self.level else None

    def __repr__(self) -> str:
        lines = [str(p) for p in self.promises]
        if self.promises:
            lines.append(self._say_what_matters())
            lines += [f"  {says}: {self._say_archived(level)}" for level, says in LEVELS.items()]
        lines = [*self._say_left_out(), *lines, *([repr(self.naming)] if self.naming else [])]
        return "\n".join(lines)

    def _say_left_out(self) -> list[str]:
        copies = [f"{self.n_copies} copies of other clips were counted once"] if self.n_copies else []
        return [*filter(None, [str(self.choice), str(self.taught)]), *copies]

    def _say_what_matters(self) -> str:
        names = [p.label for p in self.promises]
        if ANIMAL in names:
            return "may be archived unseen"
        return f"may be archived unseen, where only {' and '.join(names)} matters: other animals may be among them"

    def _say_archived(self, level: Level) -> str:
        if level not in self.unseen_at:
            is_stronger = any(x in self.unseen_at for x in list(LEVELS)[: list(LEVELS).index(level)])
            alone = "cannot be demonstrated, so the line above is what counts"
            return alone if is_stronger else "no clip, because not every loss can be guaranteed"
        used = ["these thresholds are used"] if level == self.level else []
        if self.unseen and self.unseen_at[level].value > self.unseen.value:
            used = [f"--level {level} uses these thresholds"]
        return "; ".join([f"{self.unseen_at[level]} of {self.n_clips} clips", *used])

    @property
    def kept_promises(self) -> list[dict[str, Any]]:
        """The guarantees as a bundle records them; none where one of them cannot be given."""
        return self.record_promises() if self.is_kept else []

    def record_promises(self) -> list[dict[str, Any]]:
        """Return those guarantees that can be given as a bundle records them; none on labels chosen by score."""
        judged = {} if self.choice.basis == "unknown" else {"labels_chosen": self.choice.to_dict()}
        given = [p for p in self.promises if p.is_kept and self.choice.basis != "chosen"]
        return [p.to_dict() | judged for p in given]

    @property
    def note(self) -> str:
        """The guarantees in one line, for the card of a bundle."""
        said = [
            f"{p.claim}; {'; '.join(p.describe(level) for level in ([p.level] if p.level else LEVELS))}"
            for p in self.promises
        ]
        return "; ".join([*said, *([repr(self.naming)] if self.naming else []), *self._say_left_out()])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "bundle_id": self.bundle_id,
            "n_clips": self.n_clips,
            "n_left_out": len(self.taught),
            "left_out": self.taught.to_dict(),
            "n_copies": self.n_copies,
            "labels_chosen": self.choice.to_dict(),
            "is_kept": self.is_kept,
            "level": self.level,
            "says": LEVELS[self.level] if self.level else None,
            "promises": [p.to_dict() for p in self.promises],
            "naming": self.naming.to_dict() if self.naming else None,
            "unseen": self.unseen.to_dict() if self.unseen else None,
            "unseen_at": {x: self.unseen_at[x].to_dict() if x in self.unseen_at else None for x in LEVELS},
            "decide": self.decide.model_dump(mode="json"),
        }


def find_thresholds(
    clips: LabelledClips,
    losses: Mapping[str, float],
    *,
    confidence: float = 0.95,
    level: Level | None = None,
    keep_names: float | None = None,
    decide: DecideConfig | None = None,
) -> Thresholds:
    """Return thresholds that lose at most these shares of clips, or what is missing to guarantee that.

    clips: of sites that the model was not trained on, see `LabelledClips.leave_out_training_sites`. losses:
    tolerable share by label, such as {"leopard": 0.01}; the label 'animal' stands for any label but 'empty'. A clip
    may stay unseen where every label of `losses` has a score below its threshold; an unreadable clip never goes
    unseen. level: the level at which all guarantees must hold, see `metrics.guarantees.levels`; without it, the
    strongest that they reach together. keep_names: the share of its names that each known animal keeps, see
    `metrics.guarantees.naming_threshold`. decide: the settings to start from, those of the bundle. Raises
    ConfigError for labels and shares that cannot be used, and where nothing is asked for.

    >>> clips = LabelledClips.of(predictions, manifest).leave_out_training_sites()  # doctest: +SKIP
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
    _check_models(clips)
    settings = decide or DecideConfig.model_validate({})
    if losses or keep_names is None:
        _check_labels(losses, clips.labels)
    found = tuple(
        find_loss_threshold(
            label,
            clips.score(label),
            clips.shows(label),
            clips.site_codes,
            has_site=np.array([x is not None for x in clips.sites], bool),
            event_codes=clips.event_codes,
            chances=clips.choice.find_chances(clips.clip_ids),
            max_miss=share,
            confidence=confidence,
        )
        for label, share in losses.items()
    )
    by_level = {x: tuple(p.choose(x) for p in found) for x in LEVELS}
    unseen_at: dict[Level, Estimate] = {
        x: _estimate_unseen(clips, {p.label: p.threshold for p in promises if p.threshold is not None})
        for x, promises in by_level.items()
        if all(p.is_kept for p in promises) and any(p.level == x for p in promises)
    }
    weakest: Level = "like_sites"
    used = level if level is not None else next(iter(unseen_at), weakest)
    promises = by_level[used]
    kept = {p.label: p.threshold for p in promises if p.threshold is not None}
    chosen = settings.model_copy(update=_as_settings(kept, settings))
    naming = None
    if keep_names is not None:
        naming = find_naming_threshold(clips, keep=keep_names, species=settings.species)
        chosen = chosen.model_copy(update={"among": naming.among})
    made_by = "; ".join(_list_models(clips))
    return Thresholds(
        promises, chosen, unseen_at, len(clips), clips.taught, made_by, naming, clips.n_copies, clips.choice
    )


def _as_settings(thresholds: Mapping[str, float], settings: DecideConfig) -> dict[str, Any]:
    """Return the settings under which no clip goes unseen that reaches one of these thresholds, by label.

    A row alerts every target that reaches its threshold, whatever else it says; `never_empty` does the same for any
    animal. With a guarantee, a model that only ranked clips decides on them.
    """
    thresholds = {label: t * (1 - SLACK) for label, t in thresholds.items()}
    alerts = {**settings.alerts, **{label: t for label, t in thresholds.items() if label != ANIMAL}}
    found: dict[str, Any] = {"alerts": alerts, "decides": settings.decides or bool(thresholds)}
    if ANIMAL not in thresholds:
        return found
    least = min(thresholds[ANIMAL], 1.0)  # a sum of rounded probabilities may be a little above 1
    return {**found, "empty": 1 - least, "never_empty": least}


def _list_models(clips: LabelledClips) -> list[str]:
    return sorted({str(x) for x in clips.bundle_ids if x is not None and x == x})


def _check_models(clips: LabelledClips) -> None:
    if len(made_by := _list_models(clips)) > 1:
        raise ManifestError(
            "these are predictions of several models, and a threshold is that of one",
            where="predictions, column bundle_id",
            found=", ".join(made_by),
            expected="one bundle",
            todo="predict all clips with one bundle",
        )


def _check_labels(losses: Mapping[str, float], names: Sequence[str]) -> None:
    possible = [*(n for n in names if n != EMPTY), *([ANIMAL] if EMPTY in names else [])]
    unknown = [label for label in losses if label not in possible]
    if unknown:
        raise ConfigError(
            "no loss can be guaranteed for this label",
            where="--lose",
            found=", ".join(unknown),
            expected=f"one of {', '.join(possible)}",
        )
    if not losses:
        raise ConfigError(
            "there is nothing to guarantee",
            where="--lose",
            found="no label",
            expected=f"one of {', '.join(possible)}",
            todo="name a label and a share (--lose leopard=0.01), or a share of names to keep (--keep-names)",
        )


def _estimate_unseen(clips: LabelledClips, thresholds: Mapping[str, float]) -> Estimate:
    """Return the share of clips whose scores are all below their thresholds; nan never is.

    All clips are there, labelled or not, so each counts as one.
    """
    is_unseen = np.all([clips.score(label) < t for label, t in thresholds.items()], axis=0)
    return (
        replace(clips, choice=UNKNOWN_CHOICE)
        .draw_sites(n_boot=1000, seed=7)
        .estimate_mean(is_unseen.astype(np.float64))
    )
