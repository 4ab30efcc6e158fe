"""Intervals of figures per label, worked out by hand where no draw differs from the whole."""

import numpy as np
import pandas as pd
import pytest

from leopardnet.metrics.bootstrap import SiteDraws
from leopardnet.metrics.clip_figures import add_rankings, label_figures
from leopardnet.metrics.labelled_clips import LabelledClips

LABELS = ("leopard", "deer")


def figures_of(sites):
    """Figures of clips given per site as (label it shows, label it was given), each one of LABELS or None."""
    site = np.repeat(np.arange(len(sites)), [len(x) for x in sites])
    pairs = [pair for clips in sites for pair in clips]
    shows, said = (np.array([[p[k] == x for x in LABELS] for p in pairs], bool).reshape(-1, 2) for k in (0, 1))
    draws = SiteDraws.of(site, n_boot=50, seed=0)
    columns = (shows & said, shows, said, np.ones_like(shows))
    counts = [[draws.count_clips(x[:, i]) for x in columns] for i in range(len(LABELS))]
    per_site = np.moveaxis(np.array(counts), 2, 0)  # [S, C, 4]
    drawn = np.tensordot(draws.weights, per_site, axes=1)
    return label_figures(LABELS, per_site, drawn, draws, shows=shows, said=said)


def test_what_is_wrongly_said_at_a_site_counts_as_one_mistake():
    # 0 of 8 given the label at two sites, all wrong: a correlation of 1, so 8 / (1 + 3) = 2 independent clips.
    # t of 1 + 4 degrees of freedom is 2.57058; q = 2.57058² / 2 = 3.30395; the upper end is q / (1 + q).
    table, _ = figures_of([[("deer", "leopard")] * 4] * 2)
    row = table.loc["leopard"]
    assert (row["precision"], row["precision_low"]) == (0, 0)
    assert row["precision_high"] == pytest.approx(0.76765, abs=1e-5)
    # 8 of 8 are right: a correlation of 0.2, 8 / (1 + 3 · 0.2) = 5; 1 / (1 + 2.57058² / 5) = 0.43074.
    right = figures_of([[("leopard", "leopard")] * 4] * 2)[0].loc["leopard"]
    assert (right["precision_high"], right["recall_high"]) == (1, 1)
    assert (right["precision_low"], right["recall_low"]) == pytest.approx((0.43074, 0.43074), abs=1e-5)


def test_macro_f1_is_known_as_well_as_its_rarest_label_allows():
    # One label has 5 clips at each of 4 sites, 20 / 1.8 = 11.111; the other 1 at two of them, 2. All mistakes may
    # be of the rare one, with one half of the weight, so the mean is known as well as a share of 2 · 2 = 4 clips.
    # t of 3 + 4 degrees of freedom is 2.36462; 1 / (1 + 2.36462² / 4) = 0.41704.
    deer, leopard = [("deer", "deer")] * 5, [("leopard", "leopard")]
    _, macro_f1 = figures_of([deer + leopard, deer + leopard, deer, deer])
    assert (macro_f1.value, macro_f1.high) == (1, 1) and macro_f1.low == pytest.approx(0.41704, abs=1e-5)


def test_one_site_has_no_interval_and_a_label_without_clips_no_value():
    table, macro_f1 = figures_of([[("deer", "deer")] * 3])
    assert (macro_f1.value, macro_f1.low) == (1, None)
    assert np.isnan(table.loc["leopard", "recall"]) and np.isnan(table.loc["deer", "recall_low"])


def test_two_clips_ranked_above_two_others_are_four_comparisons():
    # Two sites with a clip of each label, ranked without a mistake: 2 clips of the rarer label against 2 others.
    # t of 1 + 4 degrees of freedom is 2.57058; 1 / (1 + 2.57058² / 4) = 0.37708.
    leopard = np.array([0.9, 0.1, 0.8, 0.2])
    clips = LabelledClips.from_arrays(
        LABELS, np.stack([leopard, 1 - leopard], axis=1), np.array([0, 1, 0, 1]), np.array([0, 0, 1, 1])
    )
    table = pd.DataFrame(index=list(LABELS))
    add_rankings(table, clips, clips.draw_sites(n_boot=50, seed=0))
    row = table.loc["leopard"]
    assert (row["auroc"], row["auroc_high"]) == (1, 1) and row["auroc_low"] == pytest.approx(0.37708, abs=1e-5)
