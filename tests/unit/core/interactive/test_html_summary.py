"""What notebooks show of manifests, predictions, evaluations, runs and bundles."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from leopardnet.core.interactive.html_summary import count_values, summarise_as_html
from leopardnet.core.manifest import Manifest
from leopardnet.evaluation.full_evaluation import evaluate
from leopardnet.training.runs.run import read_run
from simulated_clips import simulate_clips


def assert_short_and_private(html, folder):
    assert len(html) < 6000 and "<img" not in html and "<script" not in html
    assert str(folder) not in html and str(Path.home()) not in html


def test_a_table_is_cut_after_twelve_rows_and_says_so():
    html = summarise_as_html("many", {}, pd.DataFrame({"n": range(14)}))
    assert html.count("<tr") == 1 + 12 and "and 2 more rows" in html
    assert "more row" not in summarise_as_html("few", {}, pd.DataFrame({"n": range(12)}))
    assert "and 1 more row<" in summarise_as_html("one more", {}, pd.DataFrame({"n": range(13)}))


def test_only_the_most_frequent_values_are_named():
    assert count_values(pd.Series([], dtype=object)) == ""
    names = [f"label{i:02d}" for i in range(14)]
    assert count_values(pd.Series([*names, "label00"])).startswith("label00 2, ")
    assert count_values(pd.Series(names)).endswith(", 2 more")


def test_a_manifest_shows_its_labels_and_nothing_that_a_browser_would_run(tmp_path):
    rows = pd.DataFrame(
        {
            "path": ["a/1.jpg", "a/2.jpg", "b/3.jpg"],
            "kind": "still",
            "site": ["<script>alert(1)</script>", "b", "b"],
            "label": ["<img src=x>", None, "tiger"],
            "captured_at": [pd.Timestamp("2021-07-03"), pd.NaT, pd.Timestamp("2021-09-01")],
        }
    )
    html = Manifest.from_rows(rows, tmp_path)._repr_html_()
    assert "Manifest of 3 rows, 3 clips" in html and "sites: 2" in html and "still 3" in html
    assert "2021-07-03 to 2021-09-01" in html and "no split" in html
    assert "&lt;img src=x&gt;" in html and "(no label)" in html
    assert_short_and_private(html, tmp_path)


def test_an_empty_manifest_is_shown_too(tmp_path):
    html = Manifest.from_rows(pd.DataFrame({"path": [], "kind": []}), tmp_path)._repr_html_()
    assert "Manifest of 0 rows, 0 clips" in html and "dates: not known" in html


def test_predictions_and_evaluation_say_what_was_said(tmp_path):
    predictions, manifest = simulate_clips(tmp_path, n_sites=4, per_site=10)
    html = predictions._repr_html_()
    n_empty = int((predictions.table["decision"] == "empty").sum())
    assert "Predictions of 40 clips" in html and "not readable: 0" in html
    assert f"<th>empty</th>\n      <td>{n_empty}</td>" in html
    alerts = predictions.table["alerts"].dropna()
    n_leopard = int(alerts.str.split(" + ", regex=False).map(lambda names: "leopard" in names).sum())
    assert f"leopard {n_leopard}" in html
    assert_short_and_private(html, tmp_path)
    found = evaluate(predictions, manifest, n_boot=50)
    shown = found._repr_html_()
    assert "Evaluation of 40 clips from 4 sites" in shown
    assert f"likeliest label, macro-F1: {found.macro_f1}" in shown
    assert shown.index("called empty") < shown.index("likeliest label"), "what is said comes first"
    support = found.per_label["support"]
    n_lost = found.target_lost["leopard"]
    assert f"<li>animals called empty: leopard {n_lost} of {support['leopard']}, " in shown
    absent = replace(found, per_label=found.per_label.assign(support=support.where(support.index != "tiger", 0)))
    assert "tiger 0" not in absent._repr_html_().split("empty clips removed")[0], "of no clip there is no figure"
    assert_short_and_private(shown, tmp_path)


def test_a_run_and_its_bundle_are_shown_without_the_place_where_they_lie(tiny_run, tiny_bundle):
    pytest.importorskip("torch", reason="the extra [train] is not installed")
    html = read_run(tiny_run.folder)._repr_html_()
    assert f"Run {tiny_run.folder.name}" in html and "val macro-F1" in html
    assert f"kept epoch: {tiny_run.best['epoch']}" in html
    assert_short_and_private(html, tiny_run.folder.parent)
    shown = tiny_bundle._repr_html_()
    assert tiny_bundle.id in shown and "test_efficientnet at 64 px" in shown and "leopard" in shown
    assert_short_and_private(shown, tiny_bundle.folder.parent)
