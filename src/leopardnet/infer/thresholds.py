"""A bundle judged again on one's own clips: another temperature, thresholds that keep a promise. Never in place."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.config import DecideConfig
from leopardnet.core.manifest import Manifest
from leopardnet.core.tables import labels_of
from leopardnet.core.types import BundleError, ConfigError, ManifestError
from leopardnet.infer.bundle import Bundle, write_spec
from leopardnet.infer.evaluation import sites_of
from leopardnet.infer.results import Predictions
from leopardnet.score.bootstrap import Estimate, SiteDraws
from leopardnet.score.calibrate import Calibration, apply, calibrated_on_others, fit_temperature, uncalibrated
from leopardnet.score.compare import answers
from leopardnet.score.decide import ANIMAL
from leopardnet.score.joining import joined
from leopardnet.score.metrics import EMPTY, evaluate_clips
from leopardnet.score.naming import Naming, naming
from leopardnet.score.promise import Promise, promise

Floats = NDArray[np.float64]
MIN_SITES_TO_SHARPEN = 10


@dataclass(frozen=True, eq=False)
class CalibrationClips:
    """Labelled clips with a site the model was not trained on. `table` has `truth` and `site`; `n_left_out` were trained on."""

    table: pd.DataFrame
    n_left_out: int

    @classmethod
    def of(cls, predictions: Predictions, manifest: Manifest, *, outside: Sequence[str] = ()) -> CalibrationClips:
        """The clips of these predictions that may set temperature and thresholds.

        outside: labels of the manifest that the model was not taught. Raises ManifestError where none is left.
        """
        table = joined(predictions.table, manifest.clip_labels(), sites_of(manifest), outside=outside)
        rows = manifest.table
        trained = set(rows.loc[rows["split"] == "train", "site"].dropna())
        ids = set(rows.loc[rows["split"] == "train", "clip_id"])
        known = table["site"].isin(trained) | table["clip_id"].isin(ids)
        if known.all():
            raise ManifestError(
                "every clip comes from a site that the model was trained on", where="manifest, column split",
                todo="predict clips of other sites: these would make the model look surer than it is",
            )  # fmt: skip
        return cls(table[~known].reset_index(drop=True), int((known & table["truth"].notna()).sum()))

    @property
    def probs(self) -> Floats:
        """float64 [M, C], nan for unreadable clips."""
        return self.table[[f"p_{x}" for x in labels_of(self.table)]].to_numpy(np.float64)

    @property
    def y(self) -> NDArray[np.int64]:
        """int64 [M], the true class; -1 without a label."""
        return pd.Index(labels_of(self.table)).get_indexer(pd.Index(self.table["truth"])).astype(np.int64)

    def with_probs(self, probs: Floats) -> CalibrationClips:
        """The same clips under other probabilities."""
        names = [f"p_{x}" for x in labels_of(self.table)]
        return replace(self, table=self.table.assign(**{name: probs[:, i] for i, name in enumerate(names)}))


@dataclass(frozen=True, eq=False)
class Recalibration:
    """A new temperature, and the calibration error before it and after it, both on clips that did not set it."""

    calibration: Calibration
    before: Estimate
    after: Estimate
    clips: CalibrationClips

    def __repr__(self) -> str:
        c = self.calibration
        return (
            f"temperature {c.temperature:.3f} from {c.n_clips} clips of {c.n_sites} sites{' (' + c.reason + ')' if c.reason else ''}; "
            f"ECE {self.before} before, {self.after} after, each site under a temperature of the others"
        )


def recalibrate(
    predictions: Predictions, manifest: Manifest, bundle: Bundle, *, outside: Sequence[str] = ()
) -> Recalibration:
    """A temperature for the bundle from clips of one's own, and the clips as they look under it.

    outside: labels that the model was not taught; such clips have no part in the fit. Raises BundleError where another
    model made the predictions.
    """
    same_model(predictions, bundle)
    clips = CalibrationClips.of(predictions, manifest, outside=outside)
    use = np.isfinite(clips.probs).all(axis=1) & (clips.y >= 0)
    logits = uncalibrated(clips.probs, bundle.spec.calibration)  # [M, C]
    sites = clips.table["site"].tolist()
    chosen = [s for s, used in zip(sites, use, strict=True) if used]
    fitted = _not_surer_from_few_sites(
        fit_temperature(logits[use], clips.y[use], sites=chosen), bundle.spec.calibration
    )
    honest = clips.probs.copy()
    if fitted.temperature != bundle.spec.calibration.temperature:  # else nothing changes, and nothing gets better
        honest[use] = calibrated_on_others(logits[use], clips.y[use], chosen)
    truth = clips.table.set_index("clip_id")["truth"].dropna()
    before, after = (
        evaluate_clips(answers(clips.table[use], p[use]), truth, n_boot=1000).ece for p in (clips.probs, honest)
    )
    renewed = np.where(np.isfinite(logits), apply(logits, fitted), np.nan)
    return Recalibration(fitted, before, after, clips.with_probs(renewed))


def _not_surer_from_few_sites(fitted: Calibration, before: Calibration) -> Calibration:
    """A handful of easy sites would make a model surer than it is, and a leopard would end in "empty"."""
    if fitted.temperature >= before.temperature or fitted.n_sites >= MIN_SITES_TO_SHARPEN:
        return fitted
    reason = f"kept: the fit of {fitted.temperature:.2f} would sharpen, and {fitted.n_sites} sites are too few for that ({MIN_SITES_TO_SHARPEN})"
    return replace(fitted, temperature=before.temperature, reason=f"{fitted.reason} {reason}".strip())


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
            "bundle_id": self.bundle_id, "n_clips": self.n_clips, "n_left_out": self.n_left_out, "is_kept": self.is_kept,
            "promises": [p.to_dict() for p in self.promises],
            "naming": self.naming.to_dict() if self.naming else None,
            "unseen": self.unseen.to_dict() if self.unseen else None, "decide": self.decide.model_dump(mode="json"),
        }  # fmt: skip


def thresholds(
    predictions: Predictions | CalibrationClips, manifest: Manifest, losses: Mapping[str, float], *, confidence: float = 0.95,
    keep_names: float | None = None, outside: Sequence[str] = (), decide: DecideConfig | None = None,
    bundle_id: str | None = None,
) -> Thresholds:  # fmt: skip
    """Thresholds that lose at most these shares of clips, or what is missing to promise it.

    losses: tolerable share by label, such as {"leopard": 0.01}; the label 'animal' stands for whatever is not empty. A clip
    may go unseen where every label of `losses` stays under its threshold; one that cannot be read never goes unseen.
    keep_names: the share of its names that each known animal keeps, see `score.naming`; outside: labels that the model was
    not taught, to see what that does to them. decide: the settings to start from, those of the bundle.

    >>> thresholds(Predictions.read("results/"), manifest, {"leopard": 0.01})  # doctest: +SKIP
    """
    if isinstance(predictions, CalibrationClips):
        clips = predictions
    else:
        clips = CalibrationClips.of(predictions, manifest, outside=outside)
    names, settings = list(labels_of(clips.table)), decide or DecideConfig()
    made_by = bundle_id or "; ".join(sorted(clips.table["bundle_id"].astype(str).unique()))
    if losses or keep_names is None:
        _check_labels(losses, names)
    promises = tuple(
        promise(label, _score(clips, label), _is_it(clips, label), clips.table["site"], max_miss=share, confidence=confidence)
        for label, share in losses.items()
    )  # fmt: skip
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
            "no loss can be promised for this" if unknown else "there is nothing to promise", where="losses",
            found=", ".join(unknown) or "no label", expected="one of " + ", ".join(possible),
            todo="" if unknown else "name a label and a share (--lose leopard=0.01), or a share of names to keep (--keep-names)",
        )  # fmt: skip


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


def with_judgement(
    bundle: Bundle,
    out: Path,
    *,
    calibration: Calibration | None = None,
    decide: DecideConfig | None = None,
    note: str = "",
) -> Bundle:
    """A new bundle in `out`: the same network and labels, another temperature, other thresholds. It has an id of its own.

    The card says so above everything else, and `provenance.judged_again` names the bundle it was made from. Raises
    BundleError where `out` exists.
    """
    out = Path(out)
    if out.exists():
        raise BundleError(
            "there is something already",
            where=out.name,
            todo="name a folder that does not exist; no bundle is changed in place",
        )
    silent = [name for name in (decide.alerts if decide else {}) if name not in bundle.labels.targets]
    if silent:
        raise ConfigError(
            "only a target of the model can have an alert", where="decide.alerts", found=", ".join(silent),
            expected="one of " + ", ".join(bundle.labels.targets),
        )  # fmt: skip
    again = [*bundle.spec.provenance.get("judged_again", []), {"from": bundle.id, "note": note}]
    provenance = {**bundle.spec.provenance, "judged_again": again}
    change = {"calibration": calibration, "decide": decide}
    spec = bundle.spec.model_copy(
        update={k: v for k, v in change.items() if v is not None} | {"provenance": provenance}
    )
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(bundle.folder, part, ignore=shutil.ignore_patterns("SHA256SUMS", "bundle.json"))
    card = (part / "card.md").read_text("utf-8")
    head = f"> **Judged again.** Network of bundle {bundle.id}; temperature {spec.calibration.temperature:.3f}, thresholds {_words(spec.decide)}. {note}\n> What follows describes the bundle it was made from.\n\n"  # fmt: skip
    (part / "card.md").write_text(head + card, "utf-8")
    facts = json.loads((part / "card.json").read_text("utf-8"))
    facts["judged_again"] = {"from": bundle.id, "calibration": spec.calibration.to_dict(), "decide": spec.decide.model_dump(mode="json"), "note": note}  # fmt: skip
    (part / "card.json").write_text(json.dumps(facts, indent=2, ensure_ascii=False), "utf-8")
    write_spec(part, spec)
    part.replace(out)
    return Bundle.load(out)


def _words(decide: DecideConfig) -> str:
    plain = ", ".join(f"{k} {v:g}" for k, v in decide.model_dump(exclude={"alerts"}).items())
    return plain + "".join(f", alert of {k} {v:g}" for k, v in decide.alerts.items())


def same_model(predictions: Predictions, bundle: Bundle) -> None:
    """Raise BundleError where another model made the predictions."""
    made_by = sorted(predictions.table["bundle_id"].astype(str).unique())
    if made_by != [bundle.id]:
        raise BundleError(
            "these predictions were made by another model", where="predictions, column bundle_id", found=", ".join(made_by) or "no row",
            expected=bundle.id, todo="predict the clips with this bundle; scores of two models do not compare",
        )  # fmt: skip
