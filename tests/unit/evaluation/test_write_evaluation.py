"""An evaluation on disk: tables, metrics.json, and nothing left of an earlier one."""

import json

import pandas as pd
import pytest

from leopardnet.evaluation.full_evaluation import evaluate_all
from leopardnet.evaluation.write_evaluation import write_evaluation
from simulated_clips import simulate_clips


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return simulate_clips(tmp_path_factory.mktemp("root"))


@pytest.fixture(scope="module")
def found(made):
    return evaluate_all(*made, by=["site"], n_boot=20)


def test_all_of_it_is_written_and_is_json(found, tmp_path):
    folder = write_evaluation(found, tmp_path / "eval")
    metrics = json.loads(
        (folder / "metrics.json").read_text(), parse_constant=lambda c: pytest.fail(f"{c} is no JSON")
    )
    assert {
        "n_clips",
        "macro_f1",
        "top1",
        "per_label",
        "ece",
        "brier",
        "events",
        "aggregators",
        "baselines",
        "slices",
    } <= set(metrics)
    assert metrics["slices"]["site"]["s000"]["n_clips"] == 25 and set(metrics["empties_removed"]) == {
        "0.95",
        "0.99",
    }
    leopard = metrics["per_label"]["leopard"]
    assert (
        set(leopard["auprc"]) == {"value", "low", "high"} and leopard["precision_at_rarity"]["prevalence"] == 0.01
    )
    written = {p.name for p in folder.glob("*.csv")}
    assert {
        "per_label.csv",
        "review.csv",
        "coverage.csv",
        "empties.csv",
        "targets.csv",
        "events.csv",
        "by_site.csv",
        "mistakes.csv",
    } <= written
    assert pd.read_csv(folder / "events.csv")["n_clips"].sum() == 300


def test_tables_that_another_evaluation_lacks_do_not_stay(made, found, tmp_path):
    folder = write_evaluation(found, tmp_path)
    (folder / "notes.csv").write_text("mine")
    write_evaluation(found.clips, folder)
    left = {p.name for p in folder.glob("*.csv")}
    assert left == {f"{name}.csv" for name in found.clips.to_tables()} | {"notes.csv"}
