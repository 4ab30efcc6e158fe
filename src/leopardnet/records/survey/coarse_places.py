"""Places that their owners do not show exactly: rounded before anything is computed from them."""

from __future__ import annotations

import numpy as np
import pandas as pd

_M_PER_DEGREE = 111_195


def coarsen(table: pd.DataFrame, step: float) -> pd.DataFrame:
    """Return the table with the places that their owner does not show (`exact_place` no) rounded to `step` degrees.

    Column is_hidden says which. The coordinate uncertainty of these rows becomes half the diagonal of a step, so
    what is computed from them says how little is known.

    >>> rows = pd.DataFrame({"latitude": [43.26], "longitude": [131.44], "exact_place": ["no"]})
    >>> coarsen(rows, 0.1)[["latitude", "longitude", "is_hidden"]].round(3).values.tolist()
    [[43.3, 131.4, True]]
    """
    none = pd.Series(None, index=table.index, dtype=object)
    hidden = table.get("exact_place", none).astype(object).eq("no")
    given = table.get("coordinate_uncertainty_m", none).astype("float64")
    rough = {x: table[x].where(~hidden, (table[x] / step).round() * step) for x in ("latitude", "longitude")}
    widened = given.where(~hidden, np.fmax(given, step * _M_PER_DEGREE / np.sqrt(2)))
    return table.assign(**rough, is_hidden=hidden, coordinate_uncertainty_m=widened)
