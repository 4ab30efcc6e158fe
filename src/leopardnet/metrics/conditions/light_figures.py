"""Figures by infrared light beside those in colour: what was named, what was lost, and the gap between the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from leopardnet.core.footage.light import COLOUR, INFRARED, LIGHTS
from leopardnet.core.labels import EMPTY, list_names
from leopardnet.metrics.bootstrap import Estimate, SiteDraws, count_known
from leopardnet.metrics.clip_figures import count_said, label_figures
from leopardnet.metrics.guarantees.archive import find_archived
from leopardnet.metrics.labelled_clips import Bools, LabelledClips

NO_LIGHT = "No figures by light: it is not recorded in these results (`evaluate --by light` opens the files)"
MOST_NAMES = 4  # of more labels a sentence names three
WORDS = {INFRARED: "by infrared light", COLOUR: "in colour"}


@dataclass(frozen=True, eq=False)
class LightFigures:
    """The figures of clips by infrared light and in colour.

    counts: index light (only those that occur), columns n_clips, n_sites (those known). outcomes: index light,
    label (only those with a clip), columns n_clips; n_right, whose decision names the label; n_archived, called
    empty without an alert, so that nobody looks at them: of an animal these are lost.
    shared: labels that occur by both lights, none if there is only one, of which no mean can be made; macro_f1: of
    the likeliest labels, over these labels and their clips alone, by light; gap: that by infrared light minus that
    in colour. n_unknown: clips of which the light is not known, which have no part in the figures.
    """

    counts: pd.DataFrame
    outcomes: pd.DataFrame
    shared: tuple[str, ...]
    macro_f1: Mapping[str, Estimate]
    gap: Estimate
    n_unknown: int

    @property
    def sentences(self) -> list[str]:
        """What follows from the figures and what they lack, without full stops."""
        if self.counts.empty:
            return [NO_LIGHT]
        said = []
        if len(self.counts) == 1:
            (light,) = self.counts.index
            (other,) = set(LIGHTS) - {light}
            all_of = "All clips" if not self.n_unknown else "All clips of known light"
            said.append(f"{all_of} were taken {WORDS[light]}: the figures say nothing of clips {WORDS[other]}")
        elif not self.shared:
            said.append("Fewer than two labels have clips of both lights, so night and day cannot be compared")
        else:
            most = MOST_NAMES - (len(self.shared) > MOST_NAMES)
            gap, names = self.gap.format(2), list_names(self.shared, most=most)
            said.append(f"Macro-F1 by infrared light minus that in colour, over {names}: {gap}")
        if self.n_unknown:
            said.append(f"Clips of unknown light, which are left out here: {self.n_unknown}")
        return said

    def list_rows(self, *, most: int | None = None) -> list[dict[str, str]]:
        """Return a table for people: a column for each light that occurs; most: labels, the most frequent ones."""
        counts = self.counts.to_dict("index")
        if not counts:
            return []
        rows = [
            {"": "clips (sites)", **{str(x): f"{n['n_clips']} ({n['n_sites'] or '–'})" for x, n in counts.items()}}
        ]
        if self.shared:
            rows.append({"": "macro-F1, labels of both", **{x: self.macro_f1[x].format(2) for x in self.macro_f1}})
        labels = self.outcomes.groupby("label", sort=False)["n_clips"].sum()
        kept = set(labels.sort_values(ascending=False, kind="stable").index[:most])
        for label in (str(x) for x in labels.index if x in kept):
            cells = {str(x): self._describe(str(x), label) for x in counts}
            rows.append({"": "empty: archived" if label == EMPTY else f"{label}: named right", **cells})
        return rows

    def _describe(self, light: str, label: str) -> str:
        row = self._list_outcomes(light).get(label)
        if row is None:
            return "no clip"
        if label == EMPTY:
            return f"{row['n_archived']} of {row['n_clips']}"
        return f"{row['n_right']} of {row['n_clips']}, {row['n_archived']} lost"

    def _list_outcomes(self, light: str) -> dict[str, dict[str, int]]:
        """Return the row of each label that has clips by this light."""
        of_light = self.outcomes[self.outcomes.index.get_level_values("light") == light].droplevel("light")
        return {str(k): {str(c): int(n) for c, n in row.items()} for k, row in of_light.to_dict("index").items()}

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        of_light: dict[str, Any] = {
            str(light): {
                **{str(k): int(n) for k, n in row.items()},
                "macro_f1": self.macro_f1[str(light)].to_dict() if self.shared else None,
                "labels": self._list_outcomes(str(light)),
            }
            for light, row in self.counts.to_dict("index").items()
        }
        return {
            **of_light,
            "shared_labels": list(self.shared),
            "gap": self.gap.to_dict(),
            "n_unknown": self.n_unknown,
            "says": self.sentences,
        }


def evaluate_light(
    clips: LabelledClips, lights: pd.Series[Any], *, n_boot: int = 1000, seed: int = 7
) -> LightFigures:
    """Return the figures by light; lights: by clip_id, of `core.footage.light.find_clip_lights`.

    Clips of labels that the model was not taught have no part. The interval of the gap is made of those of both
    figures as if they were independent (Newcombe 1998), so that it is not too narrow where one light has few clips.
    """
    known = clips.select(clips.is_known)
    light = pd.Series(known.clip_ids).map(lights).to_numpy(object)
    draws = known.draw_sites(n_boot=n_boot, seed=seed)
    shows = np.stack([known.shows(x) for x in known.labels], axis=1)  # bool [M, C]
    one = known.likeliest[:, None] == np.arange(len(known.labels))
    said = one if known.presence is None else known.said
    masks = {x: light == x for x in LIGHTS if (light == x).any()}
    counts = {x: (int(of.sum()), count_known(known.sites[of])) for x, of in masks.items()}
    shared = _find_shared(shows, list(masks.values()))
    macro_f1, gap = _compare_lights(known.labels, shows, said, masks, shared, draws)
    return LightFigures(
        counts=pd.DataFrame.from_dict(counts, orient="index", columns=["n_clips", "n_sites"]).rename_axis("light"),
        outcomes=_count_outcomes(known, shows, masks),
        shared=tuple(known.labels[i] for i in shared),
        macro_f1=macro_f1,
        gap=gap,
        n_unknown=len(known) - sum(int(of.sum()) for of in masks.values()),
    )


def _find_shared(shows: Bools, masks: Sequence[Bools]) -> list[int]:
    """Return the classes that have a clip by both lights; none where there is one light or one such class."""
    if len(masks) < len(LIGHTS):
        return []
    shared = np.flatnonzero(np.all([shows[of].any(axis=0) for of in masks], axis=0)).tolist()
    return shared if len(shared) > 1 else []


def _compare_lights(
    labels: Sequence[str],
    shows: Bools,
    said: Bools,
    masks: Mapping[str, Bools],
    shared: list[int],
    draws: SiteDraws,
) -> tuple[dict[str, Estimate], Estimate]:
    """Return the macro-F1 of each light over the clips of the shared labels, and the gap of infrared to colour."""
    if not shared:
        return {}, Estimate(float("nan"))
    names, of_shared = [labels[i] for i in shared], shows[:, shared].any(axis=1, keepdims=True)
    macro: dict[str, Estimate] = {}
    for light, of in masks.items():
        part = of[:, None] & of_shared
        shown, named = shows[:, shared] & part, said[:, shared] & part
        per_site, drawn = count_said(named, shown, draws)
        macro[light] = label_figures(names, per_site, drawn, draws, shows=shown, said=named)[1]
    return macro, _subtract(macro[INFRARED], macro[COLOUR])


def _subtract(a: Estimate, b: Estimate) -> Estimate:
    """Return a - b; without an interval where one of the two has none."""
    value = a.value - b.value
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return Estimate(value)
    down = np.hypot(a.value - a.low, b.high - b.value)
    return Estimate(value, float(value - down), float(value + np.hypot(a.high - a.value, b.value - b.low)))


def _count_outcomes(known: LabelledClips, shows: Bools, masks: Mapping[str, Bools]) -> pd.DataFrame:
    archived = find_archived(known)
    rows = {
        (light, label): [int(of.sum()), int((of & known.names(label)).sum()), int((of & archived).sum())]
        for light, in_light in masks.items()
        for label, shown in zip(known.labels, shows.T, strict=True)
        if (of := in_light & shown).any()
    }
    index = pd.MultiIndex.from_tuples(list(rows), names=["light", "label"])
    return pd.DataFrame(list(rows.values()), index, columns=["n_clips", "n_right", "n_archived"])
