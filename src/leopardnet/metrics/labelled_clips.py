"""Predictions joined with true labels, once: every figure, slice and threshold is a function of this value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from leopardnet.core.columns import has_several_labels, join_alerts, table_labels
from leopardnet.core.errors import ManifestError
from leopardnet.core.footage.id_sets import is_among
from leopardnet.core.footage.other_footage import refuse_other_footage
from leopardnet.core.labels import ANIMAL, EMPTY, UNREADABLE, UNSURE, find_presence, join_presence, split_labels
from leopardnet.core.manifest import Manifest
from leopardnet.core.predictions import Predictions
from leopardnet.metrics.bootstrap import NO_SITE, Floats, Ints, SiteDraws, encode_sites
from leopardnet.metrics.judges import taught_clips
from leopardnet.metrics.judges.clip_truth import clip_sites, true_labels
from leopardnet.metrics.judges.label_choice import UNKNOWN_CHOICE, LabelChoice, find_counts
from leopardnet.metrics.judges.taught_clips import NONE_TAUGHT, TaughtClips, find_parts
from leopardnet.metrics.table_checks import check_predictions, refuse_repeated, refuse_unknown
from leopardnet.score.clip_units import add_times, code_copies, code_events, find_copies
from leopardnet.score.decide import p_nothing, p_something

SAID = 0.5  # an independent label of this probability or more counts as said, whatever the thresholds are
Bools = NDArray[np.bool_]
Texts = NDArray[np.object_]  # of str, or None


@dataclass(frozen=True, eq=False)
class LabelledClips:
    """M predicted clips beside their true labels, as arrays of one row per clip.

    labels: the C labels of the model, in class order. outside: further true labels, which the model was not taught.
    clip_ids: object [M]. probs: float64 [M, C], nan for a clip that could not be read. y: int64 [M], the true
    class: a position in `labels`, C + k for the k-th label of `outside`, -1 for a clip without a label. site_codes:
    int64 [M], positions in `site_names`, in alphabetical order; clips without a site have the name '(no site)'.
    decisions, rules, bundle_ids: object [M], as in a predictions table; None where the table has none. alerts: bool
    [M, C], the labels to check each clip for. presence: bool [M, C + K], the labels that each clip truly shows, and
    named: bool [M, C], those of its decision; None where a clip has one label. Of several, y is the first.
    n_without_prediction: labels of clips that were not predicted. n_copies: clips that `drop_copies` removed.
    event_codes: int64 [M], the event of each clip (`clip_units.code_events`); None where each clip is one of its
    own. in_training: object [M], the part of each clip in making the model, see `find_parts`; None if unknown.
    taught: labelled clips that had a part, counted or left out. choice: how the labelled clips were chosen.

    >>> ln.LabelledClips.of(predictions, manifest).leave_out_training_sites()  # doctest: +SKIP
    """

    labels: tuple[str, ...]
    outside: tuple[str, ...]
    clip_ids: Texts
    probs: Floats
    y: Ints
    site_codes: Ints
    site_names: tuple[str, ...]
    decisions: Texts
    rules: Texts
    alerts: Bools
    bundle_ids: Texts
    n_without_prediction: int = 0
    presence: Bools | None = None
    named: Bools | None = None
    n_copies: int = 0
    event_codes: Ints | None = None
    in_training: Texts | None = None
    taught: TaughtClips = NONE_TAUGHT
    choice: LabelChoice = UNKNOWN_CHOICE

    @classmethod
    def of(
        cls,
        predictions: Predictions | pd.DataFrame,
        manifest: Manifest,
        *,
        outside: Sequence[str] = (),
        choice: LabelChoice = UNKNOWN_CHOICE,
    ) -> LabelledClips:
        """Return predictions with the labels and sites of a manifest; of copies, the one whose id comes first.

        choice: how these labels were chosen. Raises ManifestError as `from_tables`, and for a manifest of other
        footage with the same file names.
        """
        table = predictions.table if isinstance(predictions, Predictions) else predictions
        if "clip_id" in table.columns:
            refuse_other_footage(table, manifest.table)
            table = add_times(taught_clips.doubt_parts(table, manifest), manifest)
        clips = cls.from_tables(table, true_labels(manifest, table), sites=clip_sites(manifest), outside=outside)
        parts = find_parts(clips.clip_ids, clips.in_training, clips.sites, manifest)
        return replace(clips, in_training=parts, choice=choice).drop_copies()

    @classmethod
    def from_tables(
        cls,
        predictions: pd.DataFrame,
        truth: pd.Series[str],
        *,
        sites: pd.Series[str] | None = None,
        outside: Sequence[str] = (),
    ) -> LabelledClips:
        """Return the clips of a predictions table beside their true labels.

        truth, sites: indexed by `clip_id`; several independent labels of a clip are joined; without `sites`, the
        predictions' own column `site` counts. outside: true labels that the model is allowed not to know. Raises
        ManifestError for a table that holds no predictions, a clip that occurs twice on either side, a label in
        `outside` that the model knows, a true label that it does not know, and where no clip has both a prediction
        and a label.

        >>> p = pd.DataFrame({"clip_id": ["a", "b"], "decision": ["tiger", "empty"], "rule": ["species", "empty"],
        ...                   "p_tiger": [0.9, 0.2], "p_empty": [0.1, 0.8]})
        >>> LabelledClips.from_tables(p, pd.Series({"b": "empty"})).y.tolist()
        [-1, 1]
        """
        labels, others = table_labels(predictions), tuple(dict.fromkeys(outside))
        check_predictions(predictions, labels, others)
        ids = predictions["clip_id"]
        refuse_repeated(truth.index.to_series(), where="manifest", todo="give one true label per clip")
        truth, multi = truth.dropna(), has_several_labels(predictions)
        shown = truth.map(split_labels).explode() if multi else truth
        refuse_unknown(shown[is_among(shown.index.to_series(), ids).to_numpy()], (*labels, *others))
        presence = find_presence(ids.map(truth), (*labels, *others)) if multi else None
        classes = pd.Index((*labels, *others)).get_indexer(pd.Index(ids.map(truth)))
        if presence is not None:
            classes = np.where(presence.any(axis=1), presence.argmax(axis=1), -1)
        if sites is not None:
            refuse_repeated(sites.index.to_series(), where="sites", todo="give one site per clip")
        own_sites = _column(predictions, "site") if sites is None else ids.map(sites)
        site_codes, site_names = encode_sites(own_sites)
        clips = cls(
            labels=labels,
            outside=others,
            clip_ids=ids.to_numpy(object),
            probs=predictions[[f"p_{x}" for x in labels]].to_numpy(np.float64),
            y=classes.astype(np.int64),
            site_codes=site_codes,
            site_names=site_names,
            decisions=predictions["decision"].to_numpy(object),
            rules=predictions["rule"].to_numpy(object),
            alerts=find_presence(join_alerts(predictions), labels),
            bundle_ids=_column(predictions, "bundle_id").to_numpy(object),
            n_without_prediction=int((~is_among(truth.index.to_series(), ids)).sum()),
            presence=presence,
            named=find_presence(predictions["labels"], labels) if multi else None,
            in_training=_column(predictions, "in_training").to_numpy(object),
        )
        clips.require_labels()
        return replace(clips, event_codes=code_events(site_codes, clips.truth, predictions))

    @classmethod
    def from_arrays(cls, labels: Sequence[str], probs: Floats, y: Ints, site_codes: Ints) -> LabelledClips:
        """Return clips from arrays, with the likeliest label as decision; for simulations and tests.

        probs: float64 [M, C]; y: int64 [M]; site_codes: int64 [M], not negative.

        >>> p, zeros = np.array([[0.9, 0.1]]), np.zeros(1, np.int64)
        >>> LabelledClips.from_arrays(("tiger", "empty"), p, zeros, zeros).decisions.tolist()
        ['tiger']
        """
        nothing = np.full(len(y), None, object)
        site_names = tuple(f"{i:06d}" for i in range(int(site_codes.max(initial=-1)) + 1))
        ids = np.array([str(i) for i in range(len(y))], object)
        none = np.zeros(probs.shape, bool)
        bare = cls(
            tuple(labels), (), ids, probs, y, site_codes, site_names, nothing, nothing, none, nothing
        )  # decisions follow
        return bare.replace_probs(probs)

    def __len__(self) -> int:
        return len(self.y)

    @property
    def is_readable(self) -> Bools:
        """Whether each clip could be read, bool [M]."""
        return np.asarray(np.isfinite(self.probs).all(axis=1))

    @property
    def is_known(self) -> Bools:
        """Whether the true label of each clip is one of the model's, bool [M]."""
        return (self.y >= 0) & (self.y < len(self.labels))

    @property
    def is_outside(self) -> Bools:
        """Whether the true label of each clip, or one of several, is one of `outside`, bool [M]."""
        n = len(self.labels)
        return self.y >= n if self.presence is None else np.asarray(self.presence[:, n:].any(axis=1))

    @property
    def truth(self) -> Texts:
        """The true label of each clip, several joined, object [M]; None without one."""
        if self.presence is not None:
            return join_presence(self.presence, (*self.labels, *self.outside))
        return np.array([*self.labels, *self.outside, None], object)[self.y]

    @property
    def sites(self) -> Texts:
        """The site of each clip, object [M]; None without one."""
        return np.array([None if x == NO_SITE else x for x in self.site_names], object)[self.site_codes]

    @property
    def i_empty(self) -> int | None:
        """The class of empty clips; None where the model has none."""
        return self.labels.index(EMPTY) if EMPTY in self.labels else None

    @property
    def animals(self) -> tuple[str, ...]:
        """The labels but 'empty'."""
        return tuple(name for name in self.labels if name != EMPTY)

    @property
    def likeliest(self) -> Ints:
        """The class of the largest probability, int64 [M], the first one at a tie; C for an unreadable clip."""
        top = np.argmax(np.nan_to_num(self.probs, nan=-1.0), axis=1)
        return np.where(self.is_readable, top, len(self.labels)).astype(np.int64)

    @property
    def said(self) -> Bools:
        """The independent labels that are more likely there than not, bool [M, C]; of an unreadable clip none."""
        said = np.nan_to_num(np.stack([self.score(x) for x in self.labels], axis=1)) >= SAID
        if self.i_empty is not None:
            said[:, self.i_empty] &= ~np.delete(said, self.i_empty, axis=1).any(axis=1)
        return said

    def matches(self, names: Bools) -> Bools:
        """Return whether names of labels, bool [M, C], are exactly what each clip shows, bool [M]."""
        assert self.presence is not None, "one label per clip is compared as it is"
        return np.asarray((np.pad(names, ((0, 0), (0, len(self.outside)))) == self.presence).all(axis=1))

    def score(self, label: str) -> Floats:
        """Return the probability of a label, float64 [M]; that of any animal for 'animal'."""
        multi = self.presence is not None
        if label == ANIMAL:
            return p_something(self.probs, self.labels.index(EMPTY), multi=multi)
        if multi and label == EMPTY:
            return p_nothing(self.probs, self.labels.index(EMPTY))
        return self.probs[:, self.labels.index(label)]

    def shows(self, label: str) -> Bools:
        """Return whether each clip truly shows this label, bool [M]; 'animal' is any label but 'empty'."""
        names = enumerate((*self.labels, *self.outside))
        wanted = [i for i, x in names if x == label or (label == ANIMAL and x != EMPTY)]
        if self.presence is not None:
            return np.asarray(self.presence[:, wanted].any(axis=1))
        return np.isin(self.y, wanted)

    def names(self, label: str) -> Bools:
        """Return whether the decision of each clip names this label, bool [M]."""
        if self.named is not None:
            return self.named[:, self.labels.index(label)]
        return np.asarray(self.decisions == label)

    def draw_sites(self, *, n_boot: int, seed: int) -> SiteDraws:
        """Return n_boot draws of the sites of these clips; where chances differ, all must have one."""
        draws = SiteDraws.of(self.site_codes, n_boot=n_boot, seed=seed, event_codes=self.event_codes)
        chances = self.choice.find_chances(self.clip_ids)
        return draws if chances is None else replace(draws, counts=find_counts(chances))

    def require_labels(self) -> None:
        """Raise ManifestError where no clip has a true label that the model knows."""
        if not self.is_known.any():
            n_labelled = int((self.y >= 0).sum()) + self.n_without_prediction
            raise ManifestError(
                "no clip has both a prediction and a true label",
                where="manifest",
                found=f"{len(self)} predictions, {n_labelled} labelled clips, none in common",
                todo="evaluate against the manifest that was predicted (paths relative to the same root)",
            )

    def select(self, keep: Bools) -> LabelledClips:
        """Return the clips where `keep`, bool [M], is true."""
        of_clips = (
            *("clip_ids", "probs", "y", "site_codes", "decisions", "rules", "alerts", "bundle_ids"),
            *("presence", "named", "event_codes", "in_training"),
        )
        values = {name: getattr(self, name) for name in of_clips}
        return replace(self, **{name: x[keep] for name, x in values.items() if x is not None})

    def drop_copies(self) -> LabelledClips:
        """Return the clips without those that are a copy of another one; a copy of a taught clip is taught.

        See `clip_units.find_copies`.
        """
        codes = code_copies(self.probs, self.site_codes, self.truth, self.decisions)
        is_copy = find_copies(codes, self.clip_ids)
        parts = None if self.in_training is None else taught_clips.join_parts(self.in_training, codes)
        return replace(replace(self, in_training=parts).select(~is_copy), n_copies=int(is_copy.sum()))

    def replace_probs(self, probs: Floats) -> LabelledClips:
        """Return the clips with these probabilities, float64 [M, C], the likeliest label as decision, no alerts.

        Of independent labels, those that are `said` are named; where none is, the decision is 'unsure'.
        """
        clips = replace(self, probs=probs, alerts=np.zeros(probs.shape, bool))
        if self.presence is not None:
            said = clips.said
            none = np.where(clips.is_readable, UNSURE, UNREADABLE)
            best = np.array(self.labels, object)[np.where(said, np.nan_to_num(probs), -1.0).argmax(axis=1)]
            decisions = np.where(said.any(axis=1), best, none).astype(object)
            rule_of = {UNSURE: "abstained", UNREADABLE: "none", EMPTY: "empty"}
            by_half = np.array([rule_of.get(x, "species") for x in decisions] + [None], object)[:-1]
            return replace(clips, decisions=decisions, rules=by_half, named=said)
        decisions = np.array([*self.labels, UNREADABLE], object)[clips.likeliest]
        rules = np.where(clips.is_readable, np.where(decisions == EMPTY, "empty", "species"), "none")
        return replace(clips, decisions=decisions, rules=rules.astype(object))

    def leave_out_training_sites(self, *, keep: bool = False) -> LabelledClips:
        """Return the clips that may judge the model: not those that it learned from, nor others of their sites.

        keep: only count them, so that figures are named accordingly. Raises ManifestError where no labelled clip is
        left: the model would look surer than it is. See `find_parts`.
        """
        parts = self.in_training if self.in_training is not None else np.full(len(self), None, object)
        is_judge, taught = taught_clips.separate_taught(parts, self.clip_ids, self.y >= 0, keep=keep)
        return replace(self.select(is_judge), taught=taught)


def _column(table: pd.DataFrame, name: str) -> pd.Series[str]:
    return table[name] if name in table.columns else pd.Series(None, index=table.index, dtype=object)
