"""A small predictions table for the tests of the report."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.pages.palette import label_styles


@pytest.fixture
def styles():
    return label_styles(("leopard", "tiger", "empty"), None)


@pytest.fixture
def clips():
    """A function from rows to a table: clip_id, p_leopard, p_tiger, p_empty, decision, alert; nan: unreadable."""

    def table_of(*rows):
        table = pd.DataFrame(rows, columns=["clip_id", "p_leopard", "p_tiger", "p_empty", "decision", "alert"])
        probs = table[["p_leopard", "p_tiger", "p_empty"]]
        rules = {"leopard": "species", "tiger": "species", "empty": "empty", "animal": "rolled_up"}
        rules |= {"unsure": "abstained", "unreadable": "none"}
        return table.assign(
            path=table["clip_id"] + ".avi",
            kind="video",
            site=None,
            reason=None,
            best_time_s=0.0,
            score=probs.max(axis=1),
            rule=table["decision"].map(rules),
            status=np.where(probs.isna().any(axis=1), "unreadable", "ok"),
        )

    return table_of
