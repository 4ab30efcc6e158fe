"""Runs beside each other, from run folders written by hand."""

import json
import math
import re

import pytest
import yaml

from leopardnet.core.errors import ConfigError
from leopardnet.training.runs.compare_runs import compare_runs
from leopardnet.training.runs.run import read_run
from leopardnet.training.runs.runs_page import write_runs_page
from leopardnet.training.runs.show_runs import show_runs


def write_run(folder, *, lr, f1=(0.5, 0.7), kept=1, state="finished", key="footage 1", name="one"):
    folder.mkdir(parents=True)
    settings = {"seed": 7, "optim": {"lr": lr, "epochs": 2}, "experiment": {"name": name, "question": name * 50}}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings), "utf-8")
    known = {"state": state, "key": key} | ({} if kept is None else {"kept_epoch": kept})
    (folder / "state.json").write_text(json.dumps(known), "utf-8")
    rows = [{"epoch": i, "val_macro_f1": x, "val_nll": 1 - x} for i, x in enumerate(f1)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def test_the_best_run_is_first_and_only_what_differs_is_shown(tmp_path):
    write_run(tmp_path / "a", lr=0.1)
    write_run(tmp_path / "deep" / "b", lr=0.01, f1=(0.9, 0.8), kept=0)
    table = compare_runs(tmp_path)
    assert list(table.columns) == ["run", "state", "kept_epoch", "macro_f1", "nll", "footage", "optim.lr"]
    assert table["run"].tolist() == ["deep/b", "a"] and table["macro_f1"].tolist() == [0.9, 0.7]
    assert table["nll"].round(3).tolist() == [0.1, 0.3] and table["optim.lr"].tolist() == [0.01, 0.1]


def test_one_run_unfinished_runs_and_other_footage_are_rows_too(tmp_path):
    write_run(tmp_path / "a", lr=0.1)
    assert compare_runs(tmp_path / "a")["run"].tolist() == ["a"]
    write_run(tmp_path / "b", lr=0.1, state="running", kept=None, key="footage 2")
    table = compare_runs(tmp_path)
    assert table["state"].tolist() == ["finished", "unfinished"] and math.isnan(table["macro_f1"].iloc[1])
    assert table["footage"].tolist() == ["A", "B"] and "optim.lr" not in table


def test_a_damaged_run_has_a_row_and_hides_no_other(tmp_path):
    write_run(tmp_path / "a", lr=0.1)
    write_run(tmp_path / "b", lr=0.2)
    write_run(tmp_path / "c", lr=0.3)
    (tmp_path / "b" / "state.json").write_text("{")
    (tmp_path / "c" / "metrics.jsonl").write_text("no json\n")
    table = compare_runs(tmp_path).set_index("run")
    assert table.loc["a", "macro_f1"] == 0.7
    assert table["state"].to_dict() == {"a": "finished", "b": "unreadable", "c": "unreadable"}


def test_the_folds_of_a_run_are_no_runs(tmp_path):
    write_run(tmp_path / "a", lr=0.1)
    write_run(tmp_path / "a" / "folds" / "0", lr=0.1)
    assert compare_runs(tmp_path)["run"].tolist() == ["a"]


def test_settings_keep_their_digits_and_labels_are_names(tmp_path):
    write_run(tmp_path / "a", lr=0.0005)
    write_run(tmp_path / "b", lr=0.00046, kept=None, state="failed")
    for run, names in (("a", ["leopard", "empty"]), ("b", ["tiger"])):
        path = tmp_path / run / "config.yaml"
        labels = {"labels": [{"name": x, "rank": "species"} for x in names]}
        path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text("utf-8")) | {"labels": labels}), "utf-8")
    about, settings = show_runs(compare_runs(tmp_path))
    assert settings == [
        {"optim.lr": "0.0005", "labels": "leopard, empty"},
        {"optim.lr": "0.00046", "labels": "tiger"},
    ]
    assert about == [
        {"run": "a", "state": "finished", "kept epoch": "1", "macro-F1": "0.700", "NLL": "0.300"},
        {"run": "b", "state": "failed", "kept epoch": "–", "macro-F1": "–", "NLL": "–"},
    ]


def test_a_folder_without_runs_is_refused_with_what_makes_one(tmp_path):
    with pytest.raises(ConfigError, match="this folder holds no run") as caught:
        compare_runs(tmp_path)
    assert "leopardnet train MANIFEST --out runs/first" in str(caught.value)
    with pytest.raises(ConfigError, match="there is no such folder"):
        compare_runs(tmp_path / "gone")


def test_the_page_shows_every_run_and_runs_nothing(tmp_path):
    write_run(tmp_path / "a", lr=0.1, name="<script>alert(1)</script>")
    write_run(tmp_path / "b", lr=0.2, state="running", kept=None)
    page = write_runs_page(compare_runs(tmp_path), tmp_path / "runs.html").read_text("utf-8")
    cells = dict(re.findall(r'<td data-label="([^"]+)">([^<]*)</td>', page.split("<tr>")[2]))
    name = "&lt;script&gt;alert(1)&lt;/script&gt;"
    known = {"run": "a", "state": "finished", "kept epoch": "1", "macro-F1": "0.700", "NLL": "0.300"}
    assert cells == known | {"optim.lr": "0.1", "experiment.name": name}
    assert '<td data-label="state">unfinished</td><td data-label="kept epoch">–</td>' in page
    assert "&lt;script&gt;" in page and "<script" not in page and str(tmp_path) not in page


def test_an_unfinished_run_and_none_are_told_apart(tmp_path):
    write_run(tmp_path / "a", lr=0.1, state="running", kept=None)
    with pytest.raises(ConfigError, match="this run is not finished"):
        read_run(tmp_path / "a")
    with pytest.raises(ConfigError, match="this folder holds no run"):
        read_run(tmp_path)
