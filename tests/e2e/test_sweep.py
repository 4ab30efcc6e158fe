"""`leopardnet train -m` and `leopardnet runs`, as a user gives them."""

import json

import pytest
from command_line import leopardnet

from leopardnet.cli.model_verbs.sweep import name_job
from leopardnet.compose import expand_sweep
from leopardnet.core.errors import ConfigError

pytest.importorskip("torch", reason="the extra [train] is not installed")


@pytest.fixture(scope="module")
def sweep(labelled, tmp_path_factory):
    """A sweep over two values, of which one cannot be used: its folder, and what was said."""
    here = tmp_path_factory.mktemp("sweep")
    manifest = labelled.write(here / "m.parquet")
    settings = ("debug=smoke", "optim.batch_size=4,0")
    said = leopardnet("train", manifest, "--out", here / "runs", "-m", *settings, code=3)
    return here / "runs", said


def test_a_job_that_fails_does_not_end_the_others(sweep):
    runs, (table, said) = sweep
    assert "run 1 of 2: optim.batch_size=4" in said and "run 2 of 2: optim.batch_size=0" in said
    assert "this run failed with exit code 1: optim.batch_size=0\n" in said, "no other goes on after the last"
    assert "failed: optim.batch_size=0" in said and "failed: optim.batch_size=4" not in said
    assert (runs / "optim.batch_size=4" / "bundle" / "card.md").is_file()
    assert "optim.batch_size=4" in table and "optim.batch_size=0" not in table
    assert "for an order, not for a claim" in said


def test_runs_lists_them_and_writes_a_page(sweep):
    runs, _ = sweep
    out, said = leopardnet("runs", runs, "--json", "--html", runs / "runs.html")
    (row,) = json.loads(out)
    assert row["run"] == "optim.batch_size=4" and row["state"] == "finished" and 0 <= row["macro_f1"] <= 1
    assert "written: " in said and "optim.batch_size=4" in (runs / "runs.html").read_text("utf-8")


def test_a_folder_without_runs_is_an_error(tmp_path):
    _, said = leopardnet("runs", tmp_path, code=1)
    assert "this folder holds no run" in said and "leopardnet train MANIFEST --out runs/first" in said


def test_every_combination_is_a_run_and_settings_of_one_value_are_in_all():
    jobs = expand_sweep(["model=lite0,tiny", "seed=7", "optim.lr=1e-3,1e-4"])
    assert [swept for _, swept in jobs] == [
        ["model=lite0", "optim.lr=0.001"],
        ["model=lite0", "optim.lr=0.0001"],
        ["model=tiny", "optim.lr=0.001"],
        ["model=tiny", "optim.lr=0.0001"],
    ]
    assert jobs[0][0] == ["model=lite0", "seed=7", "optim.lr=0.001"]
    assert expand_sweep([]) == [([], [])]
    assert expand_sweep(["seed=7", "optim.lr=1e-3"]) == [(["seed=7", "optim.lr=1e-3"], ["optim.lr=0.001"])]
    assert expand_sweep(["model=lite0"]) == [(["model=lite0"], ["model=lite0"])]
    with pytest.raises(ConfigError, match="cannot be read"):
        expand_sweep(["optim.lr=[1"])


def test_the_folder_of_a_run_is_named_after_its_values_where_a_name_can_hold_them():
    assert name_job(["model=lite0", "optim.lr=0.001"], 3) == "model=lite0,optim.lr=0.001"
    assert name_job([], 0) == "run00" and name_job(["augment.name=" + "x" * 200], 12) == "run12"
    assert "/" not in name_job(["model.weights=../a/b.pth"], 0)
