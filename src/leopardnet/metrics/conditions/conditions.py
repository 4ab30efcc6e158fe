"""The figures of an evaluation by the conditions of filming, from what was recorded of the classified frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from leopardnet.core.footage.light import find_clip_lights
from leopardnet.metrics.conditions.box_sizes import count_by_size, find_box_sizes
from leopardnet.metrics.conditions.light_figures import LightFigures, evaluate_light
from leopardnet.metrics.labelled_clips import LabelledClips


@dataclass(frozen=True, eq=False)
class Conditions:
    """Figures by light; and by size of the animal (`count_by_size`), without a row where no detector was run."""

    light: LightFigures
    sizes: pd.DataFrame

    def to_tables(self) -> dict[str, pd.DataFrame]:
        """Return the tables to write, by file name without suffix; none without a row."""
        tables = {"light": self.light.outcomes, "sizes": self.sizes}
        return {name: table.reset_index() for name, table in tables.items() if len(table)}

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        sizes = {str(k): {c: int(n) for c, n in row.items()} for k, row in self.sizes.to_dict("index").items()}
        return {"light": self.light.to_dict(), "box_sizes": sizes}


def evaluate_conditions(
    clips: LabelledClips,
    frames: pd.DataFrame,
    *,
    lights: pd.Series[Any] | None = None,
    n_boot: int = 1000,
    seed: int = 7,
) -> Conditions:
    """Return the figures by light and by size of the animal.

    frames: rows of an evidence table. lights: by clip_id, where they are known from the footage; else those that
    the frames have noted.
    """
    light = evaluate_light(clips, find_clip_lights(frames) if lights is None else lights, n_boot=n_boot, seed=seed)
    return Conditions(light, count_by_size(clips, find_box_sizes(frames)))
